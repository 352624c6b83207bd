//! Content from an S3 server that checks signatures and permissions. `cargo xtask test` starts it and sets
//! its address.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a helper fails its test by panicking"
)]

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::FetchRequest;
use tollgate_host::{Fetched, Task};
use tollgate_lambda::content::{Content, ContentSettings, Delivery, From, Oversize};
use tollgate_lambda::store::s3::http_client;
use tollgate_lambda::store::s3::{S3, S3Settings};
use tollgate_lambda::store::{LinkWant, Store};
use tollgate_lambda::{Clock, Function, Reply, Role};

#[path = "functions/events.rs"]
#[allow(dead_code, reason = "only one of them is used here")]
mod events;
#[path = "../../crates/gate/tests/gate/site.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod site;

const FOLDER: &str = "courses/rust-101/preview";
/// Parts of S3's error responses. None of them may reach a client.
const ITS_WORDS: [&str; 5] = ["NoSuchKey", "AccessDenied", "Error", "Signature", "<"];

struct NoKeys;

impl tollgate_host::Client for NoKeys {
    type Error = &'static str;

    fn send(&self, _: FetchRequest, _: usize) -> Task<Result<Fetched, &'static str>> {
        Box::pin(async { Err("no key set here") })
    }
}

fn set(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} must be set; `cargo xtask test` sets it"))
}

fn bucket() -> S3Settings {
    S3Settings {
        bucket: set("TEST_S3_BUCKET"),
        region: set("TEST_S3_REGION"),
        endpoint: Some(set("TEST_S3_ENDPOINT")),
        key_id: set("TEST_S3_KEY_ID"),
        secret: set("TEST_S3_SECRET"),
        session: None,
    }
}

/// Stores an object.
async fn put(key: &str, bytes: &[u8]) {
    let settings = bucket();
    let credentials = Credentials::new(settings.key_id, settings.secret, None, None, "test");
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region))
        .credentials_provider(credentials)
        .http_client(http_client())
        .endpoint_url(settings.endpoint.expect("an address"))
        .force_path_style(true);
    let asked = Client::from_conf(config.build()).put_object();
    let asked = asked
        .bucket(settings.bucket)
        .key(key)
        .body(bytes.to_vec().into());
    asked.send().await.expect("an object");
}

fn function(delivery: Delivery, store: &S3Settings) -> Function<S3, NoKeys> {
    let settings = ContentSettings {
        from: From::Path,
        base_path: String::new(),
        delivery,
        oversize: Oversize::Presigned,
        checks_object: true,
        is_inline: false,
        origins: Vec::new(),
    };
    let role = Role::Content(Content::new(settings, S3::new(store, http_client())));
    let clock = Clock::Fixed(UnixSeconds(site::NOW));
    Function::new(site::gate(), NoKeys, role, clock, |_| {})
}

async fn answer(function: &Function<S3, NoKeys>, event: Value) -> Value {
    match function.answer(event).await {
        Ok(Reply::Value(value)) => value,
        _ => panic!("no result"),
    }
}

fn get(path: &str, headers: &[(&str, &str)]) -> Value {
    events::function_url("GET", path, headers)
}

fn bytes(answer: &Value) -> Vec<u8> {
    Base64::decode_vec(answer["body"].as_str().expect("a body")).expect("base64")
}

