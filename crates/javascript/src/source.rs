//! The generated source: the parts that a policy needs, with its constants before them.
//!
//! Not here: the policy itself, which is data.

use serde_json::{Map, Value, json};
use tollgate_gate::config::{DenyAnswer, DenyConfig, GateConfig, Strip, TokenSource};
use tollgate_gate::sign_in::MAX_RETURN_BYTES;

use tollgate_core::path::{PathOptions, PathReader, rejected_characters};

use super::features::{Features, select};
use super::keys::Keys;
use super::lower::byte_text;
use super::minify::minify;
use tollgate_policy::spec::ImageSpec;

/// An edge that the source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    CloudFront,
    EdgeWorkers,
}

/// Most characters of a path in a record. A record may have 800 bytes in CloudFront's log, and all else takes less
/// than half of that.
const MAX_SHOWN: usize = 400;

const PATH: &str = include_str!("parts/path.js");
const JSON: &str = include_str!("parts/json.js");
const FACTS: &str = include_str!("parts/facts.js");
const SESSION: &str = include_str!("parts/session.js");
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
    if config
        .sources
        .iter()
        .any(|source| config.strip.removes(source))
    {
        features.need("strip");
    }
    if config.strip == Strip::Everything {
        features.need("strip_all");
    }
    if config.forward.identity {
        features.need("identity");
    }
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        pages,
        cors,
    } = &config.deny;
    let tells_readers = !pages.is_empty() || !cors.is_empty();
    for answer in [no_token, bad_token, forbidden] {
        match answer {
            DenyAnswer::Status(401) => features.need("challenges"),
            DenyAnswer::Status(_) => {}
            DenyAnswer::SignIn(_) => {
                features.need("sign_in");
                features.need("navigates");
            }
            DenyAnswer::Redirect(_) => {
                features.need("redirects");
                if tells_readers {
                    features.need("challenges");
                }
            }
        }
    }
    for (is_needed, feature) in [
        (config.sign_in.is_some(), "endpoints"),
        (tells_readers, "readers"),
        (!pages.is_empty(), "bodies"),
        (!cors.is_empty(), "cors"),
    ] {
        if is_needed {
            features.need(feature);
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

/// The inputs of the code in addition to its features.
pub(super) struct Code<'p> {
    pub(super) policy: &'p ImageSpec,
    pub(super) config: &'p GateConfig,
    pub(super) keys: &'p Keys,
    /// The key of the entry that is read first, where there is a store.
    pub(super) pointer: &'p str,
}

/// The readable source of the code that all edges share, and of this one's, without imports.
fn readable(code: &Code<'_>, features: &Features, edge: Edge) -> String {
    let Code { policy, config, .. } = code;
    let mut source = String::new();
    let mut add = |wanted: bool, part: &str| {
        if wanted {
            source.push_str(&select(part, features));
        }
    };
    add(true, PATH);
    add(features.has("plain"), JSON);
    add(features.has("plain"), TOKEN);
    add(features.has("tokens") && !features.has("plain"), SESSION);
    add(features.has("tokens"), FACTS);
    // What is not read is still removed.
    add(features.has("tokens") || features.has("strip"), SOURCES);
    add(features.has("integers"), NUMBERS);
    add(features.has("address"), ADDRESS);
    add(true, CONDITIONS);
    add(true, RULES);
    add(true, ANSWER);
    add(edge == Edge::CloudFront, CLOUDFRONT);
    add(edge == Edge::EdgeWorkers, EDGEWORKERS);
    // Only the code has settings in it; the texts of the policy stay as they are.
    constants(
        config,
        policy.index.as_deref().filter(|_| features.has("index")),
        features,
    ) + &substituted(&source, &settings(code))
}

/// The short source, without imports.
pub(super) fn short(code: &Code<'_>, features: &Features, edge: Edge) -> String {
    minify(&readable(code, features, edge))
}

fn constants(config: &GateConfig, index: Option<&str>, features: &Features) -> String {
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
        // No other answer has this status, and the location is data.
        DenyAnswer::SignIn(_) => json!(302),
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
    // What scripts get instead of a redirect.
    let unauthorized = json!(401);
    for status in statuses
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .chain((features.has("redirects") && features.has("readers")).then_some(&unauthorized))
    {
        let number = status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(302);
        texts.insert(
            number.to_string(),
            json!(tollgate_gate::public_text(number)),
        );
    }
    if features.has("cors") {
        texts.insert("204".to_owned(), json!(""));
    }
    let mut text = format!("var sources = [{}];\n", sources.join(","));
    if features.has("cors") {
        text.push_str(&format!("var origins = {};\n", json!(config.deny.cors)));
    }
    if let Some(index) = index {
        text.push_str(&format!("var indexName = {};\n", json!(index)));
    }
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

/// The characters that no path may contain: how far each is from the one before. A negative step is the way
/// through a range to its end.
fn rejected_ranges(reader: PathReader) -> Value {
    let (mut last, mut steps) = (0, Vec::new());
    for (from, to) in rejected_characters(reader) {
        steps.push(i64::from(from - last));
        if to > from {
            steps.push(-i64::from(to - from));
        }
        last = *to;
    }
    json!(steps)
}

/// The settings that are read in one place only.
fn settings(code: &Code<'_>) -> Vec<(&'static str, Value)> {
    let Code {
        policy,
        config,
        keys,
        pointer,
    } = code;
    let names: Vec<&str> = keys
        .algorithms
        .iter()
        .map(|algorithm| algorithm.name())
        .collect();
    let places = config.claim_places.iter().filter_map(|(slot, place)| {
        let name = &policy.claims.get(usize::from(*slot))?.name;
        let place: Vec<_> = place.names().iter().map(|name| byte_text(name)).collect();
        Some(json!([byte_text(name), place]))
    });
    let claims = policy.claims.iter();
    let claims = claims.map(|claim| json!([byte_text(&claim.name), claim.kind as u8]));
    let cookie = config.session.as_ref().map(|session| {
        let cleared = session.cleared(b"/").unwrap_or_default();
        let attributes = cleared.split_once("; ").map(|(_, attributes)| attributes);
        json!([session.cookie, attributes.unwrap_or_default()])
    });
    vec![
        ("LEEWAY", json!(config.leeway_secs)),
        ("MAX_TOKEN", json!(config.max_token_bytes)),
        ("ALGORITHMS", json!(names)),
        ("CHALLENGE", json!(tollgate_gate::challenge(&config.site))),
        ("PLACES", places.collect()),
        ("CLAIMS", claims.collect()),
        ("COOKIE", cookie.unwrap_or_default()),
        ("POINTER", json!(pointer)),
        ("RANGES", rejected_ranges(policy.reader)),
        ("MAX_RETURN", json!(MAX_RETURN_BYTES)),
        ("MAX_SHOWN", json!(MAX_SHOWN)),
        ("PAGE_POLICY", json!(tollgate_gate::PAGE_POLICY)),
        ("PREFLIGHT_SECS", json!(tollgate_gate::PREFLIGHT_SECS)),
        ("SITE", json!(config.site)),
    ]
}

/// The source with the values of settings in place of their names, in one pass: a value is never read again.
fn substituted(source: &str, settings: &[(&str, Value)]) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find(is_name) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_name(c)).unwrap_or(from.len()));
        text.push_str(before);
        match settings.iter().find(|(name, _)| *name == word) {
            Some((_, value)) => text.push_str(&ascii(value)),
            None => text.push_str(word),
        }
        rest = after;
    }
    text + rest
}

/// JSON in ASCII, for use in a script.
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
