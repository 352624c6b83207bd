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

/// A policy image in memory and in a file that lives as long as the value.
pub struct Policy {
    image: Vec<u8>,
    spec: ImageSpec,
    file: NamedTempFile,
}

impl Policy {
    /// Compiles a policy folder.
    ///
    /// # Errors
    ///
    /// If the policy has mistakes: the message shows them all.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        Self::from_sources(&SourceTree::read(folder))
            .with_context(|| format!("the policy in {}", folder.display()))
    }

    /// Compiles the texts of a policy.
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
    /// If it does not fit into an image.
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

    /// The checked policy, for targets that an image is not enough for.
    pub fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    /// The content id of the image.
    ///
    /// # Errors
    ///
    /// If the image cannot be read, which compiling has ruled out.
    pub fn id(&self) -> Result<String> {
        let image = Image::from_bytes(&self.image).map_err(|error| anyhow!("{error}"))?;
        Ok(image.id().to_string())
    }

    /// The file that holds the image.
    pub fn file(&self) -> &Path {
        self.file.path()
    }
}

/// A file with these bytes, as long as the value lives.
pub(crate) fn in_file(bytes: &[u8]) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("cannot make a temporary file")?;
    file.write_all(bytes)
        .context("cannot write a temporary file")?;
    Ok(file)
}
