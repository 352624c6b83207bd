//! The variables by name: the help text and the check for misspelled names are made of this table.

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it may be; the first of several words is the default.
    pub values: &'static str,
    /// What it says.
    pub about: &'static str,
}

const fn row(name: &'static str, values: &'static str, about: &'static str) -> Variable {
    Variable {
        name,
        values,
        about,
    }
}

/// All of them.
pub const VARIABLES: &[Variable] = &[
    row(
        "TOLLGATE_ROLE",
        "authorizer, content or cloudfront",
        "the part this function plays; must be set",
    ),
    row(
        "TOLLGATE_POLICY",
        "a file",
        "the policy image; `policy.tgi` beside the program if it is not set",
    ),
    row(
        "TOLLGATE_TRUST",
        "a file",
        "trust keys: only a policy image that one of them signed is loaded; `trust.json` beside the program, \
         if it is there, if it is not set",
    ),
    row(
        "TOLLGATE_OLDEST_POLICY",
        "the version of a signed policy",
        "with trust keys: an older image is not loaded",
    ),
    row(
        "TOLLGATE_CLOCK",
        "system or event",
        "whose time counts; `event` is for tests that replay requests",
    ),
    row(
        "TOLLGATE_BASE_PATH",
        "a path without a slash at its end",
        "what API Gateway puts in front of every path, such as /prod",
    ),
    row(
        "TOLLGATE_TOKEN_HEADER",
        "a header name",
        "authorizer: where a TOKEN authorizer's token came; `authorization` if it is not set",
    ),
    row(
        "TOLLGATE_HTTP_FORMAT",
        "iam or simple",
        "authorizer: what an HTTP API with format 2.0 expects; `simple` needs TOLLGATE_AUTHORIZER_CACHE",
    ),
    row(
        "TOLLGATE_AUTHORIZER_CACHE",
        "off or path",
        "authorizer, simple: states that API Gateway caches no responses (TTL 0), or that method and path are \
         among the identity sources",
    ),
    row(
        "TOLLGATE_BUCKET",
        "the name of a bucket",
        "content: where the files are; must be set",
    ),
    row(
        "TOLLGATE_CONTENT_FROM",
        "fn or path",
        "content: whether the parameter `fn` or the path says which file",
    ),
    row(
        "TOLLGATE_DELIVERY",
        "body, stream, presigned, signed-url or signed-cookies",
        "content: what an allowed request gets",
    ),
    row(
        "TOLLGATE_OVERSIZE",
        "presigned or refuse",
        "content: what it gets if the file is too large for a body",
    ),
    row(
        "TOLLGATE_CHECK_OBJECT",
        "on or off",
        "content: whether links are given for files alone that are there",
    ),
    row(
        "TOLLGATE_DISPOSITION",
        "attachment or inline",
        "content: whether browsers save files or show them",
    ),
    row(
        "TOLLGATE_CORS_ORIGINS",
        "origins such as https://www.example.com, with commas between",
        "content: whose scripts may read the answers",
    ),
    row(
        "TOLLGATE_CLOUDFRONT_HOST",
        "a domain name",
        "content, signed: the distribution in front of the bucket",
    ),
    row(
        "TOLLGATE_SIGNING_KEY",
        "a private key as PEM text",
        "content, signed: RSA of 2048 bits or P-256",
    ),
    row(
        "TOLLGATE_SIGNING_KEY_FILE",
        "a file",
        "content, signed: the same in a file",
    ),
    row(
        "TOLLGATE_SIGNING_KEY_ID",
        "letters and digits",
        "content, signed: the id of the key's public half at CloudFront",
    ),
    row(
        "TOLLGATE_SIGNING_HASH",
        "sha256 or sha1",
        "content, signed: what signatures are made over",
    ),
    row(
        "TOLLGATE_BIND_IP",
        "off or on",
        "content, signed: whether what is signed is good for the asking address alone",
    ),
    row(
        "TOLLGATE_COOKIE_DOMAIN",
        "a domain name",
        "content, signed-cookies: the `Domain` of the cookies",
    ),
];
