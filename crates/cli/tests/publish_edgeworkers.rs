//! `tollgate publish`, `status` and `rollback` as processes, against a server that behaves like Akamai's EdgeWorkers API.
//!
//! Not here: faults, slow activations and signatures, which `tollgate-publish` tests with a stub.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

const SECRET: &str = "do-not-print-this-secret";
const CLIENT: &str = "akab-do-not-print-this-client";
const ACCESS: &str = "akab-do-not-print-this-access";

/// What the server has.
#[derive(Default)]
struct Data {
    /// Versions and their bundles.
    versions: Vec<(String, Vec<u8>)>,
    /// The network and the version of activations, all of them complete.
    activations: Vec<(String, String)>,
    /// The queries of all requests.
    queries: Vec<String>,
}

#[derive(Clone, Default)]
struct Api(Arc<Mutex<Data>>);

impl Api {
    /// Listens until the test ends. Returns the base URL.
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let api = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let api = api.clone();
                std::thread::spawn(move || api.serve(stream.unwrap()));
            }
        });
        base
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let (mut length, mut authorization) = (0, String::new());
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let Some((name, value)) = header.trim().split_once(": ") else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "authorization" => value.clone_into(&mut authorization),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let mut words = line.split_whitespace();
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let start =
                format!("EG1-HMAC-SHA256 client_token={CLIENT};access_token={ACCESS};timestamp=");
            let is_signed = authorization.starts_with(&start)
                && authorization.contains(";nonce=")
                && authorization.contains(";signature=")
                && !authorization.contains(SECRET);
            let (status, body) = match is_signed {
                true => self.answer(method, target, &body),
                false => (
                    401,
                    json!({
                        "type": "https://problems.luna.akamaiapis.net/-/pep-authn/deny",
                        "title": "Not authorized",
                        "detail": "Invalid authorization access token",
                    }),
                ),
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nETag: \"x\"\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
        }
    }

    fn answer(&self, method: &str, target: &str, body: &[u8]) -> (u16, Value) {
        let mut data = self.0.lock().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        data.queries.push(query.to_owned());
        let rest = path.strip_prefix("/edgeworkers/v1").unwrap();
        match (method, rest) {
            ("GET", "/ids/42") => (200, json!({ "edgeWorkerId": 42 })),
            ("POST", "/validations") => (200, json!({ "errors": [], "warnings": [] })),
            ("GET", "/ids/42/versions") => {
                let versions = data.versions.iter().enumerate();
                let listed = versions.map(|(at, (version, _))| {
                    json!({ "version": version, "createdTime": format!("2027-01-15T07:00:{at:02}Z") })
                });
                (200, json!({ "versions": listed.collect::<Vec<_>>() }))
            }
            ("POST", "/ids/42/versions") => {
                let (_, manifest) = files(body);
                let version = manifest["edgeworker-version"].as_str().unwrap().to_owned();
                data.versions.push((version, body.to_vec()));
                (201, json!({}))
            }
            ("GET", "/ids/42/activations") => {
                let network = query.split("network=").nth(1).unwrap();
                let network = network.split('&').next().unwrap();
                let found = data.activations.iter().enumerate();
                let found = found.filter(|(_, (on, _))| on == network);
                let mut listed: Vec<Value> = found
                    .map(|(at, (network, version))| {
                        json!({
                            "activationId": at + 1,
                            "version": version,
                            "network": network,
                            "status": "COMPLETE",
                            "createdTime": format!("2027-01-15T08:00:{at:02}Z"),
                        })
                    })
                    .collect();
                if query.ends_with("activeOnNetwork=true") {
                    listed = listed.pop().into_iter().collect();
                }
                (200, json!({ "activations": listed }))
            }
            ("POST", "/ids/42/activations") => {
                let body: Value = serde_json::from_slice(body).unwrap();
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                data.activations.push((text("network"), text("version")));
                (201, json!({ "activationId": data.activations.len() }))
            }
            _ => (
                404,
                json!({ "title": "x", "detail": "Unable to find it", "errorCode": "EW2002" }),
            ),
        }
    }
}

/// The files of a bundle.
fn files(bundle: &[u8]) -> (String, Value) {
    let mut archive = tar::Archive::new(GzDecoder::new(bundle));
    let mut texts = archive.entries().unwrap().map(|entry| {
        let mut text = String::new();
        entry.unwrap().read_to_string(&mut text).unwrap();
        text
    });
    let (main, manifest) = (texts.next().unwrap(), texts.next().unwrap());
    (main, serde_json::from_str(&manifest).unwrap())
}

struct World<'w> {
    base: String,
    folder: &'w Path,
}

