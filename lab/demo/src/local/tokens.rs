//! Tokens for the demo, minted by `tollgate token mint` with the fixture keys, and tampered copies. The keys
//! are public, so none of these tokens protects anything.

use anyhow::{Context, Result};

use super::Who;
use xtask::{repo, shell};

/// `{"alg":"none","kid":"learners-1","typ":"JWT"}`
const NO_ALGORITHM: &str = "eyJhbGciOiJub25lIiwia2lkIjoibGVhcm5lcnMtMSIsInR5cCI6IkpXVCJ9";

/// The input for minting a token.
struct Recipe {
    who: Who,
    /// The name of a file in `fixtures/keys`.
    key: &'static str,
    issuer: &'static [&'static str],
    claims: &'static [&'static str],
}

const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1";
const POOL_ID: &[&str] = &[
    "--iss",
    POOL,
    "--aud",
    "client-abc123",
    "--claim",
    "token_use=id",
];
const POOL_ACCESS: &[&str] = &[
    "--iss",
    POOL,
    "--claim",
    "client_id=client-abc123",
    "--claim",
    "token_use=access",
];
const PARTNER: &[&str] = &[
    "--iss",
    "https://login.partner.example",
    "--aud",
    "simple-courses",
    "--groups-claim",
    "groups",
];
const SESSION: &[&str] = &[
    "--iss",
    "https://learn.example.com/session",
    "--aud",
    "simple-courses",
    "--groups-claim",
    "groups",
];

const fn recipe(
    who: Who,
    key: &'static str,
    issuer: &'static [&'static str],
    claims: &'static [&'static str],
) -> Recipe {
    Recipe {
        who,
        key,
        issuer,
        claims,
    }
}

const RECIPES: &[Recipe] = &[
    recipe(
        Who::Alice,
        "learners-1",
        POOL_ID,
        &[
            "--sub=alice",
            "--group=rust-101",
            "--group=course-knots",
            "--claim=custom:cohort=2027-spring",
        ],
    ),
    recipe(
        Who::Dave,
        "learners-1",
        POOL_ID,
        &[
            "--sub=dave",
            "--group=rust-101",
            "--claim=custom:cohort=2026-autumn",
        ],
    ),
    recipe(
        Who::Staff,
        "learners-1",
        POOL_ID,
        &["--sub=sam", "--group=staff"],
    ),
    recipe(
        Who::Reader,
        "learners-1",
        POOL_ACCESS,
        &["--sub=ruth", "--claim=scope=library/read"],
    ),
    recipe(
        Who::Acme,
        "partner-es",
        PARTNER,
        &["--sub=ann", "--group=acme"],
    ),
    recipe(
        Who::Session,
        "session-1",
        SESSION,
        &["--sub=alice", "--group=rust-101"],
    ),
    recipe(
        Who::Expired,
        "learners-1",
        POOL_ID,
        &[
            "--sub=alice",
            "--group=rust-101",
            "--claim=iat=1799990000",
            "--expires-in=-3600",
        ],
    ),
    recipe(
        Who::Forged,
        "stranger",
        POOL_ID,
        &["--sub=alice", "--group=rust-101"],
    ),
];

/// The tokens of all users in the demo.
pub(super) struct Tokens(Vec<(Who, String)>);

impl Tokens {
    /// Mints all of them, as issued at this time.
    pub(super) fn mint(now: i64) -> Result<Tokens> {
        let minted: Result<Vec<(Who, String)>> = RECIPES
            .iter()
            .map(|recipe| Ok((recipe.who, recipe.mint(now)?)))
            .collect();
        let mut tokens = Tokens(minted?);
        let [_, claims, signature] = parts(tokens.of(Who::Alice))?;
        let [header, other_claims, _] = parts(tokens.of(Who::Staff))?;
        let edited = [header, other_claims, signature].join(".");
        let unsigned = [NO_ALGORITHM, claims, signature].join(".");
        tokens
            .0
            .extend([(Who::Edited, edited), (Who::Unsigned, unsigned)]);
        Ok(tokens)
    }

    /// Returns the token of a user; `None` for a request without one.
    pub(super) fn of(&self, who: Who) -> Option<&str> {
        self.0
            .iter()
            .find(|(own, _)| *own == who)
            .map(|(_, token)| token.as_str())
    }
}

impl Recipe {
    fn mint(&self, now: i64) -> Result<String> {
        let key = repo::fixtures()
            .join("keys")
            .join(self.key)
            .with_extension("json");
        let mut mint = shell::tool(repo::program("tollgate"), ["token", "mint", "--now"]);
        mint.arg(now.to_string())
            .arg("--key")
            .arg(key)
            .args(self.issuer)
            .args(self.claims);
        Ok(shell::must(&mut mint, |_| ())?.trim().to_owned())
    }
}

/// Splits a token into header, claims and signature.
fn parts(token: Option<&str>) -> Result<[&str; 3]> {
    let parts: Vec<&str> = token.unwrap_or_default().split('.').collect();
    <[&str; 3]>::try_from(parts)
        .ok()
        .context("the token does not have three parts")
}
