//! `tollgate keys fetch` with an issuer on loopback: what is written, what is shown, and what is refused.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// RFC 7515, appendix A.3.
const EC: &str = r#"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"ec-1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// RFC 8037, appendix A.2.
const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"ed-1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const CONFIGURATION: &str = "/a/.well-known/openid-configuration";

/// The pages of a server: status line and body by path. Any other path is 404.
type Pages = Arc<Mutex<BTreeMap<String, (String, String)>>>;

/// An issuer, and a policy that accepts its tokens.
struct World {
    folder: tempfile::TempDir,
    pages: Pages,
    base: String,
}

impl World {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let pages = Pages::default();
        let served = Arc::clone(&pages);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &served);
            }
        });
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            pages,
            base,
        };
        world.page(CONFIGURATION, &world.document());
        world.page("/keys", &set(&[EC]));
        world.write(
            "site.toml",
            &format!(
                "schema = 1\n[site]\nname = \"s\"\n[[issuer]]\nname = \"a\"\nissuer = \"{}/a\"\nclients = [\"web\"]\n\
                 algorithms = [\"ES256\", \"EdDSA\"]\n",
                world.base
            ),
        );
        fs::create_dir_all(world.folder.path().join("courses")).unwrap();
        world
    }

    fn document(&self) -> String {
        let base = &self.base;
        format!(
            r#"{{"issuer":"{base}/a","jwks_uri":"{base}/keys","token_endpoint":"{base}/token",
            "authorization_endpoint":"{base}/authorize","claims_supported":["sub"]}}"#
        )
    }

    fn page(&self, path: &str, body: &str) {
        self.answer(path, "200 OK", body);
    }

    fn answer(&self, path: &str, status: &str, body: &str) {
        let page = (status.to_owned(), body.to_owned());
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn append_to_site(&self, text: &str) {
        let site = self.read("site.toml");
        self.write("site.toml", &format!("{site}{text}"));
    }

    /// The exit code, and everything that was printed.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CLICOLOR_FORCE")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn fetch(&self, more: &[&str]) -> (i32, String) {
        self.run(&[&["keys", "fetch", "."], more].concat())
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("keys")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn serve(mut stream: TcpStream, pages: &Pages) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    // The rest of the head.
    for line in lines {
        if line.unwrap().is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap();
    let page = pages.lock().unwrap().get(path).cloned();
    let (status, body) = page.unwrap_or_else(|| ("404 Not Found".to_owned(), String::new()));
    let head = format!(
        "HTTP/1.1 {status}\r\nlocation: /keys\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // The client may have closed the connection.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn set(keys: &[&str]) -> String {
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn a_policy_without_keys_gets_them() {
    let world = World::new();
    // It does not compile yet, and the help names the command.
    let (code, text) = world.run(&["check", "."]);
    assert_eq!(code, 2, "{text}");
    has_all(&text, &["tollgate keys fetch"]);
    // A check writes nothing.
    let (code, text) = world.fetch(&["--check"]);
    assert_eq!(code, 3, "{text}");
    has_all(
        &text,
        &["missing ./keys/a.openid.json", "missing ./keys/a.jwks.json"],
    );
    assert_eq!(world.files(), [""; 0]);
    let (code, text) = world.fetch(&[]);
    assert_eq!(code, 0, "{text}");
    let endpoint = format!("+ token_endpoint {}/token", world.base);
    let refresh = format!(
        "add to [[issuer]] `a` of site.toml: refresh = \"{}/keys\"",
        world.base
    );
    has_all(
        &text,
        &[
            "wrote ./keys/a.openid.json",
            &endpoint,
            "wrote ./keys/a.jwks.json",
            "+ ec-1 ES256",
            "add to [[issuer]] `a` of site.toml: jwks = \"keys/a.jwks.json\"",
            &refresh,
            "add to [sign_in] of site.toml: endpoints = \"keys/a.openid.json\"",
        ],
    );
    assert!(!text.contains("claims_supported"), "{text}");
    assert!(
        world
            .read("keys/a.jwks.json")
            .contains("\n      \"kid\": \"ec-1\"")
    );
    // With the line it compiles.
    world.append_to_site("jwks = \"keys/a.jwks.json\"\n");
    let (code, text) = world.run(&["check", "."]);
    assert_eq!(code, 0, "{text}");
    // Nothing differs now, whatever the form of the file.
    world.write("keys/a.jwks.json", &set(&[EC]));
    let (code, text) = world.fetch(&["--check"]);
    assert_eq!(code, 0, "{text}");
    has_all(&text, &["a unchanged"]);
}

#[test]
fn a_rotation_is_shown_and_pinned() {
    let world = World::new();
    world.append_to_site(
        "jwks = \"keys/own.json\"\n[sign_in]\nendpoints = \"keys/own.openid.json\"\n",
    );
    assert_eq!(world.fetch(&[]).0, 0);
    assert_eq!(world.files(), ["own.json", "own.openid.json"]);
    world.page("/keys", &set(&[ED]));
    let document = world.document().replace("/token\"", "/tokens\"");
    world.page(CONFIGURATION, &document);
    let (code, text) = world.fetch(&["--check", "--json"]);
    assert_eq!(code, 3, "{text}");
    let object: Value = serde_json::from_str(&text).unwrap();
    let files = &object["issuers"][0]["files"];
    assert_eq!(files[0]["changes"][0]["name"], "token_endpoint");
    assert_eq!(files[0]["changes"][0]["change"], "changed");
    assert_eq!(files[1]["changes"][0]["change"], "removed");
    assert_eq!(files[1]["changes"][1]["value"], "EdDSA");
    assert_eq!(object["written"], false);
    let (code, text) = world.fetch(&[]);
    assert_eq!(code, 0, "{text}");
    let endpoint = format!("~ token_endpoint {}/tokens", world.base);
    has_all(&text, &[&endpoint, "- ec-1 ES256", "+ ed-1 EdDSA"]);
    assert!(!text.contains("add to"), "{text}");
    assert!(world.read("keys/own.json").contains("ed-1"));
}

#[test]
fn nothing_is_written_unless_everything_is_valid() {
    let moved = ("/keys", "302 Found", "");
    let ok = "200 OK";
    let long = format!("{{\"keys\":[{EC}],\"x\":\"{}\"}}", "x".repeat(262_144));
    let none = set(&[]);
    let private = set(&[&EC.replace("\"kid\"", "\"d\":\"AA\",\"kid\"")]);
    let table: &[((&str, &str, &str), &str)] = &[
        (moved, "/keys`: status 302; redirects are not followed"),
        (("/keys", "404 Not Found", ""), "/keys`: status 404"),
        (("/keys", ok, &long), "length limit exceeded"),
        (
            ("/keys", ok, "<html>"),
            "/keys`: the response is not a JSON object",
        ),
        (
            ("/keys", ok, &none),
            "has no key for the issuer's algorithms",
        ),
        (("/keys", ok, &private), "key `ec-1` of `keys/a.jwks.json`"),
        (
            (
                "/keys",
                ok,
                &set(&[
                    EC,
                    EC,
                    &ED.replace("ed-1", "ec-1"),
                    &EC.replace("f83", "f84"),
                ]),
            ),
            "key `ec-1`",
        ),
        (
            (CONFIGURATION, ok, r#"{"issuer":"https://other.example"}"#),
            "it is the discovery document of `https://other.example`",
        ),
        (
            (CONFIGURATION, "503 Service Unavailable", ""),
            "openid-configuration`: status 503",
        ),
    ];
    for ((path, status, body), expected) in table {
        let world = World::new();
        world.write("keys/a.jwks.json", &set(&[ED]));
        world.answer(path, status, body);
        let (code, text) = world.fetch(&[]);
        assert_eq!(code, 2, "{text}");
        has_all(&text, &[expected, "no file was written"]);
        assert_eq!(world.files(), ["a.jwks.json"], "{expected}");
        assert_eq!(world.read("keys/a.jwks.json"), set(&[ED]));
        let (code, text) = world.fetch(&["--json"]);
        assert_eq!(code, 2);
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["error"]["code"], "fetch");
        assert_eq!(object["diagnostics"][0]["issuer"], "a");
    }
}

#[test]
fn foreign_files_are_not_replaced() {
    for (name, text) in [
        ("keys/notes.txt", "mine"),
        (
            "keys/private.json",
            "{\"keys\":[{\"kty\":\"EC\",\"d\":\"AA\"}]}",
        ),
        ("courses/c.toml", "course = \"c\"\nbase = \"/c\"\n"),
    ] {
        let world = World::new();
        world.write(name, text);
        world.append_to_site(&format!("jwks = \"{name}\"\n"));
        let (code, output) = world.fetch(&[]);
        assert_eq!(code, 2, "{output}");
        has_all(&output, &["the existing file is not a set of public keys"]);
        assert_eq!(world.read(name), text);
        assert!(!Path::new(&world.folder.path().join("keys/a.openid.json")).exists());
    }
    let world = World::new();
    world.append_to_site("jwks = \"../keys.json\"\n");
    let (code, output) = world.fetch(&[]);
    assert_eq!(code, 2, "{output}");
    has_all(&output, &["not a plain path inside the policy folder"]);
}

#[test]
fn one_issuer_of_several() {
    let world = World::new();
    world.append_to_site("[[issuer]]\nname = \"b\"\nissuer = \"http://127.0.0.1:9\"\n");
    let (code, text) = world.fetch(&[]);
    assert_eq!(code, 2, "{text}");
    has_all(
        &text,
        &[
            "cannot fetch the keys of 1 issuer",
            "issuer `b`: `http://127.0.0.1:9/",
            "refused",
        ],
    );
    assert_eq!(world.files(), [""; 0]);
    for arguments in [&["a"][..], &["--issuer", "a"]] {
        let (code, text) = world.fetch(arguments);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(world.files(), ["a.jwks.json", "a.openid.json"]);
    let (code, text) = world.fetch(&["c"]);
    assert_eq!(code, 2, "{text}");
    has_all(
        &text,
        &["not an issuer that publishes keys", "write `a` or `b`"],
    );
    world.write("site.toml", "[site]\n");
    has_all(
        &world.fetch(&[]).1,
        &["it has no issuer that publishes keys"],
    );
    world.write("site.toml", "[");
    has_all(&world.fetch(&[]).1, &["it is not TOML"]);
}

#[test]
fn a_new_site_pins_the_keys_of_its_issuer() {
    let world = World::new();
    // The second spelling is not the issuer's own.
    for (folder, issuer) in [("one", "/a"), ("two", "/a/")] {
        let issuer = format!("{}{issuer}", world.base);
        let (code, text) = world.run(&["init", folder, "--issuer", &issuer, "--client", "web"]);
        assert_eq!(code, 0, "{text}");
        assert!(!text.contains("warning:"), "{text}");
        let site = world.read(&format!("{folder}/site.toml"));
        for line in [
            format!("issuer = \"{}/a\" #", world.base),
            format!("refresh = \"{}/keys\"", world.base),
            "algorithms = [\"ES256\"]".to_owned(),
        ] {
            assert!(site.contains(&line), "{line}\n{site}");
        }
        for command in [
            ["check", folder, "--deny-warnings"].as_slice(),
            &["test", folder, "--mutate"],
            &["fmt", folder, "--check"],
            &["keys", "fetch", folder, "--check"],
        ] {
            let (code, text) = world.run(command);
            assert_eq!(code, 0, "{command:?}\n{text}");
        }
    }
}

#[test]
fn a_new_site_has_a_test_key_until_its_issuer_is_found() {
    let world = World::new();
    let issuer = format!("{}/a", world.base);
    world.answer(CONFIGURATION, "503 Service Unavailable", "");
    let (code, text) = world.run(&["init", "new", "--issuer", &issuer, "--client", "web"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("cannot be pinned"), "{text}");
    assert!(text.contains("the site has a test key"), "{text}");
    let (code, text) = world.run(&["check", "new", "--deny-warnings"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("TG0740"), "{text}");
    world.page(CONFIGURATION, &world.document());
    world.page("/keys", r#"{"keys":[{"kty":"RSA","kid":"r","alg":"RS256","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}"#);
    let (code, text) = world.run(&["keys", "fetch", "new"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.run(&["check", "new", "--deny-warnings"]);
    assert_eq!(code, 0, "{text}");
}
