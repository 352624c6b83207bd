//! `tollgate import`: a policy directory from the settings of another tool.
//!
//! Not here: the meaning of the settings (`tollgate_exchange::import`).

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tollgate_compiler::{COURSES_FOLDER, CompileOptions, SourceTree};
use tollgate_exchange::import::{self, ImportError, Imported, KeySet, Matching, Oathkeeper};

use crate::failure::Failure;
use crate::input;
use crate::output::{FAINT, GOOD, NOTE, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::write::write_whole;

/// Create a policy from the settings of another tool; it never allows more than they do
#[derive(Args)]
#[command(after_help = "\
Sources:
  snippet     cognito-at-edge or cloudfront-authorization-at-edge (`new Authenticator({…})`,
              `configuration.json`), Amplify's `aws-exports`, an environment file, or the options below
  cloudfront  the output of `aws cloudfront get-distribution-config`, `get-distribution` or
              `terraform show -json`, or a CloudFormation or CDK template (JSON or YAML)
  oathkeeper  access rules, JSON or YAML

Examples:
  tollgate import snippet --user-pool eu-west-1_Abc123 --client 4f2a… --group staff -o policy
  tollgate import snippet configuration.json -o policy
  aws cloudfront get-distribution-config --id E123 | tollgate import cloudfront - -o policy
  tollgate import oathkeeper access-rules.yaml --config oathkeeper.yaml -o policy

Requests that cannot be carried over are denied; a note names each case.

Exit code: 0 if a policy was created; 2 if the source cannot be read or the directory has a policy.")]
pub(crate) struct Import {
    /// The kind of the source
    #[arg(value_enum)]
    kind: Kind,
    /// The file, or `-` for standard input
    #[arg(required_if_eq_any([("kind", "cloudfront"), ("kind", "oathkeeper")]))]
    file: Option<PathBuf>,
    /// Create the policy in this directory, which must not contain one
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// For `snippet`: the AWS region [default: the beginning of the user pool's ID]
    #[arg(long)]
    region: Option<String>,
    /// For `snippet`: the Cognito user pool
    #[arg(long, value_name = "ID")]
    user_pool: Option<String>,
    /// For `snippet`: the app client whose tokens are accepted
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// For `snippet`: the group that has access [default: every user of the pool]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// For `cloudfront`: the distribution, if the source has several: its ID or logical name
    #[arg(long, value_name = "NAME")]
    distribution: Option<String>,
    /// For `oathkeeper`: Oathkeeper's own configuration, from which access rules inherit
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For `oathkeeper`: the site, such as `https://www.example.com` [default: that of the first rule]
    #[arg(long, value_name = "URL")]
    site: Option<String>,
    /// For `oathkeeper`: how `<…>` in URLs is matched [default: that of the configuration]
    #[arg(long, value_enum)]
    matching: Option<Strategy>,
    /// The issuer's key set as it is published, with the issuer's name if there are several; can be
    /// given more than once. Without a key set, no token is accepted yet
    #[arg(long, value_name = "[ISSUER=]FILE")]
    jwks: Vec<String>,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Settings of a function that checks the tokens of one Cognito user pool
    Snippet,
    /// The cache behaviors of a CloudFront distribution
    Cloudfront,
    /// Access rules of Ory Oathkeeper
    Oathkeeper,
}

/// A matching strategy of Oathkeeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// `<…>` is a regular expression
    Regexp,
    /// `<…>` is a glob
    Glob,
}

