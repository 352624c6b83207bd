//! Tokens and decisions in Node: our package and the libraries that are common there, in one process.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Places;
use crate::rows::{OURS, Row};
use crate::site::{self, CLIENT, ISSUER, Issuer};
use crate::timing::{Effort, Progress};

const TOKENS: &str = include_str!("../../../node/tokens.mjs");
const DECISIONS: &str = include_str!("../../../node/decisions.mjs");
/// The number of rules of the site that tokens are measured on.
const RULES: usize = 1_000;
/// The sizes at which Cedar in WASM is measured.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// The number of tokens used in turn where each should be cached, and where none should be: our cache holds
/// all of the first, and fewer than half of the second.
const KNOWN: usize = 64;
const NEW: usize = 2_200;
const IP: &str = "203.0.113.7";

/// A site with tokens, in a directory that is deleted on drop.
pub(crate) struct Prepared {
    pub(crate) folder: TempDir,
    pub(crate) issuer: Issuer,
}

impl Prepared {
    pub(crate) fn new(rules: usize) -> Result<Self> {
        let issuer = Issuer::new()?;
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        fs::write(
            folder.path().join("policy.image"),
            site::image(rules, &issuer.jwks)?,
        )?;
        fs::write(folder.path().join("policy.cedar"), site::cedar(rules))?;
        Ok(Self { folder, issuer })
    }

    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Returns requests for courses with tokens that grant access.
    pub(crate) fn allowed(&self, rules: usize, count: usize) -> Result<Vec<(String, String)>> {
        let questions = site::questions(rules);
        let own = questions.iter().step_by(2).cycle();
        own.take(count)
            .enumerate()
            .map(|(number, asked)| {
                let token = self.issuer.token(&asked.group, number)?;
                Ok((asked.path.clone(), format!("Bearer {token}")))
            })
            .collect()
    }

    /// Returns requests that are denied: with another group's token, with a changed signature, and without a
    /// token.
    pub(crate) fn refused(&self, rules: usize) -> Result<Vec<(String, String)>> {
        let (path, bearer) = self.allowed(rules, 1)?.pop().context("a request")?;
        let other = self.issuer.token("course-of-nobody", 0)?;
        // A position in the signature where every bit of a character counts.
        let (head, tail) = bearer.split_at(bearer.len() - 20);
        let other_tail = if tail.starts_with('A') { "B" } else { "A" };
        let torn = format!("{head}{other_tail}{}", tail.get(1..).unwrap_or_default());
        Ok(vec![
            (path.clone(), format!("Bearer {other}")),
            (path.clone(), torn),
            (path, String::new()),
        ])
    }
}

#[derive(Deserialize)]
struct Measured {
    #[serde(default)]
    scene: String,
    subject: String,
    ns: Vec<f64>,
    #[serde(default)]
    checked: Option<usize>,
}

/// Requests with cached tokens and with new ones.
pub(crate) fn tokens(places: &Places, effort: Effort, progress: &Progress) -> Result<Vec<Row>> {
    progress.say("Node: tokens".to_owned());
    let prepared = Prepared::new(RULES)?;
    let package = edge_package(places, &prepared)?;
    let asked = json!({
        "nodePackage": places.node_package.canonicalize()?,
        "edge": package.path(),
        "image": prepared.file("policy.image"),
        "jwks": serde_json::from_str::<Value>(&prepared.issuer.jwks)?,
        "issuer": ISSUER,
        "client": CLIENT,
        "known": requests(&prepared.allowed(RULES, KNOWN)?),
        "fresh": requests(&prepared.allowed(RULES, NEW)?),
        "denied": requests(&prepared.refused(RULES)?),
        "samples": effort.samples,
        "rounds": 8,
    });
    let measured = node(&places.npm, TOKENS, &asked)?;
    Ok(measured
        .into_iter()
        .map(|figures| {
            let (what, target, note) = match figures.scene.as_str() {
                "known" => (
                    "known_token",
                    "node",
                    "HTTP facts to outcome, 64 RS256-2048 tokens in turn",
                ),
                "new" => (
                    "new_token",
                    "node",
                    "HTTP facts to outcome, RS256-2048, every token new",
                ),
                _ => (
                    "new_token",
                    "lambda-edge-native",
                    "viewer-request event to result, RS256-2048, every token new",
                ),
            };
            let setup = token_setup(&figures.subject, &figures.scene);
            row(what, target, RULES, note, &setup, &figures)
        })
        .collect())
}

