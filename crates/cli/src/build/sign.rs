//! Signing of images, and protection against accidental rollback.
//!
//! The version is compared with that of the replaced artifact: the one in `--replaces`, else the existing one at the
//! output path. Not here: the envelope, which is `tollgate_gate::signed`'s.

use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_core::{Image, ImageId};
use tollgate_crypto::image_key::ImageKey;
use tollgate_edges::{Artifact, EDGES};
use tollgate_gate::PolicyVersion;
use tollgate_gate::signed::{self, Release, SignedError};

use crate::earlier::zipped;
use crate::failure::Failure;
use crate::policy::Deployable;
use crate::write::Entry;
use crate::{input, trust};

/// How the image is signed, which keys the artifact trusts, and which artifact it replaces.
#[derive(Args)]
pub(super) struct SignArgs {
    /// Sign the image with this private key: PEM, from `tollgate keygen` or OpenSSL
    #[arg(
        long,
        value_name = "FILE",
        requires = "key_id",
        requires = "policy_version"
    )]
    sign: Option<PathBuf>,
    /// The key ID of that key among the trust keys
    #[arg(long, value_name = "ID", requires = "sign")]
    key_id: Option<String>,
    /// The version of this policy; must be higher than the version that it replaces
    #[arg(long, value_name = "VERSION", value_parser = trust::version, requires = "sign")]
    policy_version: Option<PolicyVersion>,
    /// Embed these trust keys: the artifact accepts only images signed by one of them, including the one
    /// built now
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// The image, zip or directory that this replaces, whose version must not be newer [default: the existing
    /// one at the output path]
    #[arg(long, value_name = "PATH")]
    replaces: Option<PathBuf>,
    /// Allow replacing a newer version, or a signed policy by an unsigned one
    #[arg(long)]
    allow_rollback: bool,
}

/// The policy image in the artifact that is replaced.
struct Old {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl SignArgs {
    /// Whether the options require an artifact with an image.
    pub(super) fn needs_image(&self) -> bool {
        self.sign.is_some() || self.trust.is_some()
    }

    /// Returns the policy with its image in a new envelope if it is to be signed, else unchanged. `source` is used in
    /// messages.
    pub(super) fn sealed(&self, policy: Deployable, source: &Path) -> Result<Deployable, Failure> {
        let (Some(path), Some(key_id), Some(version)) =
            (&self.sign, &self.key_id, self.policy_version)
        else {
            return Ok(policy);
        };
        let key = ImageKey::from_pem(&input::read_text(path)?).map_err(|error| {
            let path = path.clone();
            Failure::ImageKey { path, error }
        })?;
        // An existing signature is replaced, so an image is never signed twice.
        let open = |bytes| signed::open_envelope(bytes).map_err(Failure::Envelope);
        let policy = policy.sealed(|bytes| Ok(open(bytes)?.0))?;
        let site = policy.gate(source, None)?.config().site.clone();
        policy.sealed(|image| {
            let mut sealed = signed::to_be_signed(version, key_id, &site, &image)
                .map_err(Failure::Unsealable)?;
            sealed.extend(key.sign(&sealed).map_err(Failure::ImageSigning)?);
            Ok(sealed)
        })
    }

    /// The path and the contents of the file with the trust keys.
    pub(super) fn trust(&self) -> Result<Option<(&Path, Vec<u8>)>, Failure> {
        let Some(path) = &self.trust else {
            return Ok(None);
        };
        Ok(Some((path, input::read(path)?)))
    }

