//! Path patterns and bases.
//!
//! A pattern that no canonical request path can match is an error, found by the same functions that check
//! request paths at the edge. Not here: matching.

use tollgate_core::path::{PathError, PathOptions, PathReader, check_literal_chars, check_segment};

use crate::cure;
use crate::diagnostic::{Applicability, Diagnostic, Edit, Report, Span, codes, shown};
use crate::document::Text;
use crate::edit::quoted;
use crate::limits::{
    MAX_CAPTURES_PER_PATTERN, MAX_PATTERN_BYTES, MAX_PATTERN_SEGMENTS, MAX_STARS_PER_SEGMENT,
};
use tollgate_policy::spec::{Pattern, Segment};

/// The folder that a file's patterns are about. The default is the root of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Base {
    segments: Vec<String>,
}

impl Base {
    /// Reads `base`; reports what is wrong with it.
    pub(crate) fn parse(
        text: &Text<'_>,
        paths: PathOptions<'_>,
        report: &mut Report,
    ) -> Option<Self> {
        if text.value == "/" {
            return Some(Self::default());
        }
        let Some(relative) = text.value.strip_prefix('/') else {
            let message = format!("base `{}` does not start with a slash", shown(text.value));
            let help = cure::absolute(text.value);
            let diagnostic = report.add(&codes::BAD_BASE, text.span, message);
            diagnostic.help(help);
            fix_absolute(text, diagnostic);
            return None;
        };
        if let Some(folder) = text.value.strip_suffix('/') {
            let message = format!("base `{}` ends in a slash", shown(text.value));
            report
                .add(&codes::BAD_BASE, text.span, message)
                .help(format!("write `{folder}`"))
                .fix(Applicability::Safe, Edit::new(text.span, quoted(folder)));
            return None;
        }
        if let Some(at) = relative.find(['*', '{', '}']) {
            let message = format!("base `{}` is not literal", shown(text.value));
            report
                .add(
                    &codes::BAD_BASE,
                    text.part(Span {
                        start: at + 1,
                        end: at + 2,
                    }),
                    message,
                )
                .help("put wildcards and captures into the patterns, or the rule into `site.toml`");
            return None;
        }
        let segments: Vec<_> = relative.split('/').collect();
        let good = segments
            .iter()
            .all(|segment| literal(text, segment, paths, report));
        (good && !too_many_segments(text, segments.len(), report)).then(|| Self {
            segments: segments.into_iter().map(str::to_owned).collect(),
        })
    }

    /// The base as the prefix of a pattern: without a slash at the end, empty for the root.
    pub(crate) fn prefix(&self) -> String {
        self.segments
            .iter()
            .flat_map(|segment| ["/", segment])
            .collect()
    }
}

/// Reads a pattern relative to `base`, of a list with this key; reports what is wrong with it.
pub(super) fn parse(
    key: &str,
    text: &Text<'_>,
    base: &Base,
    paths: PathOptions<'_>,
    report: &mut Report,
) -> Option<Pattern> {
    // The empty text was reported with the shape of the list.
    if text.value.is_empty() {
        return None;
    }
    let Some(relative) = text.value.strip_prefix('/') else {
        let message = format!(
            "pattern `{}` does not start with a slash",
            shown(text.value)
        );
        let help = cure::absolute(text.value);
        let diagnostic = report.add(&codes::NOT_ABSOLUTE, text.span, message);
        diagnostic.help(help);
        fix_absolute(text, diagnostic);
        return None;
    };
    let prefix = base.prefix();
    let trailing_slash = relative.is_empty() || relative.ends_with('/');
    let mut own: Vec<&str> = relative.split('/').collect();
    if trailing_slash {
        own.pop();
    }
    let mut segments: Vec<_> = base
        .segments
        .iter()
        .cloned()
        .map(Segment::Literal)
        .collect();
    for part in own {
        segments.push(segment(text, part, paths, report)?);
    }
    let good = check_rests(text, &segments, report)
        & check_captures(text, &segments, report)
        & !too_many_segments(text, segments.len(), report)
        & !too_long(text, &segments, report);
    if !prefix.is_empty() && is_under(text.value, &prefix) {
        report_repeated_base(key, text, &prefix, report);
    }
    good.then(|| Pattern {
        segments,
        trailing_slash,
        source: format!("{prefix}{}", text.value),
    })
}

