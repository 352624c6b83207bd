//! The responses of the gate.
//!
//! There is one text per status, so that a response never tells which check failed. Not here: the
//! reason, which goes to the log record only.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use tollgate_core::{MethodSet, Reason};

use crate::config::{DenyAnswer, DenyConfig};
use crate::outcome::Response;

/// The response for a reason other than `allow`.
///
/// `challenge` is the value of `WWW-Authenticate`; `allow` the methods that would have passed.
pub(crate) fn respond(
    deny: &DenyConfig,
    challenge: &str,
    method: &str,
    reason: Reason,
    allow: MethodSet,
) -> Response {
    if reason == Reason::BadMethod {
        let mut response = plain(method, 405);
        response
            .headers
            .push((Cow::Borrowed("allow"), joined(allow.names())));
        return response;
    }
    match &*deny.answer_to(reason) {
        DenyAnswer::Status(status) => {
            let mut response = plain(method, *status);
            // RFC 9110 wants a challenge in every 401.
            if *status == 401 {
                response
                    .headers
                    .push((Cow::Borrowed("www-authenticate"), challenge.into()));
            }
            response
        }
        DenyAnswer::Redirect(location) => {
            let mut response = plain(method, 302);
            response
                .headers
                .push((Cow::Borrowed("location"), location.clone()));
            response
        }
    }
}

/// A response with nothing but its status's text.
pub(crate) fn plain(method: &str, status: u16) -> Response {
    let headers = [
        ("cache-control", "no-store"),
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ];
    Response {
        status,
        headers: Vec::from(headers.map(|(name, value)| (Cow::Borrowed(name), value.into()))),
        body: Cow::Borrowed(if method == "HEAD" {
            ""
        } else {
            public_text(status)
        }),
    }
}

/// The challenge for a site: `Bearer realm="…"`.
pub fn challenge(site: &str) -> String {
    let mut realm = String::with_capacity(site.len());
    for c in site.chars() {
        match c {
            '"' | '\\' => realm.extend(['\\', c]),
            ' '..='~' => realm.push(c),
            // A quoted string holds visible ASCII only; anything else could end the header.
            _ => realm.push('_'),
        }
    }
    format!("Bearer realm=\"{realm}\"")
}

/// What the body of a response with this status says.
pub fn public_text(status: u16) -> &'static str {
    match status {
        302 | 401 => "Please sign in.\n",
        400 => "This address is not valid.\n",
        403 => "You have no access to this.\n",
        404 => "There is nothing here.\n",
        405 => "This method is not available here.\n",
        500 => "Something went wrong.\n",
        _ => "This is not available.\n",
    }
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
    use super::*;

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        let mut found = response.headers.iter().filter(|(n, _)| n == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice");
        first
    }

    fn answer(deny: &DenyConfig, method: &str, reason: Reason) -> Response {
        let allow = MethodSet::READ;
        respond(deny, &challenge("site"), method, reason, allow)
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
    fn a_missing_and_a_bad_token_look_the_same() {
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
