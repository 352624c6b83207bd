//! Issuers: whose tokens are accepted, with which algorithms, for which clients.
//!
//! Not here: key files ([`keys`](super::keys)).

use tollgate_token::{
    Algorithm, COGNITO_GROUPS_CLAIM, ClaimPath, ClaimRules, IssuerConfig, IssuerKind, KeyKind,
    cognito_issuers,
};

use super::{Input, answer, keys};
use crate::diagnostic::{Report, Span, codes, shown};
use crate::document::{Table, Text};
use crate::keys::{
    has_or_means,
    site::{ISSUER, SITE_FILE},
};
use crate::rule::check_id;

/// Reads all issuers; `None` if one of them could not be read, which was reported.
pub(super) fn read_all(
    root: Table<'_>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<Vec<IssuerConfig>> {
    // Issuers under another name or in another form are not an absence of issuers.
    if has_or_means(root, &SITE_FILE, "issuer") && !root.is_list("issuer") {
        return None;
    }
    let tables = root.tables("issuer");
    let issuers: Vec<_> = tables
        .iter()
        .map(|table| read(*table, input, report))
        .collect();
    let mut seen: Vec<(&str, Span, usize)> = Vec::new();
    for (at, (table, issuer)) in tables.iter().zip(&issuers).enumerate() {
        let Some(issuer) = issuer else { continue };
        let names = core::slice::from_ref(&issuer.name);
        let places = [
            ("have the name", "name", names),
            ("have the `iss`", "issuer", issuer.issuers.as_slice()),
        ];
        // A copied table repeats both; that is one error.
        let mut copied = None;
        for (what, key, values) in places {
            let span = table
                .value_span(key)
                .or_else(|| table.value_span("cognito"));
            let span = span.unwrap_or(table.place());
            for value in values {
                // Names are ids and issuers are URLs, so the two cannot be mistaken for each other.
                match seen.iter().find(|(earlier, ..)| earlier == value) {
                    Some((_, _, of)) if copied == Some(*of) => {}
                    Some((_, first, of)) => {
                        copied = Some(*of);
                        let message = format!("two issuers {what} `{value}`");
                        let diagnostic = report.add(&codes::DUPLICATE_ISSUER, span, message);
                        diagnostic
                            .also(*first, "first here")
                            .help("put the `clients` and keys of both into one `[[issuer]]`");
                        break;
                    }
                    None => seen.push((value, span, at)),
                }
            }
        }
    }
    issuers.into_iter().collect()
}

fn read(table: Table<'_>, input: Input<'_>, report: &mut Report) -> Option<IssuerConfig> {
    let name = table.text("name");
    if let Some(name) = &name {
        check_id(name, "issuer", report);
    }
    let algorithms = algorithms(table);
    let (issuers, kind) = identity(table, report);
    let claims = claim_rules(table, kind, report);
    let refresh = table.text("refresh").filter(|url| check_url(url, report));
    match_keys_and_algorithms(table, &algorithms, report);
    let keys = keys::read(table, &algorithms, input, report);
    let keys = keys?;
    Some(IssuerConfig {
        name: name?.value.to_owned(),
        issuers: issuers?,
        clients: table
            .texts("clients")
            .iter()
            .map(|client| client.value.to_owned())
            .collect(),
        kind,
        algorithms,
        claims,
        jwks: keys.jwks,
        secrets: keys.secrets,
        refresh: refresh.map(|url| url.value.to_owned()),
    })
}

/// The claims that are read, and what they may grant.
fn claim_rules(table: Table<'_>, kind: IssuerKind, report: &mut Report) -> ClaimRules {
    let mut place = |key: &str| {
        let names = table.text_or_texts(key);
        for claim in &names {
            if claim.value.chars().any(char::is_control) {
                let message = format!("`{}` is not a claim name", shown(claim.value));
                report
                    .add(&codes::BAD_CLAIM, claim.span, message)
                    .help("write the name exactly as it occurs in the token");
            }
        }
        let names = names.iter().map(|name| name.value.to_owned());
        ClaimPath::nested(names.collect())
    };
    let (groups, scopes) = (place("groups_claim"), place("scopes_claim"));
    let text = |key| table.text(key).map(|text| text.value.to_owned());
    let granted = table.texts("groups");
    let granted = granted.iter().map(|group| group.value.to_owned());
    let default = match kind {
        IssuerKind::Cognito { .. } => Some(ClaimPath::top(COGNITO_GROUPS_CLAIM)),
        IssuerKind::Oidc => None,
    };
    ClaimRules {
        client: text("client_claim"),
        groups: groups.or(default),
        scopes,
        granted_groups: table.has("groups").then(|| granted.collect()),
        groups_prefix: text("groups_prefix").unwrap_or_default(),
        subject_prefix: text("subject_prefix").unwrap_or_default(),
    }
}

