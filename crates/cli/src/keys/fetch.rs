//! `tollgate keys fetch`: fetches what issuers publish, shows what differs from the pinned files, and replaces them.
//!
//! Nothing is written unless every file is valid. Not here: what is valid ([`tollgate_author::pin`]).

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tollgate_author::pin::{self, Change, Document, Line, Member, Pinned, PinnedFile, Source};
use tollgate_compiler::SITE_FILE;

use super::failed::{NotPinned, Reason};
use crate::client::{Client, Limits};
use crate::failure::{Failure, warn};
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, print, print_json, styled, visible};
use crate::overwrite::{self, Output};
use crate::progress::Progress;
use crate::verdict::Verdict;
use crate::write::write_whole;
use crate::{input, policy};

/// The limits of a request for a document of an issuer.
const LIMITS: Limits = Limits {
    secs: 5,
    bytes: 262_144,
};

/// Fetch the keys and discovery documents of issuers, and pin them in the policy directory
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate keys fetch policy
  tollgate keys fetch policy learners
  tollgate keys fetch policy --check

For each [[issuer]] with public keys, reads ISSUER/.well-known/openid-configuration and the key set that it names, or
the one at `refresh`. The policy does not have to compile. A key set is written to the file that `jwks` names, else to
keys/NAME.jwks.json. The discovery document is written to the file that `endpoints` of [sign_in] names, else to
keys/NAME.openid.json; if there is a [sign_in], only for the issuers where users sign in. Files are replaced only if
all new ones are valid. Redirects are not followed.

Review changes before you publish them: a key of this file can sign in as any user of the issuer.

Exit code: 0 on success, 3 with --check if a file would change, 2 if something cannot be fetched or is invalid.")]
pub(crate) struct Fetch {
    /// The policy directory [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// Fetch for this issuer only, by its `name`
    issuer: Option<String>,
    /// The same as ISSUER
    #[arg(
        id = "only",
        long = "issuer",
        value_name = "NAME",
        conflicts_with = "issuer"
    )]
    only: Option<String>,
    /// Show what would change, and write nothing
    #[arg(long)]
    check: bool,
    /// Print the result as a single JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The files of an issuer, fetched and valid.
pub(crate) struct Fetched<'s> {
    source: &'s Source,
    pub(crate) document: Option<Document>,
    pub(crate) keys: Pinned,
}

/// A file, and its differences.
struct Differing {
    name: String,
    path: PathBuf,
    text: String,
    is_document: bool,
    exists: bool,
    changes: Vec<Member>,
}

impl Fetch {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir.clone())?;
        let site = dir.join(SITE_FILE);
        let text = input::read_text(&site)?;
        let all = pin::sources(&text).map_err(|error| Failure::NoSources { path: site, error })?;
        let sources = self.chosen(&all)?;
        for source in &sources {
            check_files(&dir, source)?;
        }
        let fetched = fetch_all(&sources)?;
        let mut files = Vec::new();
        for one in &fetched {
            let mut of_issuer = Vec::new();
            if let (Some(file), Some(document)) = (&one.source.document, &one.document) {
                of_issuer.extend(differing(&dir, file, &document.pinned, Output::Discovery)?);
            }
            of_issuer.extend(differing(
                &dir,
                &one.source.keys,
                &one.keys,
                Output::KeySet,
            )?);
            files.push(of_issuer);
        }
        if !self.check {
            for file in files.iter().flatten() {
                file.write()?;
            }
        }
        let is_same = files.iter().all(Vec::is_empty);
        if self.json {
            let issuers: Vec<Value> = fetched
                .iter()
                .zip(&files)
                .map(|(one, files)| one.to_json(files))
                .collect();
            print_json(json!({
                "issuers": issuers,
                "changed": !is_same,
                "written": !self.check && !is_same,
            }))?;
        } else {
            for (one, files) in fetched.iter().zip(&files) {
                one.print(files, self.check)?;
            }
        }
        Ok((!self.check || is_same).into())
    }

    fn chosen<'s>(&self, all: &'s [Source]) -> Result<Vec<&'s Source>, Failure> {
        let Some(name) = self.issuer.as_ref().or(self.only.as_ref()) else {
            return Ok(all.iter().collect());
        };
        let found = all.iter().find(|source| source.name == *name);
        found.map(|source| vec![source]).ok_or_else(|| {
            let names = all.iter().map(|source| format!("`{}`", source.name));
            Failure::Side {
                name: "--issuer",
                value: name.clone(),
                problem: "not an issuer that publishes keys",
                help: format!("write {}", names.collect::<Vec<_>>().join(" or ")),
            }
        })
    }
}

/// Fetches the files of all issuers. All problems are reported at once.
fn fetch_all<'s>(sources: &[&'s Source]) -> Result<Vec<Fetched<'s>>, Failure> {
    let client = Client::new().map_err(Failure::Runtime)?;
    let progress = Progress::start("fetching", Some(sources.len()));
    let mut fetched = Vec::new();
    let mut problems = Vec::new();
    for source in sources {
        match fetch(source, &client) {
            Ok(one) => fetched.push(one),
            Err(problem) => problems.push(problem),
        }
        progress.step();
    }
    if problems.is_empty() {
        Ok(fetched)
    } else {
        Err(Failure::NotPinned(problems))
    }
}

