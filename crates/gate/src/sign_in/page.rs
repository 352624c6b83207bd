//! The pages of sign-in: HTML without scripts, for browsers that navigate, and JSON for all other clients.
//!
//! Not here: when which page is shown.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use crate::respond::PAGE_POLICY;
use crate::response::Response;
use crate::session::push_string;
use crate::sign_in_config::PAGE_PLACEHOLDERS;

/// The content of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The stable code, also the detail code of the record.
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    title: &'static str,
    text: &'static str,
}

const fn message(
    code: &'static str,
    status: u16,
    title: &'static str,
    text: &'static str,
) -> Message {
    Message {
        code,
        status,
        title,
        text,
    }
}

const FAILED: &str = "You are not signed in";

pub(crate) const SIGN_IN_REQUIRED: Message = message(
    "sign_in_required",
    401,
    FAILED,
    "Open this address in a browser to sign in.",
);
pub(crate) const CHOOSE: Message = message(
    "choose_provider",
    200,
    "Sign in",
    "Choose where you have an account.",
);
pub(crate) const SIGNED_OUT: Message = message(
    "signed_out",
    200,
    "You are signed out",
    "You can close this page.",
);
pub(crate) const CONFIRM_SIGN_OUT: Message = message(
    "confirm_sign_out",
    200,
    "Sign out?",
    "You are about to sign out of this site.",
);
pub(crate) const CALLBACK_MALFORMED: Message = message(
    "callback_malformed",
    400,
    FAILED,
    "The response of the sign-in service is not valid.",
);
pub(crate) const FLOW_MISSING: Message = message(
    "flow_missing",
    400,
    FAILED,
    "This sign-in has expired, or was started in another browser. Cookies must be enabled.",
);
pub(crate) const FLOW_EXPIRED: Message =
    message("flow_expired", 400, FAILED, "This sign-in took too long.");
pub(crate) const ISSUER_MISMATCH: Message = message(
    "issuer_mismatch",
    400,
    FAILED,
    "The response is from another sign-in service.",
);
pub(crate) const CANCELLED: Message = message(
    "sign_in_cancelled",
    403,
    FAILED,
    "The sign-in was cancelled.",
);
pub(crate) const PROVIDER_ERROR: Message = message(
    "provider_error",
    502,
    FAILED,
    "The sign-in service reports an error.",
);
pub(crate) const PROVIDER_SLOW: Message = message(
    "provider_slow",
    503,
    FAILED,
    "The sign-in service does not respond in time.",
);
pub(crate) const PROVIDER_UNREACHABLE: Message = message(
    "provider_unreachable",
    502,
    FAILED,
    "The sign-in service cannot be reached.",
);
pub(crate) const CODE_REJECTED: Message = message(
    "code_rejected",
    400,
    FAILED,
    "The sign-in service no longer accepts this sign-in.",
);
pub(crate) const CLIENT_REJECTED: Message = message(
    "client_rejected",
    502,
    FAILED,
    "The sign-in service does not accept this site. Its operator must correct the configuration.",
);
pub(crate) const TOKEN_RESPONSE_INVALID: Message = message(
    "token_response_invalid",
    502,
    FAILED,
    "The sign-in service sent an invalid response.",
);
pub(crate) const ID_TOKEN_REJECTED: Message = message(
    "id_token_rejected",
    502,
    FAILED,
    "The sign-in service sent an invalid token.",
);
pub(crate) const NONCE_MISMATCH: Message = message(
    "nonce_mismatch",
    502,
    FAILED,
    "The sign-in service sent a token of another sign-in.",
);
pub(crate) const SIGN_IN_TOO_OLD: Message = message(
    "sign_in_too_old",
    502,
    FAILED,
    "This site requires a recent sign-in, and the sign-in service did not ask you again.",
);
pub(crate) const AUDIENCE_MISMATCH: Message = message(
    "audience_mismatch",
    502,
    FAILED,
    "The sign-in service sent a token for another site.",
);
pub(crate) const SUBJECT_MISMATCH: Message = message(
    "subject_mismatch",
    502,
    FAILED,
    "The sign-in service sent a token of another user.",
);
pub(crate) const SESSION_TOO_LARGE: Message = message(
    "session_too_large",
    500,
    FAILED,
    "Your account has too many groups for a session. The operator of this site must reduce them.",
);
pub(crate) const SESSION_NOT_STORED: Message = message(
    "session_not_stored",
    403,
    FAILED,
    "You signed in several times, but your browser does not send the session cookie. Cookies must be enabled.",
);
pub(crate) const SESSION_NOT_ACCEPTED: Message = message(
    "session_not_accepted",
    403,
    FAILED,
    "You signed in several times, but this site does not accept the session. Its operator must correct the configuration.",
);
pub(crate) const REFRESH_ENDED: Message =
    message("refresh_ended", 401, FAILED, "Your session has ended.");
pub(crate) const CROSS_SITE: Message = message(
    "cross_site",
    403,
    "This request is not allowed",
    "Another site sent this request.",
);
pub(crate) const UNSUPPORTED: Message = message(
    "back_channel_unsupported",
    501,
    "Not supported",
    "This server keeps no state, so it cannot end sessions remotely.",
);
pub(crate) const INTERNAL: Message =
    message("sign_in_internal", 500, FAILED, "Something went wrong.");

