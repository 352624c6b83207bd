//! TG0726, TG0728, TG0735, TG0736 and TG0740: token sources with a wildcard, issuers that no token can
//! have, algorithms without keys, keys without algorithms, test keys.
//!
//! Not here: unsafe keys, which the compiler rejects.

use tollgate_compiler::diagnostic::{Applicability, Code, Span, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE, place_of_issuer, place_of_table};
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_token::{Algorithm, IssuerConfig, Jwks, KeyKind, SkipReason};

use super::context::LintContext;
use crate::test_keys::{self, Owner, TestKey};

/// The path below an issuer's URL where providers publish their metadata.
const WELL_KNOWN: &str = "/.well-known/";
/// The number of keys named in one diagnostic.
const MAX_NAMED: usize = 3;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    let Ok(config) = GateConfig::decode(&context.policy.gate) else {
        return;
    };
    for source in &config.sources {
        wildcard(context, source, findings);
    }
    let known = test_keys::of_config(&config);
    findings.extend(known.iter().map(|key| test_key(context, key)));
    for issuer in &config.issuers {
        discovery(context, issuer, findings);
        if let Some(text) = &issuer.jwks
            && let Ok(set) = Jwks::parse_lenient(text.as_bytes(), &issuer.algorithms)
        {
            keys(context, issuer, &set, findings);
        }
    }
}

/// Reports a source whose name contains `*`, which is a valid character in names of cookies and
/// headers.
fn wildcard(context: &LintContext<'_>, source: &TokenSource, findings: &mut Vec<Diagnostic>) {
    let (TokenSource::Header(name) | TokenSource::Cookie(name) | TokenSource::Query(name)) = source;
    if !name.contains('*') {
        return;
    }
    let message = format!("`*` in the token source `{name}` is a literal asterisk, not a wildcard");
    let mut finding = found(context, &codes::FOREIGN_SYNTAX, name, message);
    finding.help(
        "write the whole name of the cookie or header; if its name differs by user, let the sign-in page copy the token \
         to a cookie with one name",
    );
    findings.push(finding);
}

/// Reports an issuer that is the URL of its own discovery document.
fn discovery(context: &LintContext<'_>, issuer: &IssuerConfig, findings: &mut Vec<Diagnostic>) {
    for url in &issuer.issuers {
        let Some((base, _)) = url.split_once(WELL_KNOWN) else {
            continue;
        };
        let message = format!(
            "issuer `{}` is the URL of a document, which no token has as its `iss`",
            issuer.name
        );
        let mut finding = found(context, &codes::DISCOVERY_URL, url, message);
        finding.help(format!(
            "write the `issuer` that the document names, probably `{base}` or `{base}/`"
        ));
        context.replace(&mut finding, Applicability::Unsure, base);
        findings.push(finding);
    }
}

/// Reports keys that others than the issuer have.
fn test_key(context: &LintContext<'_>, key: &TestKey) -> Diagnostic {
    let message = format!("{key}: {}", key.danger());
    let mut finding = Diagnostic::new(&codes::TEST_KEY, SITE_FILE, message);
    let span = match &key.owner {
        Owner::Issuer(name) => place_of_issuer(context.sources, name),
        Owner::SignIn => place_of_table(context.sources, "sign_in"),
    };
    if let Some(span) = span {
        finding.at(span);
    }
    finding.help(format!("before you publish, {}", key.cure()));
    finding
}

fn keys(
    context: &LintContext<'_>,
    issuer: &IssuerConfig,
    set: &Jwks,
    findings: &mut Vec<Diagnostic>,
) {
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
        let mut finding = found(context, &codes::UNUSED_ALGORITHM, &quoted, message);
        finding.help(format!(
            "remove `{algorithm}` from `algorithms` of `[[issuer]]` `{}`, or pin a key set that has a key for it",
            issuer.name
        ));
        // A list cannot be empty.
        if issuer.algorithms.len() > 1 && finding.span.is_some() {
            context.remove_entry(&mut finding, Applicability::Access);
        }
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
        let mut finding = found(context, &codes::UNUSED_KEY, &name, message);
        finding.help(format!(
            "tokens signed with them are rejected; add their algorithm to `algorithms` of `[[issuer]]` `{}` if they should \
             be accepted",
            issuer.name
        ));
        findings.push(finding);
    }
}

/// A diagnostic at the first location in `site.toml` that contains `text`, else for the whole file.
fn found(
    context: &LintContext<'_>,
    code: &'static Code,
    text: &str,
    message: String,
) -> Diagnostic {
    let mut finding = Diagnostic::new(code, SITE_FILE, message);
    let source = context.sources.text(SITE_FILE).unwrap_or_default();
    if let Some(start) = source.find(text) {
        let end = start + text.len();
        finding.at(Span { start, end });
    }
    finding
}
