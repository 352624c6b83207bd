use super::*;

/// The rest of a text, without blank lines, and the number of errors.
fn repaired(text: &str) -> (String, usize) {
    let mut report = Report::new("x.toml");
    let repaired = repair(text, &mut report);
    assert_eq!(
        repaired.text.len(),
        text.len(),
        "places have moved: {text:?}"
    );
    let lines = repaired.text.lines().filter(|line| !line.trim().is_empty());
    (
        lines.collect::<Vec<_>>().join("\n"),
        report.diagnostics.len(),
    )
}

#[test]
fn one_statement_is_lost_for_one_error() {
    let cases = [
        ("a = 1\nb = 2\n", "a = 1\nb = 2", 0),
        ("a = \nb = 2\n", "b = 2", 1),
        ("a = x\nb = 2\nc = y\n", "b = 2", 2),
        ("a = [1\nb = 2\nc = 3\n", "b = 2\nc = 3", 1),
        ("a = [\n  1\n  2,\n]\nb = 2\n", "b = 2", 1),
        ("a = [1, 2\n\n[[rule]]\nb = 2\n", "[[rule]]\nb = 2", 1),
        ("a = 'x\nb = 2\n", "b = 2", 1),
        ("a = { b = 1\nc = 2\n", "c = 2", 1),
        ("a = 1\na = 2\nb = 3\n", "a = 1\nb = 3", 1),
        (
            "[[rule]]\na = 1\n[rule]\na = 2\nb = 2\n[x]\nc = 1\n",
            "[[rule]]\na = 1\n[x]\nc = 1",
            1,
        ),
        // Tables where a list of tables belongs are lost together.
        (
            "[rule]\na = 1\n[rule] # b\na = 2\n[x]\nc = 1\n[rule]\na = 3\n",
            "[x]\nc = 1",
            1,
        ),
        (
            "[rule]\na = 1\n[[rule]]\na = 2\n[x]\nc = 1\n",
            "[[rule]]\na = 2\n[x]\nc = 1",
            1,
        ),
        (
            "[issuer]\na = 1\n[issuer.b]\na = 1\n[issuer]\na = 2\n",
            "",
            1,
        ),
        ("[x]\na = 1\n[x]\na = 2\n", "[x]\na = 1", 1),
        ("[rule\na = 1\n[x]\nc = 1\n", "[x]\nc = 1", 1),
        ("é é é\na = 1\n", "a = 1", 1),
        ("a = \"\"\"\nx = 1\ny = 2\n", "x = 1\ny = 2", 1),
    ];
    for (text, left, errors) in cases {
        assert_eq!(repaired(text), (left.to_owned(), errors), "{text:?}");
    }
}
