//! `[sign_in]`: the gate signs users in at an issuer.
//!
//! Not here: the issuers and this site's clients there ([`provider`]), their endpoints ([`discovery`]), secrets ([`secrets`]), and the flow
//! ([`tollgate_gate::sign_in`]).

mod discovery;
mod provider;
mod secrets;

use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::session::SessionForm;
use tollgate_gate::sign_in::{ENDPOINTS, SignInConfig};
use tollgate_token::IssuerConfig;

use super::Input;
use super::origin::{is_origin, origin_help};
use super::pages;
use super::paths::is_plain;
use super::session::Draft;
use crate::diagnostic::{Report, codes, shown};
use crate::document::{Table, Text};

const TABLE: &str = "sign_in";
const DEFAULT_PATH: &str = "/.tollgate";
/// Reads the path below which the gate's endpoints are; `None` without `[sign_in]`. For one that was reported, the
/// default is returned, so that its consequences are not reported as well.
pub(super) fn path(root: Table<'_>, report: &mut Report) -> Option<String> {
    let table = root.table(TABLE)?;
    let written = table.text("path").filter(|path| !path.value.is_empty());
    let Some(path) = written else {
        return Some(DEFAULT_PATH.to_owned());
    };
    let parent = path.value.trim_end_matches('/');
    let help = if parent.is_empty() {
        "write a folder of its own, such as `/.tollgate`: all paths below it are the gate's"
            .to_owned()
    } else if parent != path.value && is_plain(parent) {
        format!("write it without the slash at its end: `{parent}`")
    } else if path.value.contains('%') || !is_plain(path.value) {
        "write an absolute path of letters, digits, `-`, `.`, `_` and `~`, such as `/.tollgate`"
            .to_owned()
    } else {
        return Some(path.value.to_owned());
    };
    let message = format!("`{}` is not a path for sign-in", shown(path.value));
    report
        .add(&codes::BAD_SIGN_IN, path.span, message)
        .help(help);
    Some(DEFAULT_PATH.to_owned())
}

/// The response that leads to the sign-in of the gate.
pub(super) fn answer(path: &str) -> DenyAnswer {
    DenyAnswer::SignIn(format!("{path}/sign-in"))
}