impl Import {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        self.check_options()?;
        let imported = self.imported()?;
        check_empty(&self.out, &imported)?;
        check(&imported)?;
        write(&self.out, &imported)?;
        let names: Vec<&String> = imported.files.iter().map(|(name, _)| name).collect();
        if self.json {
            print_json(json!({
                "folder": self.out.to_string_lossy(),
                "files": names,
                "notes": imported.notes,
                "warnings": imported.warnings,
            }))?;
            return Ok(Verdict::Yes);
        }
        for name in names {
            let path = self.out.join(name);
            print(format_args!("{} {}", styled(GOOD, "wrote"), path.display()))?;
        }
        for (label, texts) in [("warning:", &imported.warnings), ("note:", &imported.notes)] {
            for text in texts {
                print(format_args!("{} {}", styled(NOTE, label), visible(text)))?;
            }
        }
        print(styled(
            FAINT,
            format_args!("check it: tollgate check {}", self.out.display()),
        ))?;
        Ok(Verdict::Yes)
    }

    /// Reports an option that would be ignored.
    fn check_options(&self) -> Result<(), Failure> {
        let given = [
            ("--region", Kind::Snippet, self.region.is_some()),
            ("--user-pool", Kind::Snippet, self.user_pool.is_some()),
            ("--client", Kind::Snippet, self.client.is_some()),
            ("--group", Kind::Snippet, self.group.is_some()),
            (
                "--distribution",
                Kind::Cloudfront,
                self.distribution.is_some(),
            ),
            ("--config", Kind::Oathkeeper, self.config.is_some()),
            ("--site", Kind::Oathkeeper, self.site.is_some()),
            ("--matching", Kind::Oathkeeper, self.matching.is_some()),
        ];
        let is_ignored =
            |(_, kind, is_given): &&(&str, Kind, bool)| *is_given && *kind != self.kind;
        let ignored = match given.iter().find(is_ignored) {
            Some((name, ..)) => name,
            None if self.kind == Kind::Cloudfront && !self.jwks.is_empty() => "--jwks",
            None => return Ok(()),
        };
        Err(Failure::Import(ImportError::Contradiction(format!(
            "`{ignored}` is not an option of this kind of source"
        ))))
    }

    fn imported(&self) -> Result<Imported, Failure> {
        let text = self.file.as_deref().map(read).transpose()?;
        let keys: Vec<KeySet> = self
            .jwks
            .iter()
            .map(|given| key_set(given))
            .collect::<Result<_, _>>()?;
        let imported = match self.kind {
            Kind::Snippet => {
                let settings = text.as_deref().map(import::settings).transpose();
                let mut settings = settings.map_err(Failure::Import)?.unwrap_or_default();
                let given = [
                    (&self.region, &mut settings.region),
                    (&self.user_pool, &mut settings.user_pool),
                    (&self.client, &mut settings.client),
                    (&self.group, &mut settings.group),
                ];
                for (given, setting) in given {
                    *setting = given.clone().or(setting.take());
                }
                import::snippet(&settings, keys.first().map(|keys| keys.text.as_str()))
            }
            Kind::Cloudfront => {
                import::cloudfront(&text.unwrap_or_default(), self.distribution.as_deref())
            }
            Kind::Oathkeeper => {
                let options = Oathkeeper {
                    config: self.config.as_deref().map(read).transpose()?,
                    site: self.site.clone(),
                    matching: self.matching.map(|matching| match matching {
                        Strategy::Regexp => Matching::Regexp,
                        Strategy::Glob => Matching::Glob,
                    }),
                    keys,
                };
                import::oathkeeper(&text.unwrap_or_default(), &options)
            }
        };
        imported.map_err(Failure::Import)
    }
}

/// Reads `FILE` or `ISSUER=FILE`.
fn key_set(given: &str) -> Result<KeySet, Failure> {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        !name.is_empty() && name.chars().all(plain) && !Path::new(given).exists()
    };
    let (issuer, file) = match given.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, file)) => (Some(name.to_owned()), file),
        None => (None, given),
    };
    Ok(KeySet {
        issuer,
        text: input::read_text(file.as_ref())?,
    })
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

/// Reports a directory that has parts of a policy, before anything is written to it.
fn check_empty(folder: &Path, imported: &Imported) -> Result<(), Failure> {
    let courses = folder.join(COURSES_FOLDER);
    let is_course =
        |entry: Result<fs::DirEntry, _>| entry.is_ok_and(|entry| entry.file_name() != ".gitkeep");
    let has_courses = fs::read_dir(&courses).is_ok_and(|mut entries| entries.any(is_course));
    let mut paths = imported.files.iter().map(|(name, _)| folder.join(name));
    let existing = paths.find(|path| path.symlink_metadata().is_ok());
    match existing.or(has_courses.then_some(courses)) {
        None => Ok(()),
        Some(path) => Err(Failure::Write {
            path,
            error: std::io::ErrorKind::AlreadyExists.into(),
        }),
    }
}

/// Reports a policy that does not compile; it is not written.
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
    // A policy requires this directory even without courses, and git does not store empty directories.
    let is_course = |(name, _): &(String, String)| name.starts_with(COURSES_FOLDER);
    let keep = (format!("{COURSES_FOLDER}/.gitkeep"), String::new());
    let keep = (!imported.files.iter().any(is_course)).then_some(&keep);
    for (name, text) in imported.files.iter().chain(keep) {
        let path = folder.join(name);
        let failed = |error| Failure::Write {
            path: path.clone(),
            error,
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        write_whole(&path, text.as_bytes()).map_err(failed)?;
    }
    Ok(())
}
