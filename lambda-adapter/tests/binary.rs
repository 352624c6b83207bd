//! The program: lines in, lines out, exit codes.

#![expect(clippy::expect_used, reason = "a helper fails its test by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

#[allow(dead_code, reason = "only the image is used here")]
#[path = "../../crates/gate/tests/gate/site.rs"]
mod site;

const EVENT: &str = r#"{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"request":{
    "clientIp":"203.0.113.178","headers":{},"method":"GET","querystring":"","uri":"URI"}}}]}"#;

fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate-lambda"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that refuses its arguments reads nothing; that is no error of this test.
    _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("text")
}

#[test]
fn events_are_answered_line_by_line() {
    let image = std::env::temp_dir().join(format!("tollgate-lambda-{}", std::process::id()));
    std::fs::write(&image, site::image(&site::config())).expect("a writable folder");
    let path = image.to_str().expect("a plain name");
    let event = |uri| EVENT.replace('\n', "").replace("URI", uri);
    let (open, closed) = (
        event("/courses/rust-101/preview/a"),
        event("/courses/rust-101/a"),
    );

    let good = run(
        &["--image", path, "--now", "1800000000"],
        &format!("{open}\n\n{closed}"),
    );
    let lines: Vec<_> = text(&good.stdout).lines().collect();
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains(r#""uri":"/courses/rust-101/preview/a""#),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(r#""status":"401""#), "{}", lines[1]);
    assert_eq!(
        text(&good.stderr).matches(r#""time":1800000000"#).count(),
        2
    );

    let bad = run(&["--image", path], &format!("{{\n{open}\n"));
    let lines: Vec<_> = text(&bad.stdout).lines().collect();
    assert_eq!(bad.status.code(), Some(2));
    assert!(lines[0].contains(r#""status":"500""#), "{}", lines[0]);
    assert!(lines[1].contains(r#""uri""#), "{}", lines[1]);
    assert!(text(&bad.stderr).contains("line 1: "));

    std::fs::write(&image, "no image").expect("a writable folder");
    let refused = run(&["--image", path], &open);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    assert!(text(&refused.stderr).contains("policy image is refused"));
    std::fs::remove_file(&image).expect("a writable folder");
}

#[test]
fn wrong_use_is_told() {
    for args in [
        &[][..],
        &["--image"],
        &["--now", "1"],
        &["--image", "a", "--now", "x"],
        &["x"],
    ] {
        let output = run(args, "");
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}"
        );
        assert!(text(&output.stderr).starts_with("usage: "));
    }
    let missing = run(&["--image", "/no/such/file"], "");
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/no/such/file"));
}
