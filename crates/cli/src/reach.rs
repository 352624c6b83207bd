//! `tollgate reach`: the paths that a user can access.

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
    /// The time of the request, as RFC 3339 or in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl ReachArgs {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let side = Analysed::read(&dir)?;
        let gate = policy::load(&dir, side.policy.image().as_bytes().to_vec(), None)?;
        let claims = self.claims.read(&gate, &dir)?;
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
                "  {word} {not}, for which the rule does not match\n"
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
