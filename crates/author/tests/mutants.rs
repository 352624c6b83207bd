//! The shortcuts of mutation testing: the outcome of every mutant is that of a completely compiled policy and all
//! tests, and the work grows with the number of courses, not with its square.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::path::Path;

use fastrand::Rng;
use tollgate_analysis::{Policy, diff};
use tollgate_author::locate::{self, RuleSpans};
use tollgate_author::mutate::{self, Effort, Mutant, MutantOutcome};
use tollgate_author::policy_gate;
use tollgate_author::probe::{Pool, Visit};
use tollgate_author::suite::{self, Case, Expect, TestFile};
use tollgate_compiler::diagnostic::Span;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_policy::spec::ImageSpec;

/// The time of random tests.
const NOW: i64 = 1_800_000_000;

struct Site {
    policy: ImageSpec,
    places: Vec<RuleSpans>,
    files: Vec<TestFile>,
}

impl Site {
    fn new(sources: &SourceTree) -> Option<Self> {
        let compiled = compile(sources, &CompileOptions::default());
        let places = locate::places(sources, &compiled.origins);
        let policy = compiled.policy.filter(|_| compiled.image.is_some())?;
        let gate = policy_gate::gate(&policy).unwrap();
        let files = suite::read_all(&sources.test_files(), sources, &gate).unwrap();
        Some(Self {
            policy,
            places,
            files,
        })
    }

    fn run(&self) -> (Vec<Mutant>, Vec<MutantOutcome>, Effort) {
        let mutants = mutate::mutants(&self.policy, &self.places);
        let run = mutate::measured(&self.policy, &self.places, &mutants, &self.files, &|| ());
        let (outcomes, effort) = run.unwrap();
        assert_eq!(mutants.len(), outcomes.len());
        (mutants, outcomes, effort)
    }

    /// Compares every outcome with what the whole mutated policy shows. Returns the numbers of caught, missed and
    /// equivalent mutants.
    fn compare(&self) -> [usize; 3] {
        let (mutants, outcomes, _) = self.run();
        let original = policy_gate::gate(&self.policy).unwrap();
        let exact = Policy::new(self.policy.clone()).unwrap();
        let mut counts = [0; 3];
        for (mutant, outcome) in mutants.iter().zip(&outcomes) {
            let changed = mutant.policy(&self.policy);
            let what = format!("{} of rule {}", mutant.change, mutant.rule);
            let gate = policy_gate::gate(&changed).unwrap();
            let cases = self.files.iter().flat_map(|file| {
                let cases = file.cases.iter();
                cases.map(move |case| (&file.file, case))
            });
            let failing = cases
                .filter(|(_, case)| {
                    let before = suite::run(&original, &case.request(), &mut ());
                    before.meets(&case.expect)
                })
                .find(|(_, case)| {
                    let after = suite::run(&gate, &case.request(), &mut ());
                    !after.meets(&case.expect)
                });
            match (failing, outcome) {
                (
                    Some((file, case)),
                    MutantOutcome::Caught {
                        file: in_file,
                        test,
                    },
                ) => {
                    assert_eq!((file, &case.name), (in_file, test), "{what}");
                    counts[0] += 1;
                }
                (None, MutantOutcome::Missed(survivor)) => {
                    survivor.visit.with_request(|visit| {
                        let before = suite::run(&original, visit, &mut ());
                        let after = suite::run(&gate, visit, &mut ());
                        assert_ne!(
                            (before.reason, before.status),
                            (after.reason, after.status),
                            "{what}: {survivor:?}"
                        );
                        assert_eq!(before.reason, survivor.before.reason, "{what}");
                        assert_eq!(after.reason, survivor.after.reason, "{what}");
                    });
                    counts[1] += 1;
                }
                (None, MutantOutcome::Equivalent { proven }) => {
                    let changed = Policy::new(changed).unwrap();
                    let found = diff::diff(&exact, &changed, NOW);
                    assert!(
                        found.differences.is_empty(),
                        "{what}: {:?}",
                        found.differences
                    );
                    assert!(*proven || !found.gave_up.is_empty(), "{what}");
                    counts[2] += 1;
                }
                (failing, outcome) => {
                    let failing = failing.map(|(_, case)| &case.name);
                    panic!("{what}: {outcome:?}, but the first failing test is {failing:?}");
                }
            }
        }
        counts
    }
}

#[test]
fn outcomes_are_those_of_whole_policies_on_the_sample() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
    let mut sources = SourceTree::read(&folder);
    for name in suite::find(&folder).unwrap() {
        // Only some of the tests, so that mutants of all kinds are missed.
        if !name.contains("rust-101") && !name.contains("users") {
            let text = std::fs::read_to_string(folder.join(&name)).unwrap();
            sources.insert(name, text);
        }
    }
    let [caught, missed, equivalent] = Site::new(&sources).unwrap().compare();
    println!("{caught} caught, {missed} missed, {equivalent} equivalent");
    assert!(caught > 300 && missed > 10);
}

const RANDOM: &str = r#"
schema = 1
[site]
name = "random"
[[issuer]]
name = "i"
issuer = "https://i.example"
clients = ["c"]
algorithms = ["HS256"]
secrets = [{ kid = "k", file = "k.key" }]
groups_claim = "groups"
[claims]
level = "int"
"#;

const SEGMENTS: [&str; 7] = ["a", "b", "c", "{x}", "*", "a*", "**"];

