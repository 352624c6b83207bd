//! Reading a policy folder: the only input and output of the compiler.
//!
//! A policy folder may come from a pull request by anybody, so what is read is bounded, regular, and
//! inside the folder. Not here: judging what was read ([`compile`](crate::compile)) and what looks like
//! policy but was not ([`stray`](super::stray)).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{
    COURSES_FOLDER, SITE_FILE, SourceTree, is_hidden, is_inside, is_policy_file, is_test_file,
    is_toml,
};
use crate::diagnostic::{Code, Diagnostic, Report, codes};
use crate::document::{Document, repair};
use crate::limits::MAX_FILE_BYTES;

/// Most entries of a policy folder that are looked at: a wrong folder ends in an error and not in a walk
/// over the whole disk.
const MAX_FOLDER_ENTRIES: usize = 250_000;

impl SourceTree {
    /// Reads a policy folder. What goes wrong is kept and reported by [`compile`](crate::compile).
    pub fn read(folder: &Path) -> Self {
        Reader::read_folder(folder)
    }

    /// Reads a policy folder and the test files in it.
    pub fn read_with_tests(folder: &Path) -> Self {
        let mut reader = Reader::of(folder, Self::read(folder));
        let tests: Vec<String> = reader
            .tree
            .unread
            .iter()
            .filter(|name| is_test_file(name))
            .cloned()
            .collect();
        for name in tests {
            reader.file(&name);
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
    /// The files that were read, canonical: a link may have led to one of another name.
    read: BTreeSet<PathBuf>,
}

impl Reader {
    fn of(folder: &Path, tree: SourceTree) -> Self {
        Self {
            root: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
            tree,
            read: BTreeSet::new(),
        }
    }

    fn read_folder(folder: &Path) -> SourceTree {
        let mut reader = Self::of(folder, SourceTree::new());
        if let Err(error) = folder.canonicalize() {
            let message = format!("`{}`: {}", folder.display(), reason(&error));
            let help = "name a folder that exists and that you may read";
            reader.refuse("", &codes::UNREADABLE, message).help(help);
            return reader.tree;
        }
        reader.file(SITE_FILE);
        reader.courses();
        let site = reader.tree.text(SITE_FILE).unwrap_or_default().to_owned();
        for name in key_files(&site) {
            if is_inside(&name) {
                reader.file(&name);
            }
        }
        // Without it the folder is not a policy, and may be anything.
        if reader.tree.text(SITE_FILE).is_some() {
            reader.survey();
        }
        reader.tree
    }

    /// Reads one file, if it is there. Whether it has to be is for the compiler to say.
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

    fn read(&self, name: &str) -> Result<(PathBuf, String), Refusal> {
        let path = self.root.join(name).canonicalize()?;
        if !path.starts_with(&self.root) {
            return Err(Refusal::Because(
                &codes::OUTSIDE,
                format!("`{name}` is a link to a place outside the policy folder"),
                "copy the file into the policy folder",
            ));
        }
        // Asked before opening: opening a pipe would wait for its writer.
        if !fs::metadata(&path)?.is_file() {
            return Err(Refusal::Because(
                &codes::UNREADABLE,
                format!("`{name}` is not a regular file"),
                "put a file in its place",
            ));
        }
        let mut bytes = Vec::new();
        // The length is counted while reading, because a file may grow after it was measured.
        let limit = MAX_FILE_BYTES as u64 + 1;
        File::open(&path)?.take(limit).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Refusal::Because(
                &codes::FILE_TOO_LARGE,
                format!("`{name}` has more than {MAX_FILE_BYTES} bytes"),
                "split it, or let one rule with a capture serve many courses: `/{course}/**`",
            ));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(not_text(name, error.as_bytes())),
        }
    }

    fn courses(&mut self) {
        let entries = match fs::read_dir(self.root.join(COURSES_FOLDER)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.tree.lacks_courses = true;
                return;
            }
            Err(error) => {
                let help = match error.kind() {
                    io::ErrorKind::NotADirectory => "`courses` holds one file per course",
                    _ => HELP_UNREADABLE,
                };
                self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error))
                    .help(help);
                return;
            }
        };
        for (count, entry) in entries.enumerate() {
            if count == MAX_FOLDER_ENTRIES {
                return self.too_many_entries(COURSES_FOLDER);
            }
            match entry {
                Ok(entry) => self.course(&entry),
                Err(error) => {
                    self.refuse(COURSES_FOLDER, &codes::UNREADABLE, reason(&error))
                        .help(HELP_UNREADABLE);
                }
            }
        }
    }

    fn course(&mut self, entry: &fs::DirEntry) {
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else {
            let name = format!("{COURSES_FOLDER}/{}", file_name.to_string_lossy());
            self.refuse(&name, &codes::FILE_NOT_READ, "its name is not UTF-8")
                .help("rename it");
            return;
        };
        let name = format!("{COURSES_FOLDER}/{file_name}");
        if is_policy_file(file_name) && !entry.path().exists() {
            // The folder lists it, so it is not missing; a rule that nobody reads protects nothing.
            let message = format!("`{name}` is a link to nothing");
            self.refuse(&name, &codes::UNREADABLE, message)
                .help("remove the link, or bring back what it led to");
            return;
        }
        if entry.path().is_dir() {
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

    /// Notes every TOML file that is in the folder and was not read. What is hidden is not looked at, and
    /// neither are folders that a link leads to.
    fn survey(&mut self) {
        let mut ahead = vec![String::new()];
        let mut left = MAX_FOLDER_ENTRIES;
        while let Some(folder) = ahead.pop() {
            let entries = match fs::read_dir(self.root.join(&folder)) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unlisted(folder.trim_end_matches('/'), &error);
                    continue;
                }
            };
            for entry in entries {
                if left == 0 {
                    return self.too_many_entries("");
                }
                left -= 1;
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        self.unlisted(folder.trim_end_matches('/'), &error);
                        break;
                    }
                };
                let file_name = entry.file_name();
                let file_name = file_name.to_string_lossy();
                if is_hidden(&file_name) {
                    continue;
                }
                let name = format!("{folder}{file_name}");
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    // A folder in `courses` was reported as such.
                    if !self.tree.was_refused(&name) {
                        ahead.push(format!("{name}/"));
                    }
                } else if is_toml(&file_name) && !self.was_read(&entry.path(), &name) {
                    self.tree.unread.insert(name);
                }
            }
        }
    }

    /// A folder that cannot be listed may hold anything.
    fn unlisted(&mut self, name: &str, error: &io::Error) {
        // `courses` was reported when it was read.
        if !self.tree.was_refused(name) {
            self.refuse(name, &codes::UNREADABLE, reason(error))
                .help(HELP_UNREADABLE);
        }
    }

    /// Whether a file was read under this name or another one, or was reported.
    fn was_read(&self, path: &Path, name: &str) -> bool {
        self.tree.text(name).is_some()
            || self.tree.was_refused(name)
            || path
                .canonicalize()
                .is_ok_and(|path| self.read.contains(&path) || path.is_dir())
    }

    fn too_many_entries(&mut self, name: &str) {
        let message = format!("the folder has more than {MAX_FOLDER_ENTRIES} entries");
        self.refuse(name, &codes::UNREADABLE, message)
            .help("keep the policy in a folder of its own");
    }

    fn refuse(
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
    /// The message, and what to do.
    Because(&'static Code, String, &'static str),
}

const HELP_UNREADABLE: &str = "make sure that you may read it";

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Because(&codes::UNREADABLE, reason(&error), HELP_UNREADABLE),
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
