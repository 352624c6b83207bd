//! Real path readers, with files of hostile names: they read every path that `[paths] origin = "files"` or
//! `"s3"` accepts as the core does. Every name that a lenient reader could derive from an accepted path
//! exists as well, so that a wrong reading delivers another file instead of none.
//!
//! `TOLLGATE_NGINX`, `TOLLGATE_CADDY` and `TOLLGATE_MINISTACK` name the programs. A program that is not
//! named is not tested, which the test reports. `cargo xtask test` sets all of them.

#![cfg(test)]

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tollgate_core::{PathOptions, PathReader, PathScratch};
use tollgate_lab_http as http;
use tollgate_targets::theorems::Normaliser;

/// File names as users and attackers choose them.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "a", "a b", "a+b", "c#", "C++", "50%", "100%25", "a;b", "a;jsessionid=1", "who?", "?x=1", "Acme Inc.", "a..", "..a",
    "..;", "%2e%2e", "%2E", "%2f", "a%2Fb", "a%20b", "%", "%%", "%25", "[x]^y|z~", "\"q\"<b>`{c}", "a\u{2026}", "\u{FF1F}",
    "a\u{FF0F}b", "\u{FF0E}\u{FF0E}", "\u{FF05}2e", "\u{2024}\u{2024}", "\u{FE30}", "\u{FE19}", "a\u{37E}b", "\u{2488}",
    "a\u{200B}b", "a\u{200D}b", "a\u{AD}b", "\u{FEFF}bom", "\u{E000}", "\u{FFFD}", "\u{1F3F4}\u{E0067}\u{E007F}", "\u{2003}em",
    "\u{212A}", "k", "e\u{301}", "\u{E9}", "\u{49}\u{307}", "index.html", "a.html", "A.html", "a b.pdf", "it's (1)!", "a&b=c,d$e@f:g",
];