    /// Returns an error if the policy is older than the one it replaces.
    pub(super) fn check_replaced(
        &self,
        out: &Path,
        release: Option<&Release>,
        policy: ImageId,
    ) -> Result<(), Failure> {
        let old = match &self.replaces {
            Some(path) => Some(Old::read(path)?),
            // The existing file may be anything. If it is not a policy, it cannot be a newer one.
            None => Old::read(out).ok(),
        };
        let Some(Old { path, bytes }) = old.filter(|_| !self.allow_rollback) else {
            return Ok(());
        };
        match compare(bytes, release, policy) {
            Some(error) => Err(Failure::Rollback { path, error }),
            None => Ok(()),
        }
    }
}

/// Returns the reason why this release must not replace an image.
fn compare(old: Vec<u8>, release: Option<&Release>, policy: ImageId) -> Option<SignedError> {
    // An unsigned image has no version, so any release can replace it.
    let (image, before) = signed::open_envelope(old).ok()?;
    let oldest = before?.version;
    let Some(Release { version, .. }) = release else {
        return Some(SignedError::Unsigned);
    };
    let is_same = || Image::from_bytes(&image).is_ok_and(|image| image.id() == policy);
    if *version < oldest {
        Some(SignedError::Older {
            offered: *version,
            oldest,
        })
    } else if *version == oldest && !is_same() {
        Some(SignedError::Reused(oldest))
    } else {
        None
    }
}

impl Old {
    /// Reads the image in an artifact, signed or not.
    fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        if path.is_dir() {
            let bytes = input::read(&path.join(in_folder(&path)))?;
            return Ok(Self { path, bytes });
        }
        let bytes = match zipped(&path) {
            Some(bytes) => bytes,
            None => input::read(&path)?,
        };
        Ok(Self { path, bytes })
    }
}

/// The file name of the policy in a directory that was built for an edge.
fn in_folder(folder: &Path) -> &'static str {
    let mut names = EDGES.iter().filter_map(|edge| match edge.artifact {
        Artifact::Folder(parts) => Some(parts.policy),
        Artifact::Zip(_) | Artifact::Function | Artifact::Bundle | Artifact::Config(_) => None,
    });
    let found = names.clone().find(|name| folder.join(name).is_file());
    // If none exists, reading the first one reports the missing file.
    found.or_else(|| names.next()).unwrap_or_default()
}

/// Writes the trust keys into their module. Returns an error if the parts have no such module.
pub(super) fn put_trust(
    entries: &mut [Entry],
    module: &str,
    trust: Option<&str>,
) -> Result<(), Failure> {
    let Some(keys) = trust else {
        return Ok(());
    };
    let entry = entries.iter_mut().find(|entry| entry.name == module);
    let entry = entry.ok_or_else(|| Failure::NoParts(PathBuf::from(module)))?;
    // JSON text is a JavaScript string.
    let text = serde_json::Value::from(keys);
    entry.bytes =
        format!("// Keys that policy images must be signed with.\n\nexport default {text};\n")
            .into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_never_replaces_a_newer_one() {
        let release = |version| Release {
            version,
            key_id: "k".into(),
            site: "s".into(),
            verified: true,
        };
        let version = |number| PolicyVersion::new(number).unwrap();
        let id = ImageId([0; 16]);
        let old = |number| {
            let mut bytes = signed::to_be_signed(version(number), "k", "s", b"image").unwrap();
            bytes.extend([0; 64]);
            bytes
        };
        let older = SignedError::Older {
            offered: version(4),
            oldest: version(5),
        };
        for (old, new, expected) in [
            (b"no image".to_vec(), None, None),
            (b"no image".to_vec(), Some(1), None),
            (old(5), Some(6), None),
            (old(5), Some(5), Some(SignedError::Reused(version(5)))),
            (old(5), Some(4), Some(older)),
            (old(5), None, Some(SignedError::Unsigned)),
        ] {
            let new = new.map(|number| release(version(number)));
            assert_eq!(compare(old, new.as_ref(), id), expected, "{new:?}");
        }
    }

    #[test]
    fn trust_keys_are_written_to_their_module_only() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bytes: b"export default undefined;\n".to_vec(),
        };
        let mut parts = [entry("index.js"), entry("trust.js")];
        put_trust(&mut parts, "trust.js", None).unwrap();
        assert!(parts[1].bytes.ends_with(b"undefined;\n"));
        put_trust(&mut parts, "trust.js", Some("{\"keys\":\"\u{2028}`</\"}")).unwrap();
        let text = String::from_utf8(parts[1].bytes.clone()).unwrap();
        assert!(
            text.ends_with("export default \"{\\\"keys\\\":\\\"\u{2028}`</\\\"}\";\n"),
            "{text}"
        );
        assert!(put_trust(&mut parts[..1], "trust.js", Some("{}")).is_err());
    }
}
