//! The content of claims reaches the rules of a policy, and nothing else does.

use tollgate_core::{
    ClaimKind, Effect, Image, MethodSet, PathOptions, PathScratch, Query, Reason, TokenState,
    UnixSeconds, decide,
};
use tollgate_policy::{
    encode::encode,
    spec::{
        ClaimSpec, Comparison, Expr, ImageSpec, Pattern, Principals, RuleSpec, Segment, Template,
    },
};
use tollgate_token::{
    Algorithm, ClaimName, ClaimPath, ClaimRules, Claims, IssuerConfig, IssuerKind, TokenError,
};

fn names(name: &str) -> Option<Vec<Template>> {
    Some(vec![Template {
        prefix: name.into(),
        capture: None,
        suffix: String::new(),
    }])
}

/// Allows `/<id>` to the principal of the rule.
#[expect(
    clippy::unwrap_used,
    reason = "in a test, a panic is how a helper fails"
)]
fn rule(id: &str, who: Principals, when: Option<Expr>) -> RuleSpec {
    RuleSpec {
        course: "site".into(),
        id: id.into(),
        effect: Effect::Allow,
        methods: MethodSet::from_name("GET").unwrap(),
        because: None,
        patterns: vec![Pattern {
            segments: vec![Segment::Literal(id.into())],
            trailing_slash: false,
            source: format!("/{id}"),
        }],
        who,
        networks: None,
        from: None,
        until: None,
        when,
        unless: None,
    }
}

#[test]
fn each_claim_satisfies_its_own_rule() {
    let equal = |left, right| {
        Some(Expr::Compare(
            Comparison::Eq,
            Box::new(left),
            Box::new(right),
        ))
    };
    let signed_in = Principals {
        signed_in: true,
        ..Principals::default()
    };
    let spec = ImageSpec {
        claims: vec![ClaimSpec {
            name: "level".into(),
            kind: ClaimKind::Int,
        }],
        rules: vec![
            rule(
                "group",
                Principals {
                    groups: names("g"),
                    ..Principals::default()
                },
                None,
            ),
            rule(
                "scope",
                Principals {
                    scopes: names("s"),
                    ..Principals::default()
                },
                None,
            ),
            rule(
                "subject",
                Principals {
                    subjects: names("u"),
                    ..Principals::default()
                },
                None,
            ),
            rule(
                "issuer",
                Principals {
                    issuers: Some(vec!["https://a/".into()]),
                    ..signed_in.clone()
                },
                None,
            ),
            rule("level", signed_in, equal(Expr::Claim(0), Expr::Int(3))),
        ],
        ..ImageSpec::default()
    };
    let image = Image::from_bytes(encode(&spec).unwrap().image).unwrap();
    let issuer = IssuerConfig {
        name: "learners".into(),
        issuers: vec!["https://a/".into(), "https://b/".into()],
        clients: vec![],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::RS256],
        claims: ClaimRules {
            groups: Some(ClaimPath::top("teams")),
            ..ClaimRules::default()
        },
        jwks: None,
        secrets: vec![],
        refresh: None,
    };
    let opened = |claims: &str| {
        let claims = Claims::from_json(claims.as_bytes()).unwrap();
        let facts = claims.facts(&image, &issuer, &[])?;
        let mut scratch = PathScratch::new();
        let mut open = Vec::new();
        for name in ["group", "scope", "subject", "issuer", "level"] {
            let path = format!("/{name}");
            let query = Query {
                path: &scratch
                    .parse(path.as_bytes(), PathOptions::default())
                    .unwrap(),
                method: "GET",
                ip: None,
                now: UnixSeconds(0),
                token: TokenState::Verified(&facts),
            };
            if decide(&image, &query).reason == Reason::Allow {
                open.push(name);
            }
        }
        Ok(open)
    };
    for (claims, expected) in [
        ("{}", Ok(vec![])),
        (r#"{"teams":["x","g"]}"#, Ok(vec!["group"])),
        (r#"{"cognito:groups":["g"],"teams":["G"]}"#, Ok(vec![])),
        (r#"{"scope":"x s"}"#, Ok(vec!["scope"])),
        (r#"{"sub":"u"}"#, Ok(vec!["subject"])),
        (r#"{"level":3}"#, Ok(vec!["level"])),
        (r#"{"level":3.0}"#, Ok(vec![])),
        (r#"{"level":"3"}"#, Ok(vec![])),
        (r#"{"teams":"g"}"#, Ok(vec!["group"])),
        (r#"{"teams":{"g":1}}"#, Err(ClaimName::Groups)),
        (r#"{"scope":["s"]}"#, Ok(vec!["scope"])),
        (r#"{"scope":1}"#, Err(ClaimName::Scopes)),
        (r#"{"sub":["u"]}"#, Err(ClaimName::Sub)),
    ] {
        // Tokens of this issuer use one of its spellings in `iss`; rules use the first.
        let expected = expected.map(|open: Vec<_>| {
            let issuer = open.iter().position(|name| ["level"].contains(name));
            let mut open = open;
            open.insert(issuer.unwrap_or(open.len()), "issuer");
            open
        });
        assert_eq!(
            opened(claims),
            expected.map_err(TokenError::BadClaim),
            "{claims}"
        );
    }
}
