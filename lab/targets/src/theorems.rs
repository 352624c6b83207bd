//! Properties of every target that hold for any policy: three theorems, and that an allowed path stays in
//! place under every reading by an origin, or under the reading that the policy declares.
//!
//! A theorem removes something from a random policy, after which nothing may be allowed. Not here: how many,
//! and on which target.

use tollgate_core::PathReader;
use tollgate_spec::model::{Course, Effect, METHODS, Policy, Rule, Who};
use unicode_normalization::UnicodeNormalization;

/// A statement about every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theorem {
    /// No allow without a valid signature by a listed key, except where a rule has `anyone = true`.
    Signature,
    /// No allow unless a rule names the path.
    NamedPath,
    /// Deny wins over everything.
    DenyWins,
}

impl Theorem {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Signature, Self::NamedPath, Self::DenyWins];

    /// The statement.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Signature => {
                "no allow without a valid signature, except where a rule allows anyone"
            }
            Self::NamedPath => "no allow unless a rule names the path",
            Self::DenyWins => "deny wins over everything",
        }
    }

    /// Returns the policy that must allow nothing; for the first theorem, nothing without a valid signature.
    #[must_use]
    pub fn closed(self, policy: &Policy) -> Policy {
        let mut policy = policy.clone();
        let all_rules = policy
            .courses
            .iter_mut()
            .flat_map(|course| &mut course.rules);
        match self {
            Self::Signature => {
                for course in &mut policy.courses {
                    let opens = |rule: &Rule| rule.effect == Effect::Allow && rule.who.anyone;
                    course.rules.retain(|rule| !opens(rule));
                }
            }
            Self::NamedPath => all_rules
                .flat_map(|rule| &mut rule.paths)
                .for_each(|path| path.insert_str(0, NOWHERE)),
            Self::DenyWins => {
                let site = policy.courses.iter_mut().find(|course| course.id == SITE);
                match site {
                    Some(site) => site.rules.push(deny_all()),
                    None => policy.courses.push(Course {
                        id: SITE.to_owned(),
                        base: String::new(),
                        rules: vec![deny_all()],
                    }),
                }
            }
        }
        policy
    }
}

/// A directory that no random request is about.
const NOWHERE: &str = "/nowhere-at-all";
/// The course of the site's own rules.
const SITE: &str = "site";

fn deny_all() -> Rule {
    Rule {
        id: "nobody".to_owned(),
        effect: Effect::Deny,
        paths: vec!["/".to_owned(), "/**".to_owned()],
        who: Who {
            anyone: true,
            ..Who::default()
        },
        methods: Some(METHODS.map(str::to_owned).to_vec()),
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    }
}

/// Returns the token with a different signature.
#[must_use]
pub fn forged(bearer: &str) -> String {
    let signature = bearer.rfind('.').map_or(0, |dot| dot + 1);
    let (signed, signature) = bearer.split_at(signature);
    // Not the last character, some of whose bits are unused.
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let rest: String = signature.chars().skip(1).collect();
    [signed, first, &rest].concat()
}

/// The directory that the policy of paths opens to anyone.
pub const FOLDER: &str = "/lower-case/prefix";

/// Returns a policy that allows exactly this directory, to anyone.
#[must_use]
pub fn folder_policy(reader: PathReader) -> String {
    let origin = reader.code();
    format!(
        r#"schema = 1
[site]
name = "prefix"
[paths]
origin = "{origin}"
[[rule]]
id = "folder"
allow = ["{FOLDER}/**"]
anyone = true
"#
    )
}

/// Returns a raw path in the directory, or close to it.
pub fn raw_path(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut path = if random.u8(..5) > 0 {
        format!("{FOLDER}/")
    } else {
        let near = random.choice([
            "/lower-case/prefix",
            "/lower-case//prefix/",
            "/Lower-Case/prefix/",
            "/x/../lower-case/prefix/",
            "/lower-case/prefix;x/",
            "/lower-case%2fprefix/",
            "//lower-case/prefix/",
            "/lower-case/%70refix/",
        ]);
        near.unwrap_or_default().to_owned()
    };
    for _ in 0..random.usize(1..6) {
        path.extend(random.choice(PIECES).copied());
    }
    path.into_bytes()
}

