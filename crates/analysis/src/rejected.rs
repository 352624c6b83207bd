//! Explains why a target is rejected: the fault, its position, and an accepted spelling.
//!
//! The core finds the fault; here is what to do about it. Not here: printing.

use core::ops::Range;

use tollgate_core::path::{
    MAX_DECODED_BYTES, MAX_RAW_BYTES, MAX_SEGMENTS, PathError, PathOptions, PathReader, PathScratch,
};

/// Repairs after which a path counts as beyond repair.
const MOST_REPAIRS: usize = 4_096;

/// A fault in a request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The bytes of the target that are wrong; empty where something is missing.
    pub at: Range<usize>,
    /// The detail code, as in log records.
    pub code: &'static str,
    /// The problem.
    pub message: String,
    /// The cure, as a sentence.
    pub help: String,
    /// The target in a spelling that is accepted and means what was probably meant, if there is one.
    pub instead: Option<String>,
}

/// The first fault in a raw request target; `None` if it is accepted.
///
/// # Example
/// ```
/// use tollgate_analysis::rejected::rejection;
/// use tollgate_core::PathOptions;
///
/// let fault = rejection(b"/my notes.pdf?page=2", PathOptions::default()).ok_or("is rejected")?;
/// assert_eq!((fault.at, fault.help.as_str()), (3..4, "write `%20`"));
/// assert_eq!(fault.instead.as_deref(), Some("/my%20notes.pdf?page=2"));
/// # Ok::<(), &str>(())
/// ```
pub fn rejection(target: &[u8], options: PathOptions<'_>) -> Option<Rejection> {
    let end = target.iter().position(|byte| *byte == b'?');
    let (path, query) = target.split_at(end.unwrap_or(target.len()));
    let Some(fault) = fault(path, options) else {
        return query_fault(path, query);
    };
    let instead = repaired(path, options)
        .filter(|_| query_fault(&[], query).is_none())
        .map(|path| path + &String::from_utf8_lossy(query));
    Some(Rejection {
        at: fault.at,
        code: fault.error.code(),
        message: fault.error.to_string(),
        help: fault.help,
        instead,
    })
}

/// A fault of a path, and what to do about it.
struct Fault {
    error: PathError,
    at: Range<usize>,
    help: String,
    /// The bytes in place of the wrong ones, where that is clear.
    repair: Option<Vec<u8>>,
}

/// Applies repairs until the path is accepted, or one is not clear.
fn repaired(path: &[u8], options: PathOptions<'_>) -> Option<String> {
    let mut path = path.to_vec();
    for _ in 0..MOST_REPAIRS {
        let Some(fault) = fault(&path, options) else {
            return String::from_utf8(path).ok();
        };
        path.splice(fault.at, fault.repair?);
    }
    None
}

fn fault(path: &[u8], options: PathOptions<'_>) -> Option<Fault> {
    let mut scratch = PathScratch::new();
    let found = scratch.parse_at(path, options).err()?;
    let (error, mut at) = (found.error, found.at);
    let wrong = path.get(at.clone()).unwrap_or_default();
    let (help, repair) = match error {
        PathError::NotOriginForm => absolute(path, &mut at),
        PathError::TooLong => (
            format!(
                "the limits are {MAX_DECODED_BYTES} bytes decoded and {MAX_RAW_BYTES} raw, an index document \
                 included"
            ),
            None,
        ),
        PathError::TooManySegments => (format!("the limit is {MAX_SEGMENTS} segments"), None),
        PathError::ForbiddenByte => {
            let (help, repair) = raw_byte(path, &mut at, options);
            (help, repair)
        }
        PathError::BrokenEscape => broken_escape(&mut at, options),
        PathError::ForbiddenEscape => escape(wrong, options),
        PathError::BadUtf8 => bad_utf8(wrong, &mut at, options),
        PathError::ForbiddenCharacter => character(wrong, options),
        PathError::NotAscii => (
            "rename the file; `[paths] ascii_only = true` rejects all such names".to_owned(),
            None,
        ),
        PathError::EmptySegment => ("write one `/`".to_owned(), Some(Vec::new())),
        PathError::DotSegment => dot_segment(path, wrong, &mut at),
        PathError::TrailingDot => (other_readers(None), None),
        PathError::OuterSpace => outer_space(wrong, options),
    };
    Some(Fault {
        error,
        at,
        help,
        repair,
    })
}

