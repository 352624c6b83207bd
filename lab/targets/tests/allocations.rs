//! Deciding allocates nothing: measured for paths, methods, addresses and tokens of all sample cases.

#![cfg(test)]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::path::PathScratch;
use tollgate_core::{Facts, Query, TokenState, UnixSeconds, decide};
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_targets::counting::{Counting, allocations};
use tollgate_testkit::{Case, read_cases};
use tollgate_token::Claims;

#[global_allocator]
static COUNTING: Counting = Counting;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn gate() -> Gate<Vec<u8>> {
    let compiled = compile(
        &SourceTree::read(&root().join("policy")),
        &CompileOptions::default(),
    );
    Gate::new(compiled.image.expect("the sample policy compiles"), &Native).expect("and loads")
}

fn sample_cases() -> Vec<Case> {
    let folder = std::fs::read_dir(root().join("fixtures/cases/sample")).expect("sample cases");
    let files = folder.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"));
    files
        .flat_map(|text| read_cases(&text).expect("cases"))
        .collect()
}

/// Returns the facts of every token in the cases whose claims can be parsed, with a valid signature or not.
fn facts(gate: &Gate<Vec<u8>>, cases: &[Case]) -> Vec<Facts> {
    let words = cases
        .iter()
        .flat_map(|case| case.headers.iter().flat_map(|(_, value)| value.split(' ')));
    let payloads: BTreeSet<&str> = words.filter_map(|word| word.split('.').nth(1)).collect();
    let claims = payloads.into_iter().filter_map(|part| {
        let json = Base64UrlUnpadded::decode_vec(part).ok()?;
        Claims::from_json(&json).ok()
    });
    let issuers = &gate.config().issuers;
    claims
        .flat_map(|claims| {
            issuers.iter().filter_map(move |issuer| {
                claims
                    .facts(gate.image(), issuer, &gate.config().claim_places)
                    .ok()
            })
        })
        .collect()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| core::hint::black_box(Box::new(7))), 1);
    assert_eq!(allocations(|| 7), 0);
}

#[test]
fn deciding_allocates_nothing() {
    let (gate, cases) = (gate(), sample_cases());
    let facts = facts(&gate, &cases);
    assert!(
        cases.len() > 100 && facts.len() > 10,
        "{} cases, {} tokens",
        cases.len(),
        facts.len()
    );
    let tokens: Vec<TokenState<'_>> = [TokenState::Absent, TokenState::Bad]
        .into_iter()
        .chain(facts.iter().map(TokenState::Verified))
        .collect();
    let mut scratch = PathScratch::new();
    let mut reasons = BTreeSet::new();
    for case in &cases {
        let raw = case
            .target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        let ip = case.ip.as_deref().and_then(|ip| ip.parse().ok());
        let now = UnixSeconds(case.now);
        for token in &tokens {
            let mut reason = None;
            let made = allocations(|| {
                let options = gate.image().path_options();
                if let Ok(path) = scratch.parse(raw, options) {
                    let query = Query {
                        path: &path,
                        method: &case.method,
                        ip,
                        now,
                        token: *token,
                    };
                    reason = Some(decide(gate.image(), &query).reason);
                }
            });
            assert_eq!(
                made,
                0,
                "case {} with {} tokens known",
                case.id,
                tokens.len()
            );
            reasons.extend(reason.map(tollgate_core::Reason::code));
        }
    }
    // Every kind of decision must have occurred, or the zero would mean little.
    let all = [
        "allow",
        "bad_method",
        "bad_token",
        "denied_by_rule",
        "forbidden",
        "no_token",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), all);
}
