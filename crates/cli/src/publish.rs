//! `tollgate publish`, `status` and `rollback`: puts a policy into force on an edge platform, reports what is live, and
//! goes back.
//!
//! Not here: the order of calls on each platform, which `tollgate-publish` has. This file reads settings, compiles the
//! policy and prints.

mod destination;
mod live;
mod package;

use clap::Args;
use serde_json::{Value, json};
use tollgate_publish::{Step, run};

use crate::failure::{Failure, warn};
use crate::output::{FAINT, GOOD, note, print, print_json, styled, visible};
use crate::verdict::Verdict;
use destination::{Place, Where};
use live::Terminal;
use package::{Built, Source};

/// Put a policy into force on an edge platform, in the platform's safe order
#[derive(Args)]
#[command(
    after_help = "The settings are in `publish.toml` of the policy directory; options override them. An interrupted \
                  publication is finished by running it again.\n\nExamples:\n  \
                  tollgate publish policy --target cloudfront-functions --dry-run\n  \
                  tollgate publish policy --target lambda --artifact dist/lambda.zip --percent 10\n  \
                  tollgate publish policy --target cloudflare --worker tollgate --artifact dist --percent 10\n  \
                  tollgate publish policy --target edgeworkers --id 4242 --network staging"
)]
pub(crate) struct Publish {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    source: Source,
    /// Send this share of the requests to the new policy, the rest to the previous one (`lambda`, and `cloudflare` with
    /// `--worker`) [default: 100]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    percent: Option<u8>,
    /// Print the calls without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Publish a policy with test keys, or with keys that are published with Tollgate (TG0740)
    #[arg(long)]
    allow_test_keys: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Report which policy is live, and which behaviours have no gate
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    source: Source,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Put an earlier policy into force again
#[derive(Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    place: Where,
    /// The policy ID to restore [default: the policy before the live one]
    #[arg(long, value_name = "POLICY")]
    to: Option<String>,
    /// Print the calls without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A list of steps, and what is known about them.
pub(super) struct Plan {
    /// The policy that is put into force.
    policy: String,
    /// The policy that is live.
    live: Option<String>,
    steps: Vec<Step>,
    /// The patterns of behaviours without a gate.
    open: Vec<String>,
}

impl Publish {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let folder = self.place.folder()?;
        let built = Built::new(&folder, &self.source, self.place.target(), self.json)?;
        if let (false, Some(key)) = (self.allow_test_keys, built.test_key()) {
            return Err(Failure::TestKey(key));
        }
        let place = self.place.place(&folder, self.percent.unwrap_or(100))?;
        let mut world = self.place.connect(&folder)?;
        let plan = place.publish(&mut world, &built)?;
        finish(&mut world, &place, &plan, self.dry_run, self.json)
    }
}

impl Status {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let folder = self.place.folder()?;
        let built = Built::new(&folder, &self.source, self.place.target(), self.json)?;
        let place = self.place.place(&folder, 100)?;
        let mut world = self.place.connect(&folder)?;
        let mut status = place.status(&mut world, &built)?;
        if let Some(object) = status.as_object_mut() {
            object.insert("target".to_owned(), place.target().into());
            object.insert("built".to_owned(), built.policy().into());
        }
        let is = |name: &str, value: bool| status.get(name) == Some(&Value::Bool(value));
        let open = status
            .get("behaviours_without_gate")
            .and_then(Value::as_array)
            .is_some_and(|open| !open.is_empty());
        let verdict = is("current", true) && !is("complete", false) && !open;
        if self.json {
            print_json(&status)?;
        } else {
            print_status(&status)?;
        }
        Ok(Verdict::from(verdict))
    }
}

impl Rollback {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let folder = self.place.folder()?;
        let place = self.place.place(&folder, 100)?;
        let mut world = self.place.connect(&folder)?;
        let plan = place.roll_back(&mut world, self.to.as_deref())?;
        finish(&mut world, &place, &plan, self.dry_run, self.json)
    }
}

/// Prints the steps, or runs them.
fn finish(
    world: &mut Terminal,
    place: &Place,
    plan: &Plan,
    dry_run: bool,
    as_json: bool,
) -> Result<Verdict, Failure> {
    let Plan {
        policy,
        live,
        steps,
        open,
    } = plan;
    if !dry_run {
        note(styled(
            FAINT,
            format_args!("policy {policy} on {}", place.target()),
        ));
        run(world, steps)?;
    }
    if as_json {
        let steps: Vec<Value> = steps.iter().map(Step::json).collect();
        print_json(json!({
            "target": place.target(),
            "policy": policy,
            "live_before": live,
            "dry_run": dry_run,
            "steps": steps,
            "behaviours_without_gate": open,
        }))?;
    } else if dry_run {
        print(format_args!(
            "policy {policy} would replace {}",
            live.as_deref().unwrap_or("nothing")
        ))?;
        for (at, step) in steps.iter().enumerate() {
            print(format_args!("{}. {}", at + 1, step.what))?;
            if let tollgate_publish::Action::Pause { secs } = step.action {
                print(styled(FAINT, format_args!("   {secs} s")))?;
            }
            for call in step.calls() {
                print(styled(FAINT, format_args!("   {}", visible(&call.line()))))?;
            }
        }
        if steps.is_empty() {
            print("nothing to do: it is live")?;
        }
    } else {
        let what = match steps.is_empty() {
            true => "already live:",
            false => "published",
        };
        print(format_args!("{} policy {policy}", styled(GOOD, what)))?;
    }
    for pattern in open {
        warn(format_args!(
            "the behaviour `{pattern}` has no gate: its paths are open to everyone"
        ));
    }
    Ok(Verdict::Yes)
}

fn print_status(status: &Value) -> Result<(), Failure> {
    let Some(object) = status.as_object() else {
        return Ok(());
    };
    for (name, value) in object {
        let text = match value {
            Value::Null => "unknown".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(list) if list.is_empty() => "none".to_owned(),
            Value::Array(list) => {
                let texts = list.iter().map(|entry| match entry {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                texts.collect::<Vec<_>>().join(", ")
            }
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            other => other.to_string(),
        };
        let name = name.replace('_', " ");
        print(format_args!("{name:<26} {}", visible(&text)))?;
    }
    Ok(())
}
