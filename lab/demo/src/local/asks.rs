//! The requests of the demo and their expected results: one row for each behaviour that an edge must get
//! right. All results that the demo prints come from the running edge.

/// Whose token a request carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// No token.
    Nobody,
    /// Has `rust-101` and `course-knots`, of the spring cohort.
    Alice,
    /// Has `go-201`, of the autumn cohort, and `rust-101`.
    Dave,
    /// An access token with the scope `library/read`.
    Reader,
    /// Staff.
    Staff,
    /// Of a company that signs with ES256.
    Acme,
    /// A token of our own for a user with `rust-101`, signed with the session secret. No gate has made it, so it is no
    /// session.
    Session,
    /// Alice's, an hour too late.
    Expired,
    /// Alice's, with a signature by somebody else's key.
    Forged,
    /// Alice's, with other claims under the same signature.
    Edited,
    /// Alice's claims and signature, and `alg: none`.
    Unsigned,
}

/// How the token travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Header,
    Cookie,
    Query,
}

/// What the body of an answer must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    /// This file under `fixtures/site`, whole.
    File(&'static str),
    /// These bytes of it, the last included.
    Part(&'static str, usize, usize),
    /// Nothing at all.
    Empty,
    /// A text of the edge's own: no byte of a file.
    Notice,
}

/// One request with what must come back.
pub(super) struct Ask {
    pub(super) what: &'static str,
    pub(super) who: Who,
    pub(super) by: By,
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) status: u16,
    /// Reason, and detail or rule where there is one, as the log tells them.
    pub(super) reason: &'static str,
    pub(super) rule: Option<&'static str>,
    pub(super) body: Body,
    /// Header fields that the answer must have; an empty value stands for any.
    pub(super) answers: &'static [(&'static str, &'static str)],
}

const LESSON: &str = "/courses/rust-101/week1/ownership.html";
const LESSON_FILE: Body = Body::File("courses/rust-101/week1/ownership.html");
const PREVIEW: &str = "/courses/rust-101/preview/welcome.html";
const PREVIEW_FILE: Body = Body::File("courses/rust-101/preview/welcome.html");
const STUDENTS: &str = "rust-101/students";
const CHALLENGE: &[(&str, &str)] = &[("www-authenticate", "")];

impl Ask {
    /// A GET that must come to this.
    const fn get(
        what: &'static str,
        who: Who,
        target: &'static str,
        status: u16,
        reason: &'static str,
    ) -> Ask {
        let answers = if status == 401 { CHALLENGE } else { &[] };
        let (by, headers, rule, body) = (By::Header, &[], None, Body::Notice);
        Ask {
            what,
            who,
            by,
            method: "GET",
            target,
            headers,
            status,
            reason,
            rule,
            body,
            answers,
        }
    }

    /// A GET that must be allowed by this rule and bring this file.
    const fn file(
        what: &'static str,
        who: Who,
        target: &'static str,
        rule: &'static str,
        body: Body,
    ) -> Ask {
        let rule = Some(rule);
        Ask {
            rule,
            body,
            ..Ask::get(what, who, target, 200, "allow")
        }
    }
}

