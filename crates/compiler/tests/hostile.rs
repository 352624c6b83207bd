//! Malformed policies: truncated, changed and mixed texts must be rejected or accepted, and never panic.

#![cfg(test)]

use std::fs;
use std::path::Path;

use tollgate_compiler::diagnostic::render::{Style, json, text};
use tollgate_compiler::{CompileOptions, SourceTree, compile, preview};

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Everything that the language's cases are made of, as one text each.
fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang");
    let mut texts = vec![fs::read_to_string(folder.join("site.toml")).unwrap()];
    for kind in ["ok", "err"] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                let case = fs::read_to_string(path).unwrap();
                texts.extend(case.split("-- ").map(|part| {
                    part.split_once('\n')
                        .map_or(part, |(_, text)| text)
                        .to_owned()
                }));
            }
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts.sort();
    texts
}

/// Compiles a text in every role it could have, and shows all findings in every way.
fn run(source: &str) {
    let mut tree = SourceTree::new();
    tree.insert("site.toml", source);
    tree.insert("courses/a.toml", source);
    tree.insert("keys/learners.jwks.json", source);
    tree.insert("keys/hs-1.key", source);
    for lenient_jwks in [false, true] {
        let compiled = compile(&tree, &CompileOptions { lenient_jwks });
        assert_eq!(compiled.image.is_some(), !compiled.has_errors(), "{source}");
        for finding in &compiled.diagnostics {
            assert!(!text(finding, &tree, Style::Plain).is_empty());
            assert!(!text(finding, &tree, Style::Coloured).is_empty());
            assert_eq!(json(finding, &tree)["code"], finding.code.id);
            if let Some(span) = finding.span {
                let text = tree.text(&finding.file).unwrap();
                assert!(
                    span.start <= span.end && span.end <= text.len(),
                    "{finding:?}\n{source}"
                );
            }
        }
    }
    let read = preview(&tree, &CompileOptions::default());
    let has_errors = read.compiled().has_errors();
    assert_eq!(read.image().is_some(), !has_errors, "{source}");
    assert_eq!(read.compiled().image, None, "{source}");
}

#[test]
fn cut_texts() {
    for seed in seeds() {
        let step = seed.len() / 10 + 1;
        for end in (0..seed.len()).step_by(step) {
            let (head, tail) = seed.split_at(seed.floor_char_boundary(end));
            run(head);
            run(tail);
        }
    }
}

#[test]
fn changed_texts() {
    let pieces = [
        "\"",
        "'",
        "'''",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        "\n",
        ",",
        ".",
        "\\",
        "#",
        "é",
        "\u{200b}",
        "\0",
        "\u{feff}",
        "*",
        "**",
        "/",
        "%",
        "{a}",
        "0",
        "-",
        "true",
        "2027-01-01T00:00:00Z",
        "&&",
        "(",
        ")",
        "?",
        "\r",
        "\u{10ffff}",
        "[[rule]]\n",
        "when = \"",
    ];
    let seeds = seeds();
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    for _ in 0..1_500 {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..1 + random.below(4) {
            let at = text.floor_char_boundary(random.below(text.len() + 1));
            match random.below(4) {
                0 => text.insert_str(at, pieces[random.below(pieces.len())]),
                1 => {
                    let end = text.ceil_char_boundary((at + 1 + random.below(8)).min(text.len()));
                    text.replace_range(at..end, "");
                }
                2 => {
                    let end = text.ceil_char_boundary((at + 1 + random.below(3)).min(text.len()));
                    text.replace_range(at..end, pieces[random.below(pieces.len())]);
                }
                _ => {
                    let other = &seeds[random.below(seeds.len())];
                    let from = other.floor_char_boundary(random.below(other.len()));
                    let to = other.ceil_char_boundary((from + 40).min(other.len()));
                    text.insert_str(at, other.get(from..to).unwrap());
                }
            }
        }
        run(&text);
    }
}

#[test]
fn deep_and_wide_texts() {
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{}b = 1", "a.".repeat(100_000)),
        format!("[{}b]", "a.".repeat(100_000)),
        "a = x\n".repeat(50_000),
        "\"".repeat(100_000),
        format!("rule = [{}]", "{},".repeat(100_000)),
        format!(
            "[[rule]]\nid = \"a\"\nallow = [{}]",
            "\"/a\",".repeat(100_000)
        ),
        format!("[[rule]]\nwhen = '{}'", "(".repeat(500_000)),
    ] {
        let mut tree = SourceTree::new();
        tree.insert("site.toml", text.clone());
        tree.insert("courses/a.toml", text);
        assert!(compile(&tree, &CompileOptions::default()).has_errors());
    }
}
