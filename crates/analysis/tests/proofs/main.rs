//! The analysis against the core and the specification, on random policies.
//!
//! Each proof takes its seeds from `TOLLGATE_SEED` on and does `TOLLGATE_POLICY_PAIRS` policies or pairs of
//! them; without these variables it does a few, in seconds. Counts are printed.

#![cfg(test)]

mod changes;
mod dead;
mod models;
mod pairs;
mod principals;
mod printed;
mod reach;
mod settings;
mod small;
mod support;
mod who;
