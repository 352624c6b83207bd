//! What a base lacks: the files of secrets, and any policy at all.

use std::fs;

use tempfile::TempDir;

use super::{RULE, diff, git, head, program, site, write};

const SECRETS: &str = r#"[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web"]
algorithms = ["HS256"]
secrets = [{ kid = "KID", file = "FILE" }]
groups_claim = "groups"
"#;

fn with_secret(paths: &str, kid: &str, file: &str) -> String {
    let issuer = SECRETS.replace("KID", kid).replace("FILE", file);
    format!("{}{issuer}{}", head(), RULE.replace("PATHS", paths))
}

/// What is done to a repository whose base has a policy without the file of its secret.
enum Step {
    /// The policy in the working tree.
    Policy(String),
    /// A file of the policy.
    File(&'static str, &'static str),
    Commit,
}

/// A secret that git ignores is missing at every revision, and is no difference; one that a change commits is.
#[test]
fn secrets_that_only_one_side_has() {
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let other = || Step::File("keys/a.key", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI");
    let own = || Step::File("keys/a.key", KEY);
    let ignored = || Step::File(".gitignore", "*.key\n");
    let policy = |paths, kid, file| Step::Policy(with_secret(paths, kid, file));
    let same = || policy("*", "1", "keys/a.key");
    let changed = "setting may open: issuer `learners`: secrets";
    let nothing = "no request is decided differently by the rules";
    let cases: Vec<(&str, Vec<Step>, i32, Vec<&str>)> = vec![
        (
            "both lack it",
            vec![same()],
            0,
            vec![nothing, "note[TG0429]"],
        ),
        (
            "the rules differ",
            vec![policy("**", "1", "keys/a.key")],
            3,
            vec!["newly allows /docs/**", "1 newly allowed"],
        ),
        ("only this machine has it", vec![own()], 0, vec![nothing]),
        (
            "git ignores it here",
            vec![ignored(), own(), Step::Commit],
            0,
            vec![nothing],
        ),
        (
            "the change commits it",
            vec![own(), Step::Commit],
            3,
            vec![
                changed,
                "note[TG0429]: secret `keys/a.key` is missing",
                "--> main:policy/site.toml",
                "policy/keys/a.key` in git, so everyone who can read the repository knows it",
            ],
        ),
        (
            "the change commits another one",
            vec![other(), Step::Commit],
            3,
            vec![changed],
        ),
        (
            "another key ID",
            vec![policy("*", "2", "keys/a.key")],
            3,
            vec![changed],
        ),
        (
            "another file",
            vec![policy("*", "1", "keys/b.key")],
            3,
            vec![changed],
        ),
        (
            "another file, which is here",
            vec![
                policy("*", "1", "keys/b.key"),
                own(),
                Step::File("keys/b.key", KEY),
            ],
            3,
            vec![changed],
        ),
        (
            "one that is not valid",
            vec![Step::File("keys/a.key", "AAAA")],
            2,
            vec!["error[TG0410]"],
        ),
    ];
    for (name, steps, exit, parts) in cases {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        git(at, &["init", "--quiet", "--initial-branch=main"]);
        write(&at.join("policy"), &with_secret("*", "1", "keys/a.key"));
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "-m", "a policy"]);
        git(at, &["checkout", "--quiet", "-b", "edit"]);
        let mut is_committed = false;
        for step in steps {
            match step {
                Step::Policy(text) => write(&at.join("policy"), &text),
                Step::File(file, text) => {
                    let path = at.join("policy").join(file);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, text).unwrap();
                }
                Step::Commit => {
                    git(at, &["add", "."]);
                    git(at, &["commit", "--quiet", "-m", "an edit"]);
                    is_committed = true;
                }
            }
        }
        // A commit is read like the working tree.
        let ranges = ["main..", "main..edit"];
        for range in &ranges[..=usize::from(is_committed)] {
            for gate in [&[][..], &["--no-new-access"]] {
                let (code, text) = diff(at, &[&[*range, "policy"], gate].concat());
                assert_eq!(code, exit, "{name}, {range}: {text}");
                let lacks: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
                assert!(lacks.is_empty(), "{name}, {range}: {lacks:?} in {text}");
                assert_eq!(text.contains("setting"), parts.contains(&changed), "{text}");
            }
        }
    }
}

