//! From what authors name, a folder or an image, to a gate that can be asked.

use std::path::{Path, PathBuf};

use tollgate_compiler::{CompileOptions, Compiled, SourceTree};
use tollgate_crypto::Native;
use tollgate_gate::{Gate, LoadError, Trust};

use crate::failure::Failure;
use crate::input;
use crate::progress::Progress;

/// A policy folder that compiles.
pub(crate) struct Policy {
    pub(crate) image: Vec<u8>,
    pub(crate) compiled: Compiled,
    pub(crate) sources: SourceTree,
}

/// Compiles a folder. Bad keys are errors, or with `lenient_jwks` left out with a warning.
pub(crate) fn compile(folder: &Path, lenient_jwks: bool) -> Result<Policy, Failure> {
    // So that a mistyped name is told as what it is, and not as a policy with a mistake.
    folder.read_dir().map_err(|error| Failure::Read {
        path: folder.to_owned(),
        error,
    })?;
    let sources = {
        let _progress = Progress::start("reading the policy", None);
        SourceTree::read(folder)
    };
    let _progress = Progress::start("compiling the policy", None);
    let mut compiled = tollgate_compiler::compile(&sources, &CompileOptions { lenient_jwks });
    match compiled.image.take() {
        Some(image) if !compiled.has_errors() => Ok(Policy {
            image,
            compiled,
            sources,
        }),
        _ => Err(Failure::Policy {
            findings: compiled.diagnostics,
            sources: Box::new(sources),
        }),
    }
}

/// A gate for a folder or an image; with trust keys only for an image that one of them signed.
pub(crate) fn gate(path: &Path, trust: Option<&mut Trust>) -> Result<Gate<Vec<u8>>, Failure> {
    let image = if path.is_dir() {
        compile(path, false)?.image
    } else {
        input::read(path)?
    };
    load(path, image, trust)
}

/// A gate for the bytes of an image, signed or not; `path` is where they came from.
pub(crate) fn load(
    path: &Path,
    image: Vec<u8>,
    trust: Option<&mut Trust>,
) -> Result<Gate<Vec<u8>>, Failure> {
    Gate::load(image, trust, &Native).map_err(|error: LoadError| Failure::Image {
        path: path.to_owned(),
        error,
    })
}

/// The folder that was given, else the one that is meant: this one, or `policy` in it.
pub(crate) fn folder_or_default(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let candidates = || [".", "policy"].into_iter().map(PathBuf::from);
    match given {
        Some(folder) => Ok(folder),
        None => candidates()
            .find(|folder| folder.join(tollgate_compiler::SITE_FILE).is_file())
            .ok_or(Failure::NoPolicy),
    }
}
