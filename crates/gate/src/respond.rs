//! The responses of the gate.
//!
//! There is one text per status, so that a response does not reveal which check failed. The format depends on
//! the reader: a browser that navigates, a script, or any other client. Not here: the reason, which is only
//! in the log record.

use alloc::{borrow::Cow, format, string::String};

use tollgate_core::{MethodSet, Reason};

use crate::chars::is_http_token_byte;
use crate::config::{DenyAnswer, DenyConfig};
use crate::request::Request;
use crate::response::{Response, empty, plain, public_text};
use crate::session::push_string;
use crate::sign_in::returning;

/// The content security policy of deny pages: styles and images of the site, but no scripts and no framing.
pub const PAGE_POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
     font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The time that browsers cache the response to a preflight, in seconds.
pub const PREFLIGHT_SECS: &str = "600";

/// The reader of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// A browser that navigates.
    Person,
    /// A script, or a program that accepts JSON.
    Script,
    /// Media elements, command-line tools, and every client of a site that has neither pages nor `cors`.
    Other,
}

impl Reader {
    /// Browsers send `sec-fetch-mode: navigate`. Without that header, a client that accepts HTML counts as a
    /// browser.
    fn of(deny: &DenyConfig, request: &Request<'_>) -> Self {
        if deny.pages.is_empty() && deny.cors.is_empty() {
            return Self::Other;
        }
        let navigates = match request.has_header("sec-fetch-mode") {
            true => request.mentions("sec-fetch-mode", "navigate"),
            false => request.mentions("accept", "text/html"),
        };
        if navigates {
            Self::Person
        } else if request.mentions("sec-fetch-dest", "empty") || request.mentions("accept", "json")
        {
            Self::Script
        } else {
            Self::Other
        }
    }
}

/// Returns the response for a reason other than `allow`.
///
/// `challenge` is the value of `WWW-Authenticate`; `allow` contains the methods that a rule allows.
pub(crate) fn respond(
    deny: &DenyConfig,
    challenge: &str,
    request: &Request<'_>,
    reason: Reason,
    allow: MethodSet,
) -> Response {
    let reader = match reason {
        // The failure may be in the data that pages are built from.
        Reason::Allow | Reason::Internal => Reader::Other,
        _ => Reader::of(deny, request),
    };
    let mut response = match &*deny.answer_to(reason) {
        // A script cannot follow a redirect to a sign-in page.
        DenyAnswer::Redirect(_) if reader == Reader::Script => plain(request.method, 401),
        DenyAnswer::Redirect(location) => {
            let mut response = plain(request.method, 302);
            response.push("location", location.clone());
            response
        }
        DenyAnswer::SignIn(endpoint) if is_navigation(request) => {
            let mut response = plain(request.method, 302);
            response.push("location", returning(endpoint, request.target));
            response
        }
        DenyAnswer::SignIn(_) => plain(request.method, 401),
        DenyAnswer::Status(status) => plain(request.method, *status),
    };
    // RFC 9110 requires a challenge in every 401.
    if response.status == 401 {
        response.push("www-authenticate", challenge.into());
    }
    if reason == Reason::BadMethod {
        response.push("allow", joined(allow.names()));
    }
    let page = deny
        .pages
        .iter()
        .find(|page| page.status == response.status);
    match (reader, page) {
        (Reader::Person, Some(page)) => {
            response.set("content-type", "text/html; charset=utf-8");
            response.push("content-security-policy", PAGE_POLICY.into());
            if request.method != "HEAD" {
                response.body = Cow::Owned(page.html.clone());
            }
        }
        _ => match (sign_in(deny, reason), reader) {
            (Some(endpoint), _) if response.status == 401 => {
                write_json(&mut response, request, Some(endpoint));
            }
            (_, Reader::Script) => write_json(&mut response, request, None),
            _ => {}
        },
    }
    share(deny, request, &mut response);
    response
}

