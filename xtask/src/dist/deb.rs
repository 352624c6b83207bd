//! Debian packages: the command, its manual pages and completions, and the service of `tollgate authz`, which is installed
//! and not enabled, because it has no policy yet.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use super::Release;
use super::archive::Entry;
use super::program::{self, Built};
use crate::build::lambda_edge::newest_glibc;
use crate::build::manifest;
use crate::ui::Step;
use crate::{repo, shell};

/// The scripts that run during installation and removal.
const SCRIPTS: [(&str, &str); 4] = [
    ("postinst", include_str!("deb/postinst.sh")),
    ("prerm", include_str!("deb/prerm.sh")),
    ("postrm", include_str!("deb/postrm.sh")),
    ("conffiles", "/etc/default/tollgate-authz\n"),
];
/// Files of the repository, and their places.
const FILES: [(&str, &str); 5] = [
    (
        "deploy/systemd/tollgate-authz.service",
        "usr/lib/systemd/system/tollgate-authz.service",
    ),
    (
        "deploy/systemd/tollgate.sysusers",
        "usr/lib/sysusers.d/tollgate.conf",
    ),
    (
        "deploy/systemd/tollgate-authz.default",
        "etc/default/tollgate-authz",
    ),
    ("docs/deployment.md", "usr/share/doc/tollgate/deployment.md"),
    (
        "docs/beside-a-proxy.md",
        "usr/share/doc/tollgate/beside-a-proxy.md",
    ),
];

/// Writes the package of a platform, if it has one.
pub(super) fn write(built: &Built, common: &[Entry], release: &Release, step: &Step) -> Result<()> {
    let Some(arch) = built.platform.deb else {
        return Ok(());
    };
    let root = release.stage.join("deb").join(arch);
    let program =
        fs::read(&built.path).with_context(|| format!("cannot read {}", built.path.display()))?;
    let control = control(&program, arch, release)?;
    place(&root, "usr/bin/tollgate", &program)?;
    program::executable(&root.join("usr/bin/tollgate"))?;
    for (from, to) in FILES {
        let path = repo::root().join(from);
        place(
            &root,
            to,
            &fs::read(&path).with_context(|| format!("cannot read {from}"))?,
        )?;
    }
    for Entry { name, bytes, .. } in common {
        if let Some((to, is_packed)) = place_of(name) {
            let packed = if is_packed {
                gzip(bytes)?
            } else {
                bytes.clone()
            };
            place(&root, &to, &packed)?;
        }
    }
    let copyright = [
        "Tollgate is licensed under MIT or Apache-2.0, at your option.\n\n",
        &fs::read_to_string(repo::root().join("LICENSE-MIT")).context("cannot read LICENSE-MIT")?,
        "\nOn Debian systems, the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.\n\
         The licences of third-party crates are in THIRD-PARTY.txt.gz.\n",
    ];
    place(
        &root,
        "usr/share/doc/tollgate/copyright",
        copyright.concat().as_bytes(),
    )?;
    place(&root, "DEBIAN/control", control.as_bytes())?;
    for (name, text) in SCRIPTS {
        place(&root, &format!("DEBIAN/{name}"), text.as_bytes())?;
        if name != "conffiles" {
            program::executable(&root.join("DEBIAN").join(name))?;
        }
    }
    place(&root, "DEBIAN/md5sums", md5sums(&root, step)?.as_bytes())?;
    let name = format!("tollgate_{}_{arch}.deb", release.version);
    let mut pack = shell::tool("dpkg-deb", ["--root-owner-group"]);
    // For a quick release, time matters more than size.
    pack.args(if release.quick {
        ["-Zgzip", "-z1"]
    } else {
        ["-Zxz", "-z6"]
    });
    pack.arg("--build").arg(&root).arg(release.out.join(name));
    pack.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    shell::must(&mut pack, |line| step.line(line))
        .context("`dpkg-deb` is required; it is in every Debian")?;
    Ok(())
}

/// The place of a common file, and whether it is compressed there.
fn place_of(name: &str) -> Option<(String, bool)> {
    if let Some(page) = name.strip_prefix("man/") {
        return Some((format!("usr/share/man/{page}.gz"), true));
    }
    let (to, is_packed) = match name {
        "completions/tollgate.bash" => ("usr/share/bash-completion/completions/tollgate", false),
        "completions/tollgate.fish" => ("usr/share/fish/vendor_completions.d/tollgate.fish", false),
        "completions/_tollgate" => ("usr/share/zsh/vendor-completions/_tollgate", false),
        "CHANGELOG.md" => ("usr/share/doc/tollgate/changelog.gz", true),
        "THIRD-PARTY.txt" => ("usr/share/doc/tollgate/THIRD-PARTY.txt.gz", true),
        _ => return None,
    };
    Some((to.to_owned(), is_packed))
}

fn control(program: &[u8], arch: &str, release: &Release) -> Result<String> {
    let [major, minor] =
        newest_glibc(program).context("the executable names no version of glibc")?;
    let mut depends = format!("libc6 (>= {major}.{minor})");
    if program.windows(13).any(|found| found == b"libgcc_s.so.1") {
        depends.push_str(", libgcc-s1 | libgcc1");
    }
    let size = program.len() / 1_024;
    Ok(format!(
        "Package: tollgate\nVersion: {}\nArchitecture: {arch}\nMaintainer: The Tollgate authors <tollgate@localhost>\n\
         Installed-Size: {size}\nDepends: {depends}\nRecommends: ca-certificates\nSection: web\nPriority: optional\n\
         Description: check, test, analyze and build edge access policies\n \
         Tollgate enforces per-path access rules at the edge of a CDN, and beside\n \
         reverse proxies. This package has the command of policy authors, with the\n \
         parts of every edge inside, and the service of `tollgate authz`.\n",
        release.version
    ))
}

fn place(root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(name);
    let above = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    fs::create_dir_all(&above).with_context(|| format!("cannot create {}", above.display()))?;
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes)?;
    Ok(packed.finish()?)
}

/// The hashes with which `dpkg --verify` finds changed files.
fn md5sums(root: &Path, step: &Step) -> Result<String> {
    let files = manifest::files_below(root)?.into_keys();
    let mut sum = shell::tool("md5sum", [""; 0]);
    sum.args(files.filter(|name| !name.starts_with("DEBIAN/")))
        .current_dir(root);
    shell::must(&mut sum, |line| step.line(line)).context("`md5sum` is required")
}
