//! The runtime API: `cargo lambda watch` without a function of its own.
//!
//! An invocation waits indefinitely if no function polls for work, so every read has a timeout.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tollgate_lab_http::{Connection, free_address};

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
    address: SocketAddr,
    connection: Connection,
    _folder: TempDir,
}

impl RuntimeApi {
    pub(super) fn start(program: &Path) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        std::fs::write(folder.path().join("Cargo.toml"), MANIFEST)?;
        std::fs::create_dir(folder.path().join("src"))?;
        std::fs::write(folder.path().join("src/main.rs"), "fn main() {}\n")?;
        let address = free_address()?;
        let child = Command::new(program)
            .args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(address.port().to_string())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut starting = Starting(Some(child));
        let connection = starting.connect(address)?;
        let child = starting.0.take().context("it has ended")?;
        Ok(Self {
            child,
            address,
            connection,
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
        self.connection = Connection::open(self.address, patience)?;
        Ok(())
    }

    /// Where a function of this name asks for work.
    pub(super) fn address(&self, function: &str) -> String {
        format!("http://{}/.rt/{function}", self.address)
    }

    /// Hands an event to a function; its result, or what it says about its failure.
    pub(super) fn invoke(&mut self, function: &str, event: &Value) -> Result<Value> {
        let target = format!("/2015-03-31/functions/{function}/invocations");
        let fields: [(&str, &[u8]); 2] = [
            ("host", b"localhost"),
            ("content-type", b"application/json"),
        ];
        let body = event.to_string();
        self.connection
            .send("POST", target.as_bytes(), &fields, body.as_bytes())
            .context("the runtime API does not listen")?;
        // Its status tells no more than the body does.
        let reply = self.connection.reply(MAX_RESULT_BYTES);
        let body = reply.context("the runtime API does not answer")?.body;
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
    fn connect(&mut self, address: SocketAddr) -> Result<Connection> {
        let began = Instant::now();
        loop {
            if let Ok(connection) = Connection::open(address, INVOCATION) {
                return Ok(connection);
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
