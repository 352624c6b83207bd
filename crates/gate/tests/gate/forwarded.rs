//! The identity headers that the origin receives, and the caching of its responses.

use tollgate_gate::config::{ForwardConfig, GateConfig};
use tollgate_gate::{Action, CacheEdit, Context, Gate, Outcome, wire};

use crate::site::{Provider, config, image, token};
use crate::{Ask, GET};

const LESSON: &str = "/courses/rust-101/a";
const PREVIEW: &str = "/courses/rust-101/preview/a";

fn gate(forward: ForwardConfig) -> Gate<Vec<u8>> {
    let config = GateConfig {
        forward,
        ..config()
    };
    Gate::new(image(&config), &Provider).expect("a valid image")
}

/// The headers that an origin receives, as a string.
fn sent(gate: &Gate<Vec<u8>>, target: &str, headers: &[(&str, &str)]) -> String {
    let ask = Ask {
        target,
        headers,
        ..GET
    };
    ask.with(|request| {
        let outcome = gate.ask(request, &mut Context::new());
        let reply = wire::decode_outcome(&wire::encode_outcome(&outcome)).expect("a message");
        assert_eq!(reply.action, outcome.action);
        let Action::Forward(forward) = &outcome.action else {
            panic!("the request must be allowed")
        };
        let lines = forward.request.headers_for(request);
        let lines =
            lines.map(|(name, value)| format!("{name}={}; ", String::from_utf8_lossy(value)));
        lines.collect()
    })
}

#[test]
fn the_origin_receives_the_user_if_configured() {
    let summary = gate(ForwardConfig {
        identity: true,
        ..ForwardConfig::default()
    });
    let claims = r#""sub":"ü, 1","cognito:groups":["rust-101","a,b","rust-101"]"#;
    let bearer = format!("Bearer {}", token(claims));
    let authorization = ("authorization", bearer.as_str());
    let claimed = [
        ("X-Tollgate-Subject", "root"),
        ("x_tollgate_groups", "admins"),
        ("accept", "*/*"),
    ];
    let known = "accept=*/*; x-tollgate-subject=%C3%BC%2C%201; x-tollgate-groups=a%2Cb,rust-101; \
                 x-tollgate-issuer=learners; x-tollgate-rule=";
    let nobody = "accept=*/*; x-tollgate-subject=; x-tollgate-groups=; x-tollgate-issuer=; \
                  x-tollgate-rule=";
    let with_token = [&claimed[..], &[authorization]].concat();
    assert_eq!(
        sent(&summary, LESSON, &with_token),
        format!("{known}rust-101/students; ")
    );
    // Also on paths without sign-in, with empty values for unauthenticated clients.
    assert_eq!(
        sent(&summary, PREVIEW, &with_token),
        format!("{known}rust-101/preview; ")
    );
    assert_eq!(
        sent(&summary, PREVIEW, &claimed),
        format!("{nobody}rust-101/preview; ")
    );
    let expired = [("authorization", "Bearer x"), claimed[0], claimed[2]];
    assert_eq!(
        sent(&summary, PREVIEW, &expired),
        format!("{nobody}rust-101/preview; ")
    );
    // Values sent by the client are never forwarded.
    let silent = gate(ForwardConfig::default());
    assert_eq!(sent(&silent, LESSON, &with_token), "accept=*/*; ");
}

#[test]
fn only_responses_that_need_no_token_may_be_in_a_shared_cache() {
    let cache = |outcome: &Outcome| match &outcome.action {
        Action::Forward(forward) => Some(forward.response.cache),
        Action::Serve(_) | Action::Refuse(_) => None,
    };
    let bearer = format!("Bearer {}", token(r#""cognito:groups":["rust-101"]"#));
    let signed_in = [("authorization", bearer.as_str())];
    for (private, identity, target, headers, expect) in [
        (
            true,
            false,
            LESSON,
            &signed_in[..],
            Some(CacheEdit::Private),
        ),
        (true, false, PREVIEW, &signed_in, Some(CacheEdit::Keep)),
        (true, false, PREVIEW, &[], Some(CacheEdit::Keep)),
        // The origin may respond differently to each user.
        (true, true, PREVIEW, &signed_in, Some(CacheEdit::Private)),
        (true, true, PREVIEW, &[], Some(CacheEdit::Keep)),
        (true, false, LESSON, &[], None),
        (false, true, LESSON, &signed_in, Some(CacheEdit::Keep)),
    ] {
        let gate = gate(ForwardConfig { identity, private });
        let ask = Ask {
            target,
            headers,
            ..GET
        };
        assert_eq!(
            cache(&ask.of(&gate)),
            expect,
            "{private} {identity} {target} {headers:?}"
        );
    }
}
