//! Conformance cases have unique IDs. Not here: their meaning, which the testkit defines.

use std::collections::BTreeMap;

use super::Tree;

pub(super) fn check(files: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in files.texts() {
        if !name.starts_with("fixtures/cases/") || !name.ends_with(".jsonl") {
            continue;
        }
        for (place, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let here = format!("{name}:{}", place + 1);
            let case: serde_json::Value = match serde_json::from_str(line) {
                Ok(case) => case,
                Err(error) => {
                    problems.push(format!("{here} is not a JSON object on one line: {error}"));
                    continue;
                }
            };
            let Some(id) = case.get("id").and_then(serde_json::Value::as_str) else {
                problems.push(format!("{here} has no id"));
                continue;
            };
            if let Some(first) = seen.insert(id.to_owned(), here.clone()) {
                problems.push(format!("{here} has the id `{id}` of {first}"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_over_all_files() {
        let files = Tree::of(&[
            (
                "fixtures/cases/sample/a.jsonl",
                "{\"id\":\"one\"}\n\n{\"id\":\"two\"}\n",
            ),
            (
                "fixtures/cases/other/b.jsonl",
                "{\"id\":\"three\"}\n{\"id\":\"one\"}\n{}\nnot json\n",
            ),
            ("fixtures/other.jsonl", "{\"id\":\"two\"}\n"),
        ]);
        let found = check(&files);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].contains("b.jsonl:2") && found[0].contains("a.jsonl:1"),
            "{found:?}"
        );
        assert!(found[1].contains("b.jsonl:3"), "{found:?}");
        assert!(found[2].contains("b.jsonl:4"), "{found:?}");
    }
}
