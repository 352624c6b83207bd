//! The keys of policy files and their values.
//!
//! One table per kind of file ([`site`], [`course`]) drives the check of a file's shape and the list of files that it names, here,
//! and the JSON Schemas for editors ([`schema`](crate::schema)), so that the two cannot disagree.
//! Not here: the meaning of the values.

pub(crate) mod course;
pub(crate) mod publish;
mod sign_in;
pub(crate) mod site;
pub(crate) mod test_file;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Applicability, Diagnostic, Edit, Report, Span, codes, shown};
use crate::document::{Table, int, type_name};
use crate::edit::quoted;
use crate::limits::MAX_NAME_BYTES;
use crate::names;
use crate::time::unix_seconds;

/// The shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A string, never empty. The pattern is for editors; the compiler explains better than it.
    Text {
        max_bytes: usize,
        pattern: Option<&'static str>,
    },
    /// The name of a file of the policy folder: the file is part of the policy.
    File,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// `true`; an error for `false` is raised where the key is read.
    Yes,
    /// A whole number.
    Int { min: i64, max: i64 },
    /// The version of the policy language, which is this.
    Version(i64),
    /// A date-time.
    Time,
    /// A list, never empty.
    List {
        of: &'static Shape,
        max_entries: usize,
    },
    /// A list in which order and repetition mean something, never empty.
    Sequence(&'static Shape),
    /// Anything.
    Any,
    /// Either of two, which are of different types.
    Either(&'static Shape, &'static Shape),
    /// A table with known keys.
    Table(&'static Keys),
    /// A list of such tables, possibly empty.
    Tables {
        of: &'static Keys,
        max_entries: usize,
    },
    /// A table whose keys are the author's.
    Map {
        of: &'static Shape,
        max_entries: usize,
    },
}

/// The keys of a table.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The description of the table for messages: `a rule`.
    pub(crate) what: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
    /// Of each group of keys exactly one must be there.
    pub(crate) one_of: &'static [&'static [&'static str]],
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
    pub(crate) about: &'static str,
    /// Other names that people try for it.
    pub(crate) also: &'static [&'static str],
}

impl Keys {
    /// Whether the table is incomplete without the key, or without another one in its place.
    fn needs(&self, key: &Key) -> bool {
        key.required || self.one_of.iter().any(|group| group.contains(&key.name))
    }
}

impl Key {
    /// Whether a value is an empty list, and the key's list must not be empty.
    fn is_empty_list(&self, value: &DeValue<'_>) -> bool {
        let is_list = matches!(self.shape, Shape::List { .. });
        is_list && matches!(value, DeValue::Array(list) if list.is_empty())
    }

    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            required: false,
            shape,
            about,
            also: &[],
        }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }
}

/// Whether a name, perhaps with dots, is that of a list of tables in some kind of file.
pub(crate) fn is_tables(name: &str) -> bool {
    let files = [
        &site::SITE_FILE,
        &course::COURSE,
        &test_file::TEST_FILE,
        &publish::PUBLISH_FILE,
    ];
    files.into_iter().any(|file| {
        let mut keys = Some(file);
        let mut is_list = false;
        for part in name.split('.') {
            let key = keys.and_then(|keys| keys.keys.iter().find(|key| key.name == part));
            (keys, is_list) = match key.map(|key| &key.shape) {
                Some(Shape::Tables { of, .. }) => (Some(*of), true),
                Some(Shape::Table(of)) => (Some(*of), false),
                _ => (None, false),
            };
        }
        is_list
    })
}

/// The key that an unknown name was probably meant to be.
fn meant(name: &str, keys: &Keys) -> Option<&'static str> {
    let also = keys
        .keys
        .iter()
        .find(|key| key.also.contains(&name))
        .map(|key| key.name);
    also.or_else(|| nearest(name, keys.keys.iter().map(|key| key.name)))
}

/// Whether the table has the key, or an unknown one that was probably meant to be it. That
/// one is reported as unknown, so the key is not reported as missing as well.
pub(crate) fn has_or_means(table: Table<'_>, keys: &Keys, wanted: &str) -> bool {
    table.has(wanted)
        || table.entries().any(|(name, _, _)| {
            !keys.keys.iter().any(|key| key.name == name) && meant(name, keys) == Some(wanted)
        })
}