/// Adds the headers with which scripts of a listed origin can read a response.
pub(crate) fn share(deny: &DenyConfig, request: &Request<'_>, response: &mut Response) {
    if let Some(origin) = listed_origin(deny, request) {
        response.push("access-control-allow-origin", origin.into());
        response.push("access-control-allow-credentials", "true".into());
        response.push("vary", "origin".into());
    }
}

/// The origin of the request, if it is listed in `cors`.
fn listed_origin<'d>(deny: &'d DenyConfig, request: &Request<'_>) -> Option<&'d str> {
    let is_it = |origin: &&String| {
        let mut lines = request.lines("origin");
        lines.any(|line| line == origin.as_bytes())
    };
    deny.cors.iter().find(is_it).map(String::as_str)
}

/// Returns the response to the preflight of a listed origin. Browsers send preflights without credentials, so
/// no rule for signed-in users can allow one. The response only permits the browser to send the request
/// itself, which is then evaluated.
pub(crate) fn preflight(deny: &DenyConfig, request: &Request<'_>) -> Option<Response> {
    if request.method != "OPTIONS" {
        return None;
    }
    listed_origin(deny, request)?;
    let method = request.lines("access-control-request-method").next()?;
    let method = core::str::from_utf8(method).ok()?;
    if method.is_empty() || !method.bytes().all(is_http_token_byte) {
        return None;
    }
    let mut response = empty(204);
    share(deny, request, &mut response);
    response.push("access-control-allow-methods", method.into());
    let is_list = |byte: u8| is_http_token_byte(byte) || byte == b',' || byte == b' ';
    let names = request.lines("access-control-request-headers").next();
    let names = names.and_then(|names| core::str::from_utf8(names).ok());
    if let Some(names) = names.filter(|names| !names.is_empty() && names.bytes().all(is_list)) {
        response.push("access-control-allow-headers", names.into());
    }
    response.push("access-control-max-age", PREFLIGHT_SECS.into());
    Some(response)
}

/// The endpoint at which the gate signs users in, if that is the response to this reason.
fn sign_in(deny: &DenyConfig, reason: Reason) -> Option<&str> {
    let answer = match reason {
        Reason::NoToken => &deny.no_token,
        Reason::BadToken => &deny.bad_token,
        Reason::Forbidden | Reason::DeniedByRule => &deny.forbidden,
        Reason::Allow | Reason::BadPath | Reason::BadMethod | Reason::Internal => return None,
    };
    match answer {
        DenyAnswer::SignIn(endpoint) => Some(endpoint),
        DenyAnswer::Status(_) | DenyAnswer::Redirect(_) => None,
    }
}

/// Replaces the body by that for scripts: one text per status, as for all readers.
fn write_json(response: &mut Response, request: &Request<'_>, sign_in: Option<&str>) {
    response.set("content-type", "application/json");
    if request.method == "HEAD" {
        return;
    }
    let status = response.status;
    let error = public_text(status).trim_end();
    let mut json = format!("{{\"status\":{status},\"error\":\"{error}\"");
    if let Some(endpoint) = sign_in {
        json.push_str(",\"sign_in\":");
        push_string(&mut json, endpoint);
    }
    json.push_str("}\n");
    response.body = Cow::Owned(json);
}

/// Whether a browser navigates to the URL, so that a redirect to another site can be followed. Scripts, images,
/// frames, prefetches and WebSockets cannot sign a user in.
pub(crate) fn is_navigation(request: &Request<'_>) -> bool {
    let is_read = matches!(request.method, "GET" | "HEAD");
    if !is_read || request.mentions("sec-purpose", "prefetch") {
        return false;
    }
    let is = |name: &str, value: &str| {
        let mut lines = request.lines(name);
        lines.next() == Some(value.as_bytes()) && lines.next().is_none()
    };
    if request.has_header("sec-fetch-mode") || request.has_header("sec-fetch-dest") {
        is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
    } else {
        request.mentions("accept", "text/html") && !request.has_header("x-requested-with")
    }
}

