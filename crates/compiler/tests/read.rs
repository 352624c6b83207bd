//! Reading policy folders: accepted and rejected files, and their diagnostics.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use tollgate_compiler::{CompileOptions, Diagnostic, SourceTree, compile, limits};

/// A policy folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("read-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.write("policy/site.toml", include_str!("lang/site.toml"));
        folder.write(
            "policy/keys/learners.jwks.json",
            include_str!("lang/learners.jwks.json"),
        );
        folder.write("policy/courses/a.toml", "course = \"a\"\nbase = \"/a\"\n");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let tree = SourceTree::read(&self.path("policy"));
        let compiled = compile(&tree, &CompileOptions::default());
        assert_eq!(compiled.image.is_some(), !compiled.has_errors());
        for finding in &compiled.diagnostics {
            assert!(!finding.help.is_empty(), "no help: {finding:?}");
        }
        compiled.diagnostics
    }

    /// The help of all findings.
    fn help(&self) -> Vec<String> {
        self.diagnostics()
            .into_iter()
            .flat_map(|finding| finding.help)
            .collect()
    }

    /// The findings as `file code message`.
    fn findings(&self) -> Vec<String> {
        self.diagnostics()
            .iter()
            .map(|finding| format!("{} {} {}", finding.file, finding.code.id, finding.message))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_good_folder() {
    let folder = Folder::new("good");
    folder.write("policy/courses/a.test.toml", "not = policy");
    folder.write("policy/courses/.gitkeep", "");
    folder.write("policy/README.md", "for people");
    let tree = SourceTree::read(&folder.path("policy"));
    let names: Vec<_> = tree.files().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["courses/a.toml", "keys/learners.jwks.json", "site.toml"]
    );
    assert_eq!(folder.findings(), [""; 0]);
    let tree = SourceTree::read_with_tests(&folder.path("policy"));
    assert_eq!(tree.test_files(), ["courses/a.test.toml"]);
    // Without a course in it the folder is still there.
    fs::remove_file(folder.path("policy/courses/a.toml")).unwrap();
    fs::remove_file(folder.path("policy/courses/a.test.toml")).unwrap();
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn a_policy_without_courses_is_no_accident() {
    let folder = Folder::new("no-courses");
    fs::rename(folder.path("policy/courses"), folder.path("policy/course")).unwrap();
    assert_eq!(
        folder.findings(),
        [" TG0116 the policy folder has no folder `courses`"]
    );
    assert_eq!(
        folder.help(),
        ["`course` contains TOML files (`course/a.toml`): rename it to `courses`"]
    );
    fs::remove_dir_all(folder.path("policy/course")).unwrap();
    assert_eq!(
        folder.findings(),
        [" TG0116 the policy folder has no folder `courses`"]
    );
}

#[test]
fn toml_files_that_nobody_reads() {
    let folder = Folder::new("stray");
    folder.write("policy/b.toml", "course = \"b\"\nbase = \"/b\"\n");
    folder.write("policy/Site.TOML", "");
    folder.write("policy/courses/editing.TOML", "");
    folder.write("policy/courses/editing.test.toml", "");
    folder.write("policy/old/c.toml", "");
    folder.write("policy/old/deeper/d.toml", "");
    // Hidden files, and all that is not TOML, may be anywhere.
    folder.write("policy/.taplo.toml", "");
    folder.write("policy/.git/x.toml", "");
    folder.write("policy/schema/site.schema.json", "");
    folder.write("policy/notes.md", "");
    assert_eq!(
        folder.findings(),
        [
            "Site.TOML TG0115 `Site.TOML` is not read",
            "b.toml TG0115 `b.toml` is not read",
            "courses/editing.TOML TG0115 `courses/editing.TOML` is not read",
            "old TG0115 `old` contains TOML files that are not read: `old/c.toml`, `old/deeper/d.toml`",
        ]
    );
    assert_eq!(
        folder.help(),
        [
            "rename it to `site.toml`",
            "move a course file to `courses/b.toml`, and any other TOML file out of the policy folder",
            "rename it to `courses/editing.toml`",
            "move course files into `courses`, and all others out of the policy folder",
        ]
    );
}

#[test]
fn tests_that_test_nothing() {
    let folder = Folder::new("orphans");
    folder.write("policy/site.test.toml", "");
    folder.write("policy/courses/a.test.toml", "");
    folder.write("policy/courses/aa.test.toml", "");
    folder.write("policy/courses/zebra.test.toml", "");
    folder.write("policy/smoke.test.toml", "");
    folder.write("policy/tests/a.test.toml", "");
    assert_eq!(
        folder.findings(),
        [
            "courses/aa.test.toml TG0117 `courses/aa.toml` does not exist, so these tests test nothing",
            "courses/zebra.test.toml TG0117 `courses/zebra.toml` does not exist, so these tests test nothing",
            "smoke.test.toml TG0117 `smoke.toml` does not exist, so these tests test nothing",
            "tests TG0115 `tests` contains TOML files that are not read: `tests/a.test.toml`",
        ]
    );
    assert_eq!(folder.help()[0], "did you mean `courses/a.test.toml`?");
}

#[cfg(unix)]
#[test]
fn a_file_that_a_link_leads_to_is_read() {
    let folder = Folder::new("linked");
    folder.write("policy/shared/b.toml", "course = \"b\"\nbase = \"/b\"\n");
    std::os::unix::fs::symlink("../shared/b.toml", folder.path("policy/courses/b.toml")).unwrap();
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn what_is_missing() {
    let folder = Folder::new("missing");
    fs::remove_file(folder.path("policy/keys/learners.jwks.json")).unwrap();
    let [finding] = <[String; 1]>::try_from(folder.findings()).unwrap();
    assert!(finding.starts_with("site.toml TG0407"), "{finding}");
    fs::remove_file(folder.path("policy/site.toml")).unwrap();
    let [finding] = <[String; 1]>::try_from(folder.findings()).unwrap();
    assert!(finding.starts_with("site.toml TG0110"), "{finding}");
    fs::remove_dir_all(folder.path("policy")).unwrap();
    let [finding] = <[String; 1]>::try_from(folder.findings()).unwrap();
    assert!(finding.contains("TG0111"), "{finding}");
}

#[test]
fn foreign_things_in_courses() {
    let folder = Folder::new("foreign");
    folder.write("policy/courses/b.yaml", "x");
    folder.write("policy/courses/c.TOML", "x");
    folder.write("policy/courses/old/d.toml", "x");
    assert_eq!(
        folder.findings(),
        [
            "courses/b.yaml TG0701 neither a `.toml` nor a `.test.toml` file",
            "courses/c.TOML TG0115 `courses/c.TOML` is not read",
            "courses/old TG0113 folders in `courses` are not read",
        ]
    );
}

#[test]
fn files_that_are_no_text_or_too_much() {
    let folder = Folder::new("text");
    folder.write("policy/courses/b.toml", b"course = \"\xff\"");
    folder.write(
        "policy/courses/c.toml",
        vec![b'#'; limits::MAX_FILE_BYTES + 1],
    );
    folder.write("policy/courses/d.toml", vec![b'#'; limits::MAX_FILE_BYTES]);
    folder.write(
        "policy/keys/learners.jwks.json",
        vec![b' '; limits::MAX_FILE_BYTES + 1],
    );
    let findings = folder.findings();
    let starts = [
        "courses/b.toml TG0112",
        "courses/c.toml TG0501",
        "courses/d.toml TG0103",
        "courses/d.toml TG0103",
        "keys/learners.jwks.json TG0501",
    ];
    assert_eq!(findings.len(), starts.len(), "{findings:#?}");
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding}");
    }
}

