//! Reading a policy directory: the only input and output of the compiler.
//!
//! A policy directory may come from any pull request, so what is read is bounded, regular, and inside the
//! directory. Not here: links ([`directory`](super::directory)), and judging what was read.

use std::io;
use std::path::Path;

use super::directory::{Directory, EntryName, Fault, Node, OnDisk, resolve};
use super::{COURSES_FOLDER, SITE_FILE, SourceTree, is_inside, is_policy_file, is_test_file};
use crate::diagnostic::{Code, Diagnostic, Report, codes};
use crate::document::{Document, repair};
use crate::limits::MAX_FILE_BYTES;

/// Most entries of `courses`.
const MAX_FOLDER_ENTRIES: usize = 100_000;

impl SourceTree {
    /// Reads a policy directory on disk. What goes wrong is kept and reported by [`compile`](crate::compile).
    pub fn read(folder: &Path) -> Self {
        match OnDisk::open(folder) {
            Ok(directory) => Self::read_from(&directory),
            Err(error) => {
                let mut tree = Self::new();
                let message = format!("`{}`: {}", folder.display(), reason(&error));
                refuse(&mut tree, "", &codes::UNREADABLE, message);
                tree
            }
        }
    }

    /// Reads a policy directory wherever it is stored. The same entries give the same sources and the same
    /// errors.
    pub fn read_from(directory: &dyn Directory) -> Self {
        let mut reader = Reader {
            directory,
            tree: Self::new(),
        };
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

/// A directory being read.
struct Reader<'d> {
    directory: &'d dyn Directory,
    tree: SourceTree,
}

impl Reader<'_> {
    /// Reads one file, if it exists. Whether it must is for the compiler to say.
    fn file(&mut self, name: &str) {
        match self.read(name) {
            Ok(text) => self.tree.insert(name, text),
            Err(Refusal::Missing) => {}
            Err(Refusal::Because(code, message)) => self.refuse(name, code, message),
        }
    }

    fn read(&self, name: &str) -> Result<String, Refusal> {
        // Checked before opening: opening a pipe would wait for its writer.
        let (path, Node::File) = self.resolve(name)? else {
            let message = format!("`{name}` is not a regular file");
            return Err(Refusal::Because(&codes::UNREADABLE, message));
        };
        let bytes = self.directory.read(&path, MAX_FILE_BYTES + 1);
        let bytes = bytes.map_err(|error| Refusal::of(name, Fault::Io(error)))?;
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!("`{name}` has more than {MAX_FILE_BYTES} bytes");
            return Err(Refusal::Because(&codes::FILE_TOO_LARGE, message));
        }
        String::from_utf8(bytes)
            .map_err(|_| Refusal::Because(&codes::NOT_TEXT, format!("`{name}` is not UTF-8 text")))
    }

    fn resolve(&self, name: &str) -> Result<(String, Node), Refusal> {
        resolve(self.directory, name).map_err(|fault| Refusal::of(name, fault))
    }

    fn courses(&mut self) {
        let path = match self.resolve(COURSES_FOLDER) {
            // What is no directory has no entries, and the directory says so.
            Ok((path, _)) => path,
            // A site without courses has rules of its own, or none.
            Err(Refusal::Missing) => return,
            Err(Refusal::Because(code, message)) => {
                return self.refuse(COURSES_FOLDER, code, message);
            }
        };
        match self.directory.entries(&path, MAX_FOLDER_ENTRIES + 1) {
            Ok(entries) if entries.len() > MAX_FOLDER_ENTRIES => {
                let message = format!("more than {MAX_FOLDER_ENTRIES} entries");
                self.refuse(COURSES_FOLDER, &codes::UNREADABLE, message);
            }
            Ok(mut entries) => {
                entries.sort();
                for entry in &entries {
                    self.course(entry);
                }
            }
            Err(error) => self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error)),
        }
    }

    fn course(&mut self, entry: &EntryName) {
        let file_name = match entry {
            EntryName::Text(name) => name,
            EntryName::NotText(name) => {
                let name = format!("{COURSES_FOLDER}/{name}");
                return self.refuse(&name, &codes::FILE_NOT_READ, "its name is not UTF-8");
            }
        };
        let name = format!("{COURSES_FOLDER}/{file_name}");
        let node = self.resolve(&name).map(|(_, node)| node);
        if matches!(node, Ok(Node::Directory)) {
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
        refuse(&mut self.tree, name, code, message)
    }
}

/// Notes that a file was not read, and why.
fn refuse<'t>(
    tree: &'t mut SourceTree,
    name: &str,
    code: &'static Code,
    message: impl Into<String>,
) -> &'t mut Diagnostic {
    tree.refused.insert(name.to_owned());
    let diagnostic = tree
        .diagnostics
        .push_mut(Diagnostic::new(code, name, message));
    if code.id == codes::OUTSIDE.id {
        diagnostic.help("link to a file in the policy directory, by a path relative to the link");
    }
    diagnostic
}

/// Why a file was not read.
enum Refusal {
    Missing,
    Because(&'static Code, String),
}

impl Refusal {
    fn of(name: &str, fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::Missing,
            // It is listed, so it is not missing; a rule that is not read protects nothing.
            Fault::Dangling => {
                Self::Because(&codes::UNREADABLE, format!("`{name}` is a link to nothing"))
            }
            Fault::Outside => Self::Because(
                &codes::OUTSIDE,
                format!("`{name}` is a link to a place outside the policy folder"),
            ),
            Fault::Io(error) => Self::Because(&codes::UNREADABLE, reason(&error)),
        }
    }
}

/// The system's words, in the style of messages.
fn reason(error: &io::Error) -> String {
    error.to_string().to_lowercase()
}
