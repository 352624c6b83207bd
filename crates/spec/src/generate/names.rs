//! The names in random cases: few, so that they often match.

/// Segments of paths and literal segments of patterns, decoded.
pub(super) const SEGMENTS: &[&str] = &[
    "a",
    "a",
    "a",
    "b",
    "b",
    "ab",
    "A",
    "aa",
    "rust",
    "go",
    "week-1",
    "week-2",
    "x.pdf",
    ".pdf",
    "a b",
    "a+b",
    "a:b",
    "é",
    "e\u{301}",
    "“q” – r",
    "日本",
    "~",
    "b.a",
    "..a",
    "it's",
    "$",
    "[a]",
    "x^2|y",
];
/// Segments that are accepted only by readers that decode once, in paths and patterns.
pub(super) const ONCE: &[&str] = &[
    "c#",
    "50%",
    "a;b",
    "a?",
    "Inc.",
    "a..",
    "a…",
    "？",
    "a\u{200D}b",
    "\u{FE30}",
    "\u{AD}",
];
/// Segments that occur only in paths.
pub(super) const ONLY_IN_PATHS: &[&str] = &[
    "a*b",
    "*",
    "nnn",
    "x.pdf.exe",
    "week-",
    "(a)",
    "ba",
    "{a}",
    "\"<`>",
    "index.html",
];
/// Segments that occur only in paths, for readers that decode once.
pub(super) const ONCE_ONLY_IN_PATHS: &[&str] = &["%2e%2e", "a%20b", "%", "#", "?x=1"];
/// Segments with wildcards.
pub(super) const GLOBS: &[&str] = &[
    "*", "*", "a*", "*a", "*b", "a*b", "*a*", "*.pdf", "week-*", "w*k-*", "*é", "é*", "* *",
    "x.*f", "*-*",
];
/// Names of captures.
pub(super) const CAPTURES: &[&str] = &["c", "course", "user_id", "d2"];
/// Groups, scopes and subjects, some of which match a template.
pub(super) const PEOPLE: &[&str] = &[
    "a", "b", "rust", "go", "staff", "course-a", "course-b", "é", "A",
];
/// Names with a capture; `?` is its position.
pub(super) const TEMPLATES: &[&str] = &["{?}", "course-{?}", "{?}-staff", "a{?}b", "é{?}"];
/// Issuers as in tokens.
pub(super) const ISSUERS: &[&str] = &[
    "https://issuer.test",
    "https://issuer.test/",
    "https://other.test",
];
/// Strings in conditions and claims.
pub(super) const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "ab",
    "rust",
    "2027-spring",
    "é",
    "it's",
    "a\"b",
    "a\\b",
    "GET",
    "https://issuer.test",
];
/// Parts of strings: from the start, the middle and the end.
pub(super) const PARTS: &[&str] = &[
    "", "r", "us", "st", "week", "2027", "-s", "pring", "E", "issuer", "b",
];
/// Numbers in conditions and claims.
pub(super) const INTS: &[i64] = &[
    0,
    1,
    1,
    2,
    3,
    -1,
    -7,
    100,
    i64::MAX,
    i64::MAX - 1,
    -i64::MAX,
    i64::MAX / 2,
    1 << 53,
];
/// Course IDs; `-`, `.` and `_` sort around the `/` between course and rule in a name.
pub(super) const COURSES: &[&str] = &["a", "a-b", "a.b", "a_b", "b", "rust", "z9"];
/// Rule IDs.
pub(super) const RULES: &[&str] = &[
    "a", "a-b", "a.b", "a_b", "b", "preview", "students", "exam", "r1", "r10", "r2",
];
/// Bases of courses.
pub(super) const BASES: &[&str] = &["/a", "/b", "/rust", "/a/b", "/courses/rust", "/a b", "/é"];
/// Networks, with their prefix lengths.
pub(super) const NETWORKS: &[(&str, u8)] = &[
    ("0.0.0.0", 0),
    ("10.0.0.0", 8),
    ("10.1.2.0", 24),
    ("10.1.2.3", 32),
    ("10.1.2.2", 31),
    ("203.0.113.128", 25),
    ("::", 0),
    ("2001:db8::", 32),
    ("2001:db8::1", 128),
    ("2001:db8:0:8000::", 49),
];
/// Addresses of clients and in conditions. IPv4 written as IPv6 occurs only in requests.
pub(super) const ADDRESSES: &[&str] = &[
    "10.1.2.3",
    "10.1.2.2",
    "10.1.2.4",
    "10.200.0.1",
    "203.0.113.7",
    "203.0.113.200",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:0:8000::7",
    "2001:db9::1",
    "::1",
];
/// The same addresses in another spelling.
pub(super) const MAPPED: &[&str] = &[
    "::ffff:10.1.2.3",
    "::ffff:203.0.113.200",
    "::ffff:192.0.2.1",
];
/// Seconds around now.
pub(super) const OFFSETS: &[i64] = &[-86_400, -3_600, -61, -1, 0, 0, 1, 59, 3_600, 86_400];
