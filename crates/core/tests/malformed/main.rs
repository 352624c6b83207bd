//! Images that no compiler writes: whole, sealed with the right checksum, and wrong in one place. What the
//! loader lets pass, the engine reads without asking again, so each of its questions has a case here: one just
//! inside, one just outside.

#![cfg(test)]

mod header;
mod kit;
mod parts;
mod programs;
mod records;
mod rules;
mod trie;
