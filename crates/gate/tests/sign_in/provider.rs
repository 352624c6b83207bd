//! An OpenID provider that checks everything it is sent, and does whatever a test wants it to do wrong.

use std::collections::BTreeMap;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use tollgate_crypto::Native;
use tollgate_gate::FetchRequest;
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};
use tollgate_token::{PreparedKey, Provider as _};

use crate::site::{CLIENT_SECRET, ISSUER, Options, hmac_key};

/// Names and values in order: parameters, or the members of an object with JSON values.
pub(crate) type Pairs = Vec<(String, String)>;

/// What a malicious provider does. `None` is honest.
#[derive(Default)]
pub(crate) struct Evil {
    /// Changes the parameters of the redirect back to the site.
    pub(crate) callback: Option<fn(&mut Pairs)>,
    /// Changes the claims of the ID token.
    pub(crate) claims: Option<fn(&mut Pairs)>,
    /// Signs the claims.
    pub(crate) sign: Option<fn(&Provider, &str) -> String>,
    /// Changes the members of the token response.
    pub(crate) members: Option<fn(&mut Pairs)>,
    /// Sends this instead of a token response.
    pub(crate) reply: Option<Sent>,
    /// Sends the ID token that it sent last, of whatever user and site.
    pub(crate) replays: bool,
    /// Does not send its keys.
    pub(crate) hides_keys: bool,
}

/// What arrives after a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing in time; the request stays in flight.
    Late,
    /// A failure of the network.
    Nothing,
    /// A response.
    Response(u16, Vec<u8>),
}

/// What the provider knows about a code or a refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) user: String,
    /// The `state` of the flow in which the user signed in.
    pub(crate) state: String,
    pub(crate) client: String,
    redirect_uri: String,
    challenge: String,
    nonce: String,
    auth_time: i64,
    is_used: bool,
}

struct Client {
    id: String,
    auth: String,
    redirect_uris: Vec<String>,
}

/// The provider.
pub(crate) struct Provider {
    pub(crate) issuer: &'static str,
    clients: Vec<Client>,
    /// Asymmetric keys, all published.
    pub(crate) keys: Vec<Minter>,
    /// The key that signs; `None` for the shared secret.
    pub(crate) signer: Option<usize>,
    secret: Box<dyn PreparedKey>,
    pub(crate) codes: BTreeMap<String, Granted>,
    /// The refresh tokens that are valid.
    pub(crate) refreshes: BTreeMap<String, Granted>,
    /// All refresh tokens.
    pub(crate) history: BTreeMap<String, Granted>,
    /// Whether a refresh token can be used once.
    pub(crate) rotates: bool,
    /// Whether it issues refresh tokens at all.
    pub(crate) refreshable: bool,
    pub(crate) token_secs: i64,
    pub(crate) evil: Evil,
    /// All requests of sites.
    pub(crate) seen: Vec<FetchRequest>,
    /// Everything that must never be in a log.
    pub(crate) secrets: Vec<String>,
    /// The last ID token.
    pub(crate) last_id_token: Option<String>,
    serial: u64,
}

impl Provider {
    pub(crate) fn new() -> Self {
        Self::at(ISSUER, b"id tokens are signed with this!!")
    }

    /// A provider with a shared secret for its tokens.
    pub(crate) fn at(issuer: &'static str, secret: &[u8]) -> Self {
        Self {
            issuer,
            clients: Vec::new(),
            keys: Vec::new(),
            signer: None,
            secret: hmac_key(secret),
            codes: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            history: BTreeMap::new(),
            rotates: true,
            refreshable: true,
            token_secs: 3_600,
            evil: Evil::default(),
            seen: Vec::new(),
            secrets: vec![CLIENT_SECRET.to_string()],
            last_id_token: None,
            serial: 0,
        }
    }

    pub(crate) fn register(&mut self, options: &Options<'_>) {
        let hosts = [
            format!("https://{}", options.host),
            "http://localhost:8080".to_string(),
        ];
        let callback = |host: &String| format!("{host}/.tollgate/callback");
        let uris = hosts.iter().map(callback).collect();
        self.add_client(options.client, options.auth, uris);
    }

