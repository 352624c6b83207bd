//! Content delivery: a request for a file, the gate's decision, and the file or a link to it.
//!
//! The evaluated path is the delivered path: the S3 key is this path, decoded, without its leading slash and
//! without any other change. A client receives a status and one plain line. The store's error text is
//! dropped, and its error code is logged. Not here: the decision.

mod accept;
mod cors;
mod deliver;
mod file;
mod link;
mod location;
mod range;
mod reply;

pub use deliver::{Content, MAX_BODY_BYTES};
pub use range::ByteRange;
pub use reply::{Body, HttpReply};

pub(crate) use deliver::Delivered;
pub(crate) use location::locate;
pub(crate) use reply::Format;

use tollgate_signed_urls::Signer;

/// The lifetime of a link, in seconds.
pub const LINK_LIFE_SECS: u64 = 300;

/// The configuration of content delivery.
pub struct ContentSettings {
    /// The part of a request that names its file.
    pub from: From,
    /// The prefix of every path in API Gateway's events, which is not part of the policy's paths.
    pub base_path: String,
    /// The response to an allowed request.
    pub delivery: Delivery,
    /// The response if the file is too large for a body.
    pub oversize: Oversize,
    /// Whether a link requires that the object exists.
    pub checks_object: bool,
    /// Whether browsers display files, if they can, instead of saving them.
    pub is_inline: bool,
    /// Origins whose scripts may read responses.
    pub origins: Vec<String>,
}

/// The part of a request that names its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// In the query parameter `fn`.
    #[default]
    Parameter,
    /// In the path.
    Path,
}

/// The response to an allowed request.
#[derive(Default)]
pub enum Delivery {
    /// The file, in the response body.
    #[default]
    Body,
    /// The file, streamed; only for function URLs that are configured for it.
    Stream,
    /// A redirect to S3.
    Presigned,
    /// A redirect to CloudFront.
    SignedUrl(CloudFront),
    /// A redirect to CloudFront, and cookies that grant access to this file.
    SignedCookies(CloudFront),
}

/// The response if the file is too large for a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oversize {
    /// A redirect to S3.
    #[default]
    Presigned,
    /// Status 413.
    Refuse,
}

/// The distribution in front of the bucket.
pub struct CloudFront {
    /// Its host name.
    pub host: String,
    /// Creates its signatures.
    pub signer: Signer,
    /// Whether links and cookies are valid only for the client's address.
    pub binds_address: bool,
    /// The `Domain` of cookies.
    pub cookie_domain: Option<String>,
}
