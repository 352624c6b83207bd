//! An edge: the generated function, really run in Node on what an edge has of a store.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The paths whose answers are compared.
pub(crate) const PATHS: [&str; 5] = ["/", "/old/a", "/new/a", "/both/a", "/course-7/a"];

/// The answers to [`PATHS`].
pub(crate) type Answers = Vec<String>;

pub(crate) struct Edge {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    known: BTreeMap<(String, String), Answers>,
    _folder: TempDir,
}

impl Edge {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "event.js",
                include_str!("../../../../lab/targets/javascript/event.js"),
            ),
            (
                "cloudfront.js",
                include_str!("../../../../lab/targets/javascript/cloudfront.js"),
            ),
            (
                "engines.mjs",
                include_str!("../../../../lab/targets/javascript/engines.mjs"),
            ),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut child = Command::new("node")
            .args(["--experimental-vm-modules", "--no-warnings"])
            .arg(folder.path().join("engines.mjs"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is required");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut edge = Self {
            child,
            input,
            output,
            known: BTreeMap::new(),
            _folder: folder,
        };
        edge.line();
        edge
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn exchange(&mut self, object: &Value) -> Value {
        writeln!(self.input, "{object}").unwrap();
        self.line()
    }

    /// The answers of a function on a store. Without a function, CloudFront asks the origin; no test publishes to a
    /// distribution without one.
    pub(crate) fn answers(&mut self, function: &str, store: &BTreeMap<String, String>) -> Answers {
        let key = (function.to_owned(), json!(store).to_string());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let load = json!({ "load": { "edge": "cloudfront", "source": function, "store": store } });
        assert_eq!(self.exchange(&load), json!({ "loaded": true }));
        let requests = PATHS.map(|path| {
            json!({ "method": "GET", "target": path, "headers": [], "ip": "192.0.2.1", "now": 1_800_000_000_u64 })
        });
        let said = self.exchange(&json!({ "ask": requests }));
        let answers = said["answers"]
            .as_array()
            .unwrap_or_else(|| panic!("{said}"));
        let answers: Answers = answers
            .iter()
            .map(|answer| format!("{} {}", answer["outcome"], answer["reason"]))
            .collect();
        self.known.insert(key, answers.clone());
        answers
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
