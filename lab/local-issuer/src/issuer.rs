//! The issuer without its sockets: its state, which requests read and admin requests change.
//!
//! Not here: the responses (`routes.rs`).

use core::fmt;

use http::Method;
use tollgate_mint::MintError;

use crate::clients::{Client, Clients};
use crate::codes::Codes;
use crate::fault::Faults;
use crate::keys::Keys;
use crate::people::People;
use crate::sessions::RefreshTokens;

/// The configuration of an issuer.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the user pool, the first segment of its paths.
    pub pool: String,
    /// The `iss` of tokens; `None` is the address of the pool itself.
    pub issuer: Option<String>,
    /// The app clients that are registered initially.
    pub clients: Vec<Client>,
    /// The people who can sign in.
    pub people: People,
    /// The seed of the keys. The same seed gives the same series of keys.
    pub seed: String,
    /// The lifetime of tokens.
    pub life_secs: i64,
}

/// The reason why no issuer was created.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// No key can be generated.
    Keys(MintError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Keys(error) => write!(f, "no key can be generated: {error}"),
        }
    }
}

impl core::error::Error for Problem {}

/// A parsed request.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// The issuer.
pub(crate) struct Issuer {
    /// Its own address, as `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    pub(crate) pool: String,
    pub(crate) issuer: String,
    pub(crate) keys: Keys,
    pub(crate) clients: Clients,
    pub(crate) people: People,
    pub(crate) codes: Codes,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) faults: Faults,
    pub(crate) token_faults: Faults,
    pub(crate) fetches: Fetches,
    pub(crate) life_secs: i64,
}

/// The numbers of fetches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fetches {
    pub(crate) jwks: u64,
    pub(crate) token: u64,
    pub(crate) discovery: u64,
}

impl Issuer {
    /// Creates an issuer that is reached at `base`.
    pub(crate) fn new(base: String, options: Options) -> Result<Issuer, Problem> {
        let mut clients = Clients::default();
        for client in options.clients {
            clients.register(client);
        }
        let own = format!("{base}/{}", options.pool);
        Ok(Issuer {
            issuer: options.issuer.unwrap_or(own),
            pool: options.pool,
            keys: Keys::new(&options.seed).map_err(Problem::Keys)?,
            clients,
            people: options.people,
            codes: Codes::default(),
            refresh_tokens: RefreshTokens::default(),
            faults: Faults::default(),
            token_faults: Faults::default(),
            fetches: Fetches::default(),
            life_secs: options.life_secs,
            base,
        })
    }

    /// The address of the key set.
    pub(crate) fn jwks_uri(&self) -> String {
        format!("{}/{}/.well-known/jwks.json", self.base, self.pool)
    }
}
