//! `[paths]`: what is delivered and authorized for index documents and for each reader.

use serde_json::Value;
use tollgate_core::PathReader;
use tollgate_gate::Gate;
use tollgate_lambda::authorizer::{AuthorizerSettings, HttpFormat};
use tollgate_lambda::content::{Content, ContentSettings, Delivery, From};
use tollgate_lambda::{Failure, Role};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;

use crate::events::{http, rest, rest_request};
use crate::kit::{Asked, Memory, NoKeys, settings, with_keys};
use crate::site::{Provider, config, spec};

const FOLDER: &str = "/courses/rust-101/preview";

fn gate(reader: PathReader, index: Option<&str>) -> Gate<Vec<u8>> {
    let spec = ImageSpec {
        reader,
        index: index.map(str::to_owned),
        ..spec(config().encode().expect("a valid configuration"))
    };
    Gate::new(encode(&spec).expect("a valid policy").image, &Provider).expect("a valid image")
}

fn content(settings: ContentSettings, reader: PathReader, index: Option<&str>) -> Asked {
    let store = Memory::of(&[
        ("courses/rust-101/preview/index.html", b"index"),
        ("courses/rust-101/preview/", b"folder"),
        ("courses/rust-101/preview/a b", b"space"),
        ("courses/rust-101/preview/a+b", b"plus"),
        ("courses/rust-101/preview/c#.", b"hash"),
    ]);
    let role = Role::Content(Content::new(settings, store));
    with_keys(gate(reader, index), NoKeys, role)
}

/// Status and body.
fn seen(answer: &Value) -> (u64, String) {
    use base64ct::Encoding;
    let status = answer["statusCode"].as_u64().expect("a status");
    let body = answer["body"].as_str().expect("a body");
    let is_bytes = answer["isBase64Encoded"] == true;
    let decoded = is_bytes.then(|| base64ct::Base64::decode_vec(body).expect("base64"));
    let body = decoded.map(|bytes| String::from_utf8(bytes).expect("text"));
    (status, body.unwrap_or_else(|| "-".to_owned()))
}

#[test]
fn the_object_is_that_of_the_evaluated_path() {
    let (strict, s3, files) = (PathReader::Strict, PathReader::S3, PathReader::Files);
    for (path, reader, index, expected) in [
        ("/", strict, None, (200, "folder")),
        ("/", strict, Some("index.html"), (200, "index")),
        ("/index.html", s3, Some("index.html"), (200, "index")),
        ("/", s3, Some("home.html"), (404, "-")),
        ("/a%20b", strict, None, (200, "space")),
        ("/a%2Bb", strict, None, (200, "plus")),
        ("/a+b", strict, None, (400, "-")),
        ("/a+b", s3, None, (200, "space")),
        ("/a%2Bb", s3, None, (200, "plus")),
        ("/a+b", files, None, (200, "plus")),
        ("/c%23.", s3, None, (200, "hash")),
        ("/c%23.", strict, None, (400, "-")),
    ] {
        let asked = content(settings(), reader, index);
        let answer = asked.answer(rest("GET", &format!("{FOLDER}{path}"), &[]));
        let (status, body) = seen(&answer.expect("an answer"));
        assert_eq!((status, body.as_str()), expected, "{path} {reader:?}");
    }
}

#[test]
fn a_parameter_names_a_folder_with_an_index_document() {
    let by_parameter = ContentSettings {
        from: From::Parameter,
        ..settings()
    };
    let asked = content(by_parameter, PathReader::S3, Some("index.html"));
    // A parameter is decoded in transit, so its plus sign is literal.
    for (query, expected) in [
        ("fn=courses/rust-101/preview/", (200, "index")),
        ("fn=courses/rust-101/preview/a%2Bb", (200, "plus")),
        ("fn=courses/rust-101/preview/a+b", (200, "space")),
        ("fn=courses/rust-101/preview/c%23.", (200, "hash")),
    ] {
        let mut event = http("GET", "/files", &[]);
        event["rawQueryString"] = Value::from(query);
        let (status, body) = seen(&asked.answer(event).expect("an answer"));
        assert_eq!((status, body.as_str()), expected, "{query}");
    }
    let log = asked.log();
    let path = r#""path":"/courses/rust-101/preview/index.html""#;
    assert!(log.iter().any(|line| line.contains(path)), "{log:?}");
}

#[test]
fn a_link_is_to_the_evaluated_path() {
    let links = ContentSettings {
        delivery: Delivery::Presigned,
        ..settings()
    };
    let asked = content(links, PathReader::S3, Some("index.html"));
    for (path, key) in [("/", "preview/index.html"), ("/a+b", "preview/a b")] {
        let answer = asked.answer(rest("GET", &format!("{FOLDER}{path}"), &[]));
        let answer = answer.expect("an answer");
        let link = answer["headers"]["location"].as_str().expect("a link");
        assert!(link.contains(key), "{link}");
    }
}

/// API Gateway forwards the path as received, so an authorizer must not allow another one.
#[test]
fn an_authorizer_fails_for_a_path_that_it_cannot_change() {
    let role = Role::Authorizer(AuthorizerSettings {
        base_path: String::new(),
        token_header: "authorization".to_owned(),
        http_format: HttpFormat::Simple,
    });
    let asked = with_keys(gate(PathReader::Strict, Some("index.html")), NoKeys, role);
    let answer = |path: &str| asked.answer(rest_request("GET", path, &[]));
    assert_eq!(answer(&format!("{FOLDER}/")), Err(Failure::Internal));
    let log = asked.log();
    let is_named = |line: &String| line.contains("index_not_forwarded");
    assert!(log.iter().any(is_named), "{log:?}");
    assert!(answer(&format!("{FOLDER}/index.html")).is_ok());
    // A denied request is denied as usual.
    assert_eq!(answer("/courses/rust-101/"), Err(Failure::Unauthorized));
}
