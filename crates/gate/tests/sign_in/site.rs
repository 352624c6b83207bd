//! Sites with sign-in, compiled from TOML, with real cryptography.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails its test by panicking"
)]

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::SignOut;
use tollgate_policy::encode::encode;
use tollgate_token::{Algorithm, KeyMaterial, PreparedKey, Provider};

/// The issuer where users sign in.
pub(crate) const ISSUER: &str = "https://id.example.com";
/// Another issuer where users sign in, at sites that have two.
pub(crate) const STAFF: &str = "https://staff.example.com";
/// The secret that it shares with its clients, and the file with it.
pub(crate) const STAFF_SECRET: &[u8] = b"tokens of staff are signed with ?";
const STAFF_SECRET_FILE: &str = "dG9rZW5zIG9mIHN0YWZmIGFyZSBzaWduZWQgd2l0aCA_";
/// The time at which tests begin.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The secret that the issuer shares with its clients.
pub(crate) const ID_SECRET: &str = "aWQgdG9rZW5zIGFyZSBzaWduZWQgd2l0aCB0aGlzISE";
/// The client secret of a site that has one. Its characters must be escaped in `Authorization`.
pub(crate) const CLIENT_SECRET: &str = "p%s:w+rd/&=~";
/// The keys that seal cookies, by the names that tests give them.
const SEALS: [(&str, &str); 3] = [
    ("s1", "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE"),
    ("s2", "dGhpcmQgc2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXM"),
    ("s3", "Zm91cnRoIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGU"),
];

/// The properties in which sites differ.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a> {
    pub(crate) name: &'a str,
    pub(crate) host: &'a str,
    pub(crate) client: &'a str,
    /// The method of authentication at the token endpoint; `none` for a public client.
    pub(crate) auth: &'a str,
    /// The names of the sealing keys; the first one seals.
    pub(crate) seals: &'a [&'a str],
    /// The key set for asymmetric keys; without it tokens are signed with the shared secret.
    pub(crate) jwks: Option<&'a str>,
    /// More members of the discovery document, each after a comma.
    pub(crate) discovery: &'a str,
    /// More lines of the user's issuer.
    pub(crate) issuer: &'a str,
    /// More lines of `[session]`.
    pub(crate) session: &'a str,
    /// More lines of `[sign_in]`.
    pub(crate) sign_in: &'a str,
    /// The lines of `[deny]`.
    pub(crate) deny: &'a str,
    /// Whether the issuer signs users out as Cognito does.
    pub(crate) is_cognito: bool,
    /// Whether the second provider has the client and the token endpoint of the first.
    pub(crate) shares_endpoint: bool,
}

/// A public client whose issuer names itself in the callback.
pub(crate) const LEARN: Options<'static> = Options {
    name: "learn",
    host: "learn.example.com",
    client: "web",
    auth: "none",
    seals: &["s1"],
    jwks: None,
    discovery: r#", "authorization_response_iss_parameter_supported": true, "end_session_endpoint": "https://id.example.com/end?x=1", "revocation_endpoint": "https://id.example.com/revoke""#,
    issuer: "",
    session: "",
    sign_in: "",
    deny: "forbidden = { status = 404 }",
    is_cognito: false,
    shares_endpoint: false,
};

/// Another site at the same issuer, with other secrets.
pub(crate) const SHOP: Options<'static> = Options {
    name: "shop",
    host: "shop.example.com",
    client: "shop",
    auth: "client_secret_basic",
    seals: &["s2"],
    ..LEARN
};

/// The gate of a site.
pub(crate) fn gate(options: &Options<'_>) -> Gate<Vec<u8>> {
    Gate::new(image(options), &Native).expect("a valid image")
}

