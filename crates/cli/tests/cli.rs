//! Runs the command on every case of `tests/cli/*.toml`. The format is described in `tests/cli/README.md`.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

const KEYS: [&str; 19] = [
    "name",
    "in",
    "args",
    "write",
    "parts",
    "cut",
    "stdin",
    "exit",
    "stdout",
    "stdout_has",
    "stdout_lacks",
    "stderr_has",
    "stderr_lacks",
    "json",
    "json_keys",
    "exists",
    "missing",
    "same",
    "save",
];

macro_rules! themes {
    ($($theme:ident),* $(,)?) => {
        $(#[test]
        fn $theme() {
            run_theme(stringify!($theme));
        })*

        #[test]
        fn every_theme_is_run() {
            let mut files: Vec<String> = fs::read_dir(data())
                .unwrap()
                .filter_map(|entry| {
                    entry.unwrap().file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)
                })
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($theme)),*]);
        }
    };
}

themes!(
    analysis, build, check, decide, exchange, fmt, format, init, lenient, mint, overwrite, paths,
    places, proxies, publish, secrets, sign_in, signed, test, usage, verify
);

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli")
}

/// A directory that is removed at the end of the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run_theme(theme: &str) {
    let scratch = Scratch(Path::new(env!("CARGO_TARGET_TMPDIR")).join(theme));
    let _ = fs::remove_dir_all(&scratch.0);
    copy(&data().join("site"), &scratch.0.join("policy"));
    copy(&data().join("mistakes"), &scratch.0.join("mistakes"));
    let text = fs::read_to_string(data().join(theme).with_extension("toml")).unwrap();
    let theme: Table = text.parse().unwrap();
    let mut saved = BTreeMap::new();
    let mut problems = Vec::new();
    for case in theme["case"].as_array().unwrap() {
        let case = case.as_table().unwrap();
        problems.extend(run_case(case, &scratch.0, &mut saved));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn run_case(case: &Table, folder: &Path, saved: &mut BTreeMap<String, String>) -> Vec<String> {
    let name = case["name"].as_str().unwrap();
    if let Some(key) = case.keys().find(|key| !KEYS.contains(&key.as_str())) {
        panic!("{name}: a case has no key `{key}`");
    }
    prepare(case, folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    for arg in texts(case, "args") {
        let put_in = |arg: String, (name, value): (&String, &String)| {
            arg.replace(&format!("${name}"), value)
        };
        command.arg(saved.iter().fold(arg, put_in));
    }
    let mut child = command
        .current_dir(folder.join(case.get("in").and_then(Value::as_str).unwrap_or_default()))
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = case
        .get("stdin")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!(
                "{name}: {what}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
            ));
        }
    };
    let exit = output.status.code();
    let wanted = case.get("exit").and_then(Value::as_integer).unwrap_or(0);
    expect(
        exit == i32::try_from(wanted).ok(),
        format!("exit {exit:?}, not {wanted}"),
    );
    if let Some(all) = case.get("stdout").and_then(Value::as_str) {
        expect(stdout == all, format!("stdout is not\n{all}"));
    }
    for (key, stream, wanted) in [
        ("stdout_has", &stdout, true),
        ("stderr_has", &stderr, true),
        ("stdout_lacks", &stdout, false),
        ("stderr_lacks", &stderr, false),
    ] {
        for part in texts(case, key) {
            expect(stream.contains(&part) == wanted, format!("{key} {part:?}"));
        }
    }
    if case.contains_key("json") || case.contains_key("json_keys") {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&stdout).unwrap_or_default();
        expect(stdout.lines().count() == 1, "stdout is one line".to_owned());
        if let Some(members) = case.get("json").and_then(Value::as_table) {
            for (member, wanted) in members {
                let wanted: serde_json::Value =
                    serde_json::from_str(wanted.as_str().unwrap()).unwrap();
                let pointer = format!("/{}", member.replace('.', "/"));
                let found = serde_json::Value::Object(object.clone());
                let found = found.pointer(&pointer).cloned();
                expect(
                    found.as_ref() == Some(&wanted),
                    format!("`{member}` is {found:?}, not {wanted}"),
                );
            }
        }
        if case.contains_key("json_keys") {
            let mut wanted = texts(case, "json_keys");
            wanted.sort();
            let mut found: Vec<_> = object.keys().cloned().collect();
            found.sort();
            expect(found == wanted, format!("the members are {found:?}"));
        }
    }
    for (key, wanted) in [("exists", true), ("missing", false)] {
        for file in texts(case, key) {
            expect(
                folder.join(&file).exists() == wanted,
                format!("{key} {file}"),
            );
        }
    }
    let bytes = |file: &String| fs::read(folder.join(file)).unwrap();
    expect(
        texts(case, "same")
            .windows(2)
            .all(|pair| bytes(&pair[0]) == bytes(&pair[1])),
        "same".to_owned(),
    );
    if let Some(name) = case.get("save").and_then(Value::as_str) {
        saved.insert(name.to_owned(), stdout.trim_end().to_owned());
    }
    problems
}

fn prepare(case: &Table, folder: &Path) {
    for (file, text) in case
        .get("write")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        if file.ends_with("site.toml") {
            fs::create_dir_all(file.with_file_name("courses")).unwrap();
        }
        fs::write(file, text.as_str().unwrap()).unwrap();
    }
    for parts in texts(case, "parts") {
        seal(&folder.join(parts));
    }
    if let Some(cut) = case.get("cut").and_then(Value::as_table) {
        let file = |key| folder.join(cut[key].as_str().unwrap());
        let bytes = fs::read(file("from")).unwrap();
        let count = usize::try_from(cut["bytes"].as_integer().unwrap()).unwrap();
        fs::write(file("to"), &bytes[..count]).unwrap();
    }
}

/// Writes the manifest of built parts, of the version under test.
fn seal(parts: &Path) {
    let mut files = serde_json::Map::new();
    let mut ahead = vec![parts.to_owned()];
    while let Some(path) = ahead.pop() {
        if path.is_dir() {
            let inner = fs::read_dir(&path).unwrap();
            ahead.extend(inner.map(|entry| entry.unwrap().path()));
        } else if path != parts.join("parts.json") {
            let name = path.strip_prefix(parts).unwrap().to_str().unwrap();
            let digest = Sha256::digest(fs::read(&path).unwrap());
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            files.insert(name.to_owned(), digest.into());
        }
    }
    let manifest = json!({ "version": env!("CARGO_PKG_VERSION"), "files": files });
    fs::write(parts.join("parts.json"), manifest.to_string()).unwrap();
}

fn texts(case: &Table, key: &str) -> Vec<String> {
    let list = case
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}
