//! From what authors name, a folder or an image, to a gate that can be asked.

use std::path::{Component, Path, PathBuf};

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
    compiled(read(folder, SourceTree::read)?, lenient_jwks)
}

/// Compiles a folder and reads its test files, too.
pub(crate) fn compile_with_tests(folder: &Path, lenient_jwks: bool) -> Result<Policy, Failure> {
    compiled(read(folder, SourceTree::read_with_tests)?, lenient_jwks)
}

/// The files of a folder, by one of the ways of reading it.
pub(crate) fn read(folder: &Path, how: fn(&Path) -> SourceTree) -> Result<SourceTree, Failure> {
    // So that a mistyped name is told as what it is, and not as a policy with a mistake.
    folder.read_dir().map_err(|error| Failure::Read {
        path: folder.to_owned(),
        error,
    })?;
    let _progress = Progress::start("reading the policy", None);
    let mut sources = how(folder);
    sources.seen_as(seen_from_here(folder));
    Ok(sources)
}

fn compiled(sources: SourceTree, lenient_jwks: bool) -> Result<Policy, Failure> {
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

/// A folder's path from the current directory, empty for that directory itself: terminals and CI make links
/// of such paths.
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

/// The folder that was given, else the one that is meant: this one, `policy` in it, or the nearest above it
/// that holds `site.toml`.
pub(crate) fn folder_or_default(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = given {
        return Ok(folder);
    }
    let above = std::env::current_dir().map_or(0, |here| here.ancestors().skip(1).count());
    let above = (1..=above).map(|steps| core::iter::repeat_n("..", steps).collect());
    [".", "policy"]
        .into_iter()
        .map(PathBuf::from)
        .chain(above)
        .find(|folder| folder.join(tollgate_compiler::SITE_FILE).is_file())
        .ok_or(Failure::NoPolicy)
}
