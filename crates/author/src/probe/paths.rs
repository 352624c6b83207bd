//! Request targets that match a pattern.

use std::collections::BTreeMap;

use fastrand::Rng;
use tollgate_core::path::{PathOptions, check_segment};
use tollgate_policy::spec::{Pattern, Segment};

/// Segments for wildcards, if the policy has nothing better.
const PLAIN: [&str; 4] = ["a", "b", "intro.mp4", "1"];

/// The segments that paths are built from.
pub(super) struct Segments {
    pub(super) texts: Vec<String>,
    /// The rules for segments.
    pub(super) options: PathOptions<'static>,
}

/// Decoded segments, whether a slash follows, and the captures.
pub(super) struct Instance {
    pub(super) segments: Vec<String>,
    pub(super) trailing_slash: bool,
    pub(super) captures: BTreeMap<String, String>,
}

/// A path that matches, or nearly: one in eight is changed slightly.
pub(super) fn instance(pattern: &Pattern, known: &Segments, rng: &mut Rng) -> Instance {
    let mut path = Instance {
        segments: Vec::new(),
        trailing_slash: pattern.trailing_slash,
        captures: BTreeMap::new(),
    };
    let last = pattern.segments.len().saturating_sub(1);
    for (at, segment) in pattern.segments.iter().enumerate() {
        match segment {
            Segment::Literal(text) => path.segments.push(text.clone()),
            Segment::Glob(glob) => path.segments.push(fill(glob, known, rng)),
            Segment::Capture(name) => {
                let text = any(known, rng);
                path.captures.insert(name.clone(), text.clone());
                path.segments.push(text);
            }
            Segment::Rest => {
                let count = rng.usize(0..4);
                for _ in 0..count {
                    path.segments.push(any(known, rng));
                }
                if at == last {
                    path.trailing_slash = count == 0 || rng.u8(..8) == 0;
                }
            }
        }
    }
    if rng.u8(..8) == 0 {
        disturb(&mut path, known, rng);
    }
    if path.segments.is_empty() {
        path.trailing_slash = true;
    }
    path
}

fn disturb(path: &mut Instance, known: &Segments, rng: &mut Rng) {
    match rng.u8(..4) {
        0 => path.trailing_slash = !path.trailing_slash,
        1 => {
            path.segments.pop();
        }
        2 => {
            let at = rng.usize(0..=path.segments.len());
            path.segments.insert(at, any(known, rng));
        }
        _ => {
            let count = path.segments.len();
            if let Some(segment) = path.segments.get_mut(rng.usize(0..count.max(1))) {
                *segment = any(known, rng);
            }
        }
    }
}

fn any(known: &Segments, rng: &mut Rng) -> String {
    if rng.u8(..3) == 0 {
        return rng.choice(PLAIN).unwrap_or("a").to_owned();
    }
    let word = rng.choice(&known.texts).map_or("a", String::as_str);
    fill(word, known, rng)
}

/// The string with `*` replaced; not always, because `*` in a path is an ordinary character.
fn fill(glob: &str, known: &Segments, rng: &mut Rng) -> String {
    let mut text = String::new();
    for c in glob.chars() {
        if c == '*' {
            text.push_str(rng.choice(["x", "", "7", "ab"]).unwrap_or("x"));
        } else {
            text.push(c);
        }
    }
    if check_segment(&text, known.options).is_ok() {
        text
    } else {
        glob.replace('*', "x")
    }
}

/// The raw target for decoded segments, escaped as a careful client would.
pub fn target_of(segments: &[String], trailing_slash: bool) -> String {
    let mut target = String::new();
    for segment in segments {
        target.push('/');
        for byte in segment.bytes() {
            let raw = byte.is_ascii_alphanumeric() || b"-._~!*'():@&=$,".contains(&byte);
            if raw {
                target.push(char::from(byte));
            } else {
                target.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if trailing_slash || target.is_empty() {
        target.push('/');
    }
    target
}
