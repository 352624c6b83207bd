//! Third-party programs that tests, demos and builds run: npm, PyPI and Rust packages in pinned versions,
//! installed at first use into `.tools/` inside the repository, and programs from Debian.
//!
//! Only Debian's packages are installed globally, and only when running as root. A finished directory
//! contains a stamp with its specification; a directory with any other stamp, or none, is recreated.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::ui::Step;
use crate::{repo, shell};

/// The stamp file of a finished directory.
const STAMP: &str = ".installed";

/// An emulator of S3 and Cognito. `AUTH` makes it check signatures and permissions; without it, every request
/// is allowed. Without the second package, it signs tokens with an invalid key.
pub const MINISTACK: Pip<'static> = Pip {
    folder: "ministack",
    packages: &["ministack==1.5.33", "cryptography==50.0.2"],
};

/// npm packages that share a directory.
pub struct Npm<'a> {
    /// The name of the directory, without its prefix.
    pub folder: &'a str,
    /// The packages with exact versions, as `name@version`.
    pub packages: &'a [&'a str],
}

/// PyPI packages that share a virtual environment.
pub struct Pip<'a> {
    /// The name of the directory, without its prefix.
    pub folder: &'a str,
    /// The packages with exact versions, as `name==version`.
    pub packages: &'a [&'a str],
}

/// A program from crates.io.
pub struct Crate<'a> {
    /// The package, which has a program of the same name.
    pub name: &'a str,
    /// The exact version.
    pub version: &'a str,
}

/// The program of a package from crates.io, compiled at first use with its own lock file, which takes
/// minutes.
pub fn program_of(wanted: &Crate<'_>, step: &Step) -> Result<PathBuf> {
    let Crate { name, version } = wanted;
    let folder = folder(&format!("cargo-install-{name}"));
    let package = format!("{name}@{version}");
    once(&folder, &[&package], || {
        step.line(&format!("cargo install {package}"));
        let mut install = shell::cargo(["install", "--quiet", "--locked", "--root"]);
        install.arg(&folder).arg(&package);
        // The build directory is of no further use.
        let left = folder.join("build");
        install.env("CARGO_TARGET_DIR", &left);
        shell::must(&mut install, |line| step.line(line))
            .with_context(|| format!("cannot build `{package}` from crates.io"))?;
        fs::remove_dir_all(left).context("cannot remove the build directory")
    })?;
    Ok(folder.join("bin").join(name))
}

/// The directory into which [`npm`] installs the packages.
pub fn npm_folder(wanted: &Npm<'_>) -> PathBuf {
    folder(&format!("npm-{}", wanted.folder))
}

/// The directory in which `node_modules` contains the packages.
pub fn npm(wanted: &Npm<'_>, step: &Step) -> Result<PathBuf> {
    let folder = npm_folder(wanted);
    once(&folder, wanted.packages, || {
        step.line(&format!("npm install {}", wanted.packages.join(" ")));
        // Without a manifest here, npm would look for one in the parent directories.
        fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
        let mut install = shell::tool(
            "npm",
            [
                "install",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--loglevel=error",
            ],
        );
        install.args(wanted.packages).current_dir(&folder);
        shell::must(&mut install, |line| step.line(line))
            .context("npm is required; it comes with Node 20 or later")?;
        Ok(())
    })?;
    Ok(folder)
}

/// The directory of the packages, installed or not.
pub fn pip_folder(wanted: &Pip<'_>) -> PathBuf {
    folder(&format!("pip-{}", wanted.folder))
}

/// The virtual environment of the packages; their programs are in `bin` below it.
pub fn pip(wanted: &Pip<'_>, step: &Step) -> Result<PathBuf> {
    let folder = pip_folder(wanted);
    once(&folder, wanted.packages, || {
        step.line(&format!("pip install {}", wanted.packages.join(" ")));
        let mut make = shell::tool("python3", ["-m", "venv"]);
        shell::must(make.arg(&folder), |line| step.line(line))
            .context("Python 3 with its module venv is required")?;
        let quiet = ["install", "--quiet", "--disable-pip-version-check"];
        let mut install = shell::tool(folder.join("bin/pip"), quiet);
        shell::must(install.args(wanted.packages), |line| step.line(line))
            .context("pip could not install the required packages")?;
        Ok(())
    })?;
    Ok(folder)
}

/// The program from Debian packages, installed if it is missing and this process runs as root.
pub fn debian(packages: &[&str], program: &str, step: &Step) -> Result<PathBuf> {
    if let Some(found) = on_path(program) {
        return Ok(found);
    }
    let list = packages.join(" ");
    if !is_root() {
        bail!("`{program}` is missing; install it with `apt-get install {list}`");
    }
    step.line(&format!("apt-get install {list}"));
    let quiet = ["install", "--yes", "--no-install-recommends"];
    let install = || {
        let mut command = shell::tool("apt-get", quiet);
        command
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        shell::must(&mut command, |line| step.line(line)).map(|_| ())
    };
    // The package lists may be missing or old: they are fetched only after a failed installation.
    if install().is_err() {
        shell::must(&mut shell::tool("apt-get", ["update"]), |line| {
            step.line(line)
        })
        .and_then(|_| install())
        .with_context(|| format!("`{program}` is missing and cannot be installed"))?;
    }
    on_path(program).with_context(|| format!("Debian's {list} did not install `{program}`"))
}

/// The directory of a root with Debian's base and these packages, of the release that this machine has.
pub fn debian_root(packages: &[&str], step: &Step) -> Result<PathBuf> {
    let folder = folder("debian-root");
    once(&folder, packages, || {
        let program = debian(&["mmdebstrap"], "mmdebstrap", step)?;
        let release = fs::read_to_string("/etc/os-release").context("no /etc/os-release")?;
        let suite = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context("/etc/os-release names no release of Debian")?;
        let mut make = shell::tool(program, ["--variant=minbase"]);
        make.arg(format!("--include={}", packages.join(",")));
        make.arg(suite).arg(folder.join("root"));
        shell::must(&mut make, |line| step.line(line)).map(|_| ())
    })?;
    Ok(folder.join("root"))
}

/// The path of a program from Debian, installed or not.
pub fn debian_path(program: &str) -> PathBuf {
    on_path(program).unwrap_or_else(|| Path::new("/usr/sbin").join(program))
}

fn folder(name: &str) -> PathBuf {
    repo::root().join(".tools").join(name)
}

/// Fills `folder` unless it already contains exactly `packages`.
fn once(folder: &Path, packages: &[&str], fill: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join(STAMP);
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    fill()?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", repo::shown(&stamp)))
}

/// Returns the path of a program on the search path.
fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Returns whether this process runs as root.
pub fn is_root() -> bool {
    let asked = shell::tool("id", ["-u"]).output();
    asked.is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_refilled_only_for_other_packages() {
        let folder = std::env::temp_dir().join(format!("tools-{}", std::process::id()));
        let mut filled = Vec::new();
        for packages in [["a@1"], ["a@1"], ["a@2"]] {
            once(&folder, &packages, || {
                filled.push(packages);
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(filled, [["a@1"], ["a@2"]]);
        // A failed installation does not count as finished.
        assert!(once(&folder, &["a@3"], || bail!("no")).is_err());
        let mut again = false;
        once(&folder, &["a@3"], || {
            again = true;
            Ok(())
        })
        .unwrap();
        assert!(again);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program-here").is_none());
    }
}
