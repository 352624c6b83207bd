//! The finished parts for Akamai EdgeWorkers: the two files of a code bundle.

mod version;

use serde_json::{Map, Value, json};
use tollgate_token::Algorithm;

use super::config::gate_config;
use super::error::JavaScriptError;
use super::features::Features;
use super::keys::{jwk, keys};
use super::lint::{self, Rules};
use super::lower::rules;
use super::pages::{Layout, Level, candidates};
use super::sign_in;
use super::source::{Code, Edge, ascii, configure, read_paths, short};
use tollgate_policy::spec::ImageSpec;
use version::version;

pub use version::policy_of;

/// Most bytes of the files of a bundle, Akamai's limit before compression.
pub const MAX_BUNDLE_BYTES: usize = 1024 * 1024;

/// The files of a code bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeWorkers {
    /// `main.js`: the code and the policy.
    pub main: String,
    /// `bundle.json`: the description that Akamai requires.
    pub manifest: String,
}

/// Generates the bundle of a policy with this image id.
///
/// # Errors
/// Returns an error if the bundle is too large, or if a value in the policy cannot be represented exactly in
/// JavaScript.
pub fn edgeworkers(policy: &ImageSpec, id: &str) -> Result<EdgeWorkers, JavaScriptError> {
    let config = gate_config(policy)?;
    let mut features = Features::default();
    configure(&config, &mut features);
    let keys = keys(policy, &config, &mut features, &|algorithm, material| {
        engine(algorithm).map(|_| json!([algorithm.name(), jwk(material)]))
    });
    read_paths(policy.path_options(), &mut features);
    let rules = rules(policy, &mut features)?;
    // Reads cost nothing here: the best layout has the fewest rules to evaluate for any path.
    let longest = |level: &Level| level.rules.values().map(Vec::len).max().unwrap_or(0);
    let evaluated = |layout: &Layout| {
        layout.everywhere.len() + layout.by_prefix.iter().map(longest).sum::<usize>()
    };
    let layouts = candidates(&rules).into_iter();
    let layout = layouts
        .min_by_key(evaluated)
        .ok_or(JavaScriptError::NoLayout)?;
    if !layout.by_prefix.is_empty() {
        features.need("pages");
    }
    if keys.algorithms.len() > 1 || features.has("plain") {
        features.need("algorithms");
    }
    sign_in::need_refresh(&config, &mut features);
    let code = Code {
        policy,
        config: &config,
        keys: &keys,
        pointer: "",
    };
    let main = main(&code, &features, &layout, id)?;
    lint::check(&main, &Rules::EDGEWORKERS).map_err(JavaScriptError::Lint)?;
    if main.len() > MAX_BUNDLE_BYTES {
        return Err(JavaScriptError::BundleTooLarge { bytes: main.len() });
    }
    let manifest = json!({
        "edgeworker-version": version(id, &main),
        "description": format!("Tollgate, policy {id}"),
    });
    Ok(EdgeWorkers {
        main,
        manifest: format!("{manifest:#}\n"),
    })
}

fn main(
    code: &Code<'_>,
    features: &Features,
    layout: &Layout,
    id: &str,
) -> Result<String, JavaScriptError> {
    let keys = code.keys;
    let mut engines = Map::new();
    for algorithm in &keys.algorithms {
        engines.insert(
            algorithm.name().to_owned(),
            engine(*algorithm).unwrap_or(Value::Null),
        );
    }
    let pages: Vec<Value> = layout
        .by_prefix
        .iter()
        .map(|level| {
            let rules: Map<String, Value> = level
                .rules
                .iter()
                .map(|(prefix, rules)| (format!("${prefix}"), json!(rules)))
                .collect();
            json!([level.depth, rules])
        })
        .collect();
    let mut session = keys.session.clone();
    if let (false, Some(parts)) = (keys.bases.is_empty(), session.as_object_mut()) {
        let bases = keys.bases.iter();
        let bases: Map<String, Value> = bases
            .map(|(base, marks)| (format!("${base}"), marks.clone()))
            .collect();
        parts.insert("b".to_owned(), Value::Object(bases));
    }
    let bodies = code.config.deny.pages.iter();
    let bodies: Map<String, Value> = bodies
        .map(|page| (page.status.to_string(), json!(page.html)))
        .collect();
    let mut data = json!({
        "policy": id,
        "keys": keys.keys,
        "issuers": keys.issuers,
        "session": session,
        "rules": layout.everywhere,
        "pages": pages,
    });
    if let (false, Some(data)) = (bodies.is_empty(), data.as_object_mut()) {
        data.insert("bodies".to_owned(), Value::Object(bodies));
    }
    let sign_in = sign_in::data(code.config)?;
    if let (false, Some(data)) = (sign_in.is_null(), data.as_object_mut()) {
        data.insert("sign_in".to_owned(), sign_in);
    }
    let imports = if features.has("tokens") {
        "import { logger } from 'log';\nimport { crypto } from 'crypto';\nimport { atob, btoa } from 'encoding';\n"
    } else {
        "import { logger } from 'log';\n"
    };
    let engines = Value::Object(engines);
    let code = short(code, features, Edge::EdgeWorkers);
    Ok(format!(
        "{imports}var engines={};\nvar data={};\n{code}\nexport {{ onClientRequest }};\n",
        ascii(&engines),
        ascii(&data)
    ))
}

/// Whether the bundle can verify tokens of an algorithm.
pub fn verify(algorithm: Algorithm) -> bool {
    engine(algorithm).is_some()
}

/// The WebCrypto name of an algorithm; `None` if EdgeWorkers does not have it.
fn engine(algorithm: Algorithm) -> Option<Value> {
    let hash = format!("SHA-{}", algorithm.name().get(2..)?);
    Some(match algorithm {
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => {
            json!({ "name": "RSASSA-PKCS1-v1_5", "hash": hash })
        }
        Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 => {
            json!({ "name": "RSA-PSS", "hash": hash, "saltLength": algorithm.hash_len() })
        }
        Algorithm::ES256 => json!({ "name": "ECDSA", "namedCurve": "P-256", "hash": hash }),
        Algorithm::ES384 => json!({ "name": "ECDSA", "namedCurve": "P-384", "hash": hash }),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            json!({ "name": "HMAC", "hash": hash })
        }
        Algorithm::EdDSA => return None,
    })
}
