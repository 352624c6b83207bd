//! `local-issuer`: the issuer as a process, for tests and demos in any language. Its first line on standard
//! output is a JSON object with its addresses; it serves until it is stopped.

use core::net::SocketAddr;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use tollgate_local_issuer::{Client, LocalIssuer, Options, People};

/// A sign-in issuer on loopback, for tests and demos
#[derive(Parser)]
#[command(name = "local-issuer")]
struct Cli {
    /// The loopback address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The name of the user pool
    #[arg(long, default_value = "eu-west-1_TestPool1")]
    pool: String,
    /// The `iss` of tokens [default: the pool's address here]
    #[arg(long)]
    issuer: Option<String>,
    /// An app client with an optional redirect URI: `ID` or `ID=URI`; can be given more than once
    #[arg(long = "client", default_value = "client-abc123")]
    clients: Vec<String>,
    /// The people who can sign in: a JSON file in the format of the built-in list
    #[arg(long)]
    people: Option<PathBuf>,
    /// The seed of the keys
    #[arg(long, default_value = "test")]
    seed: String,
    /// The lifetime of tokens, in seconds
    #[arg(long, default_value_t = 3600)]
    life: i64,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn core::error::Error>> {
    let people = match cli.people {
        None => People::sample()?,
        Some(file) => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            People::from_json(&text)?
        }
    };
    let issuer = LocalIssuer::bind(
        cli.listen,
        Options {
            pool: cli.pool,
            issuer: cli.issuer,
            clients: clients(&cli.clients),
            people,
            seed: cli.seed,
            life_secs: cli.life,
        },
    )?;
    let place = json!({
        "address": format!("http://{}", issuer.addr()),
        "issuer": issuer.issuer(),
        "jwks_uri": issuer.jwks_uri(),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{place}")?;
    out.flush()?;
    drop(out);
    issuer.run();
    Ok(())
}

/// Parses clients from `ID` and `ID=URI`; several URIs of one client are combined.
fn clients(said: &[String]) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for entry in said {
        let (id, uri) = match entry.split_once('=') {
            Some((id, uri)) => (id, Some(uri.to_owned())),
            None => (entry.as_str(), None),
        };
        match clients.iter_mut().find(|client| client.id == id) {
            Some(client) => client.redirect_uris.extend(uri),
            None => clients.push(Client {
                id: id.to_owned(),
                redirect_uris: uri.into_iter().collect(),
            }),
        }
    }
    clients
}
