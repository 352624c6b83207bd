//! The resource of a policy: one object, or everything below one prefix.
//!
//! Not here: whether the object exists.

use core::fmt;

/// The resource of a policy, an `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    url: String,
    is_pattern: bool,
}

/// The reason why a host and a path are not a valid resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceError {
    /// The host is not a plain domain name.
    Host,
    /// The path does not start with `/`, or contains a byte that is not allowed in the path of a
    /// URL.
    Path,
    /// The prefix does not end in `/`.
    Folder,
}

impl Resource {
    /// Exactly one object. The path is percent-encoded as in a request. A `*` in it is a character
    /// of a file name and would be a wildcard, so it is encoded.
    ///
    /// # Errors
    ///
    /// Returns an error if the host is not a domain name, or the path is not valid in a URL.
    pub fn exact(host: &str, path: &str) -> Result<Self, ResourceError> {
        Ok(Self {
            url: url(host, path)?,
            is_pattern: false,
        })
    }

    /// Everything below a prefix, at any depth. A `*` in the prefix is encoded as in
    /// [`Resource::exact`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Resource::exact`], and an error if the prefix does not end in `/`.
    pub fn below(host: &str, folder: &str) -> Result<Self, ResourceError> {
        if !folder.ends_with('/') {
            return Err(ResourceError::Folder);
        }
        Ok(Self {
            url: url(host, folder)? + "*",
            is_pattern: true,
        })
    }

    /// The URL, as in the policy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a pattern, which cannot be requested.
    pub fn is_pattern(&self) -> bool {
        self.is_pattern
    }
}

fn url(host: &str, path: &str) -> Result<String, ResourceError> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err(ResourceError::Host);
    }
    // The characters that RFC 3986 allows in a path, except `+` and `;`, which some readers
    // interpret.
    let may_stand = |b: u8| b.is_ascii_alphanumeric() || b"-._~!*'():@&=$,%/".contains(&b);
    if !path.starts_with('/') || !path.bytes().all(may_stand) {
        return Err(ResourceError::Path);
    }
    Ok(format!("https://{host}{}", path.replace('*', "%2A")))
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host of a signed URL is not a plain domain name",
            Self::Path => "the path of a signed URL is not a percent-encoded absolute path",
            Self::Folder => "`/`",
        })
    }
}

impl core::error::Error for ResourceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_makes_a_wildcard() {
        use ResourceError::{Folder, Host, Path};
        let table: &[(&str, &str, Result<&str, ResourceError>)] = &[
            (
                "d1.cloudfront.net",
                "/a%20b.mp4",
                Ok("https://d1.cloudfront.net/a%20b.mp4"),
            ),
            (
                "m.example",
                "/a*/b*.mp4",
                Ok("https://m.example/a%2A/b%2A.mp4"),
            ),
            ("m.example", "/", Ok("https://m.example/")),
            ("m.example", "", Err(Path)),
            ("m.example", "*", Err(Path)),
            ("m.example", "/a?b", Err(Path)),
            ("m.example", "/a#b", Err(Path)),
            ("m.example", "/a\"b", Err(Path)),
            ("m.example", "/a\\b", Err(Path)),
            ("m.example", "/a b", Err(Path)),
            ("m.example", "/ä", Err(Path)),
            ("", "/a", Err(Host)),
            ("*", "/a", Err(Host)),
            ("m.example/x", "/a", Err(Host)),
            ("m.example:80", "/a", Err(Host)),
            ("m..example", "/a", Err(Host)),
        ];
        for (host, path, expect) in table {
            let exact = Resource::exact(host, path);
            assert_eq!(
                exact.as_ref().map(Resource::url).map_err(|e| *e),
                *expect,
                "{path}"
            );
        }
        let below = Resource::below("m.example", "/a*/").expect("a folder");
        assert_eq!(
            (below.url(), below.is_pattern()),
            ("https://m.example/a%2A/*", true)
        );
        assert_eq!(Resource::below("m.example", "/a"), Err(Folder));
    }
}
