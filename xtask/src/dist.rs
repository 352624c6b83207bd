//! Builds everything that a release consists of, from this clone, into one directory: the command with the parts of all
//! edges inside, for every platform that this machine can build for, in packages for several package managers, with
//! checksums, licences, bills of materials and provenance. What cannot be built here is named, with the reason.
//!
//! Not here: publishing (`docs/releasing.md`), and building the parts.

mod archive;
mod crates;
mod deb;
mod install;
mod licences;
mod notes;
mod npm;
mod platform;
mod program;
mod provenance;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::build::manifest;
use crate::tally::Tally;
use crate::ui::{self, Mark, Step};
use crate::{Verdict, build, repo, shell, supply, tools};
use archive::Entry;
use program::Built;

/// Arguments of `dist`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory to write; it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Build for this platform only, by its Rust target; can be given more than once [default: all]
    #[arg(long, value_name = "TRIPLE", value_parser = platform::names())]
    target: Vec<String>,
    /// Also package executables that other machines built: a directory with `TRIPLE/tollgate`
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Package the executable and the parts that `cargo xtask build` has built, for this machine alone
    #[arg(long, conflicts_with_all = ["target", "programs"])]
    quick: bool,
    /// Then install every package in a clean root, without network, and use it
    #[arg(long)]
    check: bool,
}

/// The release that is built.
struct Release {
    version: &'static str,
    /// With a mark if files have changed since.
    commit: Option<String>,
    /// The time of the commit, in Unix seconds: every time in an archive.
    epoch: u64,
    /// Where the files are written.
    out: PathBuf,
    /// Where packages are assembled.
    stage: PathBuf,
    /// Faster and larger packages.
    quick: bool,
    /// The licences of third-party crates.
    licences: String,
}

/// Builds everything, and prints what was built and what was not.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let began = Instant::now();
    ensure_empty(&args.out)?;
    // Checked before anything is built, because that takes minutes.
    let platforms = platform::chosen(&args.target, args.quick)?;
    ensure!(
        platforms.iter().any(|platform| platform.is_host()),
        "the executable for this machine is required, because it writes the manual pages: add its `--target`"
    );
    if !args.quick {
        build::for_release()?;
    }
    // A release that is interrupted leaves no directory that looks complete.
    let out = absolute(&args.out)?;
    let name = out
        .file_name()
        .context("the directory has no name")?
        .to_string_lossy()
        .into_owned();
    let partial = out.with_file_name(format!(".{name}.dist-partial"));
    let (skipped, sizes) = write(args, &partial)?;
    if out.is_dir() {
        fs::remove_dir(&out).with_context(|| format!("cannot replace {}", out.display()))?;
    }
    fs::rename(&partial, &out).with_context(|| format!("cannot write {}", out.display()))?;
    anstream::print!("\n{}", ui::table(&sizes));
    for (what, why) in &skipped {
        println!("skipped: {what}: {why}");
    }
    println!(
        "\nwrote {} in {}",
        out.display(),
        ui::seconds(began.elapsed())
    );
    if !args.check {
        return Ok(Verdict::Yes);
    }
    let (report, tally, passed) = ui::in_step("install", |step| install::check(&out, step))?;
    println!("{report}\n{tally}");
    Ok(Verdict::of(passed))
}

/// A step of `cargo xtask test`: packages the programs that are built, and installs every package in a clean root.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let out = repo::target().join("dist/quick");
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("cannot remove {}", repo::shown(&out)))?;
    }
    let args = Args {
        out: out.clone(),
        target: Vec::new(),
        programs: None,
        quick: true,
        check: true,
    };
    step.line("packages");
    write(&args, &out)?;
    install::check(&out, step)
}

type Skipped = Vec<(String, String)>;

