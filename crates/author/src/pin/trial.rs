//! The trial of a file: the compiler reads it as part of a small policy.
//!
//! So a file is pinned exactly if `tollgate check` accepts it. Not here: what makes a key or a document valid.

use serde_json::json;
use tollgate_compiler::diagnostic::codes;
use tollgate_compiler::{CompileOptions, Diagnostic, SITE_FILE, SourceTree, compile};

use super::{Source, Unusable, toml_text};

/// A key of no use: ES256 with the example of RFC 7515, appendix A.3. The trial of a document needs some key set.
const SAMPLE_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"sample","alg":"ES256",
"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
const SAMPLE_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Tries a key set. Returns notes about the keys that are not used.
pub(super) fn keys(source: &Source, path: &str, text: &str) -> Result<Vec<String>, Unusable> {
    let mut tree = SourceTree::new();
    let algorithms = json!(source.algorithms);
    let lenient = source.is_lenient;
    let site = site(
        source,
        &format!(
            "jwks = {}\nalgorithms = {algorithms}\nlenient_jwks = {lenient}\n",
            toml_text(path)
        ),
    );
    tree.insert(SITE_FILE, site);
    tree.insert(path, text);
    verdict(&tree)
}

/// Tries a discovery document.
pub(super) fn document(source: &Source, path: &str, text: &str) -> Result<Vec<String>, Unusable> {
    let mut tree = SourceTree::new();
    let mut site = site(
        source,
        "jwks = \"tollgate/keys.json\"\nalgorithms = [\"ES256\"]\n",
    );
    site.push_str(&format!(
        "[[issuer]]\nname = \"tollgate-sessions\"\nissuer = \"https://tollgate.example/sessions\"\nclients = [\"trial\"]\n\
         algorithms = [\"HS256\"]\nsecrets = [{{ kid = \"s\", file = \"tollgate/session.key\" }}]\n\
         [token]\nfrom = [\"cookie:__Host-tollgate\"]\n[session]\nissuer = \"tollgate-sessions\"\n\
         [sign_in]\nissuer = {}\nendpoints = {}\norigins = [\"https://tollgate.example\"]\nclient = \"client\"\n\
         secrets = [{{ kid = \"s\", file = \"tollgate/sign-in.key\" }}]\n",
        toml_text(&source.name),
        toml_text(path),
    ));
    tree.insert(SITE_FILE, site);
    tree.insert("tollgate/keys.json", SAMPLE_SET);
    tree.insert("tollgate/session.key", SAMPLE_SECRET);
    tree.insert("tollgate/sign-in.key", "A".repeat(SAMPLE_SECRET.len()));
    tree.insert(path, text);
    verdict(&tree)
}

/// A site with this issuer.
fn site(source: &Source, more: &str) -> String {
    let issuer = match &source.cognito {
        Some((region, pool)) => format!(
            "cognito = {{ region = {}, user_pool = {} }}",
            toml_text(region),
            toml_text(pool)
        ),
        None => format!("issuer = {}", json!(source.issuers)),
    };
    format!(
        "schema = 1\n[site]\nname = \"trial\"\n[[issuer]]\nname = {}\n{issuer}\nclients = [\"client\"]\n{more}",
        toml_text(&source.name)
    )
}

/// The errors of the trial, or its notes about keys.
fn verdict(tree: &SourceTree) -> Result<Vec<String>, Unusable> {
    let compiled = compile(
        tree,
        &CompileOptions {
            lenient_jwks: false,
        },
    );
    let (errors, others): (Vec<Diagnostic>, Vec<Diagnostic>) = compiled
        .diagnostics
        .into_iter()
        .partition(Diagnostic::is_error);
    if !errors.is_empty() {
        let problems = errors.into_iter().map(|mut error| {
            // That help leads back here.
            error
                .help
                .retain(|help| !help.contains("tollgate keys fetch"));
            (error.message, error.help)
        });
        return Err(Unusable::Rejected(problems.collect()));
    }
    let is_about_keys = |note: &Diagnostic| {
        [&codes::KEY_IGNORED, &codes::KEY_SKIPPED]
            .iter()
            .any(|code| note.code.id == code.id)
    };
    let notes = others.into_iter().filter(is_about_keys);
    Ok(notes.map(|note| note.message).collect())
}