/// Spellings of a name in a request, all of which a reader may accept.
fn spellings(name: &str) -> BTreeSet<String> {
    let escaped = |raw: &dyn Fn(u8) -> bool| -> String {
        let spell = |byte: u8| {
            if raw(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        name.bytes().map(spell).collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let plain = escaped(&|byte| unreserved(byte) || b"~!*'():@&=$,[]^|+".contains(&byte));
    let cautious = escaped(&unreserved);
    let lower = cautious.replace("%E", "%e").replace("%C", "%c");
    BTreeSet::from([
        plain.replace('+', "%2B"),
        plain.replace("%20", "+"),
        plain,
        lower,
        cautious,
    ])
}

/// Returns the names, and every valid file name that path-repairing readers derive from them.
fn files() -> BTreeSet<String> {
    let mut files: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    for name in NAMES {
        for spelling in spellings(name) {
            for first in Normaliser::ALL {
                for second in Normaliser::ALL {
                    let read = second.read(&first.read(spelling.as_bytes()));
                    let read = String::from_utf8(read).unwrap_or_default();
                    files.insert(read.trim_end_matches(['.', ' ']).to_owned());
                    files.insert(read);
                }
            }
        }
    }
    let is_file = |name: &String| {
        let is_dots = name.chars().all(|c| c == '.');
        !is_dots && !name.contains(['/', '\0']) && name.len() < 255
    };
    files.retain(is_file);
    files
}

/// A program that listens on its own address, stopped on drop.
struct Server {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Server {
    /// Starts the command that `command` creates for a directory and a port, and waits until it listens.
    fn start(command: impl FnOnce(&Path, u16) -> Result<Command>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = http::free_address()?;
        let mut command = command(folder.path(), address.port())?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn()?;
        let server = Self {
            child,
            address,
            _folder: folder,
        };
        for _ in 0..1_200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the program does not listen")
    }

    /// Returns the status and body of the response to a request with this raw path.
    fn send(&self, method: &str, raw: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        let reply = http::send(self.address, method, raw.as_bytes(), &[], body)
            .with_context(|| format!("no response to {raw}"))?;
        Ok((reply.status, reply.body))
    }
}

/// Creates the directory with the files, each of which contains its own name.
fn on_disk() -> Result<TempDir> {
    let root = tempfile::tempdir()?;
    for name in files() {
        fs::write(root.path().join(&name), &name)?;
    }
    Ok(root)
}

/// Requests every spelling that the reader's site accepts; returns their number.
fn compare(
    server: &Server,
    reader: PathReader,
    prefix: &str,
    is_left_out: fn(&str) -> bool,
) -> Result<usize> {
    let options = PathOptions {
        reader,
        ..PathOptions::default()
    };
    let mut scratch = PathScratch::new();
    let mut tried = 0;
    for name in NAMES {
        let mut is_readable = false;
        for spelling in spellings(name) {
            let raw = format!("/{spelling}");
            let Ok(path) = scratch.parse(raw.as_bytes(), options) else {
                continue;
            };
            if is_left_out(&spelling) {
                continue;
            }
            let wanted = path.decoded();
            let (status, body) = server.send("GET", &format!("{prefix}{raw}"), b"")?;
            ensure!(
                status == 200 && body == wanted,
                "{raw} was decided as {:?}, and read as {status} {:?}",
                String::from_utf8_lossy(wanted),
                String::from_utf8_lossy(&body)
            );
            is_readable |= wanted == name.as_bytes();
            tried += 1;
        }
        ensure!(is_readable, "no spelling of {name:?} is accepted");
    }
    Ok(tried)
}

/// Returns the program that a variable names.
fn program(variable: &str) -> Option<String> {
    let named = std::env::var(variable).ok().filter(|path| !path.is_empty());
    if named.is_none() {
        println!("not tested: {variable} is not set");
    }
    named
}

#[test]
fn nginx_reads_paths_as_files() -> Result<()> {
    let Some(program) = program("TOLLGATE_NGINX") else {
        return Ok(());
    };
    let root = on_disk()?;
    let server = Server::start(|folder, port| {
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log;\nevents {{}}\nhttp {{\n\
             access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d;\n\
             scgi_temp_path e; server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            root.path().display()
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(file);
        Ok(command)
    })?;
    let tried = compare(&server, PathReader::Files, "", |_| false)?;
    println!("nginx: {tried} paths");
    Ok(())
}

#[test]
fn caddy_reads_paths_as_files() -> Result<()> {
    let Some(program) = program("TOLLGATE_CADDY") else {
        return Ok(());
    };
    let root = on_disk()?;
    let server = Server::start(|folder, port| {
        let config = format!(
            "{{\n\tadmin off\n\tauto_https off\n}}\nhttp://127.0.0.1:{port} {{\n\troot * {}\n\tfile_server {{\n\t\t\
             index none\n\t}}\n}}\n",
            root.path().display()
        );
        let file = folder.join("Caddyfile");
        fs::write(&file, config)?;
        let mut command = Command::new(program);
        command.args(["run", "--adapter", "caddyfile", "--config"]);
        command.arg(file).env("HOME", folder).current_dir(folder);
        Ok(command)
    })?;
    // Caddy redirects requests for its index documents to their directory, whether or not the file exists.
    let tried = compare(&server, PathReader::Files, "", |_| false)?;
    println!("Caddy: {tried} paths");
    Ok(())
}

/// The emulator reads a raw `+` as a plus sign, but S3 reads it as a space, so such spellings are skipped
/// here.
#[test]
fn an_object_store_reads_paths_as_s3() -> Result<()> {
    let Some(program) = program("TOLLGATE_MINISTACK") else {
        return Ok(());
    };
    let server = Server::start(|folder, port| {
        let mut command = Command::new(program);
        command
            .env("BIND_HOST", "127.0.0.1")
            // Its server for MQTT would listen on all addresses.
            .env("IOT_MTLS_ENABLED", "0")
            .env("GATEWAY_PORT", port.to_string())
            .env("LOG_LEVEL", "WARNING")
            .env("SERVICES", "s3")
            .current_dir(folder);
        Ok(command)
    })?;
    let (status, _) = server.send("PUT", "/names", b"")?;
    ensure!(status == 200, "no bucket: {status}");
    for name in files() {
        let key: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (status, _) = server.send("PUT", &format!("/names/{key}"), name.as_bytes())?;
        ensure!(status == 200, "{name:?} cannot be put: {status}");
    }
    let tried = compare(&server, PathReader::S3, "/names", |raw| raw.contains('+'))?;
    println!("S3: {tried} paths");
    Ok(())
}
