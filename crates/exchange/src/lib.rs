//! Policies from and to what other tools read.
//!
//! [`import`] turns settings that people have into a policy folder which never opens more than they did;
//! [`cedar`] turns a policy into one that Cedar decides alike. What cannot be carried over is said, not
//! guessed. Not here: files and terminals.

#![forbid(unsafe_code)]

pub mod cedar;
pub mod import;
