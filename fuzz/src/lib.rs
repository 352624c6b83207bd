//! The fuzz targets: one module per target, each with a `check` that panics if a property is
//! violated.
//!
//! The properties are more than "does not crash": a loaded image decides every request, two
//! providers agree on every token, the specification agrees with the core on every path. If blind
//! changes would break an encoding that is checked first (the checksum of an image, base64url,
//! JSON), a module has a `mutate` that changes the decoded content.
//!
//! Not here: run time and seeds (`cargo xtask fuzz`). Every finding becomes a test in the crate
//! that it belongs to.

pub mod cookies;
pub mod differential;
pub mod es256;
pub mod event;
pub mod image;
pub mod jwks;
pub mod jws;
pub mod path;
pub mod policy;
pub mod rs256;
pub mod sign_in;

mod ask;
mod change;
mod json;

// The small site of the gate's own tests, and its provider, which accepts one signature.
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
#[path = "../../crates/gate/tests/gate/site.rs"]
mod site;

// The site of the tests of sign-in.
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
#[path = "../../crates/gate/tests/sign_in/site.rs"]
mod sign_in_site;

// The functions that the Lambda adapter's tests call.
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
#[path = "../../lambda-adapter/tests/functions/kit.rs"]
mod kit;