/// The algorithms. What is none was reported with the shape of the list.
fn algorithms(table: Table<'_>) -> Vec<Algorithm> {
    if !table.has("algorithms") {
        return vec![Algorithm::RS256];
    }
    let mut algorithms = Vec::new();
    for name in table.texts("algorithms") {
        let algorithm = Algorithm::from_name(name.value);
        algorithms.extend(algorithm.filter(|algorithm| !algorithms.contains(algorithm)));
    }
    algorithms
}

/// The accepted `iss` values, and the kind of tokens.
fn identity(table: Table<'_>, report: &mut Report) -> (Option<Vec<String>>, IssuerKind) {
    let uses = table.texts("token_use");
    let takes = |name| uses.is_empty() || uses.iter().any(|text| text.value == name);
    if let Some(pool) = table.table("cognito") {
        let kind = IssuerKind::Cognito {
            id: takes("id"),
            access: takes("access"),
        };
        return (cognito(pool, report), kind);
    }
    if let Some(span) = table.key_span("token_use") {
        report
            .add(&codes::TOKEN_USE, span, "`token_use` without `cognito`")
            .help("remove it; tokens of other issuers are distinguished by `aud`");
    }
    let spellings = table.text_or_texts("issuer");
    // The first is the name; an issuer may spell its `iss` without a scheme too.
    let first = spellings.first();
    let is_good = first.is_some_and(|first| check_url(first, report))
        && spellings
            .iter()
            .skip(1)
            .all(|spelling| check_spelling(spelling, report));
    let issuers = spellings.iter().map(|spelling| spelling.value.to_owned());
    (is_good.then(|| issuers.collect()), IssuerKind::Oidc)
}

fn check_spelling(spelling: &Text<'_>, report: &mut Report) -> bool {
    let is_good = spelling.value.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_good {
        let message = format!("`{}` is not a spelling of an `iss`", shown(spelling.value));
        report
            .add(&codes::BAD_ISSUER_URL, spelling.span, message)
            .help(
                "write the `iss` exactly as it occurs in the tokens, such as `accounts.google.com`",
            );
    }
    is_good
}

fn cognito(pool: Table<'_>, report: &mut Report) -> Option<Vec<String>> {
    let (region, user_pool) = (pool.text("region")?, pool.text("user_pool")?);
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !region.value.bytes().all(good) || region.value.is_empty() {
        let message = format!("`{}` is not an AWS region", shown(region.value));
        report
            .add(&codes::BAD_POOL, region.span, message)
            .help("write one such as `eu-west-1`");
        return None;
    }
    let id = user_pool.value.split_once('_');
    match id {
        Some((prefix, id)) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            if prefix == region.value {
                return Some(cognito_issuers(region.value, user_pool.value).to_vec());
            }
            let message = format!(
                "user pool `{}` is not in `{}`",
                user_pool.value, region.value
            );
            let diagnostic = report.add(&codes::BAD_POOL, user_pool.span, message);
            diagnostic.also(region.span, "the region").help(format!(
                "write `region = \"{prefix}\"` in `cognito`, or another pool"
            ));
        }
        _ => {
            let message = format!("`{}` is not a user pool id", shown(user_pool.value));
            report
                .add(&codes::BAD_POOL, user_pool.span, message)
                .help(format!(
                    "write the region, `_`, and the pool's letters: `{}_Ab1Cd2Ef3`",
                    region.value
                ));
        }
    }
    None
}

fn check_url(url: &Text<'_>, report: &mut Report) -> bool {
    let has_scheme = answer::is_https(url.value) || answer::is_loopback(url.value);
    let good = has_scheme && !url.value.contains(['?', '#']);
    if !good && !url.value.is_empty() {
        let message = format!("`{}` is not an issuer URL", shown(url.value));
        let diagnostic = report.add(&codes::BAD_ISSUER_URL, url.span, message);
        if url.value.contains("://") {
            diagnostic.help("write an `https://` URL without query, fragment and user");
        } else {
            let written = shown(url.value);
            diagnostic.help(format!(
                "did you mean `https://{written}`? If tokens have both spellings, list both: \
                 `[\"https://{written}\", \"{written}\"]`"
            ));
        }
    }
    good
}

