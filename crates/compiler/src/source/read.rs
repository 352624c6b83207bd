//! Reading a policy directory: the only input and output of the compiler.
//!
//! A policy directory may come from any pull request, so what is read is bounded, regular, and inside the
//! directory. Not here: links ([`directory`](super::directory)), judging what was read
//! ([`compile`](crate::compile)) and what looks like policy but was not ([`stray`](super::stray)).

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::directory::{Directory, EntryName, Fault, Node, OnDisk, resolve};
use super::{
    COURSES_FOLDER, PUBLISH_FILE, SITE_FILE, SourceTree, is_hidden, is_inside, is_policy_file,
    is_test_file, is_toml,
};
use crate::diagnostic::{Code, Diagnostic, Report, codes};
use crate::document::{Document, repair};
use crate::keys;
use crate::limits::MAX_FILE_BYTES;

/// Most entries of a policy directory that are looked at: a wrong directory ends in an error and not in a
/// walk over the whole disk.
const MAX_FOLDER_ENTRIES: usize = 250_000;

impl SourceTree {
    /// Reads a policy directory on disk. What goes wrong is kept and reported by [`compile`](crate::compile).
    pub fn read(folder: &Path) -> Self {
        Self::on_disk(folder, Self::read_from)
    }

    /// Reads a policy directory on disk and the test files in it.
    pub fn read_with_tests(folder: &Path) -> Self {
        Self::on_disk(folder, |directory| {
            let mut reader = Reader::of(directory);
            reader.policy();
            let names = reader.tree.unread.iter();
            let tests: Vec<String> = names.filter(|name| is_test_file(name)).cloned().collect();
            for name in tests {
                reader.file(&name);
            }
            reader.tree
        })
    }

    /// Reads a policy directory wherever it is stored. The same entries give the same sources and the same
    /// errors.
    pub fn read_from(directory: &dyn Directory) -> Self {
        let mut reader = Reader::of(directory);
        reader.policy();
        reader.tree
    }

    fn on_disk(folder: &Path, read: impl FnOnce(&dyn Directory) -> Self) -> Self {
        match OnDisk::open(folder) {
            Ok(directory) => read(&directory),
            Err(error) => {
                let mut tree = Self::new();
                let message = format!("`{}`: {}", folder.display(), reason(&error));
                let help = "name a folder that exists and that you may read";
                refuse(&mut tree, "", &codes::UNREADABLE, message).help(help);
                tree
            }
        }
    }
}

/// The names of other files in `site.toml`: keys, secrets and pages. Names that lead out are reported when it is compiled.
pub(crate) fn named_files(site: &str) -> Vec<String> {
    let source = repair(site, &mut Report::new(SITE_FILE));
    let document = Document::parse(&source);
    keys::named_files(document.root(), &keys::site::SITE_FILE)
}

/// A directory being read.
struct Reader<'d> {
    directory: &'d dyn Directory,
    tree: SourceTree,
    /// The files that were read, by their paths without links: a link may have led to one of another name.
    read: BTreeSet<String>,
}

impl<'d> Reader<'d> {
    fn of(directory: &'d dyn Directory) -> Self {
        Self {
            directory,
            tree: SourceTree::new(),
            read: BTreeSet::new(),
        }
    }

    /// Reads what a policy consists of, and notes what else looks like it.
    fn policy(&mut self) {
        self.file(SITE_FILE);
        self.courses();
        let site = self.tree.text(SITE_FILE).unwrap_or_default().to_owned();
        for name in named_files(&site) {
            if is_inside(&name) {
                self.file(&name);
            }
        }
        // Without it the directory is not a policy, and may be anything.
        if self.tree.text(SITE_FILE).is_some() {
            self.file(PUBLISH_FILE);
            self.survey();
        }
    }

    /// Reads one file, if it exists. The compiler reports required files that are missing.
    fn file(&mut self, name: &str) {
        match self.read(name) {
            Ok((path, text)) => {
                self.read.insert(path);
                self.tree.insert(name, text);
            }
            Err(Refusal::Missing) => {}
            Err(Refusal::Because(code, message, help)) => {
                self.refuse(name, code, message).help(help);
            }
        }
    }

