//! `tollgate publish`, `status` and `rollback` as processes, against an emulator of AWS: CloudFront Functions and an
//! object store.
//!
//! `TOLLGATE_MINISTACK` names the emulator; without it, nothing is tested. `cargo xtask test` sets it. Not here: faults
//! and signatures, which `tollgate-publish` tests with a stub, because the emulator checks neither.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

const SECRET: &str = "do-not-print-this-secret-key";

/// A running emulator.
struct Emulator {
    child: Child,
    port: u16,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulator {
    fn start(program: &str, folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new(program)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("LOG_LEVEL", "WARNING")
            .env("SERVICES", "cloudfront,cloudfront-keyvaluestore,s3")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let emulator = Self { child, port };
        let end = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the emulator does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        emulator
    }

    /// Sends a request, as an operator would who creates the infrastructure.
    fn send(&self, service: &str, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let credential = format!("Credential=test/20270115/us-east-1/{service}/aws4_request");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/xml\r\n\
             Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 2"), "{method} {path}: {text}");
        text
    }
}

/// The text of the first XML element of this name.
fn element(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

struct World<'w> {
    emulator: &'w Emulator,
    folder: &'w Path,
}

impl World<'_> {
    /// The command in the emulator's world.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command
            .args(args)
            .current_dir(self.folder)
            .env("HOME", self.folder)
            .env(
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.emulator.port),
            )
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Runs the command; returns its exit code, its standard output, and its standard error.
    fn tollgate(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.command(args).output().unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(!out.contains(SECRET) && !err.contains(SECRET));
        (output.status.code().unwrap(), out, err)
    }

    fn ok(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.tollgate(args);
        assert_eq!(code, 0, "{args:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_default()
    }

    fn write(&self, path: &str) {
        let site = format!(
            "schema = 1\n[site]\nname = \"test\"\n[[rule]]\nid = \"a\"\nallow = [\"{path}\"]\nanyone = true\n"
        );
        fs::create_dir_all(self.folder.join("policy/courses")).unwrap();
        fs::write(self.folder.join("policy/site.toml"), site).unwrap();
    }
}

