//! The little Markdown that the site's builder reads: links outside code, and `{{#include FILE}}`.
//!
//! Not here: rendering, which mdBook does.

/// A part of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text that is copied.
    Text(&'a str),
    /// `[text](target)`, or `![text](target)` with the exclamation mark before it in the text.
    Link { text: &'a str, target: &'a str },
}

/// Splits a page at its links. Code blocks and code spans contain none.
pub(super) fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut in_block = false;
    for line in page.split_inclusive('\n') {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            in_block = !in_block;
            parts.push(Part::Text(line));
        } else if in_block {
            parts.push(Part::Text(line));
        } else {
            of_line(line, &mut parts);
        }
    }
    parts
}

/// Joins lines first where a link is broken over two of them, so that every link is on one line.
pub(super) fn joined(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut in_block = false;
    for line in page.split_inclusive('\n') {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            in_block = !in_block;
        }
        text.push_str(line);
        let last = text.rfind("\n\n").map_or(0, |at| at + 2);
        let paragraph = text.get(last..).unwrap_or_default();
        let is_open = |open: &str, close: &str| {
            let opened = paragraph.rfind(open);
            opened.is_some_and(|at| !paragraph.get(at..).is_some_and(|rest| rest.contains(close)))
        };
        if !in_block && (is_open("](", ")") || is_open_bracket(paragraph)) && text.ends_with('\n') {
            text.pop();
            text.push(' ');
        }
    }
    text
}

/// Whether the last bracket outside code is still open.
fn is_open_bracket(paragraph: &str) -> bool {
    let mut open = false;
    let mut in_code = false;
    for letter in paragraph.chars() {
        match letter {
            '`' => in_code = !in_code,
            '[' if !in_code => open = true,
            ']' if !in_code => open = false,
            _ => {}
        }
    }
    open && !in_code
}

fn of_line<'a>(line: &'a str, parts: &mut Vec<Part<'a>>) {
    let mut start = 0;
    let mut search = 0;
    while let Some((text, target, from, to)) = next_link(line, search) {
        parts.push(Part::Text(line.get(start..from).unwrap_or_default()));
        parts.push(Part::Link { text, target });
        (start, search) = (to, to);
    }
    parts.push(Part::Text(line.get(start..).unwrap_or_default()));
}

/// The next link at or after a position: its text, its target, and where it begins and ends.
fn next_link(line: &str, search: usize) -> Option<(&str, &str, usize, usize)> {
    let bytes = line.as_bytes();
    let mut at = search;
    let mut opened = None;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'`' => {
                let run = bytes.get(at..)?.iter().take_while(|b| **b == b'`').count();
                let ticks = line.get(at..at + run)?;
                let after = at + run;
                // A run that is never closed is text.
                at = match line.get(after..)?.find(ticks) {
                    Some(length) => after + length + run,
                    None => after,
                };
                continue;
            }
            b'\\' => at += 1,
            b'[' => opened = Some(at),
            b']' if bytes.get(at + 1) == Some(&b'(') => {
                if let Some(from) = opened {
                    let length = line.get(at + 2..)?.find(')')?;
                    let target = line.get(at + 2..at + 2 + length)?;
                    return Some((line.get(from + 1..at)?, target, from, at + 3 + length));
                }
            }
            b']' => opened = None,
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let page = "a [b](c.md#d) `[x](y)` [`e`](f)\n```\n[g](h)\n```\n[i] [j](k)\n";
        let links: Vec<_> = parts(page)
            .into_iter()
            .filter_map(|part| match part {
                Part::Link { text, target } => Some((text, target)),
                Part::Text(_) => None,
            })
            .collect();
        assert_eq!(links, [("b", "c.md#d"), ("`e`", "f"), ("j", "k")]);
    }

    #[test]
    fn nothing_is_lost() {
        for page in [
            "a [b] c\n",
            "`` ` `` [",
            "[a](b",
            "x\\[y](z)\n",
            "[a](b) [c](d)",
        ] {
            let whole: String = parts(page)
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => text.to_owned(),
                    Part::Link { text, target } => format!("[{text}]({target})"),
                })
                .collect();
            assert_eq!(whole, page);
        }
    }

    #[test]
    fn a_link_over_two_lines_is_joined() {
        assert_eq!(joined("a [b\nc](d)\ne\n"), "a [b c](d)\ne\n");
        assert_eq!(joined("`a[`\n[b](\nc)\n"), "`a[`\n[b]( c)\n");
        assert_eq!(joined("```\na[\nb\n```\n"), "```\na[\nb\n```\n");
    }
}
