//! A loop of decisions for a tool that counts instructions: `decide_loop RULES ROUNDS`. Prints the decisions
//! made, the bytes of the image and the milliseconds it took to compile.
//!
//! Course N of RULES requires the group `course-N`; each round decides a request for another course with facts
//! that have its group, including the raw path. Two runs with different ROUNDS differ only in the decisions.

use std::process::ExitCode;
use std::time::Instant;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{
    FactsBuilder, Image, PathOptions, PathScratch, Query, Reason, TokenState, UnixSeconds, decide,
};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
/// The number of courses requested in turn, spread over all.
const ASKED: usize = 16;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let (Some(Ok(rules)), Some(Ok(rounds))) = (numbers.next(), numbers.next()) else {
        eprintln!("usage: decide_loop RULES ROUNDS");
        return ExitCode::from(2);
    };
    match run(rules, rounds) {
        Some(Done {
            allowed,
            bytes,
            compile_ms,
        }) if allowed == rounds => {
            println!("{allowed} {bytes} {compile_ms}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("a decision was not `allow`");
            ExitCode::FAILURE
        }
    }
}

struct Done {
    /// The number of rounds in which the request was allowed.
    allowed: usize,
    /// Of the image.
    bytes: usize,
    compile_ms: u128,
}

fn run(rules: usize, rounds: usize) -> Option<Done> {
    let mut sources = SourceTree::new();
    sources.insert(
        "site.toml",
        "schema = 1\n[site]\nname = \"counted\"\n[[issuer]]\nname = \"session\"\n\
         issuer = \"https://issuer.example\"\nclients = [\"counted\"]\nalgorithms = [\"HS256\"]\ngroups_claim = \"groups\"\n\
         secrets = [{ kid = \"s\", file = \"s.key\" }]\n",
    );
    sources.insert("s.key", "A".repeat(43));
    for number in 0..rules {
        sources.insert(
            format!("courses/course-{number}.toml"),
            format!(
                "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\ngroups = [\"course-{number}\"]\n"
            ),
        );
    }
    let start = Instant::now();
    let compiled = compile(&sources, &CompileOptions::default());
    let compile_ms = start.elapsed().as_millis();
    for diagnostic in &compiled.diagnostics {
        eprintln!("{diagnostic:?}");
    }
    let image = compiled.image?;
    let bytes = image.len();
    let image = Image::from_bytes(image).ok()?;
    let asked: Vec<_> = (0..ASKED)
        .map(|at| {
            let number = at * rules.saturating_sub(1) / (ASKED - 1);
            let facts = FactsBuilder::new(&image)
                .issuer("https://issuer.example")
                .subject(Some("alice"))
                .group("everybody")
                .group(&format!("course-{number}"))
                .build();
            let path = format!("/courses/course-{number}/week-1/lesson-2.html");
            (facts, path)
        })
        .collect();
    let mut scratch = PathScratch::new();
    let mut allowed = 0;
    for (facts, path) in asked.iter().cycle().take(rounds) {
        let path = scratch
            .parse(path.as_bytes(), PathOptions::default())
            .ok()?;
        let query = Query {
            path: &path,
            method: "GET",
            ip: None,
            now: NOW,
            token: TokenState::Verified(facts),
        };
        allowed += usize::from(decide(&image, &query).reason == Reason::Allow);
    }
    Some(Done {
        allowed,
        bytes,
        compile_ms,
    })
}
