//! What a session says, and its JSON form.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt::Write;

use tollgate_core::Claim;
use tollgate_token::{IssuerConfig, base64url};

use super::{Mint, Names, Parent, SessionPath};

/// What a session says, taken from its sign-in token.
pub(crate) struct Content<'a> {
    pub(super) issuer: &'a str,
    pub(super) site: &'a str,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
    pub(super) subject: Option<&'a str>,
    pub(super) groups_claim: &'a str,
    pub(super) groups: Vec<&'a str>,
    pub(super) scopes: Vec<&'a str>,
    pub(super) declared: Vec<(&'a str, Claim)>,
}

impl<'a> Content<'a> {
    /// Takes what the policy reads of `parent`, a token of `from`, for a session of `issuer`.
    pub(super) fn new<B: AsRef<[u8]>>(
        mint: &Mint<'a, B>,
        path: &SessionPath,
        parent: &'a Parent,
        from: &IssuerConfig,
        issuer: &'a IssuerConfig,
        (issued_at, expires_at): (i64, i64),
    ) -> Option<Self> {
        let claims = &parent.claims;
        let subject = claims.subject().ok()?;
        let mut declared = Vec::new();
        // A declared `sub` is the subject, and a declared `scope` all scopes; each stands there once.
        let mut scopes = kept(claims.scopes().ok()?, &path.scopes);
        for claim in mint.image.claims().filter(|claim| claim.name != "sub") {
            if claim.name == "scope" {
                scopes.clear();
            }
            match claims.declared(claim.name, claim.kind) {
                Claim::Missing => {}
                value => declared.push((claim.name, value)),
            }
        }
        Some(Self {
            issuer: issuer.issuers.first()?,
            site: &mint.gate.site,
            issued_at,
            expires_at,
            subject: subject.filter(|_| mint.config.subject),
            groups_claim: &issuer.groups_claim,
            groups: kept(claims.groups(&from.groups_claim).ok()?, &path.groups),
            scopes,
            declared,
        })
    }

    /// The session as a JWT; none if it cannot be signed.
    pub(super) fn to_jwt(
        &self,
        kid: &str,
        sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<String> {
        let mut header = String::from(r#"{"alg":"HS256","kid":"#);
        push_string(&mut header, kid);
        header.push_str(r#","typ":"JWT"}"#);
        let mut token = base64url::encode(header.as_bytes());
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
        json.push_str(r#","aud":"#);
        push_string(&mut json, self.site);
        // Writing to a string cannot fail.
        _ = write!(
            json,
            r#","iat":{},"exp":{}"#,
            self.issued_at, self.expires_at
        );
        if let Some(subject) = self.subject {
            json.push_str(r#","sub":"#);
            push_string(&mut json, subject);
        }
        if !self.groups.is_empty() {
            push_name(&mut json, self.groups_claim);
            push_list(&mut json, self.groups.iter().copied());
        }
        if !self.scopes.is_empty() {
            push_name(&mut json, "scope");
            push_string(&mut json, &self.scopes.join(" "));
        }
        for (name, value) in &self.declared {
            push_name(&mut json, name);
            match value {
                Claim::Missing | Claim::WrongType => json.push_str("null"),
                Claim::String(text) => push_string(&mut json, text),
                Claim::Int(number) => _ = write!(json, "{number}"),
                Claim::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
                Claim::StringList(texts) => {
                    push_list(&mut json, texts.iter().map(Box::as_ref));
                }
            }
        }
        json.push('}');
        json
    }
}

/// Those names that the policy reads, each once.
fn kept<'a>(names: Vec<&'a str>, read: &Names) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for name in names {
        if read.contain(name) && !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

fn push_name(json: &mut String, name: &str) {
    json.push(',');
    push_string(json, name);
    json.push(':');
}

fn push_list<'a>(json: &mut String, texts: impl Iterator<Item = &'a str>) {
    json.push('[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            json.push(',');
        }
        push_string(json, text);
    }
    json.push(']');
}

fn push_string(json: &mut String, text: &str) {
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
