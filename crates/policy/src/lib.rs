//! The policy model: what the compiler makes of policy text, and what everything else reads.
//!
//! [`spec`] has the rules and conditions, [`syntax`] writes them as authors do, [`encode`](mod@encode) lays them out as
//! the image that edges load, and [`decode`](mod@decode) reads an image back. [`visible`](mod@visible) is how foreign text
//! is shown.
//!
//! Consumers take a [`RuleSpec`](spec::RuleSpec) apart without `..`, so that a new key of a rule does not compile where
//! it is forgotten. Not here: policy text and diagnostics (`tollgate-compiler`), and decisions (`tollgate-edge-core`).

#![forbid(unsafe_code)]

pub mod decode;
pub mod encode;
pub mod spec;
pub mod syntax;
pub mod visible;
