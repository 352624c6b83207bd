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

/// The oldest version that is taken, 0 for any, wherever the cases are tried.
pub const OLDEST: u64 = 5;
/// The path that the images of the cases open.
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

/// Who releases the policies of a site: a key made for this, and the trust keys that know it.
pub struct Releaser {
    key: ImageKey,
    site: String,
}

impl Releaser {
    /// A releaser of this site's policies.
    ///
    /// # Errors
    ///
    /// If no key can be made.
    pub fn new(site: &str) -> Result<Self> {
        let key = ImageKey::generate()?;
        Ok(Self {
            key,
            site: site.to_owned(),
        })
    }

    /// The trust keys, as text.
    ///
    /// # Errors
    ///
    /// If the key has no public half.
    pub fn trust(&self) -> Result<String> {
        trust(&self.key, &self.site)
    }

    /// The image, signed as a version.
    ///
    /// # Errors
    ///
    /// If it cannot be signed.
    pub fn sign(&self, version: u64, image: &[u8]) -> Result<Vec<u8>> {
        sealed(&self.key, version, KEY_ID, &self.site, image)
    }
}

/// What is tried, and with which trust keys.
pub struct Trial {
    /// The trust keys, as text.
    pub trust: String,
    /// The images.
    pub cases: Vec<Case>,
}

/// One image, signed or not.
pub struct Case {
    /// What is special about it.
    pub name: String,
    /// The bytes that a target gets.
    pub bytes: Vec<u8>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is taken.
    Taken,
    /// It is refused with this code.
    Code(&'static str),
    /// It is refused, for one reason or another.
    Refused,
}

impl Trial {
    /// Makes keys and images.
    ///
    /// # Errors
    ///
    /// If one cannot be made.
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
        // The envelope is around the image, which has a checksum of its own: each of its bytes is tried, and
        // those of the image here and there.
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

    /// The trial for programs in other languages; bytes are hexadecimal.
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
    /// What is wrong with what a target said about an image: nothing if it took it.
    pub fn judge(self, refusal: Option<&str>) -> Option<String> {
        match (self, refusal) {
            (Self::Taken, None) | (Self::Refused, Some(_)) => None,
            (Self::Code(code), Some(said)) if said.contains(&format!("({code})")) => None,
            (_, None) => Some(format!("taken, and expected {self:?}")),
            (_, Some(said)) => Some(format!("refused: {said}; expected {self:?}")),
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
