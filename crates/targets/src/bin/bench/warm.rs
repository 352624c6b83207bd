//! Warm figures: the policy is loaded, the code has run before.
//!
//! Short operations are timed in batches, and a sample is the mean of its batch. Not here: starts.

use core::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tollgate_core::path::{PathOptions, PathScratch};
use tollgate_core::{Facts, FactsBuilder, Query, Reason, TokenState, decide};
use tollgate_gate::{Kind, Request, wire};
use tollgate_targets::embedded::{Compiled, Embedded};
use tollgate_targets::native::Library;
use tollgate_targets::node::{Measure, Node};
use tollgate_targets::{Places, Target};

use crate::Effort;
use crate::figures::{Row, What, percentiles};
use crate::site::{NOW, Site, request};

/// A batch takes at least this long, so that the clock's own cost does not show.
const BATCH_NS: f64 = 20_000.0;
const MOST_REPEATS: usize = 1_000;
/// A fifth of the time that Node is given to compile what is called often.
const NODE_WARM_UP_NS: f64 = 100_000_000.0;

const CORE_CALL: &str = "core alone: raw path parsed, rules decided, facts of the token at hand";
const MODULE_CALL: &str = "whole call over the boundary: open path, no token";
const TOKEN_CALL: &str = "whole call: RS256-2048 verified, claims read, decided";

/// The decision alone, and a request with a token.
pub(crate) fn measure(
    target: Target,
    site: &Site,
    places: &Places,
    effort: Effort,
) -> Result<Vec<Row>> {
    let headers: Vec<[(&str, &[u8]); 1]> = site
        .closed
        .iter()
        .map(|closed| [("authorization", closed.bearer.as_bytes())])
        .collect();
    let with_token: Vec<Request<'_>> = site
        .closed
        .iter()
        .zip(&headers)
        .map(|(closed, headers)| request(&closed.target, headers))
        .collect();
    let without = site.open_requests();
    let (decide, token) = match target {
        Target::Native => {
            let library = Library::load(site.policy.image())?;
            let token = timed(effort.warm / 4, &with_token, |request| {
                Ok(library.gate().handle(request).kind == Kind::Allow)
            })?;
            (in_core(&library, site, effort)?, token)
        }
        Target::Wasmtime => {
            let mut embedded = Compiled::from_file(&places.wasm)?.start(site.policy.image())?;
            let token = timed(effort.warm / 4, &with_token, |request| {
                allows(&mut embedded, request)
            })?;
            (
                timed(effort.warm, &without, |request| {
                    allows(&mut embedded, request)
                })?,
                token,
            )
        }
        Target::Node => {
            let mut node = Node::start(&places.node_package, site.policy.file())?;
            (
                in_node(&mut node, &without, effort.warm)?,
                in_node(&mut node, &with_token, effort.warm / 4)?,
            )
        }
    };
    let note = if target == Target::Native {
        CORE_CALL
    } else {
        MODULE_CALL
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
    Ok(vec![
        row(What::Decide, decide, note),
        row(What::NewToken, token, TOKEN_CALL),
    ])
}

fn allows(embedded: &mut Embedded, request: &Request<'_>) -> Result<bool> {
    Ok(embedded
        .decide_encoded(&wire::encode_request(request))?
        .kind
        == Kind::Allow)
}

/// Parsing the path and deciding, as the gate does once it knows who asks.
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
        let path = scratch.parse(raw.as_bytes(), PathOptions { ascii_only: false });
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

/// Node times its own calls: what is written to a process and back is not the gate's.
fn in_node(node: &mut Node, requests: &[Request<'_>], samples: usize) -> Result<Vec<f64>> {
    // Node's compiler makes the code faster as it runs; until then it is not warm.
    let look = |node: &mut Node, repeats| {
        let figures = node.measure(&Measure {
            requests,
            samples: 5,
            repeats,
        })?;
        Ok::<f64, anyhow::Error>(percentiles(figures).0)
    };
    let cold = look(node, 10)?;
    let warm = look(node, ((NODE_WARM_UP_NS / cold) as usize).max(1))?;
    node.measure(&Measure {
        requests,
        samples,
        repeats: repeats(warm),
    })
}

/// Times an operation that must hold, over the questions in turn.
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
            "{} of {repeats} requests were refused",
            repeats - held
        );
        Ok(took.as_nanos() as f64 / repeats as f64)
    };
    // Once over all of it: code and data are warm, and the length of a batch becomes known.
    let warm_up = batch(questions.len())?.min(batch(questions.len())?);
    let repeats = repeats(warm_up);
    (0..samples).map(|_| batch(repeats)).collect()
}

fn repeats(typical_ns: f64) -> usize {
    ((BATCH_NS / typical_ns).ceil() as usize).clamp(1, MOST_REPEATS)
}
