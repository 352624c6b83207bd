//! The sign-in endpoints with arbitrary requests and arbitrary responses of the provider: no
//! session is ever set, because no input contains a token that the issuer signed.
//!
//! The first line of the input is the request target, the lines to the first empty one are header
//! fields, and what follows is the response of the provider: three digits, and the body. In all of
//! it, `FLOW` represents the cookie of a flow, `STATE` its `state`, and `RENEWAL` the cookies of a
//! refresh token.

use std::cell::RefCell;

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{
    Action, Context, FetchResponse, Gate, MAX_STEPS, Outcome, Request, Response, Step,
};

use crate::cookies::replaced;
use crate::sign_in_site::{ISSUER, LEARN, NOW, hmac_key, image};

const COOKIE: &str = "__Host-tollgate";

struct Known {
    image: Vec<u8>,
    flow: String,
    state: String,
    renewal: String,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known::new());
}

impl Known {
    fn new() -> Self {
        let image = image(&LEARN);
        let mut gate = Gate::new(image.clone(), &Native).expect("an image");
        let (flow, state, nonce) = begun(&mut gate, [1; 32]);
        let callback =
            format!("/.tollgate/callback?code=c&state={state}&iss=https%3A%2F%2Fid.example.com");
        let body = format!(
            r#"{{"id_token":"{}","refresh_token":"r"}}"#,
            id_token(&nonce)
        );
        let headers = [("cookie", flow.as_bytes())];
        let outcome = asked(
            &mut gate,
            "GET",
            callback.as_bytes(),
            &headers,
            200,
            body.as_bytes(),
        );
        let cookies = cookies(&outcome);
        let is_set = |cookie: &&String| cookie.starts_with(COOKIE) && !cookie.contains("=;");
        assert!(
            cookies.iter().any(|cookie| is_set(&cookie)),
            "nobody signed in"
        );
        let kept = cookies
            .iter()
            .filter(|cookie| cookie.contains("tollgate-re"));
        let kept: Vec<&str> = kept.map(|cookie| pair(cookie)).collect();
        let renewal = kept.join("; ");
        let (flow, state, _) = begun(&mut gate, [2; 32]);
        Self {
            image,
            flow,
            state,
            renewal,
        }
    }
}

/// Begins a flow; returns its cookie, `state` and nonce.
fn begun(gate: &mut Gate<Vec<u8>>, entropy: [u8; 32]) -> (String, String, String) {
    let request = Request {
        method: "GET",
        target: b"/.tollgate/sign-in?to=/learn/a",
        headers: &[("accept", b"text/html")],
        ip: None,
        now: UnixSeconds(NOW),
        entropy: Some(&entropy),
    };
    let outcome = gate.ask(&request, &mut Context::new());
    let Action::Serve(response) = &outcome.action else {
        panic!("no flow");
    };
    let location = value(response, "location").expect("the provider");
    let parameter = |name: &str| {
        let rest = location.split_once(name).expect("a parameter").1;
        rest.split('&').next().unwrap_or_default().to_owned()
    };
    let flow = value(response, "set-cookie").expect("a flow");
    (
        pair(flow).to_owned(),
        parameter("&state="),
        parameter("&nonce="),
    )
}

fn id_token(nonce: &str) -> String {
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"alice","aud":"web","iat":{NOW},"exp":{},"nonce":"{nonce}"}}"#,
        NOW + 3_600
    );
    let input = format!(
        "{}.{}",
        part(r#"{"alg":"HS256","kid":"hs"}"#),
        part(&claims)
    );
    let mac = hmac_key(b"id tokens are signed with this!!").mac(input.as_bytes()).expect("a secret");
    format!("{input}.{}", Base64UrlUnpadded::encode_string(&mac))
}

fn value<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let mut named = response.headers.iter().filter(|(known, _)| known == name);
    named.next().map(|(_, value)| value.as_str())
}

/// Name and value of `Set-Cookie`.
fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap_or_default()
}

