//! TG0726, TG0728, TG0735 and TG0736: token sources with a wildcard, issuers that no token can match, algorithms
//! without keys, keys without algorithms.
//!
//! Not here: keys that are not safe, which the compiler rejects.

use tollgate_compiler::diagnostic::{Code, Span, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE};
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_token::{Algorithm, IssuerConfig, Jwks, KeyKind, SkipReason};

use super::Subject;

/// Where providers publish what they are, below their issuer's URL.
const WELL_KNOWN: &str = "/.well-known/";
/// Keys that are named in one finding.
const MAX_NAMED: usize = 3;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    let Ok(config) = GateConfig::decode(&subject.policy.gate) else {
        return;
    };
    for source in &config.sources {
        wildcard(subject, source, findings);
    }
    for issuer in &config.issuers {
        discovery(subject, issuer, findings);
        if let Some(text) = &issuer.jwks
            && let Ok(set) = Jwks::parse_lenient(text.as_bytes(), &issuer.algorithms)
        {
            keys(subject, issuer, &set, findings);
        }
    }
}

/// A source whose name has a `*`, which is a character of names of cookies and headers.
fn wildcard(subject: &Subject<'_>, source: &TokenSource, findings: &mut Vec<Diagnostic>) {
    let (TokenSource::Header(name) | TokenSource::Cookie(name) | TokenSource::Query(name)) = source;
    if !name.contains('*') {
        return;
    }
    let message = format!("`*` in the token source `{name}` is an asterisk, not any text");
    let mut finding = found(subject, &codes::FOREIGN_SYNTAX, name, message);
    finding.help(
        "write the whole name of the cookie or header; if its name differs by user, let the sign-in page copy the token \
         to a cookie with one name",
    );
    findings.push(finding);
}

/// An issuer that is the address of its own discovery document.
fn discovery(subject: &Subject<'_>, issuer: &IssuerConfig, findings: &mut Vec<Diagnostic>) {
    for url in &issuer.issuers {
        let Some((base, _)) = url.split_once(WELL_KNOWN) else {
            continue;
        };
        let message = format!(
            "issuer `{}` is the address of a document, which is the `iss` of no token",
            issuer.name
        );
        let mut finding = found(subject, &codes::DISCOVERY_URL, url, message);
        finding.help(format!(
            "write the `issuer` that the document names, probably `{base}` or `{base}/`"
        ));
        findings.push(finding);
    }
}

fn keys(subject: &Subject<'_>, issuer: &IssuerConfig, set: &Jwks, findings: &mut Vec<Diagnostic>) {
    let is_used = |algorithm: &Algorithm| set.keys().iter().any(|key| key.algorithm == *algorithm);
    let public = issuer
        .algorithms
        .iter()
        .filter(|algorithm| algorithm.key_kind() != KeyKind::Hmac);
    for algorithm in public.filter(|algorithm| !is_used(algorithm)) {
        let message = format!(
            "issuer `{}` has no key for `{algorithm}`, so no token of that algorithm is valid",
            issuer.name
        );
        let quoted = format!("\"{algorithm}\"");
        let mut finding = found(subject, &codes::UNUSED_ALGORITHM, &quoted, message);
        finding.help(format!(
            "leave `{algorithm}` out, or pin a key set that has a key for it"
        ));
        findings.push(finding);
    }
    let unlisted: Vec<String> = set
        .skipped()
        .iter()
        .filter(|note| note.reason == SkipReason::AlgorithmNotListed)
        .map(|note| match &note.kid {
            Some(kid) => format!("`{kid}`"),
            None => "one without `kid`".to_owned(),
        })
        .collect();
    if !unlisted.is_empty() {
        let named = unlisted
            .get(..MAX_NAMED.min(unlisted.len()))
            .unwrap_or_default();
        let more = match unlisted.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "issuer `{}` lists no algorithm for some keys of its set: {}{more}",
            issuer.name,
            named.join(", ")
        );
        let name = format!("\"{}\"", issuer.name);
        let mut finding = found(subject, &codes::UNUSED_KEY, &name, message);
        finding
            .help("tokens signed with them are rejected; add their algorithm if that is not meant");
        findings.push(finding);
    }
}

/// A finding at the first place of `site.toml` that spells `text`, else about the file.
fn found(subject: &Subject<'_>, code: &'static Code, text: &str, message: String) -> Diagnostic {
    let mut finding = Diagnostic::new(code, SITE_FILE, message);
    let source = subject.sources.text(SITE_FILE).unwrap_or_default();
    if let Some(start) = source.find(text) {
        let end = start + text.len();
        finding.at(Span { start, end });
    }
    finding
}
