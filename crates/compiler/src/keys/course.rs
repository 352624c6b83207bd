//! The keys of `courses/*.toml`, and of the rules in both kinds of file.

use super::{Key, Keys, Shape};
use crate::limits::{
    MAX_LIST_ENTRIES, MAX_NAME_BYTES, MAX_PATTERN_BYTES, MAX_PATTERNS_PER_RULE, MAX_RULES,
    MAX_TEXT_BYTES,
};

pub(crate) const ID_PATTERN: &str = "^[a-z0-9][a-z0-9_.-]*$";

pub(super) const ID: Shape = Shape::Text {
    max_bytes: MAX_NAME_BYTES,
    pattern: Some(ID_PATTERN),
};

/// A course file.
pub(crate) static COURSE: Keys = Keys {
    what: "a course file",
    about: "The rules of one course.",
    keys: &[
        Key::new("course", ID, "the course's id, the same as the file's name")
            .required()
            .also(&["id", "name"]),
        Key::new(
            "base",
            Shape::Text { max_bytes: MAX_PATTERN_BYTES, pattern: Some("^/") },
            "the folder that the rules are about, such as `/courses/rust-101`; a course file cannot \
             reach outside it",
        )
        .required()
        .also(&["path", "prefix", "folder"]),
        RULES,
    ],
    one_of: &[],
};

pub(super) const RULES: Key = Key::new(
    "rule",
    Shape::Tables {
        of: &RULE,
        max_entries: MAX_RULES,
    },
    "the rules, in any order: any matching `deny` wins, otherwise any matching `allow`; otherwise the request \
     is denied",
)
.also(&["rules"]);

/// One rule.
pub(crate) static RULE: Keys = Keys {
    what: "a rule",
    about: "One rule. Every part of it must hold for it to match.",
    keys: &[
        Key::new("id", ID, "the rule's name in logs and tests, unique in its file")
            .required()
            .also(&["name"]),
        Key::new(
            "allow",
            PATTERNS,
            "the paths that it allows: `*` is any text inside a segment, `{name}` captures a segment, `**` is \
             any number of segments",
        )
        .also(&["path", "paths", "permit", "resources"]),
        Key::new("deny", PATTERNS, "the paths that it denies, even if an `allow` matches")
            .also(&["forbid", "block"]),
        Key::new("anyone", Shape::Yes, "every client, also without a token")
            .also(&["public", "everyone", "anonymous"]),
        Key::new("signed_in", Shape::Yes, "every user with a valid token")
            .also(&["authenticated", "logged_in"]),
        Key::new(
            "groups",
            NAMES,
            "users in any of these groups; `course-{course}` contains a capture of the path",
        )
        .also(&["roles", "group"]),
        Key::new("scopes", NAMES, "tokens with any of these scopes"),
        Key::new("subjects", NAMES, "users by the `sub` of their token")
            .also(&["users", "user", "sub", "emails"]),
        Key::new(
            "issuers",
            NAMES,
            "users of these issuers, by the `name` of their `[[issuer]]`; groups and subjects in the rule \
             are then those of these issuers",
        )
        .also(&["issuer"]),
        Key::new(
            "methods",
            Shape::List { of: &Shape::Choice(METHODS), max_entries: MAX_LIST_ENTRIES },
            "the HTTP methods it is about; default: `GET` and `HEAD`",
        ),
        Key::new(
            "networks",
            Shape::List {
                of: &Shape::Text { max_bytes: MAX_NAME_BYTES, pattern: Some("^[0-9A-Fa-f:.]+(/[0-9]+)?$") },
                max_entries: MAX_LIST_ENTRIES,
            },
            "the client networks it is about, such as `203.0.113.0/24` or `2001:db8::/32`",
        )
        .also(&["ips", "ip", "cidrs", "addresses"]),
        Key::new("from", Shape::Time, "the time from which it holds, such as 2027-02-01T00:00:00Z")
            .also(&["start", "not_before", "since", "after"]),
        Key::new("until", Shape::Time, "the time from which it no longer holds")
            .also(&["end", "to", "expires", "not_after", "before"]),
        Key::new("when", CONDITION, "a condition in CEL that must be true")
            .also(&["if", "condition", "where"]),
        Key::new("unless", CONDITION, "a condition in CEL that must be false").also(&["except"]),
        Key::new(
            "because",
            Shape::Text { max_bytes: MAX_TEXT_BYTES, pattern: None },
            "the reason for the rule, shown in traces",
        )
        .also(&["reason", "description", "comment", "note"]),
    ],
    one_of: &[&["allow", "deny"]],
};

/// The values of `methods`. A test compares them with those that an image can represent.
pub(crate) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const PATTERNS: Shape = Shape::List {
    of: &Shape::Text {
        max_bytes: MAX_PATTERN_BYTES,
        pattern: Some("^/"),
    },
    max_entries: MAX_PATTERNS_PER_RULE,
};

const NAMES: Shape = Shape::List {
    of: &Shape::Text {
        max_bytes: MAX_NAME_BYTES,
        pattern: None,
    },
    max_entries: MAX_LIST_ENTRIES,
};

// The condition's own limit is checked, with a better explanation, where conditions are.
const CONDITION: Shape = Shape::Text {
    max_bytes: usize::MAX,
    pattern: None,
};
