//! `tollgate diff` in a git repository, and incomplete comparisons.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

mod base;

use core::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const RULE: &str = "[[rule]]\nid = \"docs\"\nallow = [\"/docs/PATHS\"]\nanyone = true\n";

/// A policy with one rule, for `/docs/` and the given pattern.
fn site(paths: &str) -> String {
    head() + &RULE.replace("PATHS", paths)
}

fn head() -> String {
    "schema = 1\n[site]\nname = \"docs\"\n".to_owned()
}

fn write(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("courses")).unwrap();
    // Git does not store empty directories.
    fs::write(folder.join("courses/.gitkeep"), "").unwrap();
    fs::write(folder.join("site.toml"), text).unwrap();
}

/// A program that uses no repository except the one in its directory.
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

/// The exit code and the output of both streams.
fn diff(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = program(env!("CARGO_BIN_EXE_tollgate"), folder);
    let output = command.arg("diff").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

/// A repository: `main` allows `/docs/*`, `edit` allows `/docs/**`, and the working tree allows `/docs/a`.
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
        (at, &["main.."], 3, "newly denies /docs/*"),
        (
            at,
            &["main..", "policy"],
            3,
            "0 newly allowed, 1 newly denied",
        ),
        (at, &["main..edit"], 3, "newly allows /docs/**"),
        (at, &["main...edit"], 3, "newly allows /docs/**"),
        (
            at,
            &["edit..main", "--no-new-access"],
            0,
            "newly denies /docs/**",
        ),
        (at, &["main..main"], 0, "no request is decided differently"),
        (at, &["..edit"], 3, "newly allows /docs/**"),
        (
            at,
            &["main:policy", "edit:policy"],
            3,
            "newly allows /docs/**",
        ),
        (at, &["main:policy", "policy"], 3, "newly denies /docs/*"),
        // Relative to the current directory, and to the top of the repository.
        (
            &below,
            &["main:.", "edit:policy"],
            3,
            "newly allows /docs/**",
        ),
        (
            at,
            &["nope.."],
            2,
            "cannot read `nope:policy` from git: revision `nope` not found",
        ),
        (
            at,
            &["main..nope"],
            2,
            "cannot read `nope:policy` from git: revision `nope` not found",
        ),
        (
            at,
            &["main:nowhere", "policy"],
            2,
            "cannot read `main:nowhere` from git: the revision `main` has no such directory",
        ),
        (
            at,
            &["--", "-x:policy", "policy"],
            2,
            "a revision must not start with a dash",
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

/// The exit code and the output of both streams.
fn mutants_since(folder: &Path, revision: &str) -> (i32, String) {
    let mut command = program(env!("CARGO_BIN_EXE_tollgate"), folder);
    command.args(["test", "policy", "--mutate"]);
    command.arg(format!("--since={revision}"));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    (code, String::from_utf8(text).unwrap())
}

#[test]
fn mutants_of_rules_that_changed_since_a_revision() {
    let repository = repository();
    let at = repository.path();
    let test = "now = 2027-01-15T00:00:00Z\n[[test]]\nname = \"a\"\nget = \"/docs/a\"\nexpect = \"allow\"\n";
    fs::write(at.join("policy/site.test.toml"), test).unwrap();
    for (text, revision, code, expect) in [
        (site("a"), "main", 3, "MISSED policy/site.toml:6 site/docs"),
        (site("*"), "main", 0, "0 mutants: tests catch 0 of 0"),
        (site("*"), "edit", 3, "MISSED policy/site.toml:6 site/docs"),
        (site("a"), "nothing", 2, "revision `nothing` not found"),
        (site("a"), "--all", 2, "must not start with a dash"),
    ] {
        write(&at.join("policy"), &text);
        let (exit, shown) = mutants_since(at, revision);
        assert!(shown.contains(expect), "{revision}: {shown}");
        assert_eq!(exit, code, "{revision}: {shown}");
    }
}

/// Arguments that do not name two policies have help.
#[test]
fn sides_in_the_wrong_place_are_explained() {
    let repository = repository();
    let at = repository.path();
    let cases: [(&[&str], &str); 10] = [
        (
            &["main", "policy"],
            "help: to compare the directory at `main` with the one here: `tollgate diff main.. DIR`",
        ),
        (&["HEAD", "policy"], "`tollgate diff HEAD.. DIR`"),
        (
            &["policy", "main"],
            "help: the old policy comes first: `tollgate diff main.. DIR`",
        ),
        (
            &["main", "edit"],
            "help: write two revisions as a range: `tollgate diff main..edit`",
        ),
        (
            &["policy", "main.."],
            "help: the range comes first: `tollgate diff main.. DIR`",
        ),
        (
            &["main..", "edit"],
            "help: write two revisions as a range: `tollgate diff main..edit`",
        ),
        (
            &["main..edit", "nowhere"],
            "`tollgate diff main..edit policy`",
        ),
        (&["policy"], "`tollgate diff HEAD.. policy`"),
        (
            &["main"],
            "help: to compare it with the working tree: `tollgate diff main..`",
        ),
        (&["nowhere", "policy"], "cannot read `nowhere`"),
    ];
    for (arguments, part) in cases {
        let (code, text) = diff(at, arguments);
        assert!(code == 2 && text.contains(part), "{arguments:?}: {text}");
        let (_, json) = diff(at, &[arguments, &["--json"]].concat());
        assert!(json.contains("\"error\":{\"code\":"), "{json}");
    }
    // An old policy that is the newer commit may be intended, so it is a note.
    let note = "note: `main` is older than `edit`";
    let (code, text) = diff(at, &["edit..main"]);
    assert!(code == 3 && text.contains(note), "{text}");
    let (_, text) = diff(at, &["main..edit"]);
    assert!(!text.contains("note:"), "{text}");
    let (_, json) = diff(at, &["edit..main", "--json"]);
    assert!(json.starts_with("{\"differences\":"), "{json}");
}

/// An entry at a path.
#[cfg(unix)]
enum Entry {
    File(Vec<u8>),
    Executable(&'static str),
    Link(&'static str),
}

/// A revision is read like a working tree: with the same policy, or with the same errors.
#[cfg(unix)]
#[test]
fn a_revision_is_read_like_a_working_tree() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const COURSE: &str = "course = \"z\"\nbase = \"/z\"\n[[rule]]\nid = \"open\"\nallow = [\"/**\"]\nanyone = true\n";
    let file = |text: &str| Entry::File(text.as_bytes().to_vec());
    let course = || file(COURSE);
    type Entries = Vec<(&'static [u8], Entry)>;
    let cases: Vec<(&str, Entries, &str)> = vec![
        (
            "a course",
            vec![(b"policy/courses/z.toml", course())],
            "newly allows /z/**",
        ),
        (
            "an executable",
            vec![(b"policy/courses/z.toml", Entry::Executable(COURSE))],
            "newly allows /z/**",
        ),
        (
            "a link to a file next to it",
            vec![
                (b"policy/courses/z.src", course()),
                (b"policy/courses/z.toml", Entry::Link("z.src")),
            ],
            "newly allows /z/**",
        ),
        (
            "links to links in other directories",
            vec![
                (b"policy/shared/deep/z.src", course()),
                (b"policy/shared/z", Entry::Link("deep")),
                (
                    b"policy/courses/z.toml",
                    Entry::Link("../shared/./z/../deep/z.src"),
                ),
            ],
            "newly allows /z/**",
        ),
        (
            "courses elsewhere in the directory",
            vec![
                (b"policy/real/z.toml", course()),
                (b"policy/courses", Entry::Link("real")),
            ],
            "newly allows /z/**",
        ),
        (
            "the directory itself",
            vec![
                (b"real/site.toml", file(&site("*"))),
                (b"real/courses/z.toml", course()),
                (b"policy", Entry::Link("real")),
            ],
            "newly allows /z/**",
        ),
        (
            "a link out of the directory",
            vec![
                (b"z.toml", course()),
                (b"policy/courses/z.toml", Entry::Link("../../z.toml")),
            ],
            "TG0114",
        ),
        (
            "a link out of it and in again",
            vec![
                (b"policy/z.src", course()),
                (b"policy/courses/z.toml", Entry::Link("../../policy/z.src")),
            ],
            "TG0114",
        ),
        (
            "a link from the root",
            vec![(b"policy/courses/z.toml", Entry::Link("/etc/passwd"))],
            "TG0114",
        ),
        (
            "a link to nothing",
            vec![(b"policy/courses/z.toml", Entry::Link("nothing"))],
            "TG0111",
        ),
        (
            "a link to itself",
            vec![(b"policy/courses/z.toml", Entry::Link("z.toml"))],
            "TG0111",
        ),
        (
            "a link to a directory",
            vec![
                (b"policy/old/z.src", course()),
                (b"policy/courses/z.toml", Entry::Link("../old")),
            ],
            "TG0113",
        ),
        (
            "a directory in courses",
            vec![(b"policy/courses/old/z.toml", course())],
            "TG0113",
        ),
        (
            "a directory with the name of a course",
            vec![(b"policy/courses/z.toml/x", course())],
            "TG0113",
        ),
        (
            "letters of the other case",
            vec![(b"policy/courses/Z.toml", course())],
            "newly allows /z/**",
        ),
        (
            "two names that differ in case",
            vec![
                (b"policy/courses/z.toml", course()),
                (b"policy/courses/Z.toml", course()),
            ],
            "TG0",
        ),
        (
            "another ending",
            vec![(b"policy/courses/z.TOML", course())],
            "",
        ),
        (
            "a name that is not UTF-8",
            vec![(b"policy/courses/z\xff.toml", course())],
            "",
        ),
        (
            "bytes that are not UTF-8",
            vec![(b"policy/courses/z.toml", Entry::File(b"# \xff".to_vec()))],
            "TG0112",
        ),
        (
            "too many bytes",
            vec![(b"policy/courses/z.toml", Entry::File(vec![b'#'; 2 << 20]))],
            "TG0501",
        ),
        (
            "many bytes that nothing reads",
            vec![(b"policy/notes.bin", Entry::File(vec![0xff; 2 << 20]))],
            "no request",
        ),
        (
            "no site",
            vec![(b"policy/site.toml", Entry::Link("nothing"))],
            "TG0111",
        ),
    ];
    for (name, entries, expect) in cases {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        git(at, &["init", "--quiet", "--initial-branch=main"]);
        write(&at.join("old"), &site("*"));
        if !entries
            .iter()
            .any(|(path, _)| *path == b"policy" || *path == b"policy/site.toml")
        {
            write(&at.join("policy"), &site("*"));
        }
        for (path, entry) in entries {
            let path = at.join(OsStr::from_bytes(path));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // The existing entry of the policy.
            _ = fs::remove_dir_all(&path);
            match entry {
                Entry::File(bytes) => fs::write(&path, bytes).unwrap(),
                Entry::Executable(text) => {
                    fs::write(&path, text).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                }
                Entry::Link(target) => symlink(target, &path).unwrap(),
            }
        }
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "-m", "a policy"]);
        let shared = ["--no-new-access", "--now", "1800000000"];
        let (code, text) = diff(at, &[&["old", "policy"], &shared[..]].concat());
        assert!(text.contains(expect), "{name}: {text}");
        for revision in [["old", "main:policy"], ["main:old", "main:policy"]] {
            let found = diff(at, &[&revision, &shared[..]].concat());
            // Locations in a revision start with its name.
            let plain = |text: &str| text.replace("main:", "").replace("policy/", "");
            assert_eq!(
                (found.0, plain(&found.1)),
                (code, plain(&text)),
                "{name}: {revision:?}"
            );
        }
        // The working tree is the committed one.
        if code != 2 {
            let (code, text) = diff(at, &["main.."]);
            assert!(code == 0 && text.contains("no request"), "{name}: {text}");
        }
    }
}

/// Files that a pull request adds to the work tree do not hide what it opens.
#[test]
fn a_pull_request_cannot_hide_what_it_opens() {
    type Attack = fn(&Path);
    /// A repository in the work tree, whose `main` has the open policy.
    fn nested(at: &Path, is_bare: bool) {
        let other = TempDir::new().unwrap();
        git(other.path(), &["init", "--quiet", "--initial-branch=main"]);
        write(&other.path().join("policy"), &site("**"));
        write(other.path(), &site("**"));
        git(other.path(), &["add", "."]);
        git(other.path(), &["commit", "--quiet", "-m", "open"]);
        let kind = if is_bare { "--bare" } else { "--no-hardlinks" };
        let from = other.path().to_str().unwrap();
        let kept = at.join("kept");
        git(
            at.parent().unwrap(),
            &["clone", "--quiet", kind, from, kept.to_str().unwrap()],
        );
        let inside = if is_bare { kept } else { kept.join(".git") };
        let into = if is_bare {
            at.to_owned()
        } else {
            at.join(".git")
        };
        fs::create_dir_all(&into).unwrap();
        for entry in fs::read_dir(&inside).unwrap() {
            let entry = entry.unwrap();
            fs::rename(entry.path(), into.join(entry.file_name())).unwrap();
        }
        fs::remove_dir_all(at.join("kept")).unwrap();
    }
    let table: [(&str, Attack, &[&str], i32, &str); 7] = [
        ("none", |_| (), &["main..", "policy"], 3, "1 newly allowed"),
        (
            "a bare repository in the policy directory",
            |at| nested(&at.join("policy"), true),
            &["main..", "policy"],
            3,
            "1 newly allowed",
        ),
        (
            "a repository above the policy directory",
            |at| nested(&at.join("a"), false),
            &["main..", "a/policy"],
            3,
            "1 newly allowed",
        ),
        (
            "a bare repository above the policy directory",
            |at| nested(&at.join("a"), true),
            &["main..", "a/policy"],
            3,
            "1 newly allowed",
        ),
        (
            "a directory with the name of the range",
            |at| write(&at.join("main.."), &site("**")),
            &["main..", "policy"],
            2,
            "a revision, and a path that exists",
        ),
        (
            "a directory with the name of the old side",
            |at| write(&at.join("main:policy"), &site("**")),
            &["main:policy", "policy"],
            2,
            "a revision, and a path that exists",
        ),
        (
            "a link to a policy that was open before",
            |at| {
                fs::remove_dir_all(at.join("policy")).unwrap();
                std::os::unix::fs::symlink("open", at.join("policy")).unwrap();
            },
            &["main..", "policy"],
            3,
            "1 newly allowed",
        ),
    ];
    for (name, attack, arguments, exit, words) in table {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        git(at, &["init", "--quiet", "--initial-branch=main"]);
        write(&at.join("policy"), &site("*"));
        write(&at.join("a/policy"), &site("*"));
        write(&at.join("open"), &site("**"));
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "-m", "three policies"]);
        write(&at.join("policy"), &site("**"));
        write(&at.join("a/policy"), &site("**"));
        attack(at);
        let (code, text) = diff(at, &[arguments, &["--no-new-access"]].concat());
        assert_eq!(code, exit, "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
    }
}

/// The entries of a submodule are in another repository.
#[test]
fn a_submodule_is_not_read() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    write(&at.join("policy"), &site("*"));
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "a policy"]);
    for (path, expect) in [
        ("policy/courses/sub", "TG0113"),
        ("policy/courses", "it is in a git submodule"),
        ("policy/keys", "it is in a git submodule"),
    ] {
        git(at, &["checkout", "--quiet", "--force", "-B", "sub", "main"]);
        git(
            at,
            &["rm", "-r", "--quiet", "--cached", "--ignore-unmatch", path],
        );
        let link = format!("160000,{},{path}", "1".repeat(40));
        git(at, &["update-index", "--add", "--cacheinfo", &link]);
        git(at, &["commit", "--quiet", "-m", "a submodule"]);
        let (_, text) = diff(at, &["main..sub"]);
        assert!(text.contains(expect), "{path}: {text}");
    }
}

