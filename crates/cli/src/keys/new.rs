//! `tollgate keys new`: generates a test key, whose public half a policy accepts, or a secret of a policy.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tollgate_mint::{Algorithm, PrivateKey};

use crate::failure::{Failure, Problem, counted};
use crate::output::{FAINT, GOOD, NOTE, print, print_json, styled, visible};
use crate::overwrite::{self, Output};
use crate::verdict::Verdict;
use crate::write::{write_secret, write_whole};
use crate::{input, test_key};

/// Generate a test key that `token mint` accepts, or a secret
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate keys new -o policy/keys/users.private.json --jwks policy/keys/users.jwks.json
  tollgate keys new --alg ES256 --kid test-2 -o test-2.private.json --jwks test.jwks.json
  tollgate keys new --alg HS256 --kid try-1 -o try-1.private.json --secret policy/keys/try-1.key
  tollgate keys new --alg HS256 --secret policy/keys/session-1.key

The private key is a JSON Web Key that only you can read; it is for tests. `tollgate check` warns about policies
that contain its public half. An HS256 key is a shared secret and has no public half: list the file of --secret
in `secrets` of the [[issuer]]. Without -o, only that file is written: a secret for sessions or for [sign_in].")]
pub(crate) struct New {
    /// The key ID, the `kid` of its tokens [default: `test-` and random digits]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    kid: Option<String>,
    /// The algorithm of its tokens
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = PossibleValuesParser::new(names()))]
    alg: String,
    /// Write the private key to this file; never overwrites an existing file
    #[arg(short, long, value_name = "FILE", required_unless_present = "secret")]
    out: Option<PathBuf>,
    /// Add the public key to this key set, which is created if it does not exist
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// With HS256: write the secret as a policy reads it to this file; never overwrites an existing file
    #[arg(long, value_name = "FILE", conflicts_with = "jwks")]
    secret: Option<PathBuf>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn names() -> impl Iterator<Item = &'static str> {
    test_key::ALGORITHMS.into_iter().map(Algorithm::name)
}

impl New {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let algorithm = Algorithm::from_name(&self.alg).unwrap_or(Algorithm::RS256);
        self.check(algorithm)?;
        let key = test_key::generate(self.kid.as_deref(), algorithm)?;
        // Validate everything before writing anything.
        let set = self.jwks.as_deref().map(|path| key_set(path, &key));
        let set = set.transpose()?;
        if let Some(out) = &self.out {
            secret(out, &key.to_private_jwk().to_text())?;
        }
        if let (Some(path), Some(text)) = (&self.secret, key.secret()) {
            secret(path, &format!("{}\n", tollgate_mint::base64url(text)))?;
        }
        if let (Some(path), Some((text, _))) = (&self.jwks, &set) {
            create_parent(path)?;
            write_whole(path, text.as_bytes()).map_err(|error| Failure::Write {
                path: path.clone(),
                error,
            })?;
        }
        let shown = |path: &Path| visible(&path.to_string_lossy());
        if self.json {
            print_json(json!({
                "kid": key.kid(),
                "alg": self.alg,
                "private_key": self.out.as_ref().map(|path| path.to_string_lossy()),
                "jwks": self.jwks.as_ref().map(|path| path.to_string_lossy()),
                "secret": self.secret.as_ref().map(|path| path.to_string_lossy()),
                "keys": set.as_ref().map(|(_, count)| count),
            }))?;
            return Ok(Verdict::Yes);
        }
        let wrote = styled(GOOD, "wrote");
        let private = styled(FAINT, "(private: never commit it)");
        if let Some(out) = &self.out {
            print(format_args!("{wrote} {} {private}", shown(out)))?;
        }
        if let (Some(path), Some((_, count))) = (&self.jwks, &set) {
            let count = counted(*count, "public key");
            print(format_args!("{wrote} {} ({count})", shown(path)))?;
        }
        if let Some(path) = &self.secret {
            print(format_args!("{wrote} {} {private}", shown(path)))?;
        }
        // The entry of a secret that only the policy needs may be there: its file was missing.
        if let Some(path) = &self.secret
            && (self.out.is_some() || self.kid.is_some())
        {
            let kid = Value::from(key.kid());
            let file = Value::from(format!(
                "keys/{}",
                path.file_name().unwrap_or_default().to_string_lossy()
            ));
            print(format_args!(
                "{} [[issuer]] of site.toml: {}",
                styled(NOTE, "add to"),
                visible(&format!("secrets = [{{ kid = {kid}, file = {file} }}]"))
            ))?;
        }
        Ok(Verdict::Yes)
    }

    fn check(&self, algorithm: Algorithm) -> Result<(), Failure> {
        let is_secret = algorithm == Algorithm::HS256;
        let argument = |name, path: &PathBuf, problem| Failure::Argument {
            name,
            value: path.to_string_lossy().into_owned(),
            problem,
        };
        if let (Some(path), true) = (&self.jwks, is_secret) {
            return Err(argument("--jwks", path, Problem::NoPublicHalf));
        }
        if let (Some(path), false) = (&self.secret, is_secret) {
            return Err(argument("--secret", path, Problem::NotShared));
        }
        for path in [&self.out, &self.secret].into_iter().flatten() {
            overwrite::check_place(path)?;
            if path.symlink_metadata().is_ok() {
                return Err(Failure::Exists(vec![path.clone()]));
            }
        }
        if let Some(path) = &self.jwks {
            overwrite::check_pinned(path, Output::KeySet)?;
        }
        Ok(())
    }
}

/// The key set with the new key, and the number of its keys.
fn key_set(path: &Path, key: &PrivateKey) -> Result<(String, usize), Failure> {
    let old = match path.exists() {
        true => input::read(path)?,
        false => Vec::new(),
    };
    let old = old.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&old);
    // An existing file was checked: it is a key set, or empty.
    let mut set: Value = serde_json::from_slice(old).unwrap_or_else(|_| json!({ "keys": [] }));
    let keys = set.get_mut("keys").and_then(Value::as_array_mut);
    let count = keys.map_or(0, |keys| {
        keys.extend(test_key::public(key));
        keys.len()
    });
    let keys = set.get("keys").and_then(Value::as_array);
    let is_it = |known: &&Value| known.get("kid").and_then(Value::as_str) == Some(key.kid());
    let uses = keys.map_or(0, |keys| keys.iter().filter(is_it).count());
    if uses != 1 {
        return Err(Failure::Argument {
            name: "--kid",
            value: key.kid().to_owned(),
            problem: Problem::KidInUse,
        });
    }
    Ok((format!("{set:#}\n"), count))
}

fn secret(path: &Path, text: &str) -> Result<(), Failure> {
    create_parent(path)?;
    write_secret(path, text).map_err(|error| Failure::Write {
        path: path.to_owned(),
        error,
    })
}

fn create_parent(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(parent).map_err(|error| Failure::Write {
        path: parent.to_owned(),
        error,
    })
}
