//! npm packages: `tollgate`, which starts the executable of one of the platform packages; these; and `@tollgate/edge`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::Release;
use super::program::{self, Built};
use crate::build::manifest;
use crate::ui::Step;
use crate::{repo, shell};

/// The program that npm links to.
const START: &str = include_str!("npm/tollgate.js");
const LICENCE: &str = "MIT OR Apache-2.0";
/// The directory of the packages' files that are in every package.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Writes all packages.
pub(super) fn write(built: &[Built], release: &Release, step: &Step) -> Result<()> {
    let mut platforms = Map::new();
    for one in built {
        let [os, cpu] = one.platform.npm;
        let name = format!("@tollgate/cli-{os}-{cpu}");
        let folder = release.stage.join("npm").join(format!("{os}-{cpu}"));
        let file = format!("tollgate{}", one.platform.exe);
        let mut package = json!({
            "name": name,
            "version": release.version,
            "description": format!("The `tollgate` executable for {os} on {cpu}. Install `tollgate` instead."),
            "license": LICENCE,
            "os": [os],
            "cpu": [cpu],
            "files": [file, "THIRD-PARTY.txt", "LICENSE-APACHE", "LICENSE-MIT"],
        });
        if one.platform.glibc.is_some() {
            set(&mut package, "libc", json!(["glibc"]));
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        fs::copy(&one.path, folder.join(&file))
            .with_context(|| format!("cannot copy {}", one.path.display()))?;
        program::executable(&folder.join(&file))?;
        pack(&folder, &format!("{package:#}\n"), release, step)?;
        platforms.insert(name, release.version.into());
    }
    let folder = release.stage.join("npm/tollgate");
    put(&folder.join("tollgate.js"), START.as_bytes())?;
    program::executable(&folder.join("tollgate.js"))?;
    let readme = "# tollgate\n\nCheck, test, analyze and build edge access policies.\n\n```sh\nnpx tollgate init my-policy\n```\n";
    put(&folder.join("README.md"), readme.as_bytes())?;
    let package = json!({
        "name": "tollgate",
        "version": release.version,
        "description": "Check, test, analyze and build edge access policies",
        "license": LICENCE,
        "bin": { "tollgate": "tollgate.js" },
        "files": ["tollgate.js", "THIRD-PARTY.txt", "LICENSE-APACHE", "LICENSE-MIT"],
        "engines": { "node": ">=18" },
        "optionalDependencies": platforms,
    });
    pack(&folder, &format!("{package:#}\n"), release, step)?;
    edge(release, step)
}

/// The changes of `package.json` for a published package: in the repository it must not be published by accident, and
/// what its scripts need is there. As text, because the order of `exports` has a meaning.
const EDITS: [(&str, &str); 3] = [
    ("  \"private\": true,\n", ""),
    (
        ",\n  \"scripts\": { \"prepack\": \"node prepack.mjs\", \"test\": \"node --test test/\" }",
        "",
    ),
    (
        "\"files\": [",
        "\"files\": [\"THIRD-PARTY.txt\", \"LICENSE-APACHE\", \"LICENSE-MIT\", ",
    ),
];

/// The package with the gate as WebAssembly.
fn edge(release: &Release, step: &Step) -> Result<()> {
    let from = repo::node_package();
    let path = from.join("package.json");
    let mut package =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", repo::shown(&path)))?;
    for (old, new) in EDITS {
        ensure!(
            package.matches(old).count() == 1,
            "{} lacks `{old}`: adapt `dist/npm.rs`",
            repo::shown(&path)
        );
        package = package.replace(old, new);
    }
    let version = format!("\"version\": \"{}\"", release.version);
    ensure!(
        package.contains(&version),
        "{} has another version than Cargo.toml: write {version}",
        repo::shown(&path)
    );
    let folder = release.stage.join("npm/edge");
    for (name, bytes) in manifest::files_below(&from.join("js"))? {
        put(&folder.join("js").join(name), &bytes)?;
    }
    for name in [
        "pkg/tollgate_node.js",
        "pkg/tollgate_node_bg.wasm",
        "README.md",
    ] {
        let bytes = fs::read(from.join(name)).with_context(|| {
            format!("no {name} in the npm package: run `cargo xtask build` first")
        })?;
        put(&folder.join(name), &bytes)?;
    }
    pack(&folder, &package, release, step)
}

/// Packs a directory with npm, which gives every file the same time.
fn pack(folder: &Path, package: &str, release: &Release, step: &Step) -> Result<()> {
    put(
        &folder.join("package.json"),
        format!("{package:#}\n").as_bytes(),
    )?;
    put(&folder.join("THIRD-PARTY.txt"), release.licences.as_bytes())?;
    for name in LICENCES {
        let bytes =
            fs::read(repo::root().join(name)).with_context(|| format!("cannot read {name}"))?;
        put(&folder.join(name), &bytes)?;
    }
    let mut npm = shell::tool("npm", ["pack", "--loglevel=error", "--pack-destination"]);
    npm.arg(&release.out).current_dir(folder);
    shell::must(&mut npm, |line| step.line(line))
        .context("npm is required; it comes with Node 20 or later")?;
    Ok(())
}

fn set(package: &mut Value, name: &str, value: Value) {
    if let Some(members) = package.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).with_context(|| format!("cannot create {}", above.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
