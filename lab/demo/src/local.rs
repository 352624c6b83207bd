//! The whole product in one run: tokens are minted, the policy is compiled, the local edge serves real
//! files, and real requests are sent to it. Every response is compared with the expected status, reason,
//! rule, header fields and file contents. Then a user signs in at a second edge, and out again.

mod edge;
mod requests;
mod sign_in;
mod tokens;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;
use xtask::ui::{GREEN, RED};
use xtask::{Verdict, repo, shell, ui};

use edge::Edge;
use requests::{Body, By, ExpectedRequest, REQUESTS, Who};
use tokens::Tokens;
use tollgate_lab_http::{self as http, Reply as Answer};

/// The time of all decisions: 15 January 2027, 08:00 UTC, which suits the dates in the sample policy.
const NOW: i64 = 1_800_000_000;

/// Runs the demo of the local edge, which serves files.
pub(super) fn run(serve: bool) -> Result<Verdict> {
    let image = repo::target().join("demo/policy.tgi");
    ui::in_step("compile policy/", |_| compile(&image))?;
    let tokens = ui::in_step("mint tokens", |_| Tokens::mint(NOW))?;
    let edge = ui::in_step("start the local edge", |_| {
        Edge::start(&image, &site(), Some(NOW))
    })?;

    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    let mut wrong = Vec::new();
    for request in REQUESTS {
        let (row, faults) = one(request, &edge, &tokens)?;
        rows.push(row);
        wrong.extend(
            faults
                .into_iter()
                .map(|fault| format!("{}: {fault}", request.what)),
        );
    }
    anstream::print!("\n{}", ui::table(&rows));
    println!();
    for fault in &wrong {
        anstream::println!("{RED}not as expected{RED:#} {fault}");
    }
    let good = wrong.is_empty();
    let (style, word) = if good {
        (GREEN, "all as expected")
    } else {
        (RED, "not all as expected")
    };
    anstream::println!("{style}{} requests, {word}{style:#}", REQUESTS.len());
    let sign_in = sign_in::SignIn::start()?;
    let signs_in = sign_in.run()?;
    if serve {
        try_yourself(&edge, &tokens);
        sign_in::try_yourself(&sign_in);
        std::thread::spawn(move || edge.watch());
        sign_in.edge.watch();
    }
    Ok(match signs_in {
        Verdict::Yes => Verdict::of(good),
        no => no,
    })
}

const HEAD: [&str; 9] = [
    "",
    "request",
    "token",
    "",
    "path",
    "status",
    "decision",
    "rule",
    "decided/answered",
];

fn site() -> std::path::PathBuf {
    repo::fixtures().join("site")
}

fn compile(image: &Path) -> Result<String> {
    if let Some(folder) = image.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut build = shell::tool(repo::program("tollgate"), ["build"]);
    shell::must(build.arg(repo::policy()).arg("--out").arg(image), |_| ())
}

/// Sends one request; returns a row of the table, and the differences from the expected result.
fn one(
    request: &ExpectedRequest,
    edge: &Edge,
    tokens: &Tokens,
) -> Result<(Vec<String>, Vec<String>)> {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut target = request.target.to_owned();
    if let Some(token) = tokens.of(request.who) {
        match request.by {
            By::Header => headers.push(("authorization".to_owned(), format!("Bearer {token}"))),
            By::Cookie => {
                headers.push(("cookie".to_owned(), format!("theme=dark; id_token={token}")))
            }
            By::Query => target.push_str(&format!("?token={token}")),
        }
    }
    let began = Instant::now();
    let answer = http::ask(edge.address, request.method, &target, &headers, b"")?;
    let took = began.elapsed();
    let record = edge.record()?.unwrap_or_default();
    let faults = faults(request, &answer, &record)?;
    let mark = if faults.is_empty() { "ok" } else { "NO" };
    let who = if request.who == Who::Nobody {
        String::new()
    } else {
        format!("{:?}", request.who).to_lowercase()
    };
    let decided = record.get("decide_ns").and_then(Value::as_u64).unwrap_or(0);
    let row = vec![
        mark.to_owned(),
        request.what.to_owned(),
        who,
        request.method.to_owned(),
        shortened(request.target),
        answer.status.to_string(),
        decision(&record),
        text(&record, "rule").to_owned(),
        format!("{}/{} µs", decided / 1_000, took.as_micros()),
    ];
    Ok((row, faults))
}

