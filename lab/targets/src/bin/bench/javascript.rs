//! Measurements of generated JavaScript, functions in nginx's engine and bundles in Node: time, bytes, and
//! store entries.
//!
//! Such an engine has neither a cache nor threads, so there is one kind of warm measurement. CloudFront
//! counts time against an undisclosed limit, so the number that counts is the ratio to a function that only
//! returns the request, measured in the same run. Each sample is the mean of many decisions, because
//! nginx's clock counts milliseconds; percentiles are percentiles of these means. Not here: other engines.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_javascript::cloudfront;
use tollgate_targets::courses::Issuer;
use tollgate_targets::javascript::resign::Resigner;
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::njs::Nginx;
use tollgate_targets::node::as_json;
use tollgate_targets::{Places, Target};
use tollgate_token::Algorithm;

use crate::Effort;
use crate::figures::{Row, What, percentiles};
use crate::site::{Site, request};

/// The numbers of courses on the measured sites.
const SIZES: [usize; 2] = [100, 10_000];
/// The number of decisions averaged in one measurement.
const REPEATS: u32 = 200;

/// An engine with a loaded script.
trait Subject {
    /// Decides one request.
    fn ask(&mut self, request: &Value) -> Result<Value>;
    /// Nanoseconds for a decision and for a script that does nothing, one value per sample.
    fn measure(&mut self, requests: &[Value], samples: usize) -> Result<(Vec<f64>, Vec<f64>)>;
}

impl Subject for Nginx {
    fn ask(&mut self, request: &Value) -> Result<Value> {
        let answers = Nginx::ask(self, core::slice::from_ref(request))?;
        answers.into_iter().next().context("no result")
    }

    fn measure(&mut self, requests: &[Value], samples: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let timed = |_| Nginx::measure(self, requests, REPEATS);
        let timed: Vec<_> = (0..samples).map(timed).collect::<Result<_>>()?;
        let figures = timed
            .into_iter()
            .map(|timed| (timed.decision_ns, timed.bare_ns));
        Ok(figures.unzip())
    }
}

impl Subject for Node {
    fn ask(&mut self, request: &Value) -> Result<Value> {
        let answers = Node::ask(self, core::slice::from_ref(request))?;
        answers.into_iter().next().context("no result")
    }

    fn measure(&mut self, requests: &[Value], samples: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        Node::measure(self, requests, samples, REPEATS)
    }
}

/// Returns rows for the available restricted edges, and one human-readable line each with the sizes of the
/// function and its store.
pub(crate) fn measure(
    places: &Places,
    targets: &[Target],
    issuer: &Issuer,
    effort: Effort,
) -> Result<(Vec<Row>, String)> {
    let (mut rows, mut notes) = (Vec::new(), String::new());
    for courses in SIZES {
        let site = Site::new(courses, issuer)?;
        for target in targets {
            let (more, note) = match target.name() {
                "cloudfront-functions" => function(*target, places, &site, courses, effort)?,
                "edgeworkers" => (bundle(*target, &site, courses, effort)?, String::new()),
                _ => continue,
            };
            rows.extend(more);
            notes.push_str(&note);
        }
    }
    Ok((rows, notes))
}

/// The function in nginx.
fn function(
    target: Target,
    places: &Places,
    site: &Site,
    courses: usize,
    effort: Effort,
) -> Result<(Vec<Row>, String)> {
    let verifies = |algorithm| algorithm == Algorithm::HS256;
    let (_, resigner) = Resigner::new(site.policy.spec(), &Native, verifies)?;
    let made = cloudfront(resigner.deployed(), &site.policy.id()?)?;
    let note = format!(
        "cloudfront-functions, {courses} courses: function {} bytes; {} store entries of {} bytes in all, the \
         largest value of {}; a request reads at most {}\n",
        made.function.len(),
        made.entries.len() + 1,
        made.store_bytes(),
        made.largest_value_bytes(),
        made.max_reads
    );
    let mut nginx = Nginx::start(&places.nginx, &Script::from_cloudfront(&made))?;
    let row = |what, engine| Row {
        what,
        target,
        rules: courses,
        p50_ns: 0.0,
        p99_ns: 0.0,
        bytes: made.function.len(),
        note: format!("event to answer in njs: {engine}"),
    };
    // Where tokens are RS256, each is replaced by a session: HS256.
    let about = "session verified (HS256), claims read, decided";
    let asked = [
        (row(What::Decide, "open path, no token"), open(site)),
        (row(What::NewToken, about), closed(site, &resigner)?),
    ];
    Ok((timed(&mut nginx, asked, effort)?, note))
}

/// The bundle in Node, without WebAssembly and without code from strings.
fn bundle(target: Target, site: &Site, courses: usize, effort: Effort) -> Result<Vec<Row>> {
    let verifies = |algorithm| algorithm != Algorithm::EdDSA;
    let (policy, resigner) = Resigner::new(site.policy.spec(), &Native, verifies)?;
    let script = Script::new(Engine::EdgeWorkers, &policy, &site.policy.id()?)?;
    let mut node = Node::start()?;
    node.load(&script)?;
    let row = |what, about| Row {
        what,
        target,
        rules: courses,
        p50_ns: 0.0,
        p99_ns: 0.0,
        bytes: script.source().len(),
        note: format!("request to answer in Node: {about}"),
    };
    let about = "token verified by WebCrypto (RS256), claims read, decided";
    let asked = [
        (row(What::Decide, "open path, no token"), open(site)),
        (row(What::NewToken, about), closed(site, &resigner)?),
    ];
    timed(&mut node, asked, effort)
}

/// Returns the rows with their measurements.
fn timed<const N: usize>(
    subject: &mut impl Subject,
    asked: [(Row, Vec<Value>); N],
    effort: Effort,
) -> Result<Vec<Row>> {
    let samples = effort.warm.div_ceil(20).max(5);
    let mut rows = Vec::new();
    for (row, requests) in asked {
        let answer = subject.ask(requests.first().context("the site has no courses")?)?;
        let outcome = answer.get("outcome").and_then(Value::as_str);
        ensure!(outcome == Some("allow"), "not allowed: {answer}");
        let (decisions, bare) = subject.measure(&requests, samples)?;
        let ((p50_ns, p99_ns), (bare_ns, _)) = (percentiles(decisions), percentiles(bare));
        rows.push(Row {
            p50_ns,
            p99_ns,
            note: format!(
                "{}; {:.0} times a script that does nothing",
                row.note,
                p50_ns / bare_ns.max(1.0)
            ),
            ..row
        });
    }
    Ok(rows)
}

fn open(site: &Site) -> Vec<Value> {
    site.open_requests().iter().map(as_json).collect()
}

/// Requests with tokens that the edge can verify.
fn closed(site: &Site, resigner: &Resigner) -> Result<Vec<Value>> {
    let closed = site.closed.iter().map(|course| {
        let headers = [("authorization", course.bearer.as_bytes())];
        let asked: Request<'_> = request(&course.target, &headers);
        resigner
            .request(&asked)
            .with(&asked, |asked| Ok(as_json(asked)))
    });
    closed.collect()
}
