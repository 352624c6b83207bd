//! `tollgate inspect`: the contents of a policy image, without evaluating requests.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_core::PathOptions;
use tollgate_core::image::format::{Section, VERSION};

use crate::failure::Failure;
use crate::output::{FAINT, STRONG, print, print_json, styled, visible};
use crate::policy::Deployable;
use crate::trust::TrustArgs;
use crate::verdict::Verdict;

/// Show the contents of a policy image: signature, ID, rules and sizes
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate inspect dist/policy.tgi
  tollgate inspect dist/policy.tgi --trust trust.json

Exit code with --trust: 0 if the image has an accepted signature, 3 if not.")]
pub(crate) struct Inspect {
    /// The policy image
    image: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let policy = Deployable::read(&self.image)?;
        let checked = self
            .trust
            .read()?
            .map(|trust| trust.check(policy.image()).map(drop));
        let gate = policy.gate(&self.image, None)?;
        let (image, config, release) = (gate.image(), gate.config(), gate.release());
        let paths = image.path_options();
        let signature = match (&checked, release) {
            (None, None) => None,
            (None, Some(_)) => Some("unchecked"),
            (Some(Ok(())), _) => Some("good"),
            (Some(Err(error)), _) => Some(error.code()),
        };
        let verdict = Verdict::from(!matches!(checked, Some(Err(_))));
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
                "policy_version": release.map(|release| release.version.get()),
                "key_id": release.map(|release| &*release.key_id),
                "signature": signature,
                "bytes": image.as_bytes().len(),
                "rules": image.rule_count(),
                "claims": image.claim_count(),
                "issuers": issuers,
                "ascii_only": paths.ascii_only,
                "origin": paths.reader.code(),
                "index": paths.index,
                "sections": sections,
            }))?;
            return Ok(verdict);
        }
        let mut rows = vec![
            ("policy", image.id().to_string()),
            ("version", VERSION.to_string()),
            ("site", config.site.clone()),
        ];
        if let Some(release) = release {
            rows.push(("release", release.version.to_string()));
            rows.push(("signed by", release.key_id.to_string()));
        }
        if let Some(signature) = signature {
            let why = checked.and_then(Result::err);
            let why = why.map_or(String::new(), |error| format!(": {error}"));
            rows.push(("signature", format!("{signature}{why}")));
        }
        rows.extend([
            ("issuers", issuers.join(", ")),
            ("paths", shown_paths(paths)),
            ("rules", image.rule_count().to_string()),
            ("claims", image.claim_count().to_string()),
            ("bytes", image.as_bytes().len().to_string()),
        ]);
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
        Ok(verdict)
    }
}

/// The site's settings for paths, as in `[paths]`.
fn shown_paths(paths: PathOptions<'_>) -> String {
    let mut shown = format!("origin = \"{}\"", paths.reader.code());
    if let Some(index) = paths.index {
        shown.push_str(&format!(", index = \"{index}\""));
    }
    if paths.ascii_only {
        shown.push_str(", ascii_only = true");
    }
    shown
}
