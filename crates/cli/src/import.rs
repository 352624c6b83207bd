//! `tollgate import`: a policy folder from settings that people have.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tollgate_compiler::{COURSES_FOLDER, CompileOptions, SourceTree};
use tollgate_exchange::import::{self, Imported, Settings};

use crate::build::write_whole;
use crate::failure::Failure;
use crate::output::{FAINT, GOOD, NOTE, print, print_json, styled, visible};
use crate::{Verdict, input};

/// Make a policy folder from other settings; it never opens more than they do
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate import snippet --user-pool eu-west-1_Abc123 --client 4f2a… --group staff -o policy
  tollgate import snippet config.json -o policy
  aws cloudfront get-distribution-config --id E123 | tollgate import cloudfront - -o policy
  tollgate import oathkeeper access-rules.yaml -o policy

Exit code: 0 if a policy was made; 2 if the source cannot be used or there is a policy already.")]
pub(crate) struct Import {
    /// What the source is
    #[arg(value_enum)]
    kind: Kind,
    /// The file, or `-` for standard input
    #[arg(required_if_eq_any([("kind", "cloudfront"), ("kind", "oathkeeper")]))]
    file: Option<PathBuf>,
    /// The folder to make; it must not hold a policy
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// For `snippet`: the AWS region; left out, what the pool's id begins with
    #[arg(long)]
    region: Option<String>,
    /// For `snippet`: the Cognito user pool
    #[arg(long, value_name = "ID")]
    user_pool: Option<String>,
    /// For `snippet`: the app client whose tokens count
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// For `snippet`: the group that has the site; left out, everybody who is signed in
    #[arg(long)]
    group: Option<String>,
    /// The issuer's key set, saved from where it is published; without it no token is good yet
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Settings of a Lambda@Edge function that checks one user pool and perhaps one group
    Snippet,
    /// A distribution, as `aws cloudfront get-distribution-config` prints it
    Cloudfront,
    /// Access rules of Ory Oathkeeper, JSON or YAML
    Oathkeeper,
}

impl Import {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let text = self.file.as_deref().map(read).transpose()?;
        let keys = self.jwks.as_deref().map(input::read_text).transpose()?;
        let imported = match self.kind {
            Kind::Snippet => {
                let found = text.as_deref().map(import::settings).transpose();
                let found = found.map_err(Failure::Import)?.unwrap_or_default();
                let settings = Settings {
                    region: self.region.or(found.region),
                    user_pool: self.user_pool.or(found.user_pool),
                    client: self.client.or(found.client),
                    group: self.group.or(found.group),
                };
                import::snippet(&settings, keys.as_deref())
            }
            Kind::Cloudfront => import::cloudfront(&text.unwrap_or_default()),
            Kind::Oathkeeper => import::oathkeeper(&text.unwrap_or_default(), keys.as_deref()),
        };
        let imported = imported.map_err(Failure::Import)?;
        check(&imported)?;
        write(&self.out, &imported)?;
        let names: Vec<&String> = imported.files.iter().map(|(name, _)| name).collect();
        if self.json {
            print_json(json!({
                "folder": self.out.to_string_lossy(),
                "files": names,
                "notes": imported.notes,
            }))?;
            return Ok(Verdict::Yes);
        }
        for name in names {
            let path = self.out.join(name);
            print(format_args!("{} {}", styled(GOOD, "wrote"), path.display()))?;
        }
        for note in &imported.notes {
            print(format_args!("{} {}", styled(NOTE, "note:"), visible(note)))?;
        }
        print(styled(
            FAINT,
            format_args!("see what it does: tollgate check {}", self.out.display()),
        ))?;
        Ok(Verdict::Yes)
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    if path != Path::new("-") {
        return input::read_text(path);
    }
    let bytes = input::argument_or_stdin("-".as_ref())?;
    String::from_utf8(bytes).map_err(|error| Failure::Read {
        path: path.to_owned(),
        error: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })
}

/// A folder that does not compile is not written.
fn check(imported: &Imported) -> Result<(), Failure> {
    let mut sources = SourceTree::new();
    for (name, text) in &imported.files {
        sources.insert(name.clone(), text.clone());
    }
    let compiled = tollgate_compiler::compile(&sources, &CompileOptions::default());
    if !compiled.has_errors() {
        return Ok(());
    }
    Err(Failure::Policy {
        findings: compiled.diagnostics,
        sources: Box::new(sources),
    })
}

fn write(folder: &Path, imported: &Imported) -> Result<(), Failure> {
    // A policy has this folder, also without a course in it; git keeps no empty one.
    let is_course = |(name, _): &(String, String)| name.starts_with(COURSES_FOLDER);
    let keep = (format!("{COURSES_FOLDER}/.gitkeep"), String::new());
    let keep = (!imported.files.iter().any(is_course)).then_some(&keep);
    for (name, text) in imported.files.iter().chain(keep) {
        let path = folder.join(name);
        let failed = |error| Failure::Write {
            path: path.clone(),
            error,
        };
        if path.exists() {
            return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        write_whole(&path, text.as_bytes()).map_err(failed)?;
    }
    Ok(())
}
