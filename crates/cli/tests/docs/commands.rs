//! The page of commands, `docs/commands.md`: what `--help` prints. `TOLLGATE_BLESS=1` writes it.

use std::fs;
use std::process::Command;

use crate::repository;

const INTRODUCTION: &str = "\
# Commands

What `tollgate COMMAND --help` prints. Generated from the command; do not edit.

Exit codes: 0 on success, 3 for a negative result (request denied, invalid token, failed test), 2 for a usage error or
invalid input. `--json` prints a single JSON object; `--format sarif`, `github` and `gitlab` of `check`, `test` and `diff` are for
CI. Times are RFC 3339 timestamps or Unix seconds. Without a directory, a command looks for `site.toml` in the current directory, in
`policy`, and in the parent directories.
";

/// Returns the output of `--help`.
fn help(words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let done = command.args(words).arg("--help").output().unwrap();
    assert!(done.status.success(), "{words:?}");
    let text = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// The names of the subcommands in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn add(page: &mut String, words: &[&str]) {
    let help = help(words);
    if !words.is_empty() {
        let level = if words.len() == 1 { "##" } else { "###" };
        let name = words.join(" ");
        page.push_str(&format!(
            "\n{level} tollgate {name}\n\n<!-- output -->\n```text\n{help}\n```\n"
        ));
    }
    for name in subcommands(&help) {
        let words: Vec<&str> = words.iter().copied().chain([name.as_str()]).collect();
        add(page, &words);
    }
}

#[test]
fn the_page_of_commands_is_current() {
    let mut page = INTRODUCTION.to_owned();
    add(&mut page, &[]);
    assert!(page.matches("\n## tollgate ").count() > 15, "{page}");
    let path = repository().join("docs/commands.md");
    if std::env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let current = fs::read_to_string(path).unwrap_or_default();
    assert!(
        current == page,
        "docs/commands.md is out of date: run `TOLLGATE_BLESS=1 cargo test -p tollgate --test docs`"
    );
}
