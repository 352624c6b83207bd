//! The two sides of the comparison, with results in the same form: compiler and core, and the
//! specification.
//!
//! The fuzz target `differential` includes this file. Not here: the origin of policies and
//! requests.

use tollgate_compiler::diagnostic::render::{Style, text};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{
    Claim, Facts, FactsBuilder, Image, PathScratch, Query, TokenState, UnixSeconds,
};
use tollgate_spec::model::{Policy, Request, Token, Value, Verdict};
use tollgate_spec::render;

/// Compiles a policy from its text to an image; returns the compiler's errors if it rejects the
/// policy.
pub(crate) fn compiled(policy: &Policy) -> Result<Image<Vec<u8>>, String> {
    let mut sources = SourceTree::new();
    for (name, text) in render::to_toml(policy) {
        sources.insert(name, text);
    }
    let compiled = compile(&sources, &CompileOptions::default());
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error());
    let errors: Vec<String> = errors
        .map(|error| text(error, &sources, Style::Plain))
        .collect();
    let image = compiled.image.ok_or_else(|| errors.join("\n"))?;
    Image::from_bytes(image).map_err(|error| error.to_string())
}

/// The core's decision as a string: reason, rule, methods.
pub(crate) fn core_answer(image: &Image<Vec<u8>>, request: &Request) -> String {
    let raw = request
        .target
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    let mut scratch = PathScratch::new();
    let Ok(path) = scratch.parse(raw, image.path_options()) else {
        return "bad_path".to_owned();
    };
    let facts = match &request.token {
        Token::Verified(facts) => Some(core_facts(image, facts)),
        Token::Absent | Token::Bad | Token::Imagined => None,
    };
    let token = match (&request.token, &facts) {
        (_, Some(facts)) => TokenState::Verified(facts),
        (Token::Bad, None) => TokenState::Bad,
        _ => TokenState::Absent,
    };
    let (method, ip, now) = (
        request.method.as_str(),
        request.ip,
        UnixSeconds(request.now),
    );
    let decision = tollgate_core::decide(
        image,
        &Query {
            path: &path,
            method,
            ip,
            now,
            token,
        },
    );
    let rule = decision
        .rule
        .and_then(|rule| image.rule_name(rule))
        .map(|rule| rule.to_string());
    words(decision.reason.code(), rule, decision.allow_methods.names())
}

fn core_facts(image: &Image<Vec<u8>>, facts: &tollgate_spec::model::Facts) -> Facts {
    let mut builder = FactsBuilder::new(image)
        .issuer(&facts.issuer)
        .subject(facts.subject.as_deref());
    match &facts.groups {
        Some(groups) => {
            for group in groups {
                builder = builder.group(group);
            }
        }
        None => builder = builder.unknown_groups(),
    }
    for scope in &facts.scopes {
        builder = builder.scope(scope);
    }
    for (name, value) in &facts.claims {
        if let Some((slot, _)) = image.claim_slot(name) {
            builder = builder.claim(slot, core_claim(value.as_ref()));
        }
    }
    builder.build()
}

fn core_claim(value: Option<&Value>) -> Claim {
    match value {
        Some(Value::Text(text)) => Claim::String(text.as_str().into()),
        Some(Value::Int(int)) => Claim::Int(*int),
        Some(Value::Bool(truth)) => Claim::Bool(*truth),
        Some(Value::List(list)) => {
            let texts = list.iter().filter_map(|value| match value {
                Value::Text(text) => Some(text.as_str().into()),
                _ => None,
            });
            Claim::StringList(texts.collect())
        }
        _ => Claim::WrongType,
    }
}

/// The specification's decision in the same form.
pub(crate) fn spec_answer(verdict: &Verdict) -> String {
    let outcome = match verdict.reason {
        "allow" => ("allow", 200),
        "bad_path" => ("reject", 400),
        "no_token" | "bad_token" => ("deny", 401),
        "bad_method" => ("deny", 405),
        _ => ("deny", 403),
    };
    assert_eq!((verdict.outcome, verdict.status), outcome);
    let methods = verdict.allow_methods.iter().map(String::as_str);
    words(verdict.reason, verdict.rule.clone(), methods)
}

fn words<'a>(reason: &str, rule: Option<String>, methods: impl Iterator<Item = &'a str>) -> String {
    let mut words = vec![reason.to_owned()];
    words.extend(rule);
    words.extend(methods.map(String::from));
    words.join(" ")
}
