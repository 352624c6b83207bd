//! Tollgate at the edge: decides which requests may access which paths, inside your program.
//!
//! ```
//! use tollgate_edge::{Context, Gate, Kind, Native, Request, UnixSeconds};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/policy.tgi");
//! let gate = Gate::new(std::fs::read(path)?, &Native)?; // written by `tollgate build`
//! let outcome = gate.ask(
//!     &Request {
//!         method: "GET",
//!         target: b"/courses/rust-101/preview/intro.mp4",
//!         headers: &[("host", b"learn.example.com")],
//!         ip: Some("203.0.113.7"),
//!         now: UnixSeconds(1_800_000_000),
//!         entropy: None,
//!     },
//!     &mut Context::new(),
//! );
//! assert_eq!(outcome.kind, Kind::Allow);
//! assert_eq!(outcome.rule.as_deref(), Some("rust-101/preview"));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Gate`] contains one policy image, which the `tollgate` command compiles from TOML. [`Gate::ask`]
//! evaluates one [`Request`]. The [`Outcome`] contains an [`Action`], which the host carries out, and a
//! [`LogRecord`]. A gate has no IO, clock or threads: the host (your program) supplies them.
//!
//! # Parts
//!
//! | to | use | example |
//! |---|---|---|
//! | load a policy and evaluate a request | [`Gate`], [`Request`], [`Context`] | `decision` |
//! | carry out an outcome | [`Action`], [`Forward`], [`RequestEdits`], [`ResponseEdits`], [`Response`] | `tower` |
//! | deny for reasons of the host | [`EdgeDenial`] | `tower` |
//! | sign users in once, then by cookie | `[session]` in the policy, [`ResponseEdits::set_cookies`] | `sessions` |
//! | verify each token only once | [`TokenCache`], [`Context::cached`] | `sessions` |
//! | keep the key sets of issuers fresh | `host`, or [`fetch`] without a driver | `key_refresh` |
//! | run the gate as a WebAssembly module | [`wire`] | `wasm_host` |
//! | accept signed policies only | [`signed`], [`Gate::load`] | |
//! | verify signatures with another library | [`provider`] | |
//! | write a log | [`LogRecord::write_json`], [`TokenStatus`] | `decision` |
//!
//! `cargo run -p tollgate-edge --example decision` runs an example. `examples/node` has one for the npm package.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `native` | `Native`: AWS-LC, all algorithms; needs a C compiler | yes |
//! | `portable` | `Portable`: plain Rust, all algorithms, every target, WebAssembly included | no |
//! | `rs`, `ps`, `es256`, `es384`, `eddsa`, `hs` | `Portable` with this family of algorithms: less code in a module | no |
//! | `host` | `host`: the driver that fetches key sets for a gate, over a platform of yours | yes |
//! | `tokio` | its platform for programs that run on tokio | yes |
//! | `http` | an HTTP client for that platform: hyper, rustls | no |
//!
//! Both providers accept the same signatures. Without either feature, [`Gate::new`] accepts any
//! [`Provider`](provider::Provider).
//!
//! # Stability
//!
//! The version follows semantic versioning: before 1.0, a release that can break a build raises the minor
//! version. Covered are the names in this crate, their signatures, and the codes: [`Kind::code`],
//! [`Reason::code`], detail codes and the members of log records. Any release can add codes, and variants of
//! enums that are `#[non_exhaustive]`. A new part of an outcome breaks builds on purpose, so that no host
//! ignores it: destructure [`Action`], [`Forward`] and the edits without `..`.
//!
//! Not covered:
//!
//! - the crates behind this one (`tollgate-edge-core`, `tollgate-token`, `tollgate-crypto`, `tollgate-gate`,
//!   `tollgate-host`), and items of theirs that a type here mentions but this crate does not name;
//! - the text of messages, and the layout of headers and bodies of denied requests;
//! - the bytes of [`wire`]: module and host are built together.
//!
//! A gate rejects a policy image with an unknown format version: build images with the `tollgate` command of
//! the same release. A change that can alter a decision has a ★ in `CHANGELOG.md`. The minimum Rust version
//! is that of the workspace; raising it is not a breaking change.
//!
//! Not here: any logic. `tollgate-compiler` compiles policies, at build time only.

#![no_std]
#![forbid(unsafe_code)]

pub use tollgate_core::{ImageId, Reason, RuleId, UnixSeconds};
#[cfg(feature = "native")]
pub use tollgate_crypto::Native;
#[cfg(any(
    feature = "rs",
    feature = "ps",
    feature = "es256",
    feature = "es384",
    feature = "eddsa",
    feature = "hs"
))]
pub use tollgate_crypto::Portable;
pub use tollgate_gate::{
    Action, CacheEdit, Context, EdgeDenial, Forward, Gate, HeaderEdit, Identity, Kind, LoadError,
    LogRecord, Outcome, Request, RequestEdits, Response, ResponseEdits, TokenCache, TokenStatus,
};

/// The requests that a gate needs sent, for programs without the driver in `host`.
///
/// [`Gate::step`] evaluates a request and returns the fetches that it depends on, [`Gate::due`] returns those
/// for the background. [`Gate::resume`] accepts the responses.
pub mod fetch {
    pub use tollgate_gate::{
        Fetch, FetchLimits, FetchRequest, FetchResponse, KeySetError, KeysAccepted, MAX_STEPS,
        MAX_WAIT_MS, Pending, Resumed, Step,
    };
    pub use tollgate_token::{KeyError, SkippedKey};
}

/// The driver of a gate: sends its fetches, shares them between requests, and limits how long a request
/// waits.
#[cfg(feature = "host")]
pub mod host {
    #[cfg(feature = "tokio")]
    pub use tollgate_host::{Client, FetchLog, Native};
    pub use tollgate_host::{
        FetchEnded, FetchFailure, Fetched, Host, Local, Machine, Platform, Stepped, Task,
    };
    #[cfg(feature = "http")]
    pub use tollgate_host::{HttpClient, HttpError};
}

/// Signature providers: the cryptography that a gate needs.
pub mod provider {
    pub use tollgate_token::{
        Algorithm, BadSignature, Curve, KeyKind, KeyMaterial, KeyRefused, PreparedKey, Provider,
    };
}

/// Signatures over any bytes: for origins that verify the assertion of `tollgate authz`.
pub mod jws {
    pub use tollgate_token::jws::verify;
    pub use tollgate_token::{Jwk, JwkError, TokenError};
}

/// Signed policy images: trust keys, versions, and the errors of [`Gate::load`].
pub mod signed {
    pub use tollgate_gate::signed::{PolicyVersion, Release, SignedError, Trust, TrustError};
}

/// Requests and outcomes as bytes, for hosts that run the gate as a WebAssembly module.
pub mod wire {
    pub use tollgate_gate::wire::{
        MAX_REQUEST_BYTES, Reply, WIRE_VERSION, WireError, decode_fetches, decode_outcome,
        encode_request,
    };
}
