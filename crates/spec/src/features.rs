//! The features of a random case, so that tests can measure what they cover.
//!
//! Not here: generating cases.

use std::collections::BTreeSet;

use core::net::IpAddr;

use crate::model::{
    Course, Effect, Expr, METHODS, Operator, Origin, Policy, Request, Rule, Token, Value,
};

/// All features.
pub const ALL: &[&str] = &[
    "!",
    "!=",
    "&&",
    "*",
    "+",
    "-",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "a bad token",
    "a base",
    "a capture",
    "a claim of another type",
    "a deny",
    "a folder",
    "a glob",
    "a glob of one star",
    "a missing claim",
    "a moment moved",
    "a query",
    "a set of networks",
    "a template",
    "a token",
    "a token without subject",
    "an IPv4 address as IPv6",
    "an IPv4 network",
    "an IPv6 network",
    "an index document",
    "an unknown address",
    "an unknown list of groups",
    "an unknown method",
    "anyone",
    "ascii only",
    "captures after `**`",
    "claims",
    "contains",
    "endsWith",
    "from",
    "groups",
    "has",
    "in claims",
    "in groups",
    "in literals",
    "in networks",
    "inner `**`",
    "ip",
    "issuer",
    "issuers",
    "last `**`",
    "many rules",
    "method",
    "methods",
    "no patterns but `/`",
    "no token",
    "non-ASCII pattern",
    "now",
    "origin files",
    "origin s3",
    "path",
    "scopes",
    "several patterns",
    "signed in",
    "site rules",
    "startsWith",
    "sub",
    "subjects",
    "two `**`",
    "unless",
    "until",
    "when",
    "||",
];

/// The features of a policy.
pub fn of_policy(policy: &Policy) -> BTreeSet<&'static str> {
    let mut found = Found(BTreeSet::new());
    found.when(policy.ascii_only, "ascii only");
    found.when(policy.origin == Origin::S3, "origin s3");
    found.when(policy.origin == Origin::Files, "origin files");
    found.when(policy.index.is_some(), "an index document");
    for course in &policy.courses {
        found.course(course);
    }
    found.0
}

/// The features of a request.
pub fn of_request(policy: &Policy, request: &Request) -> BTreeSet<&'static str> {
    let mut found = Found(BTreeSet::new());
    found.when(request.target.contains(&b'?'), "a query");
    found.when(
        !METHODS.contains(&request.method.as_str()),
        "an unknown method",
    );
    match request.ip {
        None => found.add("an unknown address"),
        Some(ip) => found.when(ip != ip.to_canonical(), "an IPv4 address as IPv6"),
    }
    match &request.token {
        Token::Absent => found.add("no token"),
        Token::Bad => found.add("a bad token"),
        Token::Imagined => {}
        Token::Verified(facts) => {
            found.add("a token");
            found.when(facts.subject.is_none(), "a token without subject");
            found.when(facts.groups.is_none(), "an unknown list of groups");
            found.when(
                facts.claims.values().any(Option::is_none),
                "a claim of another type",
            );
            found.when(facts.claims.len() < policy.claims.len(), "a missing claim");
        }
    }
    found.0
}

