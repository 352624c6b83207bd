//! Generated JavaScript: what it is made of, and how much of it there is. That it decides rightly is
//! tested in real engines, by `tollgate-targets`.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_javascript::budget::MAX_FUNCTION_BYTES;
use tollgate_javascript::{CloudFront, JavaScriptError, MAX_POLICY_BYTES, cloudfront, edgeworkers};
use tollgate_policy::spec::ImageSpec;

const ID: &str = "0123456789abcdef0123456789abcdef";

fn policy(tree: &SourceTree) -> ImageSpec {
    let compiled = compile(tree, &CompileOptions::default());
    compiled
        .policy
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn folder(name: &str) -> ImageSpec {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    policy(&SourceTree::read(&root.join(name)))
}

fn made(policy: &ImageSpec) -> CloudFront {
    cloudfront(policy, ID).unwrap_or_else(|error| panic!("{error}"))
}

/// A site of courses with a rule each, as the benchmarks have it.
fn courses(count: usize) -> ImageSpec {
    let mut tree = SourceTree::new();
    tree.insert("k.key", "k".repeat(42) + "w");
    tree.insert(
        "site.toml",
        "schema = 1\n[site]\nname = \"s\"\n[[issuer]]\nname = \"s\"\nissuer = \"https://s.test\"\nclients = [\"s\"]\n\
         algorithms = [\"HS256\"]\ngroups_claim = \"cognito:groups\"\nsecrets = [{ kid = \"k\", file = \"k.key\" }]\n",
    );
    add_courses(&mut tree, count);
    policy(&tree)
}

fn add_courses(tree: &mut SourceTree, count: usize) {
    for number in 0..count {
        let text = format!(
            "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
             [[rule]]\nid = \"all\"\nallow = [\"/**\"]\ngroups = [\"course-{number}\"]\n"
        );
        tree.insert(format!("courses/course-{number}.toml"), text);
    }
}

fn list<'v>(update: &'v Value, name: &str) -> &'v [Value] {
    update
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[test]
fn every_policy_of_the_project_fits() {
    for name in [
        "policy",
        "fixtures/policies/conditions",
        "fixtures/policies/status",
        "fixtures/policies/sources",
        "fixtures/policies/patterns",
        "fixtures/policies/algorithms",
    ] {
        let policy = folder(name);
        let made = made(&policy);
        println!(
            "{name}: {} bytes, {} entries",
            made.function.len(),
            made.entries.len()
        );
        assert!(made.function.len() <= MAX_FUNCTION_BYTES, "{name}");
        edgeworkers(&policy, ID).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// The sample policy with other text in `site.toml`, and with this many courses more.
fn sample(edit: impl Fn(String) -> String, count: usize) -> ImageSpec {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
    let mut tree = SourceTree::read(&root);
    let site = std::fs::read_to_string(root.join("site.toml")).unwrap();
    tree.insert("site.toml", edit(site));
    add_courses(&mut tree, count);
    policy(&tree)
}

#[test]
fn the_sample_policy_fits_with_ten_thousand_courses_and_more_keys() {
    let plain = made(&folder("policy"));
    let many = made(&sample(|site| site, 10_000));
    // Courses are data.
    assert_eq!(many.function.len(), plain.function.len());
    assert!(many.largest_value_bytes() <= 1_024);
    let rotated = |site: String| {
        let first = "{ kid = \"session-1\", file = \"keys/session-1.key\" }";
        let second = "{ kid = \"session-2\", file = \"keys/session-1.key\" }";
        site.replacen(first, &format!("{first}, {second}"), 1)
    };
    // So are keys: the function stays while they are rotated, and reads the same pointer.
    let both = made(&sample(rotated, 0));
    assert_eq!(both.function, plain.function);
    assert_eq!(both.pointer.key, plain.pointer.key);
    assert_ne!(both.generation, plain.generation);
}

#[test]
fn a_function_that_is_too_large_says_what_costs() {
    let to = format!("no_token = {{ redirect = \"/{}\" }}", "x".repeat(2_000));
    let error = cloudfront(
        &sample(
            |site| site.replacen("no_token = { status = 401 }", &to, 1),
            0,
        ),
        ID,
    )
    .unwrap_err();
    assert_eq!(error.code(), "function_too_large");
    let shown = error.to_string();
    for part in [
        "the limit of CloudFront is 10240",
        "`when` and `unless`: acme-onboarding/guest-wifi",
        "2001 bytes  the locations of redirects",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let costs = error.costs();
    assert!(costs.is_sorted_by(|a, b| a.bytes >= b.bytes));
    // Every cost has a name of its own.
    let names: BTreeSet<_> = costs.iter().map(|cost| cost.what).collect();
    assert_eq!(names.len(), costs.len());
    let networks = costs.iter().find(|cost| cost.what == "client addresses");
    let rules = networks
        .map(|cost| cost.rules.as_slice())
        .unwrap_or_default();
    assert!(rules.contains(&"site/link-checker".to_owned()), "{costs:?}");
}

#[test]
fn the_same_policy_gives_the_same_bytes() {
    let policy = folder("policy");
    assert_eq!(made(&policy), made(&policy));
    assert_eq!(edgeworkers(&policy, ID), edgeworkers(&policy, ID));
}

#[test]
fn entries_and_updates_keep_cloudfronts_limits() {
    for count in [0, 1, 10_000] {
        let made = made(&courses(count));
        for entry in made.entries.iter().chain([&made.pointer]) {
            assert!(entry.key.len() <= 512 && entry.value.len() <= 1_024);
            assert!(entry.value.starts_with(&made.generation));
        }
        assert!(made.store_bytes() <= MAX_POLICY_BYTES);
        // With ten thousand courses a request still reads few entries.
        assert!(made.max_reads <= 4, "{} reads", made.max_reads);
        let updates = made.updates();
        assert!(
            updates
                .iter()
                .all(|update| list(update, "Puts").len() <= 50)
        );
        assert!(
            updates
                .iter()
                .all(|update| update.to_string().len() <= 3 * 1024 * 1024)
        );
        let last = updates.last().map(|update| list(update, "Puts"));
        let pointer = Value::from(made.pointer.key.as_str());
        assert_eq!(last.and_then(|puts| puts[0].get("Key")), Some(&pointer));
        assert_eq!(last.map(<[Value]>::len), Some(1));
        // Every other key is of this generation, and nothing removes the pointer.
        assert!(
            made.entries
                .iter()
                .all(|entry| entry.key.starts_with(&made.generation))
        );
        let removed: usize = made
            .removals()
            .iter()
            .map(|update| list(update, "Deletes").len())
            .sum();
        assert_eq!(removed, made.entries.len());
    }
}

#[test]
fn another_rule_is_another_generation_for_the_same_function() {
    let (one, two) = (made(&courses(200)), made(&courses(201)));
    assert_eq!(one.function, two.function);
    assert_eq!(one.pointer.key, two.pointer.key);
    assert_ne!(one.generation, two.generation);
    // Another function has another pointer, so that neither reads what is meant for the other.
    assert_ne!(one.pointer.key, made(&folder("policy")).pointer.key);
}

#[test]
fn what_is_too_large_is_told_by_rule() {
    let rules: String = (0..400)
        .map(|number| {
            format!(
                "[[rule]]\nid = \"r{number}\"\nallow = [\"/x*{number}/**\"]\ngroups = [\"{}\"]\n",
                "g".repeat(60)
            )
        })
        .collect();
    let mut tree = SourceTree::new();
    tree.insert("k.key", "k".repeat(42) + "w");
    tree.insert(
        "site.toml",
        "schema = 1\n[site]\nname = \"s\"\n[[issuer]]\nname = \"s\"\nissuer = \"https://s.test\"\nclients = [\"s\"]\n\
         algorithms = [\"HS256\"]\ngroups_claim = \"cognito:groups\"\nsecrets = [{ kid = \"k\", file = \"k.key\" }]\n"
            .to_owned()
            + &rules,
    );
    let error = cloudfront(&policy(&tree), ID).unwrap_err();
    assert!(
        matches!(error, JavaScriptError::TooManyReads { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("site/r100"), "{error}");
}

#[test]
fn a_time_beyond_a_double_is_refused() {
    let mut policy = courses(1);
    policy.rules[0].when = Some(tollgate_policy::spec::Expr::Compare(
        tollgate_policy::spec::Comparison::Lt,
        Box::new(tollgate_policy::spec::Expr::Now),
        Box::new(tollgate_policy::spec::Expr::Time(i64::MAX - 1)),
    ));
    let error = cloudfront(&policy, ID).unwrap_err();
    assert_eq!(
        error,
        JavaScriptError::InexactTime {
            rule: "course-0/all".to_owned()
        }
    );
}
