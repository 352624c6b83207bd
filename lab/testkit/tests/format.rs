//! Valid and invalid cases, and the format of a run's report.

use tollgate_testkit::{Answer, Case, Engine, Outcome, Reason, Stop, read_cases, run};

fn read(line: &str) -> Result<Case, String> {
    let mut cases = read_cases(line.as_bytes()).map_err(|errors| errors.to_string())?;
    assert_eq!(cases.len(), 1);
    cases.pop().ok_or_else(String::new)
}

#[test]
fn the_case_of_the_design() {
    let line = r#"{"id":"x","now":1800000000,"method":"GET","target":"/a%20b?\u00e9","headers":[["authorization","Bearer x.y.z"],["cookie","a=b"]],"ip":"203.0.113.7","expect":{"outcome":"allow","status":200,"reason":"allow","rule":"rust-101/students"}}"#;
    let case = read(line).unwrap();
    assert_eq!(case.target, b"/a%20b?\xe9");
    assert_eq!(case.target_text(), "/a%20b?\u{e9}");
    assert_eq!(case.headers[1], ("cookie".to_owned(), "a=b".to_owned()));
    assert_eq!(case.expect.rule, Some(Some("rust-101/students".to_owned())));
    assert_eq!(case.expect.detail, None);
    assert_eq!(read(&case.to_json().unwrap()).unwrap(), case);
}

#[test]
fn optional_members_can_be_omitted() {
    let case =
        read(r#" {"id":7,"now":-1,"method":"","target":"","expect":{"rule":null}} "#).unwrap();
    assert_eq!(
        (case.id.as_str(), case.now, case.ip.clone()),
        ("7", -1, None)
    );
    assert_eq!(case.expect.rule, Some(None));
    assert!(case.headers.is_empty());
    assert_eq!(read(&case.to_json().unwrap()).unwrap(), case);
    assert_eq!(read_cases(b"\n\r\n  \n").unwrap(), []);
}

#[test]
fn every_byte_survives() {
    let mut case = read(r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{}}"#).unwrap();
    case.target = (0..=255).collect();
    let json = case.to_json().unwrap();
    assert!(!json.contains('\n'));
    assert_eq!(read(&json).unwrap(), case);
}

#[test]
fn invalid_cases_are_rejected() {
    let table = [
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{},"heders":[]}"#,
            "unknown field `heders`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{"code":200}}"#,
            "unknown field `code`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{"outcome":"alow"}}"#,
            "unknown variant `alow`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{"reason":"no-token"}}"#,
            "unknown variant `no-token`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{"status":"200"}}"#,
            "invalid type: string",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/\u0100","expect":{}}"#,
            "U+0000 to U+00FF",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/€","expect":{}}"#,
            "`target` holds '€'",
        ),
        (
            r#"{"id":"x","now":1.5,"method":"GET","target":"/","expect":{}}"#,
            "floating point",
        ),
        (
            r#"{"id":"","now":0,"method":"GET","target":"/","expect":{}}"#,
            "non-empty string",
        ),
        (
            r#"{"id":"x","id":"y","now":0,"method":"GET","target":"/","expect":{}}"#,
            "duplicate field `id`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","headers":[["a"]],"expect":{}}"#,
            "length 1",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","headers":{"a":"b"},"expect":{}}"#,
            "invalid type: map",
        ),
        (
            r#"{"id":"x","method":"GET","target":"/","expect":{}}"#,
            "missing field `now`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/"}"#,
            "missing field `expect`",
        ),
        (
            r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{}} x"#,
            "trailing characters",
        ),
        ("[]", "invalid length"),
        ("{", "EOF"),
    ];
    for (line, want) in table {
        let error = read(line).unwrap_err();
        assert!(error.contains(want), "{line}\n{error}");
        assert!(
            error.starts_with("line 1, column ") && !error.contains(" at line "),
            "{error}"
        );
    }
}

#[test]
fn every_invalid_line_is_reported() {
    let good = r#"{"id":"x","now":0,"method":"GET","target":"/","expect":{}}"#;
    let text = format!("{good}\nnonsense\r\n\n{good}\n{{\"id\":true}}\n\u{7f}");
    let errors = read_cases(text.as_bytes()).unwrap_err();
    assert_eq!(
        errors.iter().map(|error| error.line()).collect::<Vec<_>>(),
        [2, 5, 6]
    );
    let told = errors.to_string();
    assert_eq!(told.lines().count(), 3);
    assert!(
        told.contains("line 5, column 10: invalid type: boolean"),
        "{told}"
    );
    let mut bytes = good.as_bytes().to_vec();
    bytes[8] = 0xff;
    assert_eq!(read_cases(&bytes).unwrap_err().iter().count(), 1);
}

/// An engine that decides by the ID of the case.
struct Script;

impl Engine for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn run(&mut self, case: &Case) -> Result<Answer, Stop> {
        match case.id.as_str() {
            "skip" | "skip-too" => Err(Stop::skip("it has no cookies")),
            "other" => Err(Stop::skip("it is closed")),
            "broken" => Err(Stop::broken("the process ended")),
            _ => Ok(Answer {
                rule: Some("a/b".to_owned()),
                ..Answer::new(Outcome::Allow, 200, Reason::Allow)
            }),
        }
    }
}

#[test]
fn the_report_of_a_run() {
    let table = [
        (
            "right",
            r#"{"outcome":"allow","status":200,"reason":"allow","rule":"a/b","detail":null}"#,
        ),
        ("unasked", "{}"),
        ("skip", r#"{"status":401}"#),
        (
            "wrong",
            r#"{"outcome":"deny","status":401,"reason":"bad_token","detail":"expired","rule":null}"#,
        ),
        ("other", "{}"),
        ("broken", "{}"),
        ("skip-too", "{}"),
        ("rule", r#"{"status":200,"rule":"a/c","policy":"00ff"}"#),
    ];
    let line = |(id, expect): &(&str, &str)| {
        format!(r#"{{"id":"{id}","now":0,"method":"GET","target":"/\n\u00e9","expect":{expect}}}"#)
    };
    let text: Vec<String> = table.iter().map(line).collect();
    let cases = read_cases(text.join("\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    let report = run(&mut Script, &cases, &mut |progress| seen.push(progress));
    assert!(!report.is_clean());
    assert_eq!(
        (seen.len(), seen[7].done, seen[7].failed, seen[7].total),
        (8, 8, 3, 8)
    );
    let want = "\
FAIL wrong: GET /\\n\u{e9}
  outcome: expected deny, got allow
  status: expected 401, got 200
  reason: expected bad_token, got allow
  detail: expected expired, got none
  rule: expected none, got a/b
FAIL broken: GET /\\n\u{e9}
  no answer: the process ended
FAIL rule: GET /\\n\u{e9}
  rule: expected a/c, got a/b
  policy: expected 00ff, got none
SKIP skip and 1 more: it has no cookies
SKIP other: it is closed
script: 2 passed, 3 failed, 3 skipped";
    assert_eq!(report.to_string(), want);
}

#[test]
fn words_are_stable() {
    for word in ["allow", "deny", "reject"] {
        assert_eq!(word.parse::<Outcome>().unwrap().code(), word);
    }
    let reasons = "allow no_token bad_token forbidden denied_by_rule bad_path bad_method internal";
    for word in reasons.split(' ') {
        assert_eq!(word.parse::<Reason>().unwrap().code(), word);
    }
    assert!("Allow".parse::<Reason>().is_err());
}
