//! Runs every check, step by step, with the duration of each; ends with a table and a plain line of counts.
//! A failing step prints its whole output and does not stop the rest.

use std::process::Command;

use anyhow::Result;

use crate::bench::baselines;
use crate::tally::Tally;
use crate::ui::{Mark, Step};
use crate::{
    Verdict, build, callback, codegen, conformance, demo, deployment, dist, docs, embedding,
    fixtures, infra, integrations, repo, shell, sign_in, tidy, ui,
};

/// Arguments of `test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Skip everything that needs WebAssembly, for quick feedback between edits
    #[arg(long)]
    pub(crate) quick: bool,
}

/// How the lines of a step are counted.
type Count = fn(&str) -> Tally;

/// The work of a step.
enum Work {
    /// A process that succeeds or fails; its report is counted.
    Process(Command, Count),
    /// A function of this program: returns its report, its counts, and whether it passed.
    Here(fn(&Step) -> Result<(String, Tally, bool)>),
}

/// One row of the summary table.
struct Row {
    name: &'static str,
    good: bool,
    tally: Tally,
    took: String,
}

/// Runs every step.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let mut rows = Vec::new();
    for (name, work) in steps(args.quick) {
        rows.push(step(name, work));
    }
    if args.quick {
        println!("skipped with --quick: {LEFT_OUT}");
    }
    let (table, sum) = summary(&rows);
    println!();
    anstream::print!("{}", ui::table(&table));
    println!("\n{sum}");
    Ok(Verdict::of(sum.failed == 0))
}

/// A description of what `--quick` skips.
const LEFT_OUT: &str = "WASM modules and bare targets, conformance on all but native, tests of packages, programs and pages";

fn steps(quick: bool) -> Vec<(&'static str, Work)> {
    let nothing: Count = |_| Tally::default();
    let plain = |command| Work::Process(command, nothing);
    let mut steps = vec![
        ("format", plain(shell::cargo(["fmt", "--all", "--check"]))),
        (
            "tidy",
            Work::Here(|_| tidy::report().map(|(text, good)| (text, Tally::default(), good))),
        ),
        (
            "build and clippy",
            plain(shell::linted(["test", "--workspace", "--no-run"])),
        ),
        (
            "cargo test",
            Work::Process(
                shell::linted(["test", "--workspace", "--no-fail-fast"]),
                Tally::from_cargo_test,
            ),
        ),
    ];
    steps.push(("programs", plain(shell::linted(build::PROGRAMS))));
    steps.push(("fuzz targets", plain(fuzz_targets())));
    steps.push(("generated files", Work::Here(codegen::check)));
    steps.push(("fixtures", plain(fixtures::check())));
    if !quick {
        steps.push((
            "edges",
            Work::Here(|step| build::all(step).map(|text| (text, Tally::default(), true))),
        ));
        // The vectors of RS256 exist in WebAssembly only, and the arithmetic of both is for it. The edges
        // need the same compile target, so it is already installed.
        let mut signatures = shell::cargo(["test", "--package", "tollgate-rs256"]);
        signatures.args(["--package", "tollgate-es256", "--lib", "--tests"]);
        signatures.args(["--target", build::WASM_TARGET]);
        steps.push((
            "RS256 and ES256 in WASM",
            Work::Process(signatures, Tally::from_cargo_test),
        ));
        steps.push(("baselines", Work::Here(baselines::check)));
    }
    steps.push((
        "conformance",
        if quick {
            Work::Here(|step| conformance::own(&["native"], step))
        } else {
            Work::Here(|step| conformance::own(&[], step))
        },
    ));
    if !quick {
        steps.push(("theorems", Work::Here(conformance::theorems)));
        steps.push((
            "signed images",
            Work::Process(signed_images(), Tally::from_targets),
        ));
        steps.push(("WASM host", Work::Here(embedding::wasm_host)));
        steps.push(("npm package", Work::Here(npm_package)));
        steps.push(("Lambda@Edge package", Work::Here(build::lambda_edge::tests)));
        steps.push(("Lambda program and S3", Work::Here(build::lambda::tests)));
        steps.push(("Cloudflare Worker", Work::Here(build::cloudflare::tests)));
        steps.push(("generated JavaScript", Work::Here(build::javascript::tests)));
        steps.push(("readers of paths", Work::Here(build::readers::tests)));
        steps.push(("publishing", Work::Here(build::publish::tests)));
        steps.push(("ways past a proxy", Work::Here(build::proxies::bypasses)));
        steps.push(("callback page", Work::Here(callback::tests)));
        steps.push(("sign-in in Chromium", Work::Here(sign_in::tests)));
        steps.push(("demos", Work::Here(demo::tests)));
        steps.push(("infrastructure", Work::Here(infra::check)));
        steps.push(("deployment", Work::Here(deployment::check)));
        steps.push(("documentation", Work::Here(docs::check)));
        steps.push(("integrations", Work::Here(integrations::check)));
        steps.push(("packages", Work::Here(dist::check)));
    }
    let authors = shell::tool(repo::program("tollgate"), ["test", "policy"]);
    steps.push(("authors' tests", Work::Process(authors, authors_tests)));
    steps
}