/// Everything the demo asks, in the order of telling.
pub(super) const ASKS: &[Ask] = &[
    Ask::file(
        "front page",
        Who::Nobody,
        "/index.html",
        "site/front",
        Body::File("index.html"),
    ),
    Ask::file(
        "preview, for anyone",
        Who::Nobody,
        PREVIEW,
        "rust-101/preview",
        PREVIEW_FILE,
    ),
    Ask::file(
        "preview, with an expired token",
        Who::Expired,
        PREVIEW,
        "rust-101/preview",
        PREVIEW_FILE,
    ),
    Ask::get(
        "lesson without a token",
        Who::Nobody,
        LESSON,
        401,
        "no_token",
    ),
    Ask::file(
        "lesson of one's own course",
        Who::Alice,
        LESSON,
        STUDENTS,
        LESSON_FILE,
    ),
    Ask {
        by: By::Cookie,
        ..Ask::file(
            "token in a cookie",
            Who::Alice,
            LESSON,
            STUDENTS,
            LESSON_FILE,
        )
    },
    Ask {
        by: By::Query,
        ..Ask::file(
            "token in the query",
            Who::Alice,
            LESSON,
            STUDENTS,
            LESSON_FILE,
        )
    },
    Ask::get(
        "signed as a session, by no gate",
        Who::Session,
        LESSON,
        401,
        "bad_token/bad_claim",
    ),
    Ask::get(
        "lesson of another course",
        Who::Alice,
        "/courses/go-201/lessons/channels.html",
        403,
        "forbidden",
    ),
    Ask::get(
        "expired token",
        Who::Expired,
        LESSON,
        401,
        "bad_token/expired",
    ),
    Ask::get(
        "signature by another key",
        Who::Forged,
        LESSON,
        401,
        "bad_token/bad_signature",
    ),
    Ask::get(
        "claims changed after signing",
        Who::Edited,
        LESSON,
        401,
        "bad_token/bad_signature",
    ),
    Ask::get(
        "alg: none",
        Who::Unsigned,
        LESSON,
        401,
        "bad_token/alg_not_allowed",
    ),
    Ask {
        headers: &[("authorization", "Basic YWxpY2U6c2VjcmV0")],
        ..Ask::get(
            "a scheme that is not Bearer",
            Who::Nobody,
            LESSON,
            401,
            "bad_token/bad_scheme",
        )
    },
    Ask::file(
        "one of ten thousand courses, one rule",
        Who::Alice,
        "/catalog/knots/lesson-1.html",
        "catalog/owners",
        Body::File("catalog/knots/lesson-1.html"),
    ),
    Ask::get(
        "another of them",
        Who::Alice,
        "/catalog/chess/lesson-1.html",
        403,
        "forbidden",
    ),
    Ask::file(
        "exam, in the right cohort",
        Who::Alice,
        "/courses/rust-101/exams/midterm.html",
        STUDENTS,
        Body::File("courses/rust-101/exams/midterm.html"),
    ),
    Ask {
        rule: Some("rust-101/exam-window"),
        ..Ask::get(
            "exam, in another cohort",
            Who::Dave,
            "/courses/rust-101/exams/midterm.html",
            403,
            "denied_by_rule",
        )
    },
    Ask::file(
        "one's own folder",
        Who::Alice,
        "/users/alice/notes.txt",
        "users/own-folder",
        Body::File("users/alice/notes.txt"),
    ),
    Ask::get(
        "somebody else's folder",
        Who::Alice,
        "/users/bob/notes.txt",
        403,
        "forbidden",
    ),
    Ask {
        headers: &[("x-forwarded-for", "198.51.100.9")],
        ..Ask::file(
            "company course, from the company",
            Who::Acme,
            "/courses/acme-onboarding/welcome.html",
            "acme-onboarding/employees",
            Body::File("courses/acme-onboarding/welcome.html"),
        )
    },
    Ask {
        headers: &[("x-forwarded-for", "203.0.113.7")],
        ..Ask::get(
            "company course, from elsewhere",
            Who::Acme,
            "/courses/acme-onboarding/welcome.html",
            403,
            "forbidden",
        )
    },
    Ask {
        headers: &[("x-forwarded-for", "198.51.100.200")],
        rule: Some("acme-onboarding/guest-wifi"),
        ..Ask::get(
            "company course, from its guest network",
            Who::Acme,
            "/courses/acme-onboarding/welcome.html",
            403,
            "denied_by_rule",
        )
    },
    Ask::file(
        "a name with spaces and umlauts",
        Who::Staff,
        "/courses/anatomie-1/%C3%9Cbungen/Herz%20%E2%80%93%20Vorh%C3%B6fe.txt",
        "anatomie-1/hoerer",
        Body::File("courses/anatomie-1/Übungen/Herz – Vorhöfe.txt"),
    ),
    Ask {
        method: "HEAD",
        answers: &[("content-length", "")],
        ..Ask::file("HEAD", Who::Alice, LESSON, STUDENTS, Body::Empty)
    },
    Ask {
        headers: &[("range", "bytes=117-232")],
        status: 206,
        answers: &[("content-range", "bytes 117-232/4640")],
        ..Ask::file(
            "a range of a file, by scope",
            Who::Reader,
            "/library/books/rivers.txt",
            "library/readers",
            Body::Part("library/books/rivers.txt", 117, 232),
        )
    },
    Ask {
        status: 404,
        ..Ask::file(
            "allowed, and not there",
            Who::Alice,
            "/courses/rust-101/week9/none.html",
            STUDENTS,
            Body::Notice,
        )
    },
    Ask {
        method: "DELETE",
        answers: &[("allow", "GET, HEAD")],
        ..Ask::get(
            "a method that no rule allows",
            Who::Alice,
            LESSON,
            405,
            "bad_method",
        )
    },
    Ask::get(
        "dots",
        Who::Nobody,
        "/courses/rust-101/preview/../week1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "dots, escaped",
        Who::Nobody,
        "/courses/rust-101/preview/%2e%2e/week1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "slash, escaped",
        Who::Nobody,
        "/courses/rust-101/preview/..%2fweek1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "escaped twice",
        Who::Nobody,
        "/courses/rust-101/preview/%252e%252e/week1/",
        400,
        "bad_path",
    ),
    Ask::get(
        "backslash",
        Who::Nobody,
        "/courses/rust-101/preview\\..\\week1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "two slashes",
        Who::Alice,
        "//courses/rust-101/week1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "path parameter",
        Who::Alice,
        "/courses/rust-101;v=1/week1/ownership.html",
        400,
        "bad_path",
    ),
    Ask::get(
        "another host in the target",
        Who::Alice,
        "http://other.example/index.html",
        400,
        "bad_path",
    ),
];