/// Reports a pattern that starts with the base again. In a `deny`, what it was meant for stays open.
fn report_repeated_base(key: &str, text: &Text<'_>, prefix: &str, report: &mut Report) {
    let written = shown(text.value);
    let message = format!(
        "the base is repeated: this `{key}` matches `{}`, not `{written}`",
        shown(&format!("{prefix}{}", text.value))
    );
    let rest = text.value.strip_prefix(prefix).unwrap_or_default();
    let relative = if rest.is_empty() { "/" } else { rest };
    let diagnostic = report.add(&codes::REPEATED_BASE, text.span, message);
    if rest.is_empty() {
        diagnostic.help(format!(
            "`{written}` without a slash at its end is outside of the base: it needs a rule in `site.toml`"
        ));
    }
    diagnostic
        .help(format!(
            "patterns are relative to `base`: write `{}`, which matches `{}`",
            shown(relative),
            shown(&format!("{prefix}{relative}"))
        ))
        .fix(
            Applicability::Access,
            Edit::new(text.span, quoted(relative)),
        );
}

/// Adds the edit for a path that does not start with a slash.
fn fix_absolute(text: &Text<'_>, diagnostic: &mut Diagnostic) {
    if let Some((applicability, path)) = cure::absolute_path(text.value) {
        diagnostic.fix(applicability, Edit::new(text.span, quoted(&path)));
    }
}

