//! The meaning of claims, and their required form.

use alloc::{format, vec};

use super::*;
use ClaimName::{Exp, Groups as GroupsClaim, Nbf, Scopes, Sub};
use TokenError::{BadClaim, BadJson, DuplicateName, TooManyGroups};

fn claims(json: &str) -> Claims {
    Claims::from_json(json.as_bytes()).unwrap()
}

fn place(names: &[&str]) -> ClaimPath {
    ClaimPath::nested(names.iter().map(|name| (*name).into()).collect()).unwrap()
}

#[test]
fn must_be_an_object() {
    for (json, error) in [
        ("", BadJson),
        ("null", BadJson),
        ("[]", BadJson),
        ("\"{}\"", BadJson),
        ("{}x", BadJson),
        (r#"{"a":1,"a":1}"#, DuplicateName),
        (r#"{"a":{"b":1,"b":1}}"#, DuplicateName),
    ] {
        assert_eq!(Claims::from_json(json.as_bytes()), Err(error), "{json}");
    }
    assert!(Claims::from_json(b"{}").is_ok());
}

#[test]
fn are_printed_as_written() {
    let text = r#" {"a": 1} "#;
    assert_eq!(format!("{:?}", claims(text)), text);
    assert_eq!(claims(text).text(), text);
}

#[test]
fn times() {
    let bad = Err(BadClaim(Exp));
    for (text, down, up) in [
        ("0", Ok(Some(0)), Ok(Some(0))),
        (
            "1000000000000",
            Ok(Some(MAX_TIME_SECS)),
            Ok(Some(MAX_TIME_SECS)),
        ),
        ("1.0", Ok(Some(1)), Ok(Some(1))),
        ("1.000", Ok(Some(1)), Ok(Some(1))),
        ("1.5", Ok(Some(1)), Ok(Some(2))),
        ("0.0000000000000000000001", Ok(Some(0)), Ok(Some(1))),
        (
            "999999999999.9",
            Ok(Some(999_999_999_999)),
            Ok(Some(MAX_TIME_SECS)),
        ),
        (
            "1000000000000.0",
            Ok(Some(MAX_TIME_SECS)),
            Ok(Some(MAX_TIME_SECS)),
        ),
        ("1000000000000.1", bad, bad),
        ("1000000000001", bad, bad),
        ("9007199254740993", bad, bad),
        ("18446744073709551616", bad, bad),
        ("-1", bad, bad),
        ("-0", bad, bad),
        ("-0.5", bad, bad),
        ("1e3", bad, bad),
        ("1.5e3", bad, bad),
        ("1E0", bad, bad),
        ("1e400", bad, bad),
        ("\"1\"", bad, bad),
        ("null", bad, bad),
        ("true", bad, bad),
        ("[1]", bad, bad),
        ("{}", bad, bad),
    ] {
        let claims = claims(&format!(r#"{{"exp":{text}}}"#));
        assert_eq!(claims.time(Exp, Round::Down), down, "{text}");
        assert_eq!(claims.time(Exp, Round::Up), up, "{text}");
    }
    assert_eq!(claims("{}").time(Exp, Round::Down), Ok(None));
    // Only a token without `exp` would never expire.
    assert_eq!(claims(r#"{"nbf":null}"#).time(Nbf, Round::Up), Ok(None));
}

#[test]
fn sign_in_times_count_if_they_are_times() {
    for (text, expected) in [
        ("1799990000", Some(1_799_990_000)),
        ("1799990000.7", Some(1_799_990_000)),
        ("\"1799990000\"", None),
        ("-1", None),
        ("null", None),
    ] {
        let claims = claims(&format!(r#"{{"auth_time":{text}}}"#));
        assert_eq!(claims.auth_time(), expected, "{text}");
    }
}

#[test]
fn null_is_absent() {
    let claims = claims(r#"{"sub":null,"g":null,"scope":null,"x":null,"o":{"x":null}}"#);
    assert_eq!(claims.subject(), Ok(None));
    assert_eq!(
        claims.groups(Some(&place(&["g"]))),
        Ok(Groups::Listed(vec![]))
    );
    assert_eq!(claims.scopes(None), Ok(vec![]));
    assert_eq!(claims.clients("x"), Ok(vec![]));
    for kind in [ClaimKind::String, ClaimKind::StringList] {
        assert_eq!(claims.declared("x", None, kind), Claim::Missing);
        let nested = place(&["o", "x"]);
        assert_eq!(claims.declared("y", Some(&nested), kind), Claim::Missing);
    }
    assert_eq!(self::claims(r#"{"sub":1}"#).subject(), Err(BadClaim(Sub)));
}

#[test]
fn groups() {
    let listed = |groups: &[&'static str]| Ok(Groups::Listed(groups.to_vec()));
    let bad = || Err(BadClaim(GroupsClaim));
    for (text, expected) in [
        (r#"["a","b"]"#, listed(&["a", "b"])),
        ("[]", listed(&[])),
        (r#"["\u0061"]"#, listed(&["a"])),
        // One group, as a directory with a single one writes it.
        (r#""a""#, listed(&["a"])),
        (r#""a b,c""#, listed(&["a b,c"])),
        (r#""""#, listed(&[""])),
        (r#"["a",1]"#, bad()),
        (r#"["a",null]"#, bad()),
        (r#"[["a"]]"#, bad()),
        (r#"{"a":true}"#, bad()),
        ("1", bad()),
        ("true", bad()),
        ("null", listed(&[])),
    ] {
        let claims = claims(&format!(r#"{{"g":{text},"o":{{"g":{text}}}}}"#));
        for at in [place(&["g"]), place(&["o", "g"])] {
            assert_eq!(claims.groups(Some(&at)), expected, "{text} {at}");
        }
        assert_eq!(claims.groups(Some(&place(&["other"]))), listed(&[]));
        assert_eq!(claims.groups(None), listed(&[]));
    }
    let many = |count| claims(&format!(r#"{{"g":["a"{}]}}"#, r#","a""#.repeat(count - 1)));
    let count = |count| match many(count).groups(Some(&place(&["g"])))? {
        Groups::Listed(groups) => Ok(groups.len()),
        Groups::Elsewhere => Ok(0),
    };
    assert_eq!(count(MAX_GROUPS), Ok(MAX_GROUPS));
    assert_eq!(count(MAX_GROUPS + 1), Err(TooManyGroups));
}

#[test]
fn nested_claims() {
    let json = r#"{"a":{"b":{"c":"x"},"n":null,"t":"text","l":[{"c":"x"}]},"a.b.c":"dots"}"#;
    let claims = claims(json);
    let string = |names: &[&str]| claims.declared("a", Some(&place(names)), ClaimKind::String);
    let text = |text: &str| Claim::String(text.into());
    for (names, expected) in [
        (&["a", "b", "c"][..], text("x")),
        (&["a.b.c"], text("dots")),
        (&["a", "t"], text("text")),
        (&["a", "b"], Claim::WrongType),
        (&["a", "x", "c"], Claim::Missing),
        (&["x", "b"], Claim::Missing),
        (&["a", "n", "c"], Claim::Missing),
        // A value of another type is in the way.
        (&["a", "t", "c"], Claim::WrongType),
        (&["a", "l", "c"], Claim::WrongType),
        (&["a", "l", "0"], Claim::WrongType),
    ] {
        assert_eq!(string(names), expected, "{names:?}");
    }
    let bad = Err(BadClaim(GroupsClaim));
    assert_eq!(claims.groups(Some(&place(&["a", "t", "c"]))), bad);
}

#[test]
fn groups_that_are_elsewhere() {
    let elsewhere = || Ok(Groups::Elsewhere);
    let none = || Ok(Groups::Listed(vec![]));
    let bad = || Err(BadClaim(GroupsClaim));
    for (json, groups, roles) in [
        (r#"{"_claim_names":{"groups":"src1"}}"#, elsewhere(), none()),
        (r#"{"_claim_names":{"other":"src1"}}"#, none(), none()),
        (r#"{"_claim_names":{"access":"src1"}}"#, none(), elsewhere()),
        (
            r#"{"_claim_names":{"groups":"src1"},"groups":["a"]}"#,
            elsewhere(),
            none(),
        ),
        (r#"{"_claim_names":{"groups":null}}"#, none(), none()),
        (r#"{"_claim_names":null}"#, none(), none()),
        (r#"{"_claim_names":["groups"]}"#, bad(), bad()),
        (r#"{"hasgroups":true}"#, elsewhere(), none()),
        (r#"{"hasgroups":false}"#, none(), none()),
        (r#"{"hasgroups":null}"#, none(), none()),
        (r#"{"hasgroups":"true"}"#, bad(), none()),
    ] {
        let claims = claims(json);
        assert_eq!(claims.groups(Some(&place(&["groups"]))), groups, "{json}");
        let nested = place(&["access", "roles"]);
        assert_eq!(claims.groups(Some(&nested)), roles, "{json}");
    }
}

#[test]
fn scopes() {
    let bad = || Err(BadClaim(Scopes));
    for (text, expected) in [
        (r#""openid course/read""#, Ok(vec!["openid", "course/read"])),
        (r#""  a  b ""#, Ok(vec!["a", "b"])),
        (r#""a\tb""#, Ok(vec!["a\tb"])),
        (r#""""#, Ok(vec![])),
        (r#"["a","b c"]"#, Ok(vec!["a", "b c"])),
        (r#"["a",1]"#, bad()),
        ("1", bad()),
        ("{}", bad()),
        ("null", Ok(vec![])),
    ] {
        for name in ["scope", "scp"] {
            let claims = claims(&format!(r#"{{"{name}":{text}}}"#));
            assert_eq!(claims.scopes(None), expected, "{name} {text}");
            assert_eq!(claims.scopes(Some(&place(&[name]))), expected);
            assert_eq!(claims.scopes(Some(&place(&["other"]))), Ok(vec![]));
        }
    }
    assert_eq!(claims("{}").scopes(None), Ok(vec![]));
    let both = claims(r#"{"scope":"a","scp":["b"]}"#);
    assert_eq!(both.scopes(None), Ok(vec!["a"]));
    let many = |count| claims(&format!(r#"{{"scope":"{}"}}"#, "a ".repeat(count)));
    assert_eq!(many(MAX_GROUPS).scopes(None).unwrap().len(), MAX_GROUPS);
    assert_eq!(many(MAX_GROUPS + 1).scopes(None), Err(TooManyGroups));
}

#[test]
fn declared_claims_have_a_wrong_type_not_an_error() {
    let claims = claims(r#"{"s":"x","i":-5,"f":1.0,"b":false,"l":["x","y"],"m":["x",1],"n":null}"#);
    let all = [
        ClaimKind::String,
        ClaimKind::Int,
        ClaimKind::Bool,
        ClaimKind::StringList,
    ];
    let list = Claim::StringList(vec!["x".into(), "y".into()]);
    for (name, good, value) in [
        ("s", Some(ClaimKind::String), Claim::String("x".into())),
        ("i", Some(ClaimKind::Int), Claim::Int(-5)),
        ("b", Some(ClaimKind::Bool), Claim::Bool(false)),
        ("l", Some(ClaimKind::StringList), list),
        ("f", None, Claim::WrongType),
        ("m", None, Claim::WrongType),
        ("n", None, Claim::Missing),
        ("missing", None, Claim::Missing),
    ] {
        for kind in all {
            let expected = match name {
                "missing" | "n" => Claim::Missing,
                _ if good == Some(kind) => value.clone(),
                _ => Claim::WrongType,
            };
            assert_eq!(
                claims.declared(name, None, kind),
                expected,
                "{name} {kind:?}"
            );
        }
    }
}
