//! `tollgate init`: a new site that works immediately.
//!
//! Not here: the contents of its files ([`tollgate_author::starter`]).

mod ask;
mod keys;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tollgate_author::starter::{self, Provider, SAMPLE_CLIENT, SAMPLE_ISSUER, Starter};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::failure::{Failure, Problem, warn};
use crate::output::{FAINT, GOOD, NOTE, STRONG, print, print_json, styled, visible};
use crate::verdict::Verdict;
use crate::write::{NewFile, write_new};

use keys::Keys;

/// Create a site with one course, its tests, and a CI workflow
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate init policy --cognito eu-west-1/eu-west-1_AbCdEf123 --client 4f2a9c
  tollgate init policy --issuer https://id.example.com --client web
  tollgate init policy                       asks on a terminal, else creates a site without a real issuer

The keys of the issuer are fetched and pinned, as by `tollgate keys fetch`. Without an issuer, or if its keys cannot be
fetched, a test key is generated: tests, `decide --as`, `token mint --as` and `serve` work immediately, and
`tollgate check` warns until `tollgate keys fetch` has pinned the issuer's keys.

Existing files are never changed: if a file exists, or another would be read as part of the site, nothing is written.

Exit code: 0 if the site was created; 2 if files are in the way or an argument is invalid.")]
pub(crate) struct Init {
    /// The directory of the site, which is created if it does not exist [default: the current directory]
    dir: Option<PathBuf>,
    /// Accept the tokens of this Amazon Cognito user pool
    #[arg(long, value_name = "REGION/POOL", conflicts_with = "issuer")]
    cognito: Option<String>,
    /// Accept the tokens of this OpenID Connect issuer: their `iss`
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Accept tokens for this app client: its ID at the issuer
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    client: Option<String>,
    /// Generate a test key, and send no requests to the issuer
    #[arg(long)]
    test_key: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The options that a new site is created with.
struct Wanted {
    dir: PathBuf,
    /// The issuer, if there is one.
    provider: Option<Provider>,
    client: Option<String>,
}

impl Init {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let is_json = self.json;
        let is_offline = self.test_key;
        let wanted = self.wanted()?;
        let dir = &wanted.dir;
        let plan = Plan::new(&wanted);
        // Report files in the way before the issuer is asked for keys.
        check_free(dir, &plan.files(&Keys::none()))?;
        let found = keys::find(&plan.starter, wanted.provider.is_some() && !is_offline)?;
        let mut files = plan.files(&found);
        check_policy(&files)?;
        check_free(dir, &files)?;
        let created =
            write_new(dir, &files).map_err(|(path, error)| Failure::Write { path, error })?;
        check_alone(dir, &files)?;
        created.keep();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        if is_json {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            print_json(json!({
                "folder": dir.to_string_lossy(),
                "files": names,
                "keys": if found.is_pinned() { "pinned" } else { "test" },
                "notes": notes(&wanted, &found),
            }))?;
            return Ok(Verdict::Yes);
        }
        for file in &files {
            let path = below(dir, &file.name);
            let secret = match file.is_secret {
                true => styled(FAINT, " (private: never commit it)"),
                false => String::new(),
            };
            let path = visible(&path.to_string_lossy());
            print(format_args!("{} {path}{secret}", styled(GOOD, "wrote")))?;
        }
        for note in notes(&wanted, &found) {
            warn(note);
        }
        if plan.starter.in_repository != "." {
            print(format_args!(
                "{} GitHub reads workflows only at the root of the repository: move `{}` there",
                styled(NOTE, "note:"),
                visible(&dir.join(".github").to_string_lossy())
            ))?;
        }
        print(next_steps(dir))?;
        Ok(Verdict::Yes)
    }

