//! The reference of all keys of policy files, as Markdown.
//!
//! Generated from the same tables of keys that the compiler checks with, like the JSON Schemas
//! ([`schema`](crate::schema)). Not here: the explanation of the language, which `policy/README.md` has.

use crate::keys::{
    Keys, Shape,
    course::{COURSE, RULE},
    or_list,
    publish::PUBLISH_FILE,
    site::SITE_FILE,
    test_file::TEST_FILE,
};

use crate::limits::MAX_NAME_BYTES;

const INTRODUCTION: &str = "\
# All keys

Every key of every policy file, with its values and limits. Generated from the compiler's tables of keys; do not edit.
[README.md](README.md) explains the language, and [DIAGNOSTICS.md](DIAGNOSTICS.md) the messages about mistakes. The JSON
Schemas in [`schema`](schema) have the same content, for editors.

A limit in bytes counts UTF-8. An unknown key is an error.
";

/// A table of keys, and the headers under which it appears in a file.
struct Section {
    keys: &'static Keys,
    headers: Vec<String>,
}

/// The reference page.
pub fn keys() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (title, file) in [
        ("`site.toml`", &SITE_FILE),
        ("`courses/*.toml`", &COURSE),
        ("`*.test.toml`", &TEST_FILE),
        ("`publish.toml`", &PUBLISH_FILE),
    ] {
        let mut sections = Vec::new();
        collect(file, "", &mut sections);
        page.push_str(&format!("\n## {title}\n\n{}\n\n", file.about));
        page.push_str(&table(file));
        for section in &sections {
            add(&mut page, &section.headers, section.keys);
        }
        // The rules of both kinds of file have the same keys.
        if core::ptr::eq(file, &raw const COURSE) {
            add(&mut page, &["[[rule]]".to_owned()], &RULE);
        }
    }
    page
}

fn add(page: &mut String, headers: &[String], keys: &Keys) {
    let headers: Vec<_> = headers.iter().map(|header| format!("`{header}`")).collect();
    page.push_str(&format!(
        "\n### {}\n\n{}\n\n{}",
        headers.join(", "),
        keys.about,
        table(keys)
    ));
    for group in keys.one_of {
        page.push_str(&format!(
            "\nExactly one of {} is required.\n",
            or_list(group)
        ));
    }
}

/// Adds the tables inside a table, each once, in the order of their keys.
fn collect(keys: &'static Keys, path: &str, sections: &mut Vec<Section>) {
    for key in keys.keys {
        let name = match path {
            "" => key.name.to_owned(),
            path => format!("{path}.{}", key.name),
        };
        inner(&key.shape, &name, sections);
    }
}

fn inner(shape: &'static Shape, name: &str, sections: &mut Vec<Section>) {
    let (keys, header) = match shape {
        Shape::Table(keys) => (*keys, format!("[{name}]")),
        Shape::Tables { of, .. } => (*of, format!("[[{name}]]")),
        Shape::Map { of, .. } => return inner(of, &format!("{name}.NAME"), sections),
        Shape::Either(one, other) => {
            inner(one, name, sections);
            return inner(other, name, sections);
        }
        Shape::Text { .. }
        | Shape::File
        | Shape::Choice(_)
        | Shape::Flag
        | Shape::Yes
        | Shape::Int { .. }
        | Shape::Version(_)
        | Shape::Time
        | Shape::List { .. }
        | Shape::Sequence(_)
        | Shape::Any => return,
    };
    if core::ptr::eq(keys, &raw const RULE) {
        return;
    }
    let known = sections
        .iter_mut()
        .find(|section| core::ptr::eq(section.keys, keys));
    if let Some(section) = known {
        section.headers.push(header);
        return;
    }
    sections.push(Section {
        keys,
        headers: vec![header],
    });
    collect(keys, name, sections);
}

fn table(keys: &Keys) -> String {
    let mut rows = "| key | value | meaning |\n|---|---|---|\n".to_owned();
    for key in keys.keys {
        let needed = if key.required { ", required" } else { "" };
        rows.push_str(&format!(
            "| `{}` | {}{needed} | {} |\n",
            key.name,
            value(&key.shape),
            key.about.replace('|', "\\|")
        ));
    }
    rows
}

/// A value of this shape in words.
fn value(shape: &Shape) -> String {
    match shape {
        Shape::Text { max_bytes, .. } if *max_bytes == usize::MAX => "string".to_owned(),
        Shape::Text { max_bytes, .. } => format!("string of at most {max_bytes} bytes"),
        Shape::File => {
            format!("name of a file of the policy directory, at most {MAX_NAME_BYTES} bytes")
        }
        Shape::Choice(words) => or_list(words),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Yes => "`true`".to_owned(),
        Shape::Int { min, max } => format!("integer from {min} to {max}"),
        Shape::Version(known) => format!("`{known}`"),
        Shape::Time => "date-time with offset".to_owned(),
        Shape::List { of, max_entries } => {
            format!("list of 1 to {max_entries} entries: {}", value(of))
        }
        Shape::Sequence(of) => format!("list: {}", value(of)),
        Shape::Any => "any value".to_owned(),
        Shape::Either(one, other) => format!("{}; or {}", value(one), value(other)),
        Shape::Table(_) => "table".to_owned(),
        Shape::Tables { max_entries, .. } => format!("list of at most {max_entries} tables"),
        Shape::Map { of, max_entries } => {
            format!(
                "table of at most {max_entries} names of your choice: {}",
                value(of)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_on_the_page() {
        let page = keys();
        for header in [
            "`[site]`",
            "`[[issuer]]`",
            "`[issuer.cognito]`",
            "`[[issuer.secrets]]`",
            "`[claims.NAME]`",
            "`[deny.no_token]`, `[deny.bad_token]`, `[deny.forbidden]`",
            "`[[sign_in.secrets]]`",
            "`[[rule]]`",
            "`[people.NAME]`",
            "`[[table]]`",
        ] {
            let heading = format!("\n### {header}\n");
            assert_eq!(page.matches(&heading).count(), 1, "{header}");
        }
        assert!(!page.contains("[rule.]"), "{page}");
    }

    #[test]
    fn every_row_has_three_cells() {
        let page = keys();
        let rows: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        assert!(rows.len() > 90, "{}", rows.len());
        for row in rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
        }
    }
}
