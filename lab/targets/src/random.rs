//! A random policy with random requests and their tokens, and the library's results for them.
//!
//! The policies and requests come from the executable specification; tokens are signed with a secret that
//! the policy's issuers share. Every other site has sessions and several tokens per request. Not here: how
//! many, and on which target.

mod carried;
mod issuers;
mod readers;

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value, json};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_crypto::Native;
use tollgate_gate::config::GateConfig;
use tollgate_gate::{Action, Gate, Request};
use tollgate_mint::{Algorithm, Minter, PrivateKey};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;
use tollgate_spec::generate::Generator;
use tollgate_spec::model::{self, ClaimType, Token};
use tollgate_spec::render;
use tollgate_testkit::{Answer, Sent};

pub use carried::{Carried, Sessions};

use crate::driver::Ask;
use crate::javascript::MAX_CLOCK_SECS;
use crate::native::sent;
use crate::node::as_json;

/// The compared parts of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// `allow`, `deny`, `reject` or `serve`.
    pub outcome: String,
    /// The HTTP status; 200 for a forwarded request.
    pub status: u64,
    /// The reason.
    pub reason: String,
    /// The detail code, as in log records.
    pub detail: Option<String>,
    /// `course/id` of the rule that decided.
    pub rule: Option<String>,
    /// The `Allow` header of a 405.
    pub allow: Option<String>,
    /// The path that the origin receives, one character for each byte.
    pub path: Option<String>,
    /// The response to the client, if the request is not forwarded to the origin.
    pub response: Option<Sent>,
}

impl Answers {
    /// Parses the JSON that a script returns.
    pub fn of_script(said: &Value) -> Self {
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            outcome: text("outcome").unwrap_or_default(),
            status: said
                .get("status")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
            reason: text("reason").unwrap_or_default(),
            detail: text("detail"),
            rule: text("rule"),
            allow: text("allow"),
            path: text("forwarded_path"),
            response: said
                .get("response")
                .and_then(|sent| serde_json::from_value(sent.clone()).ok()),
        }
    }

    fn of_library(gate: &Gate<Vec<u8>>, request: &Request<'_>) -> Self {
        let outcome = gate.ask(request, &mut tollgate_gate::Context::new());
        let (allow, path) = match &outcome.action {
            Action::Serve(response) | Action::Refuse(response) => {
                let mut headers = response.headers.iter();
                let allow = headers.find(|(name, _)| name == "allow");
                (allow.map(|(_, value)| value.clone()), None)
            }
            Action::Forward(forward) => {
                let target = forward.request.target_for(request);
                let path = target.split(|byte| *byte == b'?').next();
                let path = path
                    .unwrap_or_default()
                    .iter()
                    .map(|byte| char::from(*byte));
                (None, Some(path.collect()))
            }
        };
        Self {
            outcome: outcome.kind.code().to_owned(),
            status: u64::from(outcome.status),
            reason: outcome.reason.code().to_owned(),
            detail: outcome.detail.map(str::to_owned),
            rule: outcome.rule,
            allow,
            path,
            response: sent(&outcome.action),
        }
    }
}

/// A policy with requests.
pub struct Site {
    /// The policy source, for reports.
    pub text: String,
    /// The checked policy.
    pub policy: ImageSpec,
    /// The content ID of its image.
    pub id: String,
    /// The requests, in the form of the specification.
    pub requests: Vec<model::Request>,
    /// The tokens of each.
    pub carried: Vec<Carried>,
    /// The same for engines.
    pub asked: Vec<Value>,
    /// The library's results.
    pub ours: Vec<Answers>,
}

impl Site {
    /// Creates the site of a seed.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy does not compile, which is a defect of the compiler or of the
    /// generator.
    pub fn new(seed: u64, requests: usize) -> Result<Self> {
        let mut generator = Generator::new(seed);
        let policy = generator.policy();
        let sessions = Sessions::of_seed(seed);
        let extras = (sessions, Some(seed));
        Self::make(&mut generator, &policy, &policy, requests, extras)
    }

    /// Creates the site of a policy with requests that are meant for another policy with the same claims.
    ///
    /// # Errors
    ///
    /// As [`Site::new`].
    pub fn of(
        generator: &mut Generator,
        policy: &model::Policy,
        about: &model::Policy,
        requests: usize,
    ) -> Result<Self> {
        Self::make(generator, policy, about, requests, (None, None))
    }