/// Every algorithm needs keys, and every key an algorithm. Where both lack the other, they were meant for each other, so
/// that is one error.
fn match_keys_and_algorithms(table: Table<'_>, algorithms: &[Algorithm], report: &mut Report) {
    let is_secret = |algorithm: &&Algorithm| algorithm.key_kind() == KeyKind::Hmac;
    let own = shown_table(table);
    let kinds = [
        Kind {
            key: "jwks",
            algorithm: algorithms.iter().find(|algorithm| !is_secret(algorithm)),
            sample: Algorithm::RS256,
            keyed: "public keys",
            name: format!(
                "run `tollgate keys fetch`, or save the issuer's key set in the policy folder, and name it in {own}: \
                 `jwks = \"keys/….json\"`"
            ),
        },
        Kind {
            key: "secrets",
            algorithm: algorithms.iter().find(is_secret),
            sample: Algorithm::HS256,
            keyed: "secrets",
            name: format!(
                "name its key in {own}: `secrets = [{{ kid = \"…\", file = \"keys/….key\" }}]`"
            ),
        },
    ];
    let [public, secret] = &kinds;
    let place = table.value_span("algorithms").unwrap_or(table.place());
    for (kind, other) in [(public, secret), (secret, public)] {
        let unused = table
            .key_span(kind.key)
            .filter(|_| kind.algorithm.is_none());
        let keyless = |kind: &Kind<'_>| {
            let algorithm = kind.algorithm?;
            (!has_or_means(table, &ISSUER, kind.key)).then_some(*algorithm)
        };
        // If no algorithm could be read, keys cannot be matched with them.
        if let Some(span) = unused.filter(|_| !algorithms.is_empty()) {
            let message = format!("`{}`, but no algorithm with {}", kind.key, kind.keyed);
            let diagnostic = report.add(&codes::KEYS_UNUSED, span, message);
            let keyless = keyless(other);
            if let (Some(algorithm), Some(span)) = (keyless, table.value_span("algorithms")) {
                diagnostic.also(span, format!("`{algorithm}` needs `{}`", other.key));
            }
            let more = if keyless.is_some() { "" } else { ", …" };
            diagnostic.help(format!(
                "list their algorithm in `algorithms` of {own}: `[\"{}\"{more}]`",
                kind.sample
            ));
            if let Some(algorithm) = keyless {
                diagnostic.help(format!("or, for `{algorithm}`: {}", other.name));
            }
        } else if let Some(algorithm) = keyless(kind)
            && !(other.algorithm.is_none() && table.has(other.key))
        {
            let message = format!("`{algorithm}` without `{}`", kind.key);
            let diagnostic = report.add(&codes::KEYS_MISSING, place, message);
            if let (true, Some(span)) = (kind.key == "jwks", table.key_span("refresh")) {
                diagnostic.also(span, "this only replaces a pinned key set at run time");
            }
            diagnostic.help(kind.name.as_str());
        }
    }
    if let (None, false, Some(span)) = (
        public.algorithm,
        table.has("jwks"),
        table.key_span("refresh"),
    ) && !algorithms.is_empty()
    {
        report
            .add(&codes::KEYS_UNUSED, span, "`refresh` without `jwks`")
            .help(format!(
                "pin the key set that is fetched again, in {own}: `jwks = \"keys/….json\"`"
            ));
    }
}

/// Keys of one kind, and an algorithm of the issuer that uses them.
struct Kind<'a> {
    /// The key of `[[issuer]]` that names them.
    key: &'static str,
    algorithm: Option<&'a Algorithm>,
    /// The algorithm that they most probably are for.
    sample: Algorithm,
    keyed: &'static str,
    /// The help for keys that are missing.
    name: String,
}

/// An issuer's table for messages about keys that may be far from its header.
pub(super) fn shown_table(table: Table<'_>) -> String {
    match table.text("name") {
        Some(name) if !name.value.is_empty() => format!("`[[issuer]]` `{}`", shown(name.value)),
        _ => "this `[[issuer]]`".to_owned(),
    }
}
