//! What must be true of every request that a proxy forwards, whatever the case expects.
//!
//! Each check returns what is wrong. Not here: requests that are not forwarded, which must not arrive at all.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use tollgate_crypto::Native;
use tollgate_gate::config::TokenSource;
use tollgate_gate::{CacheEdit, Forward, Request, RequestEdits, ResponseEdits};
use tollgate_lab_http::Reply;
use tollgate_token::{Algorithm, KeyMaterial, Provider};

use super::origin::{BODY, CACHING, MARK, Seen};

const ASSERTION: &str = "x-tollgate-assertion";
const OWN: &str = "x-tollgate-";
/// Headers that make some origins serve another path or method.
const OVERRIDES: [&str; 5] = [
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-method-override",
    "x-http-method",
];
/// The life of an assertion, in seconds.
const LIFETIME: i64 = 30;

/// What a check returns: nothing, or what is wrong.
type Checked = Result<(), String>;

/// A forwarded request and everything that it is compared with.
pub(super) struct Forwarded<'a> {
    /// The request of the client.
    pub(super) request: &'a Request<'a>,
    /// What the library does with it.
    pub(super) native: &'a Forward,
    /// The token sources of the policy.
    pub(super) sources: &'a [TokenSource],
    /// The key of assertions.
    pub(super) public: &'a [u8; 32],
    /// What arrived.
    pub(super) seen: &'a Seen,
}

