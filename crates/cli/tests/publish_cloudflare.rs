//! `tollgate publish`, `status` and `rollback` as processes, against a server that behaves like Cloudflare's API.
//!
//! Not here: faults and eventual consistency, which `tollgate-publish` tests with a stub.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

const TOKEN: &str = "do-not-print-this-token";
const ACCOUNT: &str = "0000000000000000000000000000acc0";
const NAMESPACE: &str = "0000000000000000000000000000aace";

/// A server with a KV namespace and a Worker.
#[derive(Clone, Default)]
struct Api {
    values: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// The messages of versions, and deployments.
    worker: Arc<Mutex<(Vec<String>, Vec<Value>)>>,
}

impl Api {
    /// Listens until the test ends. Returns the base URL.
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/client/v4", listener.local_addr().unwrap());
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
            let (mut length, mut token) = (0, String::new());
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let Some((name, value)) = header.trim().split_once(": ") else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "authorization" => value.clone_into(&mut token),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let mut words = line.split_whitespace();
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let (status, body) = match token == format!("Bearer {TOKEN}") {
                true => self.answer(method, target, body),
                false => failure(403, 10000, "Authentication error"),
            };
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nETag: \"x\"\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    }

    fn answer(&self, method: &str, target: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let done = |result: Value| {
            let body = json!({ "success": true, "errors": [], "result": result });
            (200, body.to_string().into_bytes())
        };
        let root = format!("/client/v4/accounts/{ACCOUNT}/workers/scripts/gate");
        if let Some(rest) = target.strip_prefix(&root) {
            return done(self.worker(method, rest, &body));
        }
        let root = format!("/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}");
        let Some(rest) = target.strip_prefix(&root) else {
            return failure(404, 10013, "namespace not found");
        };
        let mut values = self.values.lock().unwrap();
        let key = rest.strip_prefix("/values/");
        let key = key.map(|key| key.replace("%2F", "/"));
        match (method, key) {
            ("GET", Some(key)) => match values.get(&key) {
                Some(value) => (200, value.clone()),
                None => failure(404, 10009, "get: 'key not found'"),
            },
            ("PUT", Some(key)) => {
                values.insert(key, body);
                done(Value::Null)
            }
            ("DELETE", Some(key)) => {
                values.remove(&key);
                done(Value::Null)
            }
            ("GET", None) if rest.starts_with("/keys?prefix=") => {
                let keys = values.keys().filter(|key| key.starts_with("policy/"));
                done(keys.map(|key| json!({ "name": key })).collect())
            }
            ("GET", None) if rest.is_empty() => done(json!({ "id": NAMESPACE })),
            other => panic!("{other:?} {rest}"),
        }
    }
}

impl Api {
    fn worker(&self, method: &str, rest: &str, body: &[u8]) -> Value {
        let mut worker = self.worker.lock().unwrap();
        let (versions, deployments) = &mut *worker;
        match (method, rest) {
            ("GET", "/deployments") => {
                let listed: Vec<&Value> = deployments.iter().rev().collect();
                json!({ "deployments": listed })
            }
            ("GET", "/versions?deployable=true") => {
                let listed: Vec<Value> = versions
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(at, message)| {
                        let annotations = json!({ "workers/message": message });
                        json!({ "id": format!("v{at}"), "number": at + 1, "annotations": annotations })
                    })
                    .collect();
                json!({ "items": listed })
            }
            ("GET", _) => json!({ "id": "v0", "resources": { "bindings": [
                { "name": "SECRET", "type": "plain_text", "text": "do-not-print-this-either" },
            ] } }),
            ("POST", "/versions?bindings_inherit=strict") => {
                let text = String::from_utf8_lossy(body);
                assert!(!text.contains("print-this") && text.contains("\"inherit\""));
                for name in ["index.js", "x.wasm", "policy.image"] {
                    assert!(text.contains(&format!("filename=\"{name}\"")), "{text}");
                }
                assert!(!text.contains("wrangler.toml"));
                let (_, message) = text.split_once("\"workers/message\":\"").unwrap();
                versions.push(message.split('"').next().unwrap().to_owned());
                json!({ "id": "x" })
            }
            ("POST", "/deployments") => {
                let mut deployment: Value = serde_json::from_slice(body).unwrap();
                deployment["id"] = deployments.len().to_string().into();
                deployments.push(deployment);
                json!({ "id": "x" })
            }
            other => panic!("{other:?}"),
        }
    }
}

fn failure(status: u16, code: u32, message: &str) -> (u16, Vec<u8>) {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "success": false, "errors": errors, "result": null });
    (status, body.to_string().into_bytes())
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
            .env("CLOUDFLARE_API_BASE_URL", &self.base)
            .env("CLOUDFLARE_API_TOKEN", TOKEN)
            .env_remove("CLOUDFLARE_ACCOUNT_ID")
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

    fn write(&self, path: &str) {
        let site = format!(
            "schema = 1\n[site]\nname = \"test\"\n[[rule]]\nid = \"a\"\nallow = [\"{path}\"]\nanyone = true\n"
        );
        let settings = format!(
            "schema = 1\n[cloudflare]\nnamespace = \"{NAMESPACE}\"\naccount = \"{ACCOUNT}\"\nsettle_secs = 0\nkeep = 2\n"
        );
        fs::create_dir_all(self.folder.join("policy/courses")).unwrap();
        fs::write(self.folder.join("policy/site.toml"), site).unwrap();
        fs::write(self.folder.join("policy/publish.toml"), settings).unwrap();
    }
}