/// The advice where readers that decode once would accept the name.
fn other_readers(escape: Option<&str>) -> String {
    let spelled = escape.map_or(String::new(), |escape| format!(", and write `{escape}`"));
    format!(
        "if S3 or a server of static files reads the path, declare it in `site.toml`: `[paths] origin = \"s3\"` or \
         `\"files\"`{spelled}"
    )
}

/// The escapes of a text.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn accepts(path: &str, options: PathOptions<'_>) -> bool {
    PathScratch::new().parse(path.as_bytes(), options).is_ok()
}

/// Whether a readable character is accepted as an escape inside a name.
fn accepts_escape(escape: &str, options: PathOptions<'_>) -> bool {
    accepts(&format!("/x{escape}x"), options)
}

fn once(options: PathOptions<'_>) -> PathOptions<'_> {
    PathOptions {
        reader: PathReader::S3,
        ..options
    }
}

type Advice = (String, Option<Vec<u8>>);

/// A target that is a whole URL, or that lacks its slash.
fn absolute(path: &[u8], at: &mut Range<usize>) -> Advice {
    let text = String::from_utf8_lossy(path);
    if let Some((scheme, rest)) = text.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        let slash = rest.find('/').map_or(rest.len(), |slash| slash);
        let path = rest.get(slash..).filter(|path| !path.is_empty());
        *at = 0..scheme.len() + "://".len() + slash;
        let kept = path.unwrap_or("/");
        let repair = if path.is_some() { "" } else { "/" };
        return (
            format!("leave out the scheme and the host: `{kept}`"),
            Some(repair.as_bytes().to_vec()),
        );
    }
    *at = 0..0;
    (
        "begin the path with `/`".to_owned(),
        (!path.starts_with(b"*")).then(|| b"/".to_vec()),
    )
}

fn raw_byte(path: &[u8], at: &mut Range<usize>, options: PathOptions<'_>) -> Advice {
    let rest = path.get(at.start..).unwrap_or_default();
    let valid = match str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) => {
            str::from_utf8(rest.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
    };
    let Some(c) = valid.chars().next() else {
        // A byte that is not UTF-8 is probably a letter in an older encoding.
        let latin: String = rest.first().copied().map(char::from).into_iter().collect();
        let escape = escaped(&latin);
        let repair = accepts_escape(&escape, options).then(|| escape.clone().into_bytes());
        return (
            format!(
                "write the UTF-8 bytes of the character as escapes; for `{latin}` write `{escape}`"
            ),
            repair,
        );
    };
    at.end = at.start + c.len_utf8();
    let escape = escaped(c.encode_utf8(&mut [0; 4]));
    match c {
        '\\' => {
            return (
                "write `/` between segments; no name can contain a backslash".to_owned(),
                None,
            );
        }
        '#' if options.reader == PathReader::Strict => {
            return (
                format!(
                    "leave out the fragment; for a name that contains `#`: {}",
                    other_readers(Some(&escape))
                ),
                None,
            );
        }
        '+' => {
            return (
                "write `%2B` for a plus sign, or `%20` for a space".to_owned(),
                Some(escape.into_bytes()),
            );
        }
        _ => {}
    }
    if accepts_escape(&escape, options) || c == ' ' {
        (format!("write `{escape}`"), Some(escape.into_bytes()))
    } else if accepts_escape(&escape, once(options)) {
        (other_readers(Some(&escape)), None)
    } else {
        (
            format!("remove U+{:04X}; no name can contain it", u32::from(c)),
            None,
        )
    }
}

fn outer_space(segment: &[u8], options: PathOptions<'_>) -> Advice {
    let has_plus = segment.starts_with(b"+") || segment.ends_with(b"+");
    if options.reader == PathReader::S3 && has_plus {
        let escaped = String::from_utf8_lossy(segment).replace('+', "%2B");
        return (
            "S3 reads an unescaped `+` as a space; write `%2B` for a plus sign".to_owned(),
            Some(escaped.into_bytes()),
        );
    }
    (
        "rename the file or folder: no name can start or end with a space".to_owned(),
        None,
    )
}

