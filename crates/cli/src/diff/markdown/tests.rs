//! Text of policies is only ever code in the comment that a CommonMark renderer produces.

use pulldown_cmark::{Event, Options, Parser, Tag};
use tollgate_policy::visible::visible;

use super::{code, folded};

/// Texts that try to be something else.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "`",
        "``",
        "a`b|<img src=x>``c",
        "a``b```c````d",
        "`start",
        "end`",
        "` both `",
        " both ",
        "|",
        "||",
        "\\|",
        "\\\\|",
        "\\",
        "a\\`",
        "`\\|`",
        "<img src=x onerror=alert(1)>",
        "&lt;b&gt; &#60; &amp;",
        "[x](https://a.example) https://a.example @everyone #1",
        "**x** _y_ ~~z~~ <!-- -->",
        "a\nb\r\n| c |\n\n# d",
        "\u{202e}ffats\u{200b}\u{1b}[31m",
        "```\n</details>\n",
        "$x$ :smile:",
    ]
    .map(str::to_owned)
    .to_vec();
    // Every short text of the letters that mean something.
    let letters = ['`', '|', '\\', '<', 'a', ' '];
    for number in 0..6_usize.pow(5) {
        let letter = |place: u32| letters[number / 6_usize.pow(place) % 6];
        texts.push((0..5).map(letter).collect());
    }
    texts
}

/// The code of a text's cell, or what else is in the table.
fn in_a_table(cell: &str) -> Result<String, String> {
    let table = format!("| a | b |\n|---|---|\n| {cell} | c |\n");
    let mut found = String::new();
    let (mut cells, mut inside) = (0, false);
    for event in Parser::new_ext(&table, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableCell) => cells += 1,
            Event::Text(text) if text.is_empty() => {}
            Event::Code(code) if cells == 3 => found.push_str(&code),
            Event::InlineHtml(html) if cells == 3 && &*html == "<code>" => inside = true,
            Event::InlineHtml(html) if cells == 3 && &*html == "</code>" => inside = false,
            Event::Text(text) if cells == 3 && inside => found.push_str(&text),
            Event::Text(text) if ["a", "b", "c"].contains(&&*text) && cells != 3 => {}
            Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow) | Event::End(_) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    match cells {
        4 => Ok(found),
        cells => Err(format!("{cells} cells")),
    }
}

#[test]
fn text_in_a_table_is_code() {
    for text in hostile() {
        let cell = code(&text);
        let found = in_a_table(&cell);
        // Readers differ in the spaces around code.
        let found = found.map(|found| found.trim().to_owned());
        let wanted = visible(&text).trim().to_owned();
        assert_eq!(found, Ok(wanted), "{text:?} as {cell}");
    }
}

#[test]
fn a_block_ends_where_it_should() {
    for text in hostile() {
        let mut markdown = String::new();
        folded(&mut markdown, "summary", "toml", &format!("{text}\n"));
        markdown.push_str("\nafter\n");
        let mut events = Parser::new(&markdown);
        let block: String = events
            .by_ref()
            .skip_while(|event| !matches!(event, Event::Start(Tag::CodeBlock(_))))
            .skip(1)
            .map_while(|event| match event {
                Event::Text(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        let wanted = tollgate_policy::visible::visible_lines(&text);
        assert_eq!(block, format!("{wanted}\n"), "{markdown}");
        let rest: Vec<String> = events.map(|event| format!("{event:?}")).collect();
        assert!(rest.iter().any(|event| event.contains("after")), "{rest:?}");
        assert!(rest.len() < 8, "{rest:?}");
    }
}
