//! A policy for the analysis: its rules, and the image that edges evaluate.
//!
//! The rules are analysed; every witness is replayed on the image. Not here: decoding an image into rules
//! (`tollgate-policy`), and policy text (`tollgate-compiler`).

use core::fmt;

use tollgate_core::{Image, ImageError, RuleId};
use tollgate_gate::config::{ConfigError, GateConfig};
use tollgate_policy::encode::{EncodeError, encode};
use tollgate_policy::spec::{ImageSpec, RuleSpec};

/// A policy to analyse.
#[derive(Clone, Debug)]
pub struct Policy {
    spec: ImageSpec,
    image: Image<Vec<u8>>,
    config: GateConfig,
}

/// The reason why a policy cannot be analysed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The rules do not fit into an image.
    Encode(EncodeError),
    /// The bytes are not an image.
    Image(ImageError),
    /// The image's gate configuration cannot be read.
    Config(ConfigError),
    /// The image is valid, but contains rules that no policy text can produce.
    Foreign,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Foreign => {
                f.write_str("the image contains rules that no policy text can produce")
            }
        }
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// A policy from a compiled policy.
    ///
    /// # Errors
    /// Returns an error if the rules do not fit into an image, or the gate's configuration is invalid.
    pub fn new(spec: ImageSpec) -> Result<Self, PolicyError> {
        let encoded = encode(&spec).map_err(PolicyError::Encode)?;
        Self::with_image(spec, encoded.image)
    }

    /// A policy from a compiled policy and its image.
    ///
    /// # Errors
    /// Returns an error if the bytes are not an image.
    pub fn with_image(mut spec: ImageSpec, image: Vec<u8>) -> Result<Self, PolicyError> {
        // The order in which the image numbers them.
        spec.rules.sort_by(|a, b| {
            (a.course.as_bytes(), a.id.as_bytes()).cmp(&(b.course.as_bytes(), b.id.as_bytes()))
        });
        let image = Image::from_bytes(image).map_err(PolicyError::Image)?;
        let config = GateConfig::decode(image.gate_config()).map_err(PolicyError::Config)?;
        Ok(Self {
            spec,
            image,
            config,
        })
    }

    /// A policy from only an image. Images do not contain the names of captures; they become `c0`, `c1` …
    ///
    /// # Errors
    /// Returns an error if the bytes are not an image that this version reads.
    pub fn from_image(image: Vec<u8>) -> Result<Self, PolicyError> {
        let checked = Image::from_bytes(image.as_slice()).map_err(PolicyError::Image)?;
        let spec = tollgate_policy::decode::decode(&checked).ok_or(PolicyError::Foreign)?;
        Self::with_image(spec, image)
    }

    /// The policy that a site has before its first one: with the same settings, but without rules and issuers, so that it
    /// denies every request.
    ///
    /// # Errors
    /// Returns an error if the gate's configuration cannot be encoded.
    pub fn denying_all(&self) -> Result<Self, PolicyError> {
        let config = GateConfig {
            issuers: Vec::new(),
            session: None,
            sign_in: None,
            ..self.config.clone()
        };
        Self::new(ImageSpec {
            rules: Vec::new(),
            gate: config.encode().map_err(PolicyError::Config)?,
            ..self.spec.clone()
        })
    }

    /// The rules, in the order of their [`RuleId`]s.
    pub fn rules(&self) -> &[RuleSpec] {
        &self.spec.rules
    }

    /// The rule with this number.
    pub fn rule(&self, id: RuleId) -> Option<&RuleSpec> {
        self.spec.rules.get(id.0 as usize)
    }

    /// The number of the rule with this name.
    pub fn named(&self, course: &str, id: &str) -> Option<RuleId> {
        let name = (course.as_bytes(), id.as_bytes());
        let rules = &self.spec.rules;
        let at =
            rules.binary_search_by_key(&name, |rule| (rule.course.as_bytes(), rule.id.as_bytes()));
        Some(RuleId(u32::try_from(at.ok()?).ok()?))
    }

    /// The whole policy, its rules sorted by name.
    pub fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    /// The image.
    pub fn image(&self) -> &Image<Vec<u8>> {
        &self.image
    }

    /// The gate's configuration.
    pub fn config(&self) -> &GateConfig {
        &self.config
    }
}

/// The name of a rule as people write it.
pub fn rule_name(rule: &RuleSpec) -> String {
    format!("{}/{}", rule.course, rule.id)
}
