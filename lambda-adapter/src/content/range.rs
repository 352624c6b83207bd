//! The `Range` header, if it requests a single range.

use core::fmt;

/// A single range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the second position, both included; without a second one, to the end.
    From(u64, Option<u64>),
    /// This number of bytes at the end.
    Last(u64),
}

impl ByteRange {
    /// Parses a header value. Returns `None` for anything other than a single range: RFC 9110 allows servers
    /// to ignore every range.
    pub fn read(value: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_plain =
                (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            is_plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
        match (first, last) {
            ("", last) => number(last).filter(|last| *last > 0).map(Self::Last),
            (first, "") => number(first).map(|first| Self::From(first, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// Returns the same range, or a part of it if it is longer than `most` bytes. The part is its beginning;
    /// for the last bytes of an object it is their end, because readers look for an index there. A server may
    /// send less than a client requests, and the client then requests the rest.
    #[must_use]
    pub fn at_most(self, most: u64) -> Self {
        match self {
            Self::From(first, last) => {
                let end = first.saturating_add(most.saturating_sub(1));
                Self::From(first, Some(last.map_or(end, |last| last.min(end))))
            }
            Self::Last(count) => Self::Last(count.min(most)),
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first, Some(last)) => write!(f, "bytes={first}-{last}"),
            Self::From(first, None) => write!(f, "bytes={first}-"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_range_or_none() {
        let table = [
            ("bytes=0-99", Some("bytes=0-99"), "bytes=0-9"),
            ("bytes=5-", Some("bytes=5-"), "bytes=5-14"),
            ("bytes=5-7", Some("bytes=5-7"), "bytes=5-7"),
            ("bytes=-500", Some("bytes=-500"), "bytes=-10"),
            ("bytes=-10", Some("bytes=-10"), "bytes=-10"),
            ("bytes=-3", Some("bytes=-3"), "bytes=-3"),
            (
                "bytes=-999999999999999999",
                Some("bytes=-999999999999999999"),
                "bytes=-10",
            ),
            (
                "bytes=999999999999999999-",
                Some("bytes=999999999999999999-"),
                "bytes=999999999999999999-1000000000000000008",
            ),
            ("bytes=-0", None, ""),
            ("bytes=9-5", None, ""),
            ("bytes=-", None, ""),
            ("bytes=0-1,5-6", None, ""),
            ("bytes= 0-1", None, ""),
            ("bytes=+1-2", None, ""),
            ("items=0-1", None, ""),
            ("bytes=0-1\r\nx: y", None, ""),
            ("bytes=0-99999999999999999999", None, ""),
            ("", None, ""),
        ];
        for (value, expect, at_most_ten) in table {
            let range = ByteRange::read(value);
            assert_eq!(
                range.map(|range| range.to_string()).as_deref(),
                expect,
                "{value}"
            );
            if let Some(range) = range {
                assert_eq!(range.at_most(10).to_string(), at_most_ten);
            }
        }
    }
}
