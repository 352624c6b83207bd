//! The keys of `site.toml`.

use tollgate_core::ClaimKind;
use tollgate_core::path::MAX_INDEX_BYTES;
use tollgate_gate::{config as gate, session as gate_session};

use super::sign_in::SIGN_IN;
use super::{Key, Keys, Shape, course};
use crate::limits::{MAX_CLAIMS, MAX_LIST_ENTRIES, MAX_NAME_BYTES, MAX_TEXT_BYTES};

/// The version of the policy language that this compiler reads.
const SCHEMA_VERSION: i64 = 1;

/// `site.toml`.
pub(crate) static SITE_FILE: Keys = Keys {
    what: "`site.toml`",
    about: "The settings of the whole site: issuers, tokens, claims, responses and site-wide rules.",
    keys: &[
        Key::new(
            "schema",
            Shape::Version(SCHEMA_VERSION),
            "the version of the policy language; write `schema = 1`",
        )
        .required()
        .also(&["version"]),
        Key::new("site", Shape::Table(&SITE), "the site itself").required(),
        Key::new(
            "issuer",
            Shape::Tables {
                of: &ISSUER,
                max_entries: MAX_LIST_ENTRIES,
            },
            "the token issuers and their keys",
        )
        .also(&["issuers"]),
        Key::new(
            "token",
            Shape::Table(&TOKEN),
            "where a request has its token, and the token's limits",
        )
        .also(&["tokens"]),
        Key::new(
            "claims",
            Shape::Map {
                of: &Shape::Either(&Shape::Choice(CLAIM_TYPES), &Shape::Table(&CLAIM)),
                max_entries: MAX_CLAIMS,
            },
            "the claims that conditions may use, with their types",
        )
        .also(&["claim"]),
        Key::new(
            "forward",
            Shape::Table(&FORWARD),
            "what is added to requests for the origin, and to its responses",
        ),
        Key::new(
            "deny",
            Shape::Table(&DENY),
            "the responses to denied requests",
        ),
        Key::new("login", Shape::Table(&LOGIN), "where users sign in"),
        Key::new(
            "session",
            Shape::Table(&SESSION),
            "small tokens of the site's own, minted from sign-in tokens",
        )
        .also(&["sessions"]),
        Key::new(
            "sign_in",
            Shape::Table(&SIGN_IN),
            "the gate signs users in at an issuer and gives them sessions",
        )
        .also(&["signin", "sign-in", "oidc"]),
        Key::new("paths", Shape::Table(&PATHS), "the form of request paths").also(&["path"]),
        Key::new(
            "lint",
            Shape::Tables {
                of: &LINT,
                max_entries: MAX_LIST_ENTRIES,
            },
            "suppressions of warnings of `tollgate check`",
        )
        .also(&["lints"]),
        Key::new(
            "tests",
            Shape::Table(&TESTS),
            "requirements for the authors' tests",
        )
        .also(&["test"]),
        course::RULES,
    ],
    one_of: &[],
};

static SITE: Keys = Keys {
    what: "`[site]`",
    about: "The site itself.",
    keys: &[Key::new(
        "name",
        Shape::Text {
            max_bytes: gate::MAX_SITE_BYTES,
            pattern: None,
        },
        "the site's name, for logs and challenges",
    )
    .required()],
    one_of: &[],
};

