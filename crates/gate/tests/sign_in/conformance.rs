//! The cases of the certification of relying parties, by the names of the OpenID Foundation's tests, and some
//! more. Run with `--nocapture` to see the table.

use tollgate_mint::Algorithm;

use crate::browser::Browser;
use crate::provider::{Evil, Pairs, Provider, Sent, drop_named, json, minter, set};
use crate::site::{LEARN, Options};
use crate::world::{LESSON, Reply, World};

/// The keys of the site.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Tokens are signed with a shared secret.
    Secret,
    /// One published key for ES256, with a key ID.
    One,
    /// One published key for ES256, without a key ID.
    Nameless,
    /// Two published keys for ES256.
    Two,
    /// One published key for RS256.
    Rsa,
}

struct Case {
    name: &'static str,
    /// What the malicious provider does.
    act: &'static str,
    keys: Keys,
    evil: fn() -> Evil,
    expect: &'static str,
}

const ACCEPTED: &str = "303 signed_in";

const fn case(
    name: &'static str,
    act: &'static str,
    keys: Keys,
    evil: fn() -> Evil,
    expect: &'static str,
) -> Case {
    Case {
        name,
        act,
        keys,
        evil,
        expect,
    }
}

fn claims(change: fn(&mut Pairs)) -> Evil {
    Evil {
        claims: Some(change),
        ..Evil::default()
    }
}

fn back(change: fn(&mut Pairs)) -> Evil {
    Evil {
        callback: Some(change),
        ..Evil::default()
    }
}

fn signed(sign: fn(&Provider, &str) -> String) -> Evil {
    Evil {
        sign: Some(sign),
        ..Evil::default()
    }
}

fn members(change: fn(&mut Pairs)) -> Evil {
    Evil {
        members: Some(change),
        ..Evil::default()
    }
}

fn reply(status: u16, body: &str) -> Evil {
    Evil {
        reply: Some(Sent::Response(status, body.as_bytes().to_vec())),
        ..Evil::default()
    }
}

