//! The executables: built for a platform, and joined with the parts of all edges.
//!
//! Linux is cross-compiled with zig as C compiler and linker, for an old glibc. The parts follow the last section of the
//! executable, so that those of all platforms are the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Release;
use super::platform::Platform;
use crate::build::lambda_edge::newest_glibc;
use crate::build::toolchain;
use crate::tools::{self, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// zig as a linker for cargo. cargo-lambda uses the same.
const ZIGBUILD: Pip<'_> = Pip {
    folder: "zigbuild",
    packages: &["cargo-zigbuild==0.24.1", "ziglang==0.17.1"],
};
/// The package and its executable.
const NAME: &str = "tollgate";
/// The last bytes of an executable with parts. `crates/cli/src/build/parts/embedded.rs` has the same.
const MAGIC: [u8; 16] = *b"tollgate-parts\x001";

/// An executable of the release.
pub(super) struct Built {
    pub(super) platform: &'static Platform,
    pub(super) path: PathBuf,
}

/// Builds the executable of a platform; returns the reason if this machine cannot.
pub(super) fn build(
    platform: &'static Platform,
    release: &Release,
    elsewhere: Option<&Path>,
    step: &Step,
) -> Result<Result<Built, String>> {
    let file = format!("{NAME}{}", platform.exe);
    if let Some(path) = elsewhere.map(|folder| folder.join(platform.triple).join(&file))
        && path.is_file()
    {
        return Ok(Ok(Built { platform, path }));
    }
    if release.quick {
        return Ok(Ok(Built {
            platform,
            path: stripped(&repo::program(NAME), release, step)?,
        }));
    }
    let is_linux = platform.glibc.is_some();
    if !platform.has_own_system() && !is_linux {
        return Ok(Err(format!(
            "it needs the libraries of another system; `.github/workflows/release.yml` builds it there, and \
             `--programs DIR` adds `DIR/{}/{file}`",
            platform.triple
        )));
    }
    toolchain::need(&[platform.triple])?;
    let mut cargo = if is_linux && std::env::consts::OS == "linux" {
        let tools = tools::pip(&ZIGBUILD, step)?.join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            [tools.clone()]
                .into_iter()
                .chain(std::env::split_paths(&path)),
        )?;
        let mut cargo = shell::tool(tools.join("cargo-zigbuild"), ["rustc"]);
        cargo.env("PATH", path).args([
            "--target",
            &format!("{}.{}", platform.triple, platform.glibc.unwrap_or_default()),
        ]);
        cargo
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_PKG_NAME");
        cargo
    } else {
        shell::cargo(["rustc", "--target", platform.triple])
    };
    cargo.args(["--release", "--locked", "--package", NAME, "--bin", NAME]);
    // Only of the program: a profile with this setting would compile every dependency again.
    cargo.args(["--", "-C", "strip=symbols"]);
    if let Some(commit) = &release.commit {
        cargo.env("TOLLGATE_COMMIT", commit);
    }
    shell::must(&mut cargo, |line| step.line(line))?;
    let path = repo::target()
        .join(platform.triple)
        .join("release")
        .join(file);
    if let Some(limit) = platform.glibc {
        check_glibc(&path, limit)?;
    }
    Ok(Ok(Built { platform, path }))
}

/// Checks that a program runs with the glibc that the packages promise.
fn check_glibc(program: &Path, limit: &str) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let needed = newest_glibc(&bytes).context("the executable names no version of glibc")?;
    let shown = needed.map(|number| number.to_string()).join(".");
    let numbers: Vec<u32> = limit
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    ensure!(
        needed.as_slice() <= numbers.as_slice(),
        "{} needs glibc {shown}, but the packages promise {limit}",
        program.display()
    );
    Ok(())
}

/// A copy without symbols, which are most of a program that was built for tests.
fn stripped(program: &Path, release: &Release, step: &Step) -> Result<PathBuf> {
    ensure!(
        program.is_file(),
        "{} is not built: run `cargo build --package {NAME}` first",
        repo::shown(program)
    );
    let path = release.stage.join(NAME);
    let mut strip = shell::tool("strip", ["--output-file"]);
    shell::must(strip.arg(&path).arg(program), |line| step.line(line))
        .context("`strip` is required; it comes with the linker")?;
    Ok(path)
}

/// Appends the parts to a copy of the executable.
pub(super) fn with_parts(built: Built, parts: &[u8], release: &Release) -> Result<Built> {
    let Built { platform, path } = built;
    let program = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        !program.ends_with(&MAGIC),
        "{} already contains parts",
        path.display()
    );
    let length = u64::try_from(parts.len())?.to_le_bytes();
    let folder = release.stage.join("programs").join(platform.triple);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(format!("{NAME}{}", platform.exe));
    fs::write(&path, [&program, parts, &length, &MAGIC].concat())
        .with_context(|| format!("cannot write {}", path.display()))?;
    executable(&path)?;
    Ok(Built { platform, path })
}

/// Lets everyone execute a file.
#[cfg(unix)]
pub(super) fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

/// Windows recognizes executables by name.
#[cfg(not(unix))]
pub(super) fn executable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::platform::PLATFORMS;
    use super::*;

    fn release(stage: &Path) -> Release {
        Release {
            version: "0.0.0",
            commit: None,
            epoch: 0,
            out: stage.to_owned(),
            stage: stage.to_owned(),
            quick: false,
            licences: String::new(),
        }
    }

    #[test]
    fn other_systems_are_skipped_with_a_reason_and_what_was_built_there_is_used() {
        let stage = repo::target().join(format!("dist-test-{}", std::process::id()));
        let step = Step::start("test");
        let others = PLATFORMS
            .iter()
            .filter(|platform| platform.glibc.is_none() && !platform.has_own_system());
        for platform in others {
            let found = build(platform, &release(&stage), Some(&stage), &step).unwrap();
            assert!(found.err().unwrap().contains(platform.triple));
            let folder = stage.join(platform.triple);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{NAME}{}", platform.exe)), "code").unwrap();
            let found = build(platform, &release(&stage), Some(&stage), &step)
                .unwrap()
                .ok()
                .unwrap();
            let joined = with_parts(found, b"parts", &release(&stage)).unwrap();
            let bytes = fs::read(&joined.path).unwrap();
            assert_eq!(bytes, b"codeparts\x05\0\0\0\0\0\0\0tollgate-parts\x001");
            // A second archive would hide the first.
            assert!(with_parts(joined, b"parts", &release(&stage)).is_err());
        }
        let _ = fs::remove_dir_all(&stage);
    }
}
