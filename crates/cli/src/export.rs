//! `tollgate export`: a policy in the language of another tool.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_exchange::cedar;

use crate::build::write_whole;
use crate::failure::Failure;
use crate::output::{GOOD, print, print_json, styled};
use crate::{Verdict, policy};

/// Say a policy in Cedar, with a schema, so that Cedar's tools can read it
#[derive(Args)]
#[command(after_help = "\
Example:
  tollgate export --cedar policy -o dist/cedar

Writes policies.cedar and schema.cedarschema. The export says who may have what; statuses, redirects,
issuers and keys stay here.

Exit code: 0; 2 if the policy does not compile or a rule cannot be said, which is then named.")]
pub(crate) struct Export {
    /// The policy folder to say in Cedar
    #[arg(long, value_name = "DIR")]
    cedar: PathBuf,
    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Export {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let policy = policy::compile(&self.cedar, false)?;
        let spec = policy.compiled.policy.unwrap_or_default();
        let export = cedar::export(&spec).map_err(Failure::Export)?;
        fs::create_dir_all(&self.out).map_err(|error| Failure::Write {
            path: self.out.clone(),
            error,
        })?;
        let files = [
            ("policies.cedar", &export.policies),
            ("schema.cedarschema", &export.schema),
        ];
        for (name, text) in files {
            let path = self.out.join(name);
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
            print_json(json!({
                "folder": self.out.to_string_lossy(),
                "files": files.map(|(name, _)| name),
                "rules": spec.rules.len(),
            }))?;
        }
        Ok(Verdict::Yes)
    }
}
