//! Exact analysis of policies: the effect of an edit, dead rules, the principals who can access a path, the
//! paths that a user can access, and the minimal changes that reverse a decision.
//!
//! Requests are the product of paths, methods, addresses, times and the contents of tokens. The analysis divides
//! this product into finitely many classes: of paths by running all patterns in parallel ([`diff`] enters only
//! folders that an edit can affect), of everything else by the constants that rules compare it with. Within a
//! class every rule has the same result, so evaluating one request of each class is enough. Every result is
//! replayed on the evaluator that edges run before it is reported.
//!
//! | question | function |
//! |---|---|
//! | what does this edit change? | [`diff::diff`] |
//! | which rules change nothing, and because of which others? | [`dead::rules`] |
//! | which changes would allow or deny this request? | [`change::minimal_changes`] |
//! | who can access this path, what can this user access? | [`who::who`], [`reach::reach`] |
//! | which conditions have the same result for every request? | [`constant::conditions`] |
//! | which captures are ambiguous? | [`overlap::overlaps`] |
//! | why is this path rejected, and what is accepted instead? | [`rejected::rejection`] |
//!
//! It does not cover: keys and signatures, times before 1970 or after the year 9999, tokens of issuers that the
//! site does not list. Where a condition computes with several integer claims at once, only
//! combinations around the constants of the policy are tried. A search that takes too long reports that; it
//! never counts as "no".
//!
//! Not here: policy text (the compiler reads it), terminals, and any solver.

#![forbid(unsafe_code)]

pub mod change;
pub mod constant;
pub mod covers;
pub mod dead;
pub mod diff;
pub mod explain;
pub mod overlap;
pub mod place;
pub mod reach;
pub mod rejected;
pub mod text;
pub mod who;

mod domain;
mod eval;
mod narrow;
mod policy;
mod request;
mod search;
mod shrink;
mod space;
mod walk;

pub use policy::{Policy, PolicyError, rule_name};
pub use request::{Evaluation, Request, evaluate, evaluate_traced};
pub use tollgate_gate::Kind;
