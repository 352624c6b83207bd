//! Policies that are compiled only to be read: checked, tested, compared and explained.
//!
//! Git ignores the files of secrets, so most checkouts lack them, and no decision by rules depends on them. A stand-in
//! replaces each missing one. A policy with a stand-in must never be deployed, because everyone knows the stand-in. So
//! [`Preview`] is a type of its own, whose [`Compiled`] has no image. Not here: policies to deploy ([`compile`]).
//!
//! [`compile`]: fn@crate::compile

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{ClientAuth, SealSecret, SignInProvider};
use tollgate_policy::encode::encode;
use tollgate_token::IssuerConfig;

use crate::compile::{Compiled, compile_from};
use crate::diagnostic::Diagnostic;
use crate::options::CompileOptions;
use crate::site::{Input, stand_in};
use crate::source::read::named_files;
use crate::source::{SITE_FILE, SourceTree};

/// A policy that was compiled to be read.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    compiled: Compiled,
    image: Option<Vec<u8>>,
    missing: Vec<Missing>,
}

/// A secret whose file is missing.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The name of the file.
    pub file: String,
    /// The note about its stand-in.
    pub note: Diagnostic,
}

/// Compiles a policy to be read: a stand-in replaces each secret whose file is missing, with a note (TG0429).
///
/// Never panics, whatever the files contain. The same files give the same result, on every machine.
///
/// # Example
///
/// ```
/// use tollgate_compiler::{CompileOptions, SourceTree, compile, preview};
///
/// let mut tree = SourceTree::new();
/// tree.insert("site.toml", r#"
/// schema = 1
/// [site]
/// name = "example"
/// [[issuer]]
/// name = "partner"
/// issuer = "https://partner.example"
/// clients = ["web"]
/// algorithms = ["HS256"]
/// secrets = [{ kid = "1", file = "keys/partner.key" }]
/// groups_claim = "groups"
/// [[rule]]
/// id = "all"
/// allow = ["/**"]
/// signed_in = true
/// "#);
/// let options = CompileOptions::default();
/// assert!(compile(&tree, &options).has_errors());
/// let preview = preview(&tree, &options);
/// assert_eq!(preview.missing()[0].file, "keys/partner.key");
/// assert!(preview.image().is_some());
/// // What is deployed is made from a `Compiled` with an image.
/// assert!(preview.compiled().policy.is_some() && preview.compiled().image.is_none());
/// ```
pub fn preview(sources: &SourceTree, options: &CompileOptions) -> Preview {
    let mut compiled = compile_from(Input {
        sources,
        options,
        has_stand_ins: true,
    });
    Preview {
        image: compiled.image.take(),
        missing: missing(sources, &compiled.diagnostics),
        compiled,
    }
}

/// The files that `site.toml` names and for which the compiler used a stand-in, each once.
fn missing(sources: &SourceTree, diagnostics: &[Diagnostic]) -> Vec<Missing> {
    let site = sources.text(SITE_FILE).unwrap_or_default();
    let files: BTreeSet<String> = named_files(site).into_iter().collect();
    let missing = files.into_iter().filter_map(|file| {
        let is_it = |note: &&Diagnostic| stand_in::is_about(note, &file);
        let note = diagnostics.iter().find(is_it)?.clone();
        Some(Missing { file, note })
    });
    missing.collect()
}

impl Preview {
    /// The diagnostics and the checked policy. It never has an image, so that nothing deploys it.
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The image to read, if the policy has no errors.
    pub fn image(&self) -> Option<&[u8]> {
        self.image.as_deref()
    }

    /// The secrets that stand-ins replace, by the names of their files.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// This policy with the secrets of an image in place of its stand-ins, as far as the image has secrets of the same
    /// names. A comparison of the two then reports no difference merely because a file is missing.
    #[must_use]
    pub fn with_secrets_of(mut self, other: &GateConfig) -> Self {
        let Some(policy) = &mut self.compiled.policy else {
            return self;
        };
        let Ok(mut gate) = GateConfig::decode(&policy.gate) else {
            return self;
        };
        StandIns(&self.missing).replace(&mut gate, other);
        if let Ok(bytes) = gate.encode() {
            policy.gate = bytes;
            self.image = encode(policy).ok().map(|encoded| encoded.image);
        }
        self
    }
}

/// The stand-ins of these files.
struct StandIns<'a>(&'a [Missing]);

impl StandIns<'_> {
    /// Replaces each stand-in by the secret of the same name, if `other` has one.
    fn replace(&self, gate: &mut GateConfig, other: &GateConfig) {
        for issuer in &mut gate.issuers {
            let mut known = other.issuers.iter();
            let Some(known) = known.find(|known| known.name == issuer.name) else {
                continue;
            };
            for secret in &mut issuer.secrets {
                let found = known.secrets.iter().find(|known| known.kid == secret.kid);
                if let (Some(found), true) = (found, self.has(&secret.key, stand_in::bytes)) {
                    secret.key.clone_from(&found.key);
                }
            }
        }
        let (Some(sign_in), Some(known)) = (&mut gate.sign_in, &other.sign_in) else {
            return;
        };
        let digest = |file: &str, length| Sha256::digest(stand_in::bytes(file, length)).to_vec();
        for SealSecret { kid, key } in &mut sign_in.secrets {
            let found = known.secrets.iter().find(|known| known.kid == *kid);
            if let (Some(found), true) = (found, self.has(key, digest)) {
                *key = found.key;
            }
        }
        for provider in &mut sign_in.providers {
            let issuer = |config: &[IssuerConfig], at: u32| {
                let at = usize::try_from(at).ok()?;
                config.get(at).map(|issuer| issuer.name.clone())
            };
            let name = issuer(&gate.issuers, provider.issuer);
            let mut others = known.providers.iter();
            let is_same = |known: &&SignInProvider| issuer(&other.issuers, known.issuer) == name;
            let found = others
                .find(is_same)
                .and_then(|known| secret(&known.client_auth));
            let text = |file: &str, _| stand_in::text(file).into_bytes();
            if let (ClientAuth::Basic(own) | ClientAuth::Post(own), Some(found)) =
                (&mut provider.client_auth, found)
                && self.has(own.as_bytes(), text)
            {
                found.clone_into(own);
            }
        }
    }

    /// Whether bytes are the stand-in for a file, made by this function of the file and a length.
    fn has(&self, bytes: &[u8], made: impl Fn(&str, usize) -> Vec<u8>) -> bool {
        let mut files = self.0.iter();
        files.any(|missing| made(&missing.file, bytes.len()) == bytes)
    }
}

/// The client secret.
fn secret(auth: &ClientAuth) -> Option<&str> {
    match auth {
        ClientAuth::None => None,
        ClientAuth::Basic(secret) | ClientAuth::Post(secret) => Some(secret),
    }
}

#[cfg(test)]
mod tests;
