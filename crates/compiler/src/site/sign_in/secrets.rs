//! The secrets of sign-in: those that seal cookies, and the one of the client.
//!
//! No message contains any of them. Not here: how cookies are sealed.

use sha2::{Digest, Sha256};
use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{MAX_CLIENT_BYTES, SEAL_SECRET_BYTES, SealSecret};

use super::super::Input;
use super::super::keys::{duplicate_kid, secret};
use super::super::stand_in::{self, Content, secret_file};
use crate::diagnostic::{Report, Span, codes, shown};
use crate::document::Table;

/// Reads `secrets`; `None` if something was reported.
pub(super) fn sealing(
    table: Table<'_>,
    gate: &GateConfig,
    input: Input<'_>,
    report: &mut Report,
) -> Option<Vec<SealSecret>> {
    let entries = table.tables("secrets");
    if let (true, Some(span)) = (entries.is_empty(), table.value_span("secrets")) {
        report
            .add(
                &codes::BAD_SIGN_IN,
                span,
                "no secret seals the cookies of sign-in",
            )
            .help("name one in `[sign_in]`: `secrets = [{ kid = \"s1\", file = \"keys/sign-in-1.key\" }]`");
    }
    let mut secrets = Vec::new();
    let mut is_complete = !entries.is_empty();
    let mut spans: Vec<(&str, Span)> = Vec::new();
    for entry in entries {
        let (Some(kid), Some(name)) = (entry.text("kid"), entry.text("file")) else {
            is_complete = false;
            continue;
        };
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !kid.value.bytes().all(is_allowed) {
            is_complete = false;
            let message = format!("`{}` is not the name of a sealing secret", shown(kid.value));
            report
                .add(&codes::BAD_SIGN_IN, kid.span, message)
                .help("write letters, digits, `-` and `_`, such as `s1`: cookies contain it");
        }
        if let Some((_, first)) = spans.iter().find(|(earlier, _)| *earlier == kid.value) {
            duplicate_kid("secrets of `[sign_in]`", &kid, *first, report)
                .help("give each secret a `kid` of its own; a new secret gets a new one");
            is_complete = false;
        }
        spans.push((kid.value, kid.span));
        let need = (SEAL_SECRET_BYTES, "to seal cookies".to_owned());
        let Some(bytes) = secret(&name, Some(need), input, report) else {
            is_complete = false;
            continue;
        };
        let mut issuers = gate.issuers.iter();
        let other = issuers.find(|issuer| issuer.secrets.iter().any(|other| other.key == bytes));
        if let Some(other) = other {
            is_complete = false;
            let message = format!(
                "`{}` seals cookies, and is a secret of issuer `{}`",
                shown(name.value),
                other.name
            );
            report
                .add(&codes::BAD_SECRET, name.span, message)
                .help("make a random one for sign-in only, so that each can be replaced without the other");
        }
        secrets.push(SealSecret {
            kid: kid.value.to_owned(),
            key: Sha256::digest(&bytes).into(),
        });
    }
    is_complete.then_some(secrets)
}

/// Reads the client secret, if there is one; the outer `None` if something was reported.
pub(super) fn of_client(
    table: Table<'_>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<Option<String>> {
    let Some(name) = table.text("client_secret") else {
        // Another type was reported with the shape of the table.
        return (!table.has("client_secret")).then_some(None);
    };
    if !name.value.is_empty() && !name.value.contains(['/', '.']) {
        // It may be the secret itself, so neither it nor its line is shown.
        report
            .add_whole(
                &codes::BAD_CLIENT_SECRET,
                "`client_secret` of `[sign_in]` is not the name of a file",
            )
            .help(
                "write the secret to a file of the policy folder, and the file's name in `[sign_in]`: \
                 `client_secret = \"keys/web.secret\"`",
            );
        return None;
    }
    let cure = format!(
        "write the secret that the issuer shows for the client to `{}`; a public client has none",
        shown(name.value)
    );
    let text = match secret_file(&name, "keys/….secret", cure, input, report)? {
        Content::Text(text) => text,
        Content::StandIn => return Some(Some(stand_in::text(name.value))),
    };
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (problem, help) = if line.is_empty() {
        (
            "is empty".to_owned(),
            "write the client secret to it; for a public client, remove `client_secret`",
        )
    } else if line.len() > MAX_CLIENT_BYTES {
        (
            format!(
                "has {} bytes; a client secret has at most {MAX_CLIENT_BYTES}",
                line.len()
            ),
            "write the client secret only",
        )
    } else if !line.bytes().all(|byte| byte.is_ascii_graphic()) {
        (
            "is not one line of visible ASCII characters".to_owned(),
            "write the client secret only, without quotes, spaces and comments",
        )
    } else {
        return Some(Some(line.to_owned()));
    };
    let message = format!("`{}` {problem}", shown(name.value));
    report
        .add(&codes::BAD_CLIENT_SECRET, name.span, message)
        .help(help);
    None
}