fn write(args: &Args, out: &Path) -> Result<(Skipped, Vec<Vec<String>>)> {
    let stage = repo::target().join("dist/stage");
    for folder in [out, &stage] {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut release = Release {
        version: manifest::VERSION,
        commit: manifest::commit(),
        epoch: epoch()?,
        out: out.to_owned(),
        stage,
        quick: args.quick,
        licences: String::new(),
    };
    let mut skipped = Skipped::new();
    if release
        .commit
        .as_ref()
        .is_none_or(|commit| commit.ends_with(manifest::CHANGES))
    {
        skipped.push((
            "a release".to_owned(),
            "files differ from the last commit; commit them first".to_owned(),
        ));
    }
    let parts = archive::of_parts(&release)?;
    if !args.quick {
        release.put(
            &format!("tollgate-parts-{}.tar.gz", release.version),
            &parts,
        )?;
    }
    let mut built = Vec::new();
    for platform in platform::chosen(&args.target, args.quick)? {
        let step = Step::start(platform.triple);
        match program::build(platform, &release, args.programs.as_deref(), &step) {
            Ok(Ok(program)) => {
                step.end(Mark::Good, "");
                built.push(program::with_parts(program, &parts, &release)?);
            }
            Ok(Err(why)) => {
                step.end(Mark::Skipped, "");
                skipped.push((platform.triple.to_owned(), why));
            }
            Err(error) => {
                step.end(Mark::Bad, "");
                return Err(error);
            }
        }
    }
    let own = built
        .iter()
        .find(|one| one.platform.is_host())
        .context("the executable for this machine was not built")?;
    release.licences = ui::in_step("licences", |step| licences::text(&built, step))?;
    release.put("THIRD-PARTY.txt", release.licences.as_bytes())?;
    let common = ui::in_step("manual pages and completions", |step| {
        common(own, &release, step)
    })?;
    ui::in_step("archives", |_| {
        built
            .iter()
            .try_for_each(|one| archive::write(one, &common, &release))
    })?;
    ui::in_step("Debian packages", |step| {
        built
            .iter()
            .try_for_each(|one| deb::write(one, &common, &release, step))
    })?;
    ui::in_step("npm packages", |step| npm::write(&built, &release, step))?;
    ui::in_step("Python wheels", |step| wheel::write(&built, &release, step))?;
    if args.quick {
        ui::in_step("crates", |_| crates::check_manifests())?;
    } else {
        for (what, why) in ui::in_step("container images", |step| images(&built, &release, step))? {
            skipped.push((what, why));
        }
        lambda(&release, &mut skipped)?;
        ui::in_step("crates", crates::dry_run)?;
        ui::in_step("bills of materials", |step| bills(&release, step))?;
    }
    skipped.extend(notes::write(&release)?);
    provenance::write(&built, &release)?;
    let sizes = checksums(&release)?;
    Ok((skipped, sizes))
}

impl Release {
    /// Writes a file of the release.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Files that several packages contain: manual pages and completions, by their names in the archive.
fn common(own: &Built, release: &Release, step: &Step) -> Result<Vec<Entry>> {
    let folder = release.stage.join("man");
    let mut man = shell::tool(&own.path, ["man", "--out"]);
    shell::must(man.arg(&folder), |line| step.line(line))?;
    let mut entries = Vec::new();
    for (name, bytes) in manifest::files_below(&folder)? {
        entries.push(Entry::file(format!("man/man1/{name}"), bytes));
    }
    for (shell, name) in [
        ("bash", "tollgate.bash"),
        ("fish", "tollgate.fish"),
        ("zsh", "_tollgate"),
    ] {
        let script = shell::must(&mut shell::tool(&own.path, ["completions", shell]), |_| ())?;
        entries.push(Entry::file(
            format!("completions/{name}"),
            script.into_bytes(),
        ));
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"] {
        let path = repo::root().join(name);
        let bytes =
            fs::read(&path).with_context(|| format!("cannot read {}", repo::shown(&path)))?;
        entries.push(Entry::file(name.to_owned(), bytes));
    }
    entries.push(Entry::file(
        "THIRD-PARTY.txt".to_owned(),
        release.licences.clone().into_bytes(),
    ));
    Ok(entries)
}

/// The container image of `tollgate authz`, for the architecture whose libraries this machine has.
fn images(built: &[Built], release: &Release, step: &Step) -> Result<Skipped> {
    let mut skipped = Skipped::new();
    for one in built {
        let Some(arch) = one.platform.deb else {
            continue;
        };
        if !one.platform.is_host() {
            let why = "an image contains the C library of the machine that builds it: build it on one of that architecture";
            skipped.push((format!("the container image for {arch}"), why.to_owned()));
            continue;
        }
        tools::debian(&["umoci"], "umoci", step)?;
        let mut build = shell::tool("python3", ["deploy/image/build.py"]);
        build
            .arg(&one.path)
            .args(["--version", release.version, "--output"])
            .arg(
                release
                    .out
                    .join(format!("tollgate-authz-{}-{arch}.oci.tar", release.version)),
            )
            .env("SOURCE_DATE_EPOCH", release.epoch.to_string());
        shell::must(&mut build, |line| step.line(line))?;
    }
    Ok(skipped)
}

/// The zip of the Lambda program.
fn lambda(release: &Release, skipped: &mut Skipped) -> Result<()> {
    let zip = repo::parts().join("lambda/tollgate-lambda/bootstrap.zip");
    let arch = std::env::consts::ARCH;
    let bytes = fs::read(&zip)
        .with_context(|| format!("no {}: run `cargo xtask build` first", repo::shown(&zip)))?;
    release.put(
        &format!("tollgate-lambda-{}-{arch}.zip", release.version),
        &bytes,
    )?;
    for other in ["x86_64", "aarch64"]
        .into_iter()
        .filter(|other| *other != arch)
    {
        skipped.push((
            format!("the Lambda program for {other}"),
            "it is built on a machine of that architecture".to_owned(),
        ));
    }
    Ok(())
}

fn bills(release: &Release, step: &Step) -> Result<()> {
    supply::bills(step)?;
    let bills = repo::target().join("supply/sbom");
    for (name, bytes) in manifest::files_below(&bills)? {
        release.put(&name, &bytes)?;
    }
    Ok(())
}

/// Writes `SHA256SUMS`, and returns a table of all files.
fn checksums(release: &Release) -> Result<Vec<Vec<String>>> {
    let mut rows = vec![["file", "size", "SHA-256"].map(str::to_owned).to_vec()];
    let mut sums = String::new();
    for (name, bytes) in manifest::files_below(&release.out)? {
        let sum = manifest::sha256(&bytes);
        sums.push_str(&format!("{sum}  {name}\n"));
        rows.push(vec![
            name,
            ui::bytes(bytes.len()),
            sum.chars().take(16).collect(),
        ]);
    }
    release.put("SHA256SUMS", sums.as_bytes())?;
    Ok(rows)
}

/// The time of the last commit, so that the same commit gives the same bytes.
fn epoch() -> Result<u64> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given
            .parse()
            .context("SOURCE_DATE_EPOCH is not a number of seconds");
    }
    let mut git = shell::tool("git", ["log", "-1", "--format=%ct"]);
    let text = shell::must(&mut git, |_| ())
        .context("the time of the release is that of a commit: run this in a clone, or set SOURCE_DATE_EPOCH")?;
    text.trim().parse().context("git printed no time")
}

fn ensure_empty(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("{} is a file; choose another directory", out.display());
    }
    ensure!(
        !out.exists() || repo::entries(out)?.is_empty(),
        "{} contains files, and nothing is overwritten: remove it, or choose another directory",
        out.display()
    );
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))
}
