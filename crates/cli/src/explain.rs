//! `tollgate explain`: the decision for a request, condition by condition, and the smallest changes that would reverse
//! it.
//!
//! The gate decides, as in `tollgate decide`. The analysis finds the changes.

mod token;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use tollgate_analysis::change::{Change, ChangeSet, MinimalChanges, minimal_changes};
use tollgate_analysis::explain::{RuleTrace, claim_faults, matches};
use tollgate_analysis::text::{constraints, people, rfc3339};
use tollgate_analysis::{Kind, Request, place};
use tollgate_core::decide::Parts;
use tollgate_core::{Effect, Reason, RuleId, Tri};
use tollgate_gate::{Context, Outcome, TokenStatus};

use crate::analysed::Analysed;
use crate::claims::ClaimsArgs;
use crate::example::request as request_object;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, note, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::{input, policy, rejected};

/// Explain the decision for a request and list the smallest changes that would reverse it
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate explain policy --target /courses/rust-101/week1/intro.mp4
  tollgate explain policy --target /courses/rust-101/exams/final.pdf --sub alice --groups rust-101
  tollgate explain policy --target /courses/rust-101/exams/final.pdf --as alice
  tollgate explain policy --target /courses/rust-101/exams/final.pdf \\
      --header \"Authorization: Bearer $TOKEN\" --now 2027-01-15T12:00:00Z

Exit code: 0 for allow, 3 for deny, reject and serve (a response of the gate itself).")]
pub(crate) struct Explain {
    /// The policy directory, or a policy image [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// The request's method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The raw request target, as in the request line
    #[arg(long, value_name = "RAW")]
    target: OsString,
    #[command(flatten)]
    claims: ClaimsArgs,
    /// A header field of the request; can be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The client's address [default: unknown]
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time of the request, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A decision and its parts.
struct Explained {
    outcome: Outcome,
    trace: RuleTrace,
    /// The claims of the token: assumed, verified, or only read if it is invalid.
    claims: Option<Map<String, Value>>,
    /// Whether the decision is based on these claims.
    is_valid: bool,
    /// Why the token layer rejects the claims, if it does.
    fault: Option<String>,
    /// The outcome for a valid token with the same claims, if the token is invalid.
    renewed: Option<Outcome>,
    ways: Option<MinimalChanges>,
}

impl Explain {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let side = Analysed::read(&dir)?;
        let gate = side.gate(&dir)?;
        let notes = side.notes();
        let now = input::now_or_clock(self.now);
        let ip = self.ip.as_deref().map(input::address).transpose()?;
        let assumed = self.claims.read(&gate, &dir)?;
        let headers = self.headers.iter().map(|text| input::header(text));
        let headers: Vec<(String, Vec<u8>)> = headers.collect::<Result<_, _>>()?;
        let headers: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let target = input::target_bytes(&self.target);
        let request = tollgate_gate::Request {
            method: &self.method,
            target: &target,
            headers: &headers,
            ip: self.ip.as_deref(),
            now,
            entropy: None,
        };
        let mut trace = RuleTrace::default();
        let claims = assumed.as_ref().map(|assumed| &assumed.claims);
        let outcome = gate.ask(&request, &mut Context::assuming(claims).traced(&mut trace));
        let read = match &assumed {
            Some(assumed) => Some(assumed.object.clone()),
            None => token::claims(&gate, &request, &outcome),
        };
        let is_verified = matches!(outcome.log.token, TokenStatus::Verified(_));
        let is_invalid = outcome.reason == Reason::BadToken && assumed.is_none();
        let renewed = read
            .as_ref()
            .filter(|_| is_invalid)
            .and_then(|claims| token::with_claims(&gate, &request, claims));
        let fault = read.as_ref().and_then(|claims| token::fault(&gate, claims));
        let analysed = Request {
            method: self.method.clone(),
            target: self.target.to_string_lossy().into_owned(),
            ip,
            now: now.0,
            // The suggested changes start from a token that can be renewed. Any other invalid token is ignored.
            claims: read
                .clone()
                .filter(|_| fault.is_none() && (is_verified || is_invalid)),
        };
        let is_open = renewed
            .as_ref()
            .is_some_and(|renewed| renewed.kind == Kind::Allow);
        let explained = Explained {
            ways: (!is_open)
                .then(|| minimal_changes(&side.policy, &analysed).ok())
                .flatten(),
            outcome,
            trace,
            claims: read,
            is_valid: is_verified,
            fault,
            renewed,
        };
        if self.json {
            let mut object = object(&side, &explained);
            if explained.outcome.kind == Kind::Reject {
                let rejected = rejected::object(&target, side.policy.image().path_options());
                object.pop();
                object.push_str(&format!(",\"rejected\":{rejected}}}"));
            }
            print_json(notes.in_text(object))?;
        } else {
            notes.print();
            print(text(&side, &target, &explained, now.0).trim_end())?;
            if let Some(outdated) = assumed.and_then(|assumed| assumed.outdated(now.0)) {
                note(format_args!("{}: {outdated}", styled(NOTE, "note")));
            }
        }
        Ok((explained.outcome.kind == Kind::Allow).into())
    }
}

