//! The interface of an object store: what content delivery needs from it, and how it can fail.
//!
//! Failures contain no text from the store, because that names buckets and keys and is not for clients. Not
//! here: S3, and responses.

#[cfg(feature = "aws")]
pub mod s3;

use crate::content::ByteRange;

/// The conditions of a read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Only these bytes.
    pub range: Option<ByteRange>,
    /// Only if the object's tag is not this one.
    pub unless_tag: Option<String>,
}

/// The metadata of an object, or of the requested part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of bytes in the body.
    pub length_bytes: u64,
    /// `bytes A-B/TOTAL`, if the body is a part.
    pub range: Option<String>,
    /// The entity tag of this version.
    pub tag: Option<String>,
}

/// The parameters of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkWant {
    /// Whether it is for HEAD instead of GET: a link is valid for a single method.
    pub is_head: bool,
    /// Its lifetime, in seconds.
    pub life_secs: u64,
    /// The `Content-Type` of its response.
    pub content_type: String,
    /// The `Content-Disposition` of its response.
    pub disposition: String,
}

/// The reason why no object was returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// No object has this key.
    Missing,
    /// The object still has the given tag.
    Unchanged,
    /// The object does not have these bytes; contains its length, if known.
    NoSuchBytes(Option<u64>),
    /// The store denies this function access. The operator is at fault.
    Refused,
    /// The store cannot be reached, or is overloaded.
    Unavailable,
    /// The store returned an unexpected response.
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

/// A store of objects by key.
pub trait Store: Send + Sync {
    /// The body of an object, in chunks.
    type Body: Chunks;

    /// Returns the metadata of an object.
    fn head(&self, key: &str) -> impl Future<Output = Result<Facts, StoreError>> + Send;

    /// Returns an object or a part of it.
    fn get(
        &self,
        key: &str,
        want: &Want,
    ) -> impl Future<Output = Result<(Facts, Self::Body), StoreError>> + Send;

    /// Returns a link with which the object can be fetched without credentials. Sends no request to the
    /// store.
    fn link(
        &self,
        key: &str,
        want: &LinkWant,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;
}

/// A body in chunks.
pub trait Chunks: Send {
    /// Returns the next chunk; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Result<Vec<u8>, StoreError>>> + Send;
}
