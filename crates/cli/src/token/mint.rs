//! `tollgate token mint`: one token, from a private key and claims.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tollgate_mint::{Claims, Minter, PrivateKey};
use tollgate_token::{COGNITO_GROUPS_CLAIM, IssuerConfig, IssuerKind};

use crate::failure::{Failure, Problem};
use crate::output::{print, print_json};
use crate::verdict::Verdict;
use crate::{input, person, policy};

/// The lifetime of a token that is created as expired, in seconds.
const USUAL_LIFETIME_SECS: i64 = 3_600;

/// Sign a token with a test key
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate token mint --key test-key.json --iss https://id.example.com --aud web \\
      --sub alice --group rust-101
  tollgate token mint policy --as alice
  tollgate token mint --key test-key.json --claims \"$CLAIMS\" --claim level=3 --expires-in=-1

Unless the claims contain them, `iat` is the current time and `exp` is --expires-in seconds later. In an expired
token, `iat` is an hour before `exp`.
Never use a production key here.")]
pub(crate) struct Mint {
    /// With --as: the policy directory [default: the nearest directory with `site.toml`]
    #[arg(requires = "person")]
    dir: Option<PathBuf>,
    /// The private key, as a JSON Web Key [default with --as: `keys/ISSUER.private.json` in the policy directory]
    #[arg(long, value_name = "FILE", required_unless_present = "person")]
    key: Option<PathBuf>,
    /// Start with the claims of this user of the policy's test files, and those that the issuer's tokens need
    #[arg(long = "as", value_name = "PERSON", conflicts_with = "claims")]
    person: Option<String>,
    /// The algorithm [default: the key's `alg`]
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// The key ID in the header [default: the key's `kid`]
    #[arg(long)]
    kid: Option<String>,
    /// The claims to start with
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// An additional claim, whose value is JSON or else a string; can be given more than once
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    more: Vec<String>,
    /// The issuer
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// The audience
    #[arg(long, value_name = "ID")]
    aud: Option<String>,
    /// The subject
    #[arg(long, value_name = "TEXT")]
    sub: Option<String>,
    /// A group; can be given more than once
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// The claim that holds the groups
    #[arg(long, value_name = "NAME", default_value = COGNITO_GROUPS_CLAIM)]
    groups_claim: String,
    /// The lifetime of the token; negative for an expired token
    #[arg(
        long,
        value_name = "SECS",
        default_value_t = 3600,
        allow_negative_numbers = true
    )]
    expires_in: i64,
    /// The time of issue, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Mint {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let person = self.person.as_deref();
        let person = person.map(|name| self.of_person(name)).transpose()?;
        let (path, start) = match person {
            Some((path, start)) => (path, Some(start)),
            None => (self.key.clone().unwrap_or_default(), None),
        };
        let key = self.private_key(&path)?;
        let claims = self.claims(start)?.to_json();
        let minter = Minter::new(key).typ("JWT");
        let token = minter.token(&claims).map_err(Failure::Mint)?;
        if self.json {
            // Both texts were just serialized, so parsing cannot fail.
            let header: Value = serde_json::from_str(&minter.header()).unwrap_or_default();
            let claims: Value = serde_json::from_str(&claims).unwrap_or_default();
            print_json(json!({ "token": token, "header": header, "claims": claims }))?;
        } else {
            print(token)?;
        }
        Ok(Verdict::Yes)
    }

    /// The file of the key, and the claims of a user's token.
    fn of_person(&self, name: &str) -> Result<(PathBuf, Claims), Failure> {
        let dir = policy::folder_or_default(self.dir.clone())?;
        let gate = policy::gate(&dir, None)?;
        let person = person::named(name, &dir, &gate)?;
        let issuer = gate.config().assumed_issuer(&person.claims);
        let issuer = issuer.map_err(Failure::Claims)?;
        let mut claims = Claims::from_json(person.claims.text()).map_err(Failure::Mint)?;
        for (name, value) in needed(&issuer) {
            if !claims.has(&name) {
                claims = claims.set(&name, value);
            }
        }
        let usual = || dir.join(format!("keys/{}.private.json", issuer.name));
        let path = self.key.clone().unwrap_or_else(usual);
        if self.key.is_none() && !path.exists() {
            return Err(Failure::NoTestKey {
                path,
                key_set: dir.join(format!("keys/{}.jwks.json", issuer.name)),
            });
        }
        Ok((path, claims))
    }

    fn private_key(&self, path: &Path) -> Result<PrivateKey, Failure> {
        let mut text = input::read_text(path)?;
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        if json.get("keys").is_some() {
            return Err(Failure::Argument {
                name: "--key",
                value: path.to_string_lossy().into_owned(),
                problem: Problem::KeySet,
            });
        }
        if let Some(name) = &self.alg {
            input::algorithm(name)?;
            // Set the key's `alg`, so that its parser validates the algorithm.
            if let Ok(Value::Object(mut key)) = serde_json::from_str(&text) {
                key.insert("alg".to_owned(), name.as_str().into());
                text = Value::Object(key).to_string();
            }
        }
        let key = PrivateKey::from_jwk(&text).map_err(|error| Failure::PrivateKey {
            path: path.to_owned(),
            error,
        })?;
        Ok(match &self.kid {
            Some(kid) => key.renamed(kid, key.algorithm()),
            None => key,
        })
    }

    fn claims(&self, start: Option<Claims>) -> Result<Claims, Failure> {
        let given = self.claims.as_deref().map(Claims::from_json).transpose();
        let given = given.map_err(Failure::Mint)?;
        let mut claims = start.or(given).unwrap_or_default();
        for (name, value) in [("iss", &self.iss), ("aud", &self.aud), ("sub", &self.sub)] {
            if let Some(value) = value {
                claims = claims.set(name, value.as_str());
            }
        }
        if !self.groups.is_empty() {
            claims = claims.set(&self.groups_claim, self.groups.clone());
        }
        for text in &self.more {
            let bad = || Failure::Argument {
                name: "--claim",
                value: text.clone(),
                problem: Problem::Claim,
            };
            let (name, value) = text
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(bad)?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            claims = claims.set(name, value);
        }
        let now = input::now_or_clock(self.now).0;
        let json: Value = serde_json::from_str(&claims.to_json()).unwrap_or_default();
        let given = json.get("exp").and_then(Value::as_i64);
        let exp = given.unwrap_or(now.saturating_add(self.expires_in));
        // A token that expires before it is issued would be rejected for that, not as expired.
        let iat = if exp <= now {
            exp.saturating_sub(USUAL_LIFETIME_SECS).max(0).min(exp)
        } else {
            now
        };
        for (name, time) in [("iat", iat), ("exp", exp)] {
            if !claims.has(name) {
                claims = claims.set(name, time);
            }
        }
        Ok(claims)
    }
}

/// The claims that tokens of an issuer need besides those of the user.
fn needed(issuer: &IssuerConfig) -> Vec<(String, Value)> {
    let client = issuer.clients.first().cloned().unwrap_or_default();
    let (kind, claim) = match issuer.kind {
        IssuerKind::Cognito { id: true, .. } => (Some("id"), "aud"),
        IssuerKind::Cognito { .. } => (Some("access"), "client_id"),
        IssuerKind::Oidc => (None, "aud"),
    };
    let claim = issuer.claims.client.as_deref().unwrap_or(claim);
    let kind = kind.map(|kind| ("token_use".to_owned(), kind.into()));
    let client = (claim.to_owned(), client.into());
    kind.into_iter().chain([client]).collect()
}
