//! The program: configuration, input lines, output lines, exit codes.

#![expect(clippy::expect_used, reason = "a helper fails its test by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_crypto::image_key::ImageKey;
use tollgate_gate::PolicyVersion;
use tollgate_gate::signed::to_be_signed;

#[allow(dead_code, reason = "only the image is used here")]
#[path = "../../crates/gate/tests/gate/site.rs"]
mod site;

const CLOUDFRONT: &str = r#"{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"request":{
    "clientIp":"203.0.113.178","headers":{},"method":"GET","querystring":"","uri":"URI"}}}]}"#;
const TOKEN: &str = r#"{"type":"TOKEN","authorizationToken":null,
    "methodArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GETURI"}"#;

fn run(args: &[&str], environment: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate-lambda"));
    for (name, _) in std::env::vars() {
        if name.starts_with("TOLLGATE_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(args)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that rejects its arguments reads nothing, which is not an error of this test.
    _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("text")
}

#[test]
fn events_are_handled_line_by_line() {
    let image = std::env::temp_dir().join(format!("tollgate-lambda-{}", std::process::id()));
    std::fs::write(&image, site::image(&site::config())).expect("a writable directory");
    let path = image.to_str().expect("a plain name");
    let paths = ["/courses/rust-101/preview/a", "/courses/rust-101/a"];
    let fixed = ["--stdin", "--now", "1800000000"];
    let roles = [
        (
            "cloudfront",
            CLOUDFRONT,
            r#""uri":"/courses/rust-101/preview/a""#,
            r#""status":"401""#,
        ),
        (
            "authorizer",
            TOKEN,
            r#""Effect":"Allow""#,
            r#"{"errorMessage":"Unauthorized"}"#,
        ),
    ];
    for (role, event, open, closed) in roles {
        let environment = [("TOLLGATE_ROLE", role), ("TOLLGATE_POLICY", path)];
        let lines = paths.map(|path| event.replace('\n', "").replace("URI", path));
        let good = run(&fixed, &environment, &lines.join("\n\n"));
        assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
        let results: Vec<_> = text(&good.stdout).lines().collect();
        assert_eq!(results.len(), 2);
        assert!(results[0].contains(open), "{}", results[0]);
        assert!(results[1].contains(closed), "{}", results[1]);
        let log = text(&good.stderr);
        assert_eq!(log.matches(r#""time":1800000000"#).count(), 2, "{log}");

        let bad = run(&["--stdin"], &environment, &format!("{{\n{}\n", lines[0]));
        let results: Vec<_> = text(&bad.stdout).lines().collect();
        assert_eq!(bad.status.code(), Some(2));
        assert!(results[0].contains("errorMessage"), "{}", results[0]);
        assert!(results[1].contains(open), "{}", results[1]);
        assert!(text(&bad.stderr).contains("line 1: "));
    }

    std::fs::write(&image, "no image").expect("a writable directory");
    let environment = [("TOLLGATE_ROLE", "cloudfront"), ("TOLLGATE_POLICY", path)];
    let refused = run(&["--stdin"], &environment, "");
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    assert!(text(&refused.stderr).contains("policy image is rejected"));
    std::fs::remove_file(&image).expect("a writable directory");
}

type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn with_trust_keys_only_signed_images_are_loaded() {
    let folder = std::env::temp_dir().join(format!("tollgate-signed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a writable directory");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a writable directory");
        path.to_str().expect("a plain name").to_owned()
    };
    let key = ImageKey::generate().expect("a key");
    let image = site::image(&site::config());
    let sealed = |number| {
        let version = PolicyVersion::new(number).expect("a version");
        let sealed = to_be_signed(version, "release-1", &site::config().site, &image);
        let mut bytes = sealed.expect("a valid envelope");
        bytes.extend(key.sign(&bytes).expect("a signature"));
        bytes
    };
    let mut altered = sealed(5);
    altered[32] += 1;
    let x = Base64UrlUnpadded::encode_string(&key.public().expect("a public key"));
    let keys =
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"release-1","x":"{x}"}}]}}"#);
    let trust = write("trust.json", keys.as_bytes());
    let broken = write("broken.json", b"{}");
    let plain = write("plain.tgi", &image);
    let five = write("five.tgi", &sealed(5));
    let altered = write("altered.tgi", &altered);
    let event = CLOUDFRONT
        .replace('\n', "")
        .replace("URI", "/courses/rust-101/preview/a");
    let table: [(&str, Variables<'_>, Option<&str>); 10] = [
        (&plain, &[], None),
        (&five, &[], None),
        (&five, &[("TOLLGATE_TRUST", &trust)], None),
        (
            &five,
            &[("TOLLGATE_TRUST", &trust), ("TOLLGATE_OLDEST_POLICY", "5")],
            None,
        ),
        (
            &five,
            &[("TOLLGATE_TRUST", &trust), ("TOLLGATE_OLDEST_POLICY", "6")],
            Some("(image_older)"),
        ),
        (
            &plain,
            &[("TOLLGATE_TRUST", &trust)],
            Some("(image_unsigned)"),
        ),
        (
            &altered,
            &[("TOLLGATE_TRUST", &trust)],
            Some("(image_bad_signature)"),
        ),
        (
            &five,
            &[("TOLLGATE_TRUST", &broken)],
            Some("the trust keys are rejected"),
        ),
        (
            &five,
            &[("TOLLGATE_TRUST", "")],
            Some("TOLLGATE_TRUST must be a file"),
        ),
        (
            &five,
            &[("TOLLGATE_OLDEST_POLICY", "5")],
            Some("there are no trust keys"),
        ),
    ];
    for (policy, more, refused) in table {
        let mut environment = vec![("TOLLGATE_ROLE", "cloudfront"), ("TOLLGATE_POLICY", policy)];
        environment.extend(more);
        let output = run(&["--stdin", "--now", "1800000000"], &environment, &event);
        let stderr = text(&output.stderr);
        match refused {
            None => {
                assert_eq!(output.status.code(), Some(0), "{more:?}: {stderr}");
                assert!(text(&output.stdout).contains(r#""uri":"/courses"#));
            }
            Some(why) => {
                assert_eq!(
                    (output.status.code(), output.stdout.len()),
                    (Some(2), 0),
                    "{more:?}"
                );
                assert!(stderr.contains(why), "{more:?}: {stderr}");
            }
        }
    }
    std::fs::remove_dir_all(&folder).expect("a writable directory");
}

#[test]
fn usage_errors_are_reported() {
    for args in [
        &["x"][..],
        &["--stdin", "--now"],
        &["--stdin", "--now", "x"],
        &["--help", "x"],
    ] {
        let output = run(args, &[], "");
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}"
        );
        assert!(text(&output.stderr).starts_with("usage: "));
    }
    let missing = [
        ("TOLLGATE_ROLE", "cloudfront"),
        ("TOLLGATE_POLICY", "/no/such/file"),
    ];
    let table = [
        (&[][..], "TOLLGATE_ROLE must be set"),
        (
            &[("TOLLGATE_ROLE", "x")],
            "TOLLGATE_ROLE must be authorizer, content or cloudfront",
        ),
        (&[("TOLLGATE_ROLL", "x")], "unknown variable TOLLGATE_ROLL"),
        (
            &[("TOLLGATE_ROLE", "content")],
            "TOLLGATE_BUCKET must be set: the name of a bucket",
        ),
        (&missing, "/no/such/file"),
    ];
    for (environment, expect) in table {
        // Both as a function, which must not start, and as a filter.
        for args in [&[][..], &["--stdin"]] {
            let output = run(args, environment, "");
            assert_eq!(output.status.code(), Some(2), "{environment:?}");
            let stderr = text(&output.stderr);
            assert!(stderr.contains(expect), "{stderr}");
        }
    }
}

#[test]
fn help_names_every_variable() {
    let help = run(&["--help"], &[], "");
    assert_eq!(help.status.code(), Some(0));
    for variable in tollgate_lambda::settings::VARIABLES {
        assert!(
            text(&help.stdout).contains(variable.name),
            "{}",
            variable.name
        );
    }
}
