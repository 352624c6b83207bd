//! The local issuer as fault tests use it: an established key, a key that is published later, and faults.

use core::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tollgate_lab_http as http;
use tollgate_local_issuer::{Client, LocalIssuer, Options, People, Running};

/// The `iss` of the pool; only its key set is local.
pub const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1";
/// The pool's name.
pub const POOL: &str = "eu-west-1_TestPool1";
/// The app client that the policy accepts.
pub const CLIENT: &str = "client-abc123";
/// The origin of the site where users sign in. No target is there: the requests name it.
pub const SITE: &str = "https://learn.example.com";
/// The lifetime of tokens.
const LIFE_SECS: i64 = 24 * 3_600;

/// A running issuer with keys of two generations, of which the older is published.
pub struct Issuer {
    seed: String,
    address: SocketAddr,
    running: Option<Running>,
    jwks_uri: String,
    /// The key of ID tokens that was published first, and the later one.
    older: String,
    newer: String,
}

/// How a token is signed, including faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// By the established key.
    Older,
    /// By the later key.
    Newer,
    /// By a key other than the named one.
    Falsely,
    /// By the established key, long ago.
    LongAgo,
}

impl Issuer {
    /// Starts it with keys derived from `seed`.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn start(seed: &str) -> Result<Issuer> {
        let mut issuer = Issuer {
            seed: seed.to_owned(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            running: None,
            jwks_uri: String::new(),
            older: String::new(),
            newer: String::new(),
        };
        issuer.resume()?;
        Ok(issuer)
    }

    /// Stops listening.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Listens again at the same address, with the same keys, without faults, and with the older key
    /// published.
    ///
    /// # Errors
    ///
    /// Returns an error if another process has bound the address.
    pub fn resume(&mut self) -> Result<()> {
        if self.running.is_none() {
            let options = Options {
                pool: POOL.to_owned(),
                issuer: Some(ISSUER.to_owned()),
                clients: vec![Client {
                    id: CLIENT.to_owned(),
                    redirect_uris: vec![format!("{SITE}/.tollgate/callback")],
                }],
                people: People::sample().map_err(|error| anyhow!("{error}"))?,
                seed: self.seed.clone(),
                life_secs: LIFE_SECS,
            };
            let issuer =
                LocalIssuer::bind(self.address, options).map_err(|error| anyhow!("{error}"))?;
            self.address = issuer.addr();
            self.jwks_uri = issuer.jwks_uri();
            self.running = Some(issuer.run_in_background());
            self.older = self.signer()?;
            self.admin("rotate", &json!({}))?;
            self.newer = self.signer()?;
        }
        self.well()?;
        self.publish_older(true)?;
        self.publish_newer(false)
    }

    /// The address of its key set.
    pub fn jwks_uri(&self) -> &str {
        &self.jwks_uri
    }

    /// Returns the published key set.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn key_set(&self) -> Result<Vec<u8>> {
        let target = format!("/{POOL}/.well-known/jwks.json");
        Ok(http::send(self.address, "GET", target.as_bytes(), &[], b"")?.body)
    }

    /// Sets the fault of the key set, in the format of `/admin/fault`.
    ///
    /// # Errors
    ///
    /// Returns an error if the fault is invalid.
    pub fn fault(&self, fault: &Value) -> Result<()> {
        self.admin("fault", fault).map(drop)
    }

    /// Clears the faults of the key set and of the token endpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn well(&self) -> Result<()> {
        self.fault(&json!({ "kind": "none" }))?;
        self.token_fault(&json!({ "kind": "none" }))
    }

    /// Sets the fault of the token endpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if the fault is invalid.
    pub fn token_fault(&self, fault: &Value) -> Result<()> {
        self.admin("token-fault", fault).map(drop)
    }

    /// Returns the discovery document.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn discovery(&self) -> Result<Vec<u8>> {
        let target = format!("/{POOL}/.well-known/openid-configuration");
        Ok(http::send(self.address, "GET", target.as_bytes(), &[], b"")?.body)
    }

    /// Signs a user in at the page that a site redirects to, and returns where that leads.
    ///
    /// # Errors
    ///
    /// Returns an error if the issuer rejects the request of the site.
    pub fn sign_in(&self, location: &str, user: &str) -> Result<String> {
        let (_, query) = location.split_once('?').context("no query")?;
        let target = format!("/login?{query}&username={user}");
        let reply = http::send(self.address, "POST", target.as_bytes(), &[], b"")?;
        let back = reply
            .header("location")
            .context("the issuer rejects the site")?;
        Ok(back.to_owned())
    }

    /// Publishes or withdraws the later key.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn publish_newer(&self, published: bool) -> Result<()> {
        self.publish(&self.newer, published)
    }

    /// Publishes or withdraws the established key.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn publish_older(&self, published: bool) -> Result<()> {
        self.publish(&self.older, published)
    }

    /// Returns a token of one of the sample people.
    ///
    /// # Errors
    ///
    /// Returns an error if the person does not exist.
    pub fn token(&self, user: &str, signed: Signed) -> Result<String> {
        let mut wanted = match signed {
            Signed::Older => json!({ "kid": self.older }),
            Signed::Newer => json!({ "kid": self.newer }),
            Signed::Falsely => json!({ "kid": self.newer, "header": { "kid": self.older } }),
            Signed::LongAgo => json!({ "kid": self.older, "life_secs": -60 }),
        };
        if let Some(members) = wanted.as_object_mut() {
            members.insert("user".to_owned(), json!(user));
        }
        let made = self.admin("token", &wanted)?;
        let token = made.get("token").and_then(Value::as_str);
        Ok(token.context("the issuer minted nothing")?.to_owned())
    }

    /// Returns how often its key set was fetched.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn fetches(&self) -> Result<u64> {
        self.count("jwks")
    }

    /// Returns how often its token endpoint was called.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn exchanges(&self) -> Result<u64> {
        self.count("token")
    }

    /// Returns how often its discovery document was fetched.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not respond.
    pub fn discoveries(&self) -> Result<u64> {
        self.count("discovery")
    }

    fn count(&self, of: &str) -> Result<u64> {
        let counts = self.exchange("GET", "fetches", b"")?;
        let count = counts.get(of).and_then(Value::as_u64);
        count.context("the issuer returned no count")
    }

    fn publish(&self, kid: &str, published: bool) -> Result<()> {
        let verb = if published { "publish" } else { "withdraw" };
        self.admin(verb, &json!({ "kid": kid })).map(drop)
    }

    /// The key that signs ID tokens.
    fn signer(&self) -> Result<String> {
        let made = self.admin("token", &json!({ "user": "alice" }))?;
        let kid = made.get("kid").and_then(Value::as_str);
        Ok(kid.context("the token names no key")?.to_owned())
    }

    fn admin(&self, verb: &str, said: &Value) -> Result<Value> {
        self.exchange("POST", verb, said.to_string().as_bytes())
    }

    fn exchange(&self, method: &str, verb: &str, body: &[u8]) -> Result<Value> {
        let target = format!("/admin/{verb}");
        let reply = http::send(self.address, method, target.as_bytes(), &[], body)
            .context("the issuer does not respond")?;
        ensure!(reply.status == 200, "the issuer rejected `{verb}`");
        serde_json::from_slice(&reply.body).context("the issuer's response")
    }
}
