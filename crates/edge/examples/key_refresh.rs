//! Key refresh: the issuer signs with a new key, and the gate learns it from a fetched key set.
//!
//! The gate does no IO. It names the key set to fetch, and the host reports how the fetch ended. There is one fetch per
//! issuer at a time, and none within ten seconds after one that ended, so that tokens with invented key IDs cause no
//! flood of requests to the issuer. Here the fetch is a function call; a host sends an HTTP request.
//!
//! Run it with `cargo run -p tollgate-edge --example key_refresh`.

use core::error::Error;

use tollgate_edge::keys::{KeyFetch, Why};
use tollgate_edge::{Context, Gate, Native, Outcome, Request, UnixSeconds};
use tollgate_mint::JwkSet;

#[path = "shared/sample.rs"]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut gate = Gate::new(sample::IMAGE, &Native)?;
    let mut now = sample::NOW;
    for (what, kid) in [
        ("a token of the key in the policy", "school-1"),
        ("a token of a new key", "school-2"),
        ("a token of an invented key", "school-9"),
        ("a token of the retired key", "school-1"),
    ] {
        now += 1;
        println!("{what}");
        let outcome = decide(&mut gate, &sample::token(kid)?, UnixSeconds(now))?;
        let detail = outcome.detail.unwrap_or("-");
        println!("  {} {} {detail}", outcome.status, outcome.reason.code());
    }
    Ok(())
}

/// Evaluates a request; once more if refreshed keys may change the outcome.
fn decide(
    gate: &mut Gate<&'static [u8]>,
    token: &str,
    now: UnixSeconds,
) -> Result<Outcome, Box<dyn Error>> {
    let bearer = format!("Bearer {token}");
    let request = Request {
        method: "GET",
        target: b"/courses/rust-101/week1/ownership.mp4",
        headers: &[("authorization", bearer.as_bytes())],
        ip: None,
        now,
    };
    let outcome = gate.ask(&request, &mut Context::new());
    if !outcome.unknown_key {
        return Ok(outcome);
    }
    let mut is_refreshed = false;
    while let Some(KeyFetch {
        ticket,
        issuer: _,
        url,
    }) = gate.keys_due(now, Why::UnknownKey)
    {
        println!("  fetch {url}");
        match key_set() {
            Ok(body) => {
                let accepted = gate.keys_arrived(ticket, body.as_bytes(), now)?;
                is_refreshed |= accepted.changed;
            }
            Err(error) => {
                // The current keys stay in use.
                println!("  {error}");
                gate.keys_failed(ticket, now);
            }
        }
    }
    if is_refreshed {
        return Ok(gate.ask(&request, &mut Context::new()));
    }
    Ok(outcome)
}

/// The key set that the issuer publishes now.
fn key_set() -> Result<String, Box<dyn Error>> {
    let key = sample::key("school-2")?.to_public_jwk();
    let keys = key.into_iter().collect();
    Ok(JwkSet { keys }.to_text())
}