/// Reports every deviation of `table` from `keys`.
pub(crate) fn check_table(table: Table<'_>, keys: &Keys, report: &mut Report) {
    for (name, span, value) in table.entries() {
        match keys.keys.iter().find(|key| key.name == name) {
            Some(key) if keys.needs(key) && key.is_empty_list(value.get_ref()) => {
                report
                    .add(
                        &codes::EMPTY,
                        value.span().into(),
                        format!("`{name}` is an empty list"),
                    )
                    .help(format!("write at least one entry: {}", key.about));
            }
            Some(key) => check_value(table, name, value, &key.shape, report),
            None => unknown_key(table, name, span, keys, report),
        }
    }
    let missing = |name: &str| !has_or_means(table, keys, name);
    for key in keys
        .keys
        .iter()
        .filter(|key| key.required && missing(key.name))
    {
        missing_key(
            table,
            format!("{} has no `{}`", keys.what, key.name),
            report,
        )
        .help(key.about);
    }
    for group in keys.one_of {
        let names = || group.iter().filter(|name| table.has(name));
        let list = or_list(group);
        if group.iter().all(|name| missing(name)) {
            missing_key(table, format!("{} has no {list}", keys.what), report)
                .help("write one of them");
        }
        let mut present = names().filter_map(|name| table.key_span(name));
        let first = present.next();
        for again in present {
            let message = format!("{} has more than one of {list}", keys.what);
            let diagnostic = report.add(&codes::EXCLUSIVE_KEYS, again, message);
            if let Some(first) = first {
                diagnostic.also(first, "the other one");
            }
            diagnostic.help("keep one of them");
        }
    }
}

fn missing_key<'r>(
    table: Table<'_>,
    message: String,
    report: &'r mut Report,
) -> &'r mut Diagnostic {
    match table.key.or(table.span) {
        Some(place) => report.add(&codes::MISSING_KEY, place, message),
        None => report.add_whole(&codes::MISSING_KEY, message),
    }
}

fn check_value<'a>(
    table: Table<'a>,
    name: &str,
    value: &'a Spanned<DeValue<'a>>,
    shape: &Shape,
    report: &mut Report,
) {
    let span = Span::from(value.span());
    match (shape, value.get_ref()) {
        (Shape::Text { .. } | Shape::File, DeValue::String(text)) => {
            let max_bytes = match shape {
                Shape::Text { max_bytes, .. } => *max_bytes,
                _ => MAX_NAME_BYTES,
            };
            if text.is_empty() {
                report
                    .add(&codes::EMPTY, span, format!("`{name}` is empty"))
                    .help("write a string, or remove it");
            } else if text.len() > max_bytes {
                let message = format!("`{name}` exceeds the limit of {max_bytes} bytes");
                report
                    .add(&codes::TEXT_TOO_LONG, span, message)
                    .help(format!("shorten it: it has {} bytes", text.len()));
            } else if let Some(text) = table.text_of(value) {
                names::check_value(name, &text, report);
            }
        }
        (Shape::Choice(words), DeValue::String(text)) => {
            if !words.contains(&text.as_ref()) {
                let message = format!("`{}` is not one of {}", shown(text), or_list(words));
                let diagnostic = report.add(&codes::BAD_CHOICE, span, message);
                match nearest(text, words.iter().copied()) {
                    Some(near) => {
                        let applicability = match near.eq_ignore_ascii_case(text) {
                            true => Applicability::Safe,
                            false => Applicability::Unsure,
                        };
                        diagnostic
                            .help(format!("did you mean `{near}`?"))
                            .fix(applicability, Edit::new(span, quoted(near)));
                    }
                    None if ["*", "all", "any"].contains(&text.to_lowercase().as_str()) => {
                        let all: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
                        diagnostic
                            .help(format!("list all of them: `{name} = [{}]`", all.join(", ")));
                    }
                    None => {
                        diagnostic.help("write one of these words");
                    }
                }
            }
        }
        (Shape::Int { min, max }, number @ DeValue::Integer(_)) => {
            if !int(number).is_some_and(|number| (*min..=*max).contains(&number)) {
                let message = format!("`{name}` must be between {min} and {max}");
                report
                    .add(&codes::OUT_OF_RANGE, span, message)
                    .help(format!("write an integer from {min} to {max}"));
            }
        }
        (Shape::Version(known), number @ DeValue::Integer(_)) => {
            if int(number) != Some(*known) {
                let text = report_text(number);
                report
                    .add(
                        &codes::SCHEMA_VERSION,
                        span,
                        format!("unknown schema version {text}"),
                    )
                    .help(format!("write `{name} = {known}`"))
                    .fix(Applicability::Unsure, Edit::new(span, known.to_string()));
            }
        }
        (Shape::Flag | Shape::Yes, DeValue::Boolean(_)) | (Shape::Time, DeValue::Datetime(_)) => {}
        (Shape::List { of, max_entries }, DeValue::Array(list)) => {
            if list.is_empty() {
                report
                    .add(&codes::EMPTY, span, format!("`{name}` is an empty list"))
                    .help(format!("write at least one entry, or remove `{name}`"));
            }
            too_many(name, list.len(), *max_entries, span, report);
            for entry in list.iter() {
                check_value(table, name, entry, of, report);
            }
            repeated_entries(table, list, report);
        }
        (Shape::Sequence(of), DeValue::Array(list)) => {
            for entry in list.iter() {
                check_value(table, name, entry, of, report);
            }
        }
        (Shape::Any, _) => {}
        (Shape::Either(one, other), found) => {
            let shape = if one.takes(found) { one } else { other };
            // A name with a dot makes a table by accident, which then has no key of this one.
            let is_accident = match (shape, found) {
                (Shape::Table(keys), DeValue::Table(entries)) => {
                    let is_known = |name: &str| keys.keys.iter().any(|key| key.name == name);
                    !entries.keys().any(|key| is_known(key.get_ref()))
                }
                _ => false,
            };
            if shape.takes(found) && !is_accident {
                check_value(table, name, value, shape, report);
            } else {
                let wanted = match is_accident {
                    true => expected(one).to_owned(),
                    false => format!("{} or {}", expected(one), expected(other)),
                };
                wrong_type(table, name, value, &wanted, report);
            }
        }
        (Shape::Table(keys), DeValue::Table(_)) => {
            if let Some(inner) = table.of(value) {
                check_table(inner.under(table.key_span(name)), keys, report);
            }
        }
        (Shape::Tables { of, max_entries }, DeValue::Array(list)) => {
            too_many(name, list.len(), *max_entries, span, report);
            for entry in list.iter() {
                match table.of(entry) {
                    Some(inner) => check_table(inner, of, report),
                    None => wrong_type(table, name, entry, "a table", report),
                }
            }
        }
        (Shape::Map { of, max_entries }, DeValue::Table(entries)) => {
            too_many(name, entries.len(), *max_entries, span, report);
            for (key, entry) in entries {
                names::check_key(key.get_ref(), key.span().into(), report);
                check_value(table, key.get_ref(), entry, of, report);
            }
        }
        (shape, _) => wrong_type(table, name, value, expected(shape), report),
    }
}

