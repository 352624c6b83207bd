//! The Lambda@Edge package: its parts in both flavours, their sizes, and their tests.
//!
//! The parts are everything except the policy, which `tollgate build --target lambda-edge` adds. Not here:
//! the contents of the files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::tally::Tally;
use crate::ui::{self, Step};
use crate::{repo, shell};

/// The addon's package.
const ADDON: &str = "tollgate-lambda-edge";
/// The C library of Amazon Linux 2023, on which Lambda runs Node 20 and later.
const NEWEST_GLIBC: [u32; 2] = [2, 34];
/// The size limit for zips: it fits everywhere, including where viewer events still have the old limit.
const WASM_ZIP_LIMIT_BYTES: usize = 1_024 * 1_024;
/// The memory of a viewer-request function.
const MEMORY_LIMIT_BYTES: usize = 128 * 1_024 * 1_024;
/// The size of the policy with which memory is measured.
const COURSES: usize = 1_000;

/// The form of the gate inside the function.
struct Flavour {
    name: &'static str,
    /// Files of the npm package.
    package: &'static [&'static str],
    /// Largest zip for the sample policy.
    limit: Option<usize>,
}

const FLAVOURS: [Flavour; 2] = [
    Flavour {
        name: "wasm",
        package: &[
            "js/gate.mjs",
            "js/host.mjs",
            "js/node.mjs",
            "js/clients.mjs",
            "js/wire.mjs",
            "pkg/tollgate_node.js",
            "pkg/tollgate_node_bg.wasm",
        ],
        limit: Some(WASM_ZIP_LIMIT_BYTES),
    },
    Flavour {
        name: "native",
        package: &[
            "js/gate.mjs",
            "js/host.mjs",
            "js/clients.mjs",
            "js/wire.mjs",
        ],
        limit: None,
    },
];

/// The directory of the sources.
fn sources() -> PathBuf {
    repo::root().join("lambda-adapter/edge")
}

/// Assembles the parts of both flavours. The npm package must already be built. The addon comes last: if it
/// cannot be used, all other parts are complete.
pub(crate) fn parts(step: &Step) -> Result<()> {
    for flavour in &FLAVOURS {
        let folder = repo::parts().join("lambda-edge").join(flavour.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", repo::shown(&folder)))?;
        }
        let from_js = sources().join("js");
        for file in [
            "event.mjs",
            "handler.mjs",
            "headers.json",
            "headers.mjs",
            "package.json",
            "trust.mjs",
        ] {
            copy(&from_js.join(file), &folder.join(file))?;
        }
        let entry = format!("index.{}.mjs", flavour.name);
        copy(&from_js.join(entry), &folder.join("index.mjs"))?;
        for file in flavour.package {
            copy(
                &repo::node_package().join(file),
                &folder.join("gate").join(file),
            )?;
        }
        if flavour.name == "native" {
            shell::must(
                &mut shell::cargo(["build", "--release", "--package", ADDON]),
                |line| step.line(line),
            )?;
            let addon = repo::target().join("release/libtollgate_lambda_edge.so");
            runs_on_lambda(&addon)?;
            copy(&addon, &folder.join("gate.node"))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)
            .with_context(|| format!("cannot create {}", repo::shown(above)))?;
    }
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("cannot copy {} to {}", repo::shown(from), repo::shown(to)))
}

/// Returns an error if Amazon Linux 2023 would not load the addon.
pub(super) fn runs_on_lambda(program: &Path) -> Result<()> {
    let bytes =
        fs::read(program).with_context(|| format!("cannot read {}", repo::shown(program)))?;
    let needed = newest_glibc(&bytes).context("the addon names no version of the C library")?;
    let shown = |version: [u32; 2]| version.map(|number| number.to_string()).join(".");
    ensure!(
        needed <= NEWEST_GLIBC,
        "{} needs glibc {}; Lambda has {}: build it on an older system",
        repo::shown(program),
        shown(needed),
        shown(NEWEST_GLIBC)
    );
    Ok(())
}

/// Returns the newest glibc version that a program names. Version names appear verbatim in its string table.
pub(crate) fn newest_glibc(program: &[u8]) -> Option<[u32; 2]> {
    const NAME: &[u8] = b"GLIBC_";
    let versions = program
        .windows(NAME.len())
        .enumerate()
        .filter_map(|(at, found)| {
            let rest = program.get(at + NAME.len()..).filter(|_| found == NAME)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            let mut numbers = core::str::from_utf8(rest.get(..end)?).ok()?.split('.');
            let mut number = || numbers.next()?.parse::<u32>().ok();
            Some([number()?, number()?])
        });
    versions.max()
}

