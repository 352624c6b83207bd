//! `tollgate decide`: one decision, with its reason, its rule, and how every rule for the path was
//! weighed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, Tri};
use tollgate_gate::{Gate, Kind, Outcome, Request};

use crate::failure::{Failure, Problem};
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, print, print_json, styled, visible};
use crate::trust::TrustArgs;
use crate::{Verdict, input, policy, rejected};

/// Ask a policy about one request
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate decide policy --target /courses/rust-101/week1/intro.mp4
  tollgate decide policy --target /courses/rust-101/exams/final.pdf \\
      --claims '{\"sub\":\"alice\",\"cognito:groups\":[\"rust-101\"]}' --now 1800000000

Exit code: 0 for allow, 3 for deny and reject.")]
pub(crate) struct Decide {
    /// The policy folder, or a policy image
    dir: PathBuf,
    /// The request's method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The raw request target, as it stands in the request line; a character up to U+00FF is one
    /// byte
    #[arg(long, value_name = "RAW")]
    target: OsString,
    /// A header field of the request; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Decide as if a token with these claims had been verified
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// The client's address; unknown if left out
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time of the request, in Unix seconds; the machine's if left out
    #[arg(long, value_name = "SECS", allow_negative_numbers = true)]
    now: Option<i64>,
    #[command(flatten)]
    trust: TrustArgs,
    /// Print one JSON object
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
        let claims = self.claims.as_deref().map(input::claims).transpose()?;
        if let Some(ip) = &self.ip
            && ip.parse::<core::net::IpAddr>().is_err()
        {
            let (value, problem) = (ip.clone(), Problem::Address);
            return Err(Failure::Argument {
                name: "--ip",
                value,
                problem,
            });
        }
        let gate = policy::gate(&self.dir, self.trust.read()?.as_mut())?;
        let request = Request {
            method: &self.method,
            target: &target,
            headers: &headers,
            ip: self.ip.as_deref(),
            now: input::now_or_clock(self.now),
        };
        let mut weighed = Weighed::default();
        let outcome = gate.handle_traced(&request, claims.as_ref(), &mut weighed);
        if self.json {
            print_json(object(&gate, &outcome, &target))?;
        } else {
            print(text(&gate, &outcome, &weighed, &target).trim_end())?;
        }
        Ok((outcome.kind == Kind::Allow).into())
    }
}

/// Every rule that was weighed, in the order of that.
#[derive(Default)]
struct Weighed(Vec<(RuleId, Effect, Parts)>);

impl Trace for Weighed {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        // A rule whose patterns overlap is weighed once for each that fits.
        if !self.0.contains(&(rule, effect, parts)) {
            self.0.push((rule, effect, parts));
        }
    }
}

/// The object that conformance checks read, with its members in the documented order.
fn object(gate: &Gate<Vec<u8>>, outcome: &Outcome, target: &[u8]) -> String {
    let mut members = vec![
        ("outcome", json!(outcome.kind.code())),
        ("status", json!(outcome.status)),
        ("reason", json!(outcome.reason.code())),
        ("detail", json!(outcome.detail)),
        ("rule", json!(outcome.rule)),
        ("policy", json!(gate.policy_id().to_string())),
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

fn text(gate: &Gate<Vec<u8>>, outcome: &Outcome, weighed: &Weighed, target: &[u8]) -> String {
    let style = if outcome.kind == Kind::Allow {
        GOOD
    } else {
        BAD
    };
    let head = styled(
        style,
        format_args!("{} {}", outcome.kind.code(), outcome.status),
    );
    let mut text = format!("{head} {}\n", outcome.reason.code());
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
        if let Some(because) = because(gate, weighed, name) {
            line("because", because);
        }
    }
    line("policy", &gate.policy_id().to_string());
    if outcome.kind == Kind::Reject {
        let why = rejected::text(target, gate.image().path_options());
        text.push_str(&why.unwrap_or_default());
    } else if weighed.0.is_empty() {
        text.push_str("\nNo rule names this path.\n");
    } else {
        text.push_str("\nRules that name this path:\n");
        table(gate, weighed, &mut text);
    }
    text
}

/// The author's reason for the rule of this name, which is one of those weighed.
fn because<'a>(gate: &'a Gate<Vec<u8>>, weighed: &Weighed, name: &str) -> Option<&'a str> {
    let image = gate.image();
    let is_named = |rule: &RuleId| {
        image
            .rule_name(*rule)
            .is_some_and(|n| n.to_string() == name)
    };
    let rule = weighed.0.iter().map(|(rule, ..)| *rule).find(is_named)?;
    image.rule_because(rule)
}

fn table(gate: &Gate<Vec<u8>>, weighed: &Weighed, text: &mut String) {
    let name = |rule| {
        let name = gate.image().rule_name(rule).map(|name| name.to_string());
        visible(&name.unwrap_or_default())
    };
    let width = weighed
        .0
        .iter()
        .map(|(rule, ..)| name(*rule).chars().count())
        .max()
        .unwrap_or(0);
    for (rule, effect, parts) in &weighed.0 {
        let all = parts.all();
        // An allow needs certainty; a deny needs doubt only.
        let (word, hits) = match effect {
            Effect::Allow => ("allow", all == Tri::TRUE),
            Effect::Deny => ("deny ", all != Tri::FALSE),
        };
        let result = match (effect, hits) {
            (_, false) => styled(FAINT, "does not hit"),
            (Effect::Allow, true) => styled(GOOD, "hits"),
            (Effect::Deny, true) => styled(BAD, "hits"),
        };
        text.push_str(&format!("  {word} {:width$}  {result}", name(*rule)));
        for (part, value) in [
            ("method", parts.method),
            ("who", parts.who),
            ("networks", parts.networks),
            ("from/until", parts.time),
            ("when", parts.when),
            ("unless", parts.unless),
        ] {
            let shown = match value {
                Tri::TRUE => continue,
                Tri::FALSE => styled(STRONG, format_args!("{part}: no")),
                _ => styled(NOTE, format_args!("{part}: unknown")),
            };
            text.push_str(&format!(", {shown}"));
        }
        text.push('\n');
    }
}
