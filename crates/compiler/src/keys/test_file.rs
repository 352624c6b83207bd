//! The keys of `*.test.toml`, authors' tests.
//!
//! The reader of these files is not here, but it asks here which keys there are.

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
    "the visitor's address, such as `203.0.113.7`; `unknown` takes the file's address away",
);
const NOW: Key = Key::new(
    "now",
    Shape::Time,
    "the moment of the visit, such as 2027-01-15T12:00:00Z",
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
    about: "What the rules must answer to certain visitors.",
    keys: &[
        NOW.required(),
        IP,
        Key::new(
            "people",
            Shape::Map {
                of: &Shape::Table(&PERSON),
                max_entries: MAX_RULES,
            },
            "visitors by name; those of `site.test.toml` are known in every file",
        ),
        Key::new(
            "test",
            Shape::Tables {
                of: &TEST,
                max_entries: MAX_RULES,
            },
            "single visits",
        ),
        Key::new(
            "table",
            Shape::Tables {
                of: &TABLE,
                max_entries: MAX_RULES,
            },
            "many paths and many people at once",
        ),
    ],
    one_of: &[],
};

static PERSON: Keys = Keys {
    what: "a person",
    about: "A visitor with a good token.",
    keys: &[
        Key::new(
            "claims",
            Shape::Map {
                of: &Shape::Any,
                max_entries: MAX_RULES,
            },
            "what the token says, as if it had been verified",
        )
        .required(),
        Key::new(
            "issuer",
            NAME,
            "the `[[issuer]]` of `site.toml` that signed the token; else the first",
        ),
    ],
    one_of: &[],
};

static TEST: Keys = Keys {
    what: "a test",
    about: "One visit and its answer.",
    keys: &[
        Key::new("name", NAME, "what the test is about, unique in its file").required(),
        Key::new(
            "who",
            PERSON_NAME,
            "a person, `nobody` or `bad-token`; else `nobody`",
        ),
        Key::new(
            "get",
            PATH,
            "the path of a GET request, as it stands in the request",
        ),
        METHOD,
        Key::new(
            "target",
            PATH,
            "the path, with `method`, as it stands in the request",
        ),
        IP,
        NOW,
        Key::new("expect", REASON, "the answer").required(),
        Key::new("rule", NAME, "the rule that must be named, as `course/id`"),
    ],
    one_of: &[&["get", "target"]],
};

static TABLE: Keys = Keys {
    what: "a table",
    about: "Paths in rows, people in columns.",
    keys: &[
        Key::new("name", NAME, "what the table is about, unique in its file").required(),
        Key::new("people", Shape::Sequence(&PERSON_NAME), "the columns").required(),
        Key::new("paths", Shape::Sequence(&PATH), "the rows").required(),
        Key::new(
            "expect",
            Shape::Sequence(&Shape::Sequence(&CELL)),
            "per path a row with one answer per person: a reason, or a reason, a space and a rule",
        )
        .required(),
        METHOD,
        IP,
        NOW,
    ],
    one_of: &[],
};