fn token_setup(subject: &str, scene: &str) -> String {
    match (subject, scene) {
        (OURS, "edge") => {
            "the Lambda@Edge package with the gate as an addon, its handler".to_owned()
        }
        (OURS, "known") => {
            "npm package (WASM), verified tokens and their clients cached".to_owned()
        }
        (OURS, _) => "npm package (WASM), RSA by crates/rs256".to_owned(),
        ("jose", _) => {
            "jwtVerify (Web Crypto) with a local key set, hand-written rule; caches no tokens"
                .to_owned()
        }
        _ => "verifySync (node:crypto), local key set, hand-written rule; caches no tokens"
            .to_owned(),
    }
}

/// Decisions compared with Cedar in WASM.
pub(crate) fn decisions(places: &Places, effort: Effort, progress: &Progress) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for rules in SIZES {
        progress.say(format!("Node: decisions, {rules} rules"));
        let prepared = Prepared::new(rules)?;
        let tokens: Vec<Value> = site::questions(rules)
            .iter()
            .enumerate()
            .map(|(number, asked)| {
                // As many tokens as our cache certainly holds.
                let token = prepared.issuer.token(&asked.group, number)?;
                let mut question = request(&asked.path, &format!("Bearer {token}"));
                if let Some(question) = question.as_object_mut() {
                    question.insert("group".to_owned(), json!(asked.group));
                    question.insert("expected".to_owned(), json!(number.is_multiple_of(2)));
                }
                Ok(question)
            })
            .collect::<Result<_>>()?;
        let asked = json!({
            "nodePackage": places.node_package.canonicalize()?,
            "image": prepared.file("policy.image"),
            "policies": prepared.file("policy.cedar"),
            "questions": tokens,
            "samples": effort.samples,
            "rounds": 4,
        });
        for figures in node(&places.npm, DECISIONS, &asked)? {
            let setup = if figures.subject == OURS {
                "npm package: HTTP facts with a cached token to outcome"
            } else {
                "preparsed policy set, statefulIsAuthorized, the two entities of the request; no token"
            };
            let note = "request to decision, 256 requests in turn, half of them allowed";
            rows.push(row("decide", "node", rules, note, setup, &figures));
        }
    }
    Ok(rows)
}

fn row(what: &str, target: &str, rules: usize, note: &str, setup: &str, figures: &Measured) -> Row {
    let row = Row {
        what: what.to_owned(),
        target: target.to_owned(),
        subject: figures.subject.clone(),
        rules: Some(rules),
        note: note.to_owned(),
        setup: Some(setup.to_owned()),
        checked: figures.checked,
        ..Row::default()
    };
    row.with(&figures.ns)
}

/// The Lambda@Edge package with the addon and the policy: the contents of its zip.
fn edge_package(places: &Places, prepared: &Prepared) -> Result<TempDir> {
    let folder = TempDir::new().context("cannot create a temporary directory")?;
    copy(&places.edges.join("lambda-edge/native"), folder.path())?;
    fs::copy(
        prepared.file("policy.image"),
        folder.path().join("policy.tgi"),
    )?;
    Ok(folder)
}

/// Copies a directory recursively.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn requests(pairs: &[(String, String)]) -> Vec<Value> {
    pairs
        .iter()
        .map(|(path, bearer)| request(path, bearer))
        .collect()
}

fn request(path: &str, bearer: &str) -> Value {
    let headers: Vec<[&str; 2]> = [["authorization", bearer]]
        .into_iter()
        .filter(|[_, value]| !value.is_empty())
        .collect();
    json!({ "method": "GET", "target": path, "headers": headers, "ip": IP })
}

/// Runs a script in the directory with the libraries and returns its measurements.
fn node(npm: &Path, script: &str, asked: &Value) -> Result<Vec<Measured>> {
    let mut child = Command::new("node")
        .args(["--input-type=module", "--eval", script])
        .current_dir(npm)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    let mut input = child.stdin.take().context("the process has no input")?;
    input.write_all(asked.to_string().as_bytes())?;
    drop(input);
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "node ended: {}", done.status);
    serde_json::from_slice(&done.stdout).context("node's measurements")
}