impl Explained {
    /// The claims that the decision is based on.
    fn counted(&self) -> Option<&Map<String, Value>> {
        self.claims.as_ref().filter(|_| self.is_valid)
    }
}

/// An outcome in a few words.
fn decided(side: &Analysed, outcome: &Outcome) -> String {
    let mut text = format!("{} {}", outcome.kind.code(), outcome.status);
    if outcome.reason != Reason::Allow {
        text.push_str(&format!(" {}", outcome.reason.code()));
    }
    if let Some(detail) = outcome.detail {
        text.push_str(&format!(" ({detail})"));
    }
    if let Some(location) = token::location(outcome) {
        text.push_str(&format!(" to {location}"));
    }
    if let Some(rule) = &outcome.rule {
        text.push_str(&format!(" by {}", side.named_by(rule)));
    }
    text
}

fn text(side: &Analysed, target: &[u8], explained: &Explained, now: i64) -> String {
    let Explained { outcome, trace, .. } = explained;
    let style = if outcome.kind == Kind::Allow {
        GOOD
    } else {
        BAD
    };
    let mut text = format!("{}\n", styled(style, visible(&decided(side, outcome))));
    if outcome.kind == Kind::Reject {
        let options = side.policy.image().path_options();
        text.push_str(&rejected::text(target, options).unwrap_or_default());
        return text;
    }
    if let Some(fault) = &explained.fault {
        text.push_str(&format!("  the claims are invalid: {}\n", visible(fault)));
    }
    if trace.0.is_empty() {
        text.push_str(&format!(
            "  no rule has a pattern for {}: requests are denied by default\n",
            visible(&String::from_utf8_lossy(target))
        ));
    }
    for (rule, effect, parts) in &trace.0 {
        let hits = matches(*effect, *parts);
        let word = match effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let result = match (effect, hits) {
            (_, false) => styled(FAINT, "does not match"),
            (Effect::Allow, true) => styled(GOOD, "matches"),
            (Effect::Deny, true) => styled(BAD, "matches"),
        };
        let name = styled(STRONG, visible(&side.named(*rule)));
        text.push_str(&format!("{word} {name} {result}\n"));
        if let Some(because) = side.policy.image().rule_because(*rule) {
            text.push_str(&format!("  {}\n", styled(FAINT, visible(because))));
        }
        for part in parts_of(side, *rule, parts, explained.counted(), now) {
            let shown = match part.holds {
                Tri::TRUE => styled(GOOD, "yes    "),
                Tri::FALSE => styled(BAD, "no     "),
                _ => styled(NOTE, "unknown"),
            };
            text.push_str(&format!("  {shown} {}", visible(&part.what)));
            if let Some(note) = part.note {
                text.push_str(&styled(FAINT, format_args!("  ({})", visible(&note))));
            }
            text.push('\n');
        }
    }
    if let Some(renewed) = &explained.renewed {
        let then = visible(&decided(side, renewed));
        let why = token::expired(explained.claims.as_ref(), outcome, now);
        let why = why.unwrap_or_else(|| "the token is invalid".to_owned());
        let why = styled(NOTE, why);
        text.push_str(&format!("\n{why}; with a fresh one: {then}\n"));
    }
    text.push_str(&ways_text(side, explained));
    text
}

