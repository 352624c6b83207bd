//! The specification compared with decisions derived by hand.

use std::collections::BTreeMap;

use tollgate_spec::decide;
use tollgate_spec::model::*;

const FEBRUARY: i64 = 1_801_440_000; // 2027-02-01T00:00:00Z

fn rule(effect: Effect, id: &str, paths: &[&str], who: Who) -> Rule {
    Rule {
        id: id.to_owned(),
        effect,
        paths: texts(paths),
        who,
        methods: None,
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    }
}

fn allow(id: &str, paths: &[&str], who: Who) -> Rule {
    rule(Effect::Allow, id, paths, who)
}

fn deny(id: &str, paths: &[&str]) -> Rule {
    rule(Effect::Deny, id, paths, Who::default())
}

fn anyone() -> Who {
    Who {
        anyone: true,
        ..Who::default()
    }
}

fn signed_in() -> Who {
    Who {
        signed_in: true,
        ..Who::default()
    }
}

fn groups(groups: &[&str]) -> Who {
    Who {
        groups: Some(texts(groups)),
        ..Who::default()
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn policy(base: &str, rules: Vec<Rule>) -> Policy {
    let claims = [
        ("cohort", ClaimType::Text),
        ("level", ClaimType::Int),
        ("beta", ClaimType::Bool),
        ("roles", ClaimType::Texts),
    ];
    Policy {
        places: BTreeMap::new(),
        claims: claims.map(|(name, kind)| (name.to_owned(), kind)).into(),
        courses: vec![Course {
            id: "c".to_owned(),
            base: base.to_owned(),
            rules,
        }],
        ..Policy::default()
    }
}

fn person(groups: &[&str]) -> Facts {
    Facts {
        issuer: "https://issuer.test".to_owned(),
        subject: Some("u1".to_owned()),
        groups: Some(texts(groups)),
        scopes: Vec::new(),
        claims: BTreeMap::new(),
    }
}

fn in_group(name: &str) -> Token {
    Token::Verified(person(&[name]))
}

fn with_claim(name: &str, value: Option<Value>) -> Token {
    let mut facts = person(&[]);
    facts.claims.insert(name.to_owned(), value);
    Token::Verified(facts)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn request(target: &str, token: Token) -> Request {
    let ip = "203.0.113.7".parse().ok();
    let (method, target) = ("GET".to_owned(), target.as_bytes().to_vec());
    Request {
        method,
        target,
        ip,
        now: FEBRUARY - 1,
        token,
    }
}

/// `status reason`, and the rule or the methods if any.
fn answer(policy: &Policy, request: &Request) -> String {
    let verdict = decide(policy, request);
    let outcome = match verdict.status {
        200 => "allow",
        400 => "reject",
        _ => "deny",
    };
    assert_eq!(verdict.outcome, outcome);
    let mut words = vec![verdict.status.to_string(), verdict.reason.to_owned()];
    words.extend(verdict.rule);
    words.extend(verdict.allow_methods);
    words.join(" ")
}

fn check(policy: &Policy, cases: &[(&str, Token, &str)]) {
    for (target, token, want) in cases {
        let request = request(target, token.clone());
        assert_eq!(answer(policy, &request), *want, "{target} {token:?}");
    }
}

fn is(operator: Operator, a: Expr, b: Expr) -> Expr {
    Expr::Binary(operator, Box::new(a), Box::new(b))
}

fn claim_is(name: &str, value: Value) -> Expr {
    is(
        Operator::Eq,
        Expr::Claim(name.to_owned()),
        Expr::Literal(value),
    )
}

#[test]
fn patterns_name_paths() {
    let cases: &[(&str, &str, bool)] = &[
        ("/", "/", true),
        ("/", "/a", false),
        ("/**", "/", true),
        ("/**", "/a", true),
        ("/**", "/a/b/", true),
        ("/a/**", "/a", false),
        ("/a/**", "/a/", true),
        ("/a/**", "/a/x", true),
        ("/a/**", "/a/x/", true),
        ("/a/**", "/ab/x", false),
        ("/a/**", "/A/x", false),
        ("/a", "/a", true),
        ("/a", "/a/", false),
        ("/a/", "/a/", true),
        ("/a/", "/a", false),
        ("/a/", "/a/b", false),
        ("/a/**/", "/a/", true),
        ("/a/**/", "/a/x/", true),
        ("/a/**/", "/a/x", false),
        ("/a/**/b", "/a/b", true),
        ("/a/**/b", "/a/x/y/b", true),
        ("/a/**/b", "/a/b/", false),
        ("/a/**/b", "/a/b/c", false),
        ("/**/b/**", "/b", false),
        ("/**/b/**", "/b/", true),
        ("/**/b/**", "/a/b/c/d", true),
        ("/**/b/**/c", "/b/c", true),
        ("/**/b/**/c", "/c/b", false),
        ("/*", "/a", true),
        ("/*", "/", false),
        ("/*", "/a/", false),
        ("/*/", "/a/", true),
        ("/a*", "/a", true),
        ("/*.pdf", "/x.pdf", true),
        ("/*.pdf", "/.pdf", true),
        ("/*.pdf", "/x.pdf.exe", false),
        ("/*.pdf", "/a/x.pdf", false),
        ("/a*b*c", "/abbcc", true),
        ("/a*b*c", "/acb", false),
        ("/{x}", "/a", true),
        ("/{x}", "/", false),
        ("/{x}/", "/a/", true),
        ("/a b", "/a%20b", true),
        ("/é", "/%C3%A9", true),
        ("/é", "/e%CC%81", false),
        ("/a+b", "/a%2Bb", true),
        ("/a:b", "/a%3Ab", true),
        ("/a", "/a?/../b", true),
    ];
    for (pattern, target, named) in cases {
        let policy = policy("", vec![allow("r", &[pattern], anyone())]);
        let want = if *named {
            "200 allow c/r"
        } else {
            "403 forbidden"
        };
        assert_eq!(
            answer(&policy, &request(target, Token::Absent)),
            want,
            "{pattern} {target}"
        );
    }
}

#[test]
fn the_exam_window() {
    let in_time = is(
        Operator::Lt,
        Expr::Now,
        Expr::Literal(Value::Time(FEBRUARY)),
    );
    let cohort = claim_is("cohort", text("2027-spring"));
    let mut window = deny("exam-window", &["/exams/**"]);
    window.unless = Some(Expr::And(Box::new(cohort), Box::new(in_time)));
    let policy = policy(
        "/courses/rust-101",
        vec![
            allow("students", &["/**"], groups(&["rust-101", "staff"])),
            allow("preview", &["/preview/**", "/syllabus.pdf"], anyone()),
            window,
        ],
    );
    let spring = || {
        let mut facts = person(&["rust-101"]);
        facts
            .claims
            .insert("cohort".to_owned(), Some(text("2027-spring")));
        Token::Verified(facts)
    };
    let exam = "/courses/rust-101/exams/1.pdf";
    check(
        &policy,
        &[
            (exam, spring(), "200 allow c/students"),
            (
                exam,
                in_group("rust-101"),
                "403 denied_by_rule c/exam-window",
            ),
            // Some token would be allowed, so a token is requested.
            (exam, Token::Absent, "401 no_token"),
            (exam, Token::Bad, "401 bad_token"),
            (
                "/courses/rust-101/x",
                in_group("rust-101"),
                "200 allow c/students",
            ),
            (
                "/courses/rust-101/x",
                in_group("rust-1011"),
                "403 forbidden",
            ),
            ("/courses/rust-101/x", Token::Absent, "401 no_token"),
            ("/courses/rust-101", Token::Absent, "403 forbidden"),
            ("/courses/go-201/x", in_group("rust-101"), "403 forbidden"),
            (
                "/courses/rust-101/preview/",
                Token::Absent,
                "200 allow c/preview",
            ),
            (
                "/courses/rust-101/preview/a",
                Token::Bad,
                "200 allow c/preview",
            ),
            (
                "/courses/rust-101/syllabus.pdf",
                Token::Bad,
                "200 allow c/preview",
            ),
            (
                "/courses/rust-101/../x",
                in_group("rust-101"),
                "400 bad_path",
            ),
        ],
    );
    // From February on no token helps.
    for (token, want) in [
        (spring(), "403 denied_by_rule c/exam-window"),
        (Token::Absent, "403 denied_by_rule c/exam-window"),
        (Token::Bad, "403 denied_by_rule c/exam-window"),
    ] {
        let late = Request {
            now: FEBRUARY,
            ..request(exam, token)
        };
        assert_eq!(answer(&policy, &late), want);
    }
}

#[test]
fn conditions_have_three_values() {
    let beta = || Expr::Claim("beta".to_owned());
    let level = || Expr::Claim("level".to_owned());
    let overflow = is(Operator::Add, level(), Expr::Literal(Value::Int(1)));
    let in_roles = is(
        Operator::In,
        Expr::Literal(text("a")),
        Expr::Claim("roles".to_owned()),
    );
    let true_claim = || with_claim("beta", Some(Value::Bool(true)));
    let wrong = |name: &str| with_claim(name, None);
    let max = || with_claim("level", Some(Value::Int(i64::MAX)));
    let not = |a: Expr| Expr::Not(Box::new(a));
    let or = |a: Expr, b: Expr| Expr::Or(Box::new(a), Box::new(b));
    let and = |a: Expr, b: Expr| Expr::And(Box::new(a), Box::new(b));
    let yes = || Expr::Literal(Value::Bool(true));
    let no = || Expr::Literal(Value::Bool(false));
    let has = || Expr::Has("beta".to_owned());
    let empty_subject = is(Operator::Eq, Expr::Subject, Expr::Literal(text("")));
    let in_groups = |a: Expr| is(Operator::In, a, Expr::Groups);
    let cohort = || Expr::Claim("cohort".to_owned());
    // Condition, token, and the result: true, false or unknown.
    let cases: Vec<(Expr, Token, &str)> = vec![
        (beta(), true_claim(), "true"),
        (not(beta()), true_claim(), "false"),
        (beta(), wrong("beta"), "unknown"),
        (not(beta()), wrong("beta"), "unknown"),
        (beta(), in_group("a"), "unknown"),
        (beta(), Token::Absent, "unknown"),
        (or(beta(), yes()), Token::Absent, "true"),
        (or(beta(), no()), Token::Absent, "unknown"),
        (and(beta(), no()), Token::Absent, "false"),
        (and(beta(), yes()), Token::Bad, "unknown"),
        (is(Operator::Eq, beta(), beta()), Token::Absent, "unknown"),
        (is(Operator::Eq, not(beta()), no()), true_claim(), "true"),
        (has(), true_claim(), "true"),
        (has(), in_group("a"), "false"),
        (has(), wrong("beta"), "unknown"),
        (has(), Token::Absent, "unknown"),
        (
            is(Operator::Gt, overflow.clone(), Expr::Literal(Value::Int(0))),
            max(),
            "unknown",
        ),
        (is(Operator::Ne, overflow, level()), max(), "unknown"),
        (
            is(Operator::Ge, level(), Expr::Literal(Value::Int(3))),
            max(),
            "true",
        ),
        (
            in_roles.clone(),
            with_claim("roles", Some(Value::List(vec![text("a")]))),
            "true",
        ),
        (
            in_roles.clone(),
            with_claim("roles", Some(Value::List(vec![text("ab")]))),
            "false",
        ),
        (in_roles, Token::Absent, "unknown"),
        (empty_subject.clone(), Token::Absent, "true"),
        (empty_subject.clone(), in_group("a"), "false"),
        (empty_subject, Token::Verified(Facts::default()), "unknown"),
        (in_groups(Expr::Literal(text("a"))), in_group("a"), "true"),
        (in_groups(Expr::Literal(text("a"))), Token::Absent, "false"),
        (in_groups(cohort()), Token::Absent, "unknown"),
        (in_groups(cohort()), in_group("a"), "unknown"),
        (
            in_groups(cohort()),
            with_claim("cohort", Some(text("a"))),
            "false",
        ),
        (
            is(Operator::Eq, Expr::Issuer, Expr::Literal(text(""))),
            Token::Absent,
            "unknown",
        ),
    ];
    for (condition, token, want) in cases {
        // An allow matches if it is true, a deny if it is not false.
        let mut open = allow("open", &["/open"], anyone());
        let mut shut = deny("shut", &["/shut"]);
        open.when = Some(condition.clone());
        shut.when = Some(condition.clone());
        let policy = policy("", vec![open, shut, allow("all", &["/shut"], anyone())]);
        let status = |path| decide(&policy, &request(path, token.clone())).status;
        let found = match (status("/open"), status("/shut")) {
            (200, _) => "true",
            (_, 200) => "false",
            _ => "unknown",
        };
        assert_eq!(found, want, "{condition:?} {token:?}");
    }
}

#[test]
fn networks_and_times() {
    let mut rule = allow("r", &["/a"], anyone());
    let network = |text: &str, prefix| Network {
        address: text.parse().unwrap(),
        prefix,
    };
    rule.networks = Some(vec![network("203.0.113.0", 25), network("2001:db8::", 32)]);
    rule.from = Some(FEBRUARY);
    rule.until = Some(FEBRUARY + 10);
    let policy = policy("", vec![rule]);
    let cases = [
        (Some("203.0.113.7"), 0, 200),
        (Some("203.0.113.127"), 9, 200),
        (Some("203.0.113.128"), 0, 403),
        (Some("::ffff:203.0.113.7"), 0, 200),
        (Some("2001:db8:1::"), 0, 200),
        (Some("2001:db9::"), 0, 403),
        (None, 0, 403),
        (Some("203.0.113.7"), -1, 403),
        (Some("203.0.113.7"), 10, 403),
    ];
    for (ip, after, want) in cases {
        let ip = ip.map(|ip| ip.parse().unwrap());
        let request = Request {
            ip,
            now: FEBRUARY + after,
            ..request("/a", Token::Absent)
        };
        assert_eq!(decide(&policy, &request).status, want, "{ip:?} {after}");
    }
    // The network of all IPv6 addresses contains no IPv4 address, and with an unknown address a
    // deny matches.
    let mut everywhere = deny("v6", &["/a"]);
    everywhere.networks = Some(vec![network("::", 0)]);
    let policy = super_policy(everywhere);
    for (ip, want) in [(Some("10.0.0.1"), 200), (Some("::1"), 403), (None, 403)] {
        let ip = ip.map(|ip| ip.parse().unwrap());
        let request = Request {
            ip,
            ..request("/a", Token::Absent)
        };
        assert_eq!(decide(&policy, &request).status, want, "{ip:?}");
    }
}

fn super_policy(extra: Rule) -> Policy {
    policy("", vec![allow("all", &["/**"], anyone()), extra])
}

#[test]
fn methods() {
    let mut upload = allow("upload", &["/a"], groups(&["g"]));
    upload.methods = Some(texts(&["PUT", "POST"]));
    let mut no_delete = deny("no-delete", &["/a"]);
    no_delete.methods = Some(texts(&["DELETE"]));
    let policy = policy(
        "",
        vec![allow("read", &["/a"], anyone()), upload, no_delete],
    );
    let cases = [
        ("GET", Token::Absent, "200 allow c/read"),
        ("HEAD", Token::Absent, "200 allow c/read"),
        ("POST", Token::Absent, "401 no_token"),
        ("POST", Token::Bad, "401 bad_token"),
        ("POST", in_group("g"), "200 allow c/upload"),
        ("POST", in_group("x"), "405 bad_method GET HEAD"),
        ("DELETE", in_group("g"), "403 denied_by_rule c/no-delete"),
        ("DELETE", Token::Absent, "403 denied_by_rule c/no-delete"),
        ("PATCH", in_group("g"), "405 bad_method GET HEAD POST PUT"),
        ("PATCH", Token::Absent, "405 bad_method GET HEAD"),
        ("get", Token::Absent, "405 bad_method GET HEAD"),
        ("PROPFIND", Token::Bad, "405 bad_method GET HEAD"),
    ];
    for (method, token, want) in cases {
        let request = Request {
            method: method.to_owned(),
            ..request("/a", token)
        };
        assert_eq!(answer(&policy, &request), want, "{method}");
    }
}

#[test]
fn a_token_is_requested_only_if_it_can_help() {
    let mut if_beta = deny("if-beta", &["/claim/**"]);
    if_beta.when = Some(Expr::Claim("beta".to_owned()));
    let mut office = deny("office", &["/office/**"]);
    office.networks = Some(vec![Network {
        address: "10.0.0.0".parse().unwrap(),
        prefix: 8,
    }]);
    let mut late = allow("late", &["/late/**"], signed_in());
    late.from = Some(FEBRUARY);
    let banned = Rule {
        who: groups(&["banned"]),
        ..deny("banned", &["/banned/**"])
    };
    let nobody = Rule {
        who: signed_in(),
        ..deny("nobody", &["/signed/**"])
    };
    let public = allow("public", &["/signed/**", "/banned/**"], anyone());
    let all = ["/claim/**", "/office/**", "/shut/**", "/all/**"];
    let members = allow("members", &all, groups(&["g"]));
    let policy = policy(
        "",
        vec![
            members,
            if_beta,
            office,
            late,
            banned,
            nobody,
            public,
            deny("shut", &["/shut/**"]),
        ],
    );
    let elsewhere = "/nothing/x";
    check(
        &policy,
        &[
            ("/all/x", Token::Absent, "401 no_token"),
            ("/all/x", Token::Bad, "401 bad_token"),
            ("/all/x", in_group("h"), "403 forbidden"),
            ("/claim/x", Token::Absent, "401 no_token"),
            ("/claim/x", in_group("g"), "403 denied_by_rule c/if-beta"),
            ("/office/x", Token::Absent, "401 no_token"),
            ("/office/x", in_group("g"), "200 allow c/members"),
            ("/shut/x", Token::Absent, "403 denied_by_rule c/shut"),
            ("/late/x", Token::Absent, "403 forbidden"),
            (elsewhere, Token::Bad, "403 forbidden"),
            // A deny for signed-in users does not match a request without a token on a public path.
            ("/banned/x", Token::Absent, "200 allow c/public"),
            ("/banned/x", Token::Bad, "200 allow c/public"),
            (
                "/banned/x",
                in_group("banned"),
                "403 denied_by_rule c/banned",
            ),
            ("/signed/x", Token::Absent, "200 allow c/public"),
            ("/signed/x", in_group("g"), "403 denied_by_rule c/nobody"),
        ],
    );
    // If the network decides and is unknown, no token helps.
    let unknown = Request {
        ip: None,
        ..request("/office/x", Token::Absent)
    };
    assert_eq!(answer(&policy, &unknown), "403 denied_by_rule c/office");
}

#[test]
fn captures_fill_in_names() {
    let course = Who {
        groups: Some(texts(&["course-{course}", "staff"])),
        ..Who::default()
    };
    let own = Who {
        subjects: Some(texts(&["{user}"])),
        ..Who::default()
    };
    let mut both = allow("both", &["/**/end/{x}"], signed_in());
    let starts = is(
        Operator::StartsWith,
        Expr::Capture("x".to_owned()),
        Expr::Literal(text("w")),
    );
    both.when = Some(starts);
    let policy = policy(
        "",
        vec![
            allow("course", &["/courses/{course}/**", "/c/{course}"], course),
            allow("own", &["/users/{user}/**"], own),
            both,
        ],
    );
    check(
        &policy,
        &[
            ("/courses/go/x", in_group("course-go"), "200 allow c/course"),
            ("/c/go", in_group("course-go"), "200 allow c/course"),
            ("/courses/go/x", in_group("staff"), "200 allow c/course"),
            ("/courses/go/x", in_group("course-rust"), "403 forbidden"),
            (
                "/courses/go/x",
                in_group("course-{course}"),
                "403 forbidden",
            ),
            (
                "/courses/a%20b/",
                in_group("course-a b"),
                "200 allow c/course",
            ),
            ("/users/u1/x", in_group("g"), "200 allow c/own"),
            ("/users/u2/x", in_group("g"), "403 forbidden"),
            (
                "/users/u1/x",
                Token::Verified(Facts::default()),
                "403 forbidden",
            ),
            ("/a/b/end/week", in_group("g"), "200 allow c/both"),
            ("/end/week", in_group("g"), "200 allow c/both"),
            ("/end/x", in_group("g"), "403 forbidden"),
            ("/end/week/end/x", in_group("g"), "403 forbidden"),
        ],
    );
}

#[test]
fn the_first_rule_by_course_and_id_is_reported() {
    // `a/z` is after `a-b/a` as a string, but before it by course.
    let course = |id: &str, rules| Course {
        id: id.to_owned(),
        base: String::new(),
        rules,
    };
    let open = |id: &str| allow(id, &["/x", "/y"], anyone());
    let mut policy = Policy {
        courses: vec![
            course("a-b", vec![open("a")]),
            course("a", vec![open("z"), open("z-1")]),
        ],
        ..Policy::default()
    };
    assert_eq!(
        answer(&policy, &request("/x", Token::Absent)),
        "200 allow a/z"
    );
    policy
        .courses
        .push(course("site", vec![deny("d", &["/x"])]));
    policy.courses.push(course("b", vec![deny("e", &["/x"])]));
    assert_eq!(
        answer(&policy, &request("/x", Token::Absent)),
        "403 denied_by_rule b/e"
    );
    assert_eq!(
        answer(&policy, &request("/y", Token::Absent)),
        "200 allow a/z"
    );
}