    fn make(
        generator: &mut Generator,
        policy: &model::Policy,
        about: &model::Policy,
        requests: usize,
        (sessions, seed): (Option<Sessions>, Option<u64>),
    ) -> Result<Self> {
        let mut files = render::to_toml(policy);
        if let Some(sessions) = sessions {
            sessions.add(&mut files);
        }
        let keys = seed.map_or_else(issuers::Keys::default, issuers::Keys::of_seed);
        keys.add(&mut files);
        let has_readers = seed.is_some_and(|seed| readers::add(seed, &mut files));
        let text: String = files
            .iter()
            .map(|(name, text)| format!("--- {name}\n{text}\n"))
            .collect();
        let spec = compiled(&files)?;
        let image = encode(&spec)?.image;
        let gate = Gate::new(image, &Native).map_err(|error| anyhow!("{error}"))?;
        let minter = Minter::new(PrivateKey::from_secret(
            "k",
            Algorithm::HS256,
            &secret(&spec)?,
        ));
        let mut site = Self {
            text,
            id: gate.policy_id().to_string(),
            policy: spec,
            requests: Vec::new(),
            carried: Vec::new(),
            asked: Vec::new(),
            ours: Vec::new(),
        };
        // Sessions of earlier requests, as if a browser or an attacker had stored them.
        let mut others: Vec<Carried> = Vec::new();
        for number in 0..requests {
            let mut request = generator.request(about);
            // A JavaScript clock cannot represent other times.
            request.now = request.now.clamp(-MAX_CLOCK_SECS, MAX_CLOCK_SECS);
            if has_readers && number % 5 == 0 {
                // As in preflights.
                request.method = "OPTIONS".to_owned();
            }
            let token = token(&request.token, about, &minter, (number, keys))?;
            let answers = |carried: &Carried| {
                carried.with(&request, |asked| {
                    (as_json(asked), Answers::of_library(&gate, asked))
                })
            };
            let mut carried = Carried::bearer(token.as_deref());
            if let (Some(sessions), Some(token)) = (sessions, &token) {
                let own = Carried::session(sessions, &gate, &request, token);
                if let Some(own) = &own {
                    let (by_token, by_session) = (answers(&carried).1, answers(own).1);
                    ensure!(
                        by_token == by_session,
                        "request {number}: a session decides otherwise than its token\n{}\n{request:?}\n\
                         {by_token:?}\n{by_session:?}",
                        site.text
                    );
                }
                carried = match (number % 4, &own) {
                    (0, _) => carried,
                    (1, Some(own)) => own.clone(),
                    _ => Carried::among(number / 4, sessions, (own.as_ref(), &others), token),
                };
                others.extend(own);
            }
            if has_readers {
                carried = carried.saying(readers::said(number));
            }
            let (said, ours) = answers(&carried);
            site.asked.push(said);
            site.ours.push(ours);
            site.requests.push(request);
            site.carried.push(carried);
        }
        Ok(site)
    }

    /// Returns a target's result for a request of the site; `None` if it cannot express the request.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such request, or no result.
    pub fn ask(&self, target: &mut dyn Ask, number: usize) -> Result<Option<Answer>> {
        let (Some(request), Some(carried)) = (self.requests.get(number), self.carried.get(number))
        else {
            bail!("request {number} is missing");
        };
        carried
            .with(request, |asked| target.ask_if_able(asked))
            .with_context(|| format!("request {number}, {request:?}"))
    }
}

/// The checked policy.
fn compiled(files: &[(String, String)]) -> Result<ImageSpec> {
    let mut sources = SourceTree::new();
    for (name, text) in files {
        sources.insert(name, text.as_str());
    }
    let compiled = compile(&sources, &CompileOptions::default());
    compiled
        .policy
        .with_context(|| format!("{:?}", compiled.diagnostics))
}

fn secret(policy: &ImageSpec) -> Result<Vec<u8>> {
    let config = GateConfig::decode(&policy.gate)?;
    let secret = config
        .issuers
        .iter()
        .flat_map(|issuer| &issuer.secrets)
        .next();
    Ok(secret.context("the issuer has no secret")?.key.clone())
}

fn token(
    token: &Token,
    policy: &model::Policy,
    minter: &Minter,
    (number, keys): (usize, issuers::Keys),
) -> Result<Option<String>> {
    let claims = json!({ "iss": "https://issuer.test", "aud": "c", "exp": 1_000_000_000_000_u64 });
    let good = minter.token(&claims.to_string())?;
    Ok(Some(match token {
        Token::Verified(facts) => {
            let claims = claims_of(facts, policy, (number, keys));
            minter.token_with(issuers::header(number), &claims)?
        }
        Token::Bad => bad(&good, minter, number)?,
        Token::Absent | Token::Imagined => return Ok(None),
    }))
}

