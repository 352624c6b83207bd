//! The locations of the built artifacts: options of every program that drives targets.

use std::path::PathBuf;

/// The locations of the built artifacts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Places {
    /// The plain WASM module
    #[arg(long, value_name = "FILE")]
    pub wasm: PathBuf,
    /// The directory of the npm package
    #[arg(long, value_name = "DIR")]
    pub node_package: PathBuf,
    /// The directory with the built parts of edges, with a subdirectory for each target
    #[arg(long, value_name = "DIR")]
    pub parts: PathBuf,
    /// The `tollgate` command, which combines parts and policy
    #[arg(long, value_name = "FILE")]
    pub tollgate: PathBuf,
    /// The program `workerd`
    #[arg(long, value_name = "FILE")]
    pub workerd: PathBuf,
    /// The native Lambda program
    #[arg(long, value_name = "FILE")]
    pub lambda: PathBuf,
    /// The program `cargo-lambda`, which passes it events
    #[arg(long, value_name = "FILE")]
    pub cargo_lambda: PathBuf,
    /// The program `nginx` with its JavaScript engine
    #[arg(long, value_name = "FILE")]
    pub nginx: PathBuf,
    /// The directory with the programs `envoy`, `traefik` and `caddy`
    #[arg(long, value_name = "DIR")]
    pub proxies: PathBuf,
    /// The program `haproxy`
    #[arg(long, value_name = "FILE")]
    pub haproxy: PathBuf,
    /// The Lambda program with keys that panic, which only fault injection needs
    #[arg(long, value_name = "FILE")]
    pub fragile_lambda: Option<PathBuf>,
}
