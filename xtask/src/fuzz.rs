//! Fuzzing: every fuzz target for some minutes, starting from the seeds and the corpus of earlier runs.
//!
//! The corpus of a run stays in `target/fuzz`. `fuzz/seeds` is committed and small, and the fixtures are
//! seeds too. The code under test has no `unsafe`, so no sanitizer is enabled by default: a run is several
//! times faster without one, and panics, overflows, timeouts and excessive memory use are still detected.
//! Not here: the checks, which are in `fuzz/src`.

mod log;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::Crate;
use crate::ui::{Mark, Step};
use crate::{Verdict, nightly, repo, shell, tools, ui};
use log::Log;

/// Arguments of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in minutes; 0 runs only the seeds
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// A fuzz target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// The sanitizer to enable: `none`, or one that nightly has, such as `address`
    #[arg(long, default_value = "none")]
    sanitizer: String,
    /// Minimise the corpus of earlier runs by coverage before running
    #[arg(long)]
    merge: bool,
}

const CARGO_FUZZ: Crate<'static> = Crate {
    name: "cargo-fuzz",
    version: "0.13.2",
};

/// A fuzz target, and its maximum input length in bytes.
struct Target {
    name: &'static str,
    longest: usize,
}

const fn target(name: &'static str, longest: usize) -> Target {
    Target { name, longest }
}

/// All of them; `fuzz/Cargo.toml` has a program for each.
const TARGETS: [Target; 11] = [
    target("image", 32_768),
    target("path", 4_096),
    target("jws", 9_000),
    target("jwks", 16_384),
    target("policy", 8_192),
    target("event", 8_192),
    target("cookies", 2_048),
    target("differential", 1_024),
    target("rs256", 1_029),
    target("es256", 129),
    target("sign_in", 4_096),
];

/// The limits per input: seconds, and megabytes of memory.
const TIMEOUT_SECS: u64 = 10;
const MEMORY_MB: u64 = 1_024;

/// Runs the targets one after another.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let chosen = chosen(&args.targets)?;
    println!("{}", nightly::need(&[])?);
    let cargo_fuzz = ui::in_step("cargo-fuzz", |step| tools::program_of(&CARGO_FUZZ, step))?;
    let head = [
        "target",
        "inputs run",
        "per second",
        "coverage",
        "new",
        "kept",
        "findings",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut findings = Vec::new();
    for target in chosen {
        ui::in_step(&format!("build {}", target.name), |step| {
            build(&cargo_fuzz, target, &args.sanitizer, step)
        })?;
        let log = fuzz(target, args)?;
        rows.push(row(target, &log));
        findings.extend(log.finding.map(|file| (target.name, file)));
    }
    println!();
    anstream::print!("{}", ui::table(&rows));
    println!(
        "coverage: edges reached; new: edges that the seeds did not reach; sanitizer: {}",
        args.sanitizer
    );
    for (target, file) in &findings {
        println!("finding in {target}: {file}");
    }
    Ok(Verdict::of(findings.is_empty()))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let find = |name: &String| TARGETS.iter().find(|target| target.name == *name);
    names
        .iter()
        .map(|name| {
            let known = TARGETS.map(|target| target.name).join(", ");
            find(name).with_context(|| format!("no target `{name}`; the targets are {known}"))
        })
        .collect()
}

fn folder() -> PathBuf {
    repo::target().join("fuzz")
}

fn build(cargo_fuzz: &Path, target: &Target, sanitizer: &str, step: &Step) -> Result<()> {
    let program = cargo_fuzz.to_str().context("the path is not UTF-8")?;
    let mut build = nightly::on_nightly(
        program,
        &[
            "fuzz",
            "build",
            "--fuzz-dir",
            "fuzz",
            "--sanitizer",
            sanitizer,
        ],
    );
    build
        .arg("--target-dir")
        .arg(folder().join("build"))
        .arg(target.name);
    shell::must(&mut build, |line| step.line(line)).map(|_| ())
}

