//! A decision in ten lines: load a policy image, evaluate a request, print the log record.
//!
//! Run it with `cargo run -p tollgate-edge --example decision`.

use core::error::Error;

use tollgate_edge::{Context, Gate, Native, Request, UnixSeconds};

/// A policy image, as `tollgate build` writes it.
const IMAGE: &[u8] = include_bytes!("policy.tgi");

fn main() -> Result<(), Box<dyn Error>> {
    let gate = Gate::new(IMAGE, &Native)?;
    let request = Request {
        method: "GET",
        target: b"/courses/rust-101/preview/intro.mp4",
        headers: &[("host", b"learn.example.com")],
        ip: Some("203.0.113.7"),
        now: UnixSeconds(1_800_000_000),
        entropy: None,
    };
    let outcome = gate.ask(&request, &mut Context::new());
    let mut record = String::new();
    outcome.log.write_json(&mut record)?;
    println!("{} {}", outcome.kind.code(), outcome.status);
    println!("{record}");
    Ok(())
}
