//! An origin behind `tollgate authz` verifies `X-Tollgate-Assertion`, so that it notices a request that did not
//! pass the gate, and an identity that something between has changed.
//!
//! The key is at `/assertion-keys` of `authz`; start it with `--assertion-key`, so that the key stays the same.
//! Every library for JWS can do this: `jose` in Node, `PyJWT` in Python. Check the algorithm (EdDSA), the issuer,
//! the time, the method and the target, and read the user only from the assertion.
//!
//! Run it with `cargo run -p tollgate-edge --example origin`.

use core::error::Error;

use serde_json::Value;
use tollgate_edge::{Native, jws};

/// The key set, as `/assertion-keys` returned it.
const KEYS: &str = include_str!("assertion/example.jwks.json");
/// The value of `X-Tollgate-Assertion` in a request.
const ASSERTION: &str = include_str!("assertion/example.jws");
/// The issuer: `tollgate:` and the name of the site.
const ISSUER: &str = "tollgate:school";
const MAX_BYTES: u32 = 16_384;

/// Returns the claims, if the gate allowed a request with this method and target within the last 30 seconds.
fn verify(assertion: &str, method: &str, target: &str, now: i64) -> Result<Value, String> {
    let keys: Value = serde_json::from_str(KEYS).map_err(|error| error.to_string())?;
    let key = keys.pointer("/keys/0").map(Value::to_string);
    let key = jws::Jwk::parse(key.unwrap_or_default().as_bytes());
    let key = key.map_err(|error| error.to_string())?;
    let claims = jws::verify(assertion.as_bytes(), &key, None, MAX_BYTES, &Native)
        .map_err(|error| error.to_string())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|error| error.to_string())?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    // A few seconds for clocks that differ.
    let is_current =
        time("iat").is_some_and(|iat| iat <= now + 5) && time("exp").is_some_and(|exp| now < exp);
    match () {
        () if text("iss") != Some(ISSUER) => Err("it is for another site".to_owned()),
        () if !is_current => Err("it is too old, or not yet valid".to_owned()),
        () if text("method") != Some(method) => Err("it is for another method".to_owned()),
        () if text("target") != Some(target) => Err("it is for another target".to_owned()),
        () => Ok(claims),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = "/courses/rust-101/week1.mp4?t=30";
    let assertion = ASSERTION.trim_end();
    let forged = assertion.replacen("eyJl", "eyJm", 1);
    let now = 1_800_000_010;
    for (what, assertion, method, target, now) in [
        ("as it was allowed", assertion, "GET", target, now),
        ("another method", assertion, "DELETE", target, now),
        ("another path", assertion, "GET", "/exams/final.pdf", now),
        ("a minute later", assertion, "GET", target, now + 60),
        ("changed by someone", &*forged, "GET", target, now),
    ] {
        match verify(assertion, method, target, now) {
            Ok(claims) => {
                let field = |name: &str| claims.get(name).unwrap_or(&Value::Null).clone();
                println!("{what}: user {} in {}", field("sub"), field("groups"));
            }
            Err(problem) => println!("{what}: {problem}"),
        }
    }
    Ok(())
}
