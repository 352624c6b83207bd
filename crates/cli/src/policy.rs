//! Loading of policies: from the path of a directory or an image to a gate that decides requests.

use std::path::{Component, Path, PathBuf};

use tollgate_compiler::{CompileOptions, Compiled, SourceTree};
use tollgate_crypto::Native;
use tollgate_gate::{Gate, LoadError, Trust};

use crate::failure::Failure;
use crate::input;
use crate::progress::Progress;

/// A policy directory that compiles.
pub(crate) struct Policy {
    pub(crate) image: Vec<u8>,
    pub(crate) compiled: Compiled,
    pub(crate) sources: SourceTree,
}

/// Compiles a directory. Invalid keys are errors; with `lenient_jwks`, they are skipped with a warning.
pub(crate) fn compile(folder: &Path, lenient_jwks: bool) -> Result<Policy, Failure> {
    compiled(read(folder, SourceTree::read)?, lenient_jwks)
}

/// Compiles a directory and reads its test files, too.
pub(crate) fn compile_with_tests(folder: &Path, lenient_jwks: bool) -> Result<Policy, Failure> {
    compiled(read(folder, SourceTree::read_with_tests)?, lenient_jwks)
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

/// Compiles files that were read before.
pub(crate) fn compiled(sources: SourceTree, lenient_jwks: bool) -> Result<Policy, Failure> {
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

/// Loads a gate from a directory or an image. With trust keys, only an image that one of them signed is accepted.
pub(crate) fn gate(path: &Path, trust: Option<&mut Trust>) -> Result<Gate<Vec<u8>>, Failure> {
    let image = if path.is_dir() {
        compile(path, false)?.image
    } else {
        input::read(path)?
    };
    load(path, image, trust)
}

/// Loads a gate from the bytes of an image, signed or not. `path` is used in messages.
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
