//! Python wheels with the executable as a script: `pip install tollgate-cli`. `tollgate` on PyPI is another project.
//!
//! Packed with `wheel`, because the executables are already built, and contain parts that maturin cannot append.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Release;
use super::program::{self, Built};
use crate::tools::{self, Pip};
use crate::ui::Step;
use crate::{repo, shell};

const WHEEL: Pip<'_> = Pip {
    folder: "wheel",
    packages: &["wheel==0.48.0"],
};
/// The name of the distribution, as in the names of its files.
const NAME: &str = "tollgate_cli";

/// Writes a wheel for each platform.
pub(super) fn write(built: &[Built], release: &Release, step: &Step) -> Result<()> {
    let wheel = tools::pip(&WHEEL, step)?.join("bin/wheel");
    for one in built {
        let folder = release.stage.join("wheel").join(one.platform.triple);
        let scripts = folder.join(format!("{NAME}-{}.data/scripts", release.version));
        let info = folder.join(format!("{NAME}-{}.dist-info", release.version));
        for folder in [&scripts, &info.join("licenses")] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let script = scripts.join(format!("tollgate{}", one.platform.exe));
        fs::copy(&one.path, &script)
            .with_context(|| format!("cannot copy {}", one.path.display()))?;
        program::executable(&script)?;
        put(&info.join("METADATA"), &metadata(release))?;
        let tags: String = one
            .platform
            .wheel
            .split('.')
            .map(|tag| format!("Tag: py3-none-{tag}\n"))
            .collect();
        let text = format!(
            "Wheel-Version: 1.0\nGenerator: cargo xtask dist\nRoot-Is-Purelib: false\n{tags}"
        );
        put(&info.join("WHEEL"), &text)?;
        put(&info.join("licenses/THIRD-PARTY.txt"), &release.licences)?;
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            fs::copy(repo::root().join(name), info.join("licenses").join(name))
                .with_context(|| format!("cannot copy {name}"))?;
        }
        let mut pack = shell::tool(&wheel, ["pack", "--dest-dir"]);
        pack.arg(&release.out).arg(&folder);
        // Archives cannot have times before 1980.
        pack.env(
            "SOURCE_DATE_EPOCH",
            release.epoch.max(315_532_800).to_string(),
        );
        shell::must(&mut pack, |line| step.line(line))?;
    }
    Ok(())
}

fn metadata(release: &Release) -> String {
    format!(
        "Metadata-Version: 2.4\nName: tollgate-cli\nVersion: {}\n\
         Summary: Check, test, analyze and build edge access policies\nLicense-Expression: MIT OR Apache-2.0\n\
         License-File: LICENSE-APACHE\nLicense-File: LICENSE-MIT\nLicense-File: THIRD-PARTY.txt\n\
         Requires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n\
         The `tollgate` command, with the parts of every edge inside:\n\n    pip install tollgate-cli\n    tollgate init my-policy\n",
        release.version
    )
}

fn put(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
