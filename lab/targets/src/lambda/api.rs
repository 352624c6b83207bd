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

/// The time limit for the program to start listening; it first runs cargo on its directory.
const START: Duration = Duration::from_secs(60);
/// The time limit for one invocation.
const INVOCATION: Duration = Duration::from_secs(20);
/// The time limit for the first invocation, which is lost occasionally.
const FIRST: Duration = Duration::from_secs(2);
/// The maximum result size that is read, in bytes.
const MAX_RESULT_BYTES: usize = 8 * 1_024 * 1_024;

/// cargo-lambda requires a package whose programs have the functions' names. It builds nothing.
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
        let folder = TempDir::new().context("cannot create a temporary directory")?;
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
        let child = starting.0.take().context("the process has ended")?;
        Ok(Self {
            child,
            address,
            connection,
            _folder: folder,
        })
    }

    /// Invokes a newly started function until it responds; returns the number of attempts. An invocation that
    /// arrives before the function polls for work may be lost.
    pub(super) fn wake(&mut self, function: &str, event: &Value) -> Result<u32> {
        for tries in 1..=10 {
            self.reconnect(FIRST)?;
            if self.invoke(function, event).is_ok() {
                self.reconnect(INVOCATION)?;
                return Ok(tries);
            }
        }
        bail!("the function `{function}` does not respond")
    }

    /// Discards late responses to an earlier request.
    fn reconnect(&mut self, patience: Duration) -> Result<()> {
        self.connection = Connection::open(self.address, patience)?;
        Ok(())
    }

    /// Returns the address where a function with this name polls for work.
    pub(super) fn address(&self, function: &str) -> String {
        format!("http://{}/.rt/{function}", self.address)
    }

    /// Passes an event to a function; returns its result, or its description of a failure.
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
        // The status contains no more information than the body.
        let reply = self.connection.reply(MAX_RESULT_BYTES);
        let body = reply.context("the runtime API does not respond")?.body;
        serde_json::from_slice(&body).context("the result is not JSON")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A program that is stopped if it does not start listening.
struct Starting(Option<Child>);

impl Starting {
    fn connect(&mut self, address: SocketAddr) -> Result<Connection> {
        let began = Instant::now();
        loop {
            if let Ok(connection) = Connection::open(address, INVOCATION) {
                return Ok(connection);
            }
            let child = self.0.as_mut().context("the process has ended")?;
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