/// Fetches the files of an issuer.
pub(crate) fn fetch<'s>(source: &'s Source, client: &Client) -> Result<Fetched<'s>, NotPinned> {
    let failed = |url: &str, reason| NotPinned {
        issuer: source.name.clone(),
        url: url.to_owned(),
        reason,
    };
    let get = |url: &str| {
        let body = client.get(url, LIMITS);
        body.map_err(|error| failed(url, Reason::Fetch(error)))
    };
    let unusable = |url: &str, problem| failed(url, Reason::Unusable(problem));
    let document = match source.document_url() {
        Some(url) => {
            let read = source.read_document(&get(&url)?);
            Some(read.map_err(|problem| unusable(&url, problem))?)
        }
        None => None,
    };
    let url = source.keys_url(document.as_ref()).unwrap_or_default();
    let keys = source.read_keys(&get(&url)?, document.as_ref());
    Ok(Fetched {
        source,
        keys: keys.map_err(|problem| unusable(&url, problem))?,
        document,
    })
}

/// Checks that the files of an issuer replace no others.
fn check_files(dir: &Path, source: &Source) -> Result<(), Failure> {
    if let Some(file) = &source.document {
        overwrite::check_pinned(&dir.join(&file.path), Output::Discovery)?;
    }
    overwrite::check_pinned(&dir.join(&source.keys.path), Output::KeySet)?;
    Ok(())
}

/// Compares a file with the existing one; `None` if they do not differ.
fn differing(
    dir: &Path,
    file: &PinnedFile,
    new: &Pinned,
    output: Output,
) -> Result<Option<Differing>, Failure> {
    let path = dir.join(&file.path);
    overwrite::check_inside(&path, dir)?;
    let exists = path.exists();
    let old = match exists {
        true => Some(input::read(&path)?),
        false => None,
    };
    let is_document = output == Output::Discovery;
    let changes = pin::changes(old.as_deref(), &new.text, is_document);
    Ok((!exists || !changes.is_empty()).then(|| Differing {
        name: file.path.clone(),
        path,
        text: new.text.clone(),
        is_document,
        exists,
        changes,
    }))
}

impl Differing {
    fn write(&self) -> Result<(), Failure> {
        let failed = |error| Failure::Write {
            path: self.path.clone(),
            error,
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        write_whole(&self.path, self.text.as_bytes()).map_err(failed)
    }

    fn to_json(&self) -> Value {
        let changes = self.changes.iter().map(|member| {
            json!({
                "name": member.name,
                "change": member.change.name(),
                "value": member.value,
            })
        });
        json!({
            "file": self.name,
            "created": !self.exists,
            "changes": changes.collect::<Vec<_>>(),
        })
    }

    fn print(&self, is_check: bool) -> Result<(), Failure> {
        let (style, word) = match (is_check, self.exists) {
            (true, true) => (BAD, "differs"),
            (true, false) => (BAD, "missing"),
            (false, _) => (GOOD, "wrote"),
        };
        print(format_args!(
            "  {} {}",
            styled(style, word),
            visible(&self.path.to_string_lossy())
        ))?;
        let is_new_document = !self.exists && self.is_document;
        for Member {
            name,
            change,
            value,
        } in &self.changes
        {
            let is_endpoint = name.ends_with("_endpoint") || name.ends_with("_uri");
            // A new document has dozens of members, and few of them matter.
            if is_new_document && !is_endpoint {
                continue;
            }
            let (style, sign) = match change {
                Change::Added => (GOOD, '+'),
                Change::Removed => (BAD, '-'),
                Change::Changed => (NOTE, '~'),
            };
            let value = value.as_deref().unwrap_or_default();
            let value = styled(FAINT, visible(value));
            print(format_args!(
                "    {} {} {value}",
                styled(style, sign),
                visible(name)
            ))?;
        }
        Ok(())
    }
}

impl Fetched<'_> {
    fn lines(&self) -> Vec<Line> {
        self.source.lines(self.document.as_ref())
    }

    fn notes(&self) -> impl Iterator<Item = &String> {
        let document = self.document.iter();
        let of_document = document.flat_map(|document| &document.pinned.notes);
        of_document.chain(&self.keys.notes)
    }

    fn to_json(&self, files: &[Differing]) -> Value {
        let lines = self
            .lines()
            .into_iter()
            .map(|Line { table, text }| json!({ "table": table, "line": text }));
        json!({
            "issuer": self.source.name,
            "files": files.iter().map(Differing::to_json).collect::<Vec<_>>(),
            "notes": self.notes().collect::<Vec<_>>(),
            "add": lines.collect::<Vec<_>>(),
        })
    }

    fn print(&self, files: &[Differing], is_check: bool) -> Result<(), Failure> {
        let name = visible(&self.source.name);
        if files.is_empty() {
            print(format_args!("{} unchanged", styled(STRONG, &name)))?;
        } else {
            print(styled(STRONG, &name))?;
        }
        for file in files {
            file.print(is_check)?;
        }
        for note in self.notes() {
            warn(format_args!("issuer `{}`: {note}", self.source.name));
        }
        for Line { table, text } in self.lines() {
            let place = match table {
                "[[issuer]]" => format!("[[issuer]] `{}`", self.source.name),
                table => table.to_owned(),
            };
            print(format_args!(
                "  {} {} of {SITE_FILE}: {}",
                styled(NOTE, "add to"),
                visible(&place),
                visible(&text)
            ))?;
        }
        Ok(())
    }
}