    fn read(&self, name: &str) -> Result<(String, String), Refusal> {
        // Checked before opening: opening a pipe would wait for its writer.
        let (path, Node::File) = self.resolve(name)? else {
            return Err(Refusal::Because(
                &codes::UNREADABLE,
                format!("`{name}` is not a regular file"),
                "replace it by a file",
            ));
        };
        let bytes = self.directory.read(&path, MAX_FILE_BYTES + 1);
        let bytes = bytes.map_err(|error| Refusal::of(name, Fault::Io(error)))?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Refusal::Because(
                &codes::FILE_TOO_LARGE,
                format!("`{name}` exceeds the limit of {MAX_FILE_BYTES} bytes"),
                "split it, or write one rule with a capture for many courses: `/{course}/**`",
            ));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(not_text(name, error.as_bytes())),
        }
    }

    fn resolve(&self, name: &str) -> Result<(String, Node), Refusal> {
        resolve(self.directory, name).map_err(|fault| Refusal::of(name, fault))
    }

    fn courses(&mut self) {
        let path = match self.resolve(COURSES_FOLDER) {
            Ok((path, Node::Directory)) => path,
            Ok(_) => {
                let error = io::Error::from(io::ErrorKind::NotADirectory);
                self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error))
                    .help("`courses` contains one file per course");
                return;
            }
            Err(Refusal::Missing) => {
                self.tree.lacks_courses = true;
                return;
            }
            Err(Refusal::Because(code, message, help)) => {
                self.refuse(COURSES_FOLDER, code, message).help(help);
                return;
            }
        };
        match self.directory.entries(&path, MAX_FOLDER_ENTRIES + 1) {
            Ok(entries) if entries.len() > MAX_FOLDER_ENTRIES => {
                self.too_many_entries(COURSES_FOLDER);
            }
            Ok(mut entries) => {
                entries.sort();
                for entry in &entries {
                    self.course(entry);
                }
            }
            Err(error) => {
                self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error))
                    .help(HELP_UNREADABLE);
            }
        }
    }

    fn course(&mut self, entry: &EntryName) {
        let file_name = match entry {
            EntryName::Text(name) => name,
            EntryName::NotText(name) => {
                let code = match is_toml(name) {
                    true => &codes::STRAY_FILE,
                    false => &codes::FILE_NOT_READ,
                };
                let name = format!("{COURSES_FOLDER}/{name}");
                self.refuse(&name, code, "its name is not UTF-8")
                    .help("rename it");
                return;
            }
        };
        let name = format!("{COURSES_FOLDER}/{file_name}");
        let node = self.resolve(&name).map(|(_, node)| node);
        if matches!(node, Ok(Node::Directory)) {
            let message = "folders in `courses` are not read";
            self.refuse(&name, &codes::SUBFOLDER, message)
                .help("move the course files up into `courses`");
        } else if is_policy_file(file_name) {
            self.file(&name);
        } else if !is_toml(file_name) && !is_hidden(file_name) {
            let message = "neither a `.toml` nor a `.test.toml` file";
            self.refuse(&name, &codes::FILE_NOT_READ, message)
                .help("give a course file the ending `.toml`; keep other files elsewhere");
        }
    }

    /// Records every TOML file in the directory that was not read. Hidden entries are skipped, and so are
    /// directories that links lead to.
    fn survey(&mut self) {
        let mut ahead = vec![String::new()];
        let mut left = MAX_FOLDER_ENTRIES;
        while let Some(folder) = ahead.pop() {
            let entries = match self.directory.entries(&folder, left + 1) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unlisted(&folder, &error);
                    continue;
                }
            };
            let Some(rest) = left.checked_sub(entries.len()) else {
                return self.too_many_entries("");
            };
            left = rest;
            for entry in entries {
                let (EntryName::Text(file_name) | EntryName::NotText(file_name)) = &entry;
                if is_hidden(file_name) {
                    continue;
                }
                let name = match folder.as_str() {
                    "" => file_name.clone(),
                    folder => format!("{folder}/{file_name}"),
                };
                match self.directory.node(&name) {
                    // A directory in `courses` was reported as such.
                    Ok(Node::Directory) if self.tree.was_refused(&name) => {}
                    Ok(Node::Directory) => ahead.push(name),
                    _ if is_toml(file_name) && !self.was_read(&name) => {
                        self.tree.unread.insert(name);
                    }
                    _ => {}
                }
            }
        }
    }

    /// A directory that cannot be listed may hold anything.
    fn unlisted(&mut self, name: &str, error: &io::Error) {
        // `courses` was reported when it was read.
        if !self.tree.was_refused(name) {
            self.refuse(name, &codes::UNREADABLE, reason(error))
                .help(HELP_UNREADABLE);
        }
    }

    /// Whether a file was read under this name or another one, or was reported.
    fn was_read(&self, name: &str) -> bool {
        self.tree.text(name).is_some()
            || self.tree.was_refused(name)
            || resolve(self.directory, name)
                .is_ok_and(|(path, node)| self.read.contains(&path) || node == Node::Directory)
    }

    fn too_many_entries(&mut self, name: &str) {
        let message = format!("the folder exceeds the limit of {MAX_FOLDER_ENTRIES} entries");
        self.refuse(name, &codes::UNREADABLE, message)
            .help("keep the policy in a folder of its own");
    }

    fn refuse(
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
    tree.diagnostics
        .push_mut(Diagnostic::new(code, name, message))
}

