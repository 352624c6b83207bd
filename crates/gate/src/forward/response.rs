//! The edits to the response to a forwarded request.
//!
//! Not here: who makes the response.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// The edits to the response, whoever makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseEdits {
    /// Values of `Set-Cookie` to add.
    pub set_cookies: Vec<String>,
    /// How `Cache-Control` changes.
    pub cache: CacheEdit,
}

/// A change to the caching of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheEdit {
    /// None: any client may have the response.
    #[default]
    Keep,
    /// It must not be in a shared cache: the request was allowed because of its token.
    Private,
    /// It must not be in any cache: it has a `Set-Cookie` for this client.
    NoStore,
}

/// Headers by which some caches are told more than by `Cache-Control`, and which they prefer.
const CACHE_OVERRIDES: [&str; 3] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
];

/// Directives that contradict `private`.
const SHARED: [&str; 4] = ["public", "s-maxage", "private", "must-understand"];

impl CacheEdit {
    /// All changes, in the order of their numbers in [`wire`](crate::wire).
    pub const ALL: [Self; 3] = [Self::Keep, Self::Private, Self::NoStore];

    /// The new value of `Cache-Control`, given the origin's, which may have several lines; `None` if it
    /// is unchanged.
    pub fn cache_control(self, origin: &[&str]) -> Option<String> {
        match self {
            Self::Keep => None,
            Self::NoStore => Some("private, no-store".to_owned()),
            Self::Private => {
                let directives = || origin.iter().flat_map(|line| line.split(',')).map(str::trim);
                let name = |directive: &str| {
                    let end = directive.find('=').unwrap_or(directive.len());
                    directive.get(..end).unwrap_or_default().to_ascii_lowercase()
                };
                if directives().any(|directive| name(directive) == "no-store") {
                    return None;
                }
                let mut value = "private".to_owned();
                for kept in directives() {
                    if !kept.is_empty() && !SHARED.contains(&name(kept).as_str()) {
                        value.push_str(", ");
                        value.push_str(kept);
                    }
                }
                Some(value)
            }
        }
    }

    /// Whether a header of the origin's response, its name in lower case, is removed.
    pub fn removes(self, name: &str) -> bool {
        self != Self::Keep && CACHE_OVERRIDES.contains(&name)
    }
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
    fn headers_that_overrule_cache_control_are_removed() {
        for edit in [Private, NoStore] {
            assert!(edit.removes("cdn-cache-control"));
            assert!(!edit.removes("cache-control"));
        }
        assert!(!Keep.removes("cdn-cache-control"));
    }
}
