use tollgate_core::MethodSet;
use tollgate_token::Algorithm;

use super::*;

/// Every table of keys that can be reached.
fn tables() -> Vec<&'static Keys> {
    let mut open: Vec<&'static Keys> = vec![&site::SITE_FILE, &course::COURSE];
    let mut tables: Vec<&'static Keys> = Vec::new();
    while let Some(keys) = open.pop() {
        if tables.iter().any(|known| core::ptr::eq(*known, keys)) {
            continue;
        }
        tables.push(keys);
        for key in keys.keys {
            if let Shape::Table(inner) | Shape::Tables { of: inner, .. } = &key.shape {
                open.push(inner);
            }
        }
    }
    tables
}

#[test]
fn names_are_unique_and_known() {
    let tables = tables();
    assert_eq!(tables.len(), 19);
    for keys in tables {
        let mut names: Vec<_> = keys
            .keys
            .iter()
            .flat_map(|key| [key.name].into_iter().chain(key.also.iter().copied()))
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", keys.what);
        for name in keys.one_of.iter().copied().flatten() {
            assert!(keys.keys.iter().any(|key| key.name == *name), "{name}");
        }
        // The schema has at most one `oneOf` per table.
        assert!(keys.one_of.len() <= 1);
        assert!(
            keys.keys
                .iter()
                .all(|key| !key.about.ends_with('.') && !key.about.is_empty())
        );
    }
}

#[test]
fn words_are_those_of_the_other_crates() {
    assert_eq!(
        course::METHODS.to_vec(),
        MethodSet::ALL.names().collect::<Vec<_>>()
    );
    assert_eq!(
        site::ALGORITHMS.to_vec(),
        Algorithm::ALL.map(Algorithm::name).to_vec()
    );
}

#[test]
fn the_nearest_word() {
    let words = ["groups", "scopes", "subjects", "signed_in", "id"];
    let cases = [
        ("group", Some("groups")),
        ("GROUPS", Some("groups")),
        ("gruops", Some("groups")),
        ("signedin", Some("signed_in")),
        ("sub", Some("subjects")),
        ("ids", Some("id")),
        ("x", None),
        ("", None),
        ("everything", None),
    ];
    for (word, expected) in cases {
        assert_eq!(nearest(word, words), expected, "{word}");
    }
}
