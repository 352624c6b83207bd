//! `tollgate authz` as a process that is killed, told to reload, and watched.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tollgate_lab_http as http;

const START: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(5);

/// A running service, stopped on drop.
pub(crate) struct Service {
    tollgate: PathBuf,
    arguments: Vec<String>,
    /// The soft limit of open files; `None` leaves it.
    open_files: Option<u32>,
    child: Child,
    pub(crate) address: SocketAddr,
    /// The directory of its policy.
    folder: TempDir,
}

impl Service {
    /// Starts it with a policy image, and with more arguments.
    pub(crate) fn start(
        tollgate: &Path,
        image: &[u8],
        more: &[&str],
        open_files: Option<u32>,
    ) -> Result<Self> {
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        let policy = folder.path().join("policy.tgi");
        fs::write(&policy, image)?;
        let address = http::free_address()?;
        let policy = policy.to_string_lossy();
        let listen = address.to_string();
        let usual = [
            "authz",
            "--log",
            "off",
            "--peers",
            "127.0.0.1",
            "--policy",
            &policy,
            "--listen",
            &listen,
        ];
        let usual = usual.iter();
        let arguments: Vec<String> = usual.chain(more).map(|text| (*text).to_owned()).collect();
        let child = spawn(tollgate, &arguments, open_files)?;
        let mut service = Self {
            tollgate: tollgate.to_owned(),
            arguments,
            open_files,
            child,
            address,
            folder,
        };
        service.wait()?;
        Ok(service)
    }

    /// Ends it at once, as a crash or a lack of memory would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again, at the same address.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.tollgate, &self.arguments, self.open_files)?;
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Ok(reply) = http::send(self.address, "GET", b"/readyz", &[], b"") {
                ensure!(reply.status == 200, "/readyz returns {}", reply.status);
                return Ok(());
            }
            self.check_alive()?;
            ensure!(
                began.elapsed() < START,
                "tollgate authz does not listen at {}",
                self.address
            );
            thread::sleep(STEP);
        }
    }

    /// Returns an error if it has ended by itself, which it must not.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("tollgate authz ended by itself: {status}"),
        }
    }

    /// Replaces the policy's file atomically.
    pub(crate) fn replace(&self, image: &[u8]) -> Result<()> {
        let next = self.folder.path().join("next");
        fs::write(&next, image)?;
        Ok(fs::rename(next, self.folder.path().join("policy.tgi"))?)
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) -> Result<()> {
        let status = Command::new("kill")
            .args(["-HUP", &self.child.id().to_string()])
            .status()
            .context("cannot start kill")?;
        ensure!(status.success(), "the service does not run");
        Ok(())
    }

    /// The value of a metric with these labels, or 0.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let reply = http::send(self.address, "GET", b"/metrics", &[], b"")?;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.map_or(Ok(0.0), |value| value.trim().parse())?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        status_kib(self.pid(), "VmRSS:").unwrap_or(0)
    }

    /// The largest memory that it ever had.
    pub(crate) fn peak_kib(&self) -> u64 {
        status_kib(self.pid(), "VmHWM:").unwrap_or(0)
    }
}

fn spawn(tollgate: &Path, arguments: &[String], open_files: Option<u32>) -> Result<Child> {
    let mut command = match open_files {
        None => Command::new(tollgate),
        Some(limit) => {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("ulimit -S -n {limit} && exec \"$0\" \"$@\"")])
                .arg(tollgate);
            shell
        }
    };
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", tollgate.display()))
}

/// A line of `/proc/PID/status` in KiB.
pub(crate) fn status_kib(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
