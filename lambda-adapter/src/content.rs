//! Content delivery: a request for a file, the gate's decision, and the file or a link to it.
//!
//! The path that the gate has judged is the path that is delivered: the S3 key is that path decoded,
//! without its first slash, and nothing else is made of it. A client is told a status and one plain
//! line; what the store said is for nobody, and its code goes to the log. Not here: the decision.

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

/// How long a link lives, in seconds.
pub const LINK_LIFE_SECS: u64 = 300;

/// How content is delivered.
pub struct ContentSettings {
    /// Where a request says what it wants.
    pub from: From,
    /// In front of every path that API Gateway shows, and not part of the policy's paths.
    pub base_path: String,
    /// What an allowed request gets.
    pub delivery: Delivery,
    /// What it gets where that is too large for a body.
    pub oversize: Oversize,
    /// Whether links are given for objects alone that are there.
    pub checks_object: bool,
    /// Whether browsers show files where they can, instead of saving them.
    pub is_inline: bool,
    /// Origins whose scripts may read the answers.
    pub origins: Vec<String>,
}

/// Where a request says what it wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// In the query parameter `fn`.
    #[default]
    Parameter,
    /// In its path.
    Path,
}

/// What an allowed request gets.
#[derive(Default)]
pub enum Delivery {
    /// The file, in the answer.
    #[default]
    Body,
    /// The file, streamed: function URLs that are set to it, and nothing else.
    Stream,
    /// A redirect to S3.
    Presigned,
    /// A redirect to CloudFront.
    SignedUrl(CloudFront),
    /// A redirect to CloudFront, and cookies that open the one file.
    SignedCookies(CloudFront),
}

/// What is given instead of a body that is too large.
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
    /// Signs for it.
    pub signer: Signer,
    /// Whether what is signed is good for the asking address alone.
    pub binds_address: bool,
    /// The `Domain` of cookies.
    pub cookie_domain: Option<String>,
}
