//! The embedders' example that `cargo test` cannot run, because it needs a WASM module: its output is
//! compared.
//!
//! Not here: the other examples of `tollgate-edge`, which its own tests run.

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::ui::Step;
use crate::{build, repo, shell};

/// Runs `wasm_host`, which `cargo test` has built, with the module that `build` has built.
pub(crate) fn wasm_host(step: &Step) -> Result<(String, Tally, bool)> {
    let mut host = shell::tool(repo::program("examples/wasm_host"), [build::plain_module()]);
    let printed = shell::must(&mut host, |line| step.line(line))?;
    let text = repo::root().join("crates/edge/examples/wasm_host.txt");
    let expected = std::fs::read_to_string(&text)
        .with_context(|| format!("cannot read {}", repo::shown(&text)))?;
    let holds = printed.trim_end() == expected.trim_end();
    let tally = Tally {
        passed: u64::from(holds),
        failed: u64::from(!holds),
        skipped: 0,
    };
    let report = format!(
        "{} expects:\n{expected}\nprinted:\n{printed}\n",
        repo::shown(&text)
    );
    Ok((report, tally, holds))
}
