//! Settings as projects publish them, and the policies that they become.

use super::super::tests::site;
use super::*;

const POOL: &str = "eu-west-1_AbCdEf123";
const CLIENT: &str = "63example0client0id";

#[test]
fn settings_in_many_spellings() {
    let arn = format!("arn:aws:cognito-idp:eu-west-1:111122223333:userpool/{POOL}");
    let table = [
        (
            format!(
                "const {{ Authenticator }} = require('cognito-at-edge');\n\nconst authenticator = new Authenticator({{\n\t// Replace these\n\tregion: 'eu-west-1', // user pool region\n\tuserPoolId: '{POOL}', /* the pool */\n\tuserPoolAppId: \"{CLIENT}\",\n\tuserPoolDomain: 'd.auth.eu-west-1.amazoncognito.com',\n}});\n\nexports.handler = async (request) => authenticator.handle(request);\n"
            ),
            None,
            Tokens::Amplify,
        ),
        (
            format!(
                "const a = new Authenticator({{ region: 'eu-west-1', userPoolId: `{POOL}`, userPoolAppId: '{CLIENT}' }});"
            ),
            None,
            Tokens::Amplify,
        ),
        (
            format!(
                r#"{{ "userPoolArn": "{arn}", "jwks": {{"keys": []}}, "clientId": "{CLIENT}", "oauthScopes": ["openid"], "cookieCompatibility": "amplify", "additionalCookies": {{}}, "requiredGroup": "staff", "secretAllowedCharacters": "ab" }}"#
            ),
            Some("staff"),
            Tokens::Amplify,
        ),
        (
            format!(
                r#"{{ "userPoolArn": "{arn}", "clientId": "{CLIENT}", "cookieCompatibility": "elasticsearch", "requiredGroup": "" }}"#
            ),
            None,
            Tokens::IdToken,
        ),
        (
            format!(
                r#"[{{"ParameterKey":"UserPoolArn","ParameterValue":"{arn}"}},{{"ParameterKey":"UserPoolClientId","ParameterValue":"{CLIENT}"}},{{"ParameterKey":"UserPoolGroupName","ParameterValue":"staff"}}]"#
            ),
            Some("staff"),
            Tokens::Unknown,
        ),
        (
            format!(
                "const awsmobile = {{\n  \"aws_project_region\": \"us-east-1\",\n  \"aws_cognito_region\": \"eu-west-1\",\n  \"aws_user_pools_id\": \"{POOL}\",\n  \"aws_user_pools_web_client_id\": \"{CLIENT}\",\n  \"oauth\": {{ \"scope\": [\"email\"] }},\n}};\nexport default awsmobile;\n"
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!(
                r#"{{ "version": "1", "auth": {{ "aws_region": "eu-west-1", "user_pool_id": "{POOL}", "user_pool_client_id": "{CLIENT}", "groups": [{{"ADMINS": {{"precedence": 0}}}}] }} }}"#
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!(
                "export COGNITO_REGION=eu-west-1\nCOGNITO_USER_POOL_ID={POOL} # the pool\nCOGNITO_CLIENT_ID=\"{CLIENT}\"\n"
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!(
                "VITE_USER_POOL_ID={POOL}\nVITE_USER_POOL_CLIENT_ID={CLIENT}\nVITE_API=https://a?b\n"
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!(
                "[cognito]\nregion = eu-west-1\nUSER_POOL_ID={POOL}\nclient: {CLIENT}\n; comment\ngroup = \"staff\"\n"
            ),
            Some("staff"),
            Tokens::Unknown,
        ),
        (
            format!(
                "const REGION = 'eu-west-1';\nconst USER_POOL = '{POOL}';\nexport const CLIENT_ID = \"{CLIENT}\";\nlet group = 'staff',\n"
            ),
            Some("staff"),
            Tokens::Unknown,
        ),
        (
            format!(
                "const region = 'eu-west-1', userPoolId = '{POOL}';\nconfigure({{ region, userPoolId, clientId: '{CLIENT}' }});"
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!(
                "Amplify.configure({{ Auth: {{ Cognito: {{ userPoolId: '{POOL}', userPoolClientId: '{CLIENT}', identityPoolId: 'x', allowGuestAccess: true }} }} }});"
            ),
            None,
            Tokens::Unknown,
        ),
        (
            format!("user_pool_id: {POOL}\nclient_id: {CLIENT}\n"),
            None,
            Tokens::Unknown,
        ),
    ];
    for (text, group, tokens) in table {
        let settings = settings(&text).unwrap();
        assert_eq!(
            settings.user_pool.as_deref(),
            Some(POOL),
            "{text}: {settings:?}"
        );
        assert_eq!(
            settings.client.as_deref(),
            Some(CLIENT),
            "{text}: {settings:?}"
        );
        assert_eq!(settings.group.as_deref(), group, "{text}: {settings:?}");
        assert_eq!(settings.tokens, tokens, "{text}: {settings:?}");
        let imported = snippet(&settings, None).unwrap_or_else(|error| panic!("{text}: {error}"));
        let text = site(&imported);
        assert!(
            text.contains(&format!("region = \"eu-west-1\", user_pool = \"{POOL}\"")),
            "{text}"
        );
    }
}

#[test]
fn what_settings_lack_or_contradict() {
    let pool = format!("userPoolId: '{POOL}'");
    for (text, message, help) in [
        ("{", "EOF", ""),
        (
            "",
            "no user pool in the settings; looked for `userPoolId`",
            "--user-pool",
        ),
        (
            "const x = { a: 1 };",
            "found `x` (line 1), `a` (line 1)",
            "--user-pool",
        ),
        (
            &format!("const x = {{ {pool} }};"),
            "no app client in the settings; looked for `userPoolAppId`",
            "--client",
        ),
        (
            &format!("const x = {{\n {pool},\n clientId: process.env.CLIENT }};"),
            "line 3: `process.env.CLIENT` is not text",
            "--client",
        ),
        (
            &format!("const x = {{ {pool}, clientId: 'a' }};\nconst y = {{ clientId: 'b' }};"),
            "more than one app client: `a` (line 1), `b` (line 2)",
            "--client",
        ),
        (
            &format!("const x = {{ {pool}, clientId: 'a', region: 'us-east-1' }};"),
            "`us-east-1` is not the region",
            "--region",
        ),
        (
            "{ userPoolId: 'abc', clientId: 'a' }",
            "`abc` is not the ID of a user pool",
            "--user-pool",
        ),
        (
            &format!("{{ {pool}, clientId: 'a',\n requiredGroups: ['a', 'b'] }}"),
            "line 2: `requiredGroups` may restrict",
            "--group",
        ),
        (
            &format!("{{ {pool}, clientId: 'a', allowedRoles: ['a'] }}"),
            "line 1: `allowedRoles` may restrict",
            "--group",
        ),
        (
            &format!("{{ {pool}, clientId: 'a', group: {{ name: 'a' }} }}"),
            "line 1: `group` may restrict",
            "--group",
        ),
        (
            &format!("{{ {pool}, clientId: 'a', requiredGroup: groupOf(site) }}"),
            "line 1: `groupOf(site)` is not text",
            "--group",
        ),
    ] {
        let error = settings(text)
            .and_then(|settings| snippet(&settings, None))
            .unwrap_err();
        assert!(error.to_string().contains(message), "{text}: {error}");
        assert!(
            error.help().unwrap_or_default().contains(help),
            "{text}: {:?}",
            error.help()
        );
    }
    // Only the list of groups in the outputs of Amplify restricts nothing.
    let text = format!("{{ version: '1', auth: {{ {pool}, clientId: 'c', groups: ['a', 'b'] }} }}");
    assert!(snippet(&settings(&text).unwrap(), None).is_err());
    let text = format!("{{ version: '1', auth: {{ {pool}, clientId: 'c' }}, requiredGroup: 'a' }}");
    assert!(site(&snippet(&settings(&text).unwrap(), None).unwrap()).contains("groups = [\"a\"]"));
    // An option decides what the settings do not specify.
    let text = format!("{{ {pool}, clientId: process.env.CLIENT, requiredGroups: ['a', 'b'] }}");
    let mut settings = settings(&text).unwrap();
    settings.client = Some("c".to_owned());
    settings.group = Some("a".to_owned());
    assert!(site(&snippet(&settings, None).unwrap()).contains("groups = [\"a\"]"));
    for group in ["a{b", "a\nb"] {
        settings.group = Some(group.to_owned());
        assert!(
            matches!(snippet(&settings, None), Err(ImportError::Unusable { .. })),
            "{group:?}"
        );
    }
}

#[test]
fn a_snippet_becomes_one_rule() {
    let settings = Settings {
        user_pool: Some("eu-west-1_Abc".to_owned()),
        client: Some("c1".to_owned()),
        group: Some("sta\"ff".to_owned()),
        ..Settings::default()
    };
    let imported = snippet(&settings, None).unwrap();
    let text = site(&imported);
    assert!(text.contains("\n# [[issuer]]"), "{text}");
    assert!(
        text.contains("allow = [\"/**\"]\ngroups = [\"sta\\\"ff\"]"),
        "{text}"
    );
    assert_eq!(imported.warnings.len(), 1);
    // With its keys the issuer is complete.
    let keys = include_str!("../../../../../policy/keys/learners.jwks.json");
    let ready = snippet(&settings, Some(keys)).unwrap();
    let text = site(&ready);
    assert!(
        text.contains("\n[[issuer]]") && text.contains("\njwks = \"keys/cognito.jwks.json\""),
        "{text}"
    );
    assert_eq!((ready.files.len(), ready.warnings.len()), (2, 0));
    let everyone = Settings {
        group: None,
        ..settings
    };
    assert!(site(&snippet(&everyone, None).unwrap()).contains("signed_in = true"));
}

#[test]
fn keys_within_the_settings_are_used() {
    let keys = include_str!("../../../../../policy/keys/learners.jwks.json");
    let text = format!(
        "{{\"userPoolId\":\"{POOL}\",\"clientId\":\"{CLIENT}\",\"cookieCompatibility\":\"elasticsearch\",\"jwks\":{keys}}}"
    );
    let imported = snippet(&settings(&text).unwrap(), None).unwrap();
    let text = site(&imported);
    assert!(
        text.contains("\n[[issuer]]") && text.contains("from = [\"cookie:ID-TOKEN\"]"),
        "{text}"
    );
    assert!(imported.warnings.is_empty(), "{:?}", imported.warnings);
}

#[test]
fn unsupported_cookies_are_a_warning() {
    let text = format!(
        "new Authenticator({{ userPoolId: '{POOL}', userPoolAppId: '{CLIENT}' }});\nif (x) {{ throw y; }}\n"
    );
    let imported = snippet(&settings(&text).unwrap(), None).unwrap();
    let warnings = imported.warnings.join("\n");
    for part in [
        "CognitoIdentityServiceProvider.63example0client0id.USER.idToken",
        "Authorization: Bearer",
        "\"cookie:id_token\"",
    ] {
        assert!(warnings.contains(part), "{part} is not in {warnings}");
    }
    assert!(site(&imported).contains("[token]\nfrom = [\"header:authorization\"]"));
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.contains("contains decisions of its own")),
        "{:?}",
        imported.notes
    );
}

/// Groups that are required in an unsupported way are an error, and never a policy for every
/// signed-in user.
#[test]
fn an_unsupported_restriction_is_an_error() {
    let js = format!("userPoolId: '{POOL}', clientId: '{CLIENT}'");
    for text in [
        format!("userPoolId: {POOL}\nclientId: {CLIENT}\nrequiredGroups:\n  - admins\n"),
        format!("USER_POOL_ID={POOL}\nCLIENT_ID={CLIENT}\nREQUIRED_GROUP=${{REQUIRED_GROUP}}\n"),
        format!(
            "const {{ requiredGroup }} = require('./secret.json'); module.exports = {{ {js}, requiredGroup }};"
        ),
        format!("const make = (requiredGroup) => ({{ {js}, requiredGroup }});"),
        format!("const config = {{ {js}, groups: [] }}; config.groups.push('admins');"),
        format!(
            "const config = {{ {js} }}; const f = (p) => p['cognito:groups'].includes('admins') ? 1 : 2;"
        ),
    ] {
        let read = settings(&text).and_then(|settings| snippet(&settings, None));
        assert!(read.is_err(), "{text}: {:?}", read.map(|read| read.files));
    }
    let checked =
        format!("const config = {{ {js} }}; const f = (p) => {{ assert(p.email_verified); }};");
    let read = settings(&checked)
        .and_then(|settings| snippet(&settings, None))
        .unwrap();
    let says = |note: &String| note.contains("contains decisions of its own");
    assert!(read.notes.iter().any(says), "{:?}", read.notes);
}