/// The program that [`build`] has made. cargo-fuzz always passes the host as the target.
fn program(target: &Target) -> Result<PathBuf> {
    let said = shell::must(&mut nightly::on_nightly("rustc", &["-vV"]), |_| ())?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("nightly's rustc does not report its host")?;
    Ok(folder()
        .join("build")
        .join(host)
        .join("release")
        .join(target.name))
}

/// Runs one target until it ends.
fn fuzz(target: &Target, args: &Args) -> Result<Log> {
    let Target { name, .. } = target;
    let kept = folder().join("corpus").join(name);
    let found = folder().join("findings").join(name);
    for folder in [&kept, &found] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    }
    let seeds = seeds::write(name, &folder().join("seeds").join(name))?;
    let committed = repo::root().join("fuzz/seeds").join(name);
    if args.merge {
        ui::in_step(&format!("merge {name}"), |step| merge(target, &kept, step))?;
    }
    let mut run = command(target)?;
    run.arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-print_final_stats=1", "-reload=0"]);
    // libFuzzer treats a time limit of 0 as "no limit".
    if args.minutes == 0 {
        run.arg("-runs=0");
    } else {
        run.arg(format!("-max_total_time={}", args.minutes * 60));
    }
    run.arg(&kept).arg(&seeds);
    if committed.is_dir() {
        run.arg(&committed);
    }
    let step = Step::start(format!("fuzz {name}"));
    let done = shell::capture(&mut run, |line| step.line(line))?;
    let log = Log::read(&done.text);
    let mark = if done.success { Mark::Good } else { Mark::Bad };
    step.end(mark, &log.to_string());
    if !done.success {
        print!("{}", log::end_of(&done.text));
        if log.finding.is_none() {
            bail!("{} failed without a finding", shell::named(&run));
        }
    }
    Ok(log)
}

/// Removes inputs that add no coverage.
fn merge(target: &Target, kept: &Path, step: &Step) -> Result<()> {
    let reduced = kept.with_extension("reduced");
    fs::create_dir_all(&reduced)?;
    let mut merge = command(target)?;
    merge.arg("-merge=1").arg(&reduced).arg(kept);
    shell::must(&mut merge, |line| step.line(line))?;
    fs::remove_dir_all(kept)?;
    fs::rename(&reduced, kept)?;
    Ok(())
}

fn command(target: &Target) -> Result<Command> {
    let mut command = shell::tool(program(target)?, [format!("-max_len={}", target.longest)]);
    command
        .arg(format!("-timeout={TIMEOUT_SECS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"));
    let words = repo::root().join("fuzz/words").join(target.name);
    if words.is_file() {
        command.arg(format!("-dict={}", words.display()));
    }
    Ok(command)
}

fn row(target: &Target, log: &Log) -> Vec<String> {
    let count = |count: u64| count.to_string();
    vec![
        target.name.to_owned(),
        count(log.runs),
        count(log.per_second),
        count(log.coverage),
        count(log.coverage.saturating_sub(log.coverage_of_seeds)),
        count(log.kept),
        u8::from(log.finding.is_some()).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_of_the_manifest_is_a_target() {
        let manifest = fs::read_to_string(repo::root().join("fuzz/Cargo.toml")).unwrap();
        let mut programs: Vec<&str> = manifest
            .lines()
            .filter_map(|line| {
                line.strip_prefix("path = \"fuzz_targets/")?
                    .strip_suffix(".rs\"")
            })
            .collect();
        programs.sort_unstable();
        let mut names = TARGETS.map(|target| target.name);
        names.sort_unstable();
        assert_eq!(programs, names);
    }

    #[test]
    fn targets_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), TARGETS.len());
        assert_eq!(chosen(&["jws".to_owned()]).unwrap()[0].name, "jws");
        assert!(chosen(&["jwt".to_owned()]).is_err());
    }
}
