//! Exact questions about policies: what an edit changes, which rules are dead, who may have a path, what a
//! person can reach, and what would have to change for a request to be answered otherwise.
//!
//! Requests are the product of paths, methods, addresses, times and what a token may say. The analysis cuts
//! this product into finitely many kinds: of paths by running all patterns side by side ([`diff`] enters only
//! folders that an edit can touch), of everything else by the constants that rules compare it with. Within a
//! kind every rule says the same, so asking one request of each kind is asking them all. Whatever is found is
//! replayed on the evaluator that edges run before it is told.
//!
//! | question | answer |
//! |---|---|
//! | what does this edit change? | [`diff::diff`] |
//! | which rules change nothing, and because of which others? | [`dead::rules`] |
//! | what would let this request in, or keep it out? | [`change::minimal_changes`] |
//! | who can have this path, what can this person have? | [`who::who`], [`reach::reach`] |
//! | which conditions never change their mind? | [`constant::conditions`] |
//! | which captures have two readings? | [`overlap::overlaps`] |
//! | why is this path rejected, and what is accepted instead? | [`rejected::rejection`] |
//!
//! What it does not see: keys and signatures, times before 1970 or after the year 9999, tokens of issuers
//! that the site does not list. Where a condition computes with several integer claims at once, only
//! combinations around the constants of the policy are tried. A search that takes too long says so and is
//! never taken for "no".
//!
//! Not here: policy text (the compiler reads it), terminals, and any solver.

#![forbid(unsafe_code)]

pub mod change;
pub mod constant;
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
mod policy;
mod request;
mod search;
mod shrink;
mod space;
mod walk;

pub use policy::{Policy, PolicyError, rule_name};
pub use request::{Evaluation, Request, evaluate, evaluate_traced};
pub use tollgate_gate::Kind;
