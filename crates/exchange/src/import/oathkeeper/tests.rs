//! Lists of rules, and the policies that they become.

use super::super::tests::site;
use super::*;

fn imported(text: &str) -> Imported {
    oathkeeper(text, &Oathkeeper::default()).unwrap()
}

const RULES: &str = r#"
- id: "public:files"
  match: { url: "https://x.example/public/<.*>", methods: [GET, HEAD] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: allow }
  mutators: [{ handler: noop }]
- id: courses
  match: { url: "https://x.example/courses/<rust|go>/<[^/]+>", methods: [get, PUT] }
  authenticators:
    - handler: jwt
      config:
        trusted_issuers: ["https://id.example/"]
        target_audience: [api]
        jwks_urls: ["https://id.example/keys"]
        required_scope: ["course.read"]
  authorizer: { handler: allow }
  mutators: [{ handler: noop }]
- id: keto
  match: { url: "https://x.example/admin/<.*>", methods: [GET] }
  authenticators: [{ handler: jwt }]
  authorizer: { handler: keto_engine_acp_ory }
  mutators: [{ handler: noop }]
- id: nobody
  match: { url: "https://x.example/old<.*>", methods: [GET] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: deny }
  mutators: [{ handler: noop }]
- id: elsewhere
  match: { url: "https://y.example/<.*>", methods: [GET] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: allow }
  mutators: [{ handler: noop }]
- id: regex
  match: { url: "https://x.example/<[a-f0-9]{32}>", methods: [GET] }
  authenticators: [{ handler: anonymous }]
  authorizer: { handler: allow }
  mutators: [{ handler: noop }]
"#;

#[test]
fn access_rules_as_json_and_yaml() {
    let imported = imported(RULES);
    let text = site(&imported);
    for part in [
        "id = \"public-files\"\nallow = [\"/public/*\", \"/public/*/**\"]\nanyone = true\n\n",
        "allow = [\"/courses/rust/*\", \"/courses/go/*\"]\nscopes = [\"course.read\"]\nmethods = [\"GET\", \"PUT\"]\n",
        "# refresh = \"https://id.example/keys\"",
        "id = \"keto\"\ndeny = [\"/admin/**\"]",
        "id = \"nobody\"\ndeny = [\"/old*/**\"]",
        "id = \"regex\"\ndeny = [\"/*\"",
        "# rule `keto` is denied (https://x.example/admin/<.*>): it does not set `jwks_urls`",
        "[[lint]]\nallow = \"TG0711\"\nrule = \"site/keto\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let notes = imported.notes.join("\n");
    for part in [
        "configuration was not read",
        "rule `elsewhere` is omitted",
        "rule `regex` is denied",
        "rule `nobody` is denied",
    ] {
        assert!(notes.contains(part), "{part} is not in\n{notes}");
    }
    assert_eq!(imported.warnings.len(), 1, "{:?}", imported.warnings);
    let json = r#"[{"id":"a","match":{"url":"http://<.*>/a","methods":["GET"]},
        "authenticators":[{"handler":"anonymous"}],"authorizer":{"handler":"allow"},"mutators":[{"handler":"noop"}]}]"#;
    let imported = self::imported(json);
    assert!(site(&imported).contains("allow = [\"/a\"]\nanyone = true"));
    let resources = r#"
apiVersion: oathkeeper.ory.sh/v1alpha1
kind: Rule
metadata: { name: one }
spec:
  match: { url: "https://x.example/a", methods: [GET] }
  authenticators: [{ handler: anonymous }]
  authorizer: { handler: allow }
  mutators: [{ handler: noop }]
---
kind: List
items:
  - kind: Rule
    metadata: { name: two }
    spec:
      match: { url: "https://x.example/b", methods: [GET] }
      authenticators: [{ handler: anonymous }]
      authorizer: { handler: allow }
      mutators: [{ handler: noop }]
"#;
    let imported = self::imported(resources);
    let text = site(&imported);
    assert!(
        text.contains("id = \"one\"\nallow = [\"/a\"]")
            && text.contains("id = \"two\"\nallow = [\"/b\"]"),
        "{text}"
    );
}

