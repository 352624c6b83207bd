//! `tollgate test`: the authors' own tests, requests with the answer they expect, against the
//! compiled policy.

mod file;
mod reader;
mod report;
mod run;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_compiler::SourceTree;

use crate::build::write_whole;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::{Verdict, input, policy};

use self::file::People;
use self::reader::Reader;

/// The end of a test file's name.
const SUFFIX: &str = ".test.toml";

/// The test file whose people are known everywhere.
const SITE_TESTS: &str = "site.test.toml";

/// Run the authors' tests, `*.test.toml`
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate test policy
  tollgate test policy --filter rust-101 --junit report.xml

Exit code: 0 if all pass, 3 if one fails, 2 if a file cannot be read or no test is found.")]
pub(crate) struct Test {
    /// The policy folder; left out, this folder or `policy` in it
    dir: Option<PathBuf>,
    /// Run only tests whose file or name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Test {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let policy = policy::compile(&dir, false)?;
        let gate = policy::load(&dir, policy.image)?;
        let mut sources = policy.sources;
        let names = find(&dir)?;
        for name in &names {
            sources.insert(name.clone(), input::read_text(&dir.join(name))?);
        }
        let files = read_all(&names, &sources, &gate)?;
        let chosen = |file: &str, test: &str| {
            self.filter
                .as_deref()
                .is_none_or(|text| file.contains(text) || test.contains(text))
        };
        let count = files.iter().map(|(_, cases)| cases.len()).sum();
        let results: Vec<report::FileResult> = {
            let progress = Progress::start("testing", Some(count));
            let run = |(file, cases): (String, Vec<file::Case>)| report::FileResult {
                tests: cases
                    .into_iter()
                    .filter(|case| chosen(&file, &case.name))
                    .map(|case| {
                        progress.step();
                        let got = run::run(&gate, &case);
                        report::TestResult { case, got }
                    })
                    .collect(),
                file,
            };
            files
                .into_iter()
                .map(run)
                .filter(|result| !result.tests.is_empty())
                .collect()
        };
        if results.is_empty() {
            return Err(Failure::NoTests);
        }
        if let Some(path) = &self.junit {
            write_whole(path, report::junit(&results).as_bytes()).map_err(|error| {
                Failure::Write {
                    path: path.clone(),
                    error,
                }
            })?;
        }
        if self.json {
            print_json(report::json(&results))?;
        } else {
            print(report::text(&results))?;
        }
        Ok(results.iter().all(report::FileResult::passed).into())
    }
}

/// The test files of a policy folder: in the folder itself and in `courses`. Names are relative,
/// with `/`.
fn find(dir: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (folder, prefix) in [(dir.to_owned(), ""), (dir.join("courses"), "courses/")] {
        let failed = |error| Failure::Read {
            path: folder.clone(),
            error,
        };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str().filter(|name| name.ends_with(SUFFIX)) {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    // The people of the site's tests are known in the others, so they are read first.
    names.sort_by_key(|name| (name != SITE_TESTS, name.clone()));
    Ok(names)
}

/// The cases of all files, or everything that is wrong with any of them.
fn read_all(
    names: &[String],
    sources: &SourceTree,
    gate: &tollgate_gate::Gate<Vec<u8>>,
) -> Result<Vec<(String, Vec<file::Case>)>, Failure> {
    let (mut shared, mut files, mut findings) = (People::new(), Vec::new(), Vec::new());
    for name in names {
        let mut reader = Reader::new(name);
        let text = sources.text(name).unwrap_or_default();
        let (cases, people) = file::read(&mut reader, text, &shared, gate);
        if name == SITE_TESTS {
            shared = people;
        }
        findings.append(&mut reader.findings);
        files.push((name.clone(), cases));
    }
    if findings.is_empty() {
        Ok(files)
    } else {
        Err(Failure::Policy {
            findings,
            sources: Box::new(sources.clone()),
        })
    }
}
