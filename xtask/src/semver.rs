//! Compares the public interface for embedders with that of a git revision.
//!
//! The facade re-exports items of other packages, and cargo-semver-checks does not follow re-exports into
//! other packages. So this module compares the names in the facade, and cargo-semver-checks compares the
//! items in the packages that define them, including items that embedders cannot reach. Not here: the
//! stability policy, which is in the crate documentation of `tollgate-edge`.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::tools::{self, Crate};
use crate::ui::{self, Mark, Step};
use crate::{Verdict, repo, shell};

const TOOL: Crate<'_> = Crate {
    name: "cargo-semver-checks",
    version: "0.51.0",
};
/// The packages whose items the facade re-exports, and the facade itself.
const PACKAGES: [&str; 6] = [
    "tollgate-edge-core",
    "tollgate-token",
    "tollgate-crypto",
    "tollgate-gate",
    "tollgate-host",
    "tollgate-edge",
];
/// The source file of the facade, formatted by rustfmt.
const FACADE: &str = "crates/edge/src/lib.rs";

/// Arguments of `semver`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The git revision to compare with, such as the tag of the last release
    #[arg(long, value_name = "REV")]
    baseline_rev: String,
}

/// Compares names, then package by package. The result is negative if a name was removed, or if a change
/// needs a higher version than the manifest has.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut all = names_are_kept(&args.baseline_rev)?;
    let program = ui::in_step(TOOL.name, |step| tools::program_of(&TOOL, step))?;
    for package in PACKAGES {
        let step = Step::start(package);
        let mut compare = shell::tool(&program, ["semver-checks", "--package", package]);
        compare.args(["--baseline-rev", &args.baseline_rev]);
        let done = shell::capture(&mut compare, |line| step.line(line))?;
        step.end(if done.success { Mark::Good } else { Mark::Bad }, "");
        if !done.success {
            println!("{}", done.text.trim_end());
        }
        all &= done.success;
    }
    Ok(Verdict::of(all))
}

/// Returns whether the facade still has every name that it had at `revision`.
fn names_are_kept(revision: &str) -> Result<bool> {
    let step = Step::start("names of tollgate-edge");
    let mut show = shell::tool("git", ["show", &format!("{revision}:{FACADE}")]);
    let before = names(&shell::must(&mut show, |line| step.line(line))?);
    let now = std::fs::read_to_string(repo::root().join(FACADE))
        .with_context(|| format!("cannot read {FACADE}"))?;
    let now = names(&now);
    let gone: Vec<_> = before.difference(&now).collect();
    let mark = if gone.is_empty() {
        Mark::Good
    } else {
        Mark::Bad
    };
    step.end(mark, &format!("{} names", now.len()));
    for name in &gone {
        println!("      removed: {name}");
    }
    Ok(gone.is_empty())
}

/// Returns the names that a file re-exports, qualified by their module.
fn names(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut module = String::new();
    let mut statement = String::new();
    for line in text.lines().filter(|line| !line.contains("//")) {
        let start = line.trim_start();
        if let Some(name) = line.strip_prefix("pub mod ") {
            module = name.trim_end_matches([' ', '{', ';']).to_owned() + "::";
        } else if line == "}" {
            module.clear();
        }
        if start.starts_with("pub use ") || !statement.is_empty() {
            statement.push_str(start);
            statement.push(' ');
        }
        if !statement.is_empty() && line.ends_with(';') {
            let used = statement.trim_end_matches([' ', ';', '}']);
            // A list is in braces; a single name is the last segment of its path.
            let list = used
                .rsplit_once('{')
                .or_else(|| used.rsplit_once("::"))
                .map_or(used, |(_, list)| list);
            let list = list.split(',').map(str::trim);
            found.extend(
                list.filter(|name| !name.is_empty())
                    .map(|name| format!("{module}{name}")),
            );
            statement.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_with_their_modules() {
        let text = "//! pub use x::Y;\npub use a::{B, C};\n#[cfg(feature = \"d\")]\npub use d::D;\npub use e::{\n    \
                    F,\n    G,\n};\n\n/// M.\npub mod m {\n    pub use n::{H, I};\n    pub use o::p::J;\n}\n\npub use q::K;\n";
        let found: Vec<_> = names(text).into_iter().collect();
        assert_eq!(
            found,
            ["B", "C", "D", "F", "G", "K", "m::H", "m::I", "m::J"]
        );
    }

    #[test]
    fn the_facade_has_names_in_every_module() {
        let text = std::fs::read_to_string(repo::root().join(FACADE)).unwrap();
        let found = names(&text);
        for name in ["Gate", "Native", "fetch::Step", "host::Host", "wire::Reply"] {
            assert!(found.contains(name), "{name} is not among {found:?}");
        }
    }
}