#[test]
fn documents_without_a_list_of_rules_are_rejected() {
    for (text, part) in [
        ("{", "cannot read the source"),
        ("a: b", "no `match`"),
        ("3", "no `match`"),
        ("[]", "no access rule"),
        ("[{\"match\":{}}]", "the URL of rule `rule`"),
        ("[{\"match\":{\"url\":1}}]", "found `{\"url\":1}`"),
        (
            "[{\"match\":{\"full_method\":\"a\"}}]",
            "no rule is for the site",
        ),
        (
            "- match: { url: 'https://x/<*>' }\n- match: { url: 'https://x/<.*>' }",
            "choose with `--matching`",
        ),
    ] {
        let error = oathkeeper(text, &Oathkeeper::default()).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn the_matching_strategy_is_the_one_that_the_rules_can_have() {
    let text = "[{match: {url: 'https://x/<*>', methods: [GET]}, authenticators: [{handler: noop}], \
                authorizer: {handler: allow}, mutators: [{handler: noop}]}]";
    assert!(site(&imported(text)).contains("!path.s1.contains"));
    let options = |config: Option<&str>, matching| Oathkeeper {
        config: config.map(str::to_owned),
        matching,
        ..Oathkeeper::default()
    };
    let regexp = oathkeeper(text, &options(None, Some(Matching::Regexp))).unwrap();
    assert!(site(&regexp).contains("deny = [\"/**\"]"));
    let config = "{access_rules: {matching_strategy: glob}, authenticators: {noop: {enabled: true}}, \
                  authorizers: {allow: {enabled: true}}, mutators: {noop: {enabled: true}}}";
    let glob = oathkeeper(text, &options(Some(config), None)).unwrap();
    assert!(site(&glob).contains("!path.s1.contains"));
}

fn rule(id: &str, path: &str, handler: &str, more: &str) -> String {
    format!(
        "- id: {id}\n  match: {{ url: 'https://x.example{path}', methods: [GET] }}\n  authenticators: [{{ handler: {handler}{more} }}]\n  \
         authorizer: {{ handler: allow }}\n  mutators: [{{ handler: noop }}]\n"
    )
}

fn jwt(issuer: &str, audience: &str, keys: &str) -> String {
    format!(
        ", config: {{ trusted_issuers: ['{issuer}'], target_audience: [{audience}], jwks_urls: ['{keys}'] }}"
    )
}

#[test]
fn closed_rules_do_not_deny_what_only_an_open_one_matches() {
    let text = rule("id", "/users/<[0-9]+>", "noop", "") + &rule("me", "/users/me", "noop", "");
    let imported = imported(&text);
    let text = site(&imported);
    assert!(
        text.contains("allow = [\"/users/me\"]") && !text.contains("deny"),
        "{text}"
    );
    let both = rule("id", "/users/<[0-9]+>", "noop", "") + &rule("all", "/users/<.*>", "noop", "");
    let imported = self::imported(&both);
    let text = site(&imported);
    assert!(
        text.contains("deny = [\"/users/*\", \"/users/*/\"]"),
        "{text}"
    );
    // Both rules match the path, whatever else they match.
    let same = rule("a", "/users/12", "noop", "") + &rule("b", "/users/<[0-9]+>", "noop", "");
    assert!(site(&self::imported(&same)).contains("deny = "));
}

#[test]
fn a_rule_closed_for_an_unsupported_expression_is_a_warning() {
    let text = rule("odd", "/<(?!x).*>", "noop", "") + &rule("free", "/free/<.*>", "noop", "");
    let imported = imported(&text);
    assert!(site(&imported).contains("deny = [\"/**\"]"));
    assert_eq!(imported.warnings.len(), 1, "{:?}", imported.warnings);
    assert!(
        imported.warnings[0]
            .starts_with("what rule `free` allows is denied, because rule `odd` may match it")
    );
    // Where both certainly match, Oathkeeper denies the same.
    let text = rule("odd", "/<.*>", "cookie_session", "") + &rule("free", "/free/<.*>", "noop", "");
    assert!(self::imported(&text).warnings.is_empty());
}

#[test]
fn a_rule_that_overlaps_too_many_others_is_closed() {
    let rules = (0..30).map(|at| rule(&format!("r{at}"), &format!("/<.*>/{at}/<.*>"), "noop", ""));
    let imported = imported(&rules.collect::<String>());
    let text = site(&imported);
    let pairs = text.matches("# paths that both rule").count();
    assert!(pairs > 100 && pairs <= 200, "{pairs}");
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.contains("`r29` is denied")
                && note.contains("overlaps too many other rules"))
    );
}

