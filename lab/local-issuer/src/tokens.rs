//! ID tokens and access tokens with the claims that user pools issue.

use serde_json::{Map, Value, json};
use tollgate_mint::{Claims, MintError, Minter};

use crate::keys::TokenUse;
use crate::people::Person;

/// The subject, issuer and time of a token.
pub(crate) struct Issue<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    pub(crate) person: &'a Person,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) now: i64,
    /// The remaining lifetime of the token. Negative for an expired token, which was issued an hour before it
    /// expired.
    pub(crate) life_secs: i64,
}

impl Issue<'_> {
    /// Mints a token. `more` is applied last and overrides existing claims; a null member removes a claim.
    pub(crate) fn token(
        &self,
        usage: TokenUse,
        more: &Map<String, Value>,
        minter: &Minter,
    ) -> Result<String, MintError> {
        let mut claims = match usage {
            TokenUse::Id => self.id_claims(),
            TokenUse::Access => self.access_claims(),
        };
        for (name, value) in more {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        let text = Value::Object(claims).to_string();
        minter.token(&Claims::from_json(&text)?.to_json())
    }

    fn common(&self, usage: TokenUse) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("sub", json!(self.person.name));
        // A pool omits the claim rather than sending an empty list.
        if !self.person.groups.is_empty() {
            say("cognito:groups", json!(self.person.groups));
        }
        say("iss", json!(self.issuer));
        say("token_use", json!(usage.name()));
        let expires = self.now + self.life_secs;
        let issued = if self.life_secs < 0 {
            expires - 3600
        } else {
            self.now
        };
        say("auth_time", json!(issued));
        say("iat", json!(issued));
        say("exp", json!(expires));
        say("jti", json!(uuid()));
        say("origin_jti", json!(uuid()));
        say("event_id", json!(uuid()));
        claims
    }

    fn id_claims(&self) -> Map<String, Value> {
        let mut claims = self.common(TokenUse::Id);
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("aud", json!(self.client));
        say("cognito:username", json!(self.person.name));
        say("email", json!(self.person.email));
        say("email_verified", json!(true));
        if let Some(nonce) = self.nonce {
            say("nonce", json!(nonce));
        }
        claims.extend(self.person.claims.clone());
        claims
    }

    fn access_claims(&self) -> Map<String, Value> {
        let mut claims = self.common(TokenUse::Access);
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("client_id", json!(self.client));
        say("username", json!(self.person.name));
        say("scope", json!(self.person.scope));
        say("version", json!(2));
        claims
    }
}

/// Returns a unique name in the form of a random UUID.
fn uuid() -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