/// One issuer.
pub(crate) static ISSUER: Keys = Keys {
    what: "an issuer",
    about: "A token issuer: either a Cognito user pool or any OpenID Connect issuer.",
    keys: &[
        Key::new("name", course::ID, "the issuer's name in messages").required().also(&["id"]),
        Key::new("cognito", Shape::Table(&COGNITO), "an Amazon Cognito user pool"),
        Key::new(
            "issuer",
            Shape::Either(
                &URL,
                &Shape::List { of: &NAME, max_entries: MAX_ISSUER_SPELLINGS },
            ),
            "the `iss` of its tokens, byte for byte; of several spellings the first is the name that \
             conditions compare with",
        )
        .also(&["iss", "url"]),
        Key::new(
            "clients",
            NAMES,
            "the app client IDs whose tokens are accepted: `aud` of ID tokens, `client_id` of Cognito \
             access tokens",
        )
        .required()
        .also(&["client", "audience", "aud", "client_ids"]),
        Key::new(
            "token_use",
            Shape::List { of: &Shape::Choice(TOKEN_USES), max_entries: MAX_LIST_ENTRIES },
            "which of Cognito's tokens are accepted; default: both",
        ),
        Key::new(
            "algorithms",
            Shape::List { of: &Shape::Choice(ALGORITHMS), max_entries: MAX_LIST_ENTRIES },
            "the accepted signature algorithms; default: `RS256`",
        )
        .also(&["alg", "algs", "algorithm"]),
        Key::new("jwks", Shape::File, "the file with the public keys, relative to the policy folder")
            .also(&["keys"]),
        Key::new(
            "secrets",
            Shape::Tables { of: &SECRET, max_entries: MAX_LIST_ENTRIES },
            "the keys of `HS…` session tokens",
        )
        .also(&["secret"]),
        Key::new("refresh", URL, "the URL from which the key set is refreshed at run time"),
        Key::new(
            "lenient_jwks",
            Shape::Flag,
            "whether a rejected key of the key set is skipped with a warning instead of an error; default: \
             false",
        )
        .also(&["lenient"]),
        Key::new(
            "client_claim",
            NAME,
            "the claim that must name one of `clients`, such as `azp`; default: `aud`, and for Cognito the one \
             that `token_use` implies",
        )
        .also(&["audience_claim"]),
        Key::new(
            "groups_claim",
            CLAIM_PATH,
            "the claim with the groups, or the names that lead to it: `[\"realm_access\", \"roles\"]`; \
             default: `cognito:groups` for Cognito, and no groups for other issuers",
        )
        .also(&["group_claim", "roles_claim"]),
        Key::new(
            "scopes_claim",
            CLAIM_PATH,
            "the claim with the scopes; default: `scope`, or else `scp`",
        )
        .also(&["scope_claim"]),
        Key::new(
            "groups",
            NAMES,
            "the groups that this issuer may grant, as its tokens contain them; `*` is any text, as in \
             `acme-*`; other groups count as absent; default: every group",
        )
        .also(&["allowed_groups"]),
        Key::new("groups_prefix", NAME, "prepended to each of its groups, such as `partner/`")
            .also(&["group_prefix"]),
        Key::new("subject_prefix", NAME, "prepended to the subject of each of its tokens")
            .also(&["sub_prefix"]),
    ],
    one_of: &[&["cognito", "issuer"]],
};

/// A declared claim with a place.
static CLAIM: Keys = Keys {
    what: "a claim",
    about: "A claim by its type and the names that lead to it through nested objects.",
    keys: &[
        Key::new("type", Shape::Choice(CLAIM_TYPES), "the type of the claim").required(),
        Key::new(
            "path",
            CLAIM_PATH,
            "the names that lead to the claim, such as `[\"app_metadata\", \"plan\"]`; default: the claim of \
             that name",
        ),
    ],
    one_of: &[],
};

static COGNITO: Keys = Keys {
    what: "`cognito`",
    about: "An Amazon Cognito user pool.",
    keys: &[
        Key::new("region", NAME, "the AWS region, such as `eu-west-1`").required(),
        Key::new(
            "user_pool",
            NAME,
            "the user pool's id, such as `eu-west-1_TestPool1`",
        )
        .required()
        .also(&["pool", "user_pool_id", "pool_id"]),
    ],
    one_of: &[],
};

static SECRET: Keys = Keys {
    what: "a secret",
    about: "A key of `HS…` session tokens.",
    keys: &[
        Key::new(
            "kid",
            Shape::Text {
                max_bytes: tollgate_token::MAX_KID_BYTES,
                pattern: None,
            },
            "the `kid` of the tokens signed with it",
        )
        .required(),
        Key::new(
            "file",
            Shape::File,
            "the file with the key as base64url text",
        )
        .required(),
    ],
    one_of: &[],
};

