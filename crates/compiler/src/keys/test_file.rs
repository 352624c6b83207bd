//! The keys of `*.test.toml`, authors' tests.
//!
//! Not here: the reader of these files (`tollgate-author`), which uses these tables.

use super::{Key, Keys, Shape};
use crate::limits::{MAX_NAME_BYTES, MAX_PATTERN_BYTES, MAX_RULES, MAX_TEXT_BYTES};

/// A table of a test file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestTable {
    /// The file itself.
    File,
    /// `[people.NAME]`
    Person,
    /// `[[test]]`
    Test,
    /// `[[table]]`
    Table,
}

impl TestTable {
    /// The names of its keys.
    pub fn key_names(self) -> Vec<&'static str> {
        let keys = match self {
            Self::File => &TEST_FILE,
            Self::Person => &PERSON,
            Self::Test => &TEST,
            Self::Table => &TABLE,
        };
        keys.keys.iter().map(|key| key.name).collect()
    }
}

const NAME: Shape = Shape::Text {
    max_bytes: MAX_TEXT_BYTES,
    pattern: None,
};
const PERSON_NAME: Shape = Shape::Text {
    max_bytes: MAX_NAME_BYTES,
    pattern: Some("^[A-Za-z0-9_-]+$"),
};
const PATH: Shape = Shape::Text {
    max_bytes: MAX_PATTERN_BYTES,
    pattern: None,
};
const CELL: Shape = Shape::Text {
    max_bytes: MAX_TEXT_BYTES,
    pattern: Some("^[a-z_]+( [^ /]+/[^ /]+)?$"),
};
const IP: Key = Key::new(
    "ip",
    Shape::Text {
        max_bytes: MAX_NAME_BYTES,
        pattern: Some("^([0-9A-Fa-f:.]+|unknown)$"),
    },
    "the client's address, such as `203.0.113.7`; `unknown` overrides the file's address",
);
const NOW: Key = Key::new(
    "now",
    Shape::Time,
    "the time of the request, such as 2027-01-15T12:00:00Z",
);
const METHOD: Key = Key::new(
    "method",
    Shape::Text {
        max_bytes: MAX_NAME_BYTES,
        pattern: None,
    },
    "the HTTP method",
);
const REASON: Shape = Shape::Choice(&[
    "allow",
    "no_token",
    "bad_token",
    "forbidden",
    "denied_by_rule",
    "bad_path",
    "bad_method",
]);

/// A test file.
pub(crate) static TEST_FILE: Keys = Keys {
    what: "a test file",
    about: "The expected decisions for requests of test users.",
    keys: &[
        NOW.required(),
        IP,
        Key::new(
            "people",
            Shape::Map {
                of: &Shape::Table(&PERSON),
                max_entries: MAX_RULES,
            },
            "test users by name; those of `site.test.toml` are defined in every file",
        ),
        Key::new(
            "test",
            Shape::Tables {
                of: &TEST,
                max_entries: MAX_RULES,
            },
            "single requests",
        ),
        Key::new(
            "table",
            Shape::Tables {
                of: &TABLE,
                max_entries: MAX_RULES,
            },
            "many paths and many test users at once",
        ),
    ],
    one_of: &[],
};

static PERSON: Keys = Keys {
    what: "a person",
    about: "A test user with a valid token.",
    keys: &[
        Key::new(
            "claims",
            Shape::Map {
                of: &Shape::Any,
                max_entries: MAX_RULES,
            },
            "the claims of the token, which counts as verified",
        )
        .required(),
        Key::new(
            "issuer",
            NAME,
            "the `[[issuer]]` of `site.toml` that signed the token; default: the first",
        ),
    ],
    one_of: &[],
};

static TEST: Keys = Keys {
    what: "a test",
    about: "One request and the expected decision.",
    keys: &[
        Key::new("name", NAME, "what the test is about, unique in its file").required(),
        Key::new(
            "who",
            PERSON_NAME,
            "a test user, `nobody` or `bad-token`; default: `nobody`",
        ),
        Key::new("get", PATH, "the path of a GET request, as sent"),
        METHOD,
        Key::new("target", PATH, "the path, with `method`, as sent"),
        IP,
        NOW,
        Key::new("expect", REASON, "the expected reason").required(),
        Key::new("rule", NAME, "the expected rule, as `course/id`"),
    ],
    one_of: &[&["get", "target"]],
};

static TABLE: Keys = Keys {
    what: "a table",
    about: "Paths in rows, test users in columns.",
    keys: &[
        Key::new("name", NAME, "what the table is about, unique in its file").required(),
        Key::new("people", Shape::Sequence(&PERSON_NAME), "the columns").required(),
        Key::new("paths", Shape::Sequence(&PATH), "the rows").required(),
        Key::new(
            "expect",
            Shape::Sequence(&Shape::Sequence(&CELL)),
            "per path a row with one expectation per test user: a reason, or a reason, a space and a rule",
        )
        .required(),
        METHOD,
        IP,
        NOW,
    ],
    one_of: &[],
};
