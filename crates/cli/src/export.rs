//! `tollgate export`: a policy in the language of another tool.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_exchange::cedar;

use crate::failure::Failure;
use crate::output::{GOOD, print, print_json, styled};
use crate::overwrite::{self, CEDAR_HEADER, Output};
use crate::policy;
use crate::verdict::Verdict;
use crate::write::write_whole;

/// Export a policy to Cedar, including a schema for Cedar's tools
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate export policy -o dist/cedar
  tollgate export --cedar policy -o dist/cedar

Writes policies.cedar and schema.cedarschema. The export contains who can access what, but no statuses,
redirects, issuers or keys.

Exit code: 0 on success, 2 if the policy does not compile or a rule cannot be expressed in Cedar.")]
pub(crate) struct Export {
    /// The policy directory [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// Export to Cedar, the only supported format; also accepts DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "")]
    cedar: Option<PathBuf>,
    /// Write the files to this directory
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Export {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let named = self.cedar.filter(|folder| !folder.as_os_str().is_empty());
        let folder = policy::folder_or_default(self.dir.or(named))?;
        let policy = policy::preview(&folder)?;
        let spec = policy.compiled().policy.clone().unwrap_or_default();
        let notes = policy.into_notes();
        if !self.json {
            notes.print();
        }
        let export = cedar::export(&spec).map_err(Failure::Export)?;
        let names = ["policies.cedar", "schema.cedarschema"];
        // Check both files before writing either.
        for name in names {
            overwrite::check(&self.out.join(name), Output::Cedar)?;
        }
        fs::create_dir_all(&self.out).map_err(|error| Failure::Write {
            path: self.out.clone(),
            error,
        })?;
        for (name, text) in names.into_iter().zip([&export.policies, &export.schema]) {
            let path = self.out.join(name);
            let text = format!("{CEDAR_HEADER}{text}");
            write_whole(&path, text.as_bytes()).map_err(|error| Failure::Write {
                path: path.clone(),
                error,
            })?;
            if !self.json {
                let path = path.display();
                print(format_args!("{} {path}", styled(GOOD, "wrote")))?;
            }
        }
        if self.json {
            let mut object = json!({
                "folder": self.out.to_string_lossy(),
                "files": names,
                "rules": spec.rules.len(),
            });
            notes.add_to(&mut object);
            print_json(object)?;
        }
        Ok(Verdict::Yes)
    }
}
