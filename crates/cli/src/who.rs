//! `tollgate who`: the principals that can access a path, in the terms of the rules.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_analysis::who::{Access, AccessReport, who};

use crate::analysed::Analysed;
use crate::example::{described, request, ruled};
use crate::failure::{Failure, Problem};
use crate::input;
use crate::output::{BAD, FAINT, GOOD, STRONG, print, print_json, styled, visible};
use crate::verdict::Verdict;

/// List who can access a path
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate who policy /courses/rust-101/exams/final.pdf
  tollgate who policy /courses/rust-101/ --json

Exit code: 0 if any principal can access the path, 3 if none can.")]
pub(crate) struct WhoArgs {
    /// The policy directory, or a policy image
    dir: PathBuf,
    /// The raw path, as in a request
    path: OsString,
    /// The time of the example requests, as RFC 3339 or in Unix seconds [default: now]
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
        let side = Analysed::read(&self.dir)?;
        let now = input::now_or_clock(self.now).0;
        let target = self.path.to_string_lossy();
        let found = who(&side.policy, &target, now).map_err(|error| Failure::Argument {
            name: "PATH",
            value: target.clone().into_owned(),
            problem: Problem::Path(error),
        })?;
        if self.json {
            print_json(side.notes().in_text(object(&side, &target, &found)))?;
        } else {
            side.notes().print();
            print(text(&side, &target, &found, self.all).trim_end())?;
        }
        let is_accessible = found.allows.iter().any(|access| access.witness.is_some());
        Ok(is_accessible.into())
    }
}

fn object(side: &Analysed, target: &str, found: &AccessReport) -> String {
    let list = |list: &[Access]| {
        let rules: Vec<String> = list
            .iter()
            .map(|access| {
                let witness = access.witness.as_ref().map_or("null".to_owned(), request);
                format!(
                    "{{\"rule\":{},\"paths\":{},\"who\":{},\"witness\":{witness}}}",
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
        list(&found.allows),
        list(&found.denies),
        json!({ "outcome": found.unauthenticated.kind.code(), "status": found.unauthenticated.status, "reason": found.unauthenticated.reason.code() }),
    )
}

fn text(side: &Analysed, target: &str, found: &AccessReport, all: bool) -> String {
    let mut text = format!("{}\n", styled(STRONG, visible(target)));
    if found.allows.is_empty() {
        text.push_str("  nobody: no rule allows this path\n");
    }
    for (word, style, list, unused) in [
        (
            "allow",
            GOOD,
            &found.allows,
            "no request is allowed by this rule",
        ),
        (
            "deny",
            BAD,
            &found.denies,
            "no request is denied by this rule",
        ),
    ] {
        let listed = if all { list.len() } else { MAX_RULES };
        for access in list.iter().take(listed) {
            let head = styled(style, word);
            let mut who: String = access.who.clone();
            if !all && let Some((end, _)) = who.char_indices().nth(MAX_WHO) {
                who.truncate(end);
                who.push_str("… (`--all` prints the rest)");
            }
            text.push_str(&format!("{head} {}\n", visible(&who)));
            let mut line = |name: &str, value: &str| {
                let name = styled(FAINT, format_args!("{name:8}"));
                text.push_str(&format!("  {name} {}\n", visible(value)));
            };
            line("rule", &side.named(access.rule));
            line("paths", &access.pattern);
            match (&access.witness, &access.evaluation) {
                (Some(witness), Some(_)) => line("example", &described(witness)),
                _ if access.gave_up => line("example", "undecided: too many conditions apply"),
                _ => line("example", unused),
            }
        }
        if let Some(others) = list.len().checked_sub(listed).filter(|others| *others > 0) {
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
