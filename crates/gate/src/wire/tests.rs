//! Messages are decoded unchanged, and other bytes are rejected.

use alloc::string::ToString;
use alloc::vec;

use super::*;

fn message() -> Vec<u8> {
    encode_request(&Request {
        method: "GET",
        target: b"/a%20b?\xFF",
        headers: &[("Cookie", b"a=\xE9"), ("x", b"")],
        ip: Some("203.0.113.7"),
        now: UnixSeconds(-5),
        entropy: None,
    })
}

#[test]
fn requests_round_trip() {
    let bytes = message();
    let decoded = decode_request(&bytes).expect("a valid message");
    let request = decoded.as_request();
    assert_eq!(request.method, "GET");
    assert_eq!(request.target, b"/a%20b?\xFF");
    assert_eq!(request.headers, [("Cookie", &b"a=\xE9"[..]), ("x", b"")]);
    assert_eq!(request.ip, Some("203.0.113.7"));
    assert_eq!(request.now, UnixSeconds(-5));
    assert_eq!(encode_request(&request), bytes);
}

#[test]
fn the_layout_is_the_documented_one() {
    let request = Request {
        method: "GET",
        target: b"/",
        headers: &[("a", b"b")],
        ip: None,
        now: UnixSeconds(258),
        entropy: None,
    };
    let start = b"\x06\x02\x01\0\0\0\0\0\0";
    let rest = b"\0\0\0\0\x03\0\0\0GET\x01\0\0\0/\x01\0\0\0\x01\0\0\0a\x01\0\0\0b";
    let without = [&start[..], b"\0", rest].concat();
    assert_eq!(encode_request(&request), without);
    let entropy = Some(&[7; 32]);
    let with = encode_request(&Request { entropy, ..request });
    assert_eq!(with, [&start[..], b"\x01", &[7; 32], rest].concat());
    let decoded = decode_request(&with).expect("a valid message");
    assert_eq!(decoded.as_request().entropy, entropy);
}

#[test]
fn damaged_requests_are_rejected() {
    let bytes = message();
    for length in 0..bytes.len() {
        assert!(decode_request(&bytes[..length]).is_err(), "cut to {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode_request(&longer).is_err());
    for at in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut spoiled = bytes.clone();
            spoiled[at] = value;
            // A message that still decodes encodes to the same bytes: decoding neither drops nor adds data.
            if let Ok(request) = decode_request(&spoiled) {
                assert_eq!(encode_request(&request.as_request()), spoiled);
            }
        }
    }
}