    pub(crate) fn add_client(&mut self, id: &str, auth: &str, redirect_uris: Vec<String>) {
        let mut known = self.clients.iter_mut();
        if let Some(known) = known.find(|known| known.id == id && known.auth == auth) {
            known.redirect_uris.extend(redirect_uris);
            known.redirect_uris.sort();
            known.redirect_uris.dedup();
            return;
        }
        self.clients.push(Client {
            id: id.to_string(),
            auth: auth.to_string(),
            redirect_uris,
        });
    }

    /// The page where the user signs in: returns the URL of the redirect. Without a user, the user cancels.
    pub(crate) fn authorize(&mut self, url: &str, user: Option<&str>, now: i64) -> String {
        let query = url
            .strip_prefix(self.issuer)
            .and_then(|rest| rest.strip_prefix("/authorize?tenant=7&"))
            .expect("the configured endpoint, with its own query");
        let query = parameters(query);
        let get = |name: &str| one(&query, name).expect(name).to_string();
        let client = get("client_id");
        let known = self.clients.iter().find(|known| known.id == client);
        let redirect_uri = get("redirect_uri");
        let known = known.expect("a known client");
        assert!(
            known.redirect_uris.contains(&redirect_uri),
            "{redirect_uri}"
        );
        assert_eq!(get("response_type"), "code");
        assert_eq!(get("scope"), "openid email");
        assert_eq!(get("code_challenge_method"), "S256");
        let (state, nonce, challenge) = (get("state"), get("nonce"), get("code_challenge"));
        assert_eq!((state.len(), nonce.len(), challenge.len()), (22, 22, 43));
        let mut back: Pairs = Vec::new();
        let mut push = |name: &str, value: &str| back.push((name.to_string(), value.to_string()));
        match user {
            Some(user) => {
                let code = self.random("code");
                push("code", &code);
                let granted = Granted {
                    user: user.to_string(),
                    state: state.clone(),
                    client,
                    redirect_uri: redirect_uri.clone(),
                    challenge,
                    nonce,
                    auth_time: now,
                    is_used: false,
                };
                self.codes.insert(code, granted);
            }
            None => push("error", "access_denied"),
        }
        push("state", &state);
        push("iss", self.issuer);
        if let Some(change) = self.evil.callback {
            change(&mut back);
        }
        format!("{redirect_uri}?{}", encoded(&back))
    }

    /// Answers a request of a site.
    pub(crate) fn answer(&mut self, request: &FetchRequest, now: i64) -> Sent {
        self.seen.push(request.clone());
        if request.url == format!("{}/jwks", self.issuer) {
            assert_eq!(request.method, "GET");
            if self.evil.hides_keys {
                return Sent::Nothing;
            }
            return Sent::Response(200, self.jwks().into_bytes());
        }
        assert_eq!(request.method, "POST");
        let body = core::str::from_utf8(&request.body).expect("a form");
        let form = parameters(body);
        let client = self.authenticated(request, &form);
        if let Some(verifier) = one(&form, "code_verifier") {
            self.secrets.push(verifier.to_string());
        }
        if let Some(reply) = &self.evil.reply {
            return reply.clone();
        }
        if request.url == format!("{}/revoke", self.issuer) {
            let token = one(&form, "token").expect("a token");
            self.refreshes.remove(token);
            return Sent::Response(200, Vec::new());
        }
        assert_eq!(request.url, format!("{}/token", self.issuer));
        let Some(client) = client else {
            return failure(401, "invalid_client");
        };
        let granted = match one(&form, "grant_type") {
            Some("authorization_code") => self.redeemed(&form, &client),
            Some("refresh_token") => self.renewed(&form, &client),
            _ => return failure(400, "unsupported_grant_type"),
        };
        match granted {
            Some((granted, refresh)) => self.granted(&granted, refresh, now),
            None => failure(400, "invalid_grant"),
        }
    }

