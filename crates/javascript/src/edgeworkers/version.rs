//! The version of a bundle in `bundle.json`, which is its name at Akamai.
//!
//! Akamai's API lists versions without the bundle's description, so the version itself contains the policy ID: `t`, the
//! ID in base64url, `.`, and a digest in base64url. Akamai accepts 32 letters, digits, `_`, `-`, `.` and `~`, and never the
//! same version twice. The first character is a letter, because Akamai's command would read `-` as an option.

use sha2::{Digest, Sha256};
use tollgate_token::base64url;

const MARK: char = 't';
/// The bytes of a policy ID.
const ID_BYTES: usize = 16;
/// The bytes of the digest: with them, a version has exactly Akamai's 32 characters.
const DIGEST_BYTES: usize = 6;

/// The version of a bundle with this policy and this `main.js`.
pub(super) fn version(id: &str, main: &str) -> String {
    // A release may compress the same file to other bytes, and Akamai compares the bytes of bundles.
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update([0]);
    digest.update(main);
    let digest = digest.finalize();
    let digest = digest.get(..DIGEST_BYTES).unwrap_or_default();
    let id: Vec<u8> = id.as_bytes().chunks(2).filter_map(byte_of).collect();
    format!("{MARK}{}.{}", text(&id), text(digest))
}

/// The ID of the policy in a version that Tollgate built; `None` for any other version.
///
/// # Example
/// ```
/// use tollgate_javascript::edgeworkers_policy;
///
/// let policy = edgeworkers_policy("tAAECAwQFBgcICQoLDA0ODw.AAAAAAAA");
/// assert_eq!(policy.as_deref(), Some("000102030405060708090a0b0c0d0e0f"));
/// assert_eq!(edgeworkers_policy("1.0.7"), None);
/// ```
pub fn policy_of(version: &str) -> Option<String> {
    let (id, digest) = version.strip_prefix(MARK)?.split_once('.')?;
    let id = base64url::decode(id.as_bytes())?;
    let digest = base64url::decode(digest.as_bytes())?;
    let is_ours = id.len() == ID_BYTES && digest.len() == DIGEST_BYTES;
    is_ours.then(|| id.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

fn text(bytes: &[u8]) -> String {
    super::super::keys::base64url(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 3] = [
        "00000000000000000000000000000000",
        "ffffffffffffffffffffffffffffffff",
        "fbf0a1b2c3d4e5f60718293a4b5c6d7e",
    ];

    /// The pattern in Akamai's schema of `bundle.json`: `^(?!.*?\.{2})[.a-zA-Z0-9_~-]{1,32}$`.
    fn is_accepted(version: &str) -> bool {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
        (1..=32).contains(&version.len())
            && version.bytes().all(is_known)
            && !version.contains("..")
    }

    #[test]
    fn a_version_contains_its_policy_and_is_accepted_by_akamai() {
        for id in IDS {
            for main in ["", "export {};", "export { onClientRequest };"] {
                let version = version(id, main);
                assert!(
                    is_accepted(&version) && version.starts_with('t'),
                    "{version}"
                );
                assert_eq!(policy_of(&version).as_deref(), Some(id), "{version}");
            }
        }
    }

    #[test]
    fn other_code_has_another_version() {
        let [one, two] = ["a", "b"].map(|main| version(IDS[2], main));
        assert_ne!(one, two);
        assert_eq!(one, version(IDS[2], "a"));
    }

    #[test]
    fn versions_of_others_have_no_policy() {
        let ours = version(IDS[2], "");
        for other in [
            "",
            "t",
            "1.0.2882400018",
            "4.22.3",
            "t.",
            &ours.chars().skip(1).collect::<String>(),
            &ours.chars().take(31).collect::<String>(),
            &format!("{ours}A"),
            &ours.replace('.', "-"),
            &ours.replacen('t', "T", 1),
        ] {
            assert_eq!(policy_of(other), None, "{other}");
        }
    }
}
