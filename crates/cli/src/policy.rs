//! Loading of policies: from the path of a directory or an image to a gate that decides requests.
//!
//! [`compile`] and [`gate`] are for subcommands that write, publish or serve a policy, and [`preview`] and [`study`] for
//! those that only read it.

mod deployable;
mod preview;

use std::path::{Component, Path, PathBuf};

use tollgate_compiler::{CompileOptions, Diagnostic, SourceTree};
use tollgate_crypto::Native;
use tollgate_gate::{Gate, LoadError, Trust};

use crate::failure::Failure;
use crate::notes::Notes;
use crate::progress::Progress;

pub(crate) use deployable::Deployable;
pub(crate) use preview::{Preview, Study};

/// A policy directory that compiles with all its secrets.
pub(crate) struct Policy {
    pub(crate) deployable: Deployable,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) sources: SourceTree,
}

/// Compiles a directory to deploy it. Invalid keys are errors; with `lenient_jwks`, they are skipped with a warning.
pub(crate) fn compile(folder: &Path, lenient_jwks: bool) -> Result<Policy, Failure> {
    let sources = read(folder, SourceTree::read)?;
    let _progress = Progress::start("compiling the policy", None);
    let mut compiled = tollgate_compiler::compile(&sources, &CompileOptions { lenient_jwks });
    let has_errors = compiled.has_errors();
    match Deployable::of(&mut compiled) {
        Some(deployable) if !has_errors => Ok(Policy {
            deployable,
            diagnostics: compiled.diagnostics,
            sources,
        }),
        _ => Err(Failure::Policy {
            findings: compiled.diagnostics,
            sources: Box::new(sources),
        }),
    }
}

/// Compiles a directory to read it.
pub(crate) fn preview(folder: &Path) -> Result<Preview, Failure> {
    Preview::of(read(folder, SourceTree::read)?, false)
}

/// Compiles a directory to read it, and reads its test files, too.
pub(crate) fn preview_with_tests(folder: &Path, lenient_jwks: bool) -> Result<Preview, Failure> {
    Preview::of(read(folder, SourceTree::read_with_tests)?, lenient_jwks)
}

/// Reads the files of a directory with one of the functions of [`SourceTree`].
pub(crate) fn read(folder: &Path, how: fn(&Path) -> SourceTree) -> Result<SourceTree, Failure> {
    // Report a mistyped name as such, not as an error in the policy.
    folder.read_dir().map_err(|error| Failure::Read {
        path: folder.to_owned(),
        error,
    })?;
    let _progress = Progress::start("reading the policy", None);
    let mut sources = how(folder);
    sources.seen_as(seen_from_here(folder));
    Ok(sources)
}

/// A directory's path relative to the current directory, empty for that directory itself: terminals and CI turn such
/// paths into links.
fn seen_from_here(folder: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = match folder.strip_prefix(&here) {
        Ok(below) if folder.is_absolute() => below,
        _ => folder,
    };
    let plain: PathBuf = below
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    plain.to_string_lossy().into_owned()
}

/// Loads a gate to serve, from a directory or an image. With trust keys, only an image that one of them signed is
/// accepted.
pub(crate) fn gate(path: &Path, trust: Option<&mut Trust>) -> Result<Gate<Vec<u8>>, Failure> {
    let policy = if path.is_dir() {
        compile(path, false)?.deployable
    } else {
        Deployable::read(path)?
    };
    policy.gate(path, trust)
}

/// Loads a gate that decides for this process only, from a directory or an image, with notes about missing secrets.
pub(crate) fn study(path: &Path, trust: Option<&mut Trust>) -> Result<(Study, Notes), Failure> {
    if path.is_dir() {
        let preview = preview(path)?;
        let gate = preview.gate(path, trust)?;
        return Ok((gate, preview.into_notes()));
    }
    let gate = Deployable::read(path)?.gate(path, trust)?;
    Ok((Study::new(gate, true), Notes::default()))
}

/// Loads a gate that decides for this process only, from the image of a policy that was read. `is_exact`: whether it has
/// no stand-in for a secret.
pub(crate) fn study_image(path: &Path, image: Vec<u8>, is_exact: bool) -> Result<Study, Failure> {
    Ok(Study::new(load(path, image, None)?, is_exact))
}

/// Loads a gate from the bytes of an image, signed or not. `path` is used in messages.
fn load(path: &Path, image: Vec<u8>, trust: Option<&mut Trust>) -> Result<Gate<Vec<u8>>, Failure> {
    Gate::load(image, trust, &Native).map_err(|error: LoadError| Failure::Image {
        path: path.to_owned(),
        error,
    })
}

/// Returns the given directory, else the first that contains `site.toml`: the current one, `policy` in it, or the
/// nearest parent directory.
pub(crate) fn folder_or_default(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = given {
        return Ok(folder);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().skip(1).count();
    let above = (1..=above).map(|steps| core::iter::repeat_n("..", steps).collect());
    [".", "policy"]
        .into_iter()
        .map(PathBuf::from)
        .chain(above)
        .find(|folder| folder.join(tollgate_compiler::SITE_FILE).is_file())
        .ok_or(Failure::NoPolicy(here))
}
