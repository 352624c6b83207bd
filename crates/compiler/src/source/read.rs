//! Reading a policy folder: the only input and output of the compiler.
//!
//! A policy folder may come from a pull request by anybody, so what is read is bounded, regular, and
//! inside the folder. Not here: judging what was read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{COURSES_FOLDER, SITE_FILE, SourceTree, is_inside, is_policy_file, is_test_file};
use crate::diagnostic::{Code, Diagnostic, Report, codes};
use crate::document::{Document, repair};
use crate::limits::MAX_FILE_BYTES;

/// Most entries of `courses` that are looked at.
const MAX_FOLDER_ENTRIES: usize = 100_000;

impl SourceTree {
    /// Reads a policy folder. What goes wrong is kept and reported by [`compile`](crate::compile).
    pub fn read(folder: &Path) -> Self {
        let mut reader = Reader {
            root: folder.to_owned(),
            tree: Self::new(),
        };
        match folder.canonicalize() {
            Ok(root) => reader.root = root,
            Err(error) => {
                let message = format!("`{}`: {}", folder.display(), reason(&error));
                reader.refuse("", &codes::UNREADABLE, message);
                return reader.tree;
            }
        }
        reader.file(SITE_FILE);
        reader.courses();
        let site = reader.tree.text(SITE_FILE).unwrap_or_default().to_owned();
        for name in key_files(&site) {
            if is_inside(&name) {
                reader.file(&name);
            }
        }
        reader.tree
    }
}

/// The names of key files in `site.toml`; names that lead out are reported when it is compiled.
fn key_files(site: &str) -> Vec<String> {
    let source = repair(site, &mut Report::new(SITE_FILE));
    let document = Document::parse(&source);
    let mut names = Vec::new();
    for issuer in document.root().tables("issuer") {
        names.extend(issuer.text("jwks").map(|name| name.value.to_owned()));
        for secret in issuer.tables("secrets") {
            names.extend(secret.text("file").map(|name| name.value.to_owned()));
        }
    }
    names
}

/// A folder being read. `root` is canonical.
struct Reader {
    root: PathBuf,
    tree: SourceTree,
}

impl Reader {
    /// Reads one file, if it is there. Whether it has to be is for the compiler to say.
    fn file(&mut self, name: &str) {
        match self.read(name) {
            Ok(text) => self.tree.insert(name, text),
            Err(Refusal::Missing) => {}
            Err(Refusal::Because(code, message)) => self.refuse(name, code, message),
        }
    }

    fn read(&self, name: &str) -> Result<String, Refusal> {
        let path = self.root.join(name).canonicalize()?;
        if !path.starts_with(&self.root) {
            let message = format!("`{name}` is a link to a place outside the policy folder");
            return Err(Refusal::Because(&codes::OUTSIDE, message));
        }
        // Asked before opening: opening a pipe would wait for its writer.
        if !fs::metadata(&path)?.is_file() {
            let message = format!("`{name}` is not a regular file");
            return Err(Refusal::Because(&codes::UNREADABLE, message));
        }
        let mut bytes = Vec::new();
        // The length is counted while reading, because a file may grow after it was measured.
        let limit = MAX_FILE_BYTES as u64 + 1;
        File::open(&path)?.take(limit).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!("`{name}` has more than {MAX_FILE_BYTES} bytes");
            return Err(Refusal::Because(&codes::FILE_TOO_LARGE, message));
        }
        String::from_utf8(bytes)
            .map_err(|_| Refusal::Because(&codes::NOT_TEXT, format!("`{name}` is not UTF-8 text")))
    }

    fn courses(&mut self) {
        let entries = match fs::read_dir(self.root.join(COURSES_FOLDER)) {
            Ok(entries) => entries,
            // A site without courses has rules of its own, or none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error));
            }
        };
        for entry in entries.take(MAX_FOLDER_ENTRIES) {
            match entry {
                Ok(entry) => self.course(&entry),
                Err(error) => self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error)),
            }
        }
    }

    fn course(&mut self, entry: &fs::DirEntry) {
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else {
            let name = format!("{COURSES_FOLDER}/{}", file_name.to_string_lossy());
            return self.refuse(&name, &codes::FILE_NOT_READ, "its name is not UTF-8");
        };
        let name = format!("{COURSES_FOLDER}/{file_name}");
        if is_policy_file(file_name) && !entry.path().exists() {
            // The folder lists it, so it is not missing; a rule that nobody reads protects nothing.
            let message = format!("`{name}` is a link to nothing");
            return self.refuse(&name, &codes::UNREADABLE, message);
        }
        if entry.path().is_dir() {
            let diagnostic = self.refuse_with(
                &name,
                &codes::SUBFOLDER,
                "folders in `courses` are not read",
            );
            diagnostic.help("move the course files up into `courses`");
        } else if is_policy_file(file_name) {
            self.file(&name);
        } else if !is_test_file(file_name) && !file_name.starts_with('.') {
            let message = "neither a `.toml` nor a `.test.toml` file";
            self.refuse(&name, &codes::FILE_NOT_READ, message);
        }
    }

    fn refuse(&mut self, name: &str, code: &'static Code, message: impl Into<String>) {
        self.refuse_with(name, code, message);
    }

    fn refuse_with(
        &mut self,
        name: &str,
        code: &'static Code,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.tree.refused.insert(name.to_owned());
        self.tree
            .diagnostics
            .push_mut(Diagnostic::new(code, name, message))
    }
}

/// Why a file was not read.
enum Refusal {
    Missing,
    Because(&'static Code, String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Because(&codes::UNREADABLE, reason(&error)),
        }
    }
}

/// The system's words, in the style of messages.
fn reason(error: &io::Error) -> String {
    error.to_string().to_lowercase()
}
