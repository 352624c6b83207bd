//! The content of a session, and its JSON form.

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write;

use tollgate_core::{Claim, UnixSeconds};
use tollgate_token::{Groups, IssuerConfig, base64url};

use super::{Mint, Parent, SessionPath};

/// The content of a session, copied from its sign-in token.
pub(crate) struct Content<'a> {
    pub(super) issuer: &'a str,
    pub(super) site: &'a str,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
    pub(super) subject: Option<&'a str>,
    pub(super) auth_time: i64,
    pub(super) idp: &'a str,
    pub(super) reads: String,
    pub(super) base: Option<&'a str>,
    pub(super) groups: Vec<&'a str>,
    pub(super) elsewhere: bool,
    pub(super) scopes: Vec<&'a str>,
    pub(super) declared: Vec<(&'a str, Claim)>,
}

impl<'a> Content<'a> {
    /// Copies the claims that the policy reads from `parent`, a token of `from`, into a session of `issuer`.
    pub(super) fn new<B: AsRef<[u8]>>(
        mint: &Mint<'a, B>,
        path: &'a SessionPath,
        parent: &'a Parent,
        from: &'a IssuerConfig,
        issuer: &'a IssuerConfig,
        (issued_at, expires_at): (i64, i64),
    ) -> Option<Self> {
        let claims = &parent.claims;
        let rules = &from.claims;
        let (groups, elsewhere) = match claims.groups(rules.groups.as_ref()).ok()? {
            Groups::Listed(groups) => (groups, false),
            Groups::Elsewhere => (Vec::new(), true),
        };
        // The names are those in the issuer's token: its prefix and its restrictions are applied at every
        // use.
        let is_read = |group: &&str| {
            let name = rules.group(group);
            name.is_some_and(|name| path.groups.contain(&name))
        };
        let scopes = claims.scopes(rules.scopes.as_ref()).ok()?;
        let mut declared = Vec::new();
        for claim in mint.image.claims() {
            let place = mint.gate.claim_place(claim.slot);
            match claims.declared(claim.name, place, claim.kind) {
                Claim::Missing => {}
                value => declared.push((claim.name, value)),
            }
        }
        let auth_time = claims.auth_time();
        let issued = parent.lifetime.issued_at().map(|UnixSeconds(at)| at);
        Some(Self {
            issuer: issuer.issuers.first()?,
            site: &mint.gate.site,
            issued_at,
            expires_at,
            subject: claims.subject().ok()?,
            auth_time: auth_time.or(issued).unwrap_or(issued_at),
            idp: &from.name,
            reads: mint.config.marks(path, parent.issuer)?.collect(),
            base: path.base.as_deref(),
            groups: once(groups.into_iter().filter(is_read)),
            elsewhere,
            scopes: once(
                scopes
                    .into_iter()
                    .filter(|scope| path.scopes.contain(scope)),
            ),
            declared,
        })
    }

    /// Encodes the session as a JWT; `None` if it cannot be signed.
    pub(super) fn to_jwt(
        &self,
        kid: &str,
        sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<String> {
        let mut token = header(kid).into_bytes();
        token.push(b'.');
        token.extend(base64url::encode(self.to_json().as_bytes()));
        let signature = sign(&token)?;
        token.push(b'.');
        token.extend(base64url::encode(&signature));
        String::from_utf8(token).ok()
    }

    fn to_json(&self) -> String {
        let mut json = String::from(r#"{"iss":"#);
        push_string(&mut json, self.issuer);
        push_text(&mut json, "aud", self.site);
        // Writing to a string cannot fail.
        _ = write!(
            json,
            r#","iat":{},"exp":{}"#,
            self.issued_at, self.expires_at
        );
        if let Some(subject) = self.subject {
            push_text(&mut json, "sub", subject);
        }
        _ = write!(json, r#","auth_time":{}"#, self.auth_time);
        push_text(&mut json, "idp", self.idp);
        push_text(&mut json, "reads", &self.reads);
        if let Some(base) = self.base {
            push_text(&mut json, "base", base);
        }
        if !self.groups.is_empty() {
            push_name(&mut json, "groups");
            push_list(&mut json, self.groups.iter().copied());
        }
        if self.elsewhere {
            json.push_str(r#","elsewhere":true"#);
        }
        if !self.scopes.is_empty() {
            push_name(&mut json, "scopes");
            push_list(&mut json, self.scopes.iter().copied());
        }
        if !self.declared.is_empty() {
            push_name(&mut json, "claims");
            self.push_declared(&mut json);
        }
        json.push('}');
        json
    }

    fn push_declared(&self, json: &mut String) {
        for (at, (name, value)) in self.declared.iter().enumerate() {
            json.push(if at == 0 { '{' } else { ',' });
            push_string(json, name);
            json.push(':');
            match value {
                // An object, because no declared type is one.
                Claim::Missing | Claim::WrongType => json.push_str("{}"),
                Claim::String(text) => push_string(json, text),
                // As a string, so that no JSON parser rounds it.
                Claim::Int(number) => push_string(json, &number.to_string()),
                Claim::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
                Claim::StringList(texts) => push_list(json, texts.iter().map(Box::as_ref)),
            }
        }
        json.push('}');
    }
}

/// The encoded header of sessions signed with the secret of this name. Each name has a single
/// header, so restricted edges compare it byte by byte.
pub fn header(kid: &str) -> String {
    let mut header = String::from(r#"{"alg":"HS256","kid":"#);
    push_string(&mut header, kid);
    header.push_str(r#","typ":"JWT"}"#);
    // Base64url is ASCII.
    String::from_utf8(base64url::encode(header.as_bytes())).unwrap_or_default()
}

/// Removes duplicates and sorts, so that users with the same names get the same list.
fn once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut kept: Vec<&str> = names.collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

fn push_text(json: &mut String, name: &str, text: &str) {
    push_name(json, name);
    push_string(json, text);
}

fn push_name(json: &mut String, name: &str) {
    json.push(',');
    push_string(json, name);
    json.push(':');
}

/// Appends a JSON array of strings.
pub(crate) fn push_list<'a>(json: &mut String, texts: impl Iterator<Item = &'a str>) {
    json.push('[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            json.push(',');
        }
        push_string(json, text);
    }
    json.push(']');
}

/// Appends a JSON string.
pub(crate) fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..='\x1F' => _ = write!(json, "\\u{:04x}", u32::from(c)),
            _ => json.push(c),
        }
    }
    json.push('"');
}