fn cookies(outcome: &Outcome) -> Vec<String> {
    match &outcome.action {
        Action::Forward(forward) => forward.response.set_cookies.clone(),
        Action::Serve(response) | Action::Refuse(response) => {
            let named = response
                .headers
                .iter()
                .filter(|(name, _)| name == "set-cookie");
            named.map(|(_, value)| value.clone()).collect()
        }
    }
}

/// Evaluates a request whose fetches all end with this response.
fn asked(
    gate: &mut Gate<Vec<u8>>,
    method: &str,
    target: &[u8],
    headers: &[(&str, &[u8])],
    status: u16,
    body: &[u8],
) -> Outcome {
    let request = Request {
        method,
        target,
        headers,
        ip: None,
        now: UnixSeconds(NOW),
        entropy: Some(&[3; 32]),
    };
    let mut last = None;
    for _ in 0..MAX_STEPS {
        let pending = match gate.step(&request, &mut Context::new()) {
            Step::Done(outcome) => return outcome,
            Step::Fetch(pending) => pending,
        };
        for fetch in &pending.fetches {
            assert!(fetch.request.url.starts_with(ISSUER));
            let response = Some(FetchResponse { status, body });
            _ = gate.resume(fetch.ticket, response, request.now);
        }
        last = Some(pending.outcome);
    }
    last.expect("at least one step")
}

/// Uses the bytes as a request and the response of the provider.
pub fn check(data: &[u8]) {
    KNOWN.with_borrow(|known| {
        let filled = replaced(data, b"FLOW", known.flow.as_bytes());
        let filled = replaced(&filled, b"STATE", known.state.as_bytes());
        let filled = replaced(&filled, b"RENEWAL", known.renewal.as_bytes());
        check_with(known, &filled);
    });
}

fn check_with(known: &Known, input: &[u8]) {
    let mut gate = Gate::new(known.image.clone(), &Native).expect("an image");
    let mut rest = input;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &[][..]),
        };
        rest = after;
        line
    };
    let target = line();
    let mut headers: Vec<(&str, &[u8])> = Vec::new();
    let mut method = "GET";
    loop {
        let field = line();
        if field.is_empty() {
            break;
        }
        let at = field.iter().position(|byte| *byte == b':');
        let Some(at) = at else {
            method = core::str::from_utf8(field).unwrap_or("GET");
            continue;
        };
        let name = core::str::from_utf8(&field[..at]).unwrap_or("x");
        let value = &field[at + 1..];
        headers.push((name, value.strip_prefix(b" ").unwrap_or(value)));
    }
    let status = rest
        .get(..3)
        .and_then(|text| core::str::from_utf8(text).ok());
    let status = status.and_then(|text| text.parse().ok()).unwrap_or(200);
    let body = rest.get(3..).unwrap_or_default();
    let outcome = asked(&mut gate, method, target, &headers, status, body);
    for cookie in cookies(&outcome) {
        let session = cookie.strip_prefix("__Host-tollgate=");
        assert!(
            session.is_none_or(|rest| rest.starts_with(';')),
            "a session: {cookie}"
        );
    }
    let (Action::Serve(response) | Action::Refuse(response)) = &outcome.action else {
        // A path that anyone may read.
        assert!(target.starts_with(b"/open/"), "{}", outcome.status);
        return;
    };
    for (name, value) in &response.headers {
        assert!(
            value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{name}: {value}"
        );
    }
    if let Some(location) = value(response, "location") {
        let is_path = location.starts_with('/')
            && !location.starts_with("//")
            && !location.starts_with("/\\");
        let at_provider = ["/authorize?tenant=7&", "/end?x=1&"];
        let is_endpoint = location.strip_prefix(ISSUER).is_some_and(|rest| {
            at_provider
                .iter()
                .any(|endpoint| rest.starts_with(endpoint))
        });
        assert!(is_path || is_endpoint, "{location}");
    }
    let mut record = String::new();
    outcome.log.write_json(&mut record).expect("a string");
    let is_in_path = |secret: &str| String::from_utf8_lossy(target).contains(secret);
    for secret in [&known.flow, &known.renewal] {
        let secret = secret.split_once('=').map_or("", |(_, value)| value);
        assert!(is_in_path(secret) || !record.contains(secret), "{record}");
    }
}