fn report_text(number: &DeValue<'_>) -> String {
    match number {
        DeValue::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The files that a table names, whatever else is wrong with it.
pub(crate) fn named_files(table: Table<'_>, keys: &Keys) -> Vec<String> {
    let mut files = Vec::new();
    for (name, _, value) in table.entries() {
        if let Some(key) = keys.keys.iter().find(|key| key.name == name) {
            push_files(table, value, &key.shape, &mut files);
        }
    }
    files
}

fn push_files(
    table: Table<'_>,
    value: &Spanned<DeValue<'_>>,
    shape: &Shape,
    files: &mut Vec<String>,
) {
    match (shape, value.get_ref()) {
        (Shape::File, DeValue::String(name)) => files.push(name.as_ref().to_owned()),
        (Shape::List { of, .. } | Shape::Sequence(of), DeValue::Array(list)) => {
            for entry in list.iter() {
                push_files(table, entry, of, files);
            }
        }
        (Shape::Tables { of: keys, .. }, DeValue::Array(list)) => {
            let tables = list.iter().filter_map(|entry| table.of(entry));
            files.extend(tables.flat_map(|inner| named_files(inner, keys)));
        }
        (Shape::Table(keys), DeValue::Table(_)) => {
            let inner = table.of(value).into_iter();
            files.extend(inner.flat_map(|inner| named_files(inner, keys)));
        }
        (Shape::Map { of, .. }, DeValue::Table(entries)) => {
            for entry in entries.values() {
                push_files(table, entry, of, files);
            }
        }
        (Shape::Either(one, other), found) => {
            let shape = if one.takes(found) { one } else { other };
            push_files(table, value, shape, files);
        }
        // Texts and all other values name no file.
        _ => {}
    }
}

impl Shape {
    /// Whether a value is of the type of this shape, whatever is in it.
    fn takes(&self, value: &DeValue<'_>) -> bool {
        match self {
            Self::Text { .. } | Self::File | Self::Choice(_) => matches!(value, DeValue::String(_)),
            Self::Flag | Self::Yes => matches!(value, DeValue::Boolean(_)),
            Self::Int { .. } | Self::Version(_) => matches!(value, DeValue::Integer(_)),
            Self::Time => matches!(value, DeValue::Datetime(_)),
            Self::List { .. } | Self::Sequence(_) | Self::Tables { .. } => {
                matches!(value, DeValue::Array(_))
            }
            Self::Any => true,
            Self::Either(one, other) => one.takes(value) || other.takes(value),
            Self::Table(_) | Self::Map { .. } => matches!(value, DeValue::Table(_)),
        }
    }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Either(one, _) => expected(one),
        Shape::Text { .. } | Shape::File | Shape::Choice(_) => "a string",
        Shape::Flag | Shape::Yes => "`true` or `false`",
        Shape::Int { .. } | Shape::Version(_) => "an integer",
        Shape::Time => "a date-time without quotes",
        Shape::List { .. } | Shape::Sequence(_) => "a list",
        Shape::Any => "a value",
        Shape::Table(_) | Shape::Map { .. } => "a table",
        Shape::Tables { .. } => "a list of tables",
    }
}

fn wrong_type(
    table: Table<'_>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
    report: &mut Report,
) {
    let found = type_name(value.get_ref());
    let message = format!("`{name}` is {found}, not {wanted}");
    let help = type_help(name, value.get_ref(), wanted);
    let span = Span::from(value.span());
    let raw = table.source(span);
    let diagnostic = report.add(&codes::WRONG_TYPE, span, message);
    diagnostic.help(help);
    if let Some((applicability, text)) = type_fix(name, value.get_ref(), wanted, raw) {
        diagnostic.fix(applicability, Edit::new(span, text));
    }
}

/// The value in the type that it should have, if that leaves no choice. `raw` is the value as it is written.
fn type_fix(
    name: &str,
    found: &DeValue<'_>,
    wanted: &str,
    raw: &str,
) -> Option<(Applicability, String)> {
    let text = match (wanted, found) {
        ("a list", DeValue::String(_)) => format!("[{raw}]"),
        ("a list of tables", DeValue::Table(_)) => {
            let is_header = raw.starts_with('[') && !raw.starts_with("[[") && raw.ends_with(']');
            is_header.then(|| format!("[{raw}]"))?
        }
        ("a date-time without quotes", DeValue::String(text)) if unix_seconds_of(text) => {
            text.to_string()
        }
        ("a string", DeValue::Integer(number)) => quoted(number.as_str()),
        ("`true` or `false`", DeValue::String(text)) => [true, false]
            .map(|flag| flag.to_string())
            .into_iter()
            .find(|flag| flag == text)?,
        ("an integer", DeValue::String(text)) => text.parse::<i64>().ok()?.to_string(),
        ("a table", DeValue::String(_)) if is_answer(name) => {
            return Some((Applicability::Unsure, format!("{{ redirect = {raw} }}")));
        }
        ("a table", DeValue::Integer(number)) if is_answer(name) => {
            format!("{{ status = {} }}", number.as_str())
        }
        _ => return None,
    };
    Some((Applicability::Safe, text))
}

/// The help for a value of the wrong type.
fn type_help(name: &str, found: &DeValue<'_>, wanted: &str) -> String {
    match (wanted, found) {
        ("a list", DeValue::String(text)) => {
            format!("write a list of one: `{name} = [\"{}\"]`", shown(text))
        }
        ("a list", _) => format!("write a list: `{name} = [ … ]`"),
        ("a list of tables", DeValue::Table(_)) => {
            format!("write `[[{name}]]`, with two brackets")
        }
        ("a list of tables", _) => format!("write `[[{name}]]`, and its keys under it"),
        ("a date-time without quotes", DeValue::String(text)) => {
            let time = if unix_seconds_of(text) {
                text.to_string()
            } else {
                "2027-02-01T00:00:00Z".to_owned()
            };
            format!("write it without quotes: `{name} = {time}`")
        }
        ("a date-time without quotes", _) => {
            format!("write date, time and offset: `{name} = 2027-02-01T00:00:00Z`")
        }
        ("a string", DeValue::Table(_)) => {
            "a key with a dot is a table; a name with dots or colons needs quotes".to_owned()
        }
        ("a string", DeValue::Integer(number)) => {
            format!("write it in quotes: `{name} = \"{}\"`", number.as_str())
        }
        ("a string", DeValue::Boolean(flag)) => {
            format!("write it in quotes: `{name} = \"{flag}\"`")
        }
        ("a string", _) => format!("write one string in quotes: `{name} = \"…\"`"),
        ("`true` or `false`", DeValue::String(_)) => "write it without quotes".to_owned(),
        ("`true` or `false`", _) => format!("write `{name} = true`, or remove it"),
        ("an integer", DeValue::String(text)) if text.parse::<i64>().is_ok() => {
            format!("write it without quotes: `{name} = {text}`")
        }
        ("an integer", _) => format!("write an integer: `{name} = …`"),
        // The value shows which form of answer in `[deny]` was meant.
        ("a table", DeValue::String(text)) if is_answer(name) => {
            format!("write `{name} = {{ redirect = \"{}\" }}`", shown(text))
        }
        ("a table", DeValue::Integer(number)) if is_answer(name) => {
            format!("write `{name} = {{ status = {} }}`", number.as_str())
        }
        ("a table", DeValue::Array(_)) => format!("write `[{name}]`, with one bracket"),
        ("a table", _) => format!("write a table: `{name} = {{ … }}`"),
        _ => format!("write {wanted}"),
    }
}

fn is_answer(name: &str) -> bool {
    ["no_token", "bad_token", "forbidden"].contains(&name)
}

/// Whether a string is a timestamp as TOML writes it.
fn unix_seconds_of(text: &str) -> bool {
    text.parse().is_ok_and(|time| unix_seconds(&time).is_ok())
}

fn too_many(name: &str, count: usize, max: usize, span: Span, report: &mut Report) {
    if count > max {
        let message = format!("`{name}` has {count} entries; the limit is {max}");
        report
            .add(&codes::LIST_TOO_LONG, span, message)
            .help(match name {
                "groups" | "scopes" | "subjects" => {
                    "split the rule in two with the same paths, or use one group for all of them"
                        .to_owned()
                }
                "allow" | "deny" | "networks" => {
                    "split the rule in two, or write one pattern or network that covers several"
                        .to_owned()
                }
                _ => format!("write at most {max} entries"),
            });
    }
}

fn repeated_entries<'a>(table: Table<'a>, list: &'a [Spanned<DeValue<'a>>], report: &mut Report) {
    let mut seen = BTreeMap::new();
    for text in list.iter().filter_map(|entry| table.text_of(entry)) {
        let Some(first) = seen.insert(text.value, text.span) else {
            continue;
        };
        let message = format!("the list contains `{}` twice", shown(text.value));
        let diagnostic = report.add(&codes::REPEATED_ENTRY, text.span, message);
        diagnostic
            .also(first, "first here")
            .help("remove one of them")
            .fix(Applicability::Safe, table.without_entry(text.span));
    }
}

