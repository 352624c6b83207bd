//! Signed policy images to test on targets, valid and altered, under one set of trust keys.
//!
//! Every target that loads images must accept the same ones and return the same codes for the others. Keys
//! are generated on every run. Not here: the calls to a target.

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tollgate_compiler::SourceTree;
use tollgate_crypto::image_key::ImageKey;
use tollgate_gate::PolicyVersion;
use tollgate_gate::signed::{SIGNATURE_BYTES, to_be_signed};

use crate::Policy;

/// The oldest accepted version, 0 for any, wherever the cases are tested.
pub const OLDEST: u64 = 5;
/// The path that the images of the cases allow.
pub const OPEN: &str = "/open/a";

const SITE: &str = "small";
const KEY_ID: &str = "release-1";
const POLICY: &str = r#"schema = 1
[site]
name = "small"
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
"#;

/// The releaser of a site's policies: a key generated for this test, and the trust keys that can verify it.
pub struct Releaser {
    key: ImageKey,
    site: String,
}

impl Releaser {
    /// Creates a releaser of this site's policies.
    ///
    /// # Errors
    ///
    /// Returns an error if no key can be generated.
    pub fn new(site: &str) -> Result<Self> {
        let key = ImageKey::generate()?;
        Ok(Self {
            key,
            site: site.to_owned(),
        })
    }

    /// Returns the trust keys, as text.
    ///
    /// # Errors
    ///
    /// Returns an error if the key has no public half.
    pub fn trust(&self) -> Result<String> {
        trust(&self.key, &self.site)
    }

    /// Returns the image, signed with a version.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be signed.
    pub fn sign(&self, version: u64, image: &[u8]) -> Result<Vec<u8>> {
        sealed(&self.key, version, KEY_ID, &self.site, image)
    }
}

/// The test cases, and their trust keys.
pub struct Trial {
    /// The trust keys, as text.
    pub trust: String,
    /// The images.
    pub cases: Vec<Case>,
}

/// One image, signed or not.
pub struct Case {
    /// A description of the case.
    pub name: String,
    /// The bytes that a target gets.
    pub bytes: Vec<u8>,
    /// The expected result.
    pub expect: Expect,
}

/// The expected result for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is accepted.
    Taken,
    /// It is rejected with this code.
    Code(&'static str),
    /// It is rejected with any code.
    Refused,
}

impl Trial {
    /// Generates keys and images.
    ///
    /// # Errors
    ///
    /// Returns an error if one cannot be generated.
    pub fn new() -> Result<Self> {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", POLICY);
        let policy = Policy::from_sources(&sources)?;
        let image = policy.image();
        let (own, foreign) = (ImageKey::generate()?, ImageKey::generate()?);
        let sealed = |key, number, key_id, site| sealed(key, number, key_id, site, image);
        let good = |number| sealed(&own, number, KEY_ID, SITE);
        let edited = |edit: fn(&mut Vec<u8>)| -> Result<Vec<u8>> {
            let mut bytes = good(OLDEST)?;
            edit(&mut bytes);
            Ok(bytes)
        };
        use Expect::{Code, Refused, Taken};
        let mut cases = Vec::new();
        for (name, bytes, expect) in [
            ("of the oldest version", good(OLDEST)?, Taken),
            ("of a later version", good(OLDEST + 1)?, Taken),
            ("of the largest version", good(PolicyVersion::MAX)?, Taken),
            ("unsigned", image.to_vec(), Code("image_unsigned")),
            ("nothing", Vec::new(), Code("image_unsigned")),
            ("older", good(OLDEST - 1)?, Code("image_older")),
            (
                "by a foreign key",
                sealed(&foreign, OLDEST, KEY_ID, SITE)?,
                Code("image_bad_signature"),
            ),
            (
                "by an unknown key",
                sealed(&own, OLDEST, "release-2", SITE)?,
                Code("image_unknown_key"),
            ),
            (
                "for another site",
                sealed(&own, OLDEST, KEY_ID, "large")?,
                Code("image_other_site"),
            ),
            (
                "of a later format",
                edited(|b| put(b, 30, b'2'))?,
                Code("image_envelope_version"),
            ),
            (
                "with a byte more",
                edited(|b| b.push(0))?,
                Code("image_envelope"),
            ),
            (
                "with a byte less",
                edited(|b| b.truncate(b.len() - 1))?,
                Code("image_envelope"),
            ),
            (
                "with a version raised",
                edited(|b| put(b, 32, 9))?,
                Code("image_bad_signature"),
            ),
            (
                "around a signed one",
                self::sealed(&own, OLDEST, KEY_ID, SITE, &good(OLDEST)?)?,
                Refused,
            ),
        ] {
            cases.push(Case {
                name: name.to_owned(),
                bytes,
                expect,
            });
        }
        // The image inside the envelope has its own checksum: every byte of the envelope is altered, and some
        // of the image.
        let whole = good(OLDEST)?;
        let header = whole.len() - SIGNATURE_BYTES - image.len();
        for at in 0..whole.len() {
            let is_image = (header..whole.len() - SIGNATURE_BYTES).contains(&at);
            if !is_image || at % 7 == 0 {
                let mut bytes = whole.clone();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1;
                }
                cases.push(Case {
                    name: format!("with byte {at} altered"),
                    bytes,
                    expect: Refused,
                });
            }
        }
        Ok(Self {
            trust: trust(&own, SITE)?,
            cases,
        })
    }

    /// Returns the test for programs in other languages; bytes are hexadecimal.
    pub fn to_json(&self) -> Value {
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let case = |case: &Case| {
            let code = match case.expect {
                Expect::Taken => Value::Null,
                Expect::Code(code) => code.into(),
                Expect::Refused => "".into(),
            };
            json!({ "name": case.name, "hex": hex(&case.bytes), "refused": code })
        };
        let cases: Vec<Value> = self.cases.iter().map(case).collect();
        json!({ "trust": self.trust, "oldest": OLDEST, "open": OPEN, "cases": cases })
    }
}

impl Expect {
    /// Returns how a target's result for an image differs from the expected one: `None` if it does not.
    pub fn mismatch(self, refusal: Option<&str>) -> Option<String> {
        match (self, refusal) {
            (Self::Taken, None) | (Self::Refused, Some(_)) => None,
            (Self::Code(code), Some(said)) if said.contains(&format!("({code})")) => None,
            (_, None) => Some(format!("accepted; expected {self:?}")),
            (_, Some(said)) => Some(format!("rejected: {said}; expected {self:?}")),
        }
    }
}

fn put(bytes: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = value;
    }
}

fn sealed(key: &ImageKey, number: u64, key_id: &str, site: &str, image: &[u8]) -> Result<Vec<u8>> {
    let version = PolicyVersion::new(number).context("no version")?;
    let sealed = to_be_signed(version, key_id, site, image);
    let mut bytes = sealed.map_err(|error| anyhow!("{error}"))?;
    bytes.extend(key.sign(&bytes)?);
    Ok(bytes)
}

fn trust(key: &ImageKey, site: &str) -> Result<String> {
    let x = tollgate_mint::base64url(&key.public()?);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "x": x });
    Ok(json!({ "site": site, "keys": [jwk] }).to_string())
}
