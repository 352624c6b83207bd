//! Key refresh: the issuer signs with a new key, and the gate learns it from a fetched key set.
//!
//! The gate does no IO. A `Host` drives it: a request whose token names an unknown key ID waits for the key
//! set, for at most a second, and is evaluated again. An issuer has one fetch at a time, and none within ten
//! seconds after the last one ended, so that tokens with invented key IDs cause no flood of requests. Here
//! the client is a function; with the feature `http`, `HttpClient` sends requests over the network.
//!
//! Run it with `cargo run -p tollgate-edge --example key_refresh`.

use core::error::Error;
use core::future::ready;

use tollgate_edge::fetch::FetchRequest;
use tollgate_edge::host::{Client, FetchEnded, Fetched, Host, Local, Native, Task};
use tollgate_edge::{Gate, Request, UnixSeconds};
use tollgate_mint::JwkSet;

#[path = "shared/sample.rs"]
mod sample;

/// A client that reaches only the issuer, which has retired `school-1`.
struct Issuer;

impl Client for Issuer {
    type Error = String;

    fn send(&self, request: FetchRequest, _max_bytes: usize) -> Task<Result<Fetched, String>> {
        println!("  {} {}", request.method, request.url);
        let key = sample::key("school-2").map_err(|error| error.to_string());
        let fetched = key.map(|key| {
            let keys = key.to_public_jwk().into_iter().collect();
            Fetched {
                status: 200,
                body: JwkSet { keys }.to_text().into_bytes(),
            }
        });
        Box::pin(ready(fetched))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let gate = Gate::new(sample::IMAGE.to_vec(), &tollgate_edge::Native)?;
    let clock = || UnixSeconds(sample::NOW);
    let log = |ended: &FetchEnded<'_, String>| match &ended.result {
        Ok(accepted) => println!("  accepted; new keys: {}", accepted.changed),
        Err(failure) => println!("  the current keys stay in use: {failure}"),
    };
    let host = Host::new(
        Local::new(gate, 64),
        Native::new(Issuer, clock, Box::new(log)),
    );

    for (what, kid) in [
        ("the key in the policy", "school-1"),
        ("a new key", "school-2"),
        ("an invented key", "school-9"),
        ("the retired key", "school-1"),
    ] {
        println!("a token of {what}");
        let bearer = format!("Bearer {}", sample::token(kid)?);
        let request = Request {
            method: "GET",
            target: b"/courses/rust-101/week1/ownership.mp4",
            headers: &[("authorization", bearer.as_bytes())],
            ip: None,
            now: UnixSeconds(sample::NOW),
            entropy: None,
        };
        let outcome = host.ask(&request).await;
        let detail = outcome.detail.unwrap_or("-");
        println!("  {} {} {detail}", outcome.status, outcome.reason.code());
    }
    Ok(())
}
