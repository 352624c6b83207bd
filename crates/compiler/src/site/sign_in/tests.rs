use sha2::{Digest, Sha256};
use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, SEAL_SECRET_BYTES, SealSecret, SignInConfig, SignInProvider, SignOut,
};

use crate::diagnostic::render::{Style, text};
use crate::{CompileOptions, Compiled, SourceTree, compile};

const HEAD: &str = r#"
schema = 1
[site]
name = "example"
[[issuer]]
name = "sessions"
issuer = "https://example.com/sessions"
clients = ["example"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "session.key" }]
[token]
from = ["cookie:__Host-tollgate"]
[session]
issuer = "sessions"
"#;
const OIDC: &str = r#"
[[issuer]]
name = "learners"
issuer = ["https://id.example.com", "id.example.com"]
clients = ["app", "web"]
algorithms = ["EdDSA"]
jwks = "keys.json"
"#;
const STAFF: &str = r#"
[[issuer]]
name = "staff"
issuer = "https://staff.example.com"
clients = ["back-office"]
algorithms = ["EdDSA"]
jwks = "keys.json"
"#;
const COGNITO: &str = r#"
[[issuer]]
name = "learners"
cognito = { region = "eu-west-1", user_pool = "eu-west-1_TestPool1" }
clients = ["web"]
algorithms = ["EdDSA"]
jwks = "keys.json"
"#;
const SIGN_IN: &str = r#"
[sign_in]
endpoints = "openid.json"
origins = ["https://learn.example.com"]
client = "web"
secrets = [{ kid = "s1", file = "seal-1.key" }]
"#;
/// The key of RFC 8037, appendix A.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1";
const PAGE: &str = "<!doctype html><title>{title}</title>{text}{link}";
const CLIENT_SECRET: &str = "correct-horse-battery";
const SEAL_1: &str = "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE";
const SEAL_2: &str = "dGhpcmQgc2VjcmV0IG9mIDMyIGJ5dGVzLCB3cml0dGVu";

/// A document with these members, and those that are required.
fn document(issuer: &str, members: &str) -> String {
    format!(
        "{{\"issuer\":\"{issuer}\",\"authorization_endpoint\":\"https://id.example.com/oauth2/authorize\",\
         \"token_endpoint\":\"https://id.example.com/oauth2/token\"{members}}}"
    )
}