/// A part of a rule and its result.
struct PartOf {
    what: String,
    holds: Tri,
    /// The reason for the result, if the part does not show it.
    note: Option<String>,
}

/// The requirement and the result of each part of a rule.
fn parts_of(
    side: &Analysed,
    rule: RuleId,
    parts: &Parts,
    claims: Option<&Map<String, Value>>,
    now: i64,
) -> Vec<PartOf> {
    let Some(spec) = side.policy.rule(rule) else {
        return Vec::new();
    };
    // Without `..`, so that a new part does not compile before it is below.
    let Parts {
        method,
        who,
        networks,
        // Split into `from` and `until`.
        time: _,
        when,
        unless,
    } = *parts;
    let plain = |what, holds| PartOf {
        what,
        holds,
        note: None,
    };
    let methods: Vec<&str> = spec.methods.names().collect();
    let mut found = vec![plain(
        format!("the method is {}", methods.join(" or ")),
        method,
    )];
    let people = people(&side.policy, spec);
    if !people.is_empty() {
        found.push(plain(people.join(", "), who));
    }
    let bound = |holds: bool| if holds { Tri::TRUE } else { Tri::FALSE };
    for narrowing in constraints(&side.policy, spec) {
        let part = match narrowing.split(' ').next() {
            Some("networks") => PartOf {
                note: (networks != Tri::TRUE && networks != Tri::FALSE)
                    .then(|| "the client's address is unknown".to_owned()),
                ..plain(narrowing, networks)
            },
            // Evaluated separately, so that the bound that fails is shown.
            Some("from") => plain(narrowing, bound(spec.from.is_none_or(|from| now >= from))),
            Some("until") => plain(narrowing, bound(spec.until.is_none_or(|until| now < until))),
            Some("when") => PartOf {
                note: condition_note(side, rule, false, when, claims),
                ..plain(narrowing, when)
            },
            Some("unless") => PartOf {
                note: condition_note(side, rule, true, unless, claims),
                ..plain(narrowing, unless)
            },
            _ => continue,
        };
        found.push(part);
    }
    found
}

/// The result of a condition, or why it is unknown. `unless` holds if its condition is false.
fn condition_note(
    side: &Analysed,
    rule: RuleId,
    is_unless: bool,
    holds: Tri,
    claims: Option<&Map<String, Value>>,
) -> Option<String> {
    match holds {
        Tri::TRUE => is_unless.then(|| "the condition is false".to_owned()),
        Tri::FALSE => is_unless.then(|| "the condition is true".to_owned()),
        _ => {
            let faults = claim_faults(&side.policy, rule, is_unless, claims);
            (!faults.is_empty()).then(|| faults.join("; "))
        }
    }
}

fn ways_text(side: &Analysed, explained: &Explained) -> String {
    let is_allowed = explained.outcome.kind == Kind::Allow;
    let goal = if is_allowed {
        "What would deny it"
    } else {
        "What would allow it"
    };
    let mut text = format!("\n{}\n", styled(STRONG, goal));
    let Some(ways) = &explained.ways else {
        text.push_str("  - sign in again\n");
        return text;
    };
    if ways.wanted == Kind::Allow && !ways.is_named {
        text.push_str("  no rule allows anything on this path; the nearest ones:\n");
    }
    if ways.ways.is_empty() {
        text.push_str("  no change would do so from now on\n");
    }
    let again = explained.renewed.is_some().then_some("sign in again");
    for way in &ways.ways {
        let changes = way
            .changes
            .iter()
            .map(|change| describe(change, explained.claims.as_ref()));
        let changes: Vec<String> = again
            .into_iter()
            .map(str::to_owned)
            .chain(changes)
            .collect();
        let by = way
            .evaluation
            .rule
            .map(|rule| format!(" ({})", side.name(rule)));
        let line = format!("{}{}", changes.join(", and "), by.unwrap_or_default());
        text.push_str(&format!("  - {}\n", visible(&line)));
    }
    text
}

