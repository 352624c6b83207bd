//! Claims given as arguments: JSON, shorthands for groups and subject, or a user of the test files.
//!
//! Not here: reading tokens.

use std::path::Path;

use clap::Args;
use serde_json::{Map, Value, json};
use tollgate_analysis::place;
use tollgate_gate::Gate;
use tollgate_gate::config::GateConfig;
use tollgate_token::{COGNITO_GROUPS_CLAIM, ClaimPath, Claims};

use crate::failure::{Failure, Problem};
use crate::input;
use crate::person::{self, NOBODY};

/// The claims of a token that is assumed to be verified.
#[derive(Args)]
pub(crate) struct ClaimsArgs {
    /// Evaluate as if a token with these claims had been verified
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// The token's groups, separated by commas; adds the issuer's groups claim
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    groups: Vec<String>,
    /// The token's subject; adds the claim `sub`
    #[arg(long, value_name = "TEXT")]
    sub: Option<String>,
    /// Evaluate for this user of the policy's test files, or for `nobody`
    #[arg(long = "as", value_name = "PERSON", conflicts_with_all = ["claims", "groups", "sub"])]
    person: Option<String>,
}

impl ClaimsArgs {
    /// The claims, if any were given.
    pub(crate) fn read(
        &self,
        gate: &Gate<Vec<u8>>,
        dir: &Path,
    ) -> Result<Option<Assumed>, Failure> {
        if let Some(name) = self.person.as_deref().filter(|name| *name != NOBODY) {
            let person = person::named(name, dir, gate)?;
            return Ok(Some(Assumed {
                object: person::object(&person),
                claims: person.claims.clone(),
            }));
        }
        let config = gate.config();
        let mut object = self.claims.as_deref().map(object).transpose()?;
        if let Some(sub) = &self.sub {
            object
                .get_or_insert_default()
                .insert("sub".to_owned(), json!(sub));
        }
        if let Some(object) = &object {
            known_issuer(object, config)?;
        }
        if !self.groups.is_empty() {
            let claims = parsed(object.as_ref().unwrap_or(&Map::new()))?;
            let issuer = config.assumed_issuer(&claims).map_err(Failure::Claims)?;
            let place = issuer.claims.groups.clone();
            let place = place.unwrap_or_else(|| ClaimPath::top(COGNITO_GROUPS_CLAIM));
            place::insert(object.get_or_insert_default(), &place, json!(self.groups));
        }
        object
            .map(|object| {
                let claims = parsed(&object)?;
                Ok(Assumed { object, claims })
            })
            .transpose()
    }
}

/// Claims that are assumed to be verified.
pub(crate) struct Assumed {
    pub(crate) object: Map<String, Value>,
    pub(crate) claims: Claims,
}

impl Assumed {
    /// Returns why a real token with these claims would be expired or not yet valid at this time.
    pub(crate) fn outdated(&self, now: i64) -> Option<String> {
        let time = |name: &str| {
            let number = self.object.get(name)?;
            // Fractions of a second are dropped here, which is enough for a note.
            number.as_i64().or_else(|| {
                let text = number.as_f64()?.trunc().to_string();
                text.parse().ok()
            })
        };
        let note = |what: String| {
            format!("a real token with these claims {what}; here they count as verified")
        };
        if let Some(exp) = time("exp").filter(|exp| now >= *exp) {
            return Some(note(format!("expired {} ago", span(now - exp))));
        }
        let nbf = time("nbf").filter(|nbf| now < *nbf)?;
        Some(note(format!(
            "is not valid for another {}",
            span(nbf - now)
        )))
    }
}

fn parsed(object: &Map<String, Value>) -> Result<Claims, Failure> {
    let text = Value::Object(object.clone()).to_string();
    Claims::from_json(text.as_bytes()).map_err(Failure::Claims)
}

/// Parses claims that the token layer accepts.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    input::claims(text)?;
    serde_json::from_str(text).map_err(|_| Failure::Argument {
        name: "--claims",
        value: text.to_owned(),
        problem: Problem::JsonObject,
    })
}

/// Returns an error if `iss` is not an issuer of the policy: its tokens cannot be verified, so its claims cannot be
/// assumed to be.
fn known_issuer(claims: &Map<String, Value>, config: &GateConfig) -> Result<(), Failure> {
    let Some(iss) = claims.get("iss").and_then(Value::as_str) else {
        return Ok(());
    };
    let known: Vec<&String> = config
        .sign_in_issuers()
        .flat_map(|issuer| &issuer.issuers)
        .collect();
    if known.is_empty() || known.iter().any(|known| *known == iss) {
        return Ok(());
    }
    Err(Failure::UnknownIssuer {
        iss: iss.to_owned(),
        known: known.into_iter().cloned().collect(),
    })
}

/// A length of time in words.
pub(crate) fn span(secs: i64) -> String {
    let (count, unit) = match secs {
        0..120 => (secs, "second"),
        120..7_200 => (secs / 60, "minute"),
        7_200..172_800 => (secs / 3_600, "hour"),
        _ => (secs / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
