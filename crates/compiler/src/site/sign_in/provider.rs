//! The issuers where users sign in, and this site's client at each.
//!
//! The first is described by `[sign_in]` itself, the others by its `[[sign_in.provider]]`. Not here: their endpoints
//! ([`discovery`]).

use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{SignInProvider, is_max_age, is_of_flow, is_parameter};
use tollgate_token::{IssuerConfig, IssuerKind};

use super::super::Input;
use super::super::session::Draft;
use super::{discovery, secrets};
use crate::diagnostic::{Report, Span, codes, shown};
use crate::document::Table;
use crate::keys::{nearest, or_list};

/// The scope that makes an authorization request one of OpenID Connect.
const OPENID: &str = "openid";

/// Reads all providers; `None` if something was reported.
pub(super) fn all(
    root: Table<'_>,
    sign_in: Table<'_>,
    gate: &GateConfig,
    session: Option<&Draft>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<Vec<SignInProvider>> {
    let mut providers = Vec::new();
    let mut seen: Vec<(u32, Span)> = Vec::new();
    let mut is_complete = true;
    let tables = [sign_in].into_iter().chain(sign_in.tables("provider"));
    for (nth, table) in tables.enumerate() {
        // The missing key was reported with the shape of the table.
        if nth > 0 && !table.has("issuer") {
            is_complete = false;
            continue;
        }
        let Some(provider) = one(root, table, gate, session, input, report) else {
            is_complete = false;
            continue;
        };
        let span = table.value_span("issuer").unwrap_or(table.place());
        let name = gate.issuers.get(provider.issuer as usize);
        let name = name.map_or("", |issuer| issuer.name.as_str());
        if let Some((_, first)) = seen.iter().find(|(issuer, _)| *issuer == provider.issuer) {
            is_complete = false;
            let message = format!("users sign in at issuer `{}` twice", shown(name));
            report
                .add(&codes::BAD_SIGN_IN, span, message)
                .also(*first, "here, too")
                .help("remove one of them, or name another `[[issuer]]`");
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if nth > 0 && !name.bytes().all(is_plain) {
            is_complete = false;
            let message = format!(
                "the name `{}` cannot be part of a redirect URI",
                shown(name)
            );
            report
                .add(&codes::BAD_SIGN_IN, span, message)
                .help("name the `[[issuer]]` with letters, digits, `-` and `_`");
        }
        seen.push((provider.issuer, span));
        providers.push(provider);
    }
    is_complete.then_some(providers)
}

fn one(
    root: Table<'_>,
    table: Table<'_>,
    gate: &GateConfig,
    session: Option<&Draft>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<SignInProvider> {
    let issuer = issuer(table, gate, session, report);
    let client = issuer.and_then(|(_, issuer)| client(root, table, issuer, report));
    let scopes = scopes(table, report);
    let parameters = parameters(table, report);
    let label = label(table, report);
    let client_secret = secrets::of_client(table, input, report);
    let discovered =
        issuer.and_then(|(_, issuer)| discovery::read(table, issuer, input.sources, report));
    let discovered = discovered?;
    let client_auth = discovered.client_auth(table, client_secret?, report);
    let (at, issuer) = issuer?;
    Some(SignInProvider {
        issuer: u32::try_from(at).ok()?,
        label: label?.unwrap_or_else(|| issuer.name.clone()),
        client: client?,
        client_auth: client_auth?,
        scopes: scopes?,
        parameters: parameters?,
        endpoints: discovered.endpoints,
    })
}

/// Reads `label`; the outer `None` if it was reported.
fn label(table: Table<'_>, report: &mut Report) -> Option<Option<String>> {
    let Some(label) = table.text("label") else {
        return (!table.has("label")).then_some(None);
    };
    if label.value.is_empty() {
        return None;
    }
    if label.value.trim().is_empty() || label.value.chars().any(char::is_control) {
        let message = format!("`{}` is not a label", shown(label.value));
        report
            .add(&codes::BAD_SIGN_IN, label.span, message)
            .help("write the words that users know the issuer by, such as \"Company account\"");
        return None;
    }
    Some(Some(label.value.to_owned()))
}

/// Reads `parameters`; `None` if something was reported.
fn parameters(table: Table<'_>, report: &mut Report) -> Option<Vec<(String, String)>> {
    let Some(written) = table.table("parameters") else {
        return (!table.has("parameters")).then(Vec::new);
    };
    let mut parameters = Vec::new();
    let mut is_complete = true;
    for (name, span, value) in written.entries() {
        let Some(value) = written.text_of(value) else {
            is_complete = false;
            continue;
        };
        if is_max_age(name) && value.value.parse::<u32>().is_err() {
            is_complete = false;
            let message = format!("`{}` is not a number of seconds", shown(value.value));
            report
                .add(&codes::BAD_SIGN_IN, value.span, message)
                .help("write the largest age of a sign-in, such as `max_age = \"3600\"`");
            continue;
        }
        if is_parameter(name, value.value) {
            parameters.push((name.to_owned(), value.value.to_owned()));
            continue;
        }
        is_complete = false;
        let own = match name {
            "scope" => Some("write `scopes` instead"),
            "client_id" => Some("write `client` instead"),
            "client_secret" => {
                Some("write `client_secret` next to `client` instead, with the name of a file")
            }
            _ if is_of_flow(name) => Some("remove it: the gate sets it for each sign-in"),
            _ => None,
        };
        let is_name = own.is_none() && is_parameter(name, "");
        let (message, span, help) = match own {
            Some(help) => (
                format!("`{name}` is a parameter of the flow itself"),
                span,
                help,
            ),
            None if is_name => (
                format!("the value of `{name}` is not one that a URL can have"),
                value.span,
                "write at most 1,024 visible ASCII characters and spaces; the gate escapes them",
            ),
            None => (
                format!("`{}` is not the name of a parameter", shown(name)),
                span,
                "write letters, digits, `-`, `.` and `_`, such as `prompt`",
            ),
        };
        report.add(&codes::BAD_SIGN_IN, span, message).help(help);
    }
    is_complete.then_some(parameters)
}

/// The issuer where users sign in, and its position.
fn issuer<'g>(
    table: Table<'_>,
    gate: &'g GateConfig,
    session: Option<&Draft>,
    report: &mut Report,
) -> Option<(usize, &'g IssuerConfig)> {
    let (at, issuer) = named_issuer(table, gate, session, report)?;
    if let IssuerKind::Cognito {
        id: false,
        access: _,
    } = issuer.kind
    {
        let span = table.value_span("issuer").unwrap_or(table.place());
        let message = format!(
            "issuer `{}` accepts no ID tokens, and sign-in returns one",
            issuer.name
        );
        report
            .add(&codes::BAD_SIGN_IN, span, message)
            .help("add \"id\" to its `token_use`");
        return None;
    }
    Some((at, issuer))
}

/// The issuer that `issuer` names, or the only one.
fn named_issuer<'g>(
    table: Table<'_>,
    gate: &'g GateConfig,
    session: Option<&Draft>,
    report: &mut Report,
) -> Option<(usize, &'g IssuerConfig)> {
    let session = session.map(Draft::config);
    let is_session = |at: usize| session.is_some_and(|session| session.is_issuer(at));
    let known = gate.issuers.iter().enumerate();
    let sign_in: Vec<_> = known.clone().filter(|(at, _)| !is_session(*at)).collect();
    let names: Vec<&str> = sign_in
        .iter()
        .map(|(_, known)| known.name.as_str())
        .collect();
    let Some(name) = table.text("issuer") else {
        // Another type was reported with the shape of the table.
        if table.has("issuer") {
            return None;
        }
        if let [one] = sign_in.as_slice() {
            return Some(*one);
        }
        if sign_in.is_empty() {
            let message = "no issuer where users can sign in";
            report
                .add(&codes::BAD_SIGN_IN, table.place(), message)
                .help("add the `[[issuer]]` whose tokens the site accepts");
        } else if session.is_some() {
            let message = "`[sign_in]` does not name one of several issuers";
            report
                .add(&codes::BAD_SIGN_IN, table.place(), message)
                .help(format!(
                    "name one in `issuer` of `[sign_in]`: {}",
                    or_list(&names)
                ));
        }
        // Without a session it is unknown which of them signs sessions, and its absence was reported.
        return None;
    };
    let choice = match names.is_empty() {
        true => "add the `[[issuer]]` where users sign in, and name it here".to_owned(),
        false => format!("write {}", or_list(&names)),
    };
    let mut known = known;
    let found = known.find(|(_, known)| known.name == name.value);
    let (message, help) = match found {
        Some((at, issuer)) if !is_session(at) => return Some((at, issuer)),
        Some((_, issuer)) => (
            format!(
                "issuer `{}` signs sessions; no user signs in there",
                issuer.name
            ),
            choice,
        ),
        // The empty name was reported with the shape of the table.
        None if name.value.is_empty() => return None,
        None => (
            format!("no issuer `{}`", shown(name.value)),
            nearest(name.value, names.iter().copied())
                .map_or(choice, |near| format!("did you mean `{near}`?")),
        ),
    };
    report
        .add(&codes::BAD_SIGN_IN, name.span, message)
        .help(help);
    None
}

fn client(
    root: Table<'_>,
    table: Table<'_>,
    issuer: &IssuerConfig,
    report: &mut Report,
) -> Option<String> {
    let client = table
        .text("client")
        .filter(|client| !client.value.is_empty())?;
    if !client.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("`{}` is not a client ID", shown(client.value));
        report
            .add(&codes::BAD_SIGN_IN, client.span, message)
            .help("write it exactly as the issuer shows it, without spaces");
        return None;
    }
    if issuer.clients.iter().any(|known| known == client.value) {
        return Some(client.value.to_owned());
    }
    let name = &issuer.name;
    let message = format!(
        "`{}` is not a client of issuer `{name}`",
        shown(client.value)
    );
    let tables = root.tables("issuer");
    let is_it = |table: &&Table<'_>| table.text("name").is_some_and(|text| text.value == name);
    let listed = tables.iter().find(is_it);
    let listed = listed.and_then(|table| table.value_span("clients"));
    let diagnostic = report.add(&codes::BAD_SIGN_IN, client.span, message);
    if let Some(span) = listed {
        diagnostic.also(span, "its clients");
    }
    let known = issuer.clients.iter().map(String::as_str);
    if let Some(near) = nearest(client.value, known) {
        diagnostic.help(format!("did you mean `{}`?", shown(near)));
    }
    diagnostic.help(format!(
        "if tokens of this client are accepted, add it to `clients` of `[[issuer]]` `{name}`: `[\"{}\", …]`",
        shown(client.value)
    ));
    None
}

