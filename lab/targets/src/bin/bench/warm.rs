//! Warm measurements: the policy is loaded and the code has run before.
//!
//! Short operations are timed in batches; a sample is the mean of its batch. Not here: cold starts.

use core::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tollgate_core::path::{PathOptions, PathScratch};
use tollgate_core::{Facts, FactsBuilder, Query, Reason, TokenState, decide};
use tollgate_edges::Flavour;
use tollgate_gate::{Kind, Request, TokenCache, wire};
use tollgate_targets::cloudflare::Worker;
use tollgate_targets::embedded::{Compiled, Embedded};
use tollgate_targets::lambda::Lines;
use tollgate_targets::lambda_edge::Package;
use tollgate_targets::native::Library;
use tollgate_targets::node::{Measure, Node};
use tollgate_targets::{Places, Target};

use crate::Effort;
use crate::figures::{Row, What, percentiles};
use crate::http;
use crate::site::{Closed, NOW, Site, request};

/// The minimum duration of a batch, so that the clock's own cost is negligible.
const BATCH_NS: f64 = 20_000.0;
const MOST_REPEATS: usize = 1_000;
/// A fifth of the time that Node gets to compile frequently called code.
const NODE_WARM_UP_NS: f64 = 100_000_000.0;

const CORE_CALL: &str = "core only: raw path parsed, rules decided, facts of the token available";
const MODULE_CALL: &str = "complete call over the boundary: open path, no token";
const TOKEN_CALL: &str = "complete call: RS256-2048 verified, claims read, decided";
const EVENT: &str = "event to result in the handler: open path, no token";
const TOKEN_EVENT: &str = "event to result: RS256-2048 verified, claims read, decided";
const FETCH: &str = "request to response in the handler: open path, no token";
const TOKEN_FETCH: &str = "request to response: RS256-2048 verified, claims read, decided";
const LINE: &str = "event written to result read, with a signed S3 link: open path, no token";
const TOKEN_LINE: &str = "the same: RS256-2048 verified, claims read, decided";

/// The number of tokens used in turn where each should be cached: small enough for every target that caches
/// tokens to hold them all.
const KNOWN_TOKENS: usize = 64;
/// The part of the notes that cached tokens replace, and its replacement.
const VERIFIED: &str = "RS256-2048 verified, claims read";
const REMEMBERED: &str = "token cached";

/// The decision only, a request with a new token, and one with a cached token.
pub(crate) fn measure(
    target: Target,
    site: &Site,
    places: &Places,
    effort: Effort,
) -> Result<Vec<Row>> {
    let new_headers = authorizations(&site.never_seen);
    let new = with_tokens(&site.never_seen, &new_headers);
    let known_headers = authorizations(&site.closed);
    let mut known = with_tokens(&site.closed, &known_headers);
    known.truncate(KNOWN_TOKENS);
    let open = site.open_requests();
    let (fewer, fewest) = (effort.warm / 4, effort.warm / 8);
    let (decide, new, known) = match target.name() {
        "native" => {
            let library = Library::load(site.policy.image())?;
            let mut tokens = TokenCache::new(2 * KNOWN_TOKENS);
            (
                in_core(&library, site, effort)?,
                timed(fewer, &new, |request| {
                    Ok(library
                        .gate()
                        .ask(request, &mut tollgate_gate::Context::new())
                        .kind
                        == Kind::Allow)
                })?,
                timed(effort.warm, &known, |request| {
                    Ok(library
                        .gate()
                        .ask(request, &mut tollgate_gate::Context::cached(&mut tokens))
                        .kind
                        == Kind::Allow)
                })?,
            )
        }
        "wasmtime" => {
            let mut embedded = Compiled::from_file(&places.wasm)?.start(site.policy.image())?;
            let mut time = |samples, requests: &[Request<'_>]| {
                timed(samples, requests, |request| allows(&mut embedded, request))
            };
            (
                time(effort.warm, &open)?,
                time(fewer, &new)?,
                time(effort.warm, &known)?,
            )
        }
        "node" => {
            let mut node = Node::start(&places.node_package, site.policy.file())?;
            let mut ask = |what: &Measure<'_>| node.measure(what);
            (
                in_node(&mut ask, &open, effort.warm)?,
                in_node(&mut ask, &new, fewer)?,
                in_node(&mut ask, &known, effort.warm)?,
            )
        }
        "lambda-edge" | "lambda-edge-native" => {
            let flavour = flavour(target);
            let mut package = Package::build(flavour, places, site.policy.file())?.start()?;
            let mut ask = |what: &Measure<'_>| package.measure(what);
            (
                in_node(&mut ask, &open, effort.warm)?,
                in_node(&mut ask, &new, fewer)?,
                in_node(&mut ask, &known, effort.warm)?,
            )
        }
        "lambda" => {
            let mut lines = Lines::start(&places.lambda, site.policy.file())?;
            let mut time =
                |requests: &[Request<'_>]| timed(fewer, requests, |request| lines.allows(request));
            (time(&open)?, time(&new)?, time(&known)?)
        }
        "cloudflare" => {
            let mut workerd = Worker::build(places, site.policy.file())?.start()?;
            let mut ask = |what: &Measure<'_>| workerd.measure(what);
            (
                in_node(&mut ask, &open, fewest)?,
                in_node(&mut ask, &new, fewest)?,
                in_node(&mut ask, &known, fewest)?,
            )
        }
        _ => return Ok(Vec::new()),
    };
    let (note, token_note) = match target.name() {
        "native" => (CORE_CALL, TOKEN_CALL),
        "wasmtime" | "node" => (MODULE_CALL, TOKEN_CALL),
        "lambda-edge" | "lambda-edge-native" => (EVENT, TOKEN_EVENT),
        "lambda" => (LINE, TOKEN_LINE),
        "cloudflare" => (FETCH, TOKEN_FETCH),
        _ => ("", ""),
    };
    let row = |what, samples, note: &str| {
        let (p50_ns, p99_ns) = percentiles(samples);
        let bytes = site.policy.image().len();
        Row {
            what,
            target,
            rules: site.rules,
            p50_ns,
            p99_ns,
            bytes,
            note: note.to_owned(),
        }
    };
    let mut rows = vec![
        row(What::Decide, decide, note),
        row(What::NewToken, new, token_note),
        row(
            What::KnownToken,
            known,
            &token_note.replace(VERIFIED, REMEMBERED),
        ),
    ];
    if target.name() == "cloudflare" {
        let figures = http::in_workerd(places, site, effort.warm)?;
        rows.push(row(What::Requests, figures, http::NOTE));
    }
    Ok(rows)
}

/// The headers that contain the tokens of courses.
fn authorizations(courses: &[Closed]) -> Vec<[(&str, &[u8]); 1]> {
    let bearers = courses.iter().map(|course| course.bearer.as_bytes());
    bearers.map(|bearer| [("authorization", bearer)]).collect()
}

/// Returns requests for courses with these headers.
fn with_tokens<'a>(
    courses: &'a [Closed],
    headers: &'a [[(&'a str, &'a [u8]); 1]],
) -> Vec<Request<'a>> {
    let pairs = courses.iter().zip(headers);
    pairs
        .map(|(course, headers)| request(&course.target, headers))
        .collect()
}

