//! Conformance cases: their format, and a runner for any engine.
//!
//! A case is one line of JSON: a request and its expected result. An [`Engine`] decides cases: the library, a
//! WASM module, or a process of another runtime. Not here: engines, which depend on this crate, never the
//! other way round.
//!
//! # Example
//! ```
//! use tollgate_testkit::{Answer, Case, Engine, Outcome, Reason, Stop, read_cases, run};
//!
//! struct Closed;
//! impl Engine for Closed {
//!     fn name(&self) -> &str {
//!         "closed"
//!     }
//!     fn run(&mut self, _: &Case) -> Result<Answer, Stop> {
//!         Ok(Answer::new(Outcome::Deny, 403, Reason::Forbidden))
//!     }
//! }
//!
//! let lines = br#"{"id":"a","now":0,"method":"GET","target":"/","expect":{"status":403}}"#;
//! let cases = read_cases(lines)?;
//! let report = run(&mut Closed, &cases, &mut |_| ());
//! assert_eq!(report.summary(), "closed: 1 passed, 0 failed, 0 skipped");
//! # Ok::<(), tollgate_testkit::CaseErrors>(())
//! ```

mod answer;
mod case;
mod read;
mod run;

pub use answer::{Answer, Expect, ExpectSent, Outcome, Reason, Sent, UnknownWord};
pub use case::Case;
pub use read::{CaseError, CaseErrors, read_cases};
pub use run::{Difference, Engine, Failure, Progress, Report, Skip, Stop, Trouble, run};
