//! The process under load, and its memory.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tollgate_targets::live::site::FILES;

/// The content of every file.
pub(crate) const FILE: &[u8] = b"a file";

/// `tollgate serve` with a few files.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _root: TempDir,
}

impl Server {
    pub(crate) fn start(tollgate: &Path, image: &Path) -> Result<Server> {
        let root = TempDir::new().context("cannot create a temporary directory")?;
        for file in FILES {
            let file = root.path().join(file.trim_start_matches('/'));
            if let Some(above) = file.parent() {
                std::fs::create_dir_all(above)?;
            }
            std::fs::write(file, FILE)?;
        }
        let mut child = Command::new(tollgate)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "off",
                "--policy",
            ])
            .arg(image)
            .arg("--root")
            .arg(root.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", tollgate.display()))?;
        let mut said = String::new();
        let out = child.stdout.take().context("the server has no output")?;
        BufReader::new(out).read_line(&mut said)?;
        let mut server = Server {
            child,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            _root: root,
        };
        let place = said.split("http://").nth(1).unwrap_or_default();
        let place = place.split_whitespace().next().unwrap_or_default();
        server.address = place
            .parse()
            .with_context(|| format!("tollgate serve did not start: {said}"))?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it.
    ///
    /// # Errors
    ///
    /// Returns an error if it has already ended by itself, which it must not.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(
            ended.is_none(),
            "tollgate serve ended under load: {ended:?}"
        );
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Returns the resident memory of a process in KiB; `None` if the system does not report it.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