fn sources(site: &str, document: &str) -> SourceTree {
    let mut tree = SourceTree::new();
    tree.insert("site.toml", format!("{HEAD}{site}"));
    tree.insert("keys.json", KEYS);
    tree.insert("session.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    tree.insert("openid.json", document);
    let staff = r#"{"issuer":"https://staff.example.com","authorization_endpoint":"https://staff.example.com/authorize","token_endpoint":"https://staff.example.com/token"}"#;
    tree.insert("staff.json", staff);
    tree.insert("pages/sign-in.html", format!("\u{feff}{PAGE}"));
    tree.insert("web.secret", format!("{CLIENT_SECRET}\r\n"));
    tree.insert("seal-1.key", format!("{SEAL_1}\n"));
    tree.insert("seal-2.key", SEAL_2);
    tree
}

fn compiled(site: &str, document: &str) -> Compiled {
    compile(&sources(site, document), &CompileOptions::default())
}

fn gate(site: &str, document: &str) -> GateConfig {
    let compiled = compiled(site, document);
    assert!(!compiled.has_errors(), "{site}: {:?}", compiled.diagnostics);
    GateConfig::decode(&compiled.policy.unwrap().gate).unwrap()
}

fn sign_in(site: &str, document: &str) -> SignInConfig {
    gate(site, document).sign_in.unwrap()
}

/// The key that is derived from a secret of this many bytes, as the file spells it.
fn key(spelled: &str) -> [u8; SEAL_SECRET_BYTES] {
    let bytes = tollgate_token::base64url::decode(spelled.as_bytes()).unwrap();
    assert!(bytes.len() >= SEAL_SECRET_BYTES);
    Sha256::digest(&bytes).into()
}

#[test]
fn every_key_is_in_the_configuration() {
    let table = r#"
[sign_in]
issuer = "learners"
endpoints = "openid.json"
origins = ["https://learn.example.com", "http://localhost:8080"]
client = "web"
client_secret = "web.secret"
scopes = ["openid", "email"]
path = "/auth"
secrets = [{ kid = "s2", file = "seal-2.key" }, { kid = "s1", file = "seal-1.key" }]
signed_out = "/bye/"
page = "pages/sign-in.html"
label = "Students"
parameters = { access_type = "offline", prompt = "select account" }
[[sign_in.provider]]
issuer = "staff"
endpoints = "staff.json"
client = "back-office"
"#;
    let document = document(
        "https://id.example.com",
        ",\"end_session_endpoint\":\"https://id.example.com/logout\",\
         \"revocation_endpoint\":\"https://id.example.com/oauth2/revoke\",\
         \"authorization_response_iss_parameter_supported\":true,\
         \"code_challenge_methods_supported\":[\"plain\",\"S256\"],\
         \"response_types_supported\":[\"code\"],\
         \"token_endpoint_auth_methods_supported\":[\"client_secret_post\",\"client_secret_basic\"]",
    );
    let SignInConfig {
        providers,
        origins,
        path,
        secrets,
        signed_out,
        page,
    } = sign_in(&format!("{OIDC}{STAFF}{table}"), &document);
    let [first, second] = <[_; 2]>::try_from(providers).unwrap();
    let SignInProvider {
        issuer,
        label,
        client,
        client_auth,
        scopes,
        parameters,
        endpoints,
    } = first;
    assert_eq!((issuer, label.as_str()), (1, "Students"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        pair("access_type", "offline"),
        pair("prompt", "select account"),
    ];
    assert_eq!(parameters, expected);
    assert_eq!(client, "web");
    assert!(client_auth == ClientAuth::Basic(CLIENT_SECRET.to_owned()));
    assert_eq!(scopes, ["openid", "email"]);
    let expected = Endpoints {
        authorization: "https://id.example.com/oauth2/authorize".to_owned(),
        token: "https://id.example.com/oauth2/token".to_owned(),
        sign_out: SignOut::EndSession("https://id.example.com/logout".to_owned()),
        revocation: Some("https://id.example.com/oauth2/revoke".to_owned()),
        names_issuer: true,
    };
    assert_eq!(endpoints, expected);
    let SignInProvider {
        issuer,
        label,
        client,
        client_auth,
        scopes,
        parameters,
        endpoints,
    } = second;
    assert_eq!(
        (issuer, label.as_str(), client.as_str()),
        (2, "staff", "back-office")
    );
    assert!(client_auth == ClientAuth::None);
    assert_eq!(scopes, ["openid"]);
    assert_eq!(parameters, []);
    assert_eq!(endpoints.token, "https://staff.example.com/token");
    assert_eq!(
        origins,
        ["https://learn.example.com", "http://localhost:8080"]
    );
    assert_eq!(path, "/auth");
    let secret = |kid: &str, spelled| SealSecret {
        kid: kid.to_owned(),
        key: key(spelled),
    };
    assert!(secrets == [secret("s2", SEAL_2), secret("s1", SEAL_1)]);
    assert_eq!(signed_out.as_deref(), Some("/bye/"));
    assert_eq!(page.as_deref(), Some(PAGE));
}

#[test]
fn what_is_left_out_has_a_default() {
    let SignInConfig {
        providers,
        origins,
        path,
        secrets,
        signed_out,
        page,
    } = sign_in(&format!("{OIDC}{SIGN_IN}"), &document("id.example.com", ""));
    let [provider] = <[_; 1]>::try_from(providers).unwrap();
    let SignInProvider {
        issuer,
        label,
        client,
        client_auth,
        scopes,
        parameters,
        endpoints,
    } = provider;
    assert_eq!((label.as_str(), parameters.len()), ("learners", 0));
    assert_eq!((issuer, client.as_str()), (1, "web"));
    assert!(client_auth == ClientAuth::None);
    assert_eq!(scopes, ["openid"]);
    assert_eq!(endpoints.sign_out, SignOut::Local);
    assert_eq!(endpoints.revocation, None);
    assert!(!endpoints.names_issuer);
    assert_eq!(origins, ["https://learn.example.com"]);
    assert_eq!(path, "/.tollgate");
    assert_eq!(secrets.len(), 1);
    assert_eq!((signed_out, page), (None, None));
}

#[test]
fn the_authentication_of_the_client_is_one_that_the_issuer_supports() {
    let site = format!("{OIDC}{SIGN_IN}client_secret = \"web.secret\"\n");
    let basic = Some(ClientAuth::Basic(CLIENT_SECRET.to_owned()));
    let post = Some(ClientAuth::Post(CLIENT_SECRET.to_owned()));
    for (methods, expected) in [
        (None, &basic),
        (Some("[\"client_secret_basic\"]"), &basic),
        (
            Some("[\"private_key_jwt\",\"client_secret_post\",\"client_secret_basic\"]"),
            &basic,
        ),
        (Some("[\"none\",\"client_secret_post\"]"), &post),
        (Some("[\"none\"]"), &None),
        (Some("[]"), &None),
    ] {
        let member = methods.map_or(String::new(), |methods| {
            format!(",\"token_endpoint_auth_methods_supported\":{methods}")
        });
        let document = document("https://id.example.com", &member);
        let compiled = compiled(&site, &document);
        let found = compiled.policy.map(|policy| {
            let gate = GateConfig::decode(&policy.gate).unwrap();
            gate.sign_in.unwrap().providers[0].client_auth.clone()
        });
        assert!(found == *expected, "{methods:?}: {found:?}");
    }
}

#[test]
fn the_way_to_sign_out_is_that_of_the_issuer() {
    let end = ",\"end_session_endpoint\":\"https://id.example.com/logout?a=b\"";
    let url = "https://id.example.com/logout?a=b".to_owned();
    let found = |issuer: &str, name: &str, members: &str| {
        let site = format!("{issuer}{SIGN_IN}");
        sign_in(&site, &document(name, members)).providers[0]
            .endpoints
            .sign_out
            .clone()
    };
    let oidc = "https://id.example.com";
    assert_eq!(found(OIDC, oidc, end), SignOut::EndSession(url.clone()));
    assert_eq!(found(OIDC, oidc, ""), SignOut::Local);
    assert_eq!(found(COGNITO, POOL, end), SignOut::Cognito(url));
    let by_convention = SignOut::Cognito("https://id.example.com/logout".to_owned());
    assert_eq!(found(COGNITO, POOL, ""), by_convention);
}

#[test]
fn denials_lead_to_sign_in_by_default() {
    let sign_in = || DenyAnswer::SignIn("/.tollgate/sign-in".to_owned());
    let login = |to: &str| DenyAnswer::Redirect(to.to_owned());
    let status = DenyAnswer::Status;
    let all = [
        ("", sign_in(), sign_in(), status(403)),
        (
            "[deny]\nforbidden = { redirect = \"login\" }\n",
            sign_in(),
            sign_in(),
            sign_in(),
        ),
        (
            "[deny]\nno_token = { status = 404 }\nbad_token = { redirect = \"login\" }\n",
            status(404),
            sign_in(),
            status(403),
        ),
        (
            "[deny]\nno_token = { redirect = \"/welcome\" }\n",
            login("/welcome"),
            login("/welcome"),
            status(403),
        ),
        (
            "[login]\nurl = \"/enter\"\n[deny]\nforbidden = { redirect = \"login\" }\n",
            sign_in(),
            sign_in(),
            login("/enter"),
        ),
    ];
    for (tables, no_token, bad_token, forbidden) in all {
        let site = format!("{OIDC}{SIGN_IN}{tables}");
        let deny = gate(&site, &document("https://id.example.com", "")).deny;
        let found = (deny.no_token, deny.bad_token, deny.forbidden);
        assert_eq!(found, (no_token, bad_token, forbidden), "{tables}");
    }
    // The path is the site's.
    let site = format!("{OIDC}{SIGN_IN}path = \"/auth/v1\"\n");
    let deny = gate(&site, &document("https://id.example.com", "")).deny;
    assert_eq!(
        deny.no_token,
        DenyAnswer::SignIn("/auth/v1/sign-in".to_owned())
    );
    // What is no navigation receives 401, and so can have a page.
    let site = format!("{OIDC}{SIGN_IN}[deny.pages]\n401 = \"401.html\"\n");
    let mut tree = sources(&site, &document("https://id.example.com", ""));
    tree.insert("401.html", "<!doctype html>\n<p>Sign in first\n");
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
}

/// The gate accepts every path that the compiler accepts. Otherwise compiling would end in an internal error.
#[test]
fn every_path_that_compiles_is_sound() {
    let document = document("https://id.example.com", "");
    let mut accepted = 0;
    for key in ["path", "signed_out", "endpoint"] {
        for byte in 0x20..0x7F_u8 {
            let c = char::from(byte);
            let escaped = match c {
                '"' | '\\' => format!("\\{c}"),
                _ => c.to_string(),
            };
            let line = format!("{key} = \"/x{escaped}y\"\n");
            // The head ends in `[session]`.
            let site = match key {
                "endpoint" => format!("{line}{OIDC}"),
                _ => format!("{OIDC}{SIGN_IN}{line}"),
            };
            let compiled = compiled(&site, &document);
            accepted += usize::from(!compiled.has_errors());
            let ids = compiled.diagnostics.iter().map(|found| found.code.id);
            let is_known = |id| matches!(id, "TG0426" | "TG0414");
            assert!(ids.clone().all(is_known), "{key} {c}: {ids:?}");
        }
    }
    assert!(accepted > 3 * 62, "{accepted}");
}

/// The gate accepts every parameter and label that the compiler accepts.
#[test]
fn every_parameter_that_compiles_is_sound() {
    let document = document("https://id.example.com", "");
    let mut accepted = 0;
    for byte in 0x20..0x7F_u8 {
        let c = char::from(byte);
        let escaped = match c {
            '"' | '\\' => format!("\\{c}"),
            _ => c.to_string(),
        };
        for line in [
            format!("parameters = {{ \"x{escaped}\" = \"y\" }}\n"),
            format!("parameters = {{ x = \"y{escaped}\" }}\n"),
            format!("label = \"{escaped}\"\n"),
        ] {
            let compiled = compiled(&format!("{OIDC}{SIGN_IN}{line}"), &document);
            accepted += usize::from(!compiled.has_errors());
            let ids = compiled.diagnostics.iter().map(|found| found.code.id);
            assert!(ids.clone().all(|id| id == "TG0426"), "{line}: {ids:?}");
        }
    }
    assert_eq!(accepted, (62 + 3) + 95 + 94);
}

#[test]
fn every_mistake_of_a_provider_is_reported() {
    let staff = "[[sign_in.provider]]\nissuer = \"staff\"\nendpoints = \"staff.json\"\nclient = \"back-office\"\n";
    let table = [
        (staff.to_owned(), None),
        (format!("issuer = \"learners\"\n{staff}"), None),
        (
            format!("issuer = \"staff\"\n{staff}"),
            Some("`web` is not a client of issuer `staff`"),
        ),
        (
            staff
                .replace("\"staff\"", "\"learners\"")
                .replace("back-office", "app")
                .replace("staff.json", "openid.json"),
            Some("users sign in at issuer `learners` twice"),
        ),
        (
            staff.replace("\"staff\"", "\"sessions\""),
            Some("issuer `sessions` signs sessions; no user signs in there"),
        ),
        (
            staff.replace("\"staff\"", "\"stuff\""),
            Some("no issuer `stuff`"),
        ),
        (
            staff.replace("staff.json", "openid.json"),
            Some("is the document of `https://id.example.com`"),
        ),
        (
            format!("{staff}parameters = {{ state = \"1\" }}\n"),
            Some("`state` is a parameter of the flow itself"),
        ),
        (
            format!("{staff}parameters = {{ Redirect_URI = \"https://evil.example\" }}\n"),
            Some("`Redirect_URI` is a parameter of the flow itself"),
        ),
        (
            format!("{staff}parameters = {{ \"response.mode\" = \"query\" }}\n"),
            Some("`response.mode` is a parameter of the flow itself"),
        ),
        (
            format!("{staff}parameters = {{ scope = \"openid\" }}\n"),
            Some("`scope` is a parameter of the flow itself"),
        ),
        (
            format!("{staff}parameters = {{ prompt = \"wähle\" }}\n"),
            Some("the value of `prompt` is not one that a URL can have"),
        ),
        (
            format!("{staff}parameters = {{ max_age = \"3600\" }}\n"),
            None,
        ),
        (
            format!("{staff}parameters = {{ Max_Age = \"1h\" }}\n"),
            Some("`1h` is not a number of seconds"),
        ),
        (format!("{staff}label = \" \"\n"), Some("is not a label")),
    ];
    let document = document("https://id.example.com", "");
    for (lines, expected) in table {
        // Of several issuers, `[sign_in]` names one.
        let first = if lines.starts_with("issuer") {
            ""
        } else {
            "issuer = \"learners\"\n"
        };
        let compiled = compiled(&format!("{OIDC}{STAFF}{SIGN_IN}{first}{lines}"), &document);
        let found: Vec<&str> = compiled
            .diagnostics
            .iter()
            .map(|found| found.message.as_str())
            .collect();
        match expected {
            None => assert_eq!(found, [""; 0], "{lines}"),
            Some(words) => assert!(
                found.iter().any(|text| text.contains(words)),
                "{lines}: {found:?}"
            ),
        }
        let help = compiled
            .diagnostics
            .iter()
            .all(|found| !found.help.is_empty());
        assert!(help, "{lines}");
    }
    let odd = STAFF.replace("name = \"staff\"", "name = \"our staff\"");
    let lines = staff.replace("\"staff\"", "\"our staff\"");
    let site = format!("{OIDC}{odd}{SIGN_IN}issuer = \"learners\"\n{lines}");
    let found = compiled(&site, &document).diagnostics;
    let words = "the name `our staff` cannot be part of a redirect URI";
    assert!(
        found.iter().any(|found| found.message == words),
        "{found:?}"
    );
}

#[test]
fn no_diagnostic_contains_a_secret() {
    let table = r#"
[sign_in]
endpoints = "openid.json"
origins = ["https://learn.example.com"]
client = "nobody"
client_secret = "web.secret"
secrets = [{ kid = "s1", file = "seal-1.key" }, { kid = "s1", file = "web.secret" }, { kid = "s3", file = "long.secret" }]
"#;
    let document = document(
        "https://id.example.com",
        ",\"token_endpoint_auth_methods_supported\":[\"none\"]",
    );
    let mut tree = sources(&format!("{OIDC}{table}"), &document);
    tree.insert("long.secret", format!("{SEAL_1} {SEAL_2}"));
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(
        compiled.diagnostics.len() >= 5,
        "{:?}",
        compiled.diagnostics
    );
    for diagnostic in &compiled.diagnostics {
        let shown = text(diagnostic, &tree, Style::Plain);
        for secret in [CLIENT_SECRET, SEAL_1, SEAL_2] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    // Nor does the configuration, when it is printed.
    let site = format!("{OIDC}{SIGN_IN}client_secret = \"web.secret\"\n");
    let sign_in = sign_in(&site, &self::document("https://id.example.com", ""));
    let shown = format!("{sign_in:?}");
    assert!(!shown.contains(CLIENT_SECRET), "{shown}");
    assert!(!shown.contains(&format!("{:?}", key(SEAL_1))), "{shown}");
}
