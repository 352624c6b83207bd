//! Keeps responses that required a token out of shared caches.
//!
//! An origin often sends `Cache-Control: public`, because it is not aware of tokens. A shared cache in front of the
//! edge would then serve one user's file to all clients. Not here: editing a response.

use alloc::{string::String, vec::Vec};

use super::Gate;
use crate::outcome::Kind;
use crate::request::Request;

/// Directives that permit or instruct shared caches to store a response.
const SHARED: [&str; 3] = ["public", "s-maxage", "proxy-revalidate"];

/// Response headers that some shared caches obey instead of `Cache-Control`.
pub const SHARED_CACHE_HEADERS: [&str; 3] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
];

impl<B: AsRef<[u8]>> Gate<B> {
    /// Whether a request that is allowed would be denied without its token. Its response then belongs to this
    /// client only.
    pub fn requires_token(&self, request: &Request<'_>) -> bool {
        let anonymous = Request {
            target: request.path(),
            headers: &[],
            ..*request
        };
        self.handle(&anonymous).kind != Kind::Allow
    }
}

/// Returns the `Cache-Control` of a response that belongs to one client: `value` with `private` instead of what
/// concerns shared caches. Lifetimes for the client's own cache stay.
pub fn private_cache_control(value: &str) -> String {
    let mut kept = Vec::from(["private"]);
    for directive in directives(value) {
        let name = directive.split('=').next().unwrap_or_default().trim();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if directive.eq_ignore_ascii_case("no-store") {
            return value.into();
        }
        // `private` with names of fields is about these fields only.
        if !directive.is_empty() && !is("private") && !SHARED.into_iter().any(is) {
            kept.push(directive);
        }
    }
    kept.join(", ")
}

/// The directives, which are separated by commas outside of quoted strings.
fn directives(value: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let ends = move |c: char| {
        let was_escaped = core::mem::take(&mut is_escaped);
        match c {
            '\\' => is_escaped = is_quoted && !was_escaped,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        c == ',' && !is_quoted
    };
    value.split(ends).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_caches_lose_the_response_and_the_client_keeps_it() {
        let table = [
            ("", "private"),
            ("public", "private"),
            ("public, max-age=600", "private, max-age=600"),
            ("Public,S-MaxAge=60 , max-age=600", "private, max-age=600"),
            ("s-maxage = 60", "private"),
            ("max-age=600, immutable", "private, max-age=600, immutable"),
            ("private", "private"),
            ("private, public", "private"),
            ("PRIVATE=\"set-cookie\", max-age=1", "private, max-age=1"),
            ("private=\"a, public\", max-age=1", "private, max-age=1"),
            ("no-cache=\"a, b\"", "private, no-cache=\"a, b\""),
            (r#"x="a\", b", public"#, r#"private, x="a\", b""#),
            ("x=\"open, public", "private, x=\"open, public"),
            ("no-store", "no-store"),
            ("public, no-store", "public, no-store"),
            (
                "proxy-revalidate, , must-revalidate,",
                "private, must-revalidate",
            ),
        ];
        for (value, expect) in table {
            assert_eq!(private_cache_control(value), expect, "{value}");
        }
    }
}
