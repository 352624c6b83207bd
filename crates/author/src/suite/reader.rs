//! Typed access to a TOML file that reports every error with its span. Not here: the structure of
//! tests, except an example for each key.

use tollgate_compiler::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, codes};
use tollgate_compiler::edit::quoted as string;
use tollgate_compiler::spelling;
use tollgate_compiler::syntax_errors;
use tollgate_compiler::time::unix_seconds;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::syntax::visible;

/// A value and its span.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A table, its name in messages, and its span.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    entries: &'a DeTable<'a>,
    what: &'static str,
    pub(super) span: Span,
}

/// Collects the errors of one file.
pub(super) struct Reader<'f> {
    pub(super) file: &'f str,
    pub(super) findings: Vec<Diagnostic>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(file: &'f str) -> Reader<'f> {
        Reader {
            file,
            findings: Vec::new(),
        }
    }

    /// Parses the file. Whatever cannot be parsed is reported and skipped.
    pub(super) fn parse<'a>(&mut self, text: &'a str) -> DeTable<'a> {
        let (root, _) = DeTable::parse_recoverable(text);
        self.findings.extend(syntax_errors(self.file, text));
        root.into_inner()
    }

    /// Reports an error, which the caller may extend.
    pub(super) fn add(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl AsRef<str>,
    ) -> &mut Diagnostic {
        let mut finding = Diagnostic::new(code, self.file, visible(message.as_ref()));
        finding.at(span);
        self.findings.push_mut(finding)
    }

    /// A table that may have only these keys. Others are reported.
    pub(super) fn table<'a>(
        &mut self,
        entries: &'a DeTable<'a>,
        span: Span,
        what: &'static str,
        known: &[&'static str],
    ) -> Table<'a> {
        for key in entries.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let message = format!("{what} has no key `{name}`");
            let finding = self.add(&codes::UNKNOWN_KEY, key.span().into(), message);
            match nearest(name, known.iter().copied()) {
                Some(near) => {
                    finding.help(did_you_mean(near));
                    if !entries.contains_key(near) {
                        let sure = spelling(name, near, known.iter().copied());
                        finding.fix(sure, Edit::new(key.span().into(), near));
                    }
                }
                None => {
                    finding.help(format!("the keys are {}", quoted(known)));
                }
            }
        }
        Table {
            entries,
            what,
            span,
        }
    }

    /// A string, if the key exists.
    pub(super) fn text<'a>(&mut self, table: Table<'a>, key: &str) -> Option<At<&'a str>> {
        let value = table.entries.get(key)?;
        self.text_of(key, value)
    }

    /// A required string.
    pub(super) fn needed_text<'a>(&mut self, table: Table<'a>, key: &str) -> Option<At<&'a str>> {
        if !table.entries.contains_key(key) {
            self.missing(table, key);
        }
        self.text(table, key)
    }

    /// A required, non-empty list of strings.
    pub(super) fn needed_texts<'a>(&mut self, table: Table<'a>, key: &str) -> Vec<At<&'a str>> {
        let list = self.needed_list(table, key);
        list.iter()
            .filter_map(|value| self.text_of(key, value))
            .collect()
    }

    /// A required, non-empty list of lists of strings.
    pub(super) fn needed_rows<'a>(
        &mut self,
        table: Table<'a>,
        key: &str,
    ) -> Vec<At<Vec<At<&'a str>>>> {
        let mut rows = Vec::new();
        for row in self.needed_list(table, key) {
            let span = row.span().into();
            match row.get_ref() {
                DeValue::Array(cells) => {
                    let cells = cells
                        .iter()
                        .filter_map(|cell| self.text_of(key, cell))
                        .collect();
                    rows.push(At { value: cells, span });
                }
                other => self.wrong_type(key, span, other, "a list of lists"),
            }
        }
        rows
    }

    /// The tables under `[[key]]`, if any.
    pub(super) fn tables<'a>(&mut self, table: Table<'a>, key: &str) -> Vec<At<&'a DeTable<'a>>> {
        let Some(value) = table.entries.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(
                key,
                value.span().into(),
                value.get_ref(),
                "a list of tables",
            );
            return Vec::new();
        };
        list.iter()
            .filter_map(|entry| self.table_of(key, entry))
            .collect()
    }

    /// The table under `[key]`, if any.
    pub(super) fn inner<'a>(&mut self, table: Table<'a>, key: &str) -> Option<At<&'a DeTable<'a>>> {
        let value = table.entries.get(key)?;
        self.table_of(key, value)
    }

    /// A timestamp in Unix seconds, if the key exists.
    pub(super) fn time(&mut self, table: Table<'_>, key: &str) -> Option<i64> {
        let value = table.entries.get(key)?;
        let span = value.span().into();
        let DeValue::Datetime(time) = value.get_ref() else {
            self.wrong_type(key, span, value.get_ref(), "a date-time without quotes");
            return None;
        };
        let moment = unix_seconds(time).ok();
        if moment.is_none() {
            let message = format!("`{time}` is not a timestamp in whole seconds with an offset");
            self.add(&codes::test_files::BAD_TIME, span, message)
                .help("write date, time and offset: `2027-01-15T12:00:00Z`");
        }
        moment
    }

    /// Reports a key that is missing. A misspelled one was reported as unknown.
    pub(super) fn missing(&mut self, table: Table<'_>, key: &str) {
        if self.is_misspelled(table, key) {
            return;
        }
        let message = format!("{} has no `{key}`", table.what);
        let finding = self.add(&codes::MISSING_KEY, table.span, message);
        finding.help(format!("add it, such as `{}`", example(key)));
    }

    /// Whether an unknown key of the table was probably meant to be this one.
    fn is_misspelled(&self, table: Table<'_>, key: &str) -> bool {
        let help = did_you_mean(key);
        let spans: Vec<Span> = table.entries.keys().map(|key| key.span().into()).collect();
        self.findings.iter().any(|finding| {
            *finding.code == codes::UNKNOWN_KEY
                && finding.span.is_some_and(|span| spans.contains(&span))
                && finding.help.contains(&help)
        })
    }

    pub(super) fn text_of<'a>(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<At<&'a str>> {
        let span = value.span().into();
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                self.add(&codes::EMPTY, span, format!("`{key}` is empty"))
                    .help(format!("write one, such as `{}`", example(key)));
                None
            }
            DeValue::String(text) => Some(At {
                value: text.as_ref(),
                span,
            }),
            other => {
                self.wrong_type(key, span, other, "a string");
                None
            }
        }
    }

    pub(super) fn table_of<'a>(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<At<&'a DeTable<'a>>> {
        let span = value.span().into();
        match value.get_ref() {
            DeValue::Table(entries) => Some(At {
                value: entries,
                span,
            }),
            other => {
                self.wrong_type(key, span, other, "a table");
                None
            }
        }
    }

    fn needed_list<'a>(&mut self, table: Table<'a>, key: &str) -> &'a [Spanned<DeValue<'a>>] {
        let Some(value) = table.entries.get(key) else {
            self.missing(table, key);
            return &[];
        };
        match value.get_ref() {
            DeValue::Array(list) => {
                if list.is_empty() {
                    let message = format!("`{key}` is an empty list");
                    self.add(&codes::EMPTY, value.span().into(), message)
                        .help(format!("write at least one entry: `{}`", example(key)));
                }
                list
            }
            other => {
                self.wrong_type(key, value.span().into(), other, "a list");
                &[]
            }
        }
    }

    fn wrong_type(&mut self, key: &str, span: Span, found: &DeValue<'_>, wanted: &str) {
        let kind = match found {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date-time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{key}` is {kind}, not {wanted}");
        let help = match (key, found) {
            ("expect", DeValue::Integer(status)) => format!(
                "write the reason and not the status: `expect = \"{}\"`",
                reason_of(status.as_str())
            ),
            ("now", DeValue::String(text)) if is_moment(text) => {
                format!("write it without quotes: `now = {text}`")
            }
            _ => format!("write `{}`", example(key)),
        };
        let finding = self.add(&codes::WRONG_TYPE, span, message);
        finding.help(help);
        match (key, found) {
            ("expect", DeValue::Integer(status)) => {
                let reason = string(reason_of(status.as_str()));
                finding.fix(Applicability::Unsure, Edit::new(span, reason));
            }
            ("now", DeValue::String(text)) if is_moment(text) => {
                finding.fix(Applicability::Safe, Edit::new(span, text.to_string()));
            }
            _ => {}
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn has(self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The span of the key.
    pub(super) fn key_span(self, key: &str) -> Option<Span> {
        self.entries
            .get_key_value(key)
            .map(|(key, _)| key.span().into())
    }
}

/// The usual reason for a status.
fn reason_of(status: &str) -> &'static str {
    match status {
        "400" => "bad_path",
        "401" => "no_token",
        "403" => "forbidden",
        "405" => "bad_method",
        _ => "allow",
    }
}

