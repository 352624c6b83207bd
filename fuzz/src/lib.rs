//! What the fuzz targets do: one module a target, each with a `check` that panics if a promise is broken.
//!
//! A promise is more than "does not crash": an image that loads never lets a decision down, two providers agree on
//! every token, the specification agrees with the core on every path. Where blind changes would break a form that
//! is checked first (an image's checksum, base64url, JSON), a module has a `mutate` that changes what is inside
//! of the form.
//!
//! Not here: how long, and with which seeds, which `cargo xtask fuzz` says. What was found stands as a test in the
//! crate it belongs to.

pub mod cookies;
pub mod differential;
pub mod event;
pub mod image;
pub mod jwks;
pub mod jws;
pub mod path;
pub mod policy;
pub mod rs256;

mod ask;
mod change;
mod json;

// The small site that the gate's own tests use, and its provider that knows one signature.
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
#[path = "../../crates/gate/tests/gate/site.rs"]
mod site;

// And the functions that the Lambda adapter's tests ask.
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
#[path = "../../lambda-adapter/tests/functions/kit.rs"]
mod kit;