    /// The client that the request is from, if it proves it (RFC 6749 §2.3.1).
    fn authenticated(&self, request: &FetchRequest, form: &Pairs) -> Option<String> {
        let header = |name: &str| {
            let mut lines = request.headers.iter().filter(|(known, _)| known == name);
            let value = lines.next().map(|(_, value)| value.as_str());
            assert_eq!(lines.next(), None, "{name} occurs twice");
            value
        };
        assert_eq!(
            header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let in_body = (one(form, "client_id"), one(form, "client_secret"));
        let (id, secret, auth) = match (header("authorization"), in_body) {
            (None, (Some(id), None)) => (id.to_string(), None, "none"),
            (None, (Some(id), Some(secret))) => (
                id.to_string(),
                Some(secret.to_string()),
                "client_secret_post",
            ),
            (Some(basic), (None, None)) => {
                let basic = basic.strip_prefix("Basic ").expect("the scheme");
                let plain = Base64::decode_vec(basic).expect("base64");
                let plain = String::from_utf8(plain).expect("text");
                let (id, secret) = plain.split_once(':').expect("two parts");
                let secret = unescaped(secret).expect("form encoding");
                (unescaped(id)?, Some(secret), "client_secret_basic")
            }
            mixed => panic!("one method at a time: {mixed:?}"),
        };
        let client = self.clients.iter().find(|client| client.id == id)?;
        assert_eq!(client.auth, auth, "the configured method");
        let is_right = secret
            .as_deref()
            .is_none_or(|secret| secret == CLIENT_SECRET);
        is_right.then_some(id)
    }

    fn redeemed(&mut self, form: &Pairs, client: &str) -> Option<(Granted, Option<String>)> {
        let granted = self.codes.get_mut(one(form, "code")?)?;
        let verifier = one(form, "code_verifier")?;
        let hash = Native.sha256(verifier.as_bytes())?;
        let is_right = granted.client == client
            && one(form, "redirect_uri") == Some(&granted.redirect_uri)
            && Base64UrlUnpadded::encode_string(&hash) == granted.challenge
            && (43..=128).contains(&verifier.len());
        if granted.is_used || !is_right {
            return None;
        }
        granted.is_used = true;
        let granted = granted.clone();
        let refresh = self.refreshable.then(|| self.refresh_for(&granted));
        Some((granted, refresh))
    }

    fn renewed(&mut self, form: &Pairs, client: &str) -> Option<(Granted, Option<String>)> {
        let token = one(form, "refresh_token")?;
        let granted = self.refreshes.get(token)?.clone();
        if granted.client != client {
            return None;
        }
        let refresh = self.rotates.then(|| {
            self.refreshes.remove(token);
            self.refresh_for(&granted)
        });
        Some((granted, refresh))
    }

    fn refresh_for(&mut self, granted: &Granted) -> String {
        let refresh = self.random("refresh");
        self.refreshes.insert(refresh.clone(), granted.clone());
        self.history.insert(refresh.clone(), granted.clone());
        refresh
    }

    fn granted(&mut self, granted: &Granted, refresh: Option<String>, now: i64) -> Sent {
        let honest = self.id_token(granted, now);
        let replayed = self.last_id_token.clone().filter(|_| self.evil.replays);
        let id_token = replayed.unwrap_or(honest);
        let mut members = vec![
            ("access_token".to_string(), json(&self.random("access"))),
            ("token_type".to_string(), json("Bearer")),
            ("expires_in".to_string(), "3600".to_string()),
            ("id_token".to_string(), json(&id_token)),
        ];
        members.extend(refresh.map(|refresh| ("refresh_token".to_string(), json(&refresh))));
        self.last_id_token = Some(id_token);
        if let Some(change) = self.evil.members {
            change(&mut members);
        }
        Sent::Response(200, object(&members).into_bytes())
    }

    fn id_token(&mut self, granted: &Granted, now: i64) -> String {
        let mut claims: Pairs = [
            ("iss", json(self.issuer)),
            ("sub", json(&granted.user)),
            ("aud", json(&granted.client)),
            ("iat", now.to_string()),
            ("exp", (now + self.token_secs).to_string()),
            ("auth_time", granted.auth_time.to_string()),
            ("nonce", json(&granted.nonce)),
            ("groups", r#"["students"]"#.to_string()),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .into();
        if let Some(change) = self.evil.claims {
            change(&mut claims);
        }
        let claims = object(&claims);
        let token = match self.evil.sign {
            Some(sign) => sign(self, &claims),
            None => self.signed(&claims),
        };
        let end = token.len().saturating_sub(24);
        self.secrets.extend(token.get(end..).map(str::to_string));
        token
    }

    /// The claims with an honest signature.
    pub(crate) fn signed(&self, claims: &str) -> String {
        match self.signer {
            Some(at) => {
                let key = self.keys.get(at).expect("a key");
                key.token(claims).expect("a key that signs")
            }
            None => self.with_secret(r#"{"alg":"HS256","kid":"hs","typ":"JWT"}"#, claims),
        }
    }

    /// A token with this header, signed with the shared secret.
    pub(crate) fn with_secret(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        let mac = self.secret.mac(input.as_bytes()).expect("a secret");
        format!("{input}.{}", Base64UrlUnpadded::encode_string(&mac))
    }

    /// Adds a key, and signs with it. An empty key ID means none.
    pub(crate) fn add_key(&mut self, kid: &str, algorithm: Algorithm) {
        self.signer = Some(self.keys.len());
        self.keys.push(minter(kid, algorithm));
    }

    /// The published keys.
    pub(crate) fn jwks(&self) -> String {
        let public = self.keys.iter().map(|key| {
            let jwk = key.key().to_public_jwk();
            let mut jwk = jwk.expect("a key with a public half");
            jwk.kid = jwk.kid.filter(|kid| !kid.is_empty());
            jwk
        });
        JwkSet {
            keys: public.collect(),
        }
        .to_text()
    }

    fn random(&mut self, purpose: &str) -> String {
        self.serial += 1;
        let hash = Native.sha256(format!("{purpose} {} {}", self.serial, self.issuer).as_bytes());
        let text = Base64UrlUnpadded::encode_string(&hash.expect("a hash"));
        let text = text.get(..32).expect("43 characters").to_string();
        self.secrets.push(text.clone());
        text
    }
}

/// A key of this name.
pub(crate) fn minter(kid: &str, algorithm: Algorithm) -> Minter {
    let seed = if kid.is_empty() { "nameless" } else { kid };
    let key = PrivateKey::generate("sign-in", seed, algorithm, 2_048);
    let key = key.expect("a key").renamed(kid, algorithm);
    Minter::new(key).typ("JWT")
}

fn failure(status: u16, error: &str) -> Sent {
    Sent::Response(status, format!(r#"{{"error":"{error}"}}"#).into_bytes())
}

/// Replaces the value of a pair, or adds the pair.
pub(crate) fn set(pairs: &mut Pairs, name: &str, value: &str) {
    drop_named(pairs, name);
    pairs.push((name.to_string(), value.to_string()));
}

/// Removes a pair.
pub(crate) fn drop_named(pairs: &mut Pairs, name: &str) {
    pairs.retain(|(known, _)| known != name);
}

/// The value of a parameter that occurs at most once.
pub(crate) fn one<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    let mut named = pairs.iter().filter(|(known, _)| known == name);
    let value = named.next().map(|(_, value)| value.as_str());
    assert_eq!(named.next(), None, "{name} occurs twice");
    value
}

/// The parameters of a query or form.
pub(crate) fn parameters(text: &str) -> Pairs {
    let pairs = text.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').expect("a pair");
        let read = |text| unescaped(text).expect("form encoding");
        (read(name), read(value))
    });
    pairs.collect()
}

pub(crate) fn encoded(pairs: &Pairs) -> String {
    let pair = |(name, value): &(String, String)| format!("{name}={}", escaped(value));
    let pairs: Vec<String> = pairs.iter().map(pair).collect();
    pairs.join("&")
}

pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(core::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// A JSON string of plain text.
pub(crate) fn json(text: &str) -> String {
    assert!(!text.contains(['"', '\\']), "plain text");
    format!("\"{text}\"")
}

fn object(pairs: &Pairs) -> String {
    let members = pairs
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"));
    let members: Vec<String> = members.collect();
    format!("{{{}}}", members.join(","))
}
