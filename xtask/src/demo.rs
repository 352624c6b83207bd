//! The demos: builds what a demo needs and starts it (`tollgate-demo`).

use anyhow::{Result, bail};

use crate::tally::Tally;
use crate::ui::Step;
use crate::{Verdict, build, callback, repo, shell, ui};

/// The package of the program.
const PACKAGE: &str = "tollgate-demo";

/// Arguments of `demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run one of the flows on AWS with local emulators of its services [default: the local edge]
    #[arg(long, value_enum)]
    flow: Option<Flow>,
    /// Keep the edge running afterwards and print curl commands to try
    #[arg(long, conflicts_with = "flow")]
    serve: bool,
}

/// A flow on AWS.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Flow {
    /// Sign-in, CloudFront with the Lambda@Edge function, a private bucket.
    A,
    /// Hosted login, callback page, an API with the native Lambda program, a private bucket.
    B,
    /// Sign-in, a session from the Lambda@Edge function, the generated function in nginx's engine.
    C,
}

/// Runs the demo.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    // In a single build, so that shared dependencies are built once.
    ui::in_step("build the tollgate command", |step| {
        cargo_build(&["tollgate", PACKAGE], step)
    })?;
    let mut demo = shell::tool(repo::program("demo"), [""; 0]);
    match args.flow {
        None => {
            demo.arg("local").args(args.serve.then_some("--serve"));
        }
        Some(flow) => {
            ui::in_step("build the issuer", |step| {
                cargo_build(&["tollgate-local-issuer"], step)
            })?;
            prepare(flow, &mut demo)?;
        }
    }
    match shell::hand_over(&mut demo)? {
        0 => Ok(Verdict::Yes),
        3 => Ok(Verdict::No),
        _ => bail!("the demo failed to run"),
    }
}

/// Builds and installs the prerequisites of this flow, and returns their locations.
fn prepare(flow: Flow, demo: &mut std::process::Command) -> Result<()> {
    if flow != Flow::B {
        ui::in_step("build the Lambda@Edge parts", |step| {
            build::wasm(build::bindgen(), step)?;
            build::lambda_edge::parts(step)?;
            build::manifest::write(None)
        })?;
    }
    match flow {
        Flow::A => {
            demo.arg("a");
        }
        Flow::B => {
            ui::in_step("build the Lambda program", |step| {
                cargo_build(&[build::lambda::PROGRAM], step)
            })?;
            let cargo_lambda = ui::in_step("cargo-lambda", build::lambda::cargo_lambda)?;
            demo.arg("b").arg("--cargo-lambda").arg(cargo_lambda);
            ui::in_step("a browser", |step| {
                callback::with_browser(demo, step).map(|_| ())
            })?;
        }
        Flow::C => {
            let nginx = ui::in_step("nginx with njs", build::javascript::nginx)?;
            demo.arg("c").arg("--nginx").arg(nginx);
        }
    }
    Ok(())
}

/// Every demo, as a step of `test`. Parts and programs are built already.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let mut report = String::new();
    let mut tally = Tally::default();
    for flow in ["local", "a", "b", "c"] {
        let mut demo = shell::tool(repo::program("demo"), [flow]);
        match flow {
            "b" => {
                let cargo_lambda = build::lambda::cargo_lambda(step)?;
                demo.arg("--cargo-lambda").arg(cargo_lambda);
                callback::with_browser(&mut demo, step)?;
            }
            "c" => {
                demo.arg("--nginx").arg(build::javascript::nginx(step)?);
            }
            _ => {}
        }
        let done = shell::capture(&mut demo, |line| step.line(line))?;
        if done.success {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            report += &done.text;
        }
    }
    Ok((report, tally, tally.failed == 0))
}

fn cargo_build(packages: &[&str], step: &Step) -> Result<()> {
    let mut build = shell::cargo(["build", "--bins"]);
    for package in packages {
        build.args(["--package", package]);
    }
    shell::must(&mut build, |line| step.line(line)).map(|_| ())
}
