//! Mutation testing of the core and of the token layer: each mutant is one small change, and the tests must
//! catch it.
//!
//! cargo-mutants does the work in a copy of the tree. Surviving mutants without an observable effect are
//! listed in `fixtures/mutants.tsv` with the reason; any other survivor is a gap in the tests. A full run
//! takes hours; `--shard` runs a part. Not here: mutants of policies, which `tollgate test --mutate`
//! creates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::{self, Crate};
use crate::{Verdict, repo, shell, ui};

/// Arguments of `mutants`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Mutate only this package: `core` or `token`
    #[arg(long)]
    package: Option<String>,
    /// Run a part of all mutants: `0/8` to `7/8` together are all of them
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Run only mutants whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    re: Option<String>,
    /// List the mutants and run nothing
    #[arg(long)]
    list: bool,
}

const CARGO_MUTANTS: Crate<'static> = Crate {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// The mutated package, and the packages whose tests must catch the mutants: first its own tests, which build
/// and run in seconds; the survivors are then run against all tests.
struct Broken {
    name: &'static str,
    package: &'static str,
    all: &'static [&'static str],
}

const BROKEN: [Broken; 2] = [
    Broken {
        name: "core",
        package: "tollgate-edge-core",
        all: &[
            "tollgate-edge-core",
            "tollgate-spec",
            "tollgate-compiler",
            "tollgate-gate",
        ],
    },
    Broken {
        name: "token",
        package: "tollgate-token",
        all: &[
            "tollgate-token",
            "tollgate-spec",
            "tollgate-crypto",
            "tollgate-gate",
        ],
    },
];

/// Random pairs per mutant in the comparison with the specification.
const PAIRS: &str = "50000";
/// The timeout in seconds, after which a mutant counts as hanging. The tests take a few seconds.
const TIMEOUT_SECS: &str = "60";
const BUILD_TIMEOUT_SECS: &str = "600";
/// Survivors are not a failure of the tool.
const MISSED: i32 = 2;
const TIMED_OUT: i32 = 3;

/// Runs the mutants and lists those that no test caught.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let chosen: Vec<&Broken> = BROKEN
        .iter()
        .filter(|broken| {
            args.package
                .as_deref()
                .is_none_or(|name| name == broken.name)
        })
        .collect();
    if chosen.is_empty() {
        bail!("the packages are `core` and `token`");
    }
    let program = ui::in_step("cargo-mutants", |step| {
        tools::program_of(&CARGO_MUTANTS, step)
    })?;
    let known = known()?;
    let mut good = true;
    for broken in chosen {
        let mut choice = Vec::new();
        for (option, value) in [("--shard", &args.shard), ("--re", &args.re)] {
            if let Some(value) = value {
                choice.extend([option.to_owned(), value.clone()]);
            }
        }
        if args.list {
            choice.push("--list".to_owned());
            shell::hand_over(&mut mutants(&program, broken.package, &[], &choice))?;
            continue;
        }
        let passed = pass(&program, broken, "own", &[broken.package], &choice)?;
        let missed = if passed.is_empty() {
            passed
        } else {
            let choice: Vec<String> = passed.iter().map(|name| only(name)).collect();
            pass(&program, broken, "all", broken.all, &choice)?
        };
        let mut left = known.clone();
        for mutant in &missed {
            match left.get_mut(&without_place(mutant)) {
                Some(Known { times, why }) if *times > 0 => {
                    *times -= 1;
                    println!("known  {mutant}: {why}");
                }
                _ => {
                    good = false;
                    println!("MISSED {mutant}");
                }
            }
        }
        println!("{}: {} missed", broken.name, missed.len());
    }
    Ok(Verdict::of(good))
}

/// Returns the chosen mutants that the tests of `packages` do not catch.
fn pass(
    program: &Path,
    broken: &Broken,
    name: &str,
    packages: &[&str],
    choice: &[String],
) -> Result<Vec<String>> {
    let out = repo::target()
        .join("mutants.out")
        .join(broken.name)
        .join(name);
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", repo::shown(&out)))?;
    let mut mutants = mutants(program, broken.package, packages, choice);
    mutants.args(["--profile", "mutants", "--cap-lints", "true"]);
    mutants.args(["--timeout", TIMEOUT_SECS]);
    // Evaluating a mutated constant may never end.
    mutants.args(["--build-timeout", BUILD_TIMEOUT_SECS, "--output"]);
    mutants.arg(&out).args(["--", "--lib", "--tests"]);
    mutants.env("TOLLGATE_PAIRS", PAIRS);
    let code = shell::hand_over(&mut mutants)?;
    if ![0, MISSED, TIMED_OUT].contains(&code) {
        bail!("cargo-mutants ended with {code}");
    }
    let missed = fs::read_to_string(out.join("mutants.out/missed.txt"))
        .context("cargo-mutants wrote no list")?;
    Ok(missed.lines().map(str::to_owned).collect())
}

fn mutants(program: &Path, package: &str, tests: &[&str], choice: &[String]) -> Command {
    let mut mutants = shell::tool(program, ["mutants", "--package", package]);
    for package in tests {
        mutants.args(["--test-package", package]);
    }
    mutants.args(choice);
    mutants
}

/// Selects only this mutant.
fn only(mutant: &str) -> String {
    let mut option = "--re=^".to_owned();
    for char in mutant.chars() {
        // `\<` would be the start of a word.
        if r"\.+*?()|[]{}^$".contains(char) {
            option.push('\\');
        }
        option.push(char);
    }
    option.push('$');
    option
}

/// Survivors without an observable effect.
#[derive(Clone)]
struct Known {
    /// The number of mutants with this name in the file.
    times: u32,
    why: String,
}

/// The explained survivors, by file and name.
fn known() -> Result<BTreeMap<(String, String), Known>> {
    let path = repo::fixtures().join("mutants.tsv");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", repo::shown(&path)))?;
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, times, mutant, why] = fields[..] else {
                bail!("expected file, number, mutant and reason: {line}");
            };
            let times = times
                .parse()
                .with_context(|| format!("not a number: {line}"))?;
            let why = why.to_owned();
            Ok(((file.to_owned(), mutant.to_owned()), Known { times, why }))
        })
        .collect()
}

/// Returns the change and its file, without the position, because lines move.
fn without_place(mutant: &str) -> (String, String) {
    let (place, what) = mutant.split_once(": ").unwrap_or(("", mutant));
    let file = place.split(':').next().unwrap_or_default();
    (file.to_owned(), what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_are_explained_by_file_and_change() {
        let (file, what) = without_place("crates/core/src/glob.rs:9:5: replace == with != in fits");
        assert_eq!(file, "crates/core/src/glob.rs");
        assert_eq!(what, "replace == with != in fits");
        for (file, _) in known().unwrap().keys() {
            assert!(repo::root().join(file).is_file(), "{file}");
        }
    }

    #[test]
    fn a_mutant_is_selected_by_its_full_name() {
        let name = "src/a.rs:1:2: replace <impl A>::b -> Option<()> with [1]";
        let regex = r"--re=^src/a\.rs:1:2: replace <impl A>::b -> Option<\(\)> with \[1\]$";
        assert_eq!(only(name), regex);
    }
}
