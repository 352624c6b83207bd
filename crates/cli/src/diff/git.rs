//! The files of a policy folder at a git revision, read through the `git` program.
//!
//! Nothing is checked out: one call names the files, and one gives their contents.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tollgate_compiler::SourceTree;
use tollgate_compiler::limits::MAX_FILE_BYTES;

use crate::analysed::Analysed;
use crate::failure::Failure;
use crate::progress::Progress;

/// A folder that lies here, as it was at a revision.
pub(super) fn folder_at(revision: &str, folder: &Path) -> Result<Analysed, Failure> {
    read(
        revision,
        ".",
        folder,
        &format!("{revision}:{}", folder.display()),
    )
}

/// `REV:DIR`, with DIR as seen from here, else from the top of the repository.
pub(super) fn revision(revision: &str, folder: &str) -> Result<Analysed, Failure> {
    let name = format!("{revision}:{folder}");
    let here = Path::new(".");
    match read(revision, &format!("./{folder}"), here, &name) {
        Err(Failure::Git { .. }) => read(revision, folder, here, &name),
        read => read,
    }
}

fn read(revision: &str, folder: &str, at: &Path, name: &str) -> Result<Analysed, Failure> {
    let sources = {
        let _progress = Progress::start("reading the revision", None);
        sources(revision, folder, at, name)?
    };
    Analysed::of_sources(sources, Path::new(name))
}

fn sources(revision: &str, folder: &str, at: &Path, name: &str) -> Result<SourceTree, Failure> {
    let fault = |said: String| Failure::Git {
        name: name.to_owned(),
        said,
    };
    let object = match folder {
        "." => format!("{revision}:./"),
        folder => format!("{revision}:{folder}"),
    };
    // What starts with a dash would be an option to git.
    if revision.starts_with('-') {
        return Err(fault("a revision does not start with a dash".to_owned()));
    }
    // Without `--full-tree` git lists only what lies in the folder where it runs.
    let listed = git(at, &["ls-tree", "-r", "-z", "--full-tree", &object], b"")
        .map_err(|said| fault(missing(revision, at, said)))?;
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for entry in String::from_utf8_lossy(&listed.stdout).split('\0') {
        // "mode type id<tab>path"
        let Some((about, path)) = entry.split_once('\t') else {
            continue;
        };
        let mut about = about.split(' ');
        let (mode, kind, id) = (about.next(), about.next(), about.next());
        let is_file = mode != Some("120000") && kind == Some("blob");
        if let Some(id) = id.filter(|_| is_file) {
            files.push((id.to_owned(), PathBuf::from(path)));
        }
    }
    let wanted: String = files.iter().map(|(id, _)| format!("{id}\n")).collect();
    let contents = git(at, &["cat-file", "--batch"], wanted.as_bytes()).map_err(&fault)?;
    let mut sources = SourceTree::new();
    let mut rest = contents.stdout.as_slice();
    for (_, path) in files {
        // "id type size<newline>content<newline>"
        let Some(line_end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(fault("git said less than it was asked".to_owned()));
        };
        let (line, after) = rest.split_at(line_end);
        let size = String::from_utf8_lossy(line)
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok())
            .filter(|size| *size <= MAX_FILE_BYTES);
        let content = size.and_then(|size| after.get(1..=size));
        let (Some(size), Some(content)) = (size, content) else {
            return Err(fault(format!("`{}` is too large", path.display())));
        };
        let text = String::from_utf8(content.to_vec())
            .map_err(|_| fault(format!("`{}` is not UTF-8 text", path.display())))?;
        sources.insert(path.to_string_lossy().into_owned(), text);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    Ok(sources)
}

/// What is not there, if that is what git said.
fn missing(revision: &str, at: &Path, said: String) -> String {
    if !said.starts_with("Not a valid object name") {
        return said;
    }
    let tree = format!("{revision}^{{tree}}");
    match git(at, &["rev-parse", "--verify", "--quiet", &tree], b"") {
        Ok(_) => format!("the revision `{revision}` has no such folder"),
        Err(_) => format!("there is no revision `{revision}` here"),
    }
}

fn git(at: &Path, arguments: &[&str], stdin: &[u8]) -> Result<Output, String> {
    let run = || -> io::Result<Output> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(at)
            .args(arguments)
            // What it says is read.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        std::thread::scope(|scope| {
            // Written aside, because git answers while it reads.
            scope.spawn(move || {
                if let Some(mut input) = input {
                    let _ = input.write_all(stdin);
                }
            });
            child.wait_with_output()
        })
    };
    match run() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("the program `git` is not there".to_owned())
        }
        Err(error) => Err(error.to_string()),
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().next().unwrap_or_default();
            Err(line.strip_prefix("fatal: ").unwrap_or(line).to_owned())
        }
    }
}
