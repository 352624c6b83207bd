//! Strings to try.
//!
//! A string that is compared with constants has one class per constant and one per gap between them; the
//! successor of a constant is in the gap above it. Tests of prefixes, suffixes and contained parts need strings
//! joined from those.

use std::collections::BTreeSet;

/// The strings that a value is compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Material {
    pub(crate) constants: BTreeSet<String>,
    pub(crate) prefixes: BTreeSet<String>,
    pub(crate) suffixes: BTreeSet<String>,
    pub(crate) parts: BTreeSet<String>,
    /// Whether the order of two strings, or a prefix, suffix or part is tested.
    pub(crate) ordered: bool,
}

/// Enough for any condition that people write; beyond it a search may miss a kind.
const MOST: usize = 400;

/// Texts of every kind, readable ones first.
pub(crate) fn candidates(material: &Material) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    texts.extend(material.constants.iter().cloned());
    texts.push(fresh(material, 0));
    texts.push(String::new());
    texts.push(fresh(material, 1));
    texts.push(fresh(material, 2));
    for constant in material.constants.iter().filter(|_| material.ordered) {
        for after in ["x", "a", "0", "!", "\u{1}", "\0"] {
            texts.push(format!("{constant}{after}"));
        }
    }
    let none = String::new();
    let or_none = |set: &BTreeSet<String>| -> Vec<String> {
        core::iter::once(none.clone())
            .chain(set.iter().cloned())
            .collect()
    };
    if material.ordered {
        for prefix in or_none(&material.prefixes) {
            for suffix in or_none(&material.suffixes) {
                for part in or_none(&material.parts) {
                    texts.push(overlapped(&overlapped(&prefix, &part), &suffix));
                    texts.push(format!("{prefix}{part}{suffix}"));
                    texts.push(format!("{prefix}x{part}x{suffix}"));
                    texts.push(format!("{prefix}\0{part}\0{suffix}"));
                    if texts.len() > MOST {
                        break;
                    }
                }
            }
        }
        let parts: Vec<&String> = material.parts.iter().take(4).collect();
        for left in &parts {
            for right in &parts {
                texts.push(format!("{left}x{right}"));
                texts.push(overlapped(left, right));
            }
        }
        texts.push(
            parts
                .into_iter()
                .fold(String::new(), |all, part| all + part + "x"),
        );
        for constant in &material.constants {
            for suffix in &material.suffixes {
                texts.push(format!("{constant}x{suffix}"));
                texts.push(format!("{constant}{suffix}"));
            }
            for part in &material.parts {
                texts.push(format!("{constant}x{part}"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts.truncate(MOST);
    texts
}

/// A text that has nothing to do with any other.
pub(crate) fn fresh(material: &Material, number: usize) -> String {
    let sets = [
        &material.constants,
        &material.prefixes,
        &material.suffixes,
        &material.parts,
    ];
    let names = ["x", "y", "z", "other", "someone", "else", "q7", "w8"];
    let is_free = |name: &&str| {
        !sets.iter().any(|set| {
            set.iter()
                .any(|text| text == name || (!text.is_empty() && name.contains(text.as_str())))
        })
    };
    let free: Vec<&str> = names.into_iter().filter(is_free).collect();
    match free.get(number) {
        Some(name) => (*name).to_owned(),
        None => format!("x{number}-{}", material.constants.len()),
    }
}

/// Both texts, written over each other where the end of one is the start of the other.
fn overlapped(left: &str, right: &str) -> String {
    let shared = right
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8())
        .filter(|len| right.get(..*len).is_some_and(|start| left.ends_with(start)))
        .max()
        .unwrap_or(0);
    format!("{left}{}", right.get(shared..).unwrap_or_default())
}