/// Returns the sizes of both packages with the sample policy, and the memory of a process with a large one.
/// The programs must already be built.
pub(crate) fn report(step: &Step) -> Result<String> {
    let scratch = repo::target().join("lambda-edge");
    fs::create_dir_all(&scratch).context("cannot create a directory for packages")?;
    let large = scratch.join("policy");
    write_large_policy(&large)?;
    let token = large_policy_token()?;
    let head = [
        "Lambda@Edge package",
        "zip",
        "peak memory",
        "above bare Node",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for flavour in &FLAVOURS {
        let zip = scratch.join(format!("{}.zip", flavour.name));
        let bytes = package(&repo::policy(), flavour, &zip, step)?;
        if let Some(limit) = flavour.limit {
            ensure!(
                bytes < limit,
                "the package has {bytes} bytes; the limit is {limit}"
            );
        }
        // Unpacked, it consists of parts and policy.
        let unpacked = unpack(flavour, &scratch)?;
        let image = unpacked.join("policy.tgi");
        shell::must(&mut tollgate_build(&large, &image), |line| step.line(line))?;
        let (bare, peak) = memory(&unpacked, &token, step)?;
        ensure!(
            peak < MEMORY_LIMIT_BYTES,
            "a process needs {peak} bytes; the limit is {MEMORY_LIMIT_BYTES}"
        );
        rows.push(vec![
            format!("{} flavour", flavour.name),
            ui::bytes(bytes),
            ui::bytes(peak),
            ui::bytes(peak.saturating_sub(bare)),
        ]);
    }
    let note = format!("zip: the sample policy; memory: a policy of {COURSES} courses in Node\n");
    Ok(ui::table(&rows) + &note)
}

fn tollgate_build(policy: &Path, out: &Path) -> std::process::Command {
    let mut build = shell::tool(repo::program("tollgate"), ["build"]);
    build.arg(policy).arg("--out").arg(out);
    build
}

/// Builds the package of a policy and returns its size.
fn package(policy: &Path, flavour: &Flavour, out: &Path, step: &Step) -> Result<usize> {
    let mut build = tollgate_build(policy, out);
    build.args([
        "--target",
        "lambda-edge",
        "--flavour",
        flavour.name,
        "--parts",
    ]);
    shell::must(build.arg(repo::parts()), |line| step.line(line))?;
    let size = fs::metadata(out)
        .context("the package was not written")?
        .len();
    Ok(usize::try_from(size)?)
}

/// Copies the parts of a flavour into their own directory, to which only a policy must be added.
fn unpack(flavour: &Flavour, scratch: &Path) -> Result<PathBuf> {
    let parts = repo::parts().join("lambda-edge").join(flavour.name);
    let folder = scratch.join(flavour.name);
    let mut ahead = vec![parts.clone()];
    while let Some(next) = ahead.pop() {
        for entry in repo::entries(&next)? {
            if entry.is_dir() {
                ahead.push(entry);
            } else {
                copy(&entry, &folder.join(entry.strip_prefix(&parts)?))?;
            }
        }
    }
    Ok(folder)
}

/// Writes a policy with many courses, each for its own group.
fn write_large_policy(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("courses")).context("cannot create a directory for a policy")?;
    copy(
        &repo::policy().join("keys/learners.jwks.json"),
        &folder.join("keys/learners.jwks.json"),
    )?;
    fs::write(folder.join("site.toml"), LARGE_SITE)?;
    for number in 0..COURSES {
        let text = format!(
            "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\n[[rule]]\n\
             id = \"students\"\nallow = [\"/**\"]\ngroups = [\"course-{number}\"]\n"
        );
        fs::write(folder.join(format!("courses/course-{number}.toml")), text)?;
    }
    Ok(())
}

const LARGE_SITE: &str = r#"schema = 1

[site]
name = "large"

[[issuer]]
name = "learners"
cognito = { region = "eu-west-1", user_pool = "eu-west-1_TestPool1" }
clients = ["client-abc123"]
token_use = ["id"]
algorithms = ["RS256"]
jwks = "keys/learners.jwks.json"
"#;

/// A token for the seventh course.
fn large_policy_token() -> Result<String> {
    let mut mint = shell::tool(repo::program("tollgate"), ["token", "mint", "--key"]);
    mint.arg(repo::fixtures().join("keys/learners-1.json"))
        .args([
            "--iss",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1",
            "--aud",
            "client-abc123",
            "--claim",
            "token_use=id",
            "--group=course-7",
        ]);
    Ok(shell::must(&mut mint, |_| ())?.trim().to_owned())
}

/// Returns the peak memory of a bare Node process and of one with the package, in bytes.
fn memory(package: &Path, token: &str, step: &Step) -> Result<(usize, usize)> {
    let mut measure = shell::tool("node", [sources().join("tools/memory.mjs")]);
    measure.arg(package).arg(COURSES.to_string()).arg(token);
    let said = shell::must(&mut measure, |line| step.line(line))?;
    let figures: serde_json::Value =
        serde_json::from_str(said.trim()).context("no measurements")?;
    let figure = |name: &str| {
        let value = figures.get(name).and_then(serde_json::Value::as_u64);
        usize::try_from(value.context("a measurement is missing")?)
            .context("a measurement is too large")
    };
    Ok((figure("bare")?, figure("peak")?))
}

/// Runs the tests of both flavours, with the image of the site that the gate's tests use. Parts and programs
/// must already be built.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let image = repo::target().join("sample.image");
    let mut write = shell::tool(repo::program("examples/sample_image"), [&image]);
    shell::must(&mut write, |line| step.line(line))?;
    let mut test = shell::tool("node", ["--test", "--test-reporter=tap"]);
    let files = repo::entries(&sources().join("test"))?;
    let files: Vec<&PathBuf> = files
        .iter()
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if files.is_empty() {
        bail!("no tests found in lambda-adapter/edge");
    }
    test.args(files)
        .env("TOLLGATE_PARTS", repo::parts())
        .env("TOLLGATE_SAMPLE_IMAGE", &image)
        .env("TOLLGATE_LAMBDA", repo::program("tollgate-lambda"))
        .env("TOLLGATE_SIGNED_TRIAL", repo::signed_trial());
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_tap(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_named_version_is_found() {
        let cases: [(&[u8], Option<[u32; 2]>); 5] = [
            (b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0", Some([2, 34])),
            (b"libc.so.6\0GLIBC_2.36\0", Some([2, 36])),
            (b"GLIBC_PRIVATE\0GLIBC_2.17\0", Some([2, 17])),
            (b"GLIBC_2.99", None),
            (b"", None),
        ];
        for (program, expected) in cases {
            assert_eq!(newest_glibc(program), expected);
        }
        assert!([2, 34] <= NEWEST_GLIBC && [2, 36] > NEWEST_GLIBC);
    }
}