fn broken_escape(at: &mut Range<usize>, options: PathOptions<'_>) -> Advice {
    at.end = at.start + 1;
    if options.reader == PathReader::Strict {
        (
            format!(
                "write two hexadecimal digits after `%`; for a percent sign: {}",
                other_readers(Some("%25"))
            ),
            None,
        )
    } else {
        (
            "write `%25` for a percent sign".to_owned(),
            Some(b"%25".to_vec()),
        )
    }
}

/// The bytes that escapes denote.
fn unescaped(escapes: &[u8]) -> Vec<u8> {
    let digits = |escape: &[u8]| {
        let digits = str::from_utf8(escape.get(1..)?).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    escapes.chunks(3).filter_map(digits).collect()
}

fn escape(wrong: &[u8], options: PathOptions<'_>) -> Advice {
    let byte = unescaped(wrong).first().copied().unwrap_or_default();
    let shown = char::from(byte);
    match byte {
        b'/' => (
            "write `/` between segments; no name can contain a slash".to_owned(),
            None,
        ),
        b'\\' => (
            "no name can contain a backslash; rename the file".to_owned(),
            None,
        ),
        b'#' | b'%' | b';' | b'?' if options.reader == PathReader::Strict => {
            (other_readers(None), None)
        }
        _ if byte.is_ascii_graphic() => (format!("write `{shown}`"), Some(vec![byte])),
        _ => (
            format!("remove U+{byte:04X}; no name can contain a control"),
            None,
        ),
    }
}

fn bad_utf8(wrong: &[u8], at: &mut Range<usize>, options: PathOptions<'_>) -> Advice {
    let Some(byte) = unescaped(wrong).first().copied() else {
        return (
            "write the UTF-8 bytes of the character as escapes".to_owned(),
            None,
        );
    };
    at.end = at.start + 3;
    let latin = char::from(byte).to_string();
    let escape = escaped(&latin);
    let repair = accepts_escape(&escape, options).then(|| escape.clone().into_bytes());
    let help = match repair {
        Some(_) => format!("write UTF-8; for `{latin}` write `{escape}`"),
        None => "write the UTF-8 bytes of the character as escapes".to_owned(),
    };
    (help, repair)
}

fn character(wrong: &[u8], options: PathOptions<'_>) -> Advice {
    let text = String::from_utf8(unescaped(wrong)).unwrap_or_default();
    let code = text.chars().next().map_or(0, u32::from);
    if accepts_escape(&escaped(&text), once(options)) {
        (format!("U+{code:04X}: {}", other_readers(None)), None)
    } else {
        (format!("remove U+{code:04X}; no name can contain it"), None)
    }
}

/// A segment of dots, and what it leads to.
fn dot_segment(path: &[u8], wrong: &[u8], at: &mut Range<usize>) -> Advice {
    let before = path.get(..at.start.saturating_sub(1)).unwrap_or_default();
    let parent = match wrong {
        b"." => before.len(),
        b".." => before.iter().rposition(|byte| *byte == b'/').unwrap_or(0),
        _ => return ("no name can consist of dots".to_owned(), None),
    };
    // With the slash before it, and with its parent.
    let is_last = at.end == path.len();
    at.start = parent;
    let repair = if is_last { "/" } else { "" };
    (
        "write the path that it leads to".to_owned(),
        Some(repair.as_bytes().to_vec()),
    )
}

/// A byte of a query that would end the target early for a later reader.
fn query_fault(path: &[u8], query: &[u8]) -> Option<Rejection> {
    let splits = |byte: &u8| *byte <= b' ' || *byte == 0x7F || *byte == b'#';
    let at = query.iter().position(splits)?;
    let byte = query.get(at).copied().unwrap_or_default();
    let instead = query
        .iter()
        .fold(String::from_utf8(path.to_vec()).ok()?, |text, byte| {
            let shown = if splits(byte) {
                format!("%{byte:02X}")
            } else {
                char::from(*byte).to_string()
            };
            text + &shown
        });
    let start = path.len() + at;
    Some(Rejection {
        at: start..start + 1,
        code: "bad_query",
        message: "the query contains a byte that ends it for some servers".to_owned(),
        help: format!("write `%{byte:02X}`"),
        instead: query.is_ascii().then_some(instead),
    })
}

#[cfg(test)]
mod tests;