fn is_under(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn segment(
    text: &Text<'_>,
    part: &str,
    paths: PathOptions<'_>,
    report: &mut Report,
) -> Option<Segment> {
    if part == "**" {
        return Some(Segment::Rest);
    }
    if part.contains("**") {
        let message = format!("`**` is only part of the segment `{}`", shown(part));
        report
            .add(&codes::BAD_WILDCARD, text.part_of(part), message)
            .help("write `*` for any text inside a segment, or `**` as a segment of its own");
        return None;
    }
    if part.contains(['{', '}']) {
        return capture(text, part, report).map(Segment::Capture);
    }
    // Any letter may stand for a `*` here: what is wrong with the rest stays wrong.
    if !literal(text, part, paths, report) {
        return None;
    }
    match part.matches('*').count() {
        0 => Some(Segment::Literal(part.to_owned())),
        1..=MAX_STARS_PER_SEGMENT => Some(Segment::Glob(part.to_owned())),
        stars => {
            let message = format!(
                "`{}` has {stars} `*`; the limit is {MAX_STARS_PER_SEGMENT}",
                shown(part)
            );
            report
                .add(&codes::PATTERN_TOO_LARGE, text.part_of(part), message)
                .help("write fewer; one `*` is any text");
            None
        }
    }
}

fn capture(text: &Text<'_>, part: &str, report: &mut Report) -> Option<String> {
    let inner = part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(name) = inner.filter(|name| !name.contains(['{', '}'])) else {
        let message = format!("`{}` is not a whole capture", shown(part));
        let help = cure::alternatives(part).unwrap_or_else(|| {
            "`{name}` captures a whole segment; inside a segment only `*` is a wildcard".to_owned()
        });
        report
            .add(&codes::BAD_CAPTURE, text.part_of(part), message)
            .help(help);
        return None;
    };
    if let Some(problem) = capture_name_problem(name) {
        let message = format!("`{{{}}}` {problem}", shown(name));
        let help = cure::alternatives(part)
            .unwrap_or_else(|| "name it after what it captures, such as `{course}`".to_owned());
        report
            .add(&codes::BAD_CAPTURE, text.part_of(part), message)
            .help(help);
        return None;
    }
    Some(name.to_owned())
}

/// The reason why `name` is not the name of a capture, if any.
pub(super) fn capture_name_problem(name: &str) -> Option<&'static str> {
    // Conditions read captures as `path.name`, and CEL takes these words for something else.
    if ["true", "false", "null", "in"].contains(&name) {
        return Some("has a name that conditions cannot use");
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let good = starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (!good).then_some("needs a name of letters, digits and `_`, starting with a letter")
}

/// Whether the literal text of a segment can occur in a canonical path; reports why not.
fn literal(text: &Text<'_>, part: &str, paths: PathOptions<'_>, report: &mut Report) -> bool {
    // A reader that decodes once may accept what `strict` does not.
    let once = PathOptions {
        reader: PathReader::S3,
        ..paths
    };
    if let Some(escape) = escape(part, paths) {
        let message = format!("escape `{}` in a pattern", shown(escape));
        let diagnostic = report.add(&codes::ESCAPED_PATTERN, text.part_of(escape), message);
        match (unescape(part, paths), unescape(part, once)) {
            (Some(decoded), _) => {
                diagnostic.help(format!("write the decoded form: `{}`", shown(&decoded)));
                // Decoded, these would be a wildcard, a capture, or the end of the TOML string.
                let is_plain = !decoded.contains(['*', '{', '}', '"', '\'']);
                // A value with escapes of TOML has no parts.
                let span = text.part_of(part);
                if is_plain && span.end - span.start == part.len() {
                    diagnostic.fix(Applicability::Safe, Edit::new(span, decoded));
                }
                diagnostic
            }
            (None, Some(decoded)) if decoded == part => diagnostic.help(format!(
                "no request path can contain a percent sign under {STRICT}; {}",
                other_readers("%25")
            )),
            (None, Some(decoded)) => diagnostic.help(format!(
                "write the decoded form: `{}`; no request path can contain that under {STRICT}; {}",
                shown(&decoded),
                other_readers("")
            )),
            (None, None) => {
                diagnostic.help("no request path can contain what it decodes to, under any reader")
            }
        };
        return false;
    }
    // Any letter will do for a `*` here: what is wrong with the rest stays wrong.
    let filled = part.replace('*', "x");
    let Err(error) = check_segment(&filled, paths) else {
        return true;
    };
    let bad = part
        .chars()
        .find(|c| check_literal_chars(c.encode_utf8(&mut [0; 4]), paths).is_err());
    let span = match bad.and_then(|c| part.split_once(c)) {
        Some((before, _)) => {
            let width = bad.map_or(0, char::len_utf8);
            text.part_of(part.get(before.len()..before.len() + width).unwrap_or(part))
        }
        None => text.part_of(part),
    };
    let by_others = check_segment(&filled, once).is_ok();
    let under = if by_others {
        format!(" under {STRICT}")
    } else {
        String::new()
    };
    let message = match (error, bad) {
        (PathError::ForbiddenByte | PathError::ForbiddenCharacter, Some(c)) => {
            format!("no request path can contain {}{under}", named(c))
        }
        (PathError::NotAscii, Some(c)) => {
            format!("`{}` is not ASCII", shown(c.encode_utf8(&mut [0; 4])))
        }
        (PathError::EmptySegment, _) => "two slashes in a row".to_owned(),
        (error, _) => format!("segment `{}`: {error}{under}", shown(part)),
    };
    let diagnostic = report.add(&codes::IMPOSSIBLE_PATTERN, span, message);
    match (error, bad) {
        (_, Some('?')) => diagnostic.help(format!(
            "patterns match the path; remove the query. {}",
            other_names('?')
        )),
        (_, Some('#')) => diagnostic.help(format!(
            "a fragment never reaches a server; remove it. {}",
            other_names('#')
        )),
        (PathError::NotAscii, _) => {
            diagnostic.help("`[paths] ascii_only = true` rejects every such path before any rule is evaluated")
        }
        (PathError::EmptySegment, _) => {
            diagnostic.help("write `*` for any segment, or `**` for any number of them")
        }
        (_, Some(c)) if by_others => diagnostic.help(other_readers(&escaped(c))),
        (_, None) if by_others => diagnostic.help(other_readers("")),
        _ => diagnostic.help(
            "a request for such a path is rejected before any rule is evaluated, because servers disagree on it",
        ),
    };
    false
}

/// The reader that rejects most.
const STRICT: &str = "`[paths] origin = \"strict\"`";

/// A character for a message.
fn named(c: char) -> String {
    if c.is_ascii_graphic() {
        format!("`{c}`")
    } else {
        format!("the character U+{:04X}", u32::from(c))
    }
}

/// A character that must be escaped, as clients write it.
fn escaped(c: char) -> String {
    let mut utf8 = [0; 4];
    let bytes = c.encode_utf8(&mut utf8).bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}

/// The advice for a name that is fine for readers that decode once.
fn other_readers(escape: &str) -> String {
    let spelled = if escape.is_empty() {
        String::new()
    } else {
        format!("; clients then write `{escape}`")
    };
    format!(
        "if S3 or a server of static files reads the paths, declare it in `site.toml`: \
         `[paths] origin = \"s3\"` or `\"files\"`{spelled}"
    )
}

/// The same for a character that more often begins something else.
fn other_names(c: char) -> String {
    format!(
        "For a name that contains `{c}`: {}",
        other_readers(&escaped(c))
    )
}

/// The first escape in a segment: a percent sign that is not just part of a name.
fn escape<'p>(part: &'p str, paths: PathOptions<'_>) -> Option<&'p str> {
    part.match_indices('%').find_map(|(at, sign)| {
        let escape = part.get(at..at + 3);
        match paths.reader {
            PathReader::Strict => Some(escape.unwrap_or(sign)),
            PathReader::S3 | PathReader::Files => escape.filter(|text| value(text).is_some()),
        }
    })
}

/// The byte that `%XX` denotes.
fn value(escape: &str) -> Option<u8> {
    let digits = escape.strip_prefix('%')?;
    let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// The text with its escapes resolved, if that is text that a path could contain.
fn unescape(part: &str, paths: PathOptions<'_>) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = part;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at_checked(at)?;
        bytes.extend(before.bytes());
        let (byte, len) = match after.get(..3).and_then(value) {
            Some(byte) => (byte, 3),
            None => (b'%', 1),
        };
        bytes.push(byte);
        rest = after.get(len..)?;
    }
    bytes.extend(rest.bytes());
    let decoded = String::from_utf8(bytes).ok()?;
    (!decoded.contains('/') && check_literal_chars(&decoded, paths).is_ok()).then_some(decoded)
}

fn check_rests(text: &Text<'_>, segments: &[Segment], report: &mut Report) -> bool {
    let twice = segments
        .windows(2)
        .any(|pair| matches!(pair, [Segment::Rest, Segment::Rest]));
    if twice {
        let message = format!("pattern `{}` has `**` twice in a row", shown(text.value));
        let mut one = text.value.to_owned();
        while one.contains("/**/**") {
            one = one.replace("/**/**", "/**");
        }
        report
            .add(&codes::BAD_WILDCARD, text.span, message)
            .help("write one `**`, which already matches any number of segments")
            .fix(Applicability::Safe, Edit::new(text.span, quoted(&one)));
    }
    !twice
}

fn check_captures(text: &Text<'_>, segments: &[Segment], report: &mut Report) -> bool {
    let rest_at = |segment: &Segment| matches!(segment, Segment::Rest);
    let first_rest = segments.iter().position(rest_at).unwrap_or(segments.len());
    let last_rest = segments.iter().rposition(rest_at).unwrap_or(0);
    let mut names: Vec<&str> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let Segment::Capture(name) = segment else {
            continue;
        };
        if names.contains(&name.as_str()) {
            let message = format!("the pattern contains `{{{name}}}` twice");
            report
                .add(&codes::BAD_CAPTURE, text.span, message)
                .help("give the segments different names and compare them in `when`");
            return false;
        }
        if at > first_rest && at < last_rest {
            let message = format!("`{{{name}}}` is between two `**`");
            report
                .add(&codes::BAD_CAPTURE, text.span, message)
                .help("it is not clear which segment that is; capture before the first or after the last `**`");
            return false;
        }
        names.push(name);
    }
    if names.len() > MAX_CAPTURES_PER_PATTERN {
        let count = names.len();
        let pattern = shown(text.value);
        let message = format!(
            "pattern `{pattern}` has {count} captures; the limit is {MAX_CAPTURES_PER_PATTERN}"
        );
        report
            .add(&codes::PATTERN_TOO_LARGE, text.span, message)
            .help("write `*` for segments that no name or condition reads");
        return false;
    }
    true
}