/// Git never writes such a tree, and does not define which of the two entries a checkout creates.
#[test]
fn a_tree_with_two_entries_of_one_name_is_rejected() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    write(&at.join("policy"), &site("*"));
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "a policy"]);
    let run = |arguments: &[&str], stdin: &[u8]| {
        let mut child = program("git", at)
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let blobs =
        ["*", "**"].map(|paths| run(&["hash-object", "-w", "--stdin"], site(paths).as_bytes()));
    let entries = blobs.map(|blob| format!("100644 blob {blob}\tsite.toml\n"));
    let policy = run(&["mktree"], entries.concat().as_bytes());
    let tree = run(
        &["mktree"],
        format!("040000 tree {policy}\tpolicy\n").as_bytes(),
    );
    let (code, text) = diff(at, &["main:policy", &format!("{tree}:policy")]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("it has two entries named `site.toml`"),
        "{text}"
    );
}

#[test]
fn outside_of_a_repository() {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("policy"), &site("*"));
    let (code, text) = diff(folder.path(), &["main.."]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("not a git repository"), "{text}");
}

/// A rule that allows members of 300 groups. Tokens have fewer, but the search does not know that limit. It must not
/// report a result that it did not verify.
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
fn undecided_paths_are_reported_and_count_as_new_access() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    write(&at.join("old"), &site("*"));
    let many = for_many_groups() + &RULE.replace("PATHS", "*");
    write(&at.join("new"), &many);
    let undecided = ["undecided /x", "not everything could be compared"];
    let cases: [(&[&str], [&str; 2]); 4] = [
        (&[], undecided),
        (&["--no-new-access"], undecided),
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
        assert!(!text.contains("newly allows"), "{options:?}: {text}");
    }
}
