//! `tollgate reach`: the paths that a user can access.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_analysis::reach::{Person, Reach, ReachablePattern, reach};
use tollgate_core::RuleId;

use crate::analysed::Analysed;
use crate::claims::ClaimsArgs;
use crate::example::request;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, NOTE, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::{input, policy};

/// List the paths that a user can access
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate reach policy --groups rust-101,staff
  tollgate reach policy --claims '{\"sub\":\"alice\",\"level\":3}' --ip 192.0.2.7
  tollgate reach policy --as alice           a user of the test files
  tollgate reach policy                      paths that need no token

Exit code: 0 if the user can access any path, 3 if none.")]
pub(crate) struct ReachArgs {
    /// The policy directory, or a policy image [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    #[command(flatten)]
    claims: ClaimsArgs,
    /// The request's method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The client's address [default: unknown]
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time at which the user can access them, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// List every path, also where many courses have the same ones
    #[arg(long)]
    all: bool,
    /// Print the result as a single JSON object, with every path
    #[arg(long)]
    pub(crate) json: bool,
}

/// The number of denied patterns that are listed for each accessible one.
const MAX_CUTS: usize = 10;

/// The number of courses with the same paths that are listed; if there are more, the first one represents them.
const MAX_ALIKE: usize = 3;

impl ReachArgs {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let side = Analysed::read(&dir)?;
        let gate = side.gate(&dir)?;
        let notes = side.notes();
        let claims = self.claims.read(&gate, &dir)?;
        let person = Person {
            claims: claims.map(|assumed| assumed.object),
            method: self.method,
            ip: self.ip.as_deref().map(input::address).transpose()?,
            now: input::now_or_clock(self.now).0,
        };
        let found = reach(&side.policy, &person);
        if self.json {
            print_json(notes.in_text(object(&side, &found)))?;
        } else {
            notes.print();
            print(text(&side, &found, self.all).trim_end())?;
        }
        Ok((!found.reached.is_empty()).into())
    }
}

fn object(side: &Analysed, found: &Reach) -> String {
    let reached: Vec<String> = found
        .reached
        .iter()
        .map(|reached| {
            let cut: Vec<String> = reached
                .cut_by
                .iter()
                .map(|cut| {
                    format!(
                        "{{\"rule\":{},\"paths\":{},\"example\":{}}}",
                        json!(side.name(cut.rule)),
                        json!(cut.paths),
                        json!(cut.example.target)
                    )
                })
                .collect();
            format!(
                "{{\"paths\":{},\"rule\":{},\"example\":{},\"except\":[{}]}}",
                json!(reached.paths),
                json!(side.name(reached.rule)),
                request(&reached.example),
                cut.join(",")
            )
        })
        .collect();
    let undecided = if found.gave_up {
        ",\"undecided\":true"
    } else {
        ""
    };
    format!("{{\"reach\":[{}]{undecided}}}", reached.join(","))
}

/// The paths and rules without the name of the course: equal where courses have the same rules.
fn shape(side: &Analysed, reached: &ReachablePattern) -> String {
    let course = side.policy.rule(reached.rule);
    let course = course.map_or("", |rule| rule.course.as_str());
    let general = |rule: RuleId| match side.policy.rule(rule) {
        Some(rule) if rule.course == course => format!("/{}", rule.id),
        _ => side.name(rule),
    };
    let segments = reached.paths.split('/');
    let segments: Vec<&str> = segments
        .map(|segment| if segment == course { "" } else { segment })
        .collect();
    let denies: Vec<String> = reached.cut_by.iter().map(|cut| general(cut.rule)).collect();
    let not = reached.not.is_some();
    format!("{segments:?} {} {denies:?} {not}", general(reached.rule))
}

fn text(side: &Analysed, found: &Reach, all: bool) -> String {
    let shapes: Vec<String> = found.reached.iter().map(|one| shape(side, one)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for shape in &shapes {
        *counts.entry(shape).or_default() += 1;
    }
    let mut text = String::new();
    for (reached, shape) in found.reached.iter().zip(&shapes) {
        // The first one of many is printed with the number of the others, which is then no longer needed.
        let count = counts.get_mut(shape.as_str());
        let alike = match count {
            Some(count) if !all && (*count > MAX_ALIKE || *count == 0) => core::mem::take(count),
            _ => 1,
        };
        if alike == 0 {
            continue;
        }
        let head = styled(GOOD, visible(&reached.paths));
        let rule = styled(FAINT, visible(&side.named(reached.rule)));
        text.push_str(&format!("{head}  {rule}\n"));
        if reached.example.target != reached.paths {
            let example = visible(&reached.example.target);
            text.push_str(&format!("  such as {example}\n"));
        }
        let listed = if all { usize::MAX } else { MAX_CUTS };
        for cut in reached.cut_by.iter().take(listed) {
            let word = styled(BAD, "but not");
            let deny = visible(&side.named(cut.rule));
            let such_as = match cut.example.target == cut.paths {
                true => String::new(),
                false => format!(", such as {}", visible(&cut.example.target)),
            };
            let paths = visible(&cut.paths);
            text.push_str(&format!("  {word} {paths}{such_as}, by {deny}\n"));
        }
        if let Some(others @ 1..) = reached.cut_by.len().checked_sub(listed) {
            let word = styled(NOTE, format_args!("and {others} more"));
            text.push_str(&format!("  {word} that are denied; `--all` lists them\n"));
        }
        if let Some(not) = &reached.not {
            let word = styled(NOTE, "and not");
            let not = visible(&not.target);
            text.push_str(&format!(
                "  {word} {not}, for which the rule does not match\n"
            ));
        }
        if let Some(others) = alike.checked_sub(1).filter(|others| *others > 0) {
            let word = styled(NOTE, format_args!("and {others} more"));
            text.push_str(&format!(
                "  {word}: other courses have the same paths; `--all` lists them\n"
            ));
        }
    }
    if found.gave_up {
        let word = styled(NOTE, "undecided");
        text.push_str(&format!(
            "{word}: too many overlapping patterns to evaluate; more paths may be accessible\n"
        ));
    } else if found.reached.is_empty() {
        text.push_str("nothing\n");
    }
    text
}
