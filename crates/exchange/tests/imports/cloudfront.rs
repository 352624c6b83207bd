//! Distributions.
//!
//! CloudFront compares path patterns with the path as it was sent, in the order of the behaviours;
//! the first match decides. AWS does not document whether a leading `*` may match the first slash,
//! nor whether `/` is matched before or after the default root object replaces it, so the import
//! must hold in each case.

use serde_json::{Value, json};
use tollgate_exchange::import::cloudfront;

use super::site::{Carried, Site};
use super::{Tally, pick};

const METHODS: [&[&str]; 3] = [
    &["HEAD", "GET"],
    &["GET", "HEAD", "OPTIONS"],
    &["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
];

#[derive(Clone, Debug)]
struct Behaviour {
    pattern: String,
    is_guarded: bool,
    methods: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    star_has_slash: bool,
    root_first: bool,
}

const READINGS: [Reading; 4] = [
    Reading {
        star_has_slash: false,
        root_first: false,
    },
    Reading {
        star_has_slash: true,
        root_first: false,
    },
    Reading {
        star_has_slash: false,
        root_first: true,
    },
    Reading {
        star_has_slash: true,
        root_first: true,
    },
];

/// Whether CloudFront serves the request to every client.
fn serves(
    all: &[Behaviour],
    root: Option<&str>,
    method: &str,
    path: &str,
    reading: Reading,
) -> bool {
    let path = path.replace("%7E", "~");
    let path = match root {
        Some(root) if path == "/" && reading.root_first => format!("/{root}"),
        _ => path,
    };
    let decides = |behaviour: &&Behaviour| {
        let pattern = &behaviour.pattern;
        let has_own_slash =
            pattern.starts_with('/') || (reading.star_has_slash && pattern.starts_with(['*', '?']));
        let pattern = if has_own_slash {
            pattern.clone()
        } else {
            format!("/{pattern}")
        };
        glob(pattern.as_bytes(), path.as_bytes())
    };
    let behaviour = all.iter().find(decides).unwrap();
    !behaviour.is_guarded && behaviour.methods.contains(&method)
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        Some((b'?', rest)) => text.split_first().is_some_and(|(_, text)| glob(rest, text)),
        Some((byte, rest)) => text
            .split_first()
            .is_some_and(|(own, text)| own == byte && glob(rest, text)),
    }
}

fn random_pattern(random: &mut fastrand::Rng) -> String {
    const WHOLE: [&str; 14] = [
        "*.css",
        "/api*",
        "/api/*",
        "private/*",
        "private/open/*",
        "/index.html",
        "*/x",
        "a/*/x",
        "/a",
        "/a/",
        "pri*",
        "private/*.css",
        "a/b/*",
        "*",
    ];
    const PIECES: [&str; 12] = [
        "a", "b", "x", "/", "*", "?", "24", ".css", "@", "private", "api", "/*",
    ];
    if random.usize(..4) > 0 {
        return (pick(random, &WHOLE)).to_owned();
    }
    let pieces: Vec<&str> = (0..1 + random.usize(..4))
        .map(|_| pick(random, &PIECES))
        .collect();
    pieces.concat()
}

fn random_path(random: &mut fastrand::Rng, patterns: &[Behaviour]) -> String {
    const SEGMENTS: [&str; 16] = [
        "a",
        "b",
        "x",
        "ab",
        "api",
        "apix",
        "private",
        "open",
        "index.html",
        "s.css",
        ".css",
        "x%2024",
        "%40",
        "@",
        "a24",
        "caf%C3%A9",
    ];
    // Half of the paths are built from a pattern, so that they are near its limits.
    let mut path = match random.bool() {
        true => {
            let pattern = patterns[random.usize(..patterns.len())].pattern.clone();
            let mut path = String::new();
            for c in pattern.chars() {
                match c {
                    '*' => path.push_str(pick(random, &["", "a", "a/b", "/", "x%20", "private"])),
                    '?' => path.push_str(pick(random, &["a", "/", "%"])),
                    c => path.push(c),
                }
            }
            if path.starts_with('/') {
                path
            } else {
                format!("/{path}")
            }
        }
        false => {
            let count = random.usize(..4);
            let segments: Vec<&str> = (0..count).map(|_| pick(random, &SEGMENTS)).collect();
            format!("/{}", segments.join("/"))
        }
    };
    match random.usize(..8) {
        0 => path.push('/'),
        1 => path.push_str("/b"),
        2 => path.push('x'),
        _ => {}
    }
    path
}

