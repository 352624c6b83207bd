//! Ours: the core with a raw path and the facts of a user whose token was verified.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use tollgate_core::path::{PathOptions, PathScratch};
use tollgate_core::{Facts, FactsBuilder, Image, Query, Reason, TokenState, UnixSeconds, decide};

use super::Asked;
use crate::site::{ISSUER_NAME, METHOD, Question};
use crate::timing::{Figures, timed};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

pub(super) fn measure(image: &[u8], asked: &Asked<'_>) -> Result<Figures> {
    let began = Instant::now();
    let image = load(image)?;
    let ready = began.elapsed();
    let facts = facts(&image, asked.questions);
    let mut scratch = PathScratch::new();
    timed(asked.expected, asked.effort, ready, |at| {
        let facts = facts.get(at).context("no facts with that number")?;
        ask(&image, &mut scratch, asked.question(at)?, facts)
    })
}

/// Returns our decision for each request.
pub(super) fn answers(image: &[u8], questions: &[Question]) -> Result<Vec<bool>> {
    let image = load(image)?;
    let mut scratch = PathScratch::new();
    let facts = facts(&image, questions);
    let pairs = questions.iter().zip(&facts);
    pairs
        .map(|(question, facts)| ask(&image, &mut scratch, question, facts))
        .collect()
}

fn load(image: &[u8]) -> Result<Image<&[u8]>> {
    Image::from_bytes(image).map_err(|error| anyhow!("{error}"))
}

fn facts(image: &Image<&[u8]>, questions: &[Question]) -> Vec<Facts> {
    let of = |question: &Question| {
        FactsBuilder::new(image)
            .issuer(ISSUER_NAME)
            .group(&question.group)
            .build()
    };
    questions.iter().map(of).collect()
}

fn ask(
    image: &Image<&[u8]>,
    scratch: &mut PathScratch,
    question: &Question,
    facts: &Facts,
) -> Result<bool> {
    let path = scratch.parse(question.path.as_bytes(), PathOptions::default());
    let path = path.ok().context("a canonical path")?;
    let query = Query {
        path: &path,
        method: METHOD,
        ip: None,
        now: NOW,
        token: TokenState::Verified(facts),
    };
    Ok(decide(image, &query).reason == Reason::Allow)
}
