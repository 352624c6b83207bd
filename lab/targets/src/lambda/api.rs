//! The runtime API: `cargo lambda watch` without a function of its own.
//!
//! An invocation waits for ever where no function asks for work, so every read has an end.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// How long the program may take until it listens; it asks cargo about its folder first.
const START: Duration = Duration::from_secs(60);
/// How long one invocation may take.
const INVOCATION: Duration = Duration::from_secs(20);
/// How long the first one may take, which is lost now and then.
const FIRST: Duration = Duration::from_secs(2);
/// Longest result that is read, in bytes.
const MAX_RESULT_BYTES: usize = 8 * 1_024 * 1_024;

/// A package whose programs have the functions' names is what it wants of a folder. It builds nothing.
const MANIFEST: &str = r#"[package]
name = "functions"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "content"
path = "src/main.rs"

[[bin]]
name = "authorizer"
path = "src/main.rs"

[workspace]
"#;

/// The running program.
pub(super) struct RuntimeApi {
    child: Child,
    port: u16,
    connection: BufReader<TcpStream>,
    _folder: TempDir,
}

impl RuntimeApi {
    pub(super) fn start(program: &Path) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        std::fs::write(folder.path().join("Cargo.toml"), MANIFEST)?;
        std::fs::create_dir(folder.path().join("src"))?;
        std::fs::write(folder.path().join("src/main.rs"), "fn main() {}\n")?;
        let port = free_port()?;
        let child = Command::new(program)
            .args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut starting = Starting(Some(child));
        let connection = starting.connect(port)?;
        let child = starting.0.take().context("it has ended")?;
        Ok(Self {
            child,
            port,
            connection: patient(connection, INVOCATION)?,
            _folder: folder,
        })
    }

    /// Asks a function that has just started until it answers, and says how often it was asked: an invocation
    /// that comes before the function asks for work may be lost.
    pub(super) fn wake(&mut self, function: &str, event: &Value) -> Result<u32> {
        for tries in 1..=10 {
            self.reconnect(FIRST)?;
            if self.invoke(function, event).is_ok() {
                self.reconnect(INVOCATION)?;
                return Ok(tries);
            }
        }
        bail!("the function `{function}` answers nothing")
    }

    /// Forgets what may still come for an earlier question.
    fn reconnect(&mut self, patience: Duration) -> Result<()> {
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .context("the runtime API does not listen")?;
        self.connection = patient(connection, patience)?;
        Ok(())
    }

    /// Where a function of this name asks for work.
    pub(super) fn address(&self, function: &str) -> String {
        format!("http://127.0.0.1:{}/.rt/{function}", self.port)
    }

    /// Hands an event to a function; its result, or what it says about its failure.
    pub(super) fn invoke(&mut self, function: &str, event: &Value) -> Result<Value> {
        let body = event.to_string();
        // In one piece: the system would keep back the second of two small ones for a while.
        let request = format!(
            "POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = self.connection.get_mut().write_all(request.as_bytes());
        sent.context("the runtime API does not listen")?;
        let body = response(&mut self.connection).context("the runtime API does not answer")?;
        serde_json::from_slice(&body).context("a result that is no JSON")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        // It serves until it is ended; how it ends no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A program that may not come to listen, and then is ended.
struct Starting(Option<Child>);

impl Starting {
    fn connect(&mut self, port: u16) -> Result<TcpStream> {
        let began = Instant::now();
        loop {
            if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                return Ok(stream);
            }
            let child = self.0.as_mut().context("it has ended")?;
            if let Some(status) = child.try_wait()? {
                bail!("cargo-lambda ended: {status}");
            }
            ensure!(began.elapsed() < START, "cargo-lambda does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn patient(connection: TcpStream, patience: Duration) -> Result<BufReader<TcpStream>> {
    connection.set_read_timeout(Some(patience))?;
    connection.set_nodelay(true)?;
    Ok(BufReader::new(connection))
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// The body of the next response; its status tells no more than the body does.
fn response(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(
        line.starts_with("HTTP/1.1 "),
        "no answer but `{}`",
        line.trim()
    );
    let mut length = None;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let length = length.context("an answer without a length")?;
    ensure!(length <= MAX_RESULT_BYTES, "an answer of {length} bytes");
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
