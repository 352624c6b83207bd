//! Signing what is built, and not going back by accident.
//!
//! The envelope is `tollgate_gate::signed`'s. Which artifact is replaced is known to whoever builds: the
//! one that was named, else the one that stands where the new one goes.

use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_core::{Image, ImageId};
use tollgate_crypto::image_key::ImageKey;
use tollgate_edges::{Artifact, EDGES};
use tollgate_gate::PolicyVersion;
use tollgate_gate::signed::{self, Release, SignedError};

use crate::earlier::zipped;
use crate::failure::Failure;
use crate::write::Entry;
use crate::{input, trust};

/// How the image is signed, whom the artifact trusts, and what it replaces.
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
    /// The name of that key among the trust keys
    #[arg(long, value_name = "ID", requires = "sign")]
    key_id: Option<String>,
    /// The version of this policy: larger than that of the one before
    #[arg(long, value_name = "VERSION", value_parser = trust::version, requires = "sign")]
    policy_version: Option<PolicyVersion>,
    /// Build what takes only images that one of these keys signed, this one to begin with
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// What this replaces: an image, a zip or a folder. Its version must not be newer [default: what
    /// is at the place to write to]
    #[arg(long, value_name = "PATH")]
    replaces: Option<PathBuf>,
    /// Replace a newer version, or a signed policy by one that is not
    #[arg(long)]
    allow_rollback: bool,
}

/// What stands in the artifact that is replaced.
struct Old {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl SignArgs {
    /// Whether anything is asked for that only an artifact with an image can have.
    pub(super) fn needs_image(&self) -> bool {
        self.sign.is_some() || self.trust.is_some()
    }

    /// The image in a new envelope, if it is to be signed; else as it is. `site` says which site an image is for.
    pub(super) fn sealed(
        &self,
        bytes: Vec<u8>,
        site: impl FnOnce(Vec<u8>) -> Result<String, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let (Some(path), Some(key_id), Some(version)) =
            (&self.sign, &self.key_id, self.policy_version)
        else {
            return Ok(bytes);
        };
        let key = ImageKey::from_pem(&input::read_text(path)?).map_err(|error| {
            let path = path.clone();
            Failure::ImageKey { path, error }
        })?;
        // An image that is signed already is signed anew, and not twice.
        let (image, _) = signed::open_envelope(bytes).map_err(Failure::Envelope)?;
        let site = site(image.clone())?;
        let mut sealed =
            signed::to_be_signed(version, key_id, &site, &image).map_err(Failure::Unsealable)?;
        sealed.extend(key.sign(&sealed).map_err(Failure::ImageSigning)?);
        Ok(sealed)
    }

    /// The trust keys, as their file has them, and the file's name.
    pub(super) fn trust(&self) -> Result<Option<(&Path, Vec<u8>)>, Failure> {
        let Some(path) = &self.trust else {
            return Ok(None);
        };
        Ok(Some((path, input::read(path)?)))
    }

    /// Refuses a policy that is older than the one it replaces.
    pub(super) fn check_replaced(
        &self,
        out: &Path,
        release: Option<&Release>,
        policy: ImageId,
    ) -> Result<(), Failure> {
        let old = match &self.replaces {
            Some(path) => Some(Old::read(path)?),
            // What is there may be anything; what cannot be understood is no older policy.
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

/// What speaks against putting this release in the place of an image.
fn compare(old: Vec<u8>, release: Option<&Release>, policy: ImageId) -> Option<SignedError> {
    // Nothing can be older than what has no version.
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
    /// The image in an artifact, signed or not.
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

/// The name of the policy in a folder that was built for an edge.
fn in_folder(folder: &Path) -> &'static str {
    let mut names = EDGES.iter().filter_map(|edge| match edge.artifact {
        Artifact::Folder(parts) => Some(parts.policy),
        Artifact::Zip(_) | Artifact::Function | Artifact::Bundle => None,
    });
    let found = names.clone().find(|name| folder.join(name).is_file());
    // If there is none, reading the first reports what is missing.
    found.or_else(|| names.next()).unwrap_or_default()
}

/// Puts trust keys into the module among the parts that holds them; the parts must have one.
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
    entry.bytes = format!("// Whose policy images are taken.\n\nexport default {text};\n").into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_replaces_what_is_not_newer() {
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
    fn trust_keys_go_where_the_edge_looks_for_them_or_nowhere() {
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
