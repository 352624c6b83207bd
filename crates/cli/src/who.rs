//! `tollgate who`: the principals that can access a path, in the terms of the rules.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_analysis::text::rfc3339;
use tollgate_analysis::who::{Access, AccessReport, Times, who};
use tollgate_core::RuleId;

use crate::analysed::Analysed;
use crate::example::{described, request, ruled};
use crate::failure::{Failure, Problem};
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::{input, policy};

/// List who can access a path
#[derive(Args)]
#[command(
    allow_missing_positional = true,
    after_help = "\
Examples:
  tollgate who policy /courses/rust-101/exams/final.pdf
  tollgate who policy /courses/rust-101/ --json
  tollgate who /courses/rust-101/ --now 2027-02-01T00:00:00Z

Every rule that allows the path is listed with the principals who get access: without those whom a rule with `deny`
denies, which always wins. The denies follow.

Exit code: 0 if any principal can access the path, 3 if none can."
)]
pub(crate) struct WhoArgs {
    /// The policy directory, or a policy image [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// The raw path, as in a request
    path: OsString,
    /// List who can access it at this time, as RFC 3339 or in Unix seconds [default: at any time; the examples are of now
    /// if the rules permit]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// List every rule, and every principal of each
    #[arg(long)]
    all: bool,
    /// Print the result as a single JSON object, with every rule
    #[arg(long)]
    pub(crate) json: bool,
}

/// The number of rules of each effect that are listed without `--all`.
const MAX_RULES: usize = 10;

/// The longest description of the principals of a rule without `--all`, in characters.
const MAX_WHO: usize = 240;

impl WhoArgs {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let side = Analysed::read(&policy::folder_or_default(self.dir)?)?;
        let times = match self.now {
            Some(now) => Times::At(now),
            None => Times::Any(input::now_or_clock(None).0),
        };
        let target = self.path.to_string_lossy();
        let found = who(&side.policy, &target, times).map_err(|error| Failure::Argument {
            name: "PATH",
            value: target.clone().into_owned(),
            problem: Problem::Path(error),
        })?;
        if self.json {
            print_json(side.notes().in_text(object(&side, &target, &found)))?;
        } else {
            side.notes().print();
            print(text(&side, &target, &found, times, self.all).trim_end())?;
        }
        Ok(found.allows.iter().any(is_effective).into())
    }
}

/// Whether an allow allows any request.
fn is_effective(access: &Access) -> bool {
    access.witness.is_some()
}

fn object(side: &Analysed, target: &str, found: &AccessReport) -> String {
    let list = |list: &[Access], is_allow: bool| {
        let rules: Vec<String> = list
            .iter()
            .map(|access| {
                let witness = access.witness.as_ref().map_or("null".to_owned(), request);
                let more = match is_allow {
                    true => format!(
                        "\"effective\":{},\"overridden_by\":{},",
                        json!(access.effective),
                        json!(names(side, &access.overridden_by))
                    ),
                    false => String::new(),
                };
                format!(
                    "{{\"rule\":{},\"paths\":{},\"who\":{},{more}\"witness\":{witness}}}",
                    json!(side.name(access.rule)),
                    json!(access.pattern),
                    json!(access.who),
                )
            })
            .collect();
        format!("[{}]", rules.join(","))
    };
    format!(
        "{{\"path\":{},\"allow\":{},\"deny\":{},\"no_token\":{}}}",
        json!(target),
        list(&found.allows, true),
        list(&found.denies, false),
        json!({ "outcome": found.unauthenticated.kind.code(), "status": found.unauthenticated.status, "reason": found.unauthenticated.reason.code() }),
    )
}

fn names(side: &Analysed, rules: &[RuleId]) -> Vec<String> {
    rules.iter().map(|rule| side.name(*rule)).collect()
}

fn text(side: &Analysed, target: &str, found: &AccessReport, times: Times, all: bool) -> String {
    let mut text = styled(STRONG, visible(target));
    if let Times::At(now) = times {
        text.push_str(&format!(" at {}", rfc3339(now)));
    }
    text.push('\n');
    let is_known = |access: &Access| !access.gave_up;
    if found.allows.is_empty() {
        text.push_str("  nobody: no rule allows this path\n");
    } else if found.allows.iter().all(is_known) && !found.allows.iter().any(is_effective) {
        let why = match times {
            Times::Any(_) => "other rules deny every request that a rule allows",
            Times::At(_) => "no rule allows a request at this time that no other one denies",
        };
        text.push_str(&format!("  nobody: {why}\n"));
    }
    for (is_allow, list) in [(true, &found.allows), (false, &found.denies)] {
        let listed = if all { list.len() } else { MAX_RULES };
        for access in list.iter().take(listed) {
            one(side, access, is_allow, all, &mut text);
        }
        if let Some(others) = list.len().checked_sub(listed).filter(|others| *others > 0) {
            let word = if is_allow { "allow" } else { "deny" };
            let more = styled(FAINT, format_args!("and {others} more"));
            text.push_str(&format!(
                "{more} that {word} this path; `--all` lists them\n"
            ));
        }
    }
    let unauthenticated = ruled(side, &found.unauthenticated);
    text.push_str(&format!("without a token: {}\n", visible(&unauthenticated)));
    text
}

/// A rule with its principals: for an allow, those who get access.
fn one(side: &Analysed, access: &Access, is_allow: bool, all: bool, text: &mut String) {
    let unused = match is_allow {
        true => "no request is allowed by this rule",
        false => "no request is denied by this rule",
    };
    let is_without_effect = access.witness.is_none() && !access.gave_up;
    let head = match (is_allow, is_without_effect) {
        (true, false) => styled(GOOD, "allow"),
        (true, true) => styled(NOTE, "allow, without effect:"),
        (false, _) => styled(BAD, "deny"),
    };
    let who = access.effective.as_ref().filter(|_| !is_without_effect);
    let who = who.unwrap_or(&access.who);
    text.push_str(&format!("{head} {}\n", visible(&shortened(who, all))));
    let mut line = |name: &str, value: &str| {
        let name = styled(FAINT, format_args!("{name:8}"));
        text.push_str(&format!("  {name} {}\n", visible(value)));
    };
    let rule = side.named(access.rule);
    match *who == access.who {
        true => line("rule", &rule),
        false => {
            let own = shortened(&access.who, all);
            line("rule", &format!("{rule}, for {own}"));
        }
    }
    if !access.overridden_by.is_empty() {
        let listed = if all { usize::MAX } else { MAX_RULES };
        let mut denies = names(side, &access.overridden_by);
        let others = denies.len().saturating_sub(listed);
        denies.truncate(listed);
        if others > 0 {
            denies.push(format!("{others} more"));
        }
        let denies = denies.join(", ");
        match (is_without_effect, access.effective.is_some()) {
            (true, _) => line("denied", &format!("always, by {denies}")),
            (false, true) => line("others", &format!("are denied by {denies}")),
            (false, false) => line("but not", &format!("whom {denies} deny")),
        }
    }
    line("paths", &access.pattern);
    match (&access.witness, &access.evaluation) {
        (Some(witness), Some(_)) => line("example", &described(witness)),
        _ if access.gave_up => line("example", "undecided: too many conditions apply"),
        _ => line("example", unused),
    }
}

/// Principals in one line, without `--all` not too long.
fn shortened(who: &str, all: bool) -> String {
    let mut who = who.to_owned();
    if !all && let Some((end, _)) = who.char_indices().nth(MAX_WHO) {
        who.truncate(end);
        who.push_str("… (`--all` prints the rest)");
    }
    who
}