#[test]
fn a_false_count_allocates_nothing() {
    let mut bytes = encode_request(&Request {
        method: "",
        target: b"",
        headers: &[],
        ip: None,
        now: UnixSeconds(0),
        entropy: None,
    });
    let count = bytes.len() - 4;
    bytes[count..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(decode_request(&bytes).is_err());
}

fn outcomes() -> Vec<Outcome> {
    let mut forward = Outcome::internal("GET", "x");
    forward.kind = Kind::Allow;
    forward.status = 200;
    forward.reason = Reason::Allow;
    forward.detail = None;
    forward.rule = Some("rust-101/students".to_string());
    forward.action = Action::Forward(Forward {
        request: RequestEdits {
            target: Some(b"/a\xFF".to_vec()),
            headers: vec![
                HeaderEdit {
                    index: 0,
                    value: None,
                },
                HeaderEdit {
                    index: 70_000,
                    value: Some(b"a=\xE9".to_vec()),
                },
            ],
            added: ADDED_HEADERS.map(|name| (name, name.to_string())).to_vec(),
        },
        response: ResponseEdits {
            set_cookies: vec!["a=b; Path=/".to_string(), String::new()],
            cache: CacheEdit::NoStore,
        },
    });
    let mut unknown = Outcome::internal("GET", "unknown_key");
    unknown.reason = Reason::BadToken;
    unknown.unknown_key = true;
    let mut serve = Outcome::internal("POST", "x");
    serve.kind = Kind::Serve;
    if let Action::Refuse(response) = serve.action {
        serve.action = Action::Serve(response);
    }
    vec![
        Outcome::internal("GET", "x"),
        Outcome::internal("HEAD", "y"),
        forward,
        unknown,
        serve,
    ]
}

#[test]
fn outcomes_round_trip() {
    for outcome in outcomes() {
        let bytes = encode_outcome(&outcome);
        let reply = decode_outcome(&bytes).expect("a valid message");
        assert_eq!(reply.kind, outcome.kind);
        assert_eq!(reply.status, outcome.status);
        assert_eq!(reply.reason, outcome.reason);
        assert_eq!(reply.detail.as_deref(), outcome.detail);
        assert_eq!(reply.rule, outcome.rule);
        assert!(reply.fetches.is_empty() && reply.tickets.is_empty());
        assert_eq!(reply.action, outcome.action);
        assert!(reply.log.starts_with("{\"time\":0,\"policy\":null,"));
    }
}

#[test]
fn damaged_outcomes_are_rejected() {
    for outcome in outcomes() {
        let bytes = encode_outcome(&outcome);
        for length in 0..bytes.len() {
            assert!(decode_outcome(&bytes[..length]).is_err(), "cut to {length}");
        }
        for at in 0..bytes.len() {
            for value in 0..=u8::MAX {
                let mut spoiled = bytes.clone();
                spoiled[at] = value;
                // Changing one byte elsewhere must never turn a denial into a forward.
                if let Ok(reply) = decode_outcome(&spoiled) {
                    let forwards = matches!(reply.action, Action::Forward(_));
                    assert_eq!(forwards, reply.kind == Kind::Allow);
                }
            }
        }
    }
}

fn fetches() -> Vec<Fetch> {
    let fetch = |ticket, method: &str, body: &[u8]| Fetch {
        ticket,
        request: FetchRequest {
            method: method.to_string(),
            url: "https://issuer.example/jwks".to_string(),
            headers: vec![("accept".to_string(), "application/json".to_string())],
            body: body.to_vec(),
        },
        limits: FetchLimits {
            secs: 5,
            patience_ms: 1_000,
            bytes: 262_144,
            cached_secs: 600,
        },
    };
    vec![fetch(7, "GET", b""), fetch(u32::MAX, "POST", b"\xFF=")]
}

#[test]
fn fetches_round_trip_and_truncated_ones_are_rejected() {
    assert_eq!(decode_fetches(&encode_fetches(&[])), Ok(Vec::new()));
    let mut bytes = encode_fetches(&fetches());
    assert_eq!(decode_fetches(&bytes), Ok(fetches()));
    for length in 1..bytes.len() {
        assert!(decode_fetches(&bytes[..length]).is_err(), "cut to {length}");
    }
    bytes.push(0);
    assert!(decode_fetches(&bytes).is_err());
}

#[test]
fn pending_steps_round_trip_and_truncated_ones_are_rejected() {
    let mut outcome = Outcome::internal("GET", "unknown_key");
    outcome.unknown_key = true;
    let bytes = encode_step(&Step::Fetch(Pending {
        outcome,
        fetches: fetches(),
        tickets: vec![7, u32::MAX, 3],
    }));
    let reply = decode_outcome(&bytes).expect("a valid message");
    assert_eq!(reply.fetches, fetches());
    assert_eq!(reply.tickets, [7, u32::MAX, 3]);
    for length in 1..bytes.len() {
        assert!(decode_outcome(&bytes[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn no_policy_denies() {
    let reply = decode_outcome(&without_policy()).expect("a valid message");
    assert_eq!(
        (reply.kind, reply.status, reply.reason),
        (Kind::Deny, 500, Reason::Internal)
    );
    assert_eq!(reply.detail.as_deref(), Some("no_policy"));
    assert!(matches!(reply.action, Action::Refuse(_)));
}