/// The challenge for a site: `Bearer realm="…"`.
pub fn challenge(site: &str) -> String {
    let mut realm = String::with_capacity(site.len());
    for c in site.chars() {
        match c {
            '"' | '\\' => realm.extend(['\\', c]),
            ' '..='~' => realm.push(c),
            // A quoted string can contain only visible ASCII; other characters could end the header.
            _ => realm.push('_'),
        }
    }
    format!("Bearer realm=\"{realm}\"")
}

fn joined(names: impl Iterator<Item = &'static str>) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use tollgate_core::UnixSeconds;

    use alloc::vec::Vec;

    use super::*;
    use crate::config::DenyPage;

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        let mut found = response.headers.iter().filter(|(n, _)| n == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} occurs twice");
        first
    }

    fn answer(deny: &DenyConfig, method: &str, reason: Reason) -> Response {
        asked(deny, method, &[], reason)
    }

    fn asked(
        deny: &DenyConfig,
        method: &str,
        headers: &[(&str, &[u8])],
        reason: Reason,
    ) -> Response {
        let request = Request {
            method,
            target: b"/",
            headers,
            ip: None,
            now: UnixSeconds(0),
            entropy: None,
        };
        respond(deny, &challenge("site"), &request, reason, MethodSet::READ)
    }

    #[test]
    fn every_reason_has_its_status_and_headers() {
        let table = [
            (Reason::Allow, 500, None),
            (
                Reason::NoToken,
                401,
                Some(("www-authenticate", "Bearer realm=\"site\"")),
            ),
            (
                Reason::BadToken,
                401,
                Some(("www-authenticate", "Bearer realm=\"site\"")),
            ),
            (Reason::Forbidden, 403, None),
            (Reason::DeniedByRule, 403, None),
            (Reason::BadPath, 400, None),
            (Reason::BadMethod, 405, Some(("allow", "GET, HEAD"))),
            (Reason::Internal, 500, None),
        ];
        for (reason, status, extra) in table {
            let response = answer(&DenyConfig::default(), "GET", reason);
            assert_eq!(response.status, status, "{reason:?}");
            assert_eq!(header(&response, "cache-control"), Some("no-store"));
            assert_eq!(
                header(&response, "content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
            assert_eq!(response.headers.len(), 3 + usize::from(extra.is_some()));
            if let Some((name, value)) = extra {
                assert_eq!(header(&response, name), Some(value), "{reason:?}");
            }
            assert!(!response.body.is_empty());
            let head = answer(&DenyConfig::default(), "HEAD", reason);
            assert_eq!(
                head,
                Response {
                    body: "".into(),
                    ..response
                }
            );
        }
    }

    #[test]
    fn a_missing_and_an_invalid_token_get_the_same_response() {
        let deny = DenyConfig::default();
        assert_eq!(
            answer(&deny, "GET", Reason::NoToken),
            answer(&deny, "GET", Reason::BadToken)
        );
    }

    #[test]
    fn denies_follow_the_configuration() {
        let deny = DenyConfig {
            no_token: DenyAnswer::Redirect("/login".into()),
            bad_token: DenyAnswer::Status(403),
            forbidden: DenyAnswer::Status(404),
            ..DenyConfig::default()
        };
        let login = answer(&deny, "GET", Reason::NoToken);
        assert_eq!(
            (login.status, header(&login, "location")),
            (302, Some("/login"))
        );
        assert_eq!(header(&login, "www-authenticate"), None);
        let bad = answer(&deny, "GET", Reason::BadToken);
        assert_eq!((bad.status, header(&bad, "www-authenticate")), (403, None));
        assert_eq!(answer(&deny, "GET", Reason::Forbidden).status, 404);
        assert_eq!(answer(&deny, "GET", Reason::DeniedByRule).status, 404);
        assert_eq!(answer(&deny, "GET", Reason::BadPath).status, 400);
    }

    /// Readers of denials of a site with a page for 403 and scripts on `https://app.example`.
    #[test]
    fn browsers_get_pages_and_scripts_get_json() {
        let deny = DenyConfig {
            no_token: DenyAnswer::Redirect("/login".into()),
            pages: Vec::from([DenyPage {
                status: 403,
                html: "<p>No.".into(),
            }]),
            cors: Vec::from(["https://app.example".into()]),
            ..DenyConfig::default()
        };
        let json = "{\"status\":403,\"error\":\"You have no access to this.\"}\n";
        let text = "You have no access to this.\n";
        type Row = (
            &'static [(&'static str, &'static str)],
            Reason,
            u16,
            &'static str,
            &'static str,
        );
        let table: &[Row] = &[
            (
                &[("Accept", "text/html,*/*;q=0.8")],
                Reason::Forbidden,
                403,
                "text/html",
                "<p>No.",
            ),
            (
                &[("sec-fetch-mode", "navigate"), ("accept", "*/*")],
                Reason::Forbidden,
                403,
                "text/html",
                "<p>No.",
            ),
            (
                &[("sec-fetch-mode", "cors"), ("accept", "text/html")],
                Reason::Forbidden,
                403,
                "text/plain",
                text,
            ),
            (
                &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
                Reason::Forbidden,
                403,
                "application/json",
                json,
            ),
            (
                &[("accept", "application/problem+json")],
                Reason::Forbidden,
                403,
                "application/json",
                json,
            ),
            (
                &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "video")],
                Reason::Forbidden,
                403,
                "text/plain",
                text,
            ),
            (&[], Reason::Forbidden, 403, "text/plain", text),
            // No page for this status.
            (
                &[("accept", "text/html")],
                Reason::BadPath,
                400,
                "text/plain",
                "This address is not valid.\n",
            ),
            // Browsers are redirected to sign in, scripts receive a 401.
            (
                &[("accept", "text/html")],
                Reason::NoToken,
                302,
                "text/plain",
                "Please sign in.\n",
            ),
            (&[], Reason::NoToken, 302, "text/plain", "Please sign in.\n"),
            (
                &[("accept", "application/json")],
                Reason::NoToken,
                401,
                "application/json",
                "{\"status\":401,\"error\":\"Please sign in.\"}\n",
            ),
        ];
        for (headers, reason, status, kind, body) in table {
            let headers: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes()))
                .collect();
            let response = asked(&deny, "GET", &headers, *reason);
            assert_eq!(response.status, *status, "{reason:?}");
            let found = header(&response, "content-type").unwrap();
            assert_eq!(found.split(';').next(), Some(*kind), "{status} {body}");
            assert_eq!(response.body, *body);
            assert_eq!(
                header(&response, "content-security-policy").is_some(),
                *kind == "text/html"
            );
            assert_eq!(
                header(&response, "www-authenticate").is_some(),
                *status == 401
            );
            assert_eq!(header(&response, "access-control-allow-origin"), None);
            let head = asked(&deny, "HEAD", &headers, *reason);
            assert_eq!(
                head,
                Response {
                    body: "".into(),
                    ..response
                }
            );
        }
    }

    #[test]
    fn scripts_of_listed_origins_read_denials() {
        let deny = DenyConfig {
            cors: Vec::from(["https://app.example".into(), "https://b.example".into()]),
            ..DenyConfig::default()
        };
        for (origin, expect) in [
            ("https://app.example", true),
            ("https://b.example", true),
            ("https://app.example.evil", false),
            ("https://APP.example", false),
            ("null", false),
            ("", false),
        ] {
            let response = asked(
                &deny,
                "GET",
                &[("Origin", origin.as_bytes())],
                Reason::Forbidden,
            );
            let found = header(&response, "access-control-allow-origin");
            assert_eq!(found, expect.then_some(origin));
            assert_eq!(header(&response, "vary").is_some(), expect);
        }
    }

    #[test]
    fn a_site_name_cannot_leave_the_quotes() {
        let table = [
            ("simple-courses", r#"Bearer realm="simple-courses""#),
            ("a \"b\" \\c", r#"Bearer realm="a \"b\" \\c""#),
            ("a\r\nset-cookie: b", r#"Bearer realm="a__set-cookie: b""#),
            ("Kurse für alle", r#"Bearer realm="Kurse f_r alle""#),
        ];
        for (site, expect) in table {
            assert_eq!(challenge(site), expect);
        }
    }
}