fn too_many_segments(text: &Text<'_>, count: usize, report: &mut Report) -> bool {
    if count > MAX_PATTERN_SEGMENTS {
        let path = shown(text.value);
        let message = format!("`{path}` has {count} segments; the limit is {MAX_PATTERN_SEGMENTS}");
        report
            .add(&codes::PATTERN_TOO_LARGE, text.span, message)
            .help("write `**` for any number of segments");
    }
    count > MAX_PATTERN_SEGMENTS
}

fn too_long(text: &Text<'_>, segments: &[Segment], report: &mut Report) -> bool {
    let shortest = |segment: &Segment| match segment {
        Segment::Literal(literal) => literal.len() + 1,
        Segment::Glob(glob) => glob.len() - glob.matches('*').count() + 1,
        Segment::Capture(_) => 2,
        Segment::Rest => 0,
    };
    let bytes: usize = segments.iter().map(shortest).sum();
    if bytes > MAX_PATTERN_BYTES + 1 {
        let message =
            format!("the shortest such path has {bytes} bytes; the limit is {MAX_PATTERN_BYTES}");
        report
            .add(&codes::PATTERN_TOO_LARGE, text.span, message)
            .help("write `*` for the long names");
    }
    bytes > MAX_PATTERN_BYTES + 1
}
