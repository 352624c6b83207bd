//! Policy text, conditions and key files: pull requests from untrusted contributors are compiled too.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::{Case, MEGABYTE, case};

const SITE: &str = r#"
schema = 1
[site]
name = "site"
[claims]
level = "int"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["web"]
algorithms = ["ES256"]
groups_claim = "cognito:groups"
jwks = "keys/learners.jwks.json"
"#;
const KEYS: &str = r#"{"keys":[{"kid":"a","kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn rule(condition: &str) -> String {
    format!(
        "course = \"a\"\nbase = \"/a\"\n[[rule]]\nid = \"r\"\nallow = [\"/**\"]\nsigned_in = true\nwhen = '''{condition}'''\n"
    )
}

pub(crate) fn cases() -> Vec<Case> {
    let with = |name, file: &'static str, text: String, expected| {
        let mut tree = SourceTree::new();
        tree.insert("site.toml", SITE);
        tree.insert("keys/learners.jwks.json", KEYS);
        tree.insert("courses/a.toml", rule("true"));
        let bytes = text.len();
        tree.insert(file, text);
        case(name, bytes, expected, move || {
            let compiled = compile(&tree, &CompileOptions::default());
            let first = compiled
                .diagnostics
                .iter()
                .find(|finding| finding.is_error());
            first.map_or("image", |finding| finding.code.id).to_owned()
        })
        // A TOML tree with the span of every item, twice during name resolution, and diagnostics with their
        // texts. This runs where policies are built, never at an edge.
        .factor(400)
    };
    let course = |name, text, expected| with(name, "courses/a.toml", text, expected);
    let condition = |name, text: String, expected| course(name, rule(&text), expected);
    let nested = |open: &str| format!("a = {}", open.repeat(MEGABYTE / open.len()));
    vec![
        course("TOML: brackets", "[".repeat(MEGABYTE), "TG0101"),
        course("TOML: nested arrays", nested("["), "TG0101"),
        course("TOML: nested tables", nested("{a="), "TG0101"),
        course(
            "TOML: a key of 500,000 parts",
            format!("{}b = 1", "a.".repeat(MEGABYTE / 2)),
            "TG0101",
        ),
        course(
            "TOML: a header of 500,000 parts",
            format!("[{}b]", "a.".repeat(MEGABYTE / 2)),
            "TG0101",
        ),
        course("TOML: quotes", "\"".repeat(MEGABYTE), "TG0101"),
        course(
            "TOML: a string of 1 MB",
            format!("course = \"{}\"", "a".repeat(MEGABYTE)),
            "TG0103",
        ),
        course(
            "TOML: 33,000 faults",
            "a = x\n".repeat(MEGABYTE / 30),
            "TG0101",
        ),
        course(
            "TOML: 100,000 empty rules",
            "[[rule]]\n".repeat(MEGABYTE / 9),
            "TG0103",
        ),
        course(
            "TOML: 100,000 patterns",
            format!(
                "course = \"a\"\nbase = \"/a\"\n[[rule]]\nid = \"a\"\nallow = [{}]\nanyone = true",
                "\"/a\",".repeat(100_000)
            ),
            "TG0503",
        ),
        course(
            "TOML: a pattern of 1 MB",
            format!(
                "course = \"a\"\nbase = \"/a\"\n[[rule]]\nid = \"a\"\nallow = [\"{}\"]\nanyone = true",
                "/*".repeat(MEGABYTE / 2)
            ),
            "TG0504",
        ),
        condition("CEL: 1,000,000 brackets", "(".repeat(MEGABYTE), "TG0505"),
        condition("CEL: 1,990 brackets", "(".repeat(1_990), "TG0505"),
        condition(
            "CEL: 1,990 negations",
            format!("{}true", "!".repeat(1_990)),
            "image",
        ),
        condition(
            "CEL: 1,990 minus signs",
            format!("{}1 > 0", "-".repeat(1_990)),
            "image",
        ),
        condition(
            "CEL: 330 conjunctions",
            format!("true{}", "&&true".repeat(330)),
            "TG0505",
        ),
        condition(
            "CEL: 900 fields",
            format!("claims{}", ".a".repeat(900)),
            "TG0505",
        ),
        condition(
            "CEL: 600 indices",
            format!("claims{}", "[0]".repeat(600)),
            "TG0505",
        ),
        condition(
            "CEL: 490 calls",
            format!("claims{}", ".a()".repeat(490)),
            "TG0505",
        ),
        condition(
            "CEL: 30 brackets in each other",
            format!("{}true{}", "(".repeat(30), ")".repeat(30)),
            "image",
        ),
        condition(
            "CEL: a list of 900",
            format!("claims.level in [{}1]", "1,".repeat(900)),
            "TG0505",
        ),
        with(
            "key file: nested",
            "keys/learners.jwks.json",
            "[".repeat(MEGABYTE),
            "TG0408",
        ),
        with(
            "key file: 1 MB of keys",
            "keys/learners.jwks.json",
            format!("{{\"keys\":[{{}}{}]}}", ",{}".repeat(MEGABYTE / 3)),
            "TG0408",
        ),
    ]
}
