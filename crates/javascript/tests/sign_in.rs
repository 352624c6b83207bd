//! Sign-in in generated JavaScript: what it adds to a function, and what is data. That requests are redirected rightly
//! is tested in real engines, by `tollgate-targets`.

#![cfg(test)]

use std::path::Path;

use serde_json::Value;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, SealSecret, SignInConfig, SignInProvider, SignOut,
};
use tollgate_javascript::budget::MAX_FUNCTION_BYTES;
use tollgate_javascript::{CloudFront, cloudfront, cloudfront_of_any_size, edgeworkers};
use tollgate_policy::spec::ImageSpec;

const ID: &str = "0123456789abcdef0123456789abcdef";

fn folder(name: &str) -> ImageSpec {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let compiled = compile(
        &SourceTree::read(&root.join(name)),
        &CompileOptions::default(),
    );
    compiled
        .policy
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// A site with few features, whose users have sessions.
fn small() -> ImageSpec {
    let mut tree = SourceTree::new();
    tree.insert("k.key", "k".repeat(42) + "w");
    tree.insert(
        "k.json",
        include_str!("../../../policy/keys/learners.jwks.json"),
    );
    tree.insert(
        "site.toml",
        "schema = 1\n[site]\nname = \"s\"\n\
         [[issuer]]\nname = \"id\"\nissuer = \"https://id.test\"\nclients = [\"client-abc123\"]\n\
         algorithms = [\"RS256\"]\njwks = \"k.json\"\n\
         [[issuer]]\nname = \"s\"\nissuer = \"https://s.test\"\nclients = [\"s\"]\n\
         algorithms = [\"HS256\"]\nsecrets = [{ kid = \"k\", file = \"k.key\" }]\n\
         [session]\nissuer = \"s\"\n[token]\nfrom = [\"cookie:__Host-tollgate\"]\n\
         [[rule]]\nid = \"all\"\nallow = [\"/**\"]\nsigned_in = true\n",
    );
    let options = CompileOptions { lenient_jwks: true };
    let compiled = compile(&tree, &options);
    compiled
        .policy
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn changed(policy: &ImageSpec, change: impl Fn(&mut GateConfig)) -> ImageSpec {
    let mut config = GateConfig::decode(&policy.gate).unwrap();
    change(&mut config);
    ImageSpec {
        gate: config.encode().unwrap(),
        ..policy.clone()
    }
}

fn made(policy: &ImageSpec) -> CloudFront {
    cloudfront(policy, ID).unwrap_or_else(|error| panic!("{error}"))
}

fn config(path: &str) -> SignInConfig {
    SignInConfig {
        providers: vec![SignInProvider {
            issuer: 0,
            label: "Account".to_owned(),
            client: "client-abc123".to_owned(),
            client_auth: ClientAuth::None,
            scopes: vec!["openid".to_owned()],
            parameters: Vec::new(),
            endpoints: Endpoints {
                authorization: "https://id.example/authorize".to_owned(),
                token: "https://id.example/token".to_owned(),
                sign_out: SignOut::Local,
                revocation: None,
                names_issuer: true,
            },
        }],
        origins: vec!["https://learn.example.com".to_owned()],
        path: path.to_owned(),
        secrets: vec![SealSecret {
            kid: "s1".to_owned(),
            key: [7; 32],
        }],
        signed_out: None,
        page: None,
    }
}

/// The policy with sign-in below this path.
fn with_sign_in(policy: &ImageSpec, path: &str) -> ImageSpec {
    changed(policy, |gate| {
        let sign_in = config(path);
        let answer = DenyAnswer::SignIn(sign_in.endpoint("sign-in"));
        gate.deny.no_token = answer.clone();
        gate.deny.bad_token = answer;
        gate.sign_in = Some(sign_in);
    })
}

/// The size of everything that sign-in adds to the function of the sample policy. Smaller is better, and a change in
/// either direction is a change here.
#[test]
fn sign_in_adds_few_bytes_to_a_function() {
    let sample = folder("policy");
    let signing = with_sign_in(&sample, "/.tollgate");
    let plain = made(&sample).function.len();
    let deployed = made(&signing);
    let all = cloudfront_of_any_size(&signing, ID).unwrap();
    println!(
        "sample {plain} bytes, with sign-in {}, with refresh {}",
        deployed.function.len(),
        all.function.len()
    );
    assert_eq!(deployed.function.len() - plain, 365);
    assert_eq!(all.function.len() - deployed.function.len(), 294);
    // The sample fits with sign-in, and without refreshing sessions.
    assert!(deployed.function.len() <= MAX_FUNCTION_BYTES && !deployed.refreshes);
    assert!(all.refreshes);
    // The data is in the entries that requests read anyway.
    assert_eq!(deployed.max_reads, made(&sample).max_reads);
}

#[test]
fn refreshing_sessions_is_code_where_it_fits() {
    let table = [
        ("small", small(), true),
        ("sample", folder("policy"), false),
    ];
    for (name, policy, expected) in table {
        // Without sign-in there is no refresh.
        assert!(!made(&policy).refreshes, "{name}");
        let signing = made(&with_sign_in(&policy, "/.tollgate"));
        assert_eq!(signing.refreshes, expected, "{name}");
        let bundle = edgeworkers(&with_sign_in(&policy, "/.tollgate"), ID).unwrap();
        assert!(bundle.main.contains("__Host-tollgate-renew"), "{name}");
        let has_it = signing.function.contains("__Host-tollgate-renew");
        assert_eq!(has_it, expected, "{name}");
    }
}

#[test]
fn paths_of_sign_in_are_data() {
    let sample = folder("policy");
    let (one, two) = (
        made(&with_sign_in(&sample, "/.tollgate")),
        made(&with_sign_in(&sample, "/a/longer/path")),
    );
    assert_eq!(one.function, two.function);
    assert_eq!(one.pointer.key, two.pointer.key);
    assert_ne!(one.generation, two.generation);
    assert!(!one.function.contains("/.tollgate"));
    let read = |made: &CloudFront| {
        let mut text = made.pointer.value.get(10..).unwrap_or_default().to_owned();
        for entry in made.entries.iter().take_while(|entry| {
            let name = entry.key.get(9..).unwrap_or_default();
            name.starts_with('.')
        }) {
            text.push_str(entry.value.get(10..).unwrap_or_default());
        }
        let root: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} {text}"));
        root.get("sign_in").cloned()
    };
    let data = read(&two).unwrap();
    let expected = serde_json::json!([
        "/a/longer/path/",
        [
            "sec-purpose",
            "sec-fetch-mode",
            "sec-fetch-dest",
            "x-requested-with",
            "accept"
        ],
        "/a/longer/path/sign-in?to=",
        "{\"status\":401,\"error\":\"Please sign in.\",\"sign_in\":\"/a/longer/path/sign-in\"}\n",
        "/a/longer/path/refresh?to=",
    ]);
    assert_eq!(data, expected);
    // A site without sign-in has no trace of it.
    let plain = made(&sample);
    assert_eq!(read(&plain), None);
    assert!(!plain.function.contains("sec-fetch"));
    assert!(!edgeworkers(&sample, ID).unwrap().main.contains("sign_in"));
}

#[test]
fn two_paths_of_sign_in_are_refused() {
    let policy = changed(&folder("policy"), |gate| {
        gate.deny.no_token = DenyAnswer::SignIn("/a/sign-in".to_owned());
        gate.deny.bad_token = DenyAnswer::SignIn("/b/sign-in".to_owned());
    });
    assert_eq!(cloudfront(&policy, ID).unwrap_err().code(), "script");
    assert_eq!(edgeworkers(&policy, ID).unwrap_err().code(), "script");
}
