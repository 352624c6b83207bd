//! Which issuers and answers are understood.

use super::*;

fn shown(provider: Option<Provider>) -> String {
    match provider {
        Some(Provider::Cognito { region, user_pool }) => format!("cognito {region} {user_pool}"),
        Some(Provider::Oidc(url)) => format!("oidc {url}"),
        None => "none".to_owned(),
    }
}

#[test]
fn pools_and_issuers() {
    for (text, expected) in [
        (
            "eu-west-1/eu-west-1_Ab12",
            "cognito eu-west-1 eu-west-1_Ab12",
        ),
        ("eu-west-1_Ab12", "cognito eu-west-1 eu-west-1_Ab12"),
        (
            "us-gov-west-1/us-gov-west-1_x",
            "cognito us-gov-west-1 us-gov-west-1_x",
        ),
        ("eu-west-1/us-east-1_Ab12", "none"),
        ("eu-west-1/", "none"),
        ("eu-west-1_", "none"),
        ("euwest1_Ab", "none"),
        ("eu-west-1/eu-west-1_A\"b", "none"),
        ("", "none"),
    ] {
        assert_eq!(shown(cognito(text)), expected, "{text}");
    }
    for (text, expected) in [
        ("https://id.example.com", "oidc https://id.example.com"),
        ("https://id.example.com/", "oidc https://id.example.com/"),
        (
            "https://id.example.com/a/.well-known/openid-configuration",
            "oidc https://id.example.com/a",
        ),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12",
            "cognito eu-west-1 eu-west-1_Ab12",
        ),
        ("http://localhost:8080/a", "oidc http://localhost:8080/a"),
        ("http://127.0.0.1", "oidc http://127.0.0.1"),
        ("http://id.example.com", "none"),
        ("id.example.com", "none"),
        ("https://", "none"),
        ("https:///a", "none"),
        ("https://a b", "none"),
        ("https://a\"\nb", "none"),
        ("https://a?b", "none"),
    ] {
        assert_eq!(shown(issuer(text)), expected, "{text}");
    }
}

#[test]
fn questions_and_answers() {
    for (input, expected) in [
        ("", "policy none None"),
        ("\n\n", "policy none None"),
        ("a b\n\n", "a b none None"),
        (
            "\neu-west-1_Ab\nweb\n",
            "policy cognito eu-west-1 eu-west-1_Ab Some(\"web\")",
        ),
        (
            "\nnonsense\nhttps://id.example.com\n\n",
            "policy oidc https://id.example.com None",
        ),
    ] {
        let mut output = Vec::new();
        let wanted = ask::ask(None, &mut input.as_bytes(), &mut output).unwrap();
        let found = format!(
            "{} {} {:?}",
            wanted.dir.display(),
            shown(wanted.provider),
            wanted.client
        );
        assert_eq!(found, expected);
        let output = String::from_utf8(output).unwrap();
        let is_repeated = output.contains("is neither");
        assert_eq!(is_repeated, input.contains("nonsense"), "{output}");
    }
}