/// The distribution in one of the forms that the tools print.
fn document(all: &[Behaviour], root: Option<&str>, random: &mut fastrand::Rng) -> String {
    let form = random.usize(..4);
    let list = |items: Vec<Value>| match form {
        0 | 1 => json!({ "Quantity": items.len(), "Items": items }),
        _ => Value::Array(items),
    };
    let names: [&str; 8] = match form {
        3 => [
            "path_pattern",
            "allowed_methods",
            "trusted_key_groups",
            "trusted_signers",
            "lambda_function_association",
            "event_type",
            "function_association",
            "target_origin_id",
        ],
        _ => [
            "PathPattern",
            "AllowedMethods",
            "TrustedKeyGroups",
            "TrustedSigners",
            "LambdaFunctionAssociations",
            "EventType",
            "FunctionAssociations",
            "TargetOriginId",
        ],
    };
    let mut behaviour = |own: &Behaviour, is_default: bool| {
        let mut value = json!({ names[7]: "o" });
        if !is_default {
            value[names[0]] = own.pattern.clone().into();
        }
        if form == 3 || own.methods.len() > 2 || random.bool() {
            value[names[1]] = list(own.methods.iter().map(|name| (*name).into()).collect());
        }
        if own.is_guarded {
            let event = json!({ names[5]: pick(random, &["viewer-request", "origin-request"]) });
            match random.usize(..5) {
                0 => value[names[2]] = list(vec!["k".into()]),
                1 => value[names[3]] = list(vec!["self".into()]),
                2 => value[names[4]] = list(vec![event]),
                3 => value[names[6]] = list(vec![event]),
                _ => value["NewGuard"] = json!({ "Enabled": true }),
            }
        } else if random.bool() {
            value[names[2]] = list(vec![]);
            value[names[6]] = list(vec![json!({ names[5]: "viewer-response" })]);
        }
        value
    };
    let (default, ordered) = all.split_last().unwrap();
    let default = behaviour(default, true);
    let ordered: Vec<Value> = ordered.iter().map(|own| behaviour(own, false)).collect();
    let config = match form {
        3 => {
            json!({ "default_cache_behavior": [default], "ordered_cache_behavior": ordered, "default_root_object": root })
        }
        _ => {
            json!({ "DefaultCacheBehavior": default, "CacheBehaviors": list(ordered), "DefaultRootObject": root.unwrap_or("") })
        }
    };
    let document = match form {
        0 => json!({ "ETag": "E", "DistributionConfig": config }),
        1 => json!({ "ETag": "E", "Distribution": { "Id": "E1", "DistributionConfig": config } }),
        2 => json!({ "Resources": {
            "Bucket": { "Type": "AWS::S3::Bucket" },
            "Site": { "Type": "AWS::CloudFront::Distribution", "Properties": { "DistributionConfig": config } },
        } }),
        _ => json!({ "values": { "root_module": { "child_modules": [{ "resources": [
            { "address": "module.a.aws_cloudfront_distribution.b", "mode": "managed", "type": "aws_cloudfront_distribution", "values": config }
        ] }] } } }),
    };
    document.to_string()
}

#[test]
fn a_distribution_never_grants_more() {
    let mut random = fastrand::Rng::with_seed(20_270_115);
    let mut tally = Tally::default();
    for _ in 0..700 {
        let count = random.usize(..5);
        let mut all: Vec<Behaviour> = (0..=count)
            .map(|_| Behaviour {
                pattern: random_pattern(&mut random),
                is_guarded: random.bool(),
                methods: METHODS[[0, 0, 0, 1, 2][random.usize(..5)]],
            })
            .collect();
        all.last_mut().unwrap().pattern = "*".to_owned();
        let root = pick(
            &mut random,
            &[None, None, Some("index.html"), Some("private/home.html")],
        );
        let document = document(&all, root, &mut random);
        let imported = cloudfront(&document, None).unwrap();
        let site = Site::of(&imported);
        tally.imports += 1;
        let lost_before = tally.lost;
        for _ in 0..60 {
            let path = random_path(&mut random, &all);
            let method = pick(&mut random, &["GET", "GET", "HEAD", "OPTIONS", "PUT"]);
            let Some(is_allowed) = site.allows(method, &path, &Carried::default()) else {
                continue;
            };
            let served = READINGS.map(|reading| serves(&all, root, method, &path, reading));
            let is_served = served.iter().all(|served| *served);
            assert!(
                is_served || !is_allowed,
                "{method} {path} is allowed: {all:#?} {root:?}\n{document}\n{}",
                site.text
            );
            tally.both += usize::from(is_allowed);
            tally.lost += usize::from(is_served && !is_allowed);
        }
        tally.exact += usize::from(tally.lost == lost_before);
    }
    tally.demand("cloudfront", 90, 95);
}
