//! The responses to denied requests, and the targets of redirects.
//!
//! A redirect that a browser could read as another host is an open door for phishing, so only three
//! plain forms are accepted. Not here: sending responses.

use tollgate_gate::config::DenyAnswer;

use crate::diagnostic::{Report, codes, shown};
use crate::document::{Table, Text};

const LOGIN: &str = "login";
const DEFAULT_LOGIN: &str = "/login";

/// The response that `redirect = "login"` means: `[login]`, else the sign-in of the gate, else a path by convention.
pub(super) fn login(
    root: Table<'_>,
    sign_in: Option<&DenyAnswer>,
    report: &mut Report,
) -> DenyAnswer {
    let url = root.table("login").and_then(|login| login.text("url"));
    match (url, sign_in) {
        (Some(url), _) if check_location(&url, "`url`", report) => {
            DenyAnswer::Redirect(url.value.to_owned())
        }
        (None, Some(sign_in)) => sign_in.clone(),
        _ => DenyAnswer::Redirect(DEFAULT_LOGIN.to_owned()),
    }
}

/// Reads one answer; `None` if it was reported.
pub(super) fn read(
    answer: Table<'_>,
    login: &DenyAnswer,
    report: &mut Report,
) -> Option<DenyAnswer> {
    if let Some(status) = answer.int("status") {
        return Some(DenyAnswer::Status(u16::try_from(status).ok()?));
    }
    let redirect = answer.text("redirect")?;
    if redirect.value == LOGIN {
        return Some(login.clone());
    }
    check_location(&redirect, "`redirect`", report)
        .then(|| DenyAnswer::Redirect(redirect.value.to_owned()))
}

fn check_location(text: &Text<'_>, what: &str, report: &mut Report) -> bool {
    // The empty text was reported with the shape of the file.
    if text.value.is_empty() {
        return false;
    }
    let value = text.value;
    let plain = value.bytes().all(|byte| byte.is_ascii_graphic()) && !value.contains('\\');
    // Browsers take `//host` for another site, and some `/\host` too.
    let path = value.starts_with('/') && !value.starts_with("//");
    if plain && (path || is_https(value)) {
        return true;
    }
    let message = format!("{what} is not a valid redirect target: `{}`", shown(value));
    let diagnostic = report.add(&codes::BAD_REDIRECT, text.span, message);
    if !plain {
        diagnostic.help("escape spaces and non-ASCII characters: `%20`");
    } else if value.starts_with("//") {
        diagnostic.help(
            "a browser resolves this to another site; write `https:` before it if that is intended",
        );
    } else {
        diagnostic.help("write `login`, an absolute path such as `/welcome`, or an `https://` URL");
    }
    false
}

/// Whether the text is an `http` URL of this machine, which needs no TLS because nobody else is on the
/// way: what a sign-in service for trying things out has.
pub(super) fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let is_here = |host: &str| {
        let after = rest.strip_prefix(host);
        after.is_some_and(|after| after.is_empty() || after.starts_with([':', '/']))
    };
    ["127.0.0.1", "localhost", "[::1]"].into_iter().any(is_here) && is_plain(rest)
}

/// Whether the text is an `https` URL with a host and without a user.
pub(super) fn is_https(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(is_plain)
}

/// Whether what follows the scheme is a host and perhaps a path, without a user.
fn is_plain(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .split_once(':')
        .map_or(authority, |(host, _)| host);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    !host.is_empty()
        && authority.bytes().all(good)
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}
