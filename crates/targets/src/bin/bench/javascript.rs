//! Figures of generated functions in nginx's engine: time, bytes, entries of the store.
//!
//! Such an engine has no cache and no threads, so there is one kind of warm figure; and CloudFront counts time
//! against a limit it does not tell, so what counts is the ratio to a function that only returns the
//! request. Not here: other engines.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tollgate_compiler::javascript::cloudfront;
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_targets::javascript::Script;
use tollgate_targets::javascript::resign::Resigner;
use tollgate_targets::njs::Nginx;
use tollgate_targets::node::as_json;
use tollgate_targets::{Places, Target};
use tollgate_token::Algorithm;

use crate::Effort;
use crate::figures::{Row, What, percentiles};
use crate::site::{Issuer, Site, request};

/// Courses of the sites that are measured.
const SIZES: [usize; 2] = [100, 10_000];
/// How many decisions one figure is the mean of.
const REPEATS: u32 = 100;

/// What nginx's engine takes, and what the function and its store weigh, a line for people each.
pub(crate) fn measure(
    places: &Places,
    issuer: &Issuer,
    effort: Effort,
) -> Result<(Vec<Row>, String)> {
    let mut rows = Vec::new();
    let mut notes = String::new();
    for rules in SIZES {
        let site = Site::new(rules, issuer)?;
        let verifies = |algorithm| algorithm == Algorithm::HS256;
        let (policy, resigner) = Resigner::new(site.policy.spec(), &Native, verifies)?;
        let made = cloudfront(&policy, &site.policy.id()?)?;
        notes.push_str(&format!(
            "cloudfront-functions, {rules} courses: function {} bytes; {} store entries of {} bytes in all; \
             a request reads at most {}\n",
            made.function.len(),
            made.entries.len() + 1,
            made.store_bytes(),
            made.max_reads
        ));
        let nginx = Nginx::start(&places.nginx, &Script::from_cloudfront(&made))?;
        let open: Vec<Value> = site.open_requests().iter().map(as_json).collect();
        let closed: Vec<Value> = site
            .closed
            .iter()
            .map(|course| {
                let headers = [("authorization", course.bearer.as_bytes())];
                let asked: Request<'_> = request(&course.target, &headers);
                resigner
                    .request(&asked)
                    .with(&asked, |asked| Ok(as_json(asked)))
            })
            .collect::<Result<_>>()?;
        for (what, requests, about) in [
            (What::Decide, open, "open path, no token"),
            (
                What::NewToken,
                closed,
                "HS256 verified, claims read, decided",
            ),
        ] {
            let first = requests.first().context("a site without courses")?;
            let answer = nginx.ask(core::slice::from_ref(first))?;
            let outcome = answer.first().and_then(|answer| answer.get("outcome"));
            ensure!(
                outcome.and_then(Value::as_str) == Some("allow"),
                "not allowed: {answer:?}"
            );
            let mut samples = Vec::new();
            let mut bare = Vec::new();
            for _ in 0..effort.warm.div_ceil(50).max(5) {
                let timed = nginx.measure(&requests, REPEATS)?;
                samples.push(timed.decision_ns);
                bare.push(timed.bare_ns);
            }
            let ((p50_ns, p99_ns), (bare_ns, _)) = (percentiles(samples), percentiles(bare));
            rows.push(Row {
                what,
                target: Target::CloudfrontFunctions,
                rules,
                p50_ns,
                p99_ns,
                bytes: made.function.len(),
                note: format!(
                    "event to answer in njs: {about}; {:.0} times a function that returns the request",
                    p50_ns / bare_ns.max(1.0)
                ),
            });
        }
    }
    Ok((rows, notes))
}
