//! `serve --as` and `--watch` on a new site: who counts as the user, and what follows an edit.
//!
//! Not here: the commands of `docs/tutorial.md`, which `tests/docs` runs word for word.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

const TOLLGATE: &str = env!("CARGO_BIN_EXE_tollgate");
/// The longest time until a change of a file is seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Creates a site with pages.
const SETUP: &str = "\
tollgate init policy --test-key
mkdir -p policy/pages/courses/intro/preview
echo '<h1>For members</h1>' > policy/pages/courses/intro/lesson.html
echo '<h1>For everyone</h1>' > policy/pages/courses/intro/preview/trailer.html";
const SERVE: &str = "tollgate serve --root pages --as ann --watch";

/// Runs a command in a shell, and returns what it prints.
fn run(command: &str, folder: &Path) -> (i32, String) {
    let output = shell(command, folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    (code, String::from_utf8(text).unwrap())
}

fn shell(command: &str, folder: &Path) -> Command {
    let mut shell = Command::new("sh");
    let bin = Path::new(TOLLGATE).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [bin.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path)),
    );
    shell
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env_remove("CLICOLOR_FORCE");
    shell
}

/// A server that is stopped at the end.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(command: &str, folder: &Path) -> Server {
    let command = format!("exec {command} --listen 127.0.0.1:0");
    let mut process = shell(&command, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.strip_prefix("serving http://").unwrap();
    let address = address.split(' ').next().unwrap().to_owned();
    Server { process, address }
}

impl Server {
    /// The status and the rest of the response.
    fn get(&self, path: &str, host: &str, more: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        (status, response)
    }

    /// Waits until a request has this status.
    fn wait_for(&self, path: &str, status: u16) {
        let started = Instant::now();
        while self.get(path, &self.address, "").0 != status {
            assert!(started.elapsed() < PATIENCE, "still not {status}");
            sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_new_site_is_served_to_its_user_and_follows_edits() {
    let scratch = tempfile::tempdir().unwrap();
    let (code, text) = run(SETUP, scratch.path());
    assert_eq!(code, 0, "{text}");
    let folder = scratch.path().join("policy");

    let (lesson, trailer) = (
        "/courses/intro/lesson.html",
        "/courses/intro/preview/trailer.html",
    );
    let server = serve(SERVE, &folder);
    let (status, page) = server.get(lesson, &server.address, "");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("For members"), "{page}");
    // A page of another site that leads to this machine is not `ann`.
    assert_eq!(server.get(lesson, "evil.example", "").0, 401);
    // A request with a token is not `ann` either.
    let token = "authorization: Bearer x\r\n";
    assert_eq!(server.get(lesson, &server.address, token).0, 401);

    let course = folder.join("courses/intro.toml");
    let text = fs::read_to_string(&course).unwrap();
    let narrow = text.replace("groups = [\"intro\", \"staff\"]", "groups = [\"staff\"]");
    assert_ne!(narrow, text);
    fs::write(&course, &narrow).unwrap();
    server.wait_for(lesson, 403);
    // A policy with errors changes nothing.
    fs::write(&course, "course = ").unwrap();
    sleep(Duration::from_secs(2));
    assert_eq!(server.get(lesson, &server.address, "").0, 403);
    // The user follows the test file.
    fs::write(&course, &narrow).unwrap();
    let people = folder.join("site.test.toml");
    let users = fs::read_to_string(&people).unwrap();
    let staff = users.replace(
        "sub = \"ann\", groups = [\"intro\"]",
        "sub = \"ann\", groups = [\"staff\"]",
    );
    assert_ne!(staff, users);
    fs::write(&people, staff).unwrap();
    server.wait_for(lesson, 200);
    drop(server);
    fs::write(&people, users).unwrap();
    fs::write(&course, text).unwrap();

    let server = serve(&SERVE.replace(" --as ann", ""), &folder);
    assert_eq!(server.get(lesson, &server.address, "").0, 401);
    assert_eq!(server.get(trailer, &server.address, "").0, 200);
    let (code, token) = run("tollgate token mint --as ann", &folder);
    assert_eq!(code, 0, "{token}");
    let token = format!("authorization: Bearer {}\r\n", token.trim_end());
    assert_eq!(server.get(lesson, &server.address, &token).0, 200);
}

#[test]
fn nobody_else_can_be_a_user_of_the_tests() {
    let scratch = tempfile::tempdir().unwrap();
    let (code, text) = run("tollgate init . --test-key", scratch.path());
    assert_eq!(code, 0, "{text}");
    for (command, expected) in [
        (
            "tollgate serve --root . --as ann --listen 0.0.0.0:0 --allow-remote",
            "cannot be used with",
        ),
        (
            "tollgate serve --root . --as ann --listen 0.0.0.0:0",
            "can be reached from other machines",
        ),
        ("tollgate serve --root . --as anna", "did you mean `ann`?"),
        (
            "tollgate serve --root . --as nobody",
            "no test file declares this user",
        ),
    ] {
        let (code, text) = run(command, scratch.path());
        assert_eq!(code, 2, "{command}\n{text}");
        assert!(text.contains(expected), "{command}\n{text}");
    }
}

#[test]
fn the_private_key_is_only_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let (code, text) = run(
        "git init -q . && tollgate init . --test-key",
        scratch.path(),
    );
    assert_eq!(code, 0, "{text}");
    let key = scratch.path().join("keys/users.private.json");
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, text) = run("git add -A && git ls-files", scratch.path());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("keys/users.jwks.json"), "{text}");
    assert!(!text.contains("private"), "{text}");
}

/// Without a policy, every subcommand reports where it looked, and how to name the directory.
#[test]
fn a_missing_policy_is_reported_with_the_places_searched() {
    let folder = tempfile::TempDir::new().unwrap();
    let here = folder.path().canonicalize().unwrap();
    let shown = here.display();
    let searched = format!(
        "`site.toml` is neither in `{shown}`, nor in `{shown}/policy`, nor in a parent directory"
    );
    for command in [
        "check",
        "test",
        "decide --target /a",
        "explain --target /a",
        "who /a",
        "reach",
        "fmt",
        "build -o x.tgi",
        "keys fetch",
        "publish --target lambda",
        "serve --root .",
    ] {
        let (code, text) = run(&format!("tollgate {command}"), &here);
        assert_eq!(code, 2, "{command}: {text}");
        for part in [
            searched.as_str(),
            "give the directory that contains `site.toml` as the argument DIR",
        ] {
            assert!(text.contains(part), "{command}: {text}");
        }
    }
}
