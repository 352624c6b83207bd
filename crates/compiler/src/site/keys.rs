//! Key files: pinned key sets and secrets, judged when the policy is compiled.
//!
//! The token layer validates keys again when a gate is created; validating them here gives the author a file
//! and a line instead of an edge that does not start. Not here: what makes a key good.

use serde_json::Value;
use tollgate_token::{
    Algorithm, Jwks, KeyError, KeyErrorKind, KeyKind, Secret, SkipReason, SkippedKey, base64url,
};

use super::Input;
use super::stand_in::{self, Content, secret_file};
use crate::cure;
use crate::diagnostic::{Code, Diagnostic, Report, Span, codes, shown};
use crate::document::{Table, Text};
use crate::source::{SourceTree, is_inside};

/// The names that help suggests for key files.
const EXAMPLE: &str = "keys/….json";
const EXAMPLE_SECRET: &str = "keys/….key";
/// The size of a stand-in for a secret of an issuer without an algorithm for it, which is reported elsewhere.
const LEAST_SECRET_BYTES: usize = 32;

/// The keys of one issuer.
pub(super) struct Keys {
    pub(super) jwks: Option<String>,
    pub(super) secrets: Vec<Secret>,
}

/// Reads an issuer's keys; `None` if something was reported.
pub(super) fn read(
    table: Table<'_>,
    algorithms: &[Algorithm],
    input: Input<'_>,
    report: &mut Report,
) -> Option<Keys> {
    let secrets = secrets(table, algorithms, input, report);
    let Some(name) = table.text("jwks") else {
        return Some(Keys {
            jwks: None,
            secrets: secrets?,
        });
    };
    // Without an algorithm for public keys the set cannot be validated. That was reported.
    if algorithms
        .iter()
        .all(|algorithm| algorithm.key_kind() == KeyKind::Hmac)
    {
        return None;
    }
    let missing = (&codes::NO_KEY_FILE, cure::missing_key_set(name.value));
    let json = named_file(&name, EXAMPLE, missing, input.sources, report);
    let set = json.and_then(|json| {
        let lenient = input.options.lenient_jwks || table.flag("lenient_jwks") == Some(true);
        let (json, set) = key_set(&name, json, algorithms, lenient, report)?;
        ignored(&name, &set, report);
        Some(json)
    });
    Some(Keys {
        jwks: Some(set?),
        secrets: secrets?,
    })
}

/// Notes the keys that are not used, so that a missing one is not a riddle.
fn ignored(name: &Text<'_>, set: &Jwks, report: &mut Report) {
    for SkippedKey { index, kid, reason } in set.skipped() {
        let key = key_name(index.unwrap_or_default(), kid.as_deref());
        let message = format!("{key} of `{}` is {reason}", name.value);
        report
            .add(&codes::KEY_IGNORED, name.span, message)
            .help("leave it if no token is signed with it; otherwise list its algorithm or replace the key");
    }
}

/// The text of a file that `site.toml` names.
pub(super) fn named_file<'s>(
    name: &Text<'_>,
    example: &str,
    (code, cure): (&'static Code, String),
    sources: &'s SourceTree,
    report: &mut Report,
) -> Option<&'s str> {
    // The empty name was reported with the shape of the file.
    if name.value.is_empty() {
        return None;
    }
    if !is_inside(name.value) {
        let message = format!(
            "`{}` is not a plain path inside the policy folder",
            shown(name.value)
        );
        report
            .add(&codes::OUTSIDE, name.span, message)
            .help(format!(
                "copy the file into the policy folder and name it relative to that: `{example}`"
            ));
        return None;
    }
    let text = sources.text(name.value);
    if text.is_none() && !sources.was_refused(name.value) {
        let message = format!("the policy folder has no file `{}`", shown(name.value));
        report.add(code, name.span, message).help(cure);
    }
    text
}

/// Validates a key set; in the lenient mode invalid keys are removed from it.
fn key_set(
    name: &Text<'_>,
    json: &str,
    algorithms: &[Algorithm],
    lenient: bool,
    report: &mut Report,
) -> Option<(String, Jwks)> {
    let errors = match Jwks::parse(json.as_bytes(), algorithms) {
        Ok(set) => return usable(name, json.to_owned(), set, report),
        Err(errors) => errors,
    };
    let lenient = lenient && errors.iter().all(|error| error.index.is_some());
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let rest = lenient.then(|| without(json, &errors)).flatten();
    let set = rest
        .as_ref()
        .and_then(|rest| Jwks::parse(rest.as_bytes(), algorithms).ok());
    for error in &errors {
        let problem = match error.index {
            Some(index) => {
                let kid = error.kid.as_deref();
                format!(
                    "{} of `{}`: {}",
                    key_name(index, kid),
                    name.value,
                    error.fault
                )
            }
            None => match cure::key_set(json) {
                Some((what, _)) => format!("`{}`: {what}", name.value),
                None => format!("`{}`: {}", name.value, error.fault),
            },
        };
        match (&set, error.index) {
            (Some(_), _) => report
                .add(&codes::KEY_SKIPPED, name.span, format!("skipped {problem}"))
                .help("tokens signed with it are rejected; replace it at the issuer"),
            (None, Some(_)) => {
                let help = match error.fault {
                    KeyErrorKind::AmbiguousAlgorithm => {
                        "list the one algorithm of this key in `algorithms` of its `[[issuer]]`, or write `alg` into the key"
                    }
                    _ => {
                        "replace the key at the issuer, or remove it from the file; `lenient_jwks = true` in its \
                         `[[issuer]]` skips it with a warning"
                    }
                };
                report.add(&codes::BAD_KEY, name.span, problem).help(help)
            }
            (None, None) => {
                report
                    .add(&codes::BAD_JWKS, name.span, problem)
                    .help(cure::key_set(json).map_or(
                        "correct the JSON, or remove the file and run `tollgate keys fetch`",
                        |(_, help)| help,
                    ))
            }
        };
    }
    usable(name, rest?, set?, report)
}