/// Returns descriptions of the differences from the expected result.
fn faults(request: &ExpectedRequest, answer: &Answer, record: &Value) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut differ = |what: &str, expected: &str, got: &str| {
        if expected != got {
            faults.push(format!("{what} is `{got}`, expected `{expected}`"));
        }
    };
    differ(
        "the status",
        &request.status.to_string(),
        &answer.status.to_string(),
    );
    let reason = if request.reason.contains('/') {
        decision(record)
    } else {
        text(record, "reason").to_owned()
    };
    differ("the reason", request.reason, &reason);
    differ(
        "the rule",
        request.rule.unwrap_or_default(),
        text(record, "rule"),
    );
    for (name, value) in request.answers {
        match answer.header(name) {
            None => faults.push(format!("the response has no `{name}`")),
            Some(got) if !value.is_empty() && got != *value => {
                faults.push(format!("`{name}` is `{got}`, expected `{value}`"));
            }
            Some(_) => (),
        }
    }
    if !body_fits(request.body, &answer.body)? {
        faults.push(format!(
            "{} bytes of body are not {:?}",
            answer.body.len(),
            request.body
        ));
    }
    Ok(faults)
}

fn body_fits(expected: Body, got: &[u8]) -> Result<bool> {
    let file = |name: &str| {
        std::fs::read(site().join(name))
            .with_context(|| format!("cannot read fixtures/site/{name}"))
    };
    Ok(match expected {
        Body::File(name) => got == file(name)?,
        Body::Part(name, first, last) => Some(got) == file(name)?.get(first..=last),
        Body::Empty => got.is_empty(),
        // The edge's own bodies are a single line; a file of the site never is.
        Body::Notice => got.len() < 64,
    })
}

/// Returns the reason, with the detail if there is one.
fn decision(record: &Value) -> String {
    match (text(record, "reason"), text(record, "detail")) {
        (reason, "") => reason.to_owned(),
        (reason, detail) => format!("{reason}/{detail}"),
    }
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn shortened(target: &str) -> String {
    const LONGEST: usize = 42;
    if target.chars().count() <= LONGEST {
        return target.to_owned();
    }
    let kept: String = target.chars().take(LONGEST - 1).collect();
    kept + "…"
}

/// Prints commands to try at a terminal.
fn try_yourself(edge: &Edge, tokens: &Tokens) {
    let base = format!("http://{}", edge.address);
    println!(
        "\nThe edge listens on {base}, where it is 08:00 on 15 January 2027 permanently. Press Ctrl-C to stop it.\n"
    );
    if let Some(token) = tokens.of(Who::Alice) {
        println!("ALICE={token}\n");
    }
    for (line, comment) in [
        (
            "/courses/rust-101/preview/welcome.html",
            "200: a preview, for anyone",
        ),
        (
            "/courses/rust-101/week1/ownership.html",
            "401: a lesson, without a token",
        ),
        (
            "/courses/rust-101/week1/ownership.html -H \"Authorization: Bearer $ALICE\"",
            "200",
        ),
        (
            "/courses/go-201/lessons/channels.html -H \"Authorization: Bearer $ALICE\"",
            "403: another course",
        ),
        (
            "/courses/rust-101/preview/../week1/ownership.html --path-as-is",
            "400: a hostile path",
        ),
    ] {
        println!("curl -i {base}{line}   # {comment}");
    }
}