/// The fuzz targets must still build: they are a separate workspace, which no other step checks.
fn fuzz_targets() -> Command {
    let mut clippy = shell::cargo(["clippy", "--quiet", "--locked"]);
    clippy
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target-dir"])
        .arg(repo::target())
        .args(["--", "-D", "warnings"])
        // Nothing is linked, so libFuzzer's C++ is not compiled.
        .env(
            "CUSTOM_LIBFUZZER_PATH",
            repo::target().join("not-linked/libFuzzer.a"),
        );
    clippy
}

/// Tests signed images on the Rust targets. The same images are written to a file for the other targets,
/// whose steps come later.
fn signed_images() -> Command {
    let mut command = shell::tool(repo::program("signed"), ["--wasm"]);
    command
        .arg(build::plain_module())
        .arg("--write")
        .arg(repo::signed_trial());
    command
}

/// The npm package's own tests, with the image of the site that the gate's tests use. `cargo test` has built
/// the program that writes it.
fn npm_package(step: &Step) -> Result<(String, Tally, bool)> {
    let image = repo::target().join("sample.image");
    let mut write = shell::tool(repo::program("examples/sample_image"), [&image]);
    shell::must(&mut write, |line| step.line(line))?;
    let mut test = shell::tool("node", ["--test", "--test-reporter=tap"]);
    test.arg(repo::node_package().join("test"))
        .env("TOLLGATE_SAMPLE_IMAGE", &image)
        .env("TOLLGATE_SIGNED_TRIAL", repo::signed_trial());
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_tap(&done.text);
    // A runner that finds no test file succeeds, but has tested nothing.
    Ok((done.text, tally, done.success && tally.passed > 0))
}

fn step(name: &'static str, work: Work) -> Row {
    let step = Step::start(name);
    let done = match work {
        Work::Process(mut command, count) => shell::capture(&mut command, |line| step.line(line))
            .map(|done| {
                let tally = count(&done.text);
                (done.text, tally, done.success)
            }),
        Work::Here(run) => run(&step),
    };
    let (text, mut tally, good) =
        done.unwrap_or_else(|error| (format!("{error:#}\n"), Tally::default(), false));
    let good = good && tally.failed == 0;
    if !good && tally.failed == 0 {
        // A step that fails without a failing test still counts as a failure.
        tally.failed = 1;
    }
    let detail = if tally.is_empty() {
        String::new()
    } else {
        tally.to_string()
    };
    let took = step.end(if good { Mark::Good } else { Mark::Bad }, &detail);
    if !good {
        println!("{}", text.trim_end());
    }
    for skip in text.lines().filter(|line| good && is_skip(line)) {
        println!("      {}", skip.trim());
    }
    Row {
        name,
        good,
        tally,
        took: ui::seconds(took),
    }
}

/// Returns whether a runner reports in this line why it skipped a test.
fn is_skip(line: &str) -> bool {
    line.starts_with("SKIP ") || line.contains(" # SKIP ") || line.contains(" ... ignored, ")
}

fn summary(rows: &[Row]) -> (Vec<Vec<String>>, Tally) {
    let head = ["step", "result", "passed", "failed", "skipped", "time"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let mut sum = Tally::default();
    for Row {
        name,
        good,
        tally,
        took,
    } in rows
    {
        sum += *tally;
        let result = if *good { "ok" } else { "FAILED" };
        let counts = [tally.passed, tally.failed, tally.skipped];
        let shown = counts.map(|count| {
            if tally.is_empty() {
                "-".to_owned()
            } else {
                count.to_string()
            }
        });
        let mut row = vec![(*name).to_owned(), result.to_owned()];
        row.extend(shown);
        row.push(took.clone());
        table.push(row);
    }
    (table, sum)
}

/// Parses the summary line of `tollgate test`: `N passed, N failed`, with or without skips.
fn authors_tests(text: &str) -> Tally {
    let last = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.contains(" passed, "))
        .unwrap_or_default();
    let line = last.rsplit_once(": ").map_or(last, |(_, counts)| counts);
    let whole = if line.contains(" skipped") {
        format!("all: {line}")
    } else {
        format!("all: {line}, 0 skipped")
    };
    Tally::from_target_line(&whole)
        .map(|(_, tally)| tally)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_policy_tests_is_parsed() {
        let cases = [
            ("policy/a.test.toml\n12 passed, 1 failed\n", (12, 1, 0)),
            ("tests: 3 passed, 0 failed, 2 skipped\n", (3, 0, 2)),
            ("nothing\n", (0, 0, 0)),
        ];
        for (text, (passed, failed, skipped)) in cases {
            assert_eq!(
                authors_tests(text),
                Tally {
                    passed,
                    failed,
                    skipped
                },
                "{text}"
            );
        }
    }

    #[test]
    fn reasons_for_skips_are_found() {
        assert!(is_skip("SKIP case-7 and 3 more: `node` is not installed"));
        assert!(is_skip("ok 3 - reads the clock # SKIP no clock here"));
        assert!(is_skip("test slow ... ignored, needs an hour"));
        assert!(!is_skip("node: 3 passed, 0 failed, 0 skipped"));
    }

    #[test]
    fn the_sum_is_that_of_the_rows() {
        let row = |good, passed, failed| Row {
            name: "x",
            good,
            tally: Tally {
                passed,
                failed,
                skipped: 1,
            },
            took: String::new(),
        };
        let (table, sum) = summary(&[row(true, 3, 0), row(false, 2, 1)]);
        assert_eq!(
            sum,
            Tally {
                passed: 5,
                failed: 1,
                skipped: 2
            }
        );
        assert_eq!(table.len(), 3);
    }
}