/// Sends a plain HTTP request and returns status and body.
fn fetch(method: &str, url: &str) -> (u16, Vec<u8>) {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    let (host, target) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a limit");
    write!(
        stream,
        "{method} /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let status = core::str::from_utf8(&answer[9..12]).expect("a status");
    (
        status.parse().expect("a status"),
        answer[end + 4..].to_vec(),
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn every_name_maps_to_its_own_object() {
    block_on(async {
        let function = function(Delivery::Body, &bucket());
        // The key, and its canonical path.
        let names = [
            ("plain.txt", "plain.txt"),
            ("a b.txt", "a%20b.txt"),
            ("a+b.txt", "a%2Bb.txt"),
            ("a*b.txt", "a*b.txt"),
            ("a=b&c,d@e:f$g!h'(i).txt", "a=b&c,d@e:f$g!h'(i).txt"),
            ("~übung – 1.txt", "~%C3%BCbung%20%E2%80%93%201.txt"),
        ];
        for (name, _) in names {
            put(&format!("{FOLDER}/{name}"), name.as_bytes()).await;
        }
        for (name, raw) in names {
            let answer = answer(&function, get(&format!("/{FOLDER}/{raw}"), &[])).await;
            assert_eq!(answer["statusCode"], 200, "{name}");
            assert_eq!(bytes(&answer), name.as_bytes(), "{name}");
            assert_eq!(answer["headers"]["content-type"], "text/plain");
        }
    });
}

#[test]
fn statuses_come_from_s3_but_texts_do_not() {
    block_on(async {
        put(&format!("{FOLDER}/part.txt"), b"0123456789").await;
        let path = format!("/{FOLDER}/part.txt");
        let right = function(Delivery::Body, &bucket());
        let part = answer(&right, get(&path, &[("range", "bytes=2-4")])).await;
        assert_eq!(
            (&part["statusCode"], bytes(&part)),
            (&json!(206), b"234".to_vec())
        );
        assert_eq!(part["headers"]["content-range"], "bytes 2-4/10");
        let whole = answer(&right, get(&path, &[])).await;
        let tag = whole["headers"]["etag"].as_str().expect("a tag");
        let head = answer(&right, events::function_url("HEAD", &path, &[])).await;
        assert_eq!(
            (&head["statusCode"], &head["body"]),
            (&json!(200), &json!(""))
        );
        assert_eq!(head["headers"]["content-length"], "10");

        let wrong_secret = S3Settings {
            secret: "wrong".to_owned(),
            ..bucket()
        };
        let wrong_secret = function(Delivery::Body, &wrong_secret);
        // No server listens on this port any more.
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let nobody = S3Settings {
            endpoint: Some(format!(
                "http://{}",
                closed.local_addr().expect("an address")
            )),
            ..bucket()
        };
        drop(closed);
        let (down, link_down) = (
            function(Delivery::Body, &nobody),
            function(Delivery::Presigned, &nobody),
        );
        let missing = format!("/{FOLDER}/missing.txt");
        let table = [
            (&right, &path, vec![("range", "bytes=10-")], 416),
            (&right, &path, vec![("if-none-match", tag)], 304),
            (&right, &missing, vec![], 404),
            (&wrong_secret, &path, vec![], 502),
            (&down, &path, vec![], 503),
            (&link_down, &path, vec![], 503),
        ];
        for (function, path, headers, status) in table {
            let answer = answer(function, get(path, &headers)).await;
            assert_eq!(answer["statusCode"], status, "{path} {headers:?}");
            let shown = answer.to_string();
            for word in ITS_WORDS {
                assert!(!shown.contains(word), "{shown}");
            }
            assert!(!shown.contains("0123456789"));
        }
    });
}

#[test]
fn links_grant_one_object_for_a_limited_time() {
    block_on(async {
        let key = format!("{FOLDER}/link ü.mp4");
        put(&key, b"video").await;
        let settings = bucket();
        let function = function(Delivery::Presigned, &settings);
        let path = format!("/{FOLDER}/link%20%C3%BC.mp4");
        let given = answer(&function, get(&path, &[])).await;
        assert_eq!(given["statusCode"], 302);
        let link = given["headers"]["location"]
            .as_str()
            .expect("a location")
            .to_owned();
        assert!(link.contains("X-Amz-Expires=300"));
        assert_eq!(fetch("GET", &link), (200, b"video".to_vec()));
        let missing = answer(&function, get(&format!("/{FOLDER}/missing.mp4"), &[])).await;
        assert_eq!(missing["statusCode"], 404);

        let (url, query) = link.split_once('?').expect("a query");
        let other = url.replace("link", "other");
        let (rest, signature) = link.rsplit_once("X-Amz-Signature=").expect("a signature");
        let flipped = if signature.starts_with('0') { "1" } else { "0" };
        let refused = [
            ("GET", url.to_owned()),
            ("GET", format!("{other}?{query}")),
            (
                "GET",
                format!("{rest}X-Amz-Signature={flipped}{}", &signature[1..]),
            ),
            (
                "GET",
                link.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
            ),
            ("PUT", link.clone()),
        ];
        for (method, url) in refused {
            assert_eq!(fetch(method, &url).0, 403, "{method} {url}");
        }
        let want = LinkWant {
            is_head: false,
            life_secs: 1,
            content_type: "video/mp4".to_owned(),
            disposition: "attachment".to_owned(),
        };
        let short = S3::new(&settings, http_client())
            .link(&key, &want)
            .await
            .expect("a link");
        std::thread::sleep(Duration::from_millis(2_100));
        assert_eq!(fetch("GET", &short).0, 403);
    });
}

#[test]
fn a_stream_contains_the_whole_object() {
    block_on(async {
        let large: Vec<u8> = (0..7_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        put(&format!("{FOLDER}/large.bin"), &large).await;
        let path = format!("/{FOLDER}/large.bin");
        let event = || get(&path, &[]);
        let Ok(Reply::Stream(head, Some(mut chunks))) =
            function(Delivery::Stream, &bucket()).answer(event()).await
        else {
            panic!("no stream");
        };
        assert_eq!(head.status, 200);
        let mut found = Vec::new();
        while let Some(chunk) = chunks.next().await {
            found.extend(chunk.expect("bytes"));
        }
        assert!(found == large);
        // Too large for a body, so the response is a link.
        let body = answer(&function(Delivery::Body, &bucket()), event()).await;
        assert_eq!(body["statusCode"], 302);
    });
}
