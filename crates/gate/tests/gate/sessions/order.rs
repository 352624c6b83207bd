//! Which of several tokens is evaluated, and what happens to the session cookie.

use tollgate_gate::Gate;
use tollgate_gate::config::TokenSource;

use super::{LESSON, STUDENT, ask, cookies, gate, split_cookie, with_sessions};
use crate::site::token;
use crate::summary;

/// The change to the session cookie.
fn cookie_change(cookies: &[String]) -> &'static str {
    match cookies {
        [] => "kept",
        [one] if split_cookie(one).0.is_empty() => "cleared",
        [_] => "minted",
        _ => "several",
    }
}

fn minted(gate: &Gate<Vec<u8>>, claims: &str) -> String {
    let bearer = format!("Bearer {}", token(claims));
    let outcome = ask(gate, "GET", LESSON, &[("authorization", &bearer)]);
    let cookies = cookies(&outcome);
    split_cookie(cookies.first().expect("a session"))
        .0
        .to_string()
}

#[test]
fn the_first_token_that_verifies_decides() {
    let mut config = with_sessions(&["s-1"]);
    config.sources = [
        "header:authorization",
        "cookie:sess",
        "cookie:id_token",
        "query:token",
    ]
    .map(|text| TokenSource::from_text(text).expect("a valid source"))
    .to_vec();
    let gate = gate(&config);
    let student = token(STUDENT);
    let other = token(r#""sub":"u-2""#);
    let same = token(&format!("{STUDENT},\"unread\":1"));
    let expired = token(r#""exp":1799999999"#);
    let forged = token("").replace("R0dHR", "AAAAA");
    let session = minted(&gate, STUDENT);
    let other_session = minted(&gate, &STUDENT.replace("u-1", "u-2"));
    let stale = format!("{}x", session);
    let by_link = format!("{LESSON}?token={student}");

    let student_in = "allow 200 allow - rust-101/students";
    let nobody = "deny 401 no_token - -";
    let bad = |code: &str| format!("deny 401 bad_token {code} -");
    let cookie = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    };
    let table: Vec<(&str, Option<&str>, String, String, &str)> = vec![
        (LESSON, None, String::new(), nobody.into(), "kept"),
        (
            LESSON,
            Some(&student),
            String::new(),
            student_in.into(),
            "minted",
        ),
        // An invalid token in an earlier source hides no valid one.
        (
            LESSON,
            Some(&expired),
            cookie(&[("id_token", &student)]),
            student_in.into(),
            "minted",
        ),
        (
            LESSON,
            Some("no token"),
            cookie(&[("id_token", &student)]),
            student_in.into(),
            "minted",
        ),
        (
            LESSON,
            None,
            cookie(&[("id_token", &expired), ("id_token", &student)]),
            student_in.into(),
            "minted",
        ),
        (
            &by_link,
            Some(&expired),
            String::new(),
            student_in.into(),
            "kept",
        ),
        // If none verifies, the error of the first one is reported.
        (
            LESSON,
            Some(&expired),
            cookie(&[("id_token", &forged)]),
            bad("expired"),
            "kept",
        ),
        (
            LESSON,
            Some(&forged),
            cookie(&[("id_token", &expired)]),
            bad("bad_signature"),
            "kept",
        ),
        // An earlier valid token is evaluated even if a later one would be allowed.
        (
            LESSON,
            Some(&other),
            cookie(&[("id_token", &student)]),
            "deny 403 forbidden - -".into(),
            "kept",
        ),
        // Two cookies of one name: the gate cannot know which of them the user's own page has set.
        (
            LESSON,
            None,
            cookie(&[("id_token", &student), ("id_token", &other)]),
            bad("conflicting_tokens"),
            "kept",
        ),
        (
            LESSON,
            None,
            cookie(&[("id_token", &student), ("id_token", &same)]),
            student_in.into(),
            "minted",
        ),
        (
            LESSON,
            None,
            cookie(&[("id_token", &student), ("id_token", &student)]),
            student_in.into(),
            "minted",
        ),
        (
            LESSON,
            None,
            cookie(&[("sess", &session), ("sess", &other_session)]),
            bad("conflicting_tokens"),
            "kept",
        ),
        // The same two tokens in different sources are valid.
        (
            LESSON,
            None,
            cookie(&[("sess", &session), ("id_token", &other)]),
            student_in.into(),
            "kept",
        ),
        // A stale session does not deny the request; it is renewed or cleared.
        (
            LESSON,
            None,
            cookie(&[("sess", &stale)]),
            bad("bad_signature"),
            "cleared",
        ),
        (
            LESSON,
            None,
            cookie(&[("sess", "")]),
            bad("malformed"),
            "cleared",
        ),
        (
            LESSON,
            None,
            cookie(&[("sess", &stale), ("id_token", &student)]),
            student_in.into(),
            "minted",
        ),
        (
            &by_link,
            None,
            cookie(&[("sess", &stale)]),
            student_in.into(),
            "cleared",
        ),
        (
            LESSON,
            Some(&other),
            cookie(&[("sess", &stale)]),
            "deny 403 forbidden - -".into(),
            "kept",
        ),
        (
            LESSON,
            None,
            cookie(&[("sess", &stale), ("sess", &session)]),
            student_in.into(),
            "kept",
        ),
        (
            "/courses/rust-101/preview/a",
            None,
            cookie(&[("sess", &stale)]),
            "allow 200 allow - rust-101/preview".into(),
            "cleared",
        ),
        (
            "/nowhere",
            None,
            cookie(&[("sess", &stale)]),
            "deny 403 forbidden - -".into(),
            "cleared",
        ),
        (
            "//",
            None,
            cookie(&[("sess", &stale)]),
            "reject 400 bad_path empty_segment -".into(),
            "kept",
        ),
        // Another user's session is replaced for the sign-in token that is evaluated.
        (
            LESSON,
            Some(&student),
            cookie(&[("sess", &other_session)]),
            student_in.into(),
            "minted",
        ),
        (
            LESSON,
            Some(&student),
            cookie(&[("sess", &session)]),
            student_in.into(),
            "kept",
        ),
        // More values than are considered.
        (
            LESSON,
            None,
            cookie(&[
                ("id_token", "a"),
                ("id_token", "b"),
                ("id_token", "c"),
                ("id_token", "d"),
                ("id_token", &student),
            ]),
            bad("too_many_tokens"),
            "kept",
        ),
        (
            LESSON,
            None,
            cookie(&[
                ("id_token", "a"),
                ("id_token", "b"),
                ("id_token", "c"),
                ("id_token", &student),
            ]),
            student_in.into(),
            "minted",
        ),
    ];
    for (target, bearer, cookie, expect, becomes) in table {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> = vec![];
        headers.extend(bearer.as_deref().map(|value| ("authorization", value)));
        headers.extend((!cookie.is_empty()).then_some(("cookie", cookie.as_str())));
        let outcome = ask(&gate, "GET", target, &headers);
        assert_eq!(summary(&outcome), expect, "{target} {headers:?}");
        assert_eq!(
            cookie_change(&cookies(&outcome)),
            becomes,
            "{target} {headers:?}"
        );
    }
}