static TOKEN: Keys = Keys {
    what: "`[token]`",
    about: "Where a request has its token, and the token's limits.",
    keys: &[
        Key::new(
            "from",
            Shape::List {
                of: &Shape::Text {
                    max_bytes: MAX_NAME_BYTES,
                    pattern: Some("^(header|cookie|query):[^:]+$"),
                },
                max_entries: gate::MAX_SOURCES,
            },
            "where to look, in order; the first token that verifies decides; default: \
             `[\"header:authorization\"]`",
        ),
        Key::new(
            "leeway_secs",
            Shape::Int {
                min: 0,
                max: gate::MAX_LEEWAY_SECS as i64,
            },
            "how far the clocks of an issuer and an edge may be apart, for `nbf` and `iat`; default: 60",
        ),
        Key::new(
            "max_bytes",
            Shape::Int {
                min: gate::MIN_TOKEN_BYTES as i64,
                max: gate::MAX_TOKEN_BYTES as i64,
            },
            "the longest token that is accepted; default: 8192",
        ),
        Key::new(
            "strip",
            Shape::Flag,
            "whether the token is removed from the forwarded request; default: only from the query",
        ),
    ],
    one_of: &[],
};

static FORWARD: Keys = Keys {
    what: "`[forward]`",
    about: "What is added to requests for the origin, and to its responses.",
    keys: &[
        Key::new(
            "identity",
            Shape::Flag,
            "whether the origin receives `x-tollgate-subject`, `-groups`, `-issuer` and `-rule`; default: false",
        ),
        Key::new(
            "private",
            Shape::Flag,
            "whether responses to requests that needed a token are marked `private`, so that no shared cache \
             keeps them; default: true, on edges that can edit responses",
        ),
    ],
    one_of: &[],
};

static DENY: Keys = Keys {
    what: "`[deny]`",
    about: "The responses to denied requests.",
    keys: &[
        Key::new(
            "no_token",
            Shape::Table(&ANSWER),
            "to a request without a token if a token could grant access; default: status 401",
        ),
        Key::new(
            "bad_token",
            Shape::Table(&ANSWER),
            "to a request with an invalid token if a valid one could grant access; default: as `no_token`",
        ),
        Key::new(
            "forbidden",
            Shape::Table(&ANSWER),
            "to every other denied request; default: status 403",
        ),
        Key::new(
            "pages",
            Shape::Map {
                of: &Shape::File,
                max_entries: MAX_LIST_ENTRIES,
            },
            "HTML files by status, such as `403 = \"pages/403.html\"`, for browsers that navigate to a denied \
             address; other statuses get a short page, scripts get JSON. Without the table every denial is \
             plain text",
        )
        .also(&["page", "templates"]),
        Key::new(
            "cors",
            Shape::List {
                of: &Shape::Text {
                    max_bytes: gate::MAX_ORIGIN_BYTES,
                    pattern: Some("^https?://[^/]+$"),
                },
                max_entries: gate::MAX_CORS_ORIGINS,
            },
            "other origins whose scripts may read denials, such as `https://app.example`; the gate answers \
             their preflights",
        )
        .also(&["origins", "cors_origins"]),
    ],
    one_of: &[],
};

static ANSWER: Keys = Keys {
    what: "a response",
    about: "A status, or a redirect.",
    keys: &[
        Key::new(
            "status",
            Shape::Int { min: 400, max: 499 },
            "the HTTP status",
        ),
        Key::new(
            "redirect",
            LOCATION,
            "`login`, an absolute path of the site, or an `https://` URL",
        ),
    ],
    one_of: &[&["status", "redirect"]],
};

static LOGIN: Keys = Keys {
    what: "`[login]`",
    about: "Where users sign in.",
    keys: &[Key::new(
        "url",
        LOCATION,
        "an absolute path of the site or an `https://` URL; default: `/login`",
    )
    .required()],
    one_of: &[],
};