/// The reason why a file was not read.
enum Refusal {
    Missing,
    /// The message and the help.
    Because(&'static Code, String, &'static str),
}

const HELP_UNREADABLE: &str = "make sure that you have permission to read it";

impl Refusal {
    fn of(name: &str, fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::Missing,
            // It is listed, so it is not missing; a rule that is not read protects nothing.
            Fault::Dangling => Self::Because(
                &codes::UNREADABLE,
                format!("`{name}` is a link to a path that does not exist"),
                "remove the link, or restore its target",
            ),
            Fault::Outside => Self::Because(
                &codes::OUTSIDE,
                format!("`{name}` is a link to a place outside the policy folder"),
                "link to a file in the policy folder, by a path relative to the link",
            ),
            Fault::Io(error) => Self::Because(&codes::UNREADABLE, reason(&error), HELP_UNREADABLE),
        }
    }
}

/// The refusal of bytes that are not UTF-8, with the place of the first that is not.
fn not_text(name: &str, bytes: &[u8]) -> Refusal {
    let refusal = |message, help| Refusal::Because(&codes::NOT_TEXT, message, help);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let message = format!("`{name}` is UTF-16 text, not UTF-8");
        return refusal(message, "save it as UTF-8 (in Windows: encoding `UTF-8`)");
    }
    let valid = core::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let (before, after) = bytes.split_at_checked(valid).unwrap_or((bytes, &[]));
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let byte = after.first().copied().unwrap_or_default();
    let message = format!("`{name}` is not UTF-8 text: byte 0x{byte:02X} in line {line}");
    refusal(message, "save it as UTF-8, or retype that character")
}

/// The system's words, in the style of messages.
fn reason(error: &io::Error) -> String {
    error.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::named_files;

    #[test]
    fn every_file_that_a_site_names_is_read() {
        let site = r#"
[[issuer]]
jwks = "1"
secrets = [{ kid = "a", file = "2" }, { file = "3" }, "x", { file = 4 }]
[[issuer]]
jwks = "4"
[deny.pages]
401 = "5"
404 = "6"
[sign_in]
endpoints = "7"
client_secret = "8"
secrets = [{ kid = "a", file = "9" }]
page = "10"
issuer = "not a file"
[[sign_in.provider]]
endpoints = "11"
client_secret = "12"
[other]
file = "not a file"
"#;
        let mut found = named_files(site);
        found.sort_by_key(|name| name.parse::<u8>().unwrap());
        let expected: Vec<String> = (1..=12).map(|name: u8| name.to_string()).collect();
        assert_eq!(found, expected);
        // What is broken otherwise may still name files.
        assert_eq!(named_files("[[issuer]]\njwks = \"1\"\njwks = \n"), ["1"]);
        assert_eq!(named_files(""), [""; 0]);
    }
}
