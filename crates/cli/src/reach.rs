//! `tollgate reach`: what a person can have.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_analysis::reach::{Person, Reach, reach};

use crate::analysed::Analysed;
use crate::claims::ClaimsArgs;
use crate::example::request;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, NOTE, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::{input, policy};

/// Tell what a person can have
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate reach policy --groups rust-101,staff
  tollgate reach policy --claims '{\"sub\":\"alice\",\"level\":3}' --ip 192.0.2.7
  tollgate reach policy                      what can be had without a token

Exit code: 0 if there is anything, 3 if there is nothing.")]
pub(crate) struct ReachVerb {
    /// The policy folder, or a policy image [default: the nearest folder with `site.toml`]
    dir: Option<PathBuf>,
    #[command(flatten)]
    claims: ClaimsArgs,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The client's address; unknown if left out
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl ReachVerb {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let side = Analysed::read(&policy::folder_or_default(self.dir)?)?;
        let claims = self.claims.read(side.policy.config())?;
        let person = Person {
            claims: claims.map(|assumed| assumed.object),
            method: self.method,
            ip: self.ip.as_deref().map(input::address).transpose()?,
            now: input::now_or_clock(self.now).0,
        };
        let found = reach(&side.policy, &person);
        if self.json {
            print_json(object(&side, &found))?;
        } else {
            print(text(&side, &found).trim_end())?;
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
                .map(|(rule, example)| {
                    let rule = json!(side.name(*rule));
                    format!("{{\"rule\":{rule},\"example\":{}}}", json!(example.target))
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

fn text(side: &Analysed, found: &Reach) -> String {
    let mut text = String::new();
    for reached in &found.reached {
        let head = styled(GOOD, visible(&reached.paths));
        let rule = styled(FAINT, visible(&side.named(reached.rule)));
        text.push_str(&format!("{head}  {rule}\n"));
        if reached.example.target != reached.paths {
            let example = visible(&reached.example.target);
            text.push_str(&format!("  such as {example}\n"));
        }
        for (deny, example) in &reached.cut_by {
            let word = styled(BAD, "but not");
            let deny = visible(&side.named(*deny));
            text.push_str(&format!(
                "  {word} {}, by {deny}\n",
                visible(&example.target)
            ));
        }
        if let Some(not) = &reached.not {
            let word = styled(NOTE, "and not");
            let not = visible(&not.target);
            text.push_str(&format!(
                "  {word} {not}, for which the rule does not hold\n"
            ));
        }
    }
    if found.gave_up {
        let word = styled(NOTE, "undecided");
        text.push_str(&format!(
            "{word}: patterns meet in too many ways to ask them all; there may be more\n"
        ));
    } else if found.reached.is_empty() {
        text.push_str("nothing\n");
    }
    text
}
