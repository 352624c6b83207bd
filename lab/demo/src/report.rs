//! The table that a flow prints: one row per request, and the differences from the expected results.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use tollgate_lab_http::{self as http, Reply as Answer};
use xtask::ui::{self, GREEN, RED};
use xtask::{Verdict, repo};

/// The expected body of a response.
pub(super) enum Body {
    /// This complete file under `fixtures/site`.
    File(&'static str),
    /// These bytes of it; the range is inclusive.
    Part(&'static str, usize, usize),
    /// No byte of any file: empty, or a short body of ours.
    Notice,
    /// Any body that is not a file, such as a third party's message.
    NoFile,
    /// Any body.
    Any,
}

/// One request.
pub(super) struct Ask {
    pub(super) what: String,
    pub(super) method: &'static str,
    /// With scheme and host.
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
}

/// The expected response.
pub(super) struct Want {
    pub(super) status: u16,
    pub(super) body: Body,
    /// The reason in the decision's record, as `reason` or `reason/detail`; `None` if there is no decision.
    pub(super) reason: &'static str,
    /// Header fields and the prefixes of their values.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

impl Want {
    /// A file that a decision allows.
    pub(super) const fn file(name: &'static str) -> Want {
        Want {
            status: 200,
            body: Body::File(name),
            reason: "allow",
            headers: &[],
        }
    }

    /// A status without a file and without a decision.
    pub(super) const fn notice(status: u16) -> Want {
        Want {
            status,
            body: Body::Notice,
            reason: "",
            headers: &[],
        }
    }

    /// A denial by a decision.
    pub(super) const fn denied(status: u16, reason: &'static str) -> Want {
        const NOT_KEPT: (&str, &str) = ("cache-control", "no-store");
        const CHALLENGE: (&str, &str) = ("www-authenticate", "Bearer");
        let headers: &[(&str, &str)] = if status == 401 {
            &[CHALLENGE, NOT_KEPT]
        } else {
            &[NOT_KEPT]
        };
        Want {
            status,
            body: Body::Notice,
            reason,
            headers,
        }
    }
}

/// The rows and faults so far.
pub(super) struct Report {
    rows: Vec<Vec<String>>,
    faults: Vec<String>,
}

const HEAD: [&str; 7] = ["", "request", "to", "status", "decision", "rule", "time"];
/// The maximum length of a response body of ours.
const LONGEST_NOTICE: usize = 200;

impl Report {
    /// Creates an empty report.
    pub(super) fn new() -> Report {
        Report {
            rows: vec![HEAD.map(str::to_owned).to_vec()],
            faults: Vec::new(),
        }
    }

    /// Sends a request, compares the response and adds a row. `record` returns the record of the decision. A
    /// request without a response counts as a fault with an empty response.
    pub(super) fn ask(
        &mut self,
        ask: &Ask,
        want: &Want,
        record: impl FnOnce() -> Result<Option<Value>>,
    ) -> Result<Answer> {
        let began = Instant::now();
        let (target, answer) = match sent(ask) {
            Ok(answered) => answered,
            Err(error) => {
                self.row(&ask.what, "", 0, ["", ""], "", vec![format!("{error:#}")]);
                return Ok(Answer::default());
            }
        };
        let took = began.elapsed();
        let record = record()?.unwrap_or_default();
        let faults = faults(want, &answer, &record)?;
        let decided = decision(&record);
        self.row(
            &ask.what,
            &shortened(target),
            answer.status,
            [&decided, text(&record, "rule")],
            &format!("{:.1} ms", took.as_secs_f64() * 1000.0),
            faults,
        );
        Ok(answer)
    }

    /// Adds a row for a step other than a single request.
    pub(super) fn say(&mut self, what: &str, to: &str, status: u16, note: &str, good: bool) {
        let faults = if good { vec![] } else { vec![note.to_owned()] };
        self.row(what, to, status, [note, ""], "", faults);
    }

    fn row(
        &mut self,
        what: &str,
        to: &str,
        status: u16,
        [decision, rule]: [&str; 2],
        took: &str,
        faults: Vec<String>,
    ) {
        let mark = if faults.is_empty() { "ok" } else { "NO" };
        let shown = if status == 0 {
            String::new()
        } else {
            status.to_string()
        };
        self.rows.push(
            [mark, what, to, &shown, decision, rule, took]
                .map(str::to_owned)
                .to_vec(),
        );
        let told = faults.into_iter().map(|fault| format!("{what}: {fault}"));
        self.faults.extend(told);
    }

    /// Prints everything.
    pub(super) fn end(self) -> Verdict {
        anstream::print!("\n{}\n", ui::table(&self.rows));
        for fault in &self.faults {
            anstream::println!("{RED}not as expected{RED:#} {fault}");
        }
        let good = self.faults.is_empty();
        let (style, word) = if good {
            (GREEN, "all as expected")
        } else {
            (RED, "not all as expected")
        };
        anstream::println!("{style}{} steps, {word}{style:#}", self.rows.len() - 1);
        Verdict::of(good)
    }
}

/// Sends a request; returns its target and the response.
fn sent(ask: &Ask) -> Result<(&str, Answer)> {
    let (server, target) =
        http::split(&ask.url).with_context(|| format!("`{}` is not a URL", ask.url))?;
    Ok((
        target,
        http::ask(server, ask.method, target, &ask.headers, b"")?,
    ))
}

/// Returns descriptions of the differences from the expected response.
fn faults(want: &Want, answer: &Answer, record: &Value) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    if answer.status != want.status {
        faults.push(format!(
            "the status is {}, expected {}",
            answer.status, want.status
        ));
    }
    let decided = if want.reason.contains('/') {
        decision(record)
    } else {
        text(record, "reason").to_owned()
    };
    if decided != want.reason {
        faults.push(format!(
            "the reason is `{decided}`, expected `{}`",
            want.reason
        ));
    }
    for (name, beginning) in want.headers {
        match answer.header(name) {
            Some(value) if value.starts_with(beginning) => (),
            Some(value) => faults.push(format!("`{name}` is `{value}`, expected `{beginning}…`")),
            None => faults.push(format!("the response has no `{name}`")),
        }
    }
    if !body_fits(&want.body, &answer.body)? {
        faults.push(format!(
            "{} bytes of body differ from the expected ones",
            answer.body.len()
        ));
    }
    Ok(faults)
}

fn body_fits(want: &Body, got: &[u8]) -> Result<bool> {
    Ok(match want {
        Body::File(name) => got == file(name)?,
        Body::Part(name, first, last) => Some(got) == file(name)?.get(*first..=*last),
        Body::Notice => got.len() <= LONGEST_NOTICE && !got.starts_with(b"%PDF"),
        Body::Any => true,
        Body::NoFile => !got.starts_with(b"%PDF") && !got.starts_with(b"<!doctype html>"),
    })
}

/// Returns the bytes of a file of the sample site.
pub(super) fn file(name: &str) -> Result<Vec<u8>> {
    std::fs::read(repo::fixtures().join("site").join(name))
        .with_context(|| format!("cannot read fixtures/site/{name}"))
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

/// Shortens a target for a column: without its query, which is long if it contains a signature.
fn shortened(target: &str) -> String {
    const LONGEST: usize = 48;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let shown = if query.is_empty() {
        path.to_owned()
    } else if path.len() + query.len() < LONGEST {
        target.to_owned()
    } else {
        format!("{path}?…")
    };
    if shown.chars().count() <= LONGEST {
        return shown;
    }
    let kept: String = shown.chars().take(LONGEST - 1).collect();
    kept + "…"
}