/// Path parts that readers interpret differently, and others.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "b.html", "A", "video", "1", "-", "_", "~", ".", "..", "...", "/", "/", "/", "//", "/./", "/../", "/..",
    "%2e", "%2E%2e", ".%2e", "%252e", "%252e%252e", "%25", "%2525", "%2f", "%2F", "%252f", "%5c", "\\", "..\\", "%255c",
    ";", ";x=1", "..;", "%3b", "%253b", "+", "%2b", "%20", " ", "%00", "%0a", "%09", "é", "%c3%a9", "%C3%89", "%e9",
    "%c0%ae", "%c0%ae%c0%ae", "%ef%bc%8f", "\u{2024}\u{2024}", "%e2%80%a5", "%", "%2", "%zz", "%41", "%61", "#", "&", "=", "@",
    ":", "*", "'", "(", "!", "$", ",", "%u002e", "İ", "%c4%b0", "K", "[", "]", "^", "|", "%5b", "%5D", "%5e", "%7c",
    "%7e", "%22", "%3c", "%3E", "%60", "%7b", "%7D", "{", "}", "<", "\"", "`", "%ef%b8%99", "%ef%b8%b0", "%cd%be",
    "%e2%92%88", "%ef%bc%85", "%ef%bc%852e", "%ef%bc%8e%ef%bc%8e", "%ef%b9%a8", "%e2%80%a4%e2%80%a4", "%ef%bc%9f",
    "%e2%80%ae", "%e2%80%a8", "%e2%80%8b", "%c2%ad", "%23", "%3f", "a.", ". ", ".+", "+/", "/+", "%20/", "%ef%bc%8b",
];

/// How an origin, a cache or a library in between reads a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normaliser {
    /// Unchanged.
    None,
    /// RFC 3986 §6.2.2: escapes of unreserved characters, then dot segments.
    Rfc3986,
    /// `//` is `/`.
    MergeSlashes,
    /// Escapes are decoded.
    DecodeOnce,
    /// Escapes are decoded twice.
    DecodeTwice,
    /// `\` is `/`.
    Backslash,
    /// The text after a `;` in a segment is a parameter.
    CutAtSemicolon,
    /// Letters are lower case.
    LowerCase,
    /// `+` is a space.
    PlusToSpace,
    /// Characters are their compatibility forms (NFKC).
    Compatibility,
}

impl Normaliser {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Rfc3986,
        Self::MergeSlashes,
        Self::DecodeOnce,
        Self::DecodeTwice,
        Self::Backslash,
        Self::CutAtSemicolon,
        Self::LowerCase,
        Self::PlusToSpace,
        Self::Compatibility,
    ];

    /// Returns the path as this reader interprets it.
    #[must_use]
    pub fn read(self, path: &[u8]) -> Vec<u8> {
        let each = |from: u8, to: u8| {
            let swap = |byte: &u8| if *byte == from { to } else { *byte };
            path.iter().map(swap).collect()
        };
        match self {
            Self::None => path.to_vec(),
            Self::Rfc3986 => without_dots(&decoded(path, is_unreserved)),
            Self::MergeSlashes => {
                let mut merged = path.to_vec();
                merged.dedup_by(|next, before| *next == b'/' && *before == b'/');
                merged
            }
            Self::DecodeOnce => decoded(path, |_| true),
            Self::DecodeTwice => decoded(&decoded(path, |_| true), |_| true),
            Self::Backslash => each(b'\\', b'/'),
            Self::CutAtSemicolon => {
                let cut = |segment: &[u8]| {
                    let name = segment.split(|byte| *byte == b';').next();
                    name.unwrap_or_default().to_vec()
                };
                let segments: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').map(cut).collect();
                segments.join(&b'/')
            }
            Self::LowerCase => match str::from_utf8(path) {
                Ok(text) => text.to_lowercase().into_bytes(),
                Err(_) => path.to_ascii_lowercase(),
            },
            Self::PlusToSpace => each(b'+', b' '),
            Self::Compatibility => match str::from_utf8(path) {
                Ok(text) => text.nfkc().collect::<String>().into_bytes(),
                Err(_) => path.to_vec(),
            },
        }
    }
}

/// Returns how a declared reader interprets a path: it decodes once, and the result is the name of the object
/// or file. `None` for an unknown reader.
#[must_use]
pub fn read_once(reader: PathReader, path: &[u8]) -> Option<Vec<u8>> {
    match reader {
        PathReader::Strict => None,
        PathReader::S3 => Some(decoded(&Normaliser::PlusToSpace.read(path), |_| true)),
        PathReader::Files => Some(decoded(path, |_| true)),
    }
}

