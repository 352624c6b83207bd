//! The load: wrk with a script that sends prepared requests in turn.

use core::fmt::Write as _;
use core::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::site::Asked;

pub(crate) const CONNECTIONS: &str = "32";

/// The results of one run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) errors: f64,
}

/// Returns the script: the requests in turn, and a report that is easy to parse. `is_asked` sends them as nginx asks
/// about them.
pub(crate) fn script(requests: &[Asked], is_asked: bool) -> Result<String> {
    let mut text = String::from("local asked = {}\nlocal turn = 0\nfunction init()\n");
    for Asked { path, token } in requests {
        let mut fields = format!("[\"authorization\"] = \"Bearer {token}\"");
        let mut target = path.as_str();
        if is_asked {
            target = "/auth/nginx";
            write!(
                fields,
                ", [\"x-original-method\"] = \"GET\", [\"x-original-uri\"] = \"{path}\""
            )?;
        }
        writeln!(
            text,
            "  asked[#asked + 1] = wrk.format(\"GET\", \"{target}\", {{ {fields} }})"
        )?;
    }
    text.push_str(
        "end
function request()
  turn = turn % #asked + 1
  return asked[turn]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\\nreport {\"requests\":%d,\"micros\":%d,\"p50_micros\":%.1f,\"p99_micros\":%.1f,\"errors\":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
",
    );
    Ok(text)
}

/// Sends the requests of a script for some seconds.
pub(crate) fn run(
    program: &Path,
    script: &Path,
    address: SocketAddr,
    seconds: u32,
) -> Result<Round> {
    let done = Command::new(program)
        .args(["-t1", "-c", CONNECTIONS])
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(script)
        .arg(format!("http://{address}/"))
        .output()
        .context("cannot start wrk")?;
    let said = String::from_utf8_lossy(&done.stdout);
    let Some(report) = said.lines().find_map(|line| line.strip_prefix("report ")) else {
        bail!("wrk printed no report: {said}");
    };
    let report: Value = serde_json::from_str(report)?;
    let figure = |name: &str| report.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    Ok(Round {
        requests: figure("requests"),
        per_second: figure("requests") / figure("micros") * 1e6,
        p50_micros: figure("p50_micros"),
        p99_micros: figure("p99_micros"),
        errors: figure("errors"),
    })
}