#[test]
fn a_folder_is_not_a_file() {
    let folder = Folder::new("folder");
    fs::remove_file(folder.path("policy/keys/learners.jwks.json")).unwrap();
    fs::create_dir_all(folder.path("policy/keys/learners.jwks.json")).unwrap();
    assert_eq!(
        folder.findings(),
        ["keys/learners.jwks.json TG0111 `keys/learners.jwks.json` is not a regular file"]
    );
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("links");
    folder.write("secret.toml", "course = \"b\"\nbase = \"/b\"\n");
    folder.write("policy/shared/c.toml", "course = \"c\"\nbase = \"/c\"\n");
    symlink(
        folder.path("secret.toml"),
        folder.path("policy/courses/b.toml"),
    )
    .unwrap();
    symlink("../shared/c.toml", folder.path("policy/courses/c.toml")).unwrap();
    symlink("nothing.toml", folder.path("policy/courses/d.toml")).unwrap();
    fs::remove_file(folder.path("policy/keys/learners.jwks.json")).unwrap();
    symlink(
        folder.path("secret.toml"),
        folder.path("policy/keys/learners.jwks.json"),
    )
    .unwrap();
    let outside = "is a link to a place outside the policy folder";
    assert_eq!(
        folder.findings(),
        [
            format!("courses/b.toml TG0114 `courses/b.toml` {outside}"),
            "courses/d.toml TG0111 `courses/d.toml` is a link to a path that does not exist"
                .to_owned(),
            format!("keys/learners.jwks.json TG0114 `keys/learners.jwks.json` {outside}"),
        ]
    );
}

