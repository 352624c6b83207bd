//! `tollgate verify`: the token layer alone, without any policy; with `--jws`, the signature layer
//! under it.

mod invalid;
mod jws;
mod lenient;

use std::ffi::OsString;
use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tollgate_author::syntax::moment;
use tollgate_crypto::Native;
use tollgate_token::{
    Algorithm, ClaimRules, IssuerConfig, IssuerKind, KeyKind, Limits, Secret, Verified, Verifier,
};

use crate::failure::{Failure, Problem, warn};
use crate::input;
use crate::output::{GOOD, STRONG, print, print_json, styled};
use crate::verdict::Verdict;
use invalid::invalid;

/// The name of the given issuer in messages.
const ISSUER_NAME: &str = "the issuer";

/// Verify one token, without any policy
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate verify --jwks keys.json --issuer https://id.example.com --client web \"$TOKEN\"
  tollgate verify --jwks keys.json --issuer \"$ISSUER\" --client web --token-use id - < token.txt
  tollgate verify --jws --key key.json \"$TOKEN\"

Without --token-use, the rules of OpenID Connect apply; with it, those of Amazon Cognito.
Exit code: 0 for a valid token, 3 for an invalid token, 2 if the keys are rejected.")]
pub(crate) struct Verify {
    /// The issuer's public keys, a JSON Web Key Set
    #[arg(long, value_name = "FILE", required_unless_present_any = ["jws", "secrets"])]
    jwks: Option<PathBuf>,
    /// An accepted `iss`; can be given more than once
    #[arg(long = "issuer", value_name = "URL", required_unless_present = "jws")]
    issuers: Vec<String>,
    /// An accepted app client ID (`aud`); can be given more than once
    #[arg(long = "client", value_name = "ID", required_unless_present = "jws")]
    clients: Vec<String>,
    /// Accept Cognito tokens of this use; can be given more than once
    #[arg(long = "token-use", value_enum, value_name = "USE")]
    token_uses: Vec<TokenUse>,
    /// An accepted algorithm; can be given more than once [default: all that the keys support]
    #[arg(long = "alg", value_name = "ALG")]
    algorithms: Vec<String>,
    /// A secret shared with the issuer, a file with base64url text; can be given more than once
    #[arg(long = "secret", value_name = "KID=FILE")]
    secrets: Vec<String>,
    /// The time, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// The tolerated clock skew for `nbf` and `iat`; never applied to `exp`
    #[arg(long, value_name = "SECS", default_value_t = Limits::default().leeway_secs)]
    leeway: u32,
    /// Check the type of this groups claim; a JSON array of names for a nested claim
    #[arg(long, value_name = "NAME")]
    groups_claim: Option<String>,
    /// The claim that must name the client, instead of `aud`
    #[arg(long, value_name = "NAME")]
    client_claim: Option<String>,
    /// Skip invalid keys of the key set with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Verify only the signature, of any payload, with the key given by --key
    #[arg(long, requires = "key", conflicts_with_all = [
        "jwks", "issuers", "clients", "token_uses", "secrets", "now", "leeway", "groups_claim",
        "client_claim", "lenient_jwks",
    ])]
    jws: bool,
    /// A JSON Web Key, for --jws
    #[arg(long, value_name = "FILE", requires = "jws")]
    key: Option<PathBuf>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// The token, or `-` for standard input
    token: OsString,
}

/// The `token_use` claim of Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TokenUse {
    Id,
    Access,
}

