//! The edits to the response to a forwarded request.
//!
//! Not here: the response itself, from the origin or a cache.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// The edits to the response, from the origin or a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseEdits {
    /// Values of `Set-Cookie` to add.
    pub set_cookies: Vec<String>,
    /// The change to `Cache-Control`.
    pub cache: CacheEdit,
}

/// A change to the caching of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheEdit {
    /// None: any client may receive the response.
    #[default]
    Keep,
    /// It must not be stored in a shared cache: the request was allowed because of its token.
    Private,
    /// It must not be stored in any cache: it has a `Set-Cookie` for this client.
    NoStore,
}

/// Headers that some caches prefer to `Cache-Control`.
const CACHE_OVERRIDES: [&str; 4] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
    "x-accel-expires",
];

/// Directives that permit or instruct shared caches to store a response, and `private`, which with a list of
/// field names applies only to those fields.
const SHARED: [&str; 5] = [
    "public",
    "s-maxage",
    "private",
    "must-understand",
    "proxy-revalidate",
];

impl CacheEdit {
    /// All changes, in the order of their numbers in [`wire`](crate::wire).
    pub const ALL: [Self; 3] = [Self::Keep, Self::Private, Self::NoStore];

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Private => "private",
            Self::NoStore => "no-store",
        }
    }

    /// Returns the new value of `Cache-Control` for the origin's value, which may have several lines; `None`
    /// if it is unchanged.
    pub fn cache_control(self, origin: &[&str]) -> Option<String> {
        match self {
            Self::Keep => None,
            Self::NoStore => Some("private, no-store".to_owned()),
            Self::Private => private(&origin.join(", ")),
        }
    }

    /// The headers that are removed from the origin's response, in lower case.
    pub fn removed(self) -> &'static [&'static str] {
        if self == Self::Keep {
            &[]
        } else {
            &CACHE_OVERRIDES
        }
    }
}

/// Returns the `Cache-Control` of a response for a single client; `None` if `value` already forbids storing.
/// Lifetimes for the client's own cache stay.
fn private(value: &str) -> Option<String> {
    let mut kept = Vec::from(["private"]);
    for directive in directives(value) {
        let name = directive.split('=').next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("no-store") {
            return None;
        }
        let is_shared = SHARED.iter().any(|known| name.eq_ignore_ascii_case(known));
        if !directive.is_empty() && !is_shared {
            kept.push(directive);
        }
    }
    Some(kept.join(", "))
}

/// Splits into directives at commas outside quoted strings.
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
    use super::CacheEdit::{self, Keep, NoStore, Private};

    #[test]
    fn the_origins_value_is_replaced_or_narrowed() {
        let table: &[(CacheEdit, &[&str], Option<&str>)] = &[
            (Keep, &["public, max-age=600"], None),
            (NoStore, &["public, max-age=600"], Some("private, no-store")),
            (NoStore, &[], Some("private, no-store")),
            (Private, &[], Some("private")),
            (
                Private,
                &["Public, max-age=600, S-MaxAge=900"],
                Some("private, max-age=600"),
            ),
            (
                Private,
                &["max-age=60", "private=\"x-a\", immutable"],
                Some("private, max-age=60, immutable"),
            ),
            (Private, &["no-store"], None),
            (Private, &["no-cache"], Some("private, no-cache")),
        ];
        for (edit, origin, expect) in table {
            assert_eq!(edit.cache_control(origin).as_deref(), *expect, "{origin:?}");
        }
    }

    #[test]
    fn shared_caches_lose_the_response_and_the_client_keeps_it() {
        let table = [
            ("", Some("private")),
            ("public", Some("private")),
            ("public, max-age=600", Some("private, max-age=600")),
            (
                "Public,S-MaxAge=60 , max-age=600",
                Some("private, max-age=600"),
            ),
            ("s-maxage = 60", Some("private")),
            (
                "max-age=600, immutable",
                Some("private, max-age=600, immutable"),
            ),
            ("private", Some("private")),
            ("private, public", Some("private")),
            (
                "PRIVATE=\"set-cookie\", max-age=1",
                Some("private, max-age=1"),
            ),
            (
                "private=\"a, public\", max-age=1",
                Some("private, max-age=1"),
            ),
            ("no-cache=\"a, b\"", Some("private, no-cache=\"a, b\"")),
            (r#"x="a\", b", public"#, Some(r#"private, x="a\", b""#)),
            ("x=\"open, public", Some("private, x=\"open, public")),
            ("no-store", None),
            ("public, no-store", None),
            (
                "proxy-revalidate, , must-revalidate,",
                Some("private, must-revalidate"),
            ),
        ];
        for (value, expect) in table {
            assert_eq!(
                Private.cache_control(&[value]).as_deref(),
                expect,
                "{value}"
            );
        }
    }

    #[test]
    fn headers_that_overrule_cache_control_are_removed() {
        for edit in [Private, NoStore] {
            assert!(edit.removed().contains(&"cdn-cache-control"));
            assert!(!edit.removed().contains(&"cache-control"));
        }
        assert!(Keep.removed().is_empty());
    }
}
