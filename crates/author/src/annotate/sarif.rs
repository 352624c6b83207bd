//! SARIF 2.1.0, for code scanning and editors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollgate_compiler::diagnostic::Severity;
use tollgate_policy::visible::visible_lines;

use super::{Annotation, FAILED, Kind, Region, Suggested, kinds};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const VERSION: &str = "2.1.0";
/// The version of the fingerprints: results of runs with the same version can be compared.
const FINGERPRINT: &str = "tollgate/v1";

/// A log with one run. Results of the kind [`FAILED`] are notifications: they are not about the policy.
pub fn sarif(annotations: &[Annotation], version: &str) -> Value {
    let (failures, results): (Vec<_>, Vec<_>) = annotations
        .iter()
        .partition(|annotation| annotation.kind == FAILED);
    // Only the kinds that occur, in the order of the table.
    let rules: Vec<Kind> = kinds()
        .filter(|kind| results.iter().any(|result| result.kind.id == kind.id))
        .collect();
    let mut seen = Fingerprints::default();
    let results: Vec<Value> = results
        .into_iter()
        .map(|result| self::result(result, &rules, &mut seen))
        .collect();
    let notifications: Vec<Value> = failures
        .iter()
        .map(|failure| {
            json!({
                "level": level(failure.severity),
                "message": { "text": sentence(failure) },
            })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [{
            "tool": {
                "driver": {
                    "name": "tollgate",
                    "version": version,
                    "semanticVersion": version,
                    "rules": rules.iter().map(rule).collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(kind: &Kind) -> Value {
    json!({
        "id": kind.id,
        "name": camel_case(kind.title),
        "shortDescription": { "text": kind.title },
        "fullDescription": { "text": kind.explanation },
        "help": { "text": kind.explanation, "markdown": kind.explanation },
    })
}

fn result(result: &Annotation, rules: &[Kind], seen: &mut Fingerprints) -> Value {
    let index = rules.iter().position(|rule| rule.id == result.kind.id);
    let mut object = Map::new();
    object.insert("ruleId".to_owned(), result.kind.id.into());
    if let Some(index) = index {
        object.insert("ruleIndex".to_owned(), index.into());
    }
    object.insert("level".to_owned(), level(result.severity).into());
    object.insert("message".to_owned(), json!({ "text": sentence(result) }));
    if !result.file.is_empty() {
        let mut location = json!({ "artifactLocation": { "uri": uri(&result.file) } });
        if let (Some(region), Some(location)) = (&result.region, location.as_object_mut()) {
            location.insert("region".to_owned(), self::region(region));
        }
        let locations = json!([{ "physicalLocation": location }]);
        object.insert("locations".to_owned(), locations);
    }
    // SARIF requires a location for every change.
    let fixes = result.fixes.iter().filter(|_| !result.file.is_empty());
    let fixes: Vec<Value> = fixes.map(|fix| self::fix(fix, &result.file)).collect();
    if !fixes.is_empty() {
        object.insert("fixes".to_owned(), fixes.into());
    }
    let fingerprint = seen.next(result);
    object.insert(
        "partialFingerprints".to_owned(),
        json!({ FINGERPRINT: fingerprint }),
    );
    object.into()
}

fn fix(fix: &Suggested, file: &str) -> Value {
    let replacement = |(region, text): &(Region, String)| {
        json!({
            "deletedRegion": self::region(region),
            "insertedContent": { "text": text },
        })
    };
    let replacements: Vec<Value> = fix.replacements.iter().map(replacement).collect();
    json!({
        "description": { "text": visible_lines(&fix.title) },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(file) },
            "replacements": replacements,
        }],
    })
}

fn region(region: &Region) -> Value {
    let Region {
        line,
        end_line,
        columns,
    } = region;
    let mut object = json!({ "startLine": line, "endLine": end_line });
    if let (Some((first, end)), Some(object)) = (columns, object.as_object_mut()) {
        object.insert("startColumn".to_owned(), (*first).into());
        object.insert("endColumn".to_owned(), (*end).into());
    }
    object
}

/// The message with its help.
fn sentence(annotation: &Annotation) -> String {
    let help = annotation.help.iter();
    let help: String = help.map(|help| format!("\nhelp: {help}")).collect();
    visible_lines(&format!("{}{help}", annotation.message))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,=@".contains(&byte);
    let mut uri = String::with_capacity(path.len());
    let path = path.replace(std::path::MAIN_SEPARATOR, "/");
    for byte in path.bytes() {
        match is_plain(byte) {
            true => uri.push(char::from(byte)),
            false => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    // An absolute path is not a relative reference.
    match uri.starts_with('/') {
        true => format!("file://{uri}"),
        false => uri,
    }
}

/// The fingerprints of the results so far: several of a kind may have the same text in the same file.
#[derive(Default)]
pub(super) struct Fingerprints(BTreeMap<String, usize>);

impl Fingerprints {
    /// The fingerprint of the next result, unlike those before.
    pub(super) fn next(&mut self, result: &Annotation) -> String {
        let fingerprint = fingerprint(result);
        let count = self.0.entry(fingerprint.clone()).or_default();
        *count += 1;
        format!("{fingerprint}:{count}")
    }
}

/// Returns a fingerprint that does not change if lines are added above the result: FNV-1a of kind, file and text.
fn fingerprint(result: &Annotation) -> String {
    let parts = [result.kind.id, &result.file, &result.excerpt];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// `TOML file that is not read` as `TomlFileThatIsNotRead`.
fn camel_case(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    words.map(word).collect()
}