/// Whether a string is a timestamp as TOML writes it.
fn is_moment(text: &str) -> bool {
    text.parse()
        .is_ok_and(|time: Datetime| unix_seconds(&time).is_ok())
}

/// The help for a misspelled key.
fn did_you_mean(key: &str) -> String {
    format!("did you mean `{key}`?")
}

/// An example of the key.
fn example(key: &str) -> &'static str {
    match key {
        "now" => "now = 2027-01-15T12:00:00Z",
        "ip" => "ip = \"203.0.113.7\"",
        "people" => "people = [\"nobody\", \"alice\"]",
        "paths" => "paths = [\"/courses/rust-101/a.mp4\"]",
        "test" => "[[test]]",
        "table" => "[[table]]",
        "claims" => "claims = { sub = \"alice\" }",
        "issuer" => "issuer = \"learners\"",
        "name" => "name = \"alice can access the first lesson\"",
        "who" => "who = \"alice\"",
        "method" => "method = \"PUT\"",
        "get" => "get = \"/courses/rust-101/a.mp4\"",
        "target" => "target = \"/courses/rust-101/a.mp4\"",
        "rule" => "rule = \"rust-101/students\"",
        "expect" => "expect = \"allow\"",
        // A user, by the name that the author chose.
        _ => "claims = { … }",
    }
}

