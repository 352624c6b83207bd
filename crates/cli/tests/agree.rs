//! `decide` and `explain` return the same decision for every kind of token, path and source.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const NOW: &str = "2027-01-15T08:00:00Z";

fn site() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/site")
}

/// The exit code and standard output.
fn tollgate(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.trim_end().to_owned())
}

fn mint(more: &[&str]) -> String {
    let key = site().join("keys/hs-1.private.json");
    let mut arguments = vec![
        "token",
        "mint",
        "--key",
        key.to_str().unwrap(),
        "--now",
        NOW,
    ];
    arguments.extend(["--iss", "https://id.example.com", "--aud", "web"]);
    arguments.extend(more);
    let (code, token) = tollgate(&arguments);
    assert_eq!(code, Some(0), "{more:?}");
    token
}

/// Asserts that both commands return the same decision, and returns it.
fn agree(more: &[&str]) -> Value {
    let site = site();
    let of = |command: &str| {
        let mut arguments = vec![command, site.to_str().unwrap(), "--now", NOW, "--json"];
        arguments.extend(more);
        let (code, text) = tollgate(&arguments);
        let object: Value = serde_json::from_str(&text).unwrap();
        (code, object)
    };
    let ((code, decided), (other, explained)) = (of("decide"), of("explain"));
    assert_eq!(code, other, "{more:?}: {explained}");
    for member in ["outcome", "status", "reason", "detail", "rule", "error"] {
        assert_eq!(decided[member], explained[member], "{more:?}: {member}");
    }
    decided
}

#[test]
fn decide_and_explain_agree_on_tokens() {
    let tokens = [
        ("allow", mint(&["--group", "rust-101"])),
        ("expired", mint(&["--group", "rust-101", "--expires-in=-1"])),
        ("wrong_audience", mint(&["--claim", "aud=other"])),
        ("bad_claim", mint(&["--claim", "cognito:groups=5"])),
        ("not_yet_valid", mint(&["--claim", "nbf=1800009999"])),
        ("bad_encoding", "a.b.c".to_owned()),
    ];
    for (detail, token) in &tokens {
        let headers = [
            format!("Authorization: Bearer {token}"),
            format!("cookie: a=b; id_token={token}"),
        ];
        for header in &headers {
            let target = "/courses/rust-101/a";
            let found = agree(&["--target", target, "--header", header]);
            let is_it = found["detail"] == *detail || found["outcome"] == *detail;
            assert!(is_it, "{detail}: {found}");
        }
        for target in ["/courses/rust-101/preview/a", "/courses/rust-101/exams/a"] {
            agree(&["--target", target, "--header", &headers[0]]);
        }
    }
}

#[test]
fn decide_and_explain_agree_on_claims() {
    for claims in [
        r#"{"sub":"a"}"#,
        r#"{"cognito:groups":["rust-101"],"exp":5}"#,
        r#"{"cognito:groups":5}"#,
        r#"{"cognito:groups":["staff"],"custom:cohort":5}"#,
        r#"{"iss":"https://nobody.example"}"#,
        r#"{"sub":5}"#,
        "[]",
    ] {
        for target in ["/courses/rust-101/a", "/courses/rust-101/exams/a", "/a//b"] {
            agree(&["--target", target, "--claims", claims]);
        }
    }
    agree(&["--target", "/courses/rust-101/a", "--method", "PUT"]);
    agree(&["--target", "/nowhere"]);
}
