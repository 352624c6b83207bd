//! Sources, and the policies they become. Every policy must compile.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;

/// The imported site file, which compiles.
fn site(imported: &Imported) -> &str {
    assert_eq!(imported.files[0].0, "site.toml");
    let mut tree = SourceTree::new();
    for (name, text) in &imported.files {
        tree.insert(name.clone(), text.clone());
    }
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(
        !compiled.has_errors(),
        "{:?}\n{:#?}",
        compiled.diagnostics,
        imported.files
    );
    &imported.files[0].1
}

#[test]
fn settings_in_many_spellings() {
    let wanted = Settings {
        region: Some("eu-west-1".to_owned()),
        user_pool: Some("eu-west-1_Abc".to_owned()),
        client: Some("c1".to_owned()),
        group: Some("staff".to_owned()),
    };
    let table = [
        r#"{"region":"eu-west-1","userPoolId":"eu-west-1_Abc","userPoolAppId":"c1","requiredGroup":"staff"}"#,
        r#"{"auth":{"awsRegion":"eu-west-1","pool-id":"eu-west-1_Abc"},"client_id":"c1","group":"staff"}"#,
        "[cognito]\nregion = eu-west-1\nUSER_POOL_ID=eu-west-1_Abc\nclient: c1\n; comment\ngroup = \"staff\"\n",
        "const REGION = 'eu-west-1';\nconst USER_POOL = 'eu-west-1_Abc';\nexport const CLIENT_ID = \"c1\";\nlet group = 'staff',\n",
    ];
    for text in table {
        assert_eq!(settings(text).as_ref(), Ok(&wanted), "{text}");
    }
    assert!(matches!(settings("{"), Err(ImportError::Format(_))));
}

#[test]
fn a_snippet_becomes_one_rule() {
    let mut settings = Settings {
        user_pool: Some("eu-west-1_Abc".to_owned()),
        client: Some("c1".to_owned()),
        group: Some("sta\"ff".to_owned()),
        region: None,
    };
    let imported = snippet(&settings, None).unwrap();
    let text = site(&imported);
    assert!(text.contains("\n# [[issuer]]"), "{text}");
    assert!(text.contains("groups = [\"sta\\\"ff\"]"), "{text}");
    assert!(text.contains("region = \"eu-west-1\""), "{text}");
    // With the keys at hand the issuer is ready.
    let keys = include_str!("../../../../policy/keys/learners.jwks.json");
    let ready = snippet(&settings, Some(keys)).unwrap();
    let text = site(&ready);
    assert!(
        text.contains("\n[[issuer]]") && text.contains("\njwks = "),
        "{text}"
    );
    assert_eq!(ready.files.len(), 2);
    settings.group = None;
    assert!(site(&snippet(&settings, None).unwrap()).contains("signed_in = true"));
    settings.region = Some("us-east-1".to_owned());
    assert!(matches!(
        snippet(&settings, None),
        Err(ImportError::Unusable { .. })
    ));
    settings.client = None;
    settings.region = None;
    assert!(matches!(
        snippet(&settings, None),
        Err(ImportError::Missing(_))
    ));
}

#[test]
fn behaviours_open_what_was_open() {
    let json = r#"{"ETag":"x","DistributionConfig":{"Comment":"my site",
      "CacheBehaviors":{"Quantity":4,"Items":[
        {"PathPattern":"images/*","TrustedKeyGroups":{"Enabled":false,"Quantity":0},
         "AllowedMethods":{"Items":["GET","HEAD"]},"LambdaFunctionAssociations":{"Quantity":0}},
        {"PathPattern":"/courses/*","LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"a"}]}},
        {"PathPattern":"*.jpg","AllowedMethods":{"Items":["GET","HEAD","OPTIONS"]}},
        {"PathPattern":"a?c/secret*","TrustedKeyGroups":{"Enabled":true,"Items":["k"]}}]},
      "DefaultCacheBehavior":{"AllowedMethods":{"Items":["HEAD","GET"]}},
      "Restrictions":{"GeoRestriction":{"Quantity":2}}}}"#;
    let imported = cloudfront(json).unwrap();
    let text = site(&imported);
    for part in [
        "allow = [\"/images/**\"]\nanyone = true\n",
        "deny = [\"/courses/**\"]",
        "allow = [\"/**/*.jpg\"]\nanyone = true\nmethods = [\"GET\", \"HEAD\", \"OPTIONS\"]",
        "deny = [\"/**\"]",
        "allow = [\"/**\"]\nanyone = true\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(imported.notes.len(), 3, "{:?}", imported.notes);
    assert!(matches!(cloudfront("{}"), Err(ImportError::Missing(_))));
    assert!(matches!(cloudfront("["), Err(ImportError::Format(_))));
}

#[test]
fn a_closed_default_stays_closed() {
    let json = r#"{"DefaultCacheBehavior":{"TrustedSigners":{"Enabled":true,"Items":["self"]}}}"#;
    let imported = cloudfront(json).unwrap();
    let text = site(&imported);
    assert!(!text.contains("\n[[rule]]"), "{text}");
    assert!(text.contains("# [[rule]]"), "{text}");
}

#[test]
fn access_rules_as_json_and_yaml() {
    let yaml = r#"
- id: "public:files"
  match: { url: "https://x.example/public/<.*>", methods: [GET, HEAD] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: allow }
- id: courses
  match: { url: "https://x.example/courses/<rust|go>/<[^/]+>", methods: [GET, PUT] }
  authenticators:
    - handler: jwt
      config:
        trusted_issuers: ["https://id.example/"]
        target_audience: [api]
        jwks_urls: ["https://id.example/keys"]
        required_scope: ["course.read"]
  authorizer: { handler: allow }
- id: keto
  match: { url: "https://x.example/admin/<.*>", methods: [GET] }
  authenticators: [{ handler: jwt }]
  authorizer: { handler: keto_engine_acp_ory }
- id: nobody
  match: { url: "https://x.example/old<.*>", methods: [GET] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: deny }
- id: elsewhere
  match: { url: "https://y.example/<.*>", methods: [GET] }
  authenticators: [{ handler: noop }]
  authorizer: { handler: allow }
- id: regex
  match: { url: "https://x.example/<[a-f0-9]{32}>", methods: [GET] }
  authenticators: [{ handler: anonymous }]
  authorizer: { handler: allow }
"#;
    let imported = oathkeeper(yaml, None).unwrap();
    let text = site(&imported);
    for part in [
        "id = \"public-files\"\nallow = [\"/public/**\"]\nanyone = true\n",
        "allow = [\"/courses/rust/*\", \"/courses/go/*\"]\nscopes = [\"course.read\"]\nmethods = [\"GET\", \"PUT\"]",
        "# refresh = \"https://id.example/keys\"",
        "deny = [\"/**\"]",
        "# rule `keto` asks the authorizer `keto_engine_acp_ory`",
        "# rule `elsewhere` is about another host",
        "# rule `regex` has a URL that no pattern here says",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(imported.notes.len(), 4, "{:?}", imported.notes);
    let json = r#"[{"id":"a","match":{"url":"http://<.*>/a","methods":["GET"]},
        "authenticators":[{"handler":"anonymous"}],"authorizer":{"handler":"allow"}}]"#;
    assert!(site(&oathkeeper(json, None).unwrap()).contains("allow = [\"/a\"]\nanyone = true"));
    for text in ["{", "a: b", "3"] {
        assert!(oathkeeper(text, None).is_err(), "{text}");
    }
}
