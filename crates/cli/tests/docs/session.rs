//! A shell in a directory of its own, in which the blocks of one page run in order.
//!
//! The directory is empty, or it contains what the page takes as given; that of a recipe is a copy of the recipe.
//! Addresses on loopback get free
//! ports, so that pages run wherever the ports that they name are in use.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use crate::blocks::Block;
use crate::repository;

const TOLLGATE: &str = env!("CARGO_BIN_EXE_tollgate");
/// The longest time until a server accepts connections, or an output is the expected one.
const PATIENCE: Duration = Duration::from_secs(60);
/// The default address of `tollgate serve`.
const DEFAULT: &str = "127.0.0.1:8080";

pub(crate) struct Session {
    scratch: tempfile::TempDir,
    /// The working directory after the last command.
    folder: PathBuf,
    ports: BTreeMap<String, String>,
    servers: Vec<(String, Child)>,
}

impl Drop for Session {
    fn drop(&mut self) {
        for (_, server) in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Session {
    pub(crate) fn new(page: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("here");
        let own = page.with_file_name("");
        if let Some((name, from)) = given(page) {
            copy(&own.join(from), &folder.join(name));
        } else if own.join("site.toml").is_file() {
            copy(&own, &folder);
        } else {
            fs::create_dir(&folder).unwrap();
        }
        Self {
            scratch,
            folder,
            ports: BTreeMap::new(),
            servers: Vec::new(),
        }
    }

    /// Writes a file that the page shows.
    pub(crate) fn write(&self, name: &str, block: &Block) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &block.text).unwrap();
    }

    /// Runs commands, and compares what they print with the block below, if it is their output.
    pub(crate) fn run(
        &mut self,
        block: &Block,
        exit: i32,
        until: bool,
        output: Option<&Block>,
    ) -> Result<(), String> {
        let commands = self.with_ports(&block.text);
        let expected = output.map(|output| self.with_ports(&output.text));
        let started = Instant::now();
        loop {
            let (code, printed) = self.run_once(&commands);
            let matches = expected
                .as_ref()
                .is_none_or(|expected| resembles(expected, &printed));
            if code == exit && matches {
                return Ok(());
            }
            if !until || started.elapsed() > PATIENCE {
                let expected = expected.unwrap_or_default();
                return Err(format!(
                    "{}: exit code {code} instead of {exit}, or another output\n\
                     --- printed\n{printed}\n--- expected\n{expected}",
                    block.place
                ));
            }
            sleep(Duration::from_millis(200));
        }
    }

    fn run_once(&mut self, commands: &str) -> (i32, String) {
        let left = self.scratch.path().join("left");
        let variables = self.scratch.path().join("variables");
        let script = format!(
            "exec 2>&1; set -ae; [ -f '{1}' ] && . '{1}'; trap 'pwd > \"{0}\"; export -p > \"{1}\"' EXIT\n{commands}",
            left.display(),
            variables.display()
        );
        let done = self.shell(&script).output().unwrap();
        if let Ok(folder) = fs::read_to_string(&left) {
            self.folder = folder.trim_end_matches('\n').into();
        }
        let text = String::from_utf8(done.stdout).unwrap();
        (done.status.code().unwrap(), text)
    }

    fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        let bin = Path::new(TOLLGATE).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [bin.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        shell
            .args(["-c", script])
            .current_dir(&self.folder)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("REPOSITORY", repository())
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        shell
    }

    /// Starts a server, in place of one that the page has started at the same address.
    pub(crate) fn serve(&mut self, block: &Block) {
        let mut command = block.text.trim().to_owned();
        if command.contains("tollgate serve") && !command.contains("--listen") {
            command.push_str(" --listen ");
            command.push_str(DEFAULT);
        }
        let address = command
            .split("--listen ")
            .nth(1)
            .unwrap_or_else(|| panic!("{}: no `--listen`", block.place));
        let address = self.with_ports(address.split_whitespace().next().unwrap());
        let stops = |(old, server): &mut (String, Child)| {
            let same = *old == address;
            if same {
                let _ = server.kill();
                let _ = server.wait();
            }
            !same
        };
        self.servers.retain_mut(stops);
        let script = format!("exec {}", self.with_ports(&command));
        let mut server = self.shell(&script);
        server.stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        self.servers.push((address.clone(), server));
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            let (_, server) = self.servers.last_mut().unwrap();
            let ended = server.try_wait().unwrap();
            assert_eq!(ended, None, "{}: {script}", block.place);
            assert!(started.elapsed() < PATIENCE, "{}: no server", block.place);
            sleep(Duration::from_millis(20));
        }
    }

    /// The text with a free port in place of each port on loopback.
    fn with_ports(&mut self, text: &str) -> String {
        const HOST: &str = "127.0.0.1:";
        let mut parts = text.split(HOST);
        let mut replaced = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.chars().take_while(char::is_ascii_digit).count();
            let (port, rest) = part.split_at(digits);
            let free = match self.ports.get(port) {
                Some(free) => free.clone(),
                None => {
                    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                    let free = listener.local_addr().unwrap().port().to_string();
                    self.ports.insert(port.to_owned(), free.clone());
                    free
                }
            };
            replaced.push_str(HOST);
            replaced.push_str(&free);
            replaced.push_str(rest);
        }
        replaced
    }
}

/// The directory that a page takes as given: `<!-- given: NAME from PATH -->`.
fn given(page: &Path) -> Option<(String, String)> {
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- given: ")?;
    let (given, _) = rest.split_once(" -->")?;
    let (name, from) = given.split_once(" from ")?;
    Some((name.to_owned(), from.to_owned()))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(fs::copy(&path, to).unwrap()),
        }
    }
}

/// Whether an output is the expected one: `…` on a line of its own is any number of lines, elsewhere any text.
fn resembles(expected: &str, printed: &str) -> bool {
    let expected: Vec<&str> = expected.trim_end().lines().map(str::trim_end).collect();
    let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
    lines(&expected, &printed)
}

fn lines(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => (0..=printed.len()).any(|skipped| lines(rest, &printed[skipped..])),
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, printed)| text(first, line) && lines(rest, printed)),
    }
}

fn text(expected: &str, printed: &str) -> bool {
    match expected.split_once('…') {
        None => expected == printed,
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            let ends = printed
                .char_indices()
                .map(|(at, _)| at)
                .chain([printed.len()]);
            ends.into_iter().any(|at| text(rest, &printed[at..]))
        }),
    }
}

#[test]
fn outputs_are_compared() {
    for (expected, printed, result) in [
        ("a\nb", "a\nb\n", true),
        ("a\nb", "a\nc", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("…\nd", "a\nb\nc", false),
        ("policy …, ok", "policy 12, ok", true),
        ("policy …, ok", "policy 12, no", false),
        ("a", "a\nb", false),
    ] {
        assert_eq!(resembles(expected, printed), result, "{expected} {printed}");
    }
}
