//! Processes that are measured: their start, their processor time, and their memory.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const STEP: Duration = Duration::from_millis(20);
/// The time in which a process must listen: a large configuration takes long to read.
const START: Duration = Duration::from_secs(180);
const LOG: &str = "process.log";
/// The unit of processor time in `/proc`: hundredths of a second on every Linux.
const TICK_MICROS: f64 = 10_000.0;

/// Where a process listens.
pub(crate) enum Listens<'a> {
    At(SocketAddr),
    On(&'a Path),
}

/// A running process, stopped on drop.
pub(crate) struct Process {
    child: Child,
    /// The time until it listened.
    pub(crate) ready: Duration,
    /// Its configuration and its log.
    folder: TempDir,
}

impl Process {
    /// Starts a command in a directory, and waits until it listens.
    pub(crate) fn start(
        command: &mut Command,
        folder: TempDir,
        listens: &Listens<'_>,
    ) -> Result<Self> {
        let began = Instant::now();
        let log = File::create(folder.path().join(LOG))?;
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut process = Self {
            child,
            ready: Duration::ZERO,
            folder,
        };
        while !listens.answers() {
            if let Some(status) = process.child.try_wait()? {
                bail!("it ended with {status}: {}", process.last_words());
            }
            if began.elapsed() > START {
                bail!("it did not listen within {} s", START.as_secs());
            }
            thread::sleep(STEP);
        }
        process.ready = began.elapsed();
        Ok(process)
    }

    /// The last lines of its log.
    fn last_words(&self) -> String {
        let log = fs::read(self.folder.path().join(LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }

    /// The processor time that it has used, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.unwrap_or_default();
        // The second field, the name in parentheses, may contain spaces.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
        ticks * TICK_MICROS
    }

    /// Its resident memory.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

impl Listens<'_> {
    fn answers(&self) -> bool {
        match self {
            Self::At(address) => TcpStream::connect(address).is_ok(),
            Self::On(path) => UnixStream::connect(path).is_ok(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It serves until it is stopped; its exit code no longer matters.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