fn unknown_key(table: Table<'_>, name: &str, span: Span, keys: &Keys, report: &mut Report) {
    let message = format!("{} has no key `{}`", keys.what, shown(name));
    let diagnostic = report.add(&codes::UNKNOWN_KEY, span, message);
    match meant(name, keys) {
        Some(near) => {
            diagnostic.help(format!("did you mean `{near}`?"));
            if !table.has(near) {
                let names = keys.keys.iter().map(|key| key.name);
                diagnostic.fix(spelling(name, near, names), Edit::new(span, near));
            }
            diagnostic
        }
        None => {
            let names: Vec<_> = keys.keys.iter().map(|key| key.name).collect();
            diagnostic.help(format!("the keys are {}", and_list(&names)))
        }
    };
}

/// Whether `near` is certainly what `word` was meant to be: one letter differs, and no other candidate is as close.
pub fn spelling<'a>(
    word: &str,
    near: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Applicability {
    let distance = |to: &str| strsim::damerau_levenshtein(word, to);
    let rivals = candidates.into_iter().filter(|one| distance(one) <= 1);
    match distance(near) <= 1 && rivals.take(2).count() == 1 {
        true => Applicability::Safe,
        false => Applicability::Unsure,
    }
}

/// The candidate that `word` is probably a misspelling of.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        // A third of the letters may be wrong, or one may be a short form of the other.
        .filter(|(distance, candidate)| {
            let short_form = candidate.len().min(lower.len()) >= 3
                && (candidate.starts_with(&lower) || lower.starts_with(candidate));
            short_form || *distance <= candidate.len().max(3) / 3
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b` or `c` ``
pub(crate) fn or_list(words: &[&str]) -> String {
    list(words, "or")
}

/// `` `a`, `b` and `c` ``
pub(crate) fn and_list(words: &[&str]) -> String {
    list(words, "and")
}

fn list(words: &[&str], last: &str) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, start)) => format!("{} {last} {end}", start.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