impl World<'_> {
    /// Runs the command; returns its exit code, its standard output, and its standard error.
    fn tollgate(&self, env: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(args)
            .current_dir(self.folder)
            .env("HOME", self.folder)
            .env("AKAMAI_HOST", &self.base)
            .env("AKAMAI_CLIENT_TOKEN", CLIENT)
            .env("AKAMAI_CLIENT_SECRET", SECRET)
            .env("AKAMAI_ACCESS_TOKEN", ACCESS)
            .env_remove("AKAMAI_ACCOUNT_KEY")
            .env_remove("AKAMAI_EDGERC")
            .env_remove("AKAMAI_EDGERC_SECTION")
            .env_remove("AKAMAI_MAX_BODY")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        for text in [&out, &err] {
            assert!(!text.contains("print-this"), "{text}");
        }
        (output.status.code().unwrap(), out, err)
    }

    fn json(&self, expected: i32, args: &[&str]) -> Value {
        let (code, out, err) = self.tollgate(&[], args);
        assert_eq!(code, expected, "{args:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_default()
    }

    fn write(&self, path: &str, settings: &str) {
        let site = format!(
            "schema = 1\n[site]\nname = \"test\"\n[[rule]]\nid = \"a\"\nallow = [\"{path}\"]\nanyone = true\n"
        );
        let settings = format!("schema = 1\n[edgeworkers]\n{settings}\n");
        fs::create_dir_all(self.folder.join("policy/courses")).unwrap();
        fs::write(self.folder.join("policy/site.toml"), site).unwrap();
        fs::write(self.folder.join("policy/publish.toml"), settings).unwrap();
    }
}

fn command<'a>(name: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![name, "policy", "--target", "edgeworkers"];
    args.extend(rest);
    args
}

const BUILD: [&str; 6] = [
    "build",
    "policy",
    "--target",
    "edgeworkers",
    "-o",
    "one.tgz",
];

#[test]
fn a_bundle_is_published_on_both_networks_and_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    let count = || {
        let data = api.0.lock().unwrap();
        (data.versions.len(), data.activations.len())
    };
    world.write("/one/**", "id = 42");
    let status = world.json(3, &command("status", &["--json"]));
    assert_eq!(
        (&status["policy"], &status["version"], &status["network"]),
        (&Value::Null, &Value::Null, &json!("production"))
    );
    let dry = world.json(0, &command("publish", &["--json", "--dry-run"]));
    assert_eq!(dry["steps"].as_array().unwrap().len(), 6, "{dry}");
    assert_eq!(count(), (0, 0));
    let staging = ["--json", "--network", "staging"];
    let one = world.json(0, &command("publish", &staging));
    assert_eq!((count(), &one["policy"]), ((1, 1), &dry["policy"]));
    // The same version is activated on the other network.
    world.json(0, &command("publish", &["--json"]));
    assert_eq!(count(), (1, 2));
    let again = world.json(0, &command("publish", &["--json"]));
    assert_eq!(again["steps"], json!([]));
    // The version is what `tollgate build` writes, and its name has the policy.
    world.json(0, &BUILD);
    let bundle = fs::read(folder.path().join("one.tgz")).unwrap();
    let (version, uploaded) = api.0.lock().unwrap().versions[0].clone();
    assert!(uploaded == bundle && version.len() == 32);
    let status = world.json(0, &command("status", &["--json"]));
    assert_eq!(
        (&status["current"], &status["policy"], &status["version"]),
        (&json!(true), &one["policy"], &json!(version))
    );
    world.write("/two/**", "id = 42\nnetwork = \"staging\"");
    let two = world.json(0, &command("publish", &["--json"]));
    assert_eq!((count(), &two["live_before"]), ((2, 3), &one["policy"]));
    // Production still has the first one.
    world.json(
        3,
        &command("status", &["--json", "--network", "production"]),
    );
    let back = world.json(0, &command("rollback", &["--json"]));
    assert_eq!(back["policy"], one["policy"]);
    let status = world.json(3, &command("status", &["--json"]));
    assert_eq!(
        (&status["policy"], &status["restorable"]),
        (&one["policy"], &json!([two["policy"]]))
    );
    let to = two["policy"].as_str().unwrap();
    world.json(0, &command("rollback", &["--json", "--to", to]));
    world.json(0, &command("status", &["--json"]));
    let unknown = world.json(2, &command("rollback", &["--json", "--to", "ffff"]));
    assert_eq!(unknown["error"]["code"], "unknown_policy");
    // An artifact must have the policy of the directory.
    let artifact = ["--json", "--artifact", "one.tgz"];
    let refused = world.json(2, &command("publish", &artifact));
    assert_eq!(refused["error"]["code"], "setting");
    world.write("/one/**", "id = 42");
    assert_eq!(
        world.json(0, &command("publish", &artifact))["steps"],
        json!([])
    );
    // Nor may its two files have different ones.
    world.write("/two/**", "id = 42");
    world.json(
        0,
        &[
            "build",
            "policy",
            "--target",
            "edgeworkers",
            "-o",
            "two.tgz",
        ],
    );
    let (two, one) = (fs::read(folder.path().join("two.tgz")).unwrap(), bundle);
    let mut mixed = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for (name, text) in [
        ("main.js", files(&one).0),
        ("bundle.json", files(&two).1.to_string()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(text.len()).unwrap());
        header.set_mode(0o644);
        mixed
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    let mixed = mixed.into_inner().unwrap().finish().unwrap();
    fs::write(folder.path().join("mixed.tgz"), mixed).unwrap();
    let mixed = ["--json", "--artifact", "mixed.tgz"];
    let refused = world.json(2, &command("publish", &mixed));
    assert!(
        refused.to_string().contains("contains no policy"),
        "{refused}"
    );
}

