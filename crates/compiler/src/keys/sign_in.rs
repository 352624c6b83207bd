//! The keys of `[sign_in]`.

use tollgate_gate::{config as gate, sign_in as gate_sign_in};

use super::site::{LOCATION, NAME};
use super::{Key, Keys, Shape};

const ENDPOINTS: Key = Key::new(
    "endpoints",
    Shape::File,
    "the file with the issuer's discovery document, relative to the policy folder",
)
.required()
.also(&["discovery", "metadata", "openid_configuration"]);
const CLIENT: Key = Key::new(
    "client",
    NAME,
    "the client ID of this site at the issuer, one of the issuer's `clients`",
)
.required()
.also(&["client_id"]);
const CLIENT_SECRET: Key = Key::new(
    "client_secret",
    Shape::File,
    "the file with the client secret; default: a public client, which has none",
)
.also(&["client_secret_file"]);
const SCOPES: Key = Key::new(
    "scopes",
    Shape::List {
        of: &NAME,
        max_entries: gate_sign_in::MAX_SIGN_IN_SCOPES,
    },
    "the scopes to request, `openid` among them; default: `[\"openid\"]`",
)
.also(&["scope"]);
const PARAMETERS: Key = Key::new(
    "parameters",
    Shape::Map {
        of: &Shape::Text {
            max_bytes: gate_sign_in::MAX_CLIENT_BYTES,
            pattern: None,
        },
        max_entries: gate_sign_in::MAX_SIGN_IN_PARAMETERS,
    },
    "further parameters of the authorization request, such as `{ access_type = \"offline\" }` or \
     `{ prompt = \"select_account\" }`",
)
.also(&["params", "extra_parameters", "authorization_parameters"]);
const LABEL: Key = Key::new(
    "label",
    Shape::Text {
        max_bytes: gate_sign_in::MAX_LABEL_BYTES,
        pattern: None,
    },
    "the text of the issuer's link on the page where users choose one of several; default: its name",
);

/// `[sign_in]`.
pub(super) static SIGN_IN: Keys = Keys {
    what: "`[sign_in]`",
    about: "The gate signs users in at an issuer and gives them sessions; see `tollgate_gate::sign_in`.",
    keys: &[
        Key::new(
            "issuer",
            NAME,
            "the name of the `[[issuer]]` where users sign in; default: the only one that does not sign sessions",
        ),
        ENDPOINTS,
        Key::new(
            "origins",
            Shape::List {
                of: &Shape::Text {
                    max_bytes: gate::MAX_ORIGIN_BYTES,
                    pattern: Some("^https?://[^/]+$"),
                },
                max_entries: gate_sign_in::MAX_SIGN_IN_ORIGINS,
            },
            "the origins of this site, such as `https://learn.example.com`; the issuer must accept each with `path` \
             and `/callback` as a redirect URI",
        )
        .required()
        .also(&["origin", "hosts", "domains"]),
        CLIENT,
        CLIENT_SECRET,
        SCOPES,
        PARAMETERS,
        LABEL,
        Key::new(
            "provider",
            Shape::Tables {
                of: &PROVIDER,
                max_entries: gate_sign_in::MAX_SIGN_IN_PROVIDERS - 1,
            },
            "further issuers where users sign in: the gate's page lets them choose. Each must accept every origin with \
             `path`, `/callback/` and the issuer's name as a redirect URI",
        )
        .also(&["providers", "issuers", "others"]),
        Key::new(
            "path",
            Shape::Text {
                max_bytes: gate_sign_in::MAX_SIGN_IN_PATH_BYTES,
                pattern: Some("^/.*[^/]$"),
            },
            "the path below which the gate has `sign-in`, `callback`, `refresh`, `sign-out`, `signed-out`, `me` and `back-channel`; \
             default: `/.tollgate`",
        ),
        Key::new(
            "secrets",
            Shape::Tables {
                of: &SEAL_SECRET,
                max_entries: gate_sign_in::MAX_SEAL_SECRETS,
            },
            "the secrets that seal cookies: the first seals, all of them open",
        )
        .required()
        .also(&["secret"]),
        Key::new(
            "signed_out",
            LOCATION,
            "the path to which users return after they sign out; default: a page of the gate",
        ),
        Key::new(
            "page",
            Shape::File,
            "the file with the HTML document of the gate's pages, which contains `{title}`, `{text}` and `{link}`, and can \
             contain `{code}`; default: a plain page",
        )
        .also(&["pages", "template"]),
    ],
    one_of: &[],
};

static PROVIDER: Keys = Keys {
    what: "a `[[sign_in.provider]]`",
    about: "A further issuer where users sign in.",
    keys: &[
        Key::new(
            "issuer",
            NAME,
            "the name of its `[[issuer]]`: letters, digits, `-` and `_`, because its redirect URI contains it",
        )
        .required(),
        ENDPOINTS,
        CLIENT,
        CLIENT_SECRET,
        SCOPES,
        PARAMETERS,
        LABEL,
    ],
    one_of: &[],
};

static SEAL_SECRET: Keys = Keys {
    what: "a secret of `[sign_in]`",
    about: "A secret that seals cookies.",
    keys: &[
        Key::new(
            "kid",
            Shape::Text {
                max_bytes: gate_sign_in::MAX_SEAL_KID_BYTES,
                pattern: Some("^[A-Za-z0-9_-]+$"),
            },
            "the name of the secret in sealed cookies",
        )
        .required(),
        Key::new(
            "file",
            Shape::File,
            "the file with at least 32 random bytes as base64url text",
        )
        .required(),
    ],
    one_of: &[],
};