#[test]
fn a_rule_with_one_issuer_shows_its_keys() {
    let both = ", config: { trusted_issuers: ['https://one/', 'https://two/'], target_audience: [web], jwks_urls: ['https://one/k', 'https://two/k'] }";
    let rules = rule("both", "/both", "jwt", both)
        + &rule(
            "one",
            "/one",
            "jwt",
            &jwt("https://one/", "web", "https://one/k"),
        )
        + &rule(
            "two",
            "/two",
            "jwt",
            &jwt("https://two/", "web", "https://two/k"),
        );
    let imported = imported(&rules);
    let text = site(&imported);
    for part in [
        "# refresh = \"https://one/k\"",
        "# refresh = \"https://two/k\"",
        "# issuers = [\"one\", \"two\"]",
        "# issuers = [\"one\"]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("deny"), "{text}");
}

#[test]
fn a_rule_that_allows_nothing_does_not_affect_others() {
    let cookie = ", config: { token_from: { cookie: t }, trusted_issuers: ['https://id/'], target_audience: [web], jwks_urls: ['https://id/k'] }";
    let rules = rule("odd", "/<[0-9]+>", "jwt", cookie)
        + &rule(
            "a",
            "/a/b",
            "jwt",
            &jwt("https://id/", "web", "https://id/k"),
        );
    let imported = imported(&rules);
    let text = site(&imported);
    assert!(
        text.contains("allow = [\"/a/b\"]") && !text.contains("[token]"),
        "{text}"
    );
}

#[test]
fn a_site_is_scheme_and_host() {
    let rules = rule("a", "/a", "noop", "");
    for (url, is_site) in [
        ("https://x.example", true),
        ("https://x.example/", true),
        ("x.example", false),
        ("https://x.example/a", false),
        ("https://y.example", false),
    ] {
        let options = Oathkeeper {
            site: Some(url.to_owned()),
            ..Oathkeeper::default()
        };
        assert_eq!(oathkeeper(&rules, &options).is_ok(), is_site, "{url}");
    }
}

#[test]
fn issuers_are_named_where_there_are_several() {
    let one = rule(
        "one",
        "/a",
        "jwt",
        &jwt("https://one.example/", "web", "https://one.example/k"),
    );
    let two = rule(
        "two",
        "/b",
        "jwt",
        &jwt("https://two.example/", "web", "https://two.example/k"),
    );
    let imported = imported(&(one.clone() + &two));
    let text = site(&imported);
    for part in [
        "# name = \"one-example\"",
        "# name = \"two-example\"",
        "# rule `one` needs its issuers: remove the `#` here, too\n# [[rule]]\n# id = \"one\"\n# allow = [\"/a\"]\n# issuers = [\"one-example\"]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("\n[[rule]]"), "{text}");
    let keys = |issuer: Option<&str>| Oathkeeper {
        keys: vec![KeySet {
            issuer: issuer.map(str::to_owned),
            text: include_str!("../../../../../policy/keys/learners.jwks.json").to_owned(),
        }],
        ..Oathkeeper::default()
    };
    let ready = oathkeeper(&one, &keys(None)).unwrap();
    let text = site(&ready);
    assert!(
        text.contains("\n[[issuer]]\nname = \"one-example\"") && text.contains("signed_in = true"),
        "{text}"
    );
    let error = oathkeeper(&one, &keys(Some("odd")))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "no issuer `odd` in the policy; it has `one-example`");
}

#[test]
fn an_issuer_is_trusted_in_one_way_only() {
    let one = || {
        rule(
            "one",
            "/a",
            "jwt",
            &jwt("https://id/", "web", "https://id/k"),
        )
    };
    for (other, part) in [
        (jwt("https://id/", "web", "https://other/k"), "`b` is denied (https://x.example/b): it trusts `https://id/` with other keys"),
        (jwt("http://id/", "web", "https://id/k"), "it trusts `http://id/`, which is not"),
        (
            ", config: { trusted_issuers: ['https://id/'], target_audience: [web], jwks_urls: ['https://id/k'], allowed_algorithms: [HS256] }".to_owned(),
            "it accepts the algorithm `HS256`",
        ),
        (
            ", config: { trusted_issuers: ['https://id/'], target_audience: [web], jwks_urls: ['https://id/k'], token_from: { cookie: t } }".to_owned(),
            "it reads its token from `cookie:t`, and rule `one` from `header:authorization`",
        ),
    ] {
        let imported = imported(&(one() + &rule("b", "/b", "jwt", &other)));
        let text = site(&imported);
        let notes = imported.notes.join("\n");
        assert!(notes.contains(part), "{part} is not in\n{notes}");
        assert!(text.contains("deny = [\"/b\", \"/b/\"]") && text.contains("allow = [\"/a\"]"), "{text}");
    }
    // Audiences differ: each rule requires its own.
    let imported =
        imported(&(one() + &rule("b", "/b", "jwt", &jwt("https://id/", "api", "https://id/k"))));
    let text = &imported.files[0].1;
    for part in [
        "# clients = [\"api\", \"web\"]",
        "[claims]\naud = \"string[]\"\naudience = { type = \"string\", path = [\"aud\"] }\n",
        "when = '(claims.audience == \"web\" || \"web\" in claims.aud)'",
        "when = '(claims.audience == \"api\" || \"api\" in claims.aud)'",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