struct Found(BTreeSet<&'static str>);

impl Found {
    fn add(&mut self, feature: &'static str) {
        self.0.insert(feature);
    }

    fn when(&mut self, is_so: bool, feature: &'static str) {
        if is_so {
            self.add(feature);
        }
    }

    fn course(&mut self, course: &Course) {
        self.when(
            course.id == "site" && !course.rules.is_empty(),
            "site rules",
        );
        self.when(!course.base.is_empty(), "a base");
        self.when(course.rules.len() >= 50, "many rules");
        for rule in &course.rules {
            self.rule(rule);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.when(rule.effect == Effect::Deny, "a deny");
        self.when(rule.paths.len() > 1, "several patterns");
        for path in &rule.paths {
            self.pattern(path);
        }
        let who = &rule.who;
        self.when(who.anyone, "anyone");
        self.when(who.signed_in, "signed in");
        let lists = [
            (&who.groups, "groups"),
            (&who.scopes, "scopes"),
            (&who.subjects, "subjects"),
            (&who.issuers, "issuers"),
        ];
        for (list, feature) in lists {
            self.when(list.is_some(), feature);
            let mut names = list.iter().flatten();
            self.when(names.any(|name| name.contains('{')), "a template");
        }
        self.when(rule.methods.is_some(), "methods");
        for network in rule.networks.iter().flatten() {
            match network.address {
                IpAddr::V4(_) => self.add("an IPv4 network"),
                IpAddr::V6(_) => self.add("an IPv6 network"),
            }
        }
        self.when(rule.from.is_some(), "from");
        self.when(rule.until.is_some(), "until");
        self.when(rule.when.is_some(), "when");
        self.when(rule.unless.is_some(), "unless");
        for condition in rule.when.iter().chain(&rule.unless) {
            self.condition(condition);
        }
    }

    fn pattern(&mut self, pattern: &str) {
        let pieces: Vec<&str> = pattern.split('/').skip(1).collect();
        let last = pieces.last().copied().unwrap_or_default();
        let rests = pieces.iter().filter(|piece| **piece == "**").count();
        let first_rest = pieces.iter().position(|piece| *piece == "**");
        let last_capture = pieces.iter().rposition(|piece| piece.starts_with('{'));
        self.when(pattern == "/", "no patterns but `/`");
        self.when(pieces.len() > 1 && last.is_empty(), "a folder");
        self.when(rests > 1, "two `**`");
        self.when(last == "**", "last `**`");
        self.when(rests > 0 && last != "**", "inner `**`");
        self.when(pieces.contains(&"*"), "a glob of one star");
        self.when(
            pieces
                .iter()
                .any(|piece| piece.len() > 2 && piece.contains('*')),
            "a glob",
        );
        self.when(last_capture.is_some(), "a capture");
        self.when(
            first_rest.is_some() && last_capture > first_rest,
            "captures after `**`",
        );
        self.when(!pattern.is_ascii(), "non-ASCII pattern");
    }

    fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(_) => {}
            Expr::Claim(_) => self.add("claims"),
            Expr::Has(_) => self.add("has"),
            Expr::Groups => self.add("in groups"),
            Expr::Subject => self.add("sub"),
            Expr::Issuer => self.add("issuer"),
            Expr::Method => self.add("method"),
            Expr::ClientAddress => self.add("ip"),
            Expr::Now => self.add("now"),
            Expr::Capture(_) => self.add("path"),
            Expr::Not(a) => {
                self.add("!");
                self.condition(a);
            }
            Expr::And(a, b) => {
                self.add("&&");
                self.condition(a);
                self.condition(b);
            }
            Expr::Or(a, b) => {
                self.add("||");
                self.condition(a);
                self.condition(b);
            }
            Expr::Binary(operator, a, b) => {
                self.operator(*operator, b);
                self.condition(a);
                self.condition(b);
            }
        }
    }

    fn operator(&mut self, operator: Operator, right: &Expr) {
        self.add(match (operator, right) {
            (Operator::Eq, _) => "==",
            (Operator::Ne, _) => "!=",
            (Operator::Lt, _) => "<",
            (Operator::Le, _) => "<=",
            (Operator::Gt, _) => ">",
            (Operator::Ge, _) => ">=",
            (_, Expr::Literal(Value::Secs(_))) => "a moment moved",
            (Operator::Add, _) => "+",
            (Operator::Sub, _) => "-",
            (Operator::Mul, _) => "*",
            (Operator::In, Expr::Literal(Value::Networks(list))) if list.len() > 1 => {
                "a set of networks"
            }
            (Operator::In, Expr::Literal(Value::Networks(_))) => "in networks",
            (Operator::In, Expr::Claim(_)) => "in claims",
            (Operator::In, Expr::Groups) => "in groups",
            (Operator::In, _) => "in literals",
            (Operator::StartsWith, _) => "startsWith",
            (Operator::EndsWith, _) => "endsWith",
            (Operator::Contains, _) => "contains",
        });
    }
}