/// Returns how an allowed path can be read as one outside the directory, if it can: by any two readers in
/// sequence if the policy declares none, else by the declared one. A file system then resolves dots and
/// slashes.
#[must_use]
pub fn escape(reader: PathReader, path: &[u8]) -> Option<String> {
    let is_inside = |path: &[u8]| {
        let followed = without_dots(&Normaliser::MergeSlashes.read(path));
        [path, &followed].into_iter().all(|path| {
            let rest = path.strip_prefix(FOLDER.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        })
    };
    if let Some(read) = read_once(reader, path) {
        return (!is_inside(&read)).then(|| format!("{reader:?}"));
    }
    for first in Normaliser::ALL {
        let read = first.read(path);
        for second in Normaliser::ALL {
            if !is_inside(&second.read(&read)) {
                return Some(format!("{first:?} and {second:?}"));
            }
        }
    }
    None
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Decodes escapes of those bytes that are `wanted`; an invalid escape stays.
fn decoded(path: &[u8], wanted: fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        match escaped.filter(|byte| wanted(*byte)) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => out.push(*byte),
        }
    }
    out
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').skip(1).collect();
    let mut kept: Vec<&[u8]> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        match *segment {
            b"." | b".." => {
                if *segment == b".." {
                    kept.pop();
                }
                if is_last {
                    kept.push(b"");
                }
            }
            name => kept.push(name),
        }
    }
    let mut out = Vec::new();
    for segment in kept {
        out.push(b'/');
        out.extend(segment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_interpret_paths_as_specified() {
        use Normaliser::{
            Backslash, Compatibility, CutAtSemicolon, DecodeOnce, DecodeTwice, LowerCase,
            MergeSlashes, PlusToSpace, Rfc3986,
        };
        for (reader, raw, read) in [
            (Rfc3986, "/a/b/c/./../../g", "/a/g"),
            (Rfc3986, "/a/%2e%2E/b", "/b"),
            (Rfc3986, "/a/..", "/"),
            (Rfc3986, "/a/%2f/%7e", "/a/%2f/~"),
            (MergeSlashes, "//a///b", "/a/b"),
            (DecodeOnce, "/%252e%41%", "/%2eA%"),
            (DecodeTwice, "/%252e%zz", "/.%zz"),
            (Backslash, r"/a\..\b", "/a/../b"),
            (CutAtSemicolon, "/a;x=/b/..;/c", "/a/b/../c"),
            (LowerCase, "/Ab%2E", "/ab%2e"),
            (PlusToSpace, "/a+b", "/a b"),
            (Compatibility, "/\u{FE30}/\u{37E}", "/../;"),
        ] {
            assert_eq!(reader.read(raw.as_bytes()), read.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn paths_outside_the_directory_are_detected() {
        for out in [
            "..",
            "%2e%2e/x",
            "%252e%252e/",
            "..;/a",
            r"..\x",
            "a/%2e./..",
        ] {
            let path = [FOLDER, "/", out].concat();
            assert!(
                escape(PathReader::Strict, path.as_bytes()).is_some(),
                "{out}"
            );
        }
        let once = [PathReader::S3, PathReader::Files];
        for (rest, is_out) in [
            ("%2e%2e/x", true),
            ("a/..", false),
            ("../x", true),
            ("%252e%252e/", false),
            ("..;/a", false),
            ("%EF%B8%B0/", false),
        ] {
            let path = [FOLDER, "/", rest].concat();
            for reader in once {
                let escape = escape(reader, path.as_bytes());
                assert_eq!(escape.is_some(), is_out, "{rest} {reader:?}");
            }
        }
        for reader in PathReader::ALL {
            let inside = [FOLDER, "/a/b.html"].concat();
            assert_eq!(escape(reader, inside.as_bytes()), None);
            assert!(escape(reader, b"/lower-case/prefixed").is_some());
        }
    }

    /// Every path that the core accepts for a reader is read identically by that reader, byte for byte; if
    /// the policy declares no reader, no two readers resolve different directories.
    #[test]
    fn the_core_and_the_reader_agree() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut scratch = tollgate_core::PathScratch::new();
        let mut accepted = [0_u32; 3];
        for _ in 0..200_000 {
            let raw = raw_path(&mut random);
            let path = raw.split(|byte| *byte == b'?').next().unwrap();
            for (count, reader) in accepted.iter_mut().zip(PathReader::ALL) {
                let options = tollgate_core::PathOptions {
                    reader,
                    ..Default::default()
                };
                let Ok(read) = scratch.parse(path, options) else {
                    continue;
                };
                *count += 1;
                if let Some(model) = read_once(reader, path) {
                    assert_eq!([b"/", read.decoded()].concat(), model);
                    // No dots and no slashes to resolve: a file with this name is in the directory of its
                    // path.
                    assert_eq!(without_dots(&model), model, "{}", path.escape_ascii());
                    assert_eq!(Normaliser::MergeSlashes.read(&model), model);
                }
                let prefix = b"lower-case/prefix/";
                if read.decoded().starts_with(prefix) {
                    assert_eq!(escape(reader, path), None, "{}", path.escape_ascii());
                }
            }
        }
        assert!(accepted.iter().all(|count| *count > 5_000), "{accepted:?}");
        assert!(
            accepted[0] < accepted[1] && accepted[0] < accepted[2],
            "{accepted:?}"
        );
    }

    #[test]
    fn a_forged_token_differs_only_in_its_signature() {
        assert_eq!(forged("Bearer a.b.Abc"), "Bearer a.b.Bbc");
        assert_eq!(forged("Bearer a.b.cde"), "Bearer a.b.Ade");
    }
}