/// Suggests another name in place of a string. Names are the author's, so this stays a guess.
pub(super) fn suggest(finding: &mut Diagnostic, at: At<&str>, near: &str) {
    finding
        .help(did_you_mean(near))
        .fix(Applicability::Unsure, Edit::new(at.span, string(near)));
}

/// The candidate that `word` is probably a misspelling of.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .filter(|candidate| !is_series(word, candidate) && !is_another(word, candidate))
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        // A third of the letters may differ; more is another word.
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether two short names are those of different people, such as `nina` and `tina`.
fn is_another(left: &str, right: &str) -> bool {
    const SHORT: usize = 4;
    let is_short = left.chars().count() <= SHORT && right.chars().count() <= SHORT;
    is_short && left.chars().next() != right.chars().next()
}

/// Whether two names differ only in digits: `visitor-7` is not a misspelling of `visitor-1`.
fn is_series(left: &str, right: &str) -> bool {
    let letters = |name: &str| -> String { name.chars().filter(|c| !c.is_ascii_digit()).collect() };
    left != right && letters(left) == letters(right)
}

/// `` `a`, `b` ``
pub(super) fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_near_names_are_proposed() {
        let known = ["alice", "visitor-1", "nobody", "bad-token", "tina"];
        let table = [
            ("alcie", Some("alice")),
            ("nobdy", Some("nobody")),
            ("badtoken", Some("bad-token")),
            ("visitor-7", None),
            ("visitor-12", None),
            ("nina", None),
            ("tnia", Some("tina")),
            ("tinaa", Some("tina")),
            ("bob", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
    }
}
