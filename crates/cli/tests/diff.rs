//! `tollgate diff` in a git repository, and where it cannot be sure.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use core::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const RULE: &str = "[[rule]]\nid = \"docs\"\nallow = [\"/docs/PATHS\"]\nanyone = true\n";

/// A policy of one rule, for `/docs/` and this.
fn site(paths: &str) -> String {
    head() + &RULE.replace("PATHS", paths)
}

fn head() -> String {
    "schema = 1\n[site]\nname = \"docs\"\n".to_owned()
}

fn write(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("courses")).unwrap();
    fs::write(folder.join("site.toml"), text).unwrap();
}

/// A program that knows of no repository but the one it runs in.
fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = program("git", folder);
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

/// Exit code, and what was printed to either stream.
fn diff(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = program(env!("CARGO_BIN_EXE_tollgate"), folder);
    let output = command.arg("diff").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

/// A repository: `main` opens `/docs/*`, `edit` opens `/docs/**`, and what lies there opens `/docs/a`.
fn repository() -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    for (paths, branch) in [("*", ""), ("**", "edit")] {
        if !branch.is_empty() {
            git(at, &["checkout", "--quiet", "-b", branch]);
        }
        write(&at.join("policy"), &site(paths));
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "-m", "a policy"]);
    }
    git(at, &["checkout", "--quiet", "main"]);
    write(&at.join("policy"), &site("a"));
    folder
}

#[test]
fn revisions_and_folders() {
    let repository = repository();
    let at = repository.path();
    let below = at.join("policy");
    let cases: [(&Path, &[&str], i32, &str); 14] = [
        (at, &["main.."], 3, "closes /docs/*"),
        (at, &["main..", "policy"], 3, "0 opened, 1 closed"),
        (at, &["main..edit"], 3, "opens /docs/**"),
        (at, &["main...edit"], 3, "opens /docs/**"),
        (at, &["edit..main", "--no-new-access"], 0, "closes /docs/**"),
        (at, &["main..main"], 0, "no request is answered differently"),
        (at, &["..edit"], 3, "opens /docs/**"),
        (at, &["main:policy", "edit:policy"], 3, "opens /docs/**"),
        (at, &["main:policy", "policy"], 3, "closes /docs/*"),
        // As seen from here, and from the top.
        (&below, &["main:.", "edit:policy"], 3, "opens /docs/**"),
        (
            at,
            &["nope.."],
            2,
            "cannot read `nope:policy` from git: there is no revision `nope` here",
        ),
        (
            at,
            &["main..nope"],
            2,
            "cannot read `nope:policy` from git: there is no revision `nope` here",
        ),
        (
            at,
            &["main:nowhere", "policy"],
            2,
            "cannot read `main:nowhere` from git: the revision `main` has no such folder",
        ),
        (
            at,
            &["--", "-x:policy", "policy"],
            2,
            "a revision does not start with a dash",
        ),
    ];
    for (folder, arguments, exit, part) in cases {
        let (code, text) = diff(folder, arguments);
        assert!(
            code == exit && text.contains(part),
            "{arguments:?}: {code}, {text}"
        );
    }
}

#[test]
fn outside_of_a_repository() {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("policy"), &site("*"));
    let (code, text) = diff(folder.path(), &["main.."]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("not a git repository"), "{text}");
}

/// A rule that lets in whoever is in 300 groups. A token holds fewer, which the search does not know; it must
/// not take its own mistake for an answer.
fn for_many_groups() -> String {
    let mut text = head();
    for part in 0..10 {
        let groups: Vec<String> = (0..30)
            .map(|number| format!("\"g{part}-{number}\" in groups"))
            .collect();
        let groups = groups.join(" && ");
        if part == 0 {
            let rule = "[[rule]]\nid = \"in\"\nallow = [\"/x\"]\nsigned_in = true\n";
            writeln!(text, "{rule}when = '{groups}'").unwrap();
        } else {
            let rule = format!("[[rule]]\nid = \"out-{part}\"\ndeny = [\"/x\"]\n");
            writeln!(text, "{rule}unless = '{groups}'").unwrap();
        }
    }
    text
}

#[test]
fn what_is_undecided_is_said_and_passes_for_new_access() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    write(&at.join("old"), &site("*"));
    let many = for_many_groups() + &RULE.replace("PATHS", "*");
    write(&at.join("new"), &many);
    let said = ["undecided /x", "not everything could be compared"];
    let cases: [(&[&str], [&str; 2]); 4] = [
        (&[], said),
        (&["--no-new-access"], said),
        (
            &["--no-new-access", "--json"],
            ["\"undecided\":[\"/x\"", ""],
        ),
        (
            &["--no-new-access", "--markdown"],
            [
                "**Undecided, may differ:** `/x`",
                "not everything could be compared",
            ],
        ),
    ];
    for (options, parts) in cases {
        let (code, text) = diff(at, &[&["old", "new"], options].concat());
        assert_eq!(code, 3, "{options:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{options:?}: {text}");
        }
        assert!(!text.contains("opens"), "{options:?}: {text}");
    }
}