/// Changes one character of the signature.
fn broken(provider: &Provider, claims: &str) -> String {
    let token = provider.signed(claims);
    let (input, signature) = token.rsplit_once('.').expect("a token");
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", &signature[1..])
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("happy-flow", "nothing", Keys::Secret, Evil::default, ACCEPTED),
    case("happy-flow, ES256", "nothing", Keys::One, Evil::default, ACCEPTED),
    case("happy-flow, RS256", "nothing", Keys::Rsa, Evil::default, ACCEPTED),
    // The ID token.
    case("invalid-iss", "`iss` of another issuer", Keys::Secret,
        || claims(|c| set(c, "iss", &json("https://other.example"))), "400 issuer_mismatch"),
    case("invalid-iss, with a slash", "`iss` with a slash at its end", Keys::Secret,
        || claims(|c| set(c, "iss", &json("https://id.example.com/"))), "400 issuer_mismatch"),
    case("missing-iss", "no `iss`", Keys::Secret,
        || claims(|c| drop_named(c, "iss")), "400 issuer_mismatch"),
    case("invalid-aud", "`aud` of another client", Keys::Secret,
        || claims(|c| set(c, "aud", &json("shop"))), "502 audience_mismatch"),
    case("invalid-aud, a list", "`aud` lists other clients", Keys::Secret,
        || claims(|c| set(c, "aud", r#"["shop","news"]"#)), "502 audience_mismatch"),
    case("invalid-aud, no azp", "`aud` lists another client too, no `azp`", Keys::Secret,
        || claims(|c| set(c, "aud", r#"["shop","web"]"#)), "502 audience_mismatch"),
    case("invalid-azp", "`aud` lists both, `azp` is the other", Keys::Secret,
        || claims(|c| { set(c, "aud", r#"["shop","web"]"#); set(c, "azp", &json("shop")); }), "502 audience_mismatch"),
    case("invalid-azp, one aud", "`azp` is another client", Keys::Secret,
        || claims(|c| set(c, "azp", &json("shop"))), "502 audience_mismatch"),
    case("several aud", "`aud` lists both, `azp` is the client", Keys::Secret,
        || claims(|c| { set(c, "aud", r#"["shop","web"]"#); set(c, "azp", &json("web")); }), ACCEPTED),
    case("missing-aud", "no `aud`", Keys::Secret,
        || claims(|c| drop_named(c, "aud")), "502 audience_mismatch"),
    case("missing-iat", "no `iat`", Keys::Secret,
        || claims(|c| drop_named(c, "iat")), "502 id_token_rejected"),
    case("missing-sub", "no `sub`", Keys::Secret,
        || claims(|c| drop_named(c, "sub")), "502 id_token_rejected"),
    case("missing-sub, empty", "empty `sub`", Keys::Secret,
        || claims(|c| set(c, "sub", r#""""#)), "502 id_token_rejected"),
    case("missing-sub, a number", "`sub` is a number", Keys::Secret,
        || claims(|c| set(c, "sub", "7")), "502 id_token_rejected"),
    case("missing-exp", "no `exp`", Keys::Secret,
        || claims(|c| drop_named(c, "exp")), "502 id_token_rejected"),
    case("expired", "`exp` has passed", Keys::Secret,
        || claims(|c| { set(c, "iat", "1799990000"); set(c, "exp", "1800000000"); }), "502 id_token_rejected"),
    case("issued in the future", "`iat` in two minutes", Keys::Secret,
        || claims(|c| set(c, "iat", "1800000120")), "502 id_token_rejected"),
    case("not yet valid", "`nbf` in two minutes", Keys::Secret,
        || claims(|c| set(c, "nbf", "1800000120")), "502 id_token_rejected"),
    case("clock of the issuer ahead", "`iat` in 30 seconds", Keys::Secret,
        || claims(|c| set(c, "iat", "1800000030")), ACCEPTED),
    case("nonce-invalid", "another `nonce`", Keys::Secret,
        || claims(|c| set(c, "nonce", &json("AAAAAAAAAAAAAAAAAAAAAA"))), "502 nonce_mismatch"),
    case("nonce missing", "no `nonce`", Keys::Secret,
        || claims(|c| drop_named(c, "nonce")), "502 nonce_mismatch"),
    case("nonce of another type", "`nonce` is a list", Keys::Secret,
        || claims(|c| set(c, "nonce", "[]")), "502 nonce_mismatch"),
    case("claims twice", "two values of `sub`", Keys::Secret,
        || claims(|c| c.push(("sub".to_string(), json("mallory")))), "502 id_token_rejected"),
    case("malformed groups", "`groups` is an object", Keys::Secret,
        || claims(|c| set(c, "groups", "{}")), "502 id_token_rejected"),
    case("too many groups", "2 kB of groups that rules name", Keys::Secret,
        || claims(|c| {
            let groups: Vec<String> = (0..200).map(|at| json(&format!("g-{at:07}"))).collect();
            set(c, "groups", &format!("[{}]", groups.join(",")));
        }), "500 session_too_large"),
    // Its signature.
    case("idtoken-sig-none", "`alg` is `none`, no signature", Keys::Secret,
        || signed(|_, c| tollgate_mint::compact(br#"{"alg":"none"}"#, c.as_bytes(), b"")), "502 id_token_rejected"),
    case("idtoken-sig-none, with kid", "`alg` is `none`, with the known `kid`", Keys::One,
        || signed(|_, c| tollgate_mint::compact(br#"{"alg":"none","kid":"es-1"}"#, c.as_bytes(), b"")), "502 id_token_rejected"),
    case("invalid-sig-hs256", "a changed signature", Keys::Secret, || signed(broken), "502 id_token_rejected"),
    case("invalid-sig-es256", "a changed signature", Keys::One, || signed(broken), "502 id_token_rejected"),
    case("invalid-sig-rs256", "a changed signature", Keys::Rsa, || signed(broken), "502 id_token_rejected"),
    case("invalid-sig-hs256, other secret", "another secret with the known `kid`", Keys::Secret,
        || signed(|_, c| {
            let key = tollgate_mint::PrivateKey::from_secret("hs", Algorithm::HS256, &[7; 32]);
            tollgate_mint::Minter::new(key).token(c).expect("a key that signs")
        }), "502 id_token_rejected"),
    case("invalid-sig-es256, other key", "another key with the known `kid`", Keys::One,
        || signed(|_, c| {
            let key = minter("es-9", Algorithm::ES256).key().renamed("es-1", Algorithm::ES256);
            tollgate_mint::Minter::new(key).token(c).expect("a key that signs")
        }), "502 id_token_rejected"),
    case("key confusion", "HS256 with the public key as secret", Keys::One,
        || signed(|provider, c| {
            let key = tollgate_mint::PrivateKey::from_secret("es-1", Algorithm::HS256, provider.jwks().as_bytes());
            tollgate_mint::Minter::new(key).token(c).expect("a key that signs")
        }), "502 id_token_rejected"),
    case("claims changed", "the signature of other claims", Keys::Secret,
        || signed(|provider, c| {
            let token = provider.signed(&c.replace("alice", "mallory"));
            let signature = token.rsplit_once('.').expect("a token").1;
            let own = provider.signed(c);
            format!("{}.{signature}", own.rsplit_once('.').expect("a token").0)
        }), "502 id_token_rejected"),
    case("a logout token as ID token", "`typ` of a logout token", Keys::Secret,
        || signed(|provider, c| provider.with_secret(r#"{"alg":"HS256","kid":"hs","typ":"logout+jwt"}"#, c)), "502 id_token_rejected"),
    // The issuer signed it for this client with the nonce of the flow: nobody else can make one.
    case("an access token as ID token", "`typ` is `at+jwt`", Keys::Secret,
        || signed(|provider, c| provider.with_secret(r#"{"alg":"HS256","kid":"hs","typ":"at+jwt"}"#, c)), ACCEPTED),
    case("not a token", "`id_token` is text", Keys::Secret,
        || signed(|_, _| "alice".to_string()), "502 id_token_rejected"),
    case("critical header", "`crit` in the header", Keys::Secret,
        || signed(|provider, c| provider.with_secret(r#"{"alg":"HS256","kid":"hs","crit":["x"],"x":1}"#, c)), "502 id_token_rejected"),
    // Keys.
    case("kid-absent-single-jwks", "no `kid`, one key", Keys::Nameless, Evil::default, ACCEPTED),
    case("kid-absent-single-jwks, named", "no `kid`, one key that has one", Keys::One,
        || signed(|provider, c| provider.keys[0].token_with(r#"{"alg":"ES256"}"#, c).expect("a key that signs")), ACCEPTED),
    case("kid-absent-multiple-jwks", "no `kid`, two keys", Keys::Two,
        || signed(|provider, c| provider.keys[0].token_with(r#"{"alg":"ES256"}"#, c).expect("a key that signs")), "502 id_token_rejected"),
    case("unknown kid", "a `kid` that is never published", Keys::One,
        || signed(|_, c| minter("es-9", Algorithm::ES256).token(c).expect("a key that signs")), "502 id_token_rejected"),
    // Hashes of other tokens. See `hashes_of_tokens_that_are_not_used_are_not_read`.
    case("invalid-at_hash", "`at_hash` of another token", Keys::Secret,
        || claims(|c| set(c, "at_hash", &json("AAAAAAAAAAAAAAAAAAAAAA"))), ACCEPTED),
    case("invalid-c_hash", "`c_hash` of another code", Keys::Secret,
        || claims(|c| set(c, "c_hash", &json("AAAAAAAAAAAAAAAAAAAAAA"))), ACCEPTED),
    // The redirect back.
    case("invalid-authorization-response-iss", "`iss` of another issuer", Keys::Secret,
        || back(|p| set(p, "iss", "https://other.example")), "400 issuer_mismatch"),
    case("authorization-response-iss missing", "no `iss`, but promised", Keys::Secret,
        || back(|p| drop_named(p, "iss")), "400 issuer_mismatch"),
    case("authorization-response-iss twice", "two values of `iss`", Keys::Secret,
        || back(|p| p.push(("iss".to_string(), "https://id.example.com".to_string()))), "400 callback_malformed"),
    case("ensure-authorization-response-with-invalid-state-fails", "another `state`", Keys::Secret,
        || back(|p| set(p, "state", "AAAAAAAAAAAAAAAAAAAAAA")), "400 flow_missing"),
    case("state missing", "no `state`", Keys::Secret,
        || back(|p| drop_named(p, "state")), "400 callback_malformed"),
    case("state truncated", "the first 8 characters of `state`", Keys::Secret,
        || back(|p| for (name, value) in p { if name == "state" { value.truncate(8); } }), "400 flow_missing"),
    case("state extended", "`state` and more", Keys::Secret,
        || back(|p| for (name, value) in p { if name == "state" { value.push('A'); } }), "400 flow_missing"),
    case("state twice", "two values of `state`", Keys::Secret,
        || back(|p| p.push(("state".to_string(), "AAAAAAAAAAAAAAAAAAAAAA".to_string()))), "400 callback_malformed"),
    case("code missing", "neither `code` nor `error`", Keys::Secret,
        || back(|p| drop_named(p, "code")), "400 callback_malformed"),
    case("code and error", "`code` and `error`", Keys::Secret,
        || back(|p| set(p, "error", "access_denied")), "400 callback_malformed"),
    case("code twice", "two values of `code`", Keys::Secret,
        || back(|p| p.push(("code".to_string(), "x".to_string()))), "400 callback_malformed"),
    case("code unknown", "a code of nobody", Keys::Secret,
        || back(|p| set(p, "code", "x")), "400 code_rejected"),
    case("code empty", "an empty code", Keys::Secret,
        || back(|p| set(p, "code", "")), "400 code_rejected"),
    case("authorization error", "`error=server_error`", Keys::Secret,
        || back(|p| { drop_named(p, "code"); set(p, "error", "server_error"); }), "502 provider_error"),
    case("authorization error, markup", "markup in `error` and `error_description`", Keys::Secret,
        || back(|p| { drop_named(p, "code"); set(p, "error", "<script>"); set(p, "error_description", "<script>"); }), "502 provider_error"),
    case("authorization error, cancelled", "`error=access_denied`", Keys::Secret,
        || back(|p| { drop_named(p, "code"); set(p, "error", "access_denied"); }), "403 sign_in_cancelled"),
    case("authorization error of another issuer", "`error=access_denied`, another `iss`", Keys::Secret,
        || back(|p| { drop_named(p, "code"); set(p, "error", "access_denied"); set(p, "iss", "https://other.example"); }), "400 issuer_mismatch"),
    // The token response.
    case("token endpoint: invalid_grant", "400 `invalid_grant`", Keys::Secret,
        || reply(400, r#"{"error":"invalid_grant"}"#), "400 code_rejected"),
    case("token endpoint: invalid_client", "401 `invalid_client`", Keys::Secret,
        || reply(401, r#"{"error":"invalid_client"}"#), "502 client_rejected"),
    case("token endpoint: unauthorized_client", "400 `unauthorized_client`", Keys::Secret,
        || reply(400, r#"{"error":"unauthorized_client"}"#), "502 client_rejected"),
    case("token endpoint: another error", "400 `invalid_request`", Keys::Secret,
        || reply(400, r#"{"error":"invalid_request"}"#), "502 token_response_invalid"),
    case("token endpoint: error with 200", "200 `invalid_grant`", Keys::Secret,
        || reply(200, r#"{"error":"invalid_grant"}"#), "502 token_response_invalid"),
    case("token endpoint: error and token", "200 with `error` and an ID token", Keys::Secret,
        || members(|m| set(m, "error", &json("invalid_grant"))), "502 token_response_invalid"),
    case("token endpoint: 500", "500 with HTML", Keys::Secret,
        || reply(500, "<html>"), "502 provider_unreachable"),
    case("token endpoint: redirect", "302", Keys::Secret,
        || reply(302, ""), "502 provider_unreachable"),
    case("token endpoint: created", "201 with an ID token", Keys::Secret,
        || reply(201, r#"{"id_token":"x"}"#), "502 provider_unreachable"),
    case("token endpoint: HTML", "200 with HTML", Keys::Secret,
        || reply(200, "<html>"), "502 token_response_invalid"),
    case("token endpoint: empty", "200 without a body", Keys::Secret,
        || reply(200, ""), "502 token_response_invalid"),
    case("token endpoint: list", "200 `[]`", Keys::Secret, || reply(200, "[]"), "502 token_response_invalid"),
    case("token endpoint: no ID token", "no `id_token`", Keys::Secret,
        || members(|m| drop_named(m, "id_token")), "502 token_response_invalid"),
    case("token endpoint: null", "`id_token` is `null`", Keys::Secret,
        || members(|m| set(m, "id_token", "null")), "502 token_response_invalid"),
    case("token endpoint: two ID tokens", "`id_token` twice", Keys::Secret,
        || members(|m| m.push(("id_token".to_string(), json("x")))), "502 token_response_invalid"),
    case("token endpoint: unreachable", "no response", Keys::Secret,
        || Evil { reply: Some(Sent::Nothing), ..Evil::default() }, "502 provider_unreachable"),
    case("token endpoint: slow", "no response in time", Keys::Secret,
        || Evil { reply: Some(Sent::Late), ..Evil::default() }, "503 provider_slow"),
    case("token endpoint: endless", "70,000 bytes", Keys::Secret,
        || Evil { reply: Some(Sent::Response(200, vec![b' '; 70_000])), ..Evil::default() }, "502 provider_unreachable"),
];

/// A site whose tokens are signed with these keys, and its provider.
fn world(keys: Keys) -> World {
    let mut provider = Provider::new();
    match keys {
        Keys::Secret => {}
        Keys::One => provider.add_key("es-1", Algorithm::ES256),
        Keys::Nameless => provider.add_key("", Algorithm::ES256),
        Keys::Two => {
            provider.add_key("es-1", Algorithm::ES256);
            provider.add_key("es-2", Algorithm::ES256);
        }
        Keys::Rsa => provider.add_key("rs-1", Algorithm::RS256),
    }
    let jwks = provider.jwks();
    let options = Options {
        jwks: (keys != Keys::Secret).then_some(jwks.as_str()),
        ..LEARN
    };
    let mut world = World::with(&[options.clone()]);
    provider.register(&options);
    world.provider = provider;
    world
}

#[test]
fn certification_cases() {
    let mut wrong = Vec::new();
    println!("| case | what the provider does | result |\n|---|---|---|");
    for Case {
        name,
        act,
        keys,
        evil,
        expect,
    } in CASES
    {
        let mut world = world(*keys);
        let mut browser = Browser::of("alice");
        world.provider.evil = evil();
        let last = browser.open(&mut world, LESSON);
        let at_callback = |(url, _): &&(String, Reply)| url.contains("/callback?");
        let reply = browser.trace.iter().find(at_callback);
        let reply = &reply.unwrap_or_else(|| unreachable!("{name}")).1;
        if reply.summary() != *expect {
            wrong.push(format!("{name}: {} instead of {expect}", reply.summary()));
            continue;
        }
        println!("| {name} | {act} | {expect} |");
        let is_accepted = *expect == ACCEPTED;
        for (_, reply) in &browser.trace {
            let session = reply.session();
            assert!(is_accepted || session.is_none(), "{name}");
        }
        assert_eq!(last.is_forwarded, is_accepted, "{name}");
        if is_accepted {
            continue;
        }
        assert!(
            last.header("content-type") == Some("text/html; charset=utf-8"),
            "{name}"
        );
        assert!(!last.body.contains("<script"), "{name}");
        assert!(last.body.contains("/.tollgate/sign-in?to=/"), "{name}");
        // The next attempt in the same browser works, even if the user does not follow the link.
        world.provider.evil = Evil::default();
        world.now += 1;
        let next = browser.open(&mut world, LESSON);
        assert!(next.is_forwarded, "{name}: {:#?}", browser.codes());
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn hashes_of_tokens_that_are_not_used_are_not_read() {
    // OpenID Connect Core §3.1.3.6 makes `at_hash` optional in the code flow, and the client may validate it
    // to use the access token. The gate discards the access token. `c_hash` is for hybrid flows: here PKCE
    // binds the code. The table has both as accepted.
    let mut world = world(Keys::Secret);
    let mut browser = Browser::of("alice");
    world.provider.evil = members(|m| set(m, "access_token", &json("one-of-another-user")));
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    assert!(
        browser
            .jar
            .iter()
            .all(|cookie| !cookie.value.contains("another"))
    );
}

#[test]
fn signing_key_rotation() {
    let mut world = world(Keys::One);
    let mut browser = Browser::of("alice");
    world.provider.add_key("es-2", Algorithm::ES256);
    assert!(
        browser.open(&mut world, LESSON).is_forwarded,
        "{:#?}",
        browser.codes()
    );
    let urls: Vec<&str> = world
        .provider
        .seen
        .iter()
        .map(|sent| sent.url.as_str())
        .collect();
    assert_eq!(
        urls,
        [
            "https://id.example.com/token",
            "https://id.example.com/jwks"
        ]
    );
}

#[test]
fn signing_key_rotation_while_the_keys_cannot_be_fetched() {
    let mut world = world(Keys::One);
    let mut browser = Browser::of("alice");
    world.provider.add_key("es-2", Algorithm::ES256);
    world.provider.evil.hides_keys = true;
    let reply = browser.open(&mut world, LESSON);
    assert_eq!(reply.summary(), "502 id_token_rejected");
    assert_eq!(reply.session(), None);
    // The flow has not ended: the user reloads the page, and the code is not sent again.
    world.provider.evil.hides_keys = false;
    world.now += 11;
    let callback = browser.trace.last().expect("a page").0.clone();
    let reply = browser.open(&mut world, &callback);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    let tokens = world
        .provider
        .seen
        .iter()
        .filter(|sent| sent.url.ends_with("/token"));
    assert_eq!(tokens.count(), 1);
}

#[test]
fn an_issuer_that_does_not_promise_iss_need_not_send_it() {
    let options = Options {
        discovery: "",
        ..LEARN
    };
    let mut world = World::with(&[options]);
    let mut browser = Browser::of("alice");
    world.provider.evil = back(|p| drop_named(p, "iss"));
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    // But a wrong one is an attack.
    let mut browser = Browser::of("bob");
    world.provider.evil = back(|p| set(p, "iss", "https://other.example"));
    assert_eq!(
        browser.open(&mut world, LESSON).summary(),
        "400 issuer_mismatch"
    );
}

#[test]
fn client_secret_basic_post_and_none() {
    // The provider requires exactly the registered method, and decodes the header by RFC 6749 §2.3.1.
    for auth in ["none", "client_secret_basic", "client_secret_post"] {
        let mut world = World::with(&[Options { auth, ..LEARN }]);
        let mut browser = Browser::of("alice");
        assert!(browser.open(&mut world, LESSON).is_forwarded, "{auth}");
        let sent = &world.provider.seen[0];
        let body = String::from_utf8_lossy(&sent.body);
        let authorization = sent
            .headers
            .iter()
            .find(|(name, _)| name == "authorization");
        let expect = (auth == "client_secret_basic")
            // `web:p%25s%3Aw%2Brd%2F%26%3D~`
            .then_some("Basic d2ViOnAlMjVzJTNBdyUyQnJkJTJGJTI2JTNEfg==");
        assert_eq!(
            authorization.map(|(_, value)| value.as_str()),
            expect,
            "{auth}"
        );
        assert_eq!(
            body.contains("client_id=web"),
            auth != "client_secret_basic",
            "{body}"
        );
        let secret = "client_secret=p%25s%3Aw%2Brd%2F%26%3D~";
        assert_eq!(
            body.contains(secret),
            auth == "client_secret_post",
            "{body}"
        );
    }
}
