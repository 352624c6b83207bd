//! The policy of flow C and its session keys, built for the small edge.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::super::issuer::{self, Issuer};
use super::super::part;
use xtask::ui::Step;
use xtask::{repo, shell};

/// The ID of the first session key.
pub(super) const FIRST: &str = "session-1";
/// The ID of the key that replaces it.
pub(super) const SECOND: &str = "session-2";

/// The parts of the sample policy that are replaced.
const SECRETS: &str = "secrets = [{ kid = \"session-1\", file = \"keys/session-1.key\" }]";
const SESSION: &str = "[session]\nissuer = \"sessions\"\n";
/// Sessions are issued only by the endpoint.
const SETTINGS: &str = "mint = [\"endpoint\"]\nlifetime_secs = 900\n";

/// A policy directory whose session keys are rotated.
pub(super) struct Site {
    folder: PathBuf,
    text: String,
}

impl Site {
    /// Creates the directory, with only the first session key.
    pub(super) fn new(issuer: &Issuer) -> Result<Site> {
        let folder = part::folder()?.join("flow-c/policy");
        issuer.policy(&folder)?;
        for kid in [FIRST, SECOND] {
            std::fs::write(
                folder.join("keys").join(kid).with_extension("key"),
                secret()?,
            )?;
        }
        let text = std::fs::read_to_string(folder.join("site.toml"))?;
        for line in [SECRETS, SESSION] {
            ensure!(
                text.matches(line).count() == 1,
                "policy/site.toml must contain `{line}` exactly once"
            );
        }
        let text = text.replace(SESSION, &format!("{SESSION}{SETTINGS}"));
        let site = Site { folder, text };
        site.sign_with(&[FIRST])?;
        Ok(site)
    }

    /// The policy directory.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lists these session keys; the first signs, and all of them verify.
    pub(super) fn sign_with(&self, kids: &[&str]) -> Result<()> {
        let keys: Vec<String> = kids
            .iter()
            .map(|kid| format!("{{ kid = \"{kid}\", file = \"keys/{kid}.key\" }}"))
            .collect();
        let secrets = format!("secrets = [{}]", keys.join(", "));
        std::fs::write(
            self.folder.join("site.toml"),
            self.text.replace(SECRETS, &secrets),
        )
        .context("cannot write the policy")
    }

    /// Builds the function and its store into a directory with this name.
    pub(super) fn function(&self, name: &str, step: &Step) -> Result<PathBuf> {
        let out = self.folder.with_extension(name);
        // An earlier run may have left more updates.
        if out.exists() {
            std::fs::remove_dir_all(&out)?;
        }
        let mut build = shell::tool(
            repo::program("tollgate"),
            ["build", "--target", "cloudfront-functions"],
        );
        build.arg(&self.folder).arg("--out").arg(&out);
        shell::must(&mut build, |line| step.line(line))?;
        Ok(out)
    }
}

/// Generates a secret of 256 bits in the format of the key files.
fn secret() -> Result<String> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no random bytes")?;
    Ok(issuer::base64url(&bytes))
}