    /// The answers to all questions: from the arguments, or from the user.
    fn wanted(self) -> Result<Wanted, Failure> {
        let is_asked = self.cognito.is_none()
            && self.issuer.is_none()
            && self.client.is_none()
            && !self.test_key
            && !self.json
            && io::stdin().is_terminal()
            && io::stderr().is_terminal();
        if is_asked {
            let answers = ask::ask(self.dir, &mut io::stdin().lock(), &mut io::stderr().lock());
            return answers.map_err(|error| Failure::Read {
                path: "-".into(),
                error,
            });
        }
        let provider = match (&self.cognito, &self.issuer) {
            (Some(pool), _) => Some(cognito(pool).ok_or_else(|| Failure::Argument {
                name: "--cognito",
                value: pool.clone(),
                problem: Problem::Pool,
            })?),
            (None, Some(url)) => Some(issuer(url).ok_or_else(|| Failure::Argument {
                name: "--issuer",
                value: url.clone(),
                problem: Problem::IssuerUrl,
            })?),
            (None, None) => None,
        };
        Ok(Wanted {
            dir: self.dir.unwrap_or_else(|| ".".into()),
            provider,
            client: self.client,
        })
    }
}

/// Reads `REGION/POOL`, or the ID of a pool, which begins with its region.
fn cognito(text: &str) -> Option<Provider> {
    let (region, user_pool) = text
        .split_once('/')
        .or_else(|| Some((text.split_once('_')?.0, text)))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let (prefix, rest) = user_pool.split_once('_')?;
    let is_pool = prefix == region && !rest.is_empty() && rest.chars().all(is_name);
    let is_region = region.contains('-') && region.chars().all(is_name);
    (is_region && is_pool).then(|| Provider::Cognito {
        region: region.to_owned(),
        user_pool: user_pool.to_owned(),
    })
}

/// Reads the URL of an issuer. The URL of its discovery document, and that of a user pool, are understood, too.
fn issuer(url: &str) -> Option<Provider> {
    let url = url
        .strip_suffix("/.well-known/openid-configuration")
        .unwrap_or(url);
    let rest = url.strip_prefix("https://");
    let pool = rest
        .and_then(|rest| rest.strip_prefix("cognito-idp."))
        .and_then(|rest| rest.split_once(".amazonaws.com/"));
    if let Some((region, pool)) = pool
        && let Some(provider) = cognito(&format!("{region}/{pool}"))
    {
        return Some(provider);
    }
    let local = url.strip_prefix("http://").filter(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        ["127.0.0.1", "localhost", "[::1]"].contains(&host)
    });
    let is_plain = |rest: &str| {
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"'`\\?#".contains(c);
        !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(is_plain)
    };
    rest.or(local)
        .is_some_and(is_plain)
        .then(|| Provider::Oidc(url.to_owned()))
}

/// The files to write, except keys.
struct Plan {
    starter: Starter,
}

impl Plan {
    fn new(wanted: &Wanted) -> Self {
        // A name such as `.` has no last part.
        let full = std::path::absolute(&wanted.dir).unwrap_or_else(|_| wanted.dir.clone());
        let name = full.file_name().unwrap_or_default().to_string_lossy();
        let provider = wanted.provider.clone();
        Self {
            starter: Starter {
                site: starter::site_name(&name),
                provider: provider.unwrap_or_else(|| Provider::Oidc(SAMPLE_ISSUER.to_owned())),
                client: wanted.client.clone(),
                algorithms: vec![starter::ALGORITHM.to_owned()],
                refresh: None,
                in_repository: in_repository(&full),
            },
        }
    }

    fn files(&self, keys: &Keys) -> Vec<NewFile> {
        let starter = keys.adapted(self.starter.clone());
        let files = starter.files().into_iter().map(|(name, text)| NewFile {
            name,
            text,
            is_secret: false,
        });
        files.chain(keys.files()).collect()
    }
}