impl Forwarded<'_> {
    /// Checks what arrived.
    pub(super) fn check(&self) -> Checked {
        let Forward {
            request: edits,
            response: _,
        } = self.native;
        let target = edits.target_for(self.request);
        same(
            "the method at the origin",
            self.request.method,
            &self.seen.method,
        )?;
        same(
            "the target at the origin",
            target.escape_ascii(),
            self.seen.target.escape_ascii(),
        )?;
        let set: Vec<&str> = edits.added.iter().map(|(name, _)| *name).collect();
        lookalikes(self.seen, &set)?;
        for (name, value) in &edits.added {
            let values = self.seen.values(name);
            // Some proxies omit empty headers, which says the same.
            if !(values.is_empty() && value.is_empty()) {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| value.escape_ascii().to_string())
                    .collect();
                same(name, format!("{:?}", [value]), format!("{values:?}"))?;
            }
        }
        self.credentials(edits)?;
        self.assertion(edits)
    }

    /// Cookies and tokens are as the library forwards them.
    fn credentials(&self, edits: &RequestEdits) -> Checked {
        let mut names = vec!["cookie", "authorization"];
        names.extend(self.sources.iter().filter_map(|source| match source {
            TokenSource::Header(name) => Some(name.as_str()),
            TokenSource::Cookie(_) | TokenSource::Query(_) => None,
        }));
        let sent: Vec<(&str, &[u8])> = edits.headers_for(self.request).collect();
        for name in names {
            let wanted = sent
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let wanted: Vec<&[u8]> = wanted.map(|(_, value)| *value).collect();
            let seen = self.seen.values(name);
            // Several lines of cookies are one list.
            let (mut wanted, mut seen) = match name {
                "cookie" => (vec![wanted.join(&b"; "[..])], vec![seen.join(&b"; "[..])]),
                _ => (owned(&wanted), owned(&seen)),
            };
            // Of several tokens, only the first is passed on.
            if seen.len() == 1 {
                wanted.truncate(1);
            }
            wanted.retain(|value| !value.is_empty());
            seen.retain(|value| !value.is_empty());
            same(name, shown(&wanted), shown(&seen))?;
        }
        Ok(())
    }

    /// The assertion is there once, is signed, and says what the library decided.
    fn assertion(&self, edits: &RequestEdits) -> Checked {
        let values = self.seen.values(ASSERTION);
        let [assertion] = values.as_slice() else {
            return Err(format!("{} assertions reached the origin", values.len()));
        };
        let claims = verified(assertion, self.public).ok_or("the assertion does not verify")?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let target = edits.target_for(self.request);
        let target: String = target.iter().copied().map(char::from).collect();
        same(
            "method of the assertion",
            self.request.method,
            text("method"),
        )?;
        same("target of the assertion", target, text("target"))?;
        let added = |name: &str| {
            let mut added = edits.added.iter();
            let found = added.find(|(known, _)| *known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        same(
            "rule of the assertion",
            added("x-tollgate-rule"),
            text("rule"),
        )?;
        same(
            "issuer of the assertion",
            added("x-tollgate-issuer"),
            text("issuer"),
        )?;
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let now = self.request.now.0;
        same(
            "iat of the assertion",
            format!("{:?}", Some(now)),
            format!("{:?}", number("iat")),
        )?;
        let end = Some(now.saturating_add(LIFETIME));
        same(
            "exp of the assertion",
            format!("{end:?}"),
            format!("{:?}", number("exp")),
        )
    }

    /// Checks the response that the client received.
    pub(super) fn check_reply(&self, reply: &Reply) -> Checked {
        let Forward {
            request: _,
            response: ResponseEdits { set_cookies, cache },
        } = self.native;
        let (mark, reached) = MARK;
        if self.seen.values("upgrade").is_empty() {
            same("status", 200, reply.status)?;
            same(mark, reached, reply.header(mark).unwrap_or_default())?;
            if self.request.method != "HEAD" {
                same("body", BODY, String::from_utf8_lossy(&reply.body))?;
            }
        }
        let values = |wanted: &str| -> Vec<&str> {
            let lines = reply.headers.iter().filter(|(name, _)| name == wanted);
            lines.map(|(_, value)| value.as_str()).collect()
        };
        // A gate that lives longer may return a session that it minted a moment ago.
        let set: Vec<String> = set_cookies.iter().map(|cookie| valueless(cookie)).collect();
        let got: Vec<String> = values("set-cookie").into_iter().map(valueless).collect();
        same("set-cookie", format!("{set:?}"), format!("{got:?}"))?;
        let control = values("cache-control").join(", ");
        let has = |wanted: &str| control.split(',').any(|one| one.trim() == wanted);
        let is_right = match cache {
            CacheEdit::Keep => true,
            CacheEdit::Private => has("private") || has("no-store"),
            CacheEdit::NoStore => has("no-store"),
        };
        if !is_right {
            return Err(format!("cache-control is `{control}` for {cache:?}"));
        }
        if *cache != CacheEdit::Keep {
            for (name, theirs) in CACHING.iter().filter(|(name, _)| *name != "cache-control") {
                if values(name).contains(theirs) {
                    return Err(format!("`{name}` of the origin reached the client"));
                }
            }
        }
        Ok(())
    }
}

/// A cookie's name and attributes. Their order means nothing.
fn valueless(cookie: &str) -> String {
    let (name, rest) = cookie.split_once('=').unwrap_or((cookie, ""));
    let mut attributes: Vec<&str> = rest.split(';').skip(1).map(str::trim).collect();
    attributes.sort_unstable();
    format!("{name}; {}", attributes.join("; "))
}

fn owned(values: &[&[u8]]) -> Vec<Vec<u8>> {
    values.iter().map(|value| value.to_vec()).collect()
}

fn shown(values: &[Vec<u8>]) -> String {
    let values = values.iter();
    let values: Vec<String> = values
        .map(|value| value.escape_ascii().to_string())
        .collect();
    format!("{values:?}")
}

pub(super) fn same(what: &str, wanted: impl ToString, got: impl ToString) -> Checked {
    let (wanted, got) = (wanted.to_string(), got.to_string());
    match wanted == got {
        true => Ok(()),
        false => Err(format!("{what}: must be `{wanted}`, is `{got}`")),
    }
}

fn plain(letter: char) -> char {
    match letter.is_ascii_alphanumeric() {
        true => letter.to_ascii_lowercase(),
        false => '-',
    }
}

/// Checks a request of which only what arrived is known: the assertion proves what the gate decided.
pub(super) fn witnessed(seen: &Seen, public: &[u8; 32]) -> Checked {
    let values = seen.values(ASSERTION);
    let [assertion] = values.as_slice() else {
        return Err(format!("{} assertions reached the origin", values.len()));
    };
    let claims = verified(assertion, public).ok_or("the assertion does not verify")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let target: String = seen.target.iter().copied().map(char::from).collect();
    same("target of the assertion", target, text("target"))?;
    same("method of the assertion", &seen.method, text("method"))?;
    let groups = claims.get("groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // Names that need no escapes: those of the tests.
    let identity = [
        ("x-tollgate-subject", text("sub").to_owned()),
        ("x-tollgate-groups", groups.join(",")),
        ("x-tollgate-issuer", text("issuer").to_owned()),
        ("x-tollgate-rule", text("rule").to_owned()),
    ];
    for (name, value) in &identity {
        let values = seen.values(name);
        if !(values.is_empty() && value.is_empty()) {
            same(
                name,
                shown(&[value.clone().into_bytes()]),
                shown(&owned(&values)),
            )?;
        }
    }
    lookalikes(seen, &identity.map(|(name, _)| name))
}

/// No header looks like one of the gate's, except those that it sets, and none overrides the path or the method.
fn lookalikes(seen: &Seen, set: &[&str]) -> Checked {
    for (name, value) in &seen.headers {
        let plain: String = name.chars().map(plain).collect();
        let is_set = set.contains(&name.as_str()) || name == ASSERTION;
        if plain.starts_with(OWN) && !is_set || OVERRIDES.contains(&plain.as_str()) {
            return Err(format!(
                "`{name}: {}` reached the origin",
                value.escape_ascii()
            ));
        }
    }
    Ok(())
}

/// The claims of an assertion, if its signature verifies.
fn verified(assertion: &[u8], public: &[u8; 32]) -> Option<Value> {
    let text = core::str::from_utf8(assertion).ok()?;
    let (signed, signature) = text.rsplit_once('.')?;
    let (_, claims) = signed.split_once('.')?;
    let key = KeyMaterial::Ed25519 { x: *public };
    let key = Native.prepare(Algorithm::EdDSA, &key).ok()?;
    let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
    key.verify(signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).ok()?).ok()
}