/// The TOML examples of the authors' page.
fn examples() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy/README.md");
    let page = fs::read_to_string(page).unwrap();
    let parts = page.split("\n```toml\n").skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_example_of_sessions_on_the_authors_page() {
    let with_sessions = |example: &String| example.contains("[session]");
    let example = <[String; 1]>::try_from(
        examples()
            .into_iter()
            .filter(with_sessions)
            .collect::<Vec<_>>(),
    );
    let [example] = example.unwrap();
    let sign_in = include_str!("lang/site.toml");
    let (_, issuer) = sign_in.split_once("[[issuer]]").unwrap();
    let folder = Folder::new("sessions");
    let site = |example: &str| format!("schema = 1\n{example}\n[[issuer]]{issuer}");
    folder.write("policy/site.toml", site(&example));
    folder.write("policy/keys/session-2027-01.key", "A".repeat(43));
    assert_eq!(folder.findings(), [""; 0]);
    // The example is checked as part of a policy: its issuer must exist.
    let other = example.replace("issuer = \"sessions\"", "issuer = \"nobody\"");
    assert_ne!(other, example);
    folder.write("policy/site.toml", site(&other));
    assert_ne!(folder.findings(), [""; 0]);
}

#[test]
fn the_example_of_sign_in_on_the_authors_page() {
    let one = |table: &str| {
        let examples = examples().into_iter().filter(|one| one.contains(table));
        let [example] = <[String; 1]>::try_from(examples.collect::<Vec<_>>()).unwrap();
        example
    };
    let (smallest, sessions) = (one("schema = 1"), one("[session]"));
    let sign_in = one("# the issuer's discovery document");
    let (_, sessions) = sessions.split_once("[[issuer]]").unwrap();
    let folder = Folder::new("sign-in");
    let site = format!("{smallest}\n[[issuer]]{sessions}\n{sign_in}");
    folder.write("policy/site.toml", &site);
    folder.write("policy/keys/session-2027-01.key", "A".repeat(43));
    let document = r#"{
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token"
    }"#;
    folder.write("policy/keys/learners.openid.json", document);
    folder.write("policy/keys/sign-in-1.key", "B".repeat(42) + "A");
    assert_eq!(folder.findings(), [""; 0]);
    // The files of the table are read from the folder, as is the client secret.
    let site = format!("{site}\nclient_secret = \"keys/web.secret\"\n");
    folder.write("policy/site.toml", site);
    let missing = "site.toml TG0407 the policy folder has no file `keys/web.secret`";
    assert_eq!(folder.findings(), [missing]);
    folder.write("policy/keys/web.secret", "Xyz\n");
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn the_smallest_site_on_the_authors_page() {
    let is_whole = |example: &String| example.starts_with("schema = 1");
    let examples: Vec<String> = examples().into_iter().filter(is_whole).collect();
    let [example] = <[String; 1]>::try_from(examples).unwrap();
    let folder = Folder::new("smallest");
    folder.write("policy/site.toml", example);
    assert_eq!(folder.findings(), [""; 0]);
}
