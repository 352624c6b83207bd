//! `tollgate inspect`: what is in a policy image, without asking it anything.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_core::image::format::{Section, VERSION};

use crate::failure::Failure;
use crate::output::{FAINT, STRONG, print, print_json, styled, visible};
use crate::{Verdict, input, policy};

/// Show what is in a policy image: its id, rules and sizes
#[derive(Args)]
#[command(after_help = "Example:\n  tollgate inspect dist/policy.tgi")]
pub(crate) struct Inspect {
    /// The policy image
    image: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let gate = policy::load(&self.image, input::read(&self.image)?)?;
        let (image, config) = (gate.image(), gate.config());
        let sections: Vec<(String, usize)> = Section::ALL
            .iter()
            .map(|section| {
                (
                    format!("{section:?}").to_lowercase(),
                    image.section_bytes(*section),
                )
            })
            .collect();
        let issuers: Vec<&str> = config
            .issuers
            .iter()
            .map(|issuer| issuer.name.as_str())
            .collect();
        if self.json {
            let sections: serde_json::Map<_, _> = sections
                .into_iter()
                .map(|(name, bytes)| (name, bytes.into()))
                .collect();
            print_json(json!({
                "policy": image.id().to_string(),
                "version": VERSION,
                "site": config.site,
                "bytes": image.as_bytes().len(),
                "rules": image.rule_count(),
                "claims": image.claim_count(),
                "issuers": issuers,
                "ascii_only": image.ascii_only(),
                "sections": sections,
            }))?;
            return Ok(Verdict::Yes);
        }
        let rows = [
            ("policy", image.id().to_string()),
            ("version", VERSION.to_string()),
            ("site", config.site.clone()),
            ("issuers", issuers.join(", ")),
            ("rules", image.rule_count().to_string()),
            ("claims", image.claim_count().to_string()),
            ("bytes", image.as_bytes().len().to_string()),
        ];
        let mut text = String::new();
        for (name, value) in rows {
            let value = visible(&value);
            text.push_str(&format!(
                "{}  {value}\n",
                styled(STRONG, format_args!("{name:10}"))
            ));
        }
        for (name, bytes) in sections {
            text.push_str(&styled(FAINT, format_args!("  {name:10}{bytes}")));
            text.push('\n');
        }
        print(text.trim_end())?;
        Ok(Verdict::Yes)
    }
}
