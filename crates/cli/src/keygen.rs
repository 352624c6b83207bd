//! `tollgate keygen`: generates a key pair for policy images. The private key gets its own file, and the public key is
//! added to the trust keys.

use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding};
use clap::Args;
use serde_json::{Value, json};
use tollgate_crypto::image_key::ImageKey;

use crate::failure::{Failure, Problem, counted};
use crate::output::{FAINT, GOOD, print, print_json, styled};
use crate::overwrite::{self, Output};
use crate::verdict::Verdict;
use crate::write::{write_secret, write_whole};
use crate::{input, trust};

/// Generate a key pair for signing policy images
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate keygen --key-id release-1 --site simple-courses -o release-1.pem --trust trust.json
  tollgate build policy --sign release-1.pem --key-id release-1 --policy-version 1 -o policy.tgi
  tollgate serve --policy policy.tgi --trust trust.json --root site

Keep the private key where policies are released. The trust keys are public, and edges need them. A second
key is added to the same file. To revoke a key, remove it from the file.")]
pub(crate) struct Keygen {
    /// The key ID: visible ASCII, unique among the trust keys
    #[arg(long, value_name = "ID")]
    key_id: String,
    /// Write the private key (PEM) to this file; never overwrites an existing file
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Add the public key to this file of trust keys, which is created if it does not exist
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// The site whose policies the trust keys are for [default: any]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Keygen {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        overwrite::check_place(&self.out)?;
        overwrite::check(&self.trust, Output::TrustKeys)?;
        let key = ImageKey::generate().map_err(Failure::ImageSigning)?;
        // Validate everything before writing anything.
        let pem = key.to_pem().map_err(Failure::ImageSigning)?;
        let (text, count) = self.trust_keys(&key)?;
        write_secret(&self.out, &pem).map_err(|error| Failure::Write {
            path: self.out.clone(),
            error,
        })?;
        write_whole(&self.trust, text.as_bytes()).map_err(|error| Failure::Write {
            path: self.trust.clone(),
            error,
        })?;
        if self.json {
            print_json(json!({
                "key_id": self.key_id,
                "private_key": self.out.to_string_lossy(),
                "trust": self.trust.to_string_lossy(),
                "keys": count,
            }))?;
        } else {
            let wrote = styled(GOOD, "wrote");
            print(format_args!(
                "{wrote} {} {}",
                self.out.display(),
                styled(FAINT, "(keep it secret)")
            ))?;
            print(format_args!(
                "{wrote} {} ({})",
                self.trust.display(),
                counted(count, "trusted key")
            ))?;
        }
        Ok(Verdict::Yes)
    }

    /// Returns the trust keys including the new one, and their number.
    fn trust_keys(&self, key: &ImageKey) -> Result<(String, usize), Failure> {
        let mut set = if self.trust.exists() {
            let text = input::read(&self.trust)?;
            trust::of_bytes(&self.trust, &text)?;
            serde_json::from_slice(&text).unwrap_or(Value::Null)
        } else {
            json!({ "keys": [] })
        };
        let public = key.public().map_err(Failure::ImageSigning)?;
        let jwk = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.key_id,
            "x": Base64UrlUnpadded::encode_string(&public),
        });
        let keys = set.get_mut("keys").and_then(Value::as_array_mut);
        let count = keys.map_or(0, |keys| {
            keys.push(jwk);
            keys.len()
        });
        if let (Some(site), Some(set)) = (&self.site, set.as_object_mut()) {
            let before = set.insert("site".to_owned(), site.as_str().into());
            if before.is_some_and(|before| before != site.as_str()) {
                return Err(Failure::Argument {
                    name: "--site",
                    value: site.clone(),
                    problem: Problem::OtherSite,
                });
            }
        }
        let text = format!("{set:#}\n");
        // Validate the ID, which may be in use, and the site with the same code as at the edges.
        trust::of_bytes(&self.trust, text.as_bytes())?;
        Ok((text, count))
    }
}
