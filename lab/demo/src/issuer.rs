//! The local issuer as the demo uses it: people sign in at its page. It also mints tokens that the page
//! would not issue, rotates its keys, and fails on demand.

use core::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::part::{self, Part};
use tollgate_lab_http::{self as http, Reply as Answer};
use xtask::{repo, shell};

/// The `iss` of the sample site's pool; only its key set is local.
const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1";
pub(super) const CLIENT: &str = "client-abc123";

/// A running issuer.
pub(super) struct Issuer {
    _part: Part,
    address: SocketAddr,
    jwks_uri: String,
}

impl Issuer {
    /// Starts it.
    pub(super) fn start() -> Result<Issuer> {
        let mut command = shell::tool(repo::program("local-issuer"), ["--issuer", ISSUER]);
        let part = Part::start("local-issuer", &mut command)?;
        let place = part.first()?;
        let jwks_uri = place.get("jwks_uri").and_then(Value::as_str);
        Ok(Issuer {
            address: part::address(&place, "address")?,
            jwks_uri: jwks_uri.context("the issuer has no key set")?.to_owned(),
            _part: part,
        })
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a copy of the sample policy that pins this issuer's keys and refreshes them from it.
    pub(super) fn policy(&self, folder: &Path) -> Result<()> {
        const PINNED: &str = "jwks = \"keys/learners.jwks.json\"";
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
        }
        repo::copy_folder(&repo::policy(), folder)?;
        let site = folder.join("site.toml");
        let text = std::fs::read_to_string(&site).context("the policy has no site.toml")?;
        ensure!(
            text.matches(PINNED).count() == 1,
            "policy/site.toml must contain `{PINNED}` exactly once"
        );
        let refreshed = format!("{PINNED}\nrefresh = \"{}\"", self.jwks_uri);
        std::fs::write(&site, text.replace(PINNED, &refreshed))?;
        let (_, target) = http::split(&self.jwks_uri).context("the key set has no address")?;
        let keys = http::ask(self.address, "GET", target, &[], b"")?;
        std::fs::write(folder.join("keys/learners.jwks.json"), keys.body)?;
        Ok(())
    }

    /// Its discovery document.
    pub(super) fn discovery(&self) -> Result<Vec<u8>> {
        let (_, keys) = http::split(&self.jwks_uri).context("the key set has no address")?;
        let target = keys.replace("jwks.json", "openid-configuration");
        Ok(http::ask(self.address, "GET", &target, &[], b"")?.body)
    }

    /// Registers redirect URIs of the client.
    pub(super) fn register_all(&self, redirect_uris: &[String]) -> Result<()> {
        let client = json!({ "client_id": CLIENT, "redirect_uris": redirect_uris });
        self.admin("clients", &client).map(|_| ())
    }

    /// Registers a redirect URI of the client.
    pub(super) fn register(&self, redirect_uri: &str) -> Result<()> {
        let client = json!({ "client_id": CLIENT, "redirect_uris": [redirect_uri] });
        self.admin("clients", &client).map(|_| ())
    }

    /// Returns the response of the sign-in page when a person presses the button with their name.
    pub(super) fn sign_in(&self, name: &str, redirect_uri: &str, state: &str) -> Result<Answer> {
        let target = format!(
            "/login?client_id={CLIENT}&response_type=token&redirect_uri={}&state={}",
            escaped(redirect_uri),
            escaped(state)
        );
        let form = format!("username={}", escaped(name));
        http::ask(self.address, "POST", &target, &[], form.as_bytes())
    }

    /// Returns a token of any kind, as described for `/admin/token`.
    pub(super) fn token(&self, wanted: &Value) -> Result<String> {
        let made = self.admin("token", wanted)?;
        let token = made.get("token").and_then(Value::as_str);
        Ok(token.context("the issuer minted nothing")?.to_owned())
    }

    /// Sends an admin request to the issuer.
    pub(super) fn admin(&self, verb: &str, said: &Value) -> Result<Value> {
        let target = format!("/admin/{verb}");
        let body = said.to_string();
        let answer = http::ask(self.address, "POST", &target, &[], body.as_bytes())?;
        ensure!(answer.status == 200, "the issuer rejected `{verb}` {said}");
        json_of(&answer)
    }

    /// Returns how often its key set was fetched.
    pub(super) fn fetches(&self) -> Result<u64> {
        let count = http::ask(self.address, "GET", "/admin/fetches", &[], b"")?;
        let count = json_of(&count)?;
        count
            .get("jwks")
            .and_then(Value::as_u64)
            .context("the issuer returned no count")
    }
}

/// Parses the body as JSON.
fn json_of(answer: &Answer) -> Result<Value> {
    serde_json::from_slice(&answer.body).context("the body is not JSON")
}

/// Returns a parameter in the fragment of a response's redirect URI.
pub(super) fn in_fragment<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let (_, fragment) = answer.header("location")?.split_once('#')?;
    fragment
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Escapes a value for a query or a form.
pub(super) fn escaped(value: &str) -> String {
    let mut safe = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}

/// The digits of base64url.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0, |bits, byte| (bits << 8) | usize::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.extend(DIGITS.get(digit).copied().map(char::from));
        }
    }
    text
}

/// Decodes base64url without padding; `None` for other strings.
pub(super) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|own| *own == digit)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_no_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("\u{7f}\u{7fe}?", "f9--Pw"),
        ] {
            assert_eq!(base64url(bytes.as_bytes()), text);
            assert_eq!(from_base64url(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn values_are_escaped_and_parsed() {
        assert_eq!(escaped("a b&ü"), "a%20b%26%C3%BC");
        let location = "http://x/#id_token=e.y.j&id=1&state=s%20t".to_owned();
        let answer = Answer {
            status: 302,
            headers: vec![("location".to_owned(), location)],
            body: Vec::new(),
        };
        assert_eq!(in_fragment(&answer, "id_token"), Some("e.y.j"));
        assert_eq!(in_fragment(&answer, "state"), Some("s%20t"));
        assert_eq!(in_fragment(&answer, "code"), None);
    }
}
