//! Policies that may leave this process: that are written, signed, published or served.
//!
//! Whatever does so takes a [`Deployable`]. It is made from a strict compilation or from an image that was built before,
//! and from nothing else. So no image contains a stand-in for a secret, which everyone knows. Not here: policies to read
//! ([`Preview`](super::Preview)).

use std::path::Path;

use tollgate_compiler::Compiled;
use tollgate_gate::{Gate, Trust};
use tollgate_policy::spec::ImageSpec;
use tollgate_publish::aws::Aws;
use tollgate_publish::object::Destination;

use super::load;
use crate::client::{Client, FetchError, Limits};
use crate::failure::Failure;
use crate::input;

/// A policy image with the secrets of the policy itself.
pub(crate) struct Deployable {
    image: Vec<u8>,
    spec: Option<ImageSpec>,
}

impl Deployable {
    /// Takes the image of a compiled policy; `None` if it has errors, or was compiled only to be read.
    pub(super) fn of(compiled: &mut Compiled) -> Option<Self> {
        Some(Self {
            image: compiled.image.take()?,
            spec: compiled.policy.take(),
        })
    }

    /// Reads an image that was built before.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        input::read(path).map(Self::built)
    }

    /// Fetches an image that was built before.
    pub(crate) fn fetch(client: &Client, url: &str, limits: Limits) -> Result<Self, FetchError> {
        client.get(url, limits).map(Self::built)
    }

    /// Loads an image that was published to a bucket.
    pub(crate) fn download(object: &Destination, aws: &mut Aws) -> Result<Self, Failure> {
        Ok(object.fetch(aws).map(Self::built)?)
    }

    fn built(image: Vec<u8>) -> Self {
        Self { image, spec: None }
    }

    /// Puts the image into an envelope, or replaces its envelope.
    pub(crate) fn sealed(
        self,
        seal: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, Failure>,
    ) -> Result<Self, Failure> {
        let Self { image, spec } = self;
        let image = seal(image)?;
        Ok(Self { image, spec })
    }

    /// The image, signed or not.
    pub(crate) fn image(&self) -> &[u8] {
        &self.image
    }

    /// The checked policy; `None` for an image that was built before.
    pub(crate) const fn spec(&self) -> Option<&ImageSpec> {
        self.spec.as_ref()
    }

    /// Loads a gate. With trust keys, only an image that one of them signed is accepted. `path` is used in messages.
    pub(crate) fn gate(
        &self,
        path: &Path,
        trust: Option<&mut Trust>,
    ) -> Result<Gate<Vec<u8>>, Failure> {
        load(path, self.image.clone(), trust)
    }
}
