//! What holds of every target whatever the policy says: three theorems, and that an allowed path stays where it
//! is however an origin reads it.
//!
//! A theorem takes something away from a random policy, after which nothing may be allowed. Not here: how often,
//! and on which target.

use tollgate_spec::model::{Course, Effect, METHODS, Policy, Rule, Who};

/// A sentence about every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theorem {
    /// No allow without a valid signature by a listed key, except where a rule says anyone.
    Signature,
    /// No allow unless a rule names the path.
    NamedPath,
    /// Deny wins over everything.
    DenyWins,
}

impl Theorem {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Signature, Self::NamedPath, Self::DenyWins];

    /// The sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Signature => {
                "no allow without a valid signature, except where a rule says anyone"
            }
            Self::NamedPath => "no allow unless a rule names the path",
            Self::DenyWins => "deny wins over everything",
        }
    }

    /// The policy that must allow nothing: to whoever has no valid signature, for the first theorem.
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

/// A folder that no random request is about.
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

/// A token whose signature is another.
#[must_use]
pub fn forged(bearer: &str) -> String {
    let signature = bearer.rfind('.').map_or(0, |dot| dot + 1);
    let (signed, signature) = bearer.split_at(signature);
    // Not the last character, of which some bits mean nothing.
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let rest: String = signature.chars().skip(1).collect();
    [signed, first, &rest].concat()
}

/// The folder that the policy of paths opens to anyone.
pub const FOLDER: &str = "/lower-case/prefix";

/// A policy that opens just this folder.
pub const FOLDER_POLICY: &str = r#"schema = 1
[site]
name = "prefix"
[[rule]]
id = "folder"
allow = ["/lower-case/prefix/**"]
anyone = true
"#;

/// A raw path in the folder, or nearly.
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

/// What readers of paths disagree about, and what they do not.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "b.html", "A", "video", "1", "-", "_", "~", ".", "..", "...", "/", "/", "/", "//", "/./", "/../", "/..",
    "%2e", "%2E%2e", ".%2e", "%252e", "%252e%252e", "%25", "%2525", "%2f", "%2F", "%252f", "%5c", "\\", "..\\", "%255c",
    ";", ";x=1", "..;", "%3b", "%253b", "+", "%2b", "%20", " ", "%00", "%0a", "%09", "é", "%c3%a9", "%C3%89", "%e9",
    "%c0%ae", "%c0%ae%c0%ae", "%ef%bc%8f", "\u{2024}\u{2024}", "%e2%80%a5", "%", "%2", "%zz", "%41", "%61", "#", "&", "=", "@",
    ":", "*", "'", "(", "!", "$", ",", "%u002e", "İ", "%c4%b0", "K",
];

/// How an origin, a cache or a library between them reads a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normaliser {
    /// As it is.
    None,
    /// RFC 3986 §6.2.2: escapes of unreserved characters, then dot segments.
    Rfc3986,
    /// `//` is `/`.
    MergeSlashes,
    /// Escapes are what they stand for.
    DecodeOnce,
    /// And once more.
    DecodeTwice,
    /// `\` is `/`.
    Backslash,
    /// What follows a `;` in a segment is a parameter.
    CutAtSemicolon,
    /// Letters are small.
    LowerCase,
    /// `+` is a space.
    PlusToSpace,
}

impl Normaliser {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Rfc3986,
        Self::MergeSlashes,
        Self::DecodeOnce,
        Self::DecodeTwice,
        Self::Backslash,
        Self::CutAtSemicolon,
        Self::LowerCase,
        Self::PlusToSpace,
    ];

    /// The path as it is read.
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
        }
    }
}

/// Two readers, one behind the other, that find an allowed path outside the folder, if any do.
#[must_use]
pub fn escape(path: &[u8]) -> Option<(Normaliser, Normaliser)> {
    let is_inside = |path: &[u8]| {
        let rest = path.strip_prefix(FOLDER.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"/"))
    };
    for first in Normaliser::ALL {
        let read = first.read(path);
        for second in Normaliser::ALL {
            if !is_inside(&second.read(&read)) {
                return Some((first, second));
            }
        }
    }
    None
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Escapes of those bytes that are `wanted` are what they stand for; a broken escape stays.
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
    fn readers_read_as_they_should() {
        use Normaliser::{
            Backslash, CutAtSemicolon, DecodeOnce, DecodeTwice, LowerCase, MergeSlashes,
            PlusToSpace, Rfc3986,
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
        ] {
            assert_eq!(reader.read(raw.as_bytes()), read.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn ways_out_of_the_folder_are_seen() {
        for out in [
            "..",
            "%2e%2e/x",
            "%252e%252e/",
            "..;/a",
            r"..\x",
            "a/%2e./..",
        ] {
            let path = [FOLDER, "/", out].concat();
            assert!(escape(path.as_bytes()).is_some(), "{out}");
        }
        assert_eq!(escape([FOLDER, "/a/b.html"].concat().as_bytes()), None);
        assert!(escape(b"/lower-case/prefixed").is_some());
    }

    #[test]
    fn a_forged_token_differs_in_its_signature_alone() {
        assert_eq!(forged("Bearer a.b.Abc"), "Bearer a.b.Bbc");
        assert_eq!(forged("Bearer a.b.cde"), "Bearer a.b.Ade");
    }
}
