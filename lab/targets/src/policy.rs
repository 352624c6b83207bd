//! A compiled policy for targets to load: as bytes, and as a file for targets that read files.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use tempfile::NamedTempFile;
use tollgate_compiler::diagnostic::render::{Style, text};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::Image;
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;

/// A policy image in memory, and in a file that is deleted on drop.
pub struct Policy {
    image: Vec<u8>,
    spec: ImageSpec,
    file: NamedTempFile,
}

impl Policy {
    /// Compiles a policy directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy has errors: the message lists all of them.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        Self::from_sources(&SourceTree::read(folder))
            .with_context(|| format!("the policy in {}", folder.display()))
    }

    /// Compiles the source texts of a policy.
    ///
    /// # Errors
    ///
    /// As [`Policy::from_folder`].
    pub fn from_sources(sources: &SourceTree) -> Result<Self> {
        let compiled = compile(sources, &CompileOptions::default());
        let (Some(image), Some(spec)) = (compiled.image, compiled.policy) else {
            let errors = compiled
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.is_error());
            let shown: Vec<String> = errors
                .map(|error| text(error, sources, Style::Plain))
                .collect();
            bail!("does not compile\n{}", shown.join("\n\n"));
        };
        Self::new(image, spec)
    }

    /// Compiles a checked policy.
    ///
    /// # Errors
    ///
    /// Returns an error if it exceeds the limits of an image.
    pub fn from_spec(spec: ImageSpec) -> Result<Self> {
        Self::new(encode(&spec)?.image, spec)
    }

    fn new(image: Vec<u8>, spec: ImageSpec) -> Result<Self> {
        let file = in_file(&image)?;
        Ok(Self { image, spec, file })
    }

    /// The image.
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The checked policy, for targets that need more than an image.
    pub fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    /// The content ID of the image.
    ///
    /// # Errors
    ///
    /// Returns an error if the image cannot be read, which compiling has ruled out.
    pub fn id(&self) -> Result<String> {
        let image = Image::from_bytes(&self.image).map_err(|error| anyhow!("{error}"))?;
        Ok(image.id().to_string())
    }

    /// The file that contains the image.
    pub fn file(&self) -> &Path {
        self.file.path()
    }
}

/// Creates a file with these bytes, deleted on drop.
pub(crate) fn in_file(bytes: &[u8]) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("cannot create a temporary file")?;
    file.write_all(bytes)
        .context("cannot write a temporary file")?;
    Ok(file)
}