fn allows(embedded: &mut Embedded, request: &Request<'_>) -> Result<bool> {
    Ok(embedded
        .decide_encoded(&wire::encode_request(request))?
        .kind
        == Kind::Allow)
}

/// Parses the path and decides, as the gate does once it has verified the token.
fn in_core(library: &Library, site: &Site, effort: Effort) -> Result<Vec<f64>> {
    let image = library.gate().image();
    let questions: Vec<(&str, Facts)> = site
        .closed
        .iter()
        .map(|closed| {
            (
                closed.target.as_str(),
                FactsBuilder::new(image)
                    .issuer("learners")
                    .group(&closed.group)
                    .build(),
            )
        })
        .collect();
    let mut scratch = PathScratch::new();
    timed(effort.warm, &questions, |(raw, facts)| {
        let path = scratch.parse(raw.as_bytes(), PathOptions::default());
        let path = path.ok().context("a canonical path")?;
        let token = TokenState::Verified(facts);
        let query = Query {
            path: &path,
            method: "GET",
            ip: None,
            now: NOW,
            token,
        };
        Ok(decide(image, &query).reason == Reason::Allow)
    })
}

/// The variant of the gate in the Lambda@Edge package of this target.
pub(crate) fn flavour(target: Target) -> &'static Flavour {
    if target.name() == "lambda-edge-native" {
        tollgate_edges::NATIVE
    } else {
        tollgate_edges::WASM
    }
}

/// A process that times its own calls, because the cost of communicating with it is not the gate's.
type AskNode<'a> = dyn FnMut(&Measure<'_>) -> Result<Vec<f64>> + 'a;

fn in_node(node: &mut AskNode<'_>, requests: &[Request<'_>], samples: usize) -> Result<Vec<f64>> {
    let mut asked = 0;
    let mut ask = |samples, repeats| {
        // Each sample continues where the last ended: from the start, tokens would be cached.
        let mut requests = requests.to_vec();
        let start = asked % requests.len().max(1);
        requests.rotate_left(start);
        asked += samples * repeats;
        node(&Measure {
            requests: &requests,
            samples,
            repeats,
        })
    };
    // Node's compiler optimises code as it runs; until then it is not warm.
    let cold = percentiles(ask(5, 10)?).0;
    let warm = percentiles(ask(5, ((NODE_WARM_UP_NS / cold) as usize).max(1))?).0;
    ask(samples, repeats(warm))
}

/// Times an operation that must succeed, over the requests in turn.
fn timed<Q>(
    samples: usize,
    questions: &[Q],
    mut operation: impl FnMut(&Q) -> Result<bool>,
) -> Result<Vec<f64>> {
    let mut turn = questions.iter().cycle();
    let mut batch = |repeats: usize| -> Result<f64> {
        let mut held = 0;
        let began = Instant::now();
        for question in turn.by_ref().take(repeats) {
            held += usize::from(operation(black_box(question))?);
        }
        let took = began.elapsed();
        ensure!(
            held == repeats,
            "{} of {repeats} requests were denied",
            repeats - held
        );
        Ok(took.as_nanos() as f64 / repeats as f64)
    };
    // One pass over everything: code and data are warm, and the length of a batch becomes known.
    let warm_up = batch(questions.len())?.min(batch(questions.len())?);
    let repeats = repeats(warm_up);
    (0..samples).map(|_| batch(repeats)).collect()
}

fn repeats(typical_ns: f64) -> usize {
    ((BATCH_NS / typical_ns).ceil() as usize).clamp(1, MOST_REPEATS)
}
