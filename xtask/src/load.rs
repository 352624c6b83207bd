//! `tollgate serve` under sustained load while its issuer fails and recovers: wrong responses, memory and
//! latency; and `tollgate authz` under faults, part by part. `tollgate-targets` generates the load; this module builds what it needs and starts it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{Verdict, build, repo, shell, ui};

/// Arguments of `load`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The server
    #[arg(long, value_enum, default_value_t = Which::Serve)]
    server: Which,
    /// With `serve`: the duration in minutes
    #[arg(long, default_value_t = 2)]
    minutes: u64,
    /// With `authz`: only the parts that take seconds
    #[arg(long)]
    quick: bool,
    /// With `authz`: only parts whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Also write the measurements as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The server under load.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The local edge
    Serve,
    /// The decision service beside a proxy
    Authz,
}

impl Args {
    /// The defaults for everything else.
    pub(crate) fn of(minutes: u64) -> Args {
        Args {
            server: Which::Serve,
            minutes,
            quick: false,
            only: None,
            json: None,
        }
    }
}

/// Runs the load test.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    ui::in_step("programs", |step| {
        shell::must(&mut build::programs(), |line| step.line(line))
    })?;
    let mut load = match args.server {
        Which::Serve => {
            let mut load = shell::tool(repo::program("load"), ["--minutes"]);
            load.arg(args.minutes.to_string());
            load.arg("--tollgate").arg(repo::program("tollgate"));
            load
        }
        Which::Authz => {
            let nginx = ui::in_step("nginx", build::javascript::nginx)?;
            let mut load = authz(&nginx);
            if !args.quick {
                let proxies = ui::in_step("proxies", build::proxies::programs)?;
                load.arg("--envoy").arg(proxies.join("envoy"));
            }
            load.args(args.quick.then_some("--quick"));
            if let Some(only) = &args.only {
                load.args(["--only", only]);
            }
            load
        }
    };
    if let Some(json) = &args.json {
        // Relative to the caller's directory, not to the repository.
        let json = std::path::absolute(json).context("cannot determine the current directory")?;
        load.arg("--json").arg(json);
    }
    match shell::hand_over(&mut load)? {
        0 => Ok(Verdict::Yes),
        3 => Ok(Verdict::No),
        _ => bail!("the load test could not be run"),
    }
}

/// The program with the parts for `tollgate authz`. It opens more connections than most systems allow a process at
/// first.
fn authz(nginx: &Path) -> Command {
    let raised = "ulimit -S -n \"$(ulimit -H -n)\" && exec \"$0\" \"$@\"";
    let mut load = shell::tool("sh", ["-c", raised]);
    load.arg(repo::program("load"))
        .args(["--server", "authz", "--tollgate"])
        .arg(repo::program("tollgate"))
        .arg("--nginx")
        .arg(nginx);
    load
}
