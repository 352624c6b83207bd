//! Where objects are: what content delivery asks of it, and the ways in which it may fail.
//!
//! The failures carry nothing that the store said: its texts name buckets and keys, and are not for
//! clients. Not here: S3, and what a client is told.

#[cfg(feature = "aws")]
pub mod s3;

use crate::content::ByteRange;

/// What is asked beside the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// These bytes only.
    pub range: Option<ByteRange>,
    /// Nothing, if this is still the object's tag.
    pub unless_tag: Option<String>,
}

/// What is known about an object, or about the part that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of bytes that come.
    pub length_bytes: u64,
    /// `bytes A-B/TOTAL`, if they are a part.
    pub range: Option<String>,
    /// The tag of this version.
    pub tag: Option<String>,
}

/// What a link says about the answer that it will get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkWant {
    /// Whether it is for HEAD, not for GET: a link is good for one method.
    pub is_head: bool,
    /// How long it lives.
    pub life_secs: u64,
    /// The `Content-Type` of the answer.
    pub content_type: String,
    /// The `Content-Disposition` of the answer.
    pub disposition: String,
}

/// Why there is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is none under this key.
    Missing,
    /// It still has the tag that was named.
    Unchanged,
    /// It has no such bytes; here is how many it has, if that is known.
    NoSuchBytes(Option<u64>),
    /// The store does not let this function have it. The operator is at fault.
    Refused,
    /// The store cannot be reached, or is too busy.
    Unavailable,
    /// The store answers with something else.
    Broken,
}

impl StoreError {
    /// The stable code, for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "object_missing",
            Self::Unchanged => "object_unchanged",
            Self::NoSuchBytes(_) => "no_such_bytes",
            Self::Refused => "store_refused",
            Self::Unavailable => "store_unavailable",
            Self::Broken => "store_broken",
        }
    }
}

/// Holds objects under keys.
pub trait Store: Send + Sync {
    /// The bytes of an object as they come.
    type Body: Chunks;

    /// What is known about an object.
    fn head(&self, key: &str) -> impl Future<Output = Result<Facts, StoreError>> + Send;

    /// An object, or a part of it.
    fn get(
        &self,
        key: &str,
        want: &Want,
    ) -> impl Future<Output = Result<(Facts, Self::Body), StoreError>> + Send;

    /// A link that fetches the object without more ado. Nothing is asked of the store for it.
    fn link(
        &self,
        key: &str,
        want: &LinkWant,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;
}

/// Bytes that come piece by piece.
pub trait Chunks: Send {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Result<Vec<u8>, StoreError>>> + Send;
}