#[test]
fn a_policy_is_published_and_rolled_back() {
    let Ok(program) = std::env::var("TOLLGATE_MINISTACK") else {
        println!("skipped: TOLLGATE_MINISTACK is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(&program, folder.path());
    let world = World {
        emulator: &emulator,
        folder: folder.path(),
    };
    functions(&world);
    objects(&world);
}

fn functions(world: &World<'_>) {
    const API: &str = "/2020-05-31";
    let emulator = world.emulator;
    let create = |path: &str, body: &str| {
        emulator.send("cloudfront", "POST", &format!("{API}/{path}"), body)
    };
    let body = "<CreateKeyValueStoreRequest><Name>tollgate</Name></CreateKeyValueStoreRequest>";
    let store = element(&create("key-value-store", body), "ARN");
    let body = format!(
        "<CreateFunctionRequest><Name>tollgate</Name><FunctionConfig><Comment>Tollgate</Comment>\
         <Runtime>cloudfront-js-2.0</Runtime><KeyValueStoreAssociations><Quantity>1</Quantity><Items>\
         <KeyValueStoreAssociation><KeyValueStoreARN>{store}</KeyValueStoreARN></KeyValueStoreAssociation></Items>\
         </KeyValueStoreAssociations></FunctionConfig><FunctionCode>ZnVuY3Rpb24gaGFuZGxlcihldmVudCkgeyByZXR1cm4gZXZlbnQucmVxdWVzdDsgfQ==</FunctionCode>\
         </CreateFunctionRequest>"
    );
    let function = element(&create("function", &body), "FunctionARN");
    let association = format!(
        "<FunctionAssociations><Quantity>1</Quantity><Items><FunctionAssociation><FunctionARN>{function}</FunctionARN>\
         <EventType>viewer-request</EventType></FunctionAssociation></Items></FunctionAssociations>"
    );
    let behaviour = "<TargetOriginId>o</TargetOriginId><ViewerProtocolPolicy>https-only</ViewerProtocolPolicy>\
                     <CachePolicyId>4135ea2d-6df8-44a3-9df3-4b5a84be39ad</CachePolicyId>";
    // CloudFront associates only functions that are published.
    world.write("/one/**");
    let place = ["--target", "cloudfront-functions", "--function", "tollgate"];
    let more = ["--settle", "0", "--no-function-test", "--json"];
    let run = |command: &'static str, rest: &[&'static str]| {
        let mut args = vec![command, "policy"];
        args.extend(place);
        args.extend(rest);
        args
    };
    let dry = world.ok(&run("publish", &[&more[..], &["--dry-run"]].concat()));
    assert!(dry["steps"].as_array().unwrap().len() > 2, "{dry}");
    assert_eq!(dry["live_before"], Value::Null);
    let one = world.ok(&run("publish", &more));
    assert_eq!(one["policy"], dry["policy"]);
    let body = format!(
        "<DistributionConfig><CallerReference>1</CallerReference><Comment></Comment><Enabled>true</Enabled><Origins>\
         <Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>example.com</DomainName><CustomOriginConfig>\
         <HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort><OriginProtocolPolicy>https-only</OriginProtocolPolicy>\
         </CustomOriginConfig></Origin></Items></Origins><DefaultCacheBehavior>{behaviour}{association}\
         </DefaultCacheBehavior><CacheBehaviors><Quantity>1</Quantity><Items><CacheBehavior><PathPattern>/open/*\
         </PathPattern>{behaviour}</CacheBehavior></Items></CacheBehaviors></DistributionConfig>"
    );
    let distribution = element(&create("distribution", &body), "Id");
    let status = |expected: i32| {
        let mut args = run("status", &["--json", "--distribution"]);
        args.push(&distribution);
        let (code, out, err) = world.tollgate(&args);
        assert_eq!(code, expected, "{out}{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    // The open behaviour is a negative result.
    let found = status(3);
    assert_eq!(found["policy"], one["policy"]);
    assert_eq!(found["current"], true);
    assert_eq!(
        found["behaviours_without_gate"],
        serde_json::json!(["/open/*"])
    );
    world.write("/two/**");
    assert_eq!(status(3)["current"], false);
    let two = world.ok(&run("publish", &more));
    assert_eq!(two["live_before"], one["policy"]);
    assert_eq!(status(3)["policy"], two["policy"]);
    // Once more is no work.
    let again = world.ok(&run("publish", &more));
    assert_eq!(again["steps"], serde_json::json!([]));
    let back = world.ok(&run(
        "rollback",
        &["--settle", "0", "--no-function-test", "--json"],
    ));
    assert_eq!(back["policy"], one["policy"]);
    assert_eq!(status(3)["policy"], one["policy"]);
    let (code, out, _) = world.tollgate(&run("rollback", &["--to", "ffff", "--json"]));
    let error: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, error["error"]["code"].as_str()),
        (2, Some("unknown_policy"))
    );
}

fn objects(world: &World<'_>) {
    world.emulator.send("s3", "PUT", "/policies", "");
    world.ok(&[
        "keygen",
        "-o",
        "release.pem",
        "--key-id",
        "r1",
        "--trust",
        "trust.json",
    ]);
    let place = ["--target", "authz", "--bucket", "policies", "--json"];
    let run = |command: &'static str, rest: &[&'static str]| {
        let mut args = vec![command, "policy"];
        args.extend(place);
        args.extend(rest);
        args
    };
    let mut policies = Vec::new();
    for (path, version) in [("/one/**", "1"), ("/two/**", "2")] {
        world.write(path);
        world.ok(&[
            "build",
            "policy",
            "-o",
            "policy.tgi",
            "--sign",
            "release.pem",
            "--key-id",
            "r1",
            "--policy-version",
            version,
        ]);
        let made = world.ok(&run("publish", &["--artifact", "policy.tgi"]));
        policies.push(made["policy"].clone());
        assert_eq!(world.ok(&run("status", &[]))["policy"], made["policy"]);
    }
    // Servers load the object with the credentials of their machine.
    let id = policies[1].as_str().unwrap();
    let mut server = world.command(&["authz", "--policy", "s3://policies/policy.tgi"]);
    server.args(["--trust", "trust.json", "--listen", "127.0.0.1:0"]);
    let mut server = server
        .args(["--peers", "127.0.0.1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = server.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(line.contains(id), "{line}");
    for (place, wanted) in [
        (
            "s3://policies/other.tgi",
            "the object `other.tgi` in the bucket `policies` does not exist",
        ),
        ("s3://policies", "`--policy` must be `s3://BUCKET/KEY`"),
    ] {
        let args = ["authz", "--policy", place, "--trust", "trust.json"];
        let rest = ["--listen", "127.0.0.1:0", "--peers", "127.0.0.1"];
        let (exit, _, err) = world.tollgate(&[&args[..], &rest].concat());
        assert!(exit == 2 && err.contains(wanted), "{place}: {err}");
    }
    let back = world.ok(&run("rollback", &[]));
    assert_eq!(back["policy"], policies[0]);
    let (code, out, _) = world.tollgate(&run("status", &[]));
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &status["policy"]), (3, &policies[0]));
    // An artifact of another directory is refused.
    world.write("/three/**");
    let (code, _, err) = world.tollgate(&[
        "publish",
        "policy",
        "--target",
        "authz",
        "--bucket",
        "policies",
        "--artifact",
        "policy.tgi",
    ]);
    assert_eq!(code, 2);
    assert!(err.contains("build it again"), "{err}");
}
