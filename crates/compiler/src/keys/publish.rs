//! The keys of `publish.toml`: where `tollgate publish` publishes a policy.
//!
//! Not here: reading them ([`publish`](crate::publish)).

use super::{Key, Keys, Shape};
use crate::limits::MAX_TEXT_BYTES;

const TEXT: Shape = Shape::Text {
    max_bytes: MAX_TEXT_BYTES,
    pattern: None,
};
const DISTRIBUTION_ID: Shape = Shape::Text {
    max_bytes: 64,
    pattern: Some("^[A-Z0-9]+$"),
};
const REGION_NAME: Shape = Shape::Text {
    max_bytes: 32,
    pattern: Some("^[a-z0-9-]+$"),
};
const HEX_ID: Shape = Shape::Text {
    max_bytes: 32,
    pattern: Some("^[0-9a-f]{32}$"),
};
const WORKER_NAME: Shape = Shape::Text {
    max_bytes: 255,
    pattern: Some("^[A-Za-z0-9][A-Za-z0-9_-]*$"),
};
const SWITCH_KEY: Shape = Shape::Text {
    max_bytes: 128,
    pattern: Some("^[A-Za-z0-9:._-]+$"),
};
const PROFILE: Key = Key::new(
    "profile",
    TEXT,
    "the AWS profile whose credentials are used; default: those of the environment",
);
const REGION: Key = Key::new(
    "region",
    REGION_NAME,
    "the AWS region; default: that of the profile or the environment",
);

/// `publish.toml`
pub(crate) static PUBLISH_FILE: Keys = Keys {
    what: "`publish.toml`",
    about: "Where `tollgate publish` publishes the policy. Options override it. It contains no credentials.",
    keys: &[
        Key::new(
            "schema",
            Shape::Version(1),
            "the version of this file's language",
        )
        .required(),
        Key::new(
            "cloudfront-functions",
            Shape::Table(&CLOUDFRONT_FUNCTIONS),
            "a function of CloudFront Functions with a KeyValueStore",
        )
        .also(&["cloudfront", "cff"]),
        Key::new(
            "lambda-edge",
            Shape::Table(&LAMBDA_EDGE),
            "a Lambda@Edge function",
        ),
        Key::new(
            "lambda",
            Shape::Table(&LAMBDA),
            "a Lambda function with an alias: authorizer or content delivery",
        ),
        Key::new(
            "authz",
            Shape::Table(&AUTHZ),
            "a signed image in an S3 bucket, from which `tollgate authz` loads it",
        ),
        Key::new(
            "cloudflare",
            Shape::Table(&CLOUDFLARE),
            "a Cloudflare Worker: the KV namespace from which it loads its policy, or a Worker that contains it",
        )
        .also(&["workers", "cloudflare-workers"]),
        Key::new(
            "edgeworkers",
            Shape::Table(&EDGEWORKERS),
            "an Akamai EdgeWorker",
        )
        .also(&["akamai", "edgeworker"]),
    ],
    one_of: &[],
};

static CLOUDFRONT_FUNCTIONS: Keys = Keys {
    what: "`[cloudfront-functions]`",
    about: "A function of CloudFront Functions with a KeyValueStore",
    keys: &[
        Key::new("function", TEXT, "the name of the function").required(),
        Key::new(
            "store",
            TEXT,
            "the ARN of the KeyValueStore; default: the one that the function is associated with",
        ),
        Key::new(
            "distribution",
            DISTRIBUTION_ID,
            "the ID of the distribution whose behaviours are checked",
        ),
        Key::new(
            "settle_secs",
            Shape::Int { min: 0, max: 3_600 },
            "the seconds that entries need to reach all edges; default: 30",
        ),
        Key::new(
            "keep",
            Shape::Int { min: 2, max: 10 },
            "how many policies stay in the store, the live one included; default: 2",
        ),
        PROFILE,
    ],
    one_of: &[],
};

static LAMBDA_EDGE: Keys = Keys {
    what: "`[lambda-edge]`",
    about: "A Lambda@Edge function",
    keys: &[
        Key::new(
            "function",
            TEXT,
            "the name of the function, which is in us-east-1",
        )
        .required(),
        Key::new(
            "distribution",
            DISTRIBUTION_ID,
            "the ID of the distribution that runs the function",
        )
        .required(),
        PROFILE,
    ],
    one_of: &[],
};

static LAMBDA: Keys = Keys {
    what: "`[lambda]`",
    about: "A Lambda function with an alias",
    keys: &[
        Key::new("function", TEXT, "the name of the function").required(),
        Key::new(
            "alias",
            TEXT,
            "the alias that API Gateway invokes; default: `live`",
        ),
        REGION,
        PROFILE,
    ],
    one_of: &[],
};

static AUTHZ: Keys = Keys {
    what: "`[authz]`",
    about: "A signed image in an S3 bucket",
    keys: &[
        Key::new("bucket", TEXT, "the bucket").required(),
        Key::new("key", TEXT, "the key of the object; default: `policy.tgi`"),
        REGION,
        PROFILE,
    ],
    one_of: &[],
};

static CLOUDFLARE: Keys = Keys {
    what: "`[cloudflare]`",
    about: "A Cloudflare Worker: the KV namespace from which it loads its policy, or a Worker that contains it",
    keys: &[
        Key::new(
            "namespace",
            HEX_ID,
            "the ID of the KV namespace that is bound to the Worker as `POLICY`",
        ),
        Key::new(
            "worker",
            WORKER_NAME,
            "the name of the Worker, whose new version contains the policy",
        ),
        Key::new(
            "account",
            HEX_ID,
            "the ID of the account; default: `CLOUDFLARE_ACCOUNT_ID`",
        ),
        Key::new(
            "settle_secs",
            Shape::Int { min: 0, max: 3_600 },
            "the seconds that a change needs to reach all edges; default: 60",
        ),
        Key::new(
            "keep",
            Shape::Int { min: 2, max: 10 },
            "how many policies stay in the namespace, the live one included; default: 3",
        ),
    ],
    one_of: &[&["namespace", "worker"]],
};

static EDGEWORKERS: Keys = Keys {
    what: "`[edgeworkers]`",
    about: "An Akamai EdgeWorker",
    keys: &[
        Key::new(
            "id",
            Shape::Int {
                min: 1,
                max: 999_999_999,
            },
            "the ID of the EdgeWorker",
        )
        .required()
        .also(&["edgeworker", "edgeworker_id", "ewid"]),
        Key::new(
            "network",
            Shape::Choice(&["production", "staging"]),
            "the network on which it is activated; default: `production`",
        ),
        Key::new(
            "account",
            SWITCH_KEY,
            "the account switch key, for API clients that manage several accounts; default: that of the credentials",
        )
        .also(&["account_key", "account_switch_key"]),
    ],
    one_of: &[],
};