static SESSION: Keys = Keys {
    what: "`[session]`",
    about: "Session tokens of the site's own, minted from sign-in tokens; see `tollgate_gate::session`.",
    keys: &[
        Key::new(
            "issuer",
            NAME,
            "the name of the `[[issuer]]` whose `secrets` sign them; it has the site among its `clients`",
        )
        .required(),
        Key::new("sign_with", NAME, "the `kid` of the secret that signs; default: the first"),
        Key::new(
            "lifetime_secs",
            Shape::Int {
                min: gate_session::MIN_LIFETIME_SECS as i64,
                max: gate_session::MAX_LIFETIME_SECS as i64,
            },
            "the lifetime of a session, at most that of its sign-in token; default: 3600",
        )
        .also(&["lifetime", "ttl"]),
        Key::new(
            "mint",
            Shape::List {
                of: &Shape::Choice(&["on_sign_in", "endpoint"]),
                max_entries: 2,
            },
            "when sessions are minted: with every response to a sign-in token, and for a `POST` to `endpoint`; \
             default: both",
        ),
        Key::new(
            "endpoint",
            LOCATION,
            "the path where a `POST` returns a session; default: `/.tollgate/session` if it is in `mint`",
        ),
        Key::new(
            "cookie",
            NAME,
            "the cookie's name, `__Host-…` or for courses `__Secure-…`; default: `__Host-tollgate` or \
             `__Secure-tollgate`",
        ),
        Key::new(
            "cookies",
            Shape::Choice(&["site", "course"]),
            "one cookie for the site, or one for each course under its base; default: `site`",
        ),
        Key::new(
            "same_site",
            Shape::Choice(&["lax", "strict", "none"]),
            "the cookie's `SameSite`; default: `lax`",
        ),
        Key::new(
            "form",
            Shape::Choice(&["jwt", "cwt"]),
            "the form of the token; default: `jwt`. Gates do not accept `cwt`",
        ),
    ],
    one_of: &[],
};

static PATHS: Keys = Keys {
    what: "`[paths]`",
    about: "The form of request paths.",
    keys: &[
        Key::new(
            "origin",
            Shape::Choice(&["strict", "s3", "files"]),
            "the reader of the path after the gate: any (`strict`), S3, or a server of static files; default: \
             `strict`",
        ),
        Key::new(
            "index",
            Shape::Text {
                max_bytes: MAX_INDEX_BYTES,
                pattern: Some("^[A-Za-z0-9._~-]*[A-Za-z0-9_~-]$"),
            },
            "the index document: a path that ends in `/` is decided and forwarded with this name appended",
        ),
        Key::new(
            "ascii_only",
            Shape::Flag,
            "whether every path with non-ASCII characters is rejected, for origins that fold Unicode",
        ),
    ],
    one_of: &[],
};

/// One suppression.
pub(crate) static LINT: Keys = Keys {
    what: "a suppression",
    about: "A suppression of a warning of `tollgate check`.",
    keys: &[
        Key::new(
            "allow",
            Shape::Text {
                max_bytes: MAX_NAME_BYTES,
                pattern: Some("^TG[0-9]{4}$"),
            },
            "the warning's code, such as `TG0710`",
        )
        .required()
        .also(&["code"]),
        Key::new(
            "rule",
            NAME,
            "the rule it is about, as `course/id`; default: any",
        ),
        Key::new(
            "because",
            Shape::Text {
                max_bytes: MAX_TEXT_BYTES,
                pattern: None,
            },
            "the reason",
        )
        .required()
        .also(&["reason", "why"]),
    ],
    one_of: &[],
};

static TESTS: Keys = Keys {
    what: "`[tests]`",
    about: "Requirements for the authors' tests.",
    keys: &[Key::new(
        "min_coverage",
        Shape::Int { min: 0, max: 100 },
        "the minimum coverage of rules, paths and branches by tests, in percent each",
    )],
    one_of: &[],
};

/// The types in `[claims]`.
pub(crate) const CLAIM_TYPES: &[&str] = &ClaimKind::NAMES;

const TOKEN_USES: &[&str] = &["id", "access"];

/// The values of `algorithms`. A test compares them with those of the token layer.
pub(crate) const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256",
    "HS384", "HS512",
];

pub(super) const NAME: Shape = Shape::Text {
    max_bytes: MAX_NAME_BYTES,
    pattern: None,
};
pub(super) const LOCATION: Shape = Shape::Text {
    max_bytes: gate::MAX_LOCATION_BYTES,
    pattern: None,
};
const URL: Shape = Shape::Text {
    max_bytes: MAX_TEXT_BYTES,
    pattern: Some(r"^https://|^http://(127\.0\.0\.1|localhost|\[::1\])[:/]"),
};
const NAMES: Shape = Shape::List {
    of: &NAME,
    max_entries: MAX_LIST_ENTRIES,
};
/// Most spellings of one `iss`.
const MAX_ISSUER_SPELLINGS: usize = 8;
const CLAIM_PATH: Shape = Shape::Either(&NAME, &Shape::Sequence(&NAME));