/// The policy image of a site.
pub(crate) fn image(options: &Options<'_>) -> Vec<u8> {
    let Options {
        name,
        host,
        client,
        auth,
        seals,
        jwks,
        discovery,
        issuer,
        session,
        sign_in,
        deny,
        is_cognito,
        shares_endpoint,
    } = options;
    let keys = match jwks {
        Some(_) => {
            "jwks = \"keys/id.jwks.json\"\nrefresh = \"https://id.example.com/jwks\"\nalgorithms = [\"ES256\", \"RS256\"]"
        }
        None => "algorithms = [\"HS256\"]\nsecrets = [{ kid = \"hs\", file = \"keys/id.key\" }]",
    };
    let secret = match *auth {
        "none" => "",
        _ => "client_secret = \"keys/client.secret\"",
    };
    let seal = |name: &&str| format!("{{ kid = \"{name}\", file = \"keys/{name}.key\" }}");
    let seals: Vec<String> = seals.iter().map(seal).collect();
    let seals = seals.join(", ");
    let mut tree = SourceTree::new();
    tree.insert(
        "site.toml",
        format!(
            r#"schema = 1
[site]
name = "{name}"
[[issuer]]
name = "learners"
issuer = "{ISSUER}"
clients = ["{client}"]
groups_claim = "groups"
{keys}
{issuer}
[[issuer]]
name = "sessions"
issuer = "https://{host}/sessions"
clients = ["{name}"]
algorithms = ["HS256"]
secrets = [{{ kid = "s-1", file = "keys/session-{name}.key" }}]
[deny]
{deny}
[token]
from = ["cookie:__Host-tollgate"]
[session]
issuer = "sessions"
{session}
[sign_in]
issuer = "learners"
endpoints = "keys/id.openid.json"
origins = ["https://{host}", "http://localhost:8080"]
client = "{client}"
{secret}
scopes = ["openid", "email"]
secrets = [{seals}]
{sign_in}
[[rule]]
id = "members"
allow = ["/", "/learn/**"]
signed_in = true
[[rule]]
id = "staff"
allow = ["/staff/**"]
groups = ["staff"]
[[rule]]
id = "teams"
allow = ["/teams/{{team}}/**"]
groups = ["g-{{team}}"]
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
"#
        ),
    );
    tree.insert(
        "keys/id.openid.json",
        format!(
            r#"{{"issuer": "{ISSUER}", "authorization_endpoint": "{ISSUER}/authorize?tenant=7", "token_endpoint": "{ISSUER}/token", "jwks_uri": "{ISSUER}/jwks", "token_endpoint_auth_methods_supported": ["{auth}"]{discovery}}}"#
        ),
    );
    tree.insert(
        "keys/staff.openid.json",
        format!(
            r#"{{"issuer": "{STAFF}", "authorization_endpoint": "{STAFF}/authorize?tenant=7", "token_endpoint": "{STAFF}/token", "revocation_endpoint": "{STAFF}/revoke", "end_session_endpoint": "{STAFF}/end?x=1"}}"#
        ),
    );
    tree.insert("keys/staff.key", STAFF_SECRET_FILE);
    tree.insert("keys/id.key", ID_SECRET);
    tree.insert("keys/client.secret", CLIENT_SECRET);
    if let Some(jwks) = jwks {
        tree.insert("keys/id.jwks.json", *jwks);
    }
    for (name, key) in SEALS {
        tree.insert(format!("keys/{name}.key"), key);
    }
    tree.insert(
        "keys/session-learn.key",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    );
    tree.insert(
        "keys/session-both.key",
        "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8",
    );
    tree.insert(
        "keys/session-shop.key",
        "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
    );
    let compiled = compile(&tree, &CompileOptions::default());
    let mut policy = compiled
        .policy
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let mut config = GateConfig::decode(&policy.gate).expect("a valid configuration");
    let providers = &mut config.sign_in.as_mut().expect("sign-in").providers;
    if *is_cognito {
        providers[0].endpoints.sign_out = SignOut::Cognito(format!("{ISSUER}/logout"));
    }
    if *shares_endpoint {
        let (client, token) = (
            providers[0].client.clone(),
            providers[0].endpoints.token.clone(),
        );
        let mut issuers = config.issuers.iter_mut();
        let staff = issuers.find(|issuer| issuer.name == "staff");
        staff.expect("two issuers").clients.push(client.clone());
        let providers = &mut config.sign_in.as_mut().expect("sign-in").providers;
        providers[1].client = client;
        providers[1].endpoints.token = token;
    }
    policy.gate = config.encode().expect("a valid configuration");
    encode(&policy).expect("a valid policy").image
}

/// The HMAC key of an issuer's shared secret.
pub(crate) fn hmac_key(secret: &[u8]) -> Box<dyn PreparedKey> {
    let secret = KeyMaterial::Hmac { k: secret.to_vec() };
    let key = Native.prepare(Algorithm::HS256, &secret);
    key.expect("a valid key")
}
