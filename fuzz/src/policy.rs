//! The front end: text in the role of every file of a policy, and as a condition.
//!
//! Every text compiles or is rejected with diagnostics that can be printed. A compiled policy
//! loads, decides, is reproducible, and can be passed to the JavaScript generator.

use tollgate_compiler::diagnostic::render::{Style, json, text};
use tollgate_compiler::{CompileOptions, Compiled, SourceTree, compile, preview};
use tollgate_core::Image;

use crate::ask;

/// A site with everything that a course, a rule and a key set refer to.
const SITE: &str = r#"
schema = 1
[site]
name = "fuzz"
[claims]
team = "string"
level = "int"
beta = "bool"
roles = "string[]"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["web"]
algorithms = ["RS256", "ES256", "EdDSA"]
groups_claim = "cognito:groups"
jwks = "keys/learners.jwks.json"
"#;
const KEYS: &str = r#"{"keys":[{"kid":"a","kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// Uses the text as a site, a course, a key set and a condition.
pub fn check(data: &[u8]) {
    let Ok(source) = core::str::from_utf8(data) else {
        return;
    };
    let mut tree = SourceTree::new();
    tree.insert("site.toml", source);
    tree.insert("courses/a.toml", source);
    tree.insert("keys/learners.jwks.json", KEYS);
    run(&tree);
    let mut tree = SourceTree::new();
    tree.insert("site.toml", SITE);
    tree.insert("courses/a.toml", source);
    tree.insert("keys/learners.jwks.json", source);
    run(&tree);
    tree.insert("keys/learners.jwks.json", KEYS);
    // A JSON string is a TOML string, with the exception of one character.
    let quoted = serde_json::to_string(source)
        .unwrap_or_default()
        .replace('\u{7f}', "\\u007f");
    for part in ["when", "unless"] {
        let course = format!(
            "course = \"a\"\nbase = \"/a\"\n[[rule]]\nid = \"r\"\nallow = [\"/{{x}}/**\"]\nsigned_in = true\n{part} = {quoted}\n"
        );
        tree.insert("courses/a.toml", course);
        run(&tree);
    }
}

fn run(tree: &SourceTree) {
    let compiled = compile(tree, &CompileOptions::default());
    assert_eq!(compiled.image.is_some(), !compiled.has_errors());
    let read = preview(tree, &CompileOptions::default());
    assert!(read.image().is_some() || compiled.image.is_none(), "what compiles can be read");
    assert_eq!(read.compiled().image, None, "what is only read cannot be deployed");
    let is_internal = |code: &str| code == tollgate_compiler::diagnostic::codes::INTERNAL.id;
    for finding in &compiled.diagnostics {
        assert!(!is_internal(finding.code.id), "{finding:?}");
        assert!(!text(finding, tree, Style::Plain).is_empty());
        assert_eq!(json(finding, tree)["code"], finding.code.id);
        if let (Some(span), Some(text)) = (finding.span, tree.text(&finding.file)) {
            assert!(
                span.start <= span.end && span.end <= text.len(),
                "{finding:?}"
            );
        }
    }
    let Compiled {
        image: Some(bytes),
        policy: Some(policy),
        ..
    } = compiled
    else {
        return;
    };
    let image = Image::from_bytes(&bytes).expect("what compiles loads");
    ask::all(&image);
    let again = compile(tree, &CompileOptions::default());
    assert_eq!(
        again.image.as_deref(),
        Some(&bytes[..]),
        "the same texts give the same image"
    );
    // Any error but a budget is a defect.
    let id = image.id().to_string();
    let (cloudfront, edgeworkers) = (
        tollgate_javascript::cloudfront(&policy, &id),
        tollgate_javascript::edgeworkers(&policy, &id),
    );
    for error in [cloudfront.err(), edgeworkers.err()].into_iter().flatten() {
        assert_ne!(error.code(), "script", "{error}");
    }
}
