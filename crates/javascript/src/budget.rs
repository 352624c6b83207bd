//! The limits of a generated function, and what counts towards them.
//!
//! Not here: measuring a policy (`costs`).

use core::fmt;

/// Most bytes of a function, CloudFront's limit.
pub const MAX_FUNCTION_BYTES: usize = 10_240;
/// Most entries that one request may read: reads are made one after the other.
pub const MAX_READS: usize = 16;

/// A part of a policy and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Bytes.
    pub bytes: usize,
    /// The part that has these bytes.
    pub what: &'static str,
    /// The rules that need it; empty where the site's own settings do.
    pub rules: Vec<String>,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, what, rules } = self;
        write!(f, "{bytes:>6} bytes  {what}")?;
        let (shown, more) = rules.split_at(rules.len().min(4));
        for (at, rule) in shown.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            f.write_str(rule)?;
        }
        if more.is_empty() {
            Ok(())
        } else {
            write!(f, " and {} more", more.len())
        }
    }
}
