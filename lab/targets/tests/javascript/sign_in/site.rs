//! Sites with sign-in, and their results in every engine and in the gate.
//!
//! Not here: the requests, and what is expected.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use tollgate_compiler::SourceTree;
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, SealSecret, SignInConfig, SignInProvider, SignOut,
};
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_mint::{Algorithm, Minter, PrivateKey};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;
use tollgate_targets::Policy;
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::njs::{Nginx, ask_cli};
use tollgate_token::Algorithm as Verified;

use super::{LIFETIME, MINTED};

const ID: &str = "0123456789abcdef0123456789abcdef";
const LEARNERS: &str = include_str!("../../../../../policy/keys/learners.jwks.json");
/// Headers that engines report in other members, or not at all.
const ELSEWHERE: [&str; 2] = ["allow", "set-cookie"];
/// The longest line that the program of the older engine prints, in bytes.
const MAX_PRINTED: usize = 2_048;

/// A site that shows what it does to all kinds of readers.
pub(super) struct Site {
    pub(super) name: &'static str,
    spec: ImageSpec,
    /// Session tokens by the time at which they were minted.
    mint: Gate<Vec<u8>>,
    token: String,
}

impl Site {
    /// The policy with these settings. `is_plain` if the edge also verifies sign-in tokens.
    fn new(name: &'static str, settings: &str, is_plain: bool) -> Result<Self> {
        let mut tree = SourceTree::new();
        tree.insert("k.key", "A".repeat(43));
        tree.insert("401.html", "<!doctype html><title>401</title>");
        let issuer = |name: &str, client: &str| {
            format!(
                "[[issuer]]\nname = \"{name}\"\nissuer = \"https://{name}.test\"\nclients = [\"{client}\"]\n\
                 algorithms = [\"HS256\"]\nsecrets = [{{ kid = \"{name}\", file = \"k.key\" }}]\n"
            )
        };
        tree.insert(
            "site.toml",
            format!(
                "schema = 1\n[site]\nname = \"site\"\n{}{}[session]\nissuer = \"sessions\"\nlifetime_secs = {LIFETIME}\n\
                 [token]\nfrom = [\"header:authorization\", \"cookie:__Host-tollgate\"]\n{settings}\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\nsigned_in = true\n\
                 methods = [\"GET\", \"HEAD\", \"POST\", \"PUT\", \"OPTIONS\"]\n",
                issuer("id", "client"),
                issuer("sessions", "site"),
            ),
        );
        let policy = Policy::from_sources(&tree)?;
        let mint = Gate::new(encode(policy.spec())?.image, &Native)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let key = PrivateKey::from_secret("id", Algorithm::HS256, &[0; 32]);
        let claims = json!({ "iss": "https://id.test", "aud": "client", "sub": "ada", "iat": MINTED, "exp": MINTED + 9_000 });
        let mut spec = policy.spec().clone();
        let mut config = GateConfig::decode(&spec.gate)?;
        if let (false, Some(issuer)) = (is_plain, config.issuers.first_mut()) {
            // As a provider has it: no restricted edge verifies it with a secret.
            issuer.secrets.clear();
            issuer.algorithms = vec![Verified::RS256];
            issuer.jwks = Some(LEARNERS.to_owned());
        }
        let sign_in = sign_in();
        let answer = DenyAnswer::SignIn(sign_in.endpoint("sign-in"));
        config.deny.no_token = answer.clone();
        if config.deny.bad_token == DenyAnswer::Status(401) {
            config.deny.bad_token = answer;
        }
        config.sign_in = Some(sign_in);
        spec.gate = config.encode()?;
        Ok(Self {
            name,
            spec,
            mint,
            token: Minter::new(key).token(&claims.to_string())?,
        })
    }

    /// The session that begins at this time.
    pub(super) fn session(&self, now: i64) -> Result<String> {
        let bearer = format!("Bearer {}", self.token);
        let request = Request {
            method: "POST",
            target: b"/.tollgate/session",
            headers: &[("authorization", bearer.as_bytes())],
            ip: None,
            now: UnixSeconds(now),
            entropy: None,
        };
        let outcome = self.mint.ask(&request, &mut Context::new());
        let Action::Serve(response) = outcome.action else {
            anyhow::bail!("no session: {:?}", outcome.log);
        };
        let mut headers = response.headers.iter();
        let cookie = headers.find(|(name, _)| name == "set-cookie");
        let cookie = cookie.and_then(|(_, value)| value.split(';').next());
        Ok(cookie.context("no cookie")?.to_owned())
    }