/// The path of a directory in its git repository; `.` for the root, and outside of one.
fn in_repository(dir: &Path) -> String {
    let root = dir.ancestors().find(|parent| parent.join(".git").exists());
    let below = root.and_then(|root| dir.strip_prefix(root).ok());
    let below = below.map(|below| {
        let parts = below.components().map(|part| part.as_os_str());
        let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    });
    below
        .filter(|below| !below.is_empty())
        .unwrap_or_else(|| ".".to_owned())
}

/// Returns an error that lists the files that would be overwritten.
fn check_free(dir: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let mut found: BTreeSet<PathBuf> = files
        .iter()
        .map(|file| below(dir, &file.name))
        .filter(|path| path.symlink_metadata().is_ok())
        .collect();
    // A file where a directory must be.
    let parents = files.iter().flat_map(|file| {
        let parents = Path::new(&file.name).ancestors().skip(1);
        parents.map(|parent| dir.join(parent)).collect::<Vec<_>>()
    });
    found.extend(parents.filter(|parent| parent.symlink_metadata().is_ok() && !parent.is_dir()));
    match found.is_empty() {
        true => Ok(()),
        false => Err(Failure::Exists(found.into_iter().collect())),
    }
}

/// Returns an error that lists other files that are read as part of the site, or that a policy directory cannot
/// contain.
fn check_alone(dir: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let is_ours = |name: &str| files.iter().any(|file| file.name == name);
    let sources = SourceTree::read(dir);
    let compiled = compile(&sources, &CompileOptions::default());
    let findings = compiled.diagnostics.iter();
    let errors = findings.filter(|finding| finding.is_error());
    let names = sources.files().map(|(name, _)| name);
    let others: BTreeSet<PathBuf> = names
        .chain(errors.map(|finding| finding.file.as_str()))
        .filter(|name| !is_ours(name))
        .map(|name| below(dir, name))
        .collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(Failure::InTheWay(others.into_iter().collect())),
    }
}

/// The path of a file in a directory, without a `.` before it.
fn below(dir: &Path, name: &str) -> PathBuf {
    match dir == Path::new(".") {
        true => name.into(),
        false => dir.join(name),
    }
}

/// Returns an error if the site does not compile, so that no such site is written.
fn check_policy(files: &[NewFile]) -> Result<(), Failure> {
    let mut sources = SourceTree::new();
    for file in files.iter().filter(|file| !file.is_secret) {
        sources.insert(file.name.clone(), file.text.clone());
    }
    let compiled = compile(&sources, &CompileOptions::default());
    if !compiled.has_errors() {
        return Ok(());
    }
    Err(Failure::Policy {
        findings: compiled.diagnostics,
        sources: Box::new(sources),
    })
}

/// The steps that are left to the policy author.
fn notes(wanted: &Wanted, keys: &Keys) -> Vec<String> {
    let mut notes = keys.notes(wanted.provider.is_some());
    if wanted.client.is_none() {
        notes.push(format!(
            "the client is `{SAMPLE_CLIENT}`: write the ID of your app client to `clients` of `[[issuer]]` in site.toml"
        ));
    }
    notes
}

fn next_steps(dir: &Path) -> String {
    let here = visible(&dir.to_string_lossy());
    let steps = [
        ("", format!("cd {here}")),
        ("errors and warnings", "tollgate check".to_owned()),
        ("all tests", "tollgate test --mutate".to_owned()),
        (
            "one decision",
            "tollgate decide --as ann --target /courses/intro/".to_owned(),
        ),
        (
            "your pages in a browser, as the user `ann`",
            "tollgate serve --as ann --watch --root PAGES".to_owned(),
        ),
    ];
    let mut text = format!("\n{}\n", styled(STRONG, "next"));
    let is_here = dir == Path::new(".");
    for (what, command) in steps.into_iter().skip(usize::from(is_here)) {
        let what = match what {
            "" => String::new(),
            what => styled(FAINT, format_args!("# {what}")),
        };
        text.push_str(format!("  {command:52}{what}").trim_end());
        text.push('\n');
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