/// A rule of a course whose paths overlap with those of other rules.
fn rule(id: usize, rng: &mut Rng) -> String {
    let mut pattern = |has_capture: &mut bool| {
        let mut text = String::new();
        let mut had_rest = false;
        for _ in 0..rng.usize(0..4) {
            let segment = SEGMENTS[rng.usize(..SEGMENTS.len())];
            if had_rest && segment == "**" || segment == "{x}" && (had_rest || text.contains('{')) {
                continue;
            }
            had_rest |= segment == "**";
            text.push('/');
            text.push_str(segment);
        }
        *has_capture &= text.contains('{');
        if text.is_empty() || (!had_rest && rng.bool()) {
            text.push('/');
        }
        format!("\"{text}\"")
    };
    let mut has_capture = true;
    let first = pattern(&mut has_capture);
    let second = pattern(&mut has_capture);
    let effect = if rng.u8(..3) == 0 { "deny" } else { "allow" };
    let who = match rng.u8(..5) {
        0 => "anyone = true",
        1 => "signed_in = true",
        2 if has_capture => "groups = [\"g-{x}\", \"h\"]",
        2 | 3 => "groups = [\"g\"]",
        _ => "subjects = [\"s\"]\nmethods = [\"GET\", \"PUT\"]",
    };
    let when = match rng.u8(..4) {
        0 => "when = 'claims.level >= 3'\n",
        1 => "unless = 'now < timestamp(\"2027-02-01T00:00:00Z\")'\n",
        _ => "",
    };
    format!("[[rule]]\nid = \"r{id}\"\n{effect} = [{first}, {second}]\n{who}\n{when}")
}

/// Random tests with the results of the policy.
fn tests(site: &Site, count: usize, rng: &mut Rng) -> Vec<Case> {
    let gate = policy_gate::gate(&site.policy).unwrap();
    let pool = Pool::new(&[&site.policy], gate.config(), Vec::new(), NOW);
    let visits = (0..count).map(|_| pool.visit(&[], rng));
    let case = |(at, visit): (usize, Visit)| {
        visit.with_request(|visit| {
            let got = suite::run(&gate, visit, &mut ());
            Case {
                name: format!("test {at}"),
                line: 1,
                is_cell: false,
                target_at: Span::default(),
                rule_at: Span::default(),
                who: visit.who.clone(),
                method: visit.method.to_owned(),
                target: visit.target.to_owned(),
                ip: visit.ip.map(str::to_owned),
                now: visit.now,
                expect: Expect {
                    reason: got.reason,
                    rule: got.rule.filter(|_| at % 2 == 0),
                },
            }
        })
    };
    visits.enumerate().map(case).collect()
}

#[test]
fn outcomes_are_those_of_whole_policies_on_random_ones() {
    const POLICIES: usize = 25;
    let mut rng = Rng::with_seed(21);
    let (mut compared, mut total) = (0, [0; 3]);
    while compared < POLICIES {
        let mut sources = SourceTree::new();
        let site: String = (0..rng.usize(0..3)).map(|id| rule(id, &mut rng)).collect();
        sources.insert("site.toml", format!("{RANDOM}{site}"));
        sources.insert("k.key", "A".repeat(43));
        for course in ["a", "b"] {
            let rules: String = (0..rng.usize(1..4)).map(|id| rule(id, &mut rng)).collect();
            let head = format!("course = \"{course}\"\nbase = \"/{course}\"\n");
            sources.insert(format!("courses/{course}.toml"), format!("{head}{rules}"));
        }
        let Some(mut site) = Site::new(&sources) else {
            continue;
        };
        let cases = tests(&site, 12, &mut rng);
        site.files = vec![TestFile {
            file: "site.test.toml".to_owned(),
            now: NOW,
            ip: None,
            cases,
            people: Vec::new(),
        }];
        compared += 1;
        let counts = site.compare();
        total = [0, 1, 2].map(|kind| total[kind] + counts[kind]);
    }
    println!("{total:?} caught, missed, equivalent");
    assert!(total.iter().all(|count| *count > 30), "{total:?}");
}

/// The site of `cargo xtask bench --rows authors` with this many courses.
fn many(courses: usize) -> Site {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lab/authors");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut sources = SourceTree::new();
    sources.insert("keys/1.key", "A".repeat(43));
    for name in ["site.toml", "site.test.toml"] {
        sources.insert(name, text(name));
    }
    let (course, exam, tests) = (
        text("course.toml"),
        text("exam.toml"),
        text("course.test.toml"),
    );
    for number in 1..=courses {
        let exam = if number % 2 == 0 { exam.as_str() } else { "" };
        let filled = |text: &str| text.replace("@N@", &number.to_string());
        let name = format!("courses/course-{number}");
        sources.insert(format!("{name}.toml"), filled(&format!("{course}{exam}")));
        sources.insert(format!("{name}.test.toml"), filled(&tests));
    }
    Site::new(&sources).unwrap()
}

#[test]
fn the_work_is_linear_in_the_number_of_courses() {
    let efforts = [8, 16, 32].map(|courses| {
        let (mutants, _, effort) = many(courses).run();
        println!("{courses} courses, {} mutants: {effort:?}", mutants.len());
        effort
    });
    let [small, middle, large] = efforts;
    for (what, [small, middle, large]) in [
        (
            "requests",
            [small.requests, middle.requests, large.requests],
        ),
        ("rules", [small.rules, middle.rules, large.rules]),
    ] {
        // Twice the courses add twice the work. If the work were quadratic, it would be four times.
        let (first, second) = (middle - small, large - middle);
        assert!(second * 2 <= first * 5, "{what}: {efforts:?}");
    }
}
