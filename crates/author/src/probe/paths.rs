//! Request targets that match a pattern.

use std::collections::BTreeMap;

use fastrand::Rng;
use tollgate_core::path::check_segment;
use tollgate_policy::spec::{Pattern, Segment};

use super::Pool;

/// Segments for wildcards, if the policy has nothing better.
const PLAIN: [&str; 4] = ["a", "b", "intro.mp4", "1"];

/// Decoded segments, whether a slash follows, and the captures.
pub(super) struct Instance {
    pub(super) segments: Vec<String>,
    pub(super) trailing_slash: bool,
    pub(super) captures: BTreeMap<String, String>,
}

/// A path that matches, or nearly: one in eight is changed slightly.
pub(super) fn instance(pattern: &Pattern, pool: &Pool, rng: &mut Rng) -> Instance {
    let mut path = Instance {
        segments: Vec::new(),
        trailing_slash: pattern.trailing_slash,
        captures: BTreeMap::new(),
    };
    let last = pattern.segments.len().saturating_sub(1);
    for (at, segment) in pattern.segments.iter().enumerate() {
        match segment {
            Segment::Literal(text) => path.segments.push(text.clone()),
            Segment::Glob(glob) => path.segments.push(fill(glob, pool, rng)),
            Segment::Capture(name) => {
                let text = any(pool, rng);
                path.captures.insert(name.clone(), text.clone());
                path.segments.push(text);
            }
            Segment::Rest => {
                let count = rng.usize(0..4);
                for _ in 0..count {
                    path.segments.push(any(pool, rng));
                }
                if at == last {
                    path.trailing_slash = count == 0 || rng.u8(..8) == 0;
                }
            }
        }
    }
    if rng.u8(..8) == 0 {
        disturb(&mut path, pool, rng);
    }
    if path.segments.is_empty() {
        path.trailing_slash = true;
    }
    path
}

fn disturb(path: &mut Instance, pool: &Pool, rng: &mut Rng) {
    match rng.u8(..4) {
        0 => path.trailing_slash = !path.trailing_slash,
        1 => {
            path.segments.pop();
        }
        2 => {
            let at = rng.usize(0..=path.segments.len());
            path.segments.insert(at, any(pool, rng));
        }
        _ => {
            let count = path.segments.len();
            if let Some(segment) = path.segments.get_mut(rng.usize(0..count.max(1))) {
                *segment = any(pool, rng);
            }
        }
    }
}

fn any(pool: &Pool, rng: &mut Rng) -> String {
    if rng.u8(..3) == 0 {
        return rng.choice(PLAIN).unwrap_or("a").to_owned();
    }
    let word = rng.choice(&pool.segments).map_or("a", String::as_str);
    fill(word, pool, rng)
}

/// The string with `*` replaced; not always, because `*` in a path is an ordinary character.
fn fill(glob: &str, pool: &Pool, rng: &mut Rng) -> String {
    let mut text = String::new();
    for c in glob.chars() {
        if c == '*' {
            text.push_str(rng.choice(["x", "", "7", "ab"]).unwrap_or("x"));
        } else {
            text.push(c);
        }
    }
    if check_segment(&text, pool.paths).is_ok() {
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