/// The first policy is compared with a site that denies everything.
#[test]
fn the_base_has_no_policy() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    fs::create_dir_all(at.join("access")).unwrap();
    fs::write(at.join("access/notes.md"), "soon\n").unwrap();
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "no policy"]);
    let policies = [
        ("policy", with_secret("**", "1", "keys/a.key")),
        // The directory existed, without a policy.
        ("access", site("**")),
        ("empty", head()),
    ];
    for (name, text) in &policies {
        write(&at.join(name), text);
    }
    let line = |name: &str| {
        format!("`main:{name}` has no policy, so everything that this one allows is new")
    };
    let cases: [(&str, &[&str], i32, &[&str]); 9] = [
        (
            "policy",
            &[],
            3,
            &[
                "first policy: ",
                "newly allows /docs/**",
                "anyone",
                "added    site/docs (policy/site.toml:",
                "setting may open: issuer `learners` was added",
                "1 newly allowed, 0 newly denied",
            ],
        ),
        (
            "policy",
            &["--no-new-access"],
            3,
            &["newly allows /docs/**"],
        ),
        (
            "policy",
            &["--markdown"],
            3,
            &[
                "**First policy:** `main:policy` has no policy",
                "| **newly allows** |",
            ],
        ),
        (
            "policy",
            &["--json"],
            3,
            &[
                "\"new_rule\":\"site/docs\"",
                "\"first_policy\":true",
                "\"TG0429\"",
            ],
        ),
        (
            "policy",
            &["--format", "github"],
            3,
            &[
                "::warning file=policy/site.toml",
                "::notice file=policy/site.toml,title=first-policy",
            ],
        ),
        (
            "policy",
            &["--no-new-access", "--format", "sarif"],
            3,
            &[
                "\"ruleId\":\"first-policy\"",
                "\"ruleId\":\"newly-allowed\"",
            ],
        ),
        ("access", &[], 3, &["newly allows /docs/**"]),
        // Nobody gains access, but there is a policy now.
        (
            "empty",
            &[],
            3,
            &["no request is decided differently by the rules"],
        ),
        (
            "empty",
            &["--no-new-access"],
            0,
            &["no request is decided differently"],
        ),
    ];
    for (name, options, exit, parts) in cases {
        let (code, text) = diff(at, &[&["main..", name], options].concat());
        assert_eq!(code, exit, "{name} {options:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{name} {options:?}: {part} in {text}");
        }
        if !options.contains(&"--json") && !options.contains(&"--markdown") {
            assert!(text.contains(&line(name)), "{name} {options:?}: {text}");
        }
    }
    // All rules are new to the tests, too.
    let test = "now = 2027-01-15T00:00:00Z\n[[test]]\nname = \"a\"\nget = \"/docs/a\"\nexpect = \"allow\"\n";
    fs::write(at.join("access/site.test.toml"), test).unwrap();
    let mut command = program(env!("CARGO_BIN_EXE_tollgate"), at);
    command.args(["test", "access", "--mutate", "--since=main"]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(text.contains("MISSED access/site.toml:"), "{text}");
    // What is missing for another reason is still an error.
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "policies"]);
    let from = at.join("from");
    let url = format!("file://{}", at.display());
    git(at, &["config", "uploadpack.allowFilter", "true"]);
    git(at, &["clone", "--quiet", "--filter=tree:1", &url, "from"]);
    for (arguments, part) in [
        (["missing..", "policy"], "revision `missing` not found"),
        (
            ["main..main~1", "policy"],
            "the revision `main~1` has no such directory",
        ),
        (["main..main~1", "access"], "TG0110"),
        (
            ["main:nowhere", "policy"],
            "the revision `main` has no such directory",
        ),
    ] {
        let (code, text) = diff(at, &arguments);
        assert!(code == 2 && text.contains(part), "{arguments:?}: {text}");
    }
    // A clone without the objects of the directory does not know what was in it.
    git(&from, &["update-ref", "refs/heads/old", "HEAD~1"]);
    let (code, text) = diff(&from, &["old..", "access"]);
    assert!(
        code == 2 && text.contains("but this clone lacks its contents"),
        "{text}"
    );
}
