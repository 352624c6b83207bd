//! A specification is useful only if it is short enough to be read completely.

#[test]
fn the_specification_of_decisions_stays_short() {
    let files = [
        include_str!("../src/path.rs"),
        include_str!("../src/pattern.rs"),
        include_str!("../src/condition.rs"),
        include_str!("../src/decide.rs"),
    ];
    let code: usize = files.into_iter().map(code).sum();
    assert!(code <= 350, "{code} lines");
}

#[test]
fn the_specification_of_tokens_stays_short() {
    let code = code(include_str!("../src/token.rs"));
    assert!(code <= 150, "{code} lines");
}

/// Lines of code, without blank lines and comments.
fn code(text: &str) -> usize {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}
