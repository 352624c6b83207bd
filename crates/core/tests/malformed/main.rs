//! Images that no compiler writes: complete, with the right checksum, and invalid in one place. The engine
//! reads what the loader accepted without checking again, so each check has a case here: one just inside its
//! limit, one just outside.

#![cfg(test)]

mod header;
mod kit;
mod parts;
mod programs;
mod records;
mod rules;
mod trie;