fn command<'a>(name: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![name, "policy", "--target", "cloudflare"];
    args.extend(rest);
    args
}

/// The steps without the digests of bodies.
fn timeless(steps: &Value) -> Value {
    let mut steps = steps.clone();
    for step in steps.as_array_mut().unwrap() {
        // A wait has no calls.
        for call in step
            .get_mut("calls")
            .into_iter()
            .filter_map(Value::as_array_mut)
            .flatten()
        {
            call.as_object_mut().unwrap().remove("body_sha256");
        }
    }
    steps
}

#[test]
fn a_policy_in_kv_is_published_and_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    let value = |key: &str| api.values.lock().unwrap().get(key).cloned();
    world.write("/one/**");
    let status = world.json(3, &command("status", &["--json"]));
    assert_eq!(
        (&status["policy"], &status["complete"]),
        (&Value::Null, &json!(false))
    );
    let dry = world.json(0, &command("publish", &["--json", "--dry-run"]));
    assert!(dry["steps"].as_array().unwrap().len() > 4, "{dry}");
    assert_eq!(api.values.lock().unwrap().len(), 0);
    let one = world.json(0, &command("publish", &["--json"]));
    // The history contains the second of the publication; the crate compares the bytes, with a clock of its own.
    assert_eq!(timeless(&one["steps"]), timeless(&dry["steps"]));
    let first = one["policy"].as_str().unwrap().to_owned();
    assert_eq!(value("policy").as_deref(), Some(first.as_bytes()));
    // The key holds what `tollgate build` writes.
    world.json(0, &["build", "policy", "-o", "one.tgi"]);
    let image = fs::read(folder.path().join("one.tgi")).unwrap();
    assert_eq!(value(&format!("policy/{first}")), Some(image));
    let status = world.json(0, &command("status", &["--json"]));
    assert_eq!(
        (&status["current"], &status["complete"]),
        (&json!(true), &json!(true))
    );
    let again = world.json(0, &command("publish", &["--json"]));
    assert_eq!(again["steps"], json!([]));
    world.write("/two/**");
    let two = world.json(0, &command("publish", &["--json"]));
    assert_eq!(two["live_before"], one["policy"]);
    let back = world.json(0, &command("rollback", &["--json"]));
    assert_eq!(back["policy"], one["policy"]);
    assert_eq!(value("policy").as_deref(), Some(first.as_bytes()));
    // The directory builds another policy than the live one.
    let status = world.json(3, &command("status", &["--json"]));
    assert_eq!(
        (&status["current"], &status["restorable"]),
        (&json!(false), &json!([two["policy"]]))
    );
    let unknown = world.json(2, &command("rollback", &["--json", "--to", "ffff"]));
    assert_eq!(unknown["error"]["code"], "unknown_policy");
    // A damaged image is reported, and put again.
    api.values
        .lock()
        .unwrap()
        .insert(format!("policy/{first}"), b"?".to_vec());
    let status = world.json(3, &command("status", &["--json"]));
    assert_eq!(status["complete"], false);
    world.write("/one/**");
    world.json(0, &command("publish", &["--json"]));
    assert_eq!(
        world.json(0, &command("status", &["--json"]))["complete"],
        true
    );
}

#[test]
fn a_signed_image_is_published_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    world.write("/one/**");
    let key = ["--key-id", "r1", "--trust", "trust.json"];
    world.json(
        0,
        &[&["keygen", "-o", "release.pem"][..], &key[..]].concat(),
    );
    let sign = [
        "--sign",
        "release.pem",
        "--key-id",
        "r1",
        "--policy-version",
        "1",
    ];
    world.json(
        0,
        &[&["build", "policy", "-o", "one.tgi"][..], &sign[..]].concat(),
    );
    let artifact = ["--json", "--artifact", "one.tgi"];
    let made = world.json(0, &command("publish", &artifact));
    let key = format!("policy/{}", made["policy"].as_str().unwrap());
    let image = fs::read(folder.path().join("one.tgi")).unwrap();
    assert_eq!(api.values.lock().unwrap().get(&key), Some(&image));
    assert_eq!(
        world.json(0, &command("status", &["--json"]))["complete"],
        true
    );
    world.write("/two/**");
    let refused = world.json(2, &command("publish", &artifact));
    assert_eq!(refused["error"]["code"], "setting");
}