/// A set none of whose keys can verify anything is a mistake.
fn usable(name: &Text<'_>, json: String, set: Jwks, report: &mut Report) -> Option<(String, Jwks)> {
    if !set.keys().is_empty() {
        return Some((json, set));
    }
    let message = format!("`{}` has no key for the issuer's algorithms", name.value);
    let diagnostic = report.add(&codes::KEYS_MISSING, name.span, message);
    diagnostic.help(cure::key_set(&json).map_or(
        "list the algorithm of one of its keys in `algorithms`, or pin another key set",
        |(_, help)| help,
    ));
    for SkippedKey { index, kid, reason } in set.skipped() {
        let key = key_name(index.unwrap_or_default(), kid.as_deref());
        match reason {
            // The warning about it already states that.
            SkipReason::Refused(_) => {}
            reason => {
                diagnostic.help(format!("{key}: {reason}"));
            }
        }
    }
    None
}

fn key_name(index: usize, kid: Option<&str>) -> String {
    match kid {
        Some(kid) => format!("key `{}`", shown(kid)),
        None => format!("key {} without a `kid`", index + 1),
    }
}

/// The set without the keys that are named in `errors`.
fn without(json: &str, errors: &[KeyError]) -> Option<String> {
    let mut set: Value = serde_json::from_str(json).ok()?;
    let keys = set.get_mut("keys")?.as_array_mut()?;
    let mut index = 0;
    keys.retain(|_| {
        let bad = errors.iter().any(|error| error.index == Some(index));
        index += 1;
        !bad
    });
    Some(set.to_string())
}

fn secrets(
    table: Table<'_>,
    algorithms: &[Algorithm],
    input: Input<'_>,
    report: &mut Report,
) -> Option<Vec<Secret>> {
    let hmac = algorithms
        .iter()
        .filter(|algorithm| algorithm.key_kind() == KeyKind::Hmac);
    // A secret serves every HMAC algorithm of the issuer, so it must be long enough for the longest.
    let longest = hmac.max_by_key(|algorithm| algorithm.hash_len());
    let mut secrets: Vec<Secret> = Vec::new();
    let mut complete = true;
    let mut spans: Vec<(&str, Span)> = Vec::new();
    for entry in table.tables("secrets") {
        let (Some(kid), Some(name)) = (entry.text("kid"), entry.text("file")) else {
            complete = false;
            continue;
        };
        if let Some((_, first)) = spans.iter().find(|(earlier, _)| *earlier == kid.value) {
            duplicate_kid("keys of the issuer", &kid, *first, report)
                .help("give each key a `kid` of its own, at the issuer too");
            complete = false;
        }
        spans.push((kid.value, kid.span));
        let need = longest.map(|algorithm| (algorithm.hash_len(), format!("for `{algorithm}`")));
        match secret(&name, need, input, report) {
            Some(key) => secrets.push(Secret {
                kid: kid.value.to_owned(),
                key,
            }),
            None => complete = false,
        }
    }
    complete.then_some(secrets)
}

/// The bytes of a secret. `need` is their least number, and the purpose that requires it.
pub(super) fn secret(
    name: &Text<'_>,
    need: Option<(usize, String)>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<Vec<u8>> {
    let least = need
        .as_ref()
        .map_or(LEAST_SECRET_BYTES, |(least, _)| *least);
    let path = input.sources.path_of(name.value);
    let cure = cure::missing_secret(name.value, &path, least);
    let text = match secret_file(name, EXAMPLE_SECRET, cure, input, report)? {
        Content::Text(text) => text,
        Content::StandIn => return Some(stand_in::bytes(name.value, least)),
    };
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let Some(key) = base64url::decode(line.as_bytes()) else {
        let message = format!(
            "`{}` is not one line of base64url without padding",
            name.value
        );
        let diagnostic = report.add(&codes::BAD_SECRET, name.span, message);
        diagnostic.help(if line.contains(['+', '/', '=']) {
            "base64url has `-` for `+` and `_` for `/`, and no `=` at the end"
        } else {
            "write the secret as one line of letters, digits, `-` and `_`"
        });
        return None;
    };
    if let Some((least, purpose)) = need.filter(|(least, _)| key.len() < *least) {
        let message = format!(
            "`{}` has {} bytes, too few {purpose}",
            name.value,
            key.len()
        );
        report
            .add(&codes::BAD_SECRET, name.span, message)
            .help(format!("make a random one of {least} bytes"));
        return None;
    }
    Some(key)
}

/// Reports the second of two keys with one name. `which` are the keys.
pub(super) fn duplicate_kid<'r>(
    which: &str,
    kid: &Text<'_>,
    first: Span,
    report: &'r mut Report,
) -> &'r mut Diagnostic {
    let message = format!("two {which} have the `kid` `{}`", shown(kid.value));
    let diagnostic = report.add(&codes::DUPLICATE_KID, kid.span, message);
    diagnostic.also(first, "the other one")
}
