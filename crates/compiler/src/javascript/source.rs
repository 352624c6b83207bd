//! The generated source: the parts that a policy needs, with its constants before them.
//!
//! Not here: the policy itself, which is data.

use serde_json::{Map, Value, json};
use tollgate_gate::config::{DenyAnswer, GateConfig, TokenSource};
use tollgate_token::Algorithm;

use tollgate_core::path::{PathOptions, PathReader, rejected_characters};

use super::features::{Features, select};
use super::minify::minify;

/// An edge that the source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    CloudFront,
    EdgeWorkers,
}

const PATH: &str = include_str!("parts/path.js");
const JSON: &str = include_str!("parts/json.js");
const TOKEN: &str = include_str!("parts/token.js");
const SOURCES: &str = include_str!("parts/sources.js");
const NUMBERS: &str = include_str!("parts/numbers.js");
const ADDRESS: &str = include_str!("parts/address.js");
const CONDITIONS: &str = include_str!("parts/conditions.js");
const RULES: &str = include_str!("parts/rules.js");
const ANSWER: &str = include_str!("parts/answer.js");
const CLOUDFRONT: &str = include_str!("parts/cloudfront.js");
const EDGEWORKERS: &str = include_str!("parts/edgeworkers.js");

/// Notes what the gate's configuration needs.
pub(super) fn configure(config: &GateConfig, features: &mut Features) {
    for source in &config.sources {
        match source {
            TokenSource::Header(name) if name == "authorization" => features.need("authorization"),
            TokenSource::Header(_) | TokenSource::Cookie(_) | TokenSource::Query(_) => {}
        }
    }
    if config.strip_token && !config.sources.is_empty() {
        features.need("strip");
    }
    for answer in [
        &config.deny.no_token,
        &config.deny.bad_token,
        &config.deny.forbidden,
    ] {
        match answer {
            DenyAnswer::Status(401) => features.need("challenges"),
            DenyAnswer::Status(_) => {}
            DenyAnswer::Redirect(_) => features.need("redirects"),
        }
    }
}

/// Notes what the site's rules for paths need.
pub(super) fn read_paths(paths: PathOptions<'_>, features: &mut Features) {
    features.need(paths.reader.code());
    if paths.ascii_only {
        features.need("ascii_only");
    }
    if paths.index.is_some() {
        features.need("index");
    }
}

/// The path part with its constants.
fn path(index: Option<&str>, features: &Features) -> String {
    let reader = if features.has(PathReader::Strict.code()) {
        PathReader::Strict
    } else {
        // Both readers that decode once reject the same.
        PathReader::S3
    };
    let (mut last, mut steps) = (0, Vec::new());
    for (from, to) in rejected_characters(reader) {
        steps.push((from - last).to_string());
        if to > from {
            steps.push(format!("-{}", to - from));
        }
        last = *to;
    }
    let part = PATH.replace("RANGES", &steps.join(","));
    match index {
        Some(index) if features.has("index") => {
            format!("var indexName = {};\n{part}", json!(index))
        }
        _ => part,
    }
}

/// The readable source of the code that all edges share, and of this one's, without imports.
fn readable(config: &GateConfig, index: Option<&str>, features: &Features, edge: Edge) -> String {
    let mut source = constants(config);
    let mut add = |wanted: bool, part: &str| {
        if wanted {
            source.push_str(&select(part, features));
        }
    };
    add(true, &path(index, features));
    add(features.has("tokens"), JSON);
    add(features.has("tokens"), TOKEN);
    // What is not read is still removed.
    add(features.has("tokens") || features.has("strip"), SOURCES);
    add(features.has("integers"), NUMBERS);
    add(features.has("address"), ADDRESS);
    add(true, CONDITIONS);
    add(true, RULES);
    add(true, ANSWER);
    add(edge == Edge::CloudFront, CLOUDFRONT);
    add(edge == Edge::EdgeWorkers, EDGEWORKERS);
    source
}

/// The short source, without imports.
pub(super) fn short(
    config: &GateConfig,
    index: Option<&str>,
    algorithms: &[Algorithm],
    features: &Features,
    edge: Edge,
) -> String {
    let source = readable(config, index, features, edge);
    minify(&inline(&source, config, algorithms))
}

fn constants(config: &GateConfig) -> String {
    // What makes a value of each kind one that readers disagree about: nothing; spaces and quotes
    // around it; escapes.
    let sources: Vec<String> = config
        .sources
        .iter()
        .map(|source| match source {
            TokenSource::Header(name) if name == "authorization" => {
                "[\"headers\",\"authorization\",/\\n/,1]".to_owned()
            }
            TokenSource::Header(name) => format!("[\"headers\",{},/\\n/]", json!(name)),
            TokenSource::Cookie(name) => {
                format!("[\"cookies\",{},/\"|^[ \\t]|[ \\t]$/]", json!(name))
            }
            TokenSource::Query(name) => format!("[\"querystring\",{},/[%+]/]", json!(name)),
        })
        .collect();
    let answer = |answer: &DenyAnswer| match answer {
        DenyAnswer::Status(status) => json!(status),
        DenyAnswer::Redirect(location) => json!(location),
    };
    let statuses = json!({
        "no_token": answer(&config.deny.no_token),
        "bad_token": answer(&config.deny.bad_token),
        "forbidden": answer(&config.deny.forbidden),
        "denied_by_rule": answer(&config.deny.forbidden),
        "bad_path": 400,
        "bad_method": 405,
        "internal": 500,
    });
    let mut texts = Map::new();
    for status in statuses.as_object().into_iter().flat_map(Map::values) {
        let number = status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(302);
        texts.insert(
            number.to_string(),
            json!(tollgate_gate::public_text(number)),
        );
    }
    let mut text = format!("var sources = [{}];\n", sources.join(","));
    for (name, value) in [("statuses", statuses), ("texts", Value::Object(texts))] {
        text.push_str(&format!("var {name} = {};\n", object(&value)));
    }
    text
}

/// An object whose names need no quotes.
fn object(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    let members: Vec<String> = members
        .map(|(name, value)| format!("{name}:{}", ascii(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// What stands for the settings that are read in one place only.
fn inline(source: &str, config: &GateConfig, algorithms: &[Algorithm]) -> String {
    let names: Vec<&str> = algorithms
        .iter()
        .map(|algorithm| algorithm.name())
        .collect();
    [
        ("LEEWAY", json!(config.leeway_secs)),
        ("MAX_TOKEN", json!(config.max_token_bytes)),
        ("ALGORITHMS", json!(names)),
        ("CHALLENGE", json!(tollgate_gate::challenge(&config.site))),
        ("POINTER", json!("?")),
    ]
    .into_iter()
    .fold(source.to_owned(), |source, (name, value)| {
        source.replace(name, &ascii(&value))
    })
}

/// JSON as it may stand in a script: nothing but ASCII.
pub(super) fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