/// Returns a token that is invalid in one of many ways.
fn bad(good: &str, minter: &Minter, number: usize) -> Result<String> {
    let header = r#"{"alg":"HS256","kid":"k"}"#;
    let signed = |header: &str, claims: &str| minter.token_with(header, claims);
    Ok(match number % 16 {
        0 => "x".to_owned(),
        1 => good.replacen('.', "", 1),
        2 => format!("{good}A"),
        3 => format!("{}AAAA", good.get(..good.len() - 4).unwrap_or_default()),
        4 => signed(r#"{"alg":"none","kid":"k"}"#, "{}")?,
        5 => signed(r#"{"alg":"HS256","kid":"l"}"#, "{}")?,
        6 => signed(r#"{"alg":"HS256","alg":"HS256","kid":"k"}"#, "{}")?,
        7 => signed(header, "{}")?,
        8 => signed(header, r#"{"iss":"https://issuer.test","aud":"c","exp":1}"#)?,
        9 => signed(
            header,
            r#"{"iss":"https://issuer.test","aud":"d","exp":1000000000000}"#,
        )?,
        10 => signed(
            header,
            r#"{"iss":"https://issuer.test","aud":"c","exp":1000000000000,"\u0065xp":1}"#,
        )?,
        11 => signed(
            header,
            r#"{"iss":"https://issuer.test","aud":"c","exp":1e12}"#,
        )?,
        12 => signed(
            header,
            "{\"iss\":\"https://issuer.test\",\"aud\":\"c\",\"exp\":1000000000000,\"sub\":\"\u{1}\"}",
        )?,
        13 => signed(header, "[]")?,
        14 => signed(
            header,
            r#"{"iss":"https://issuer.test","aud":["c"],"exp":1000000000000,"nbf":999999999999}"#,
        )?,
        _ => signed(r#"{"alg":"HS256","kid":"k","crit":[]}"#, "{}")?,
    })
}

/// Returns facts as claims of a token. The order and spelling of irrelevant details vary with the number.
fn claims_of(
    facts: &model::Facts,
    policy: &model::Policy,
    (number, keys): (usize, issuers::Keys),
) -> String {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(facts.issuer));
    claims.insert(
        "aud".to_owned(),
        if number.is_multiple_of(2) {
            json!("c")
        } else {
            json!(["x", "c"])
        },
    );
    claims.insert("exp".to_owned(), json!(1_000_000_000_000_u64));
    if let Some(subject) = &facts.subject {
        claims.insert("sub".to_owned(), json!(subject));
    }
    match &facts.groups {
        None => {
            let elsewhere = json!({ "cognito:groups": "src1" });
            claims.insert("_claim_names".to_owned(), elsewhere);
        }
        Some(groups) if !groups.is_empty() => {
            claims.insert("cognito:groups".to_owned(), json!(groups));
        }
        Some(_) => {}
    }
    if !facts.scopes.is_empty() {
        claims.insert("scope".to_owned(), json!(facts.scopes.join(" ")));
    }
    let empty = BTreeMap::new();
    let values = if number % 32 == 31 {
        &empty
    } else {
        &facts.claims
    };
    for (name, value) in values {
        let value = match value {
            Some(value) => as_claim(value),
            None => of_another_type(policy.claims.get(name), number),
        };
        claims.insert(name.clone(), value);
    }
    issuers::relax(&mut claims, number);
    keys.place(&mut claims, number);
    let text = issuers::with_times(&Value::Object(claims).to_string(), number);
    match number % 3 {
        // The same text with escapes wherever they are allowed.
        0 => text
            .chars()
            .map(|c| {
                if c == 'a' || !c.is_ascii() {
                    escaped(c)
                } else {
                    c.to_string()
                }
            })
            .collect(),
        _ => text,
    }
}

fn escaped(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units)
        .iter()
        .map(|unit| format!("\\u{unit:04X}"))
        .collect()
}

fn as_claim(value: &model::Value) -> Value {
    match value {
        model::Value::Text(text) => json!(text),
        model::Value::Int(int) => json!(int),
        model::Value::Bool(truth) => json!(truth),
        model::Value::List(list) => list.iter().map(as_claim).collect(),
        _ => Value::Null,
    }
}

fn of_another_type(kind: Option<&ClaimType>, number: usize) -> Value {
    let odd = number % 2 == 1;
    match kind {
        Some(ClaimType::Int) if odd => json!(9_223_372_036_854_775_808_u64),
        Some(ClaimType::Int) => json!(1.5),
        Some(ClaimType::Texts) if odd => json!(["a", 1]),
        Some(ClaimType::Texts) => json!("a"),
        Some(ClaimType::Bool) if odd => json!("true"),
        Some(ClaimType::Text) if odd => json!(["a"]),
        _ => json!({ "a": null }),
    }
}