impl Verify {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let listed = self
            .algorithms
            .iter()
            .map(|name| input::algorithm(name))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(key) = &self.key {
            return jws::run(key, &listed, &self.token, self.json);
        }
        let issuer = self.issuer_config(listed)?;
        let limits = Limits {
            leeway_secs: self.leeway,
            ..Limits::default()
        };
        let verifier = Verifier::new(core::slice::from_ref(&issuer), limits, &Native)
            .map_err(|errors| self.keys_failure(errors))?;
        let token = input::argument_or_stdin(&self.token)?;
        match verifier.verify(&token, input::now_or_clock(self.now)) {
            Ok(verified) => self.valid(&token, &verified),
            Err(rejected) => invalid(rejected, Some(&issuer), self.json),
        }
    }

    fn keys_failure(&self, errors: Vec<tollgate_token::KeyError>) -> Failure {
        Failure::Keys {
            path: self.jwks.clone().unwrap_or_else(|| "--secret".into()),
            errors,
        }
    }

    fn issuer_config(&self, listed: Vec<Algorithm>) -> Result<IssuerConfig, Failure> {
        let secrets = self
            .secrets
            .iter()
            .map(|text| secret(text))
            .collect::<Result<Vec<_>, _>>()?;
        let algorithms = if listed.is_empty() {
            usable_algorithms(&secrets)
        } else {
            listed
        };
        let mut jwks = self.jwks.as_deref().map(input::read_text).transpose()?;
        if self.lenient_jwks {
            jwks = jwks.map(|text| {
                let (kept, skipped) = lenient::key_set(text, &algorithms);
                for note in skipped {
                    warn(note);
                }
                kept
            });
        }
        let kind = if self.token_uses.is_empty() {
            IssuerKind::Oidc
        } else {
            IssuerKind::Cognito {
                id: self.token_uses.contains(&TokenUse::Id),
                access: self.token_uses.contains(&TokenUse::Access),
            }
        };
        Ok(IssuerConfig {
            name: ISSUER_NAME.to_owned(),
            issuers: self.issuers.clone(),
            clients: self.clients.clone(),
            kind,
            algorithms,
            claims: ClaimRules {
                groups: self
                    .groups_claim
                    .as_deref()
                    .map(input::claim_path)
                    .transpose()?,
                client: self.client_claim.clone(),
                ..ClaimRules::default()
            },
            jwks,
            secrets,
            refresh: None,
        })
    }

    fn valid(&self, token: &[u8], verified: &Verified) -> Result<Verdict, Failure> {
        // Both texts have been verified, so parsing cannot fail.
        let claims: Value = serde_json::from_str(verified.claims().text()).unwrap_or_default();
        let kid = header(token).get("kid").cloned().unwrap_or_default();
        if self.json {
            print_json(json!({
                "valid": true,
                "code": null,
                "issuer": verified.issuer(),
                "kid": kid,
                "claims": claims,
            }))?;
            return Ok(Verdict::Yes);
        }
        print(format_args!(
            "{}\n  {}   {}\n  {}      {}\n  {}  {}\n{claims:#}",
            styled(GOOD, "valid"),
            styled(STRONG, "issuer"),
            verified.issuer(),
            styled(STRONG, "kid"),
            kid.as_str().unwrap_or("none"),
            styled(STRONG, "expires"),
            moment(verified.expires_at().0),
        ))?;
        Ok(Verdict::Yes)
    }
}

/// All asymmetric algorithms, and the HMAC algorithms that every secret is long enough for.
fn usable_algorithms(secrets: &[Secret]) -> Vec<Algorithm> {
    let shortest = secrets.iter().map(|secret| secret.key.len()).min();
    let fits = |algorithm: &Algorithm| match (algorithm.key_kind(), shortest) {
        // Keep HS256, so that a secret that is too short for all of them is reported.
        (KeyKind::Hmac, Some(_)) if *algorithm == Algorithm::HS256 => true,
        (KeyKind::Hmac, Some(len)) => len >= algorithm.hash_len(),
        (KeyKind::Hmac, None) => false,
        _ => true,
    };
    Algorithm::ALL.into_iter().filter(fits).collect()
}

/// Reads a secret from `KID=FILE`.
fn secret(argument: &str) -> Result<Secret, Failure> {
    let bad = |problem| Failure::Argument {
        name: "--secret",
        value: argument.to_owned(),
        problem,
    };
    let (kid, file) = argument
        .split_once('=')
        .ok_or_else(|| bad(Problem::Secret))?;
    let text = input::read_text(file.as_ref())?;
    let key = Base64UrlUnpadded::decode_vec(text.trim()).map_err(|_| bad(Problem::Base64Url))?;
    Ok(Secret {
        kid: kid.to_owned(),
        key,
    })
}

/// The header of a verified token.
fn header(token: &[u8]) -> Value {
    let encoded = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    core::str::from_utf8(encoded)
        .ok()
        .and_then(|encoded| Base64UrlUnpadded::decode_vec(encoded).ok())
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}