/// A link on a page.
pub(crate) struct Link<'a> {
    pub(crate) label: &'a str,
    pub(crate) href: String,
}

/// The colours have the contrast that WCAG 2.2 requires: text 4.5, the focus ring 3. The transparent border is
/// visible where a browser replaces all colours.
const STYLE: &str = ":root{color-scheme:light dark;--link:#0b57d0;--on-link:#fff}\
     @media(prefers-color-scheme:dark){:root{--link:#a8c7fa;--on-link:#062e6f}}\
     body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;display:grid;min-height:100vh;place-items:center}\
     main{box-sizing:border-box;width:100%;max-width:32rem;padding:1.5rem;overflow-wrap:anywhere}\
     h1{font-size:1.7rem;line-height:1.25;margin:0}\
     a{display:inline-block;padding:.6rem 1.25rem;border:1px solid transparent;border-radius:.4rem;\
     background:var(--link);color:var(--on-link);font-weight:600;text-decoration:none}\
     .many a{display:block}a:focus-visible{outline:3px solid var(--link);outline-offset:3px}small{opacity:.75}";

/// The response for a message. `page` is the HTML document of the site, if it has one.
pub(crate) fn response(
    message: &Message,
    links: &[Link<'_>],
    is_page: bool,
    page: Option<&str>,
) -> Response {
    let Message {
        code,
        status,
        title,
        text,
    } = message;
    let mut headers: Vec<(Cow<'static, str>, String)> = Vec::new();
    let mut push = |name: &'static str, value: &str| {
        headers.push((Cow::Borrowed(name), value.into()));
    };
    push("cache-control", "no-store");
    push(
        "content-type",
        if is_page {
            "text/html; charset=utf-8"
        } else {
            "application/json"
        },
    );
    push("x-content-type-options", "nosniff");
    push("referrer-policy", "strict-origin");
    let body = if is_page {
        push("content-security-policy", PAGE_POLICY);
        let link = |Link { label, href }: &Link<'_>| {
            format!(
                "<p><a href=\"{}\">{}</a></p>",
                escaped(href),
                escaped(label)
            )
        };
        // Choices of different lengths are equally important.
        let many = if links.len() > 1 {
            " class=\"many\""
        } else {
            ""
        };
        let link: String = links.iter().map(link).collect();
        // A user who asks the operator for help can quote it.
        let reference = if *status >= 400 {
            format!("<p><small>Code: {code}</small></p>")
        } else {
            String::new()
        };
        let own = || filled(page?, [title, text, &link, &reference]);
        own().unwrap_or_else(|| {
            format!(
                "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><style>{STYLE}</style>\
             <main{many}><h1>{title}</h1><p>{text}</p>{link}{reference}</main></html>\n"
            )
        })
    } else {
        let mut body = format!("{{\"status\":{status},\"code\":\"{code}\",\"error\":\"{text}\"");
        if let [Link { label: _, href }] = links {
            body.push_str(",\"next\":");
            push_string(&mut body, href);
        }
        body.push_str("}\n");
        body
    };
    Response {
        status: *status,
        headers,
        body: Cow::Owned(body),
    }
}

/// Replaces the placeholders of a page, each once; `None` if it has none.
fn filled(page: &str, values: [&str; 4]) -> Option<String> {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    loop {
        let found = PAGE_PLACEHOLDERS
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some((rest.find(name)?, *name, value)))
            .min_by_key(|(at, _, _)| *at);
        let Some((at, name, value)) = found else {
            break;
        };
        out.push_str(rest.get(..at)?);
        out.push_str(value);
        rest = rest.get(at + name.len()..)?;
    }
    if out.is_empty() {
        return None;
    }
    out.push_str(rest);
    Some(out)
}

/// Escapes text for an element and a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_once() {
        let values = ["T", "{title}", "<a>", ""];
        let table: &[(&str, Option<&str>)] = &[
            (
                "<h1>{title}</h1>{text}{link}{code}",
                Some("<h1>T</h1>{title}<a>"),
            ),
            ("{title}{title} {Title} {", Some("TT {Title} {")),
            ("{link}", Some("<a>")),
            ("<p>", None),
            ("", None),
        ];
        for (page, expect) in table {
            assert_eq!(filled(page, values).as_deref(), *expect, "{page}");
        }
    }

    #[test]
    fn a_link_cannot_leave_its_attribute() {
        let link = Link {
            label: "Sign in",
            href: "/a?b=\"><script>&".into(),
        };
        let link = core::slice::from_ref(&link);
        let shown = response(&FLOW_MISSING, link, true, None);
        assert!(shown.body.contains("href=\"/a?b=&quot;>&lt;script>&amp;\""));
        let own = response(&FLOW_MISSING, link, true, Some("<p>{text}{link}{code}"));
        assert!(own.body.starts_with("<p>This sign-in has expired"));
        assert!(own.body.contains("&lt;script>"));
        assert!(
            own.body
                .ends_with("<p><small>Code: flow_missing</small></p>")
        );
    }
}