fn scopes(table: Table<'_>, report: &mut Report) -> Option<Vec<String>> {
    let Some(span) = table.value_span("scopes") else {
        return Some(vec![OPENID.to_owned()]);
    };
    let written = table.texts("scopes");
    let mut is_good = true;
    for scope in written.iter().filter(|scope| !scope.value.is_empty()) {
        // RFC 6749, section 3.3.
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if scope.value.bytes().all(is_allowed) {
            continue;
        }
        is_good = false;
        let message = format!("`{}` is not a scope", shown(scope.value));
        let diagnostic = report.add(&codes::BAD_SIGN_IN, scope.span, message);
        let parts: Vec<String> = scope
            .value
            .split_ascii_whitespace()
            .map(|part| format!("\"{}\"", shown(part)))
            .collect();
        diagnostic.help(if parts.len() > 1 {
            format!("list each scope: `[{}]`", parts.join(", "))
        } else {
            "write visible ASCII characters other than `\"` and `\\`".to_owned()
        });
    }
    let scopes: Vec<String> = written.iter().map(|scope| scope.value.to_owned()).collect();
    let has_openid = || {
        written.iter().any(|scope| {
            scope
                .value
                .split_ascii_whitespace()
                .any(|part| part == OPENID)
        })
    };
    if is_good && !scopes.is_empty() && !has_openid() {
        is_good = false;
        let all: Vec<String> = scopes
            .iter()
            .map(|scope| format!("\"{}\"", shown(scope)))
            .collect();
        report
            .add(
                &codes::BAD_SIGN_IN,
                span,
                "without the scope `openid` the issuer returns no ID token",
            )
            .help(format!(
                "add it to `scopes` of `[sign_in]`: `[\"openid\", {}]`",
                all.join(", ")
            ));
    }
    (is_good && !scopes.is_empty()).then_some(scopes)
}
