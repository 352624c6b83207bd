//! A policy as the analysis holds it: what its rules say, and the image that real requests meet.
//!
//! The rules are reasoned about; the image is what every witness is replayed on. Not here: reading an
//! image back into rules, which `tollgate-policy` does, and policy text, which is the compiler's.

use core::fmt;

use tollgate_core::{Image, ImageError, RuleId};
use tollgate_gate::config::{ConfigError, GateConfig};
use tollgate_policy::encode::{EncodeError, encode};
use tollgate_policy::spec::{ImageSpec, RuleSpec};

/// A policy to ask questions about.
#[derive(Clone, Debug)]
pub struct Policy {
    spec: ImageSpec,
    image: Image<Vec<u8>>,
    config: GateConfig,
}

/// Why something is not a policy that can be analysed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The rules do not fit into an image.
    Encode(EncodeError),
    /// The bytes are not an image.
    Image(ImageError),
    /// The image's gate configuration cannot be read.
    Config(ConfigError),
    /// The image is sound, but has something in it that no author can have written.
    Foreign,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Foreign => f.write_str("the image holds rules that no policy text could say"),
        }
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// A policy from what the compiler checked.
    ///
    /// # Errors
    /// When the rules do not fit into an image, or the gate's part is not one.
    pub fn new(spec: ImageSpec) -> Result<Self, PolicyError> {
        let encoded = encode(&spec).map_err(PolicyError::Encode)?;
        Self::with_image(spec, encoded.image)
    }

    /// A policy from what the compiler checked and the image it made of it.
    ///
    /// # Errors
    /// When the bytes are not an image.
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

    /// A policy from an image alone. Names of captures are not in images; they come back as `c0`, `c1` …
    ///
    /// # Errors
    /// When the bytes are not an image this version reads.
    pub fn from_image(image: Vec<u8>) -> Result<Self, PolicyError> {
        let checked = Image::from_bytes(image.as_slice()).map_err(PolicyError::Image)?;
        let spec = tollgate_policy::decode::decode(&checked).ok_or(PolicyError::Foreign)?;
        Self::with_image(spec, image)
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
