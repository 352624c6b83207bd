//! `tollgate decide`: one decision, with its reason, its rule, and how every rule for the path was
//! evaluated.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_core::{Reason, RuleId};
use tollgate_gate::{Context, Gate, Kind, Outcome, Request};

use crate::claims::ClaimsArgs;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, NOTE, STRONG, note, print, print_json, styled, visible};
use crate::policy::Study;
use crate::trace::Evaluated;
use crate::trust::TrustArgs;
use crate::verdict::Verdict;
use crate::{input, policy, rejected};

/// Evaluate a policy for one request
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate decide policy --target /courses/rust-101/week1/intro.mp4
  tollgate decide policy --target /courses/rust-101/exams/final.pdf \\
      --claims '{\"sub\":\"alice\",\"cognito:groups\":[\"rust-101\"]}' --now 2027-01-15T12:00:00Z
  tollgate decide policy --target /courses/rust-101/a.mp4 --sub alice --groups rust-101
  tollgate decide policy --target /courses/rust-101/a.mp4 --as alice

Exit code: 0 for allow, 3 for deny, reject and serve (a response of the gate itself).")]
pub(crate) struct Decide {
    /// The policy directory, or a policy image [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// The request's method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The raw request target, as in the request line; each character up to U+00FF is one byte
    #[arg(long, value_name = "RAW")]
    target: OsString,
    /// A header field of the request; can be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    claims: ClaimsArgs,
    /// The client's address [default: unknown]
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time of the request, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    #[command(flatten)]
    trust: TrustArgs,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Decide {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let target = input::target_bytes(&self.target);
        let headers: Vec<(String, Vec<u8>)> = self
            .headers
            .iter()
            .map(|text| input::header(text))
            .collect::<Result<_, _>>()?;
        let headers: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        if let Some(ip) = &self.ip {
            input::address(ip)?;
        }
        let dir = policy::folder_or_default(self.dir)?;
        let (gate, notes) = policy::study(&dir, self.trust.read()?.as_mut())?;
        let claims = self.claims.read(&gate, &dir)?;
        let now = input::now_or_clock(self.now);
        let request = Request {
            method: &self.method,
            target: &target,
            headers: &headers,
            ip: self.ip.as_deref(),
            now,
            entropy: None,
        };
        let mut evaluated = Evaluated::default();
        let assumed = claims.as_ref().map(|assumed| &assumed.claims);
        let outcome = gate.ask(
            &request,
            &mut Context::assuming(assumed).traced(&mut evaluated),
        );
        if self.json {
            print_json(notes.in_text(object(&gate, &outcome, &target)))?;
        } else {
            notes.print();
            print(text(&gate, &outcome, &evaluated, &target).trim_end())?;
            if let Some(outdated) = claims.and_then(|claims| claims.outdated(now.0)) {
                note(format_args!("{}: {outdated}", styled(NOTE, "note")));
            }
        }
        Ok((outcome.kind == Kind::Allow).into())
    }
}

/// The object that conformance checks read, with its members in the documented order.
fn object(gate: &Study, outcome: &Outcome, target: &[u8]) -> String {
    let mut members = vec![
        ("outcome", json!(outcome.kind.code())),
        ("status", json!(outcome.status)),
        ("reason", json!(outcome.reason.code())),
        ("detail", json!(outcome.detail)),
        ("rule", json!(outcome.rule)),
        ("policy", json!(gate.policy())),
    ];
    if outcome.kind == Kind::Reject {
        let options = gate.image().path_options();
        members.push(("rejected", rejected::object(target, options)));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn text(gate: &Study, outcome: &Outcome, evaluated: &Evaluated, target: &[u8]) -> String {
    let style = if outcome.kind == Kind::Allow {
        GOOD
    } else {
        BAD
    };
    let head = styled(
        style,
        format_args!("{} {}", outcome.kind.code(), outcome.status),
    );
    // The reason of an allowed request only repeats its outcome.
    let mut text = match outcome.reason {
        Reason::Allow => format!("{head}\n"),
        reason => format!("{head} {}\n", reason.code()),
    };
    let mut line = |name: &str, value: &str| {
        let value = visible(value);
        text.push_str(&format!(
            "  {} {value}\n",
            styled(STRONG, format_args!("{name:8}"))
        ));
    };
    if let Some(detail) = outcome.detail {
        line("detail", detail);
    }
    if let Some(name) = &outcome.rule {
        line("rule", name);
        if let Some(because) = because(gate, evaluated, name) {
            line("because", because);
        }
    }
    if let Some(policy) = gate.policy() {
        line("policy", &policy);
    }
    if outcome.kind == Kind::Reject {
        let why = rejected::text(target, gate.image().path_options());
        text.push_str(&why.unwrap_or_default());
    } else if evaluated.0.is_empty() {
        text.push_str("\nNo rule has a pattern for this path.\n");
    } else {
        text.push_str("\nRules with a pattern for this path:\n");
        for line in evaluated.lines(gate) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// The `because` of the named rule, which is one of the evaluated rules.
fn because<'a>(gate: &'a Gate<Vec<u8>>, evaluated: &Evaluated, name: &str) -> Option<&'a str> {
    let image = gate.image();
    let is_named = |rule: &RuleId| {
        image
            .rule_name(*rule)
            .is_some_and(|n| n.to_string() == name)
    };
    let rule = evaluated.0.iter().map(|(rule, ..)| *rule).find(is_named)?;
    image.rule_because(rule)
}
