//! The `tollgate serve` process: started on a free loopback port, its log read line by line, stopped on
//! drop.
//!
//! Not here: the requests.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use xtask::{repo, shell};

/// A record is written before its response is sent, so this timeout only covers pauses of a busy machine.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);

/// A running local edge.
pub(super) struct Edge {
    child: Child,
    pub(super) address: SocketAddr,
    records: Receiver<Value>,
}

impl Edge {
    /// Starts the edge with a policy image for a directory, at a fixed time or at the machine's.
    pub(super) fn start(policy: &Path, root: &Path, now: Option<i64>) -> Result<Edge> {
        Edge::start_at(([127, 0, 0, 1], 0).into(), policy, root, now)
    }

    /// The same, on this address.
    pub(super) fn start_at(
        listen: SocketAddr,
        policy: &Path,
        root: &Path,
        now: Option<i64>,
    ) -> Result<Edge> {
        let mut command = shell::tool(
            repo::program("tollgate"),
            ["serve", "--listen", &listen.to_string()],
        );
        command.args(["--log", "json", "--trust-forwarded-for"]);
        command.arg("--policy").arg(policy).arg("--root").arg(root);
        if let Some(now) = now {
            command.args(["--now", &now.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start tollgate serve")?;
        let records = records(child.stderr.take().context("the edge has no log")?);
        let mut said = String::new();
        let out = child.stdout.take().context("the edge has no output")?;
        BufReader::new(out).read_line(&mut said)?;
        let Some(address) = address(&said) else {
            _ = child.kill();
            let status = child.wait()?;
            bail!("tollgate serve did not start ({status}): {}", said.trim());
        };
        Ok(Edge {
            child,
            address,
            records,
        })
    }

    /// Returns the record of the latest request; `None` if the edge rejected the message before it was parsed
    /// as a request.
    pub(super) fn record(&self) -> Result<Option<Value>> {
        match self.records.recv_timeout(RECORD_TIMEOUT) {
            Ok(record) => Ok(Some(record)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the edge has ended"),
        }
    }

    /// Prints its decisions until it is stopped, for example by an interrupt at the terminal.
    pub(super) fn watch(&self) {
        for record in &self.records {
            println!("{record}");
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Reads log lines on a separate thread; lines that are not records go to the terminal.
fn records(log: impl Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            match serde_json::from_str::<Value>(&line) {
                Ok(record) if record.is_object() => _ = sender.send(record),
                _ => eprintln!("{line}"),
            }
        }
    });
    receiver
}

/// Returns the address in `serving http://127.0.0.1:4711 (policy …)`.
fn address(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("http://")?;
    rest.split_whitespace()
        .next()?
        .trim_end_matches('/')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_is_parsed_from_the_first_line() {
        assert_eq!(
            address("serving http://127.0.0.1:4711 (policy 0f)\n"),
            "127.0.0.1:4711".parse().ok()
        );
        assert_eq!(address("error: no policy\n"), None);
    }
}