    /// What the gate responds to requests, as engines report it.
    fn expected(&self, asked: &[Value]) -> Result<Vec<Value>> {
        let gate = Gate::new(encode(&self.spec)?.image, &Native)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let one = |asked: &Value| {
            let text = |value: Option<&Value>| {
                value.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let bytes = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
            let headers = asked.get("headers").and_then(Value::as_array);
            let headers: Vec<(String, Vec<u8>)> = headers
                .into_iter()
                .flatten()
                .map(|pair| (text(pair.get(0)), bytes(&text(pair.get(1)))))
                .collect();
            let headers: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .collect();
            let outcome = gate.ask(
                &Request {
                    method: &text(asked.get("method")),
                    target: &bytes(&text(asked.get("target"))),
                    headers: &headers,
                    ip: None,
                    now: UnixSeconds(asked.get("now").and_then(Value::as_i64).unwrap_or_default()),
                    entropy: None,
                },
                &mut Context::new(),
            );
            let response = match &outcome.action {
                Action::Forward(_) => None,
                Action::Serve(response) | Action::Refuse(response) => Some(response),
            };
            let response = response.map(|response| {
                let headers = response.headers.iter();
                let headers = headers.filter(|(name, _)| !ELSEWHERE.contains(&&**name));
                let headers: Map<String, Value> = headers
                    .map(|(name, value)| (name.to_string(), json!(value)))
                    .collect();
                json!({ "headers": headers, "body": response.body })
            });
            compared(&json!({
                "outcome": outcome.kind.code(),
                "status": outcome.status,
                "reason": outcome.reason.code(),
                "detail": outcome.detail,
                "response": response,
            }))
        };
        Ok(asked.iter().map(one).collect())
    }

    /// Evaluates requests in every engine. `check` receives the results, which are the gate's too.
    pub(super) fn each_like_the_gate(
        &self,
        node: &mut Node,
        asked: &[Value],
        check: &dyn Fn(&str, &[Value]),
    ) -> Result<()> {
        let expected = self.expected(asked)?;
        self.each(node, asked, &|what, said| {
            for ((asked, expected), said) in asked.iter().zip(&expected).zip(said) {
                assert_eq!(compared(said), *expected, "{what}: {asked}");
            }
            check(what, said);
        })
    }

    /// Evaluates requests in every engine.
    pub(super) fn each(
        &self,
        node: &mut Node,
        asked: &[Value],
        check: &dyn Fn(&str, &[Value]),
    ) -> Result<()> {
        let function = Script::cloudfront_of_any_size(&self.spec, ID)?;
        let bundle = Script::new(Engine::EdgeWorkers, &self.spec, ID)?;
        for (edge, script) in [("cloudfront", &function), ("edgeworkers", &bundle)] {
            node.load(script)?;
            check(&format!("{}, {edge}", self.name), &node.ask(asked)?);
        }
        let program = |name: &str| std::env::var_os(name).map(PathBuf::from);
        if let Some(program) = program("TOLLGATE_NGINX") {
            let said = Nginx::start(&program, &function)?.ask(asked)?;
            check(&format!("{}, nginx", self.name), &said);
        }
        if let Some(program) = program("TOLLGATE_NJS") {
            let short = asked
                .iter()
                .take_while(|asked| asked.to_string().len() < MAX_PRINTED / 2);
            let short: Vec<Value> = short.cloned().collect();
            let said = ask_cli(&program, &function, &short)?;
            check(&format!("{}, njs", self.name), &said);
        }
        Ok(())
    }
}

/// The members of a result that the gate and the engines have in common.
fn compared(said: &Value) -> Value {
    let mut members = Map::new();
    for name in ["outcome", "status", "reason", "detail", "response"] {
        let value = said.get(name).filter(|value| !value.is_null());
        members.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    let sent = members.get_mut("response");
    let headers = sent.and_then(|sent| sent.get_mut("headers"));
    if let Some(headers) = headers.and_then(Value::as_object_mut) {
        headers.retain(|name, _| !ELSEWHERE.contains(&name.as_str()));
    }
    Value::Object(members)
}

fn sign_in() -> SignInConfig {
    SignInConfig {
        providers: vec![SignInProvider {
            issuer: 0,
            label: "Account".to_owned(),
            client: "client".to_owned(),
            client_auth: ClientAuth::None,
            scopes: vec!["openid".to_owned()],
            parameters: Vec::new(),
            endpoints: Endpoints {
                authorization: "https://id.test/authorize".to_owned(),
                token: "https://id.test/token".to_owned(),
                sign_out: SignOut::Local,
                revocation: None,
                names_issuer: true,
            },
        }],
        origins: vec!["https://site.test".to_owned()],
        path: "/.tollgate".to_owned(),
        secrets: vec![SealSecret {
            kid: "s1".to_owned(),
            key: [7; 32],
        }],
        signed_out: None,
        page: None,
    }
}

/// Sites whose functions differ in what they contain next to sign-in.
pub(super) fn sites() -> Result<Vec<Site>> {
    Ok(vec![
        Site::new("sessions", "", false)?,
        Site::new("tokens", "", true)?,
        Site::new(
            "readers",
            "[deny]\npages = { 401 = \"401.html\" }\ncors = [\"https://app.test\"]\nbad_token = { status = 401 }\n",
            false,
        )?,
        Site::new(
            "redirects",
            "[deny]\nbad_token = { redirect = \"/expired\" }\n",
            false,
        )?,
        Site::new("index", "[paths]\nindex = \"index.html\"\n", false)?,
    ])
}