#[test]
fn the_account_comes_from_the_option_the_file_or_the_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    let edgerc = format!(
        "[other]\nhost = {}\nclient_token = {CLIENT}\nclient_secret = {SECRET}\naccess_token = {ACCESS}\naccount_key = 1-FILE\n",
        world.base
    );
    fs::write(folder.path().join(".edgerc"), edgerc).unwrap();
    world.write("/one/**", "id = 42");
    let key = [("AKAMAI_ACCOUNT_KEY", "1-ENV")];
    let account = ["--account", "1-OPTION:1-B"];
    for (settings, env, args, expected) in [
        ("id = 42", &[][..], vec![], ""),
        ("id = 42", &key[..], vec![], "accountSwitchKey=1-ENV"),
        (
            "id = 42",
            &key[..],
            vec!["--section", "other"],
            "accountSwitchKey=1-FILE",
        ),
        (
            "id = 42\naccount = \"1-TOML\"",
            &key[..],
            vec![],
            "accountSwitchKey=1-TOML",
        ),
        (
            "id = 42\naccount = \"1-TOML\"",
            &key[..],
            account.to_vec(),
            "accountSwitchKey=1-OPTION%3A1-B",
        ),
    ] {
        world.write("/one/**", settings);
        api.0.lock().unwrap().queries.clear();
        let (code, out, err) = world.tollgate(env, &command("status", &args));
        assert_eq!(code, 3, "{args:?}\n{out}\n{err}");
        let queries = api.0.lock().unwrap().queries.clone();
        assert!(queries.len() == 4 && queries.iter().all(|query| query.starts_with(expected)));
        assert_eq!(queries[0].is_empty(), expected.is_empty(), "{queries:?}");
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    world.write("/one/**", "id = 42");
    let env = |name: &'static str, value: &'static str| vec![(name, value)];
    for (env, more, texts) in [
        (
            env("AKAMAI_CLIENT_SECRET", ""),
            vec![],
            [
                "`AKAMAI_CLIENT_SECRET` is not set",
                "READ-WRITE for EdgeWorkers",
            ],
        ),
        (
            env("AKAMAI_ACCESS_TOKEN", "do-not-print-this-wrong-one"),
            vec![],
            [
                "Invalid authorization access token",
                "the clock of this machine",
            ],
        ),
        (
            env("AKAMAI_HOST", "http://api.example"),
            vec![],
            ["unencrypted", "docs/publishing.md"],
        ),
        (
            vec![],
            vec!["--edgerc", "nowhere"],
            ["`nowhere` cannot be read", "~/.edgerc"],
        ),
        (
            vec![],
            vec!["--id", "7"],
            [
                "the EdgeWorker `7` does not exist",
                "akamai edgeworkers register",
            ],
        ),
        (
            vec![],
            vec!["--account", "../x"],
            ["`account` is `../x`", "publish.toml"],
        ),
    ] {
        for name in ["publish", "status", "rollback"] {
            let (code, out, err) = world.tollgate(&env, &command(name, &more));
            assert_eq!(code, 2, "{name} {env:?} {more:?}\n{out}\n{err}");
            for text in texts {
                assert!(err.contains(text), "{name} {env:?} {more:?}: {err}");
            }
        }
    }
    let (code, _, err) = world.tollgate(&[], &command("publish", &["--percent", "10"]));
    assert_eq!(
        (code, err.contains("cannot split requests")),
        (2, true),
        "{err}"
    );
    let (code, out, err) = world.tollgate(&[], &command("publish", &["--dry-run"]));
    assert_eq!(code, 0, "{out}{err}");
    let line =
        "edgeworkers:ActivateVersion POST https://AKAMAI_HOST/edgeworkers/v1/ids/42/activations";
    assert!(out.contains(line), "{out}");
    fs::remove_file(folder.path().join("policy/publish.toml")).unwrap();
    let (code, _, err) = world.tollgate(&[], &command("publish", &["--dry-run"]));
    assert_eq!(
        (
            code,
            err.contains("`id` is missing for the target `edgeworkers`")
        ),
        (2, true),
        "{err}"
    );
    assert!(api.0.lock().unwrap().versions.is_empty());
}