#[test]
fn a_worker_with_its_policy_is_published_split_and_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    let dist = |path: &str| {
        world.write(path);
        fs::create_dir_all(folder.path().join("dist")).unwrap();
        for (name, text) in [
            ("index.js", "import './policy.image'"),
            ("x.wasm", "?"),
            ("wrangler.toml", ""),
        ] {
            fs::write(folder.path().join("dist").join(name), text).unwrap();
        }
        world.json(0, &["build", "policy", "-o", "dist/policy.image"]);
    };
    dist("/one/**");
    let place = ["--worker", "gate", "--account", ACCOUNT, "--json"];
    let run = |name: &'static str, code: i32, rest: &[&str]| {
        let all = [&place[..], rest].concat();
        world.json(code, &command(name, &all))
    };
    let artifact = ["--artifact", "dist"];
    // The Worker is created by wrangler.
    assert_eq!(run("publish", 2, &artifact)["error"]["code"], "missing");
    *api.worker.lock().unwrap() = (
        vec![String::new()],
        vec![json!({ "id": "0", "versions": [{ "version_id": "v0", "percentage": 100 }] })],
    );
    assert_eq!(run("publish", 2, &[])["error"]["code"], "setting");
    assert_eq!(run("status", 3, &[])["current"], false);
    let one = run("publish", 0, &artifact);
    assert_eq!(run("status", 0, &[])["current"], true);
    assert_eq!(run("publish", 0, &artifact)["steps"], json!([]));
    dist("/two/**");
    let two = run(
        "publish",
        0,
        &[&artifact[..], &["--percent", "10"]].concat(),
    );
    assert_eq!(two["live_before"], one["policy"]);
    let status = run("status", 3, &[]);
    let shares: Vec<_> = status["live"].as_array().unwrap().iter().collect();
    assert_eq!(
        (shares[0]["policy"].clone(), shares[0]["percent"].as_f64()),
        (one["policy"].clone(), Some(90.0))
    );
    assert_eq!(
        (shares[1]["policy"].clone(), shares[1]["percent"].as_f64()),
        (two["policy"].clone(), Some(10.0))
    );
    run("publish", 0, &artifact);
    assert_eq!(run("status", 0, &[])["current"], true);
    assert_eq!(api.worker.lock().unwrap().0.len(), 3);
    let back = run("rollback", 0, &[]);
    assert_eq!(back["policy"], one["policy"]);
    assert_eq!(run("status", 3, &[])["live"][0]["policy"], one["policy"]);
    // A directory that was built from another policy.
    world.write("/three/**");
    let refused = run("publish", 2, &artifact);
    assert_eq!(refused["error"]["code"], "setting");
    // The same directory serves KV.
    dist("/three/**");
    let made = world.json(0, &command("publish", &["--json", "--artifact", "dist"]));
    let key = format!("policy/{}", made["policy"].as_str().unwrap());
    assert!(api.values.lock().unwrap().contains_key(&key));
}

#[test]
fn what_is_wrong_is_said_before_anything_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::default();
    let world = World {
        base: api.start(),
        folder: folder.path(),
    };
    world.write("/one/**");
    let env = |name: &'static str, value: &'static str| vec![(name, value)];
    for (env, more, texts) in [
        (
            env("CLOUDFLARE_API_TOKEN", ""),
            vec![],
            ["`CLOUDFLARE_API_TOKEN` is not set", "docs/publishing.md"],
        ),
        (
            env("CLOUDFLARE_API_TOKEN", "print-this other"),
            vec![],
            ["characters that no token has", "create an API token"],
        ),
        (
            env("CLOUDFLARE_API_TOKEN", "do-not-print-this-wrong-one"),
            vec![],
            [
                "10000 Authentication error",
                "check that CLOUDFLARE_API_TOKEN is valid",
            ],
        ),
        (
            env("CLOUDFLARE_API_BASE_URL", "http://api.example"),
            vec![],
            ["unencrypted", "or unset `CLOUDFLARE_API_BASE_URL`"],
        ),
        (
            vec![],
            vec!["--namespace", "POLICY"],
            ["`namespace` is `POLICY`, but must be an ID", "publish.toml"],
        ),
        (
            vec![],
            vec!["--account", "../x"],
            ["`account` is `../x`, but must be an ID", "publish.toml"],
        ),
        (
            vec![],
            vec!["--namespace", "00000000000000000000000000000000"],
            ["does not exist", "wrangler kv namespace create"],
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
    // The account may be in the environment.
    let settings = format!("schema = 1\n[cloudflare]\nnamespace = \"{NAMESPACE}\"\n");
    fs::write(folder.path().join("policy/publish.toml"), settings).unwrap();
    let (code, _, err) = world.tollgate(&[], &command("publish", &["--dry-run"]));
    assert_eq!(
        (code, err.contains("`account` is missing")),
        (2, true),
        "{err}"
    );
    let account = [("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)];
    let (code, out, err) = world.tollgate(&account, &command("publish", &["--dry-run"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("cloudflare:PutValue PUT https://api.cloudflare.com/client/v4/"),
        "{out}"
    );
    assert_eq!(api.values.lock().unwrap().len(), 0);
}
