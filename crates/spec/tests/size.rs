//! A specification is only worth its name while somebody can read all of it.

/// Lines of code, without blank lines and comments.
#[test]
fn the_specification_stays_short() {
    let files = [
        include_str!("../src/path.rs"),
        include_str!("../src/pattern.rs"),
        include_str!("../src/condition.rs"),
        include_str!("../src/decide.rs"),
    ];
    let lines = files.iter().flat_map(|text| text.lines()).map(str::trim);
    let code = lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count();
    assert!(code <= 300, "{code} lines");
}
