//! The requests that a restricted edge leaves to a full edge, for a site with sign-in.
//!
//! Not here: what the generated code does about sign-in, which `tollgate-javascript` decides.

use serde_json::{Value, json};
use tollgate_edges::LAMBDA_EDGE;
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;

/// The paths of the sign-in endpoints, which a full edge must serve.
pub(super) struct Elsewhere {
    /// The pattern of these paths, as CloudFront and Akamai write it.
    pattern: String,
}

impl Elsewhere {
    /// Returns the paths of a policy; `None` for a site without sign-in.
    pub(super) fn of(spec: &ImageSpec) -> Option<Self> {
        let config = GateConfig::decode(&spec.gate).ok()?;
        let pattern = config.sign_in?.endpoint("*");
        Some(Self { pattern })
    }

    /// The cache behaviour of CloudFront.
    pub(super) fn behaviour(&self) -> Value {
        json!({
            "path_pattern": self.pattern,
            "viewer_request": LAMBDA_EDGE.name,
            "methods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
            "caching": "disabled",
        })
    }

    /// The note about the behaviour.
    pub(super) fn behaviour_note(&self) -> String {
        format!(
            "sign-in: create a behaviour for `{}` with the function of `--target {}`, before all others that match it",
            self.pattern, LAMBDA_EDGE.name
        )
    }

    /// The warning about the rule of a property, which nothing in the bundle describes.
    pub(super) fn rule_warning(&self) -> String {
        format!(
            "the bundle denies requests for `{}`: add a rule to the property that sends them to an edge that can sign users \
             in, such as `{}`, and switches EdgeWorkers off",
            self.pattern, LAMBDA_EDGE.name
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tollgate_compiler::{CompileOptions, SourceTree, compile};
    use tollgate_gate::sign_in::{
        ClientAuth, Endpoints, SealSecret, SignInConfig, SignInProvider, SignOut,
    };

    use super::*;

    #[test]
    fn the_paths_below_sign_in_are_left_to_another_edge() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
        let compiled = compile(&SourceTree::read(&root), &CompileOptions::default());
        let mut spec = compiled.policy.unwrap();
        let mut config = GateConfig::decode(&spec.gate).unwrap();
        config.sign_in = None;
        spec.gate = config.encode().unwrap();
        assert!(Elsewhere::of(&spec).is_none());
        config.sign_in = Some(SignInConfig {
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
            path: "/account".to_owned(),
            secrets: vec![SealSecret {
                kid: "s1".to_owned(),
                key: [7; 32],
            }],
            signed_out: None,
            page: None,
        });
        spec.gate = config.encode().unwrap();
        let elsewhere = Elsewhere::of(&spec).unwrap();
        let pattern = elsewhere.behaviour().get("path_pattern").cloned();
        assert_eq!(pattern, Some(json!("/account/*")));
        for text in [elsewhere.behaviour_note(), elsewhere.rule_warning()] {
            assert!(
                text.contains("`/account/*`") && text.contains("lambda-edge"),
                "{text}"
            );
        }
    }
}
