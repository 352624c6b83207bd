//! Release notes: the section of this version in `CHANGELOG.md`, after what every release says.

use std::fs;

use anyhow::{Context, Result};

use super::{Release, Skipped};
use crate::{repo, shell};

const START: &str = "\
Install and upgrade: `docs/releasing.md`. Entries marked ★ can change a decision: run `tollgate diff` with both versions
before you publish, and `tollgate test`. After an upgrade, build every artifact again: an edge accepts only images of the
format that its parts know. `SHA256SUMS` has the hashes of all files.
";

/// Writes `release-notes.md`; returns what is missing for a release.
pub(super) fn write(release: &Release) -> Result<Skipped> {
    let text = fs::read_to_string(repo::root().join("CHANGELOG.md"))
        .context("cannot read CHANGELOG.md")?;
    let mut missing = Skipped::new();
    let mut lack = |why: String| missing.push(("a release".to_owned(), why));
    let section = section(&text, release.version);
    let (heading, notes) = section.with_context(|| {
        format!(
            "CHANGELOG.md has no section `## {}`: add one, or change the version in Cargo.toml",
            release.version
        )
    })?;
    if heading.contains("unreleased") {
        lack(format!(
            "CHANGELOG.md calls {} unreleased; write its date instead",
            release.version
        ));
    }
    let tag = format!("v{}", release.version);
    let mut git = shell::tool("git", ["tag", "--points-at", "HEAD"]);
    let tags = shell::must(&mut git, |_| ()).unwrap_or_default();
    if !tags.lines().any(|found| found == tag) {
        lack(format!("the commit has no tag `{tag}`"));
    }
    release.put(
        "release-notes.md",
        format!("# Tollgate {heading}\n\n{START}\n{}\n", notes.trim()).as_bytes(),
    )?;
    Ok(missing)
}

/// The heading and the text of a version.
fn section<'a>(changelog: &'a str, version: &str) -> Option<(&'a str, &'a str)> {
    let found = changelog
        .split("\n## ")
        .skip(1)
        .find(|section| section.split_whitespace().next() == Some(version))?;
    found.split_once('\n')
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn the_section_of_a_version_is_found() {
        let text = "# Changelog\n\n## 0.2.0 – 2027-01-01\n\n- a\n\n## 0.1.0\n\n- b\n";
        assert_eq!(
            section(text, "0.2.0"),
            Some(("0.2.0 – 2027-01-01", "\n- a\n"))
        );
        assert_eq!(section(text, "0.1.0"), Some(("0.1.0", "\n- b\n")));
        assert_eq!(section(text, "0.2"), None);
    }
}
