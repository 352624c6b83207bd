//! The variables by name. The help text and the check for misspelled names use this table.

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The valid values; the first of several words is the default.
    pub values: &'static str,
    /// The effect.
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
        "the role of this function; required",
    ),
    row(
        "TOLLGATE_POLICY",
        "a file",
        "the policy image; `policy.tgi` next to the program if not set",
    ),
    row(
        "TOLLGATE_TRUST",
        "a file",
        "trust keys: only a policy image that one of them signed is loaded; if not set, `trust.json` next to \
         the program, if it exists",
    ),
    row(
        "TOLLGATE_OLDEST_POLICY",
        "the version of a signed policy",
        "with trust keys: the oldest version that is loaded",
    ),
    row(
        "TOLLGATE_CLOCK",
        "system or event",
        "the source of the time; `event` is for tests that replay requests",
    ),
    row(
        "TOLLGATE_BASE_PATH",
        "a path without a slash at its end",
        "the prefix that API Gateway adds to every path, such as /prod",
    ),
    row(
        "TOLLGATE_TOKEN_HEADER",
        "a header name",
        "authorizer: the header of a TOKEN authorizer's token; `authorization` if not set",
    ),
    row(
        "TOLLGATE_HTTP_FORMAT",
        "iam or simple",
        "authorizer: the response that an HTTP API with format 2.0 expects; `simple` needs TOLLGATE_AUTHORIZER_CACHE",
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
        "content: the bucket with the files; required",
    ),
    row(
        "TOLLGATE_CONTENT_FROM",
        "fn or path",
        "content: whether the parameter `fn` or the path names the file",
    ),
    row(
        "TOLLGATE_DELIVERY",
        "body, stream, presigned, signed-url or signed-cookies",
        "content: the response to an allowed request",
    ),
    row(
        "TOLLGATE_OVERSIZE",
        "presigned or refuse",
        "content: the response if the file is too large for a body",
    ),
    row(
        "TOLLGATE_CHECK_OBJECT",
        "on or off",
        "content: whether a link requires that the file exists",
    ),
    row(
        "TOLLGATE_DISPOSITION",
        "attachment or inline",
        "content: whether browsers save files or show them",
    ),
    row(
        "TOLLGATE_CORS_ORIGINS",
        "origins such as https://www.example.com, separated by commas",
        "content: the origins whose scripts may read responses",
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
        "content, signed: CloudFront's ID of the public key",
    ),
    row(
        "TOLLGATE_SIGNING_HASH",
        "sha256 or sha1",
        "content, signed: the hash algorithm of signatures",
    ),
    row(
        "TOLLGATE_BIND_IP",
        "off or on",
        "content, signed: whether links and cookies are valid only for the client's address",
    ),
    row(
        "TOLLGATE_COOKIE_DOMAIN",
        "a domain name",
        "content, signed-cookies: the `Domain` of the cookies",
    ),
];