/// A change as an instruction.
fn describe(change: &Change, claims: Option<&Map<String, Value>>) -> String {
    match change {
        Change::SignIn => "sign in".to_owned(),
        Change::SignOut => "send no token".to_owned(),
        Change::Join(name) => format!("join group `{name}`"),
        Change::Leave(name) => format!("leave group `{name}`"),
        Change::AddScope(name) => format!("request scope `{name}`"),
        Change::DropScope(name) => format!("drop scope `{name}`"),
        Change::Claim(name, Some(value)) => {
            let text = format!("have claim `{name}` = {value}");
            match claims
                .and_then(|claims| place::find(claims, name))
                .map(kind)
            {
                Some(now) if now != kind(value) => format!("{text}, {}, not {now}", kind(value)),
                _ => text,
            }
        }
        Change::Claim(name, None) => format!("have no claim `{name}`"),
        Change::Address(Some(ip)) => format!("send the request from {ip}"),
        Change::Address(None) => "send the request from an unknown address".to_owned(),
        Change::Time(now) => format!("send the request at {}", rfc3339(*now)),
        Change::Method(method) => format!("use {method}"),
        Change::Path(path) => format!("request {path}"),
    }
}

/// The type of a claim's value, with its article.
fn kind(value: &Value) -> &'static str {
    tollgate_analysis::explain::kind_of(value)
}

fn object(side: &Analysed, explained: &Explained) -> String {
    let Explained { outcome, trace, .. } = explained;
    let truth = |value: Tri| match value {
        Tri::TRUE => json!(true),
        Tri::FALSE => json!(false),
        _ => json!(null),
    };
    let now = outcome.log.time.0;
    let rules: Vec<_> = trace
        .0
        .iter()
        .map(|(rule, effect, parts)| {
            let conditions: Vec<_> = parts_of(side, *rule, parts, explained.counted(), now)
                .into_iter()
                .map(|part| {
                    let mut object = json!({ "condition": part.what, "holds": truth(part.holds) });
                    if let (Some(note), Some(object)) = (part.note, object.as_object_mut()) {
                        object.insert("note".to_owned(), note.into());
                    }
                    object
                })
                .collect();
            json!({
                "rule": side.name(*rule),
                "effect": if *effect == Effect::Allow { "allow" } else { "deny" },
                "matches": matches(*effect, *parts),
                "conditions": conditions,
            })
        })
        .collect();
    let way = |way: &ChangeSet| {
        let changes = way.changes.iter();
        let changes: Vec<String> = changes
            .map(|change| describe(change, explained.claims.as_ref()))
            .collect();
        format!(
            "{{\"changes\":{},\"rule\":{},\"request\":{}}}",
            json!(changes),
            json!(way.evaluation.rule.map(|rule| side.name(rule))),
            request_object(&way.request)
        )
    };
    let list: Vec<String> = explained
        .ways
        .iter()
        .flat_map(|ways| ways.ways.iter().map(way))
        .collect();
    let renewed = explained
        .renewed
        .as_ref()
        .map(|renewed| renewed.kind.code());
    format!(
        "{{\"outcome\":{},\"status\":{},\"reason\":{},\"detail\":{},\"rule\":{},\"rules\":{},\"with_fresh_token\":{},\"changes\":[{}]}}",
        json!(outcome.kind.code()),
        json!(outcome.status),
        json!(outcome.reason.code()),
        json!(outcome.detail),
        json!(outcome.rule),
        json!(rules),
        json!(renewed),
        list.join(",")
    )
}