/// Reads `[sign_in]`; `None` if there is none, or it was reported. `path` is the result of [`path`].
pub(super) fn read(
    root: Table<'_>,
    path: String,
    gate: &GateConfig,
    session: Option<&Draft>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<SignInConfig> {
    let table = root.table(TABLE)?;
    check_session(root, table, &path, gate, session, report);
    let providers = provider::all(root, table, gate, session, input, report);
    let origins = origins(table, report);
    let signed_out = signed_out(table, &path, report);
    let page = pages::sign_in(table, input.sources, report);
    let secrets = secrets::sealing(table, gate, input, report);
    Some(SignInConfig {
        providers: providers?,
        origins: origins?,
        path,
        secrets: secrets?,
        signed_out: signed_out?,
        page: page?,
    })
}

/// Whether a path is one of the gate's: `path` itself, or below it.
fn is_at_or_below(path: &str, parent: &str) -> bool {
    let rest = path.strip_prefix(parent);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks that users who signed in get a session that gates accept.
fn check_session(
    root: Table<'_>,
    table: Table<'_>,
    path: &str,
    gate: &GateConfig,
    session: Option<&Draft>,
    report: &mut Report,
) {
    let is_by_course = session.is_some_and(Draft::is_by_course);
    let Some(session) = session.map(Draft::config) else {
        // A `[session]` with mistakes was reported.
        if !root.has("session") {
            let message = "`[sign_in]` without `[session]`: users who signed in get no session";
            let signs = |issuer: &&IssuerConfig| {
                !issuer.secrets.is_empty() && issuer.clients.contains(&gate.site)
            };
            let help = match gate.issuers.iter().find(signs) {
                Some(issuer) => format!(
                    "add `[session]` with `issuer = \"{}\"`",
                    shown(&issuer.name)
                ),
                None => format!(
                    "add an `[[issuer]]` with `name = \"sessions\"`, `algorithms = [\"HS256\"]`, `clients = [\"{}\"]` and \
                     `secrets`; `[session]` with `issuer = \"sessions\"`; and `cookie:__Host-tollgate` to `[token] from`",
                    shown(&gate.site)
                ),
            };
            report
                .add_whole(&codes::BAD_SIGN_IN, message)
                .also(table.place(), "users sign in here")
                .help(help);
        }
        return;
    };
    let written = |key| {
        root.table("session")
            .and_then(|table| table.value_span(key))
    };
    if is_by_course {
        let span = written("cookies").unwrap_or(table.place());
        let message = "browsers do not send cookies of courses to the endpoints of sign-in";
        report
            .add(&codes::BAD_SIGN_IN, span, message)
            .help("write `cookies = \"site\"` in `[session]`, or remove `cookies`");
    }
    if session.form != SessionForm::Jwt {
        let span = written("form").unwrap_or(table.place());
        report
            .add(
                &codes::BAD_SIGN_IN,
                span,
                "sign-in with sessions that gates do not accept",
            )
            .help("write `form = \"jwt\"` in `[session]`, or remove `form`");
    }
    let is_taken = |endpoint: &str| {
        endpoint == path
            || ENDPOINTS
                .iter()
                .any(|name| endpoint == format!("{path}/{name}"))
    };
    let endpoint = session.endpoint.as_deref();
    if let Some(endpoint) = endpoint.filter(|endpoint| is_taken(endpoint)) {
        let span = written("endpoint").unwrap_or(table.place());
        let message = format!("`{endpoint}` is an endpoint of sign-in, too");
        report.add(&codes::BAD_SIGN_IN, span, message).help(format!(
            "write another path in `endpoint` of `[session]`, such as `{path}/session`"
        ));
    }
}

fn origins(table: Table<'_>, report: &mut Report) -> Option<Vec<String>> {
    let mut origins = Vec::new();
    let mut is_good = true;
    for origin in table.texts("origins") {
        if is_origin(origin.value) {
            origins.push(origin.value.to_owned());
            continue;
        }
        is_good = false;
        // The empty text was reported with the shape of the file.
        if origin.value.is_empty() {
            continue;
        }
        let message = format!("`{}` is not an origin of this site", shown(origin.value));
        let diagnostic = report.add(&codes::BAD_ORIGIN, origin.span, message);
        diagnostic.help(if origin.value.contains('*') {
            "list each origin, because the issuer sends users back to one of them".to_owned()
        } else {
            origin_help(origin.value)
        });
    }
    (is_good && !origins.is_empty()).then_some(origins)
}

/// Reads `signed_out`; the outer `None` if it was reported.
fn signed_out(table: Table<'_>, path: &str, report: &mut Report) -> Option<Option<String>> {
    let Some(target) = table.text("signed_out") else {
        return Some(None);
    };
    if target.value.is_empty() {
        return None;
    }
    let (problem, help) = if !is_plain(target.value) {
        (
            "is not a path that a request can have",
            signed_out_help(&target),
        )
    } else if is_at_or_below(target.value, path) {
        (
            "is a path of the gate's own",
            "write the path of a page, such as `/`, or remove `signed_out` for the gate's own page"
                .to_owned(),
        )
    } else {
        return Some(Some(target.value.to_owned()));
    };
    let message = format!("`{}` {problem}", shown(target.value));
    report
        .add(&codes::BAD_SIGN_IN, target.span, message)
        .help(help);
    None
}

fn signed_out_help(target: &Text<'_>) -> String {
    let path = target.value.split(['?', '#']).next().unwrap_or_default();
    if path != target.value && is_plain(path) {
        return format!("write it without query and fragment: `{}`", shown(path));
    }
    "write an absolute path of this site, such as `/`".to_owned()
}

#[cfg(test)]
mod tests;
