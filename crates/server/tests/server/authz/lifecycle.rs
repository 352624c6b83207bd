//! Starting, replacing the policy, and stopping.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tollgate_server::{Authz, AuthzError, PeerNetworks, Tls};

use super::support::{Next, Side, bind, loopback, options};
use crate::support::{Scratch, gate_with, send_to};

const MOVED: &str = "[[rule]]\nid = \"moved\"\nallow = [\"/moved/**\"]\nanyone = true\n";

/// Waits until `done`, for as long as any machine may need.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const MOVED_QUESTION: &str = "x-original-uri: /moved/a\r\nx-original-method: GET\r\n";
const PUBLIC_QUESTION: &str = "x-original-uri: /public/a\r\nx-original-method: GET\r\n";

#[test]
fn a_new_policy_replaces_the_old_one_and_a_bad_one_does_not() {
    let side = Side::start("");
    let ask = |question: &str| side.ask("/auth/nginx", question).status();
    // A counter that begins with 1 has no increase, which alerts look for.
    let fresh = side.ask("/metrics", "");
    for line in [
        "tollgate_reloads_total{result=\"failed\"} 0",
        "tollgate_rejected_questions_total{dialect=\"nginx\",code=\"other_dialect\"} 0",
    ] {
        assert!(fresh.body().contains(line), "{line}: {}", fresh.0);
    }
    assert_eq!((ask(MOVED_QUESTION), ask(PUBLIC_QUESTION)), (403, 200));
    *side.next.0.lock().unwrap() = Some(Ok(gate_with(MOVED)));
    eventually("the new policy", || ask(MOVED_QUESTION) == 200);
    *side.next.0.lock().unwrap() = Some(Err("broken".to_owned()));
    eventually("the broken policy is read", || {
        side.next.0.lock().unwrap().is_none()
    });
    eventually("the error is reported", || {
        let lines = side.lines.lock().unwrap();
        lines.iter().any(|line| line == "NotLoaded(\"broken\")")
    });
    assert_eq!((ask(MOVED_QUESTION), ask(PUBLIC_QUESTION)), (200, 200));
    let metrics = side.ask("/metrics", "");
    for line in [
        "tollgate_reloads_total{result=\"changed\"} 1",
        "tollgate_reloads_total{result=\"failed\"} 1",
    ] {
        assert!(metrics.body().contains(line), "{line}: {}", metrics.0);
    }
}

#[test]
fn no_request_is_lost_while_the_policy_is_replaced() {
    let side = Side::start("");
    let stop = AtomicBool::new(false);
    let addr = side.running.addr();
    let asked: u32 = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(addr).unwrap();
                    let mut asked = 0;
                    let mut got = [0; 4_096];
                    while !stop.load(Ordering::Relaxed) {
                        let request = format!("GET /auth/nginx HTTP/1.1\r\n{PUBLIC_QUESTION}\r\n");
                        stream.write_all(request.as_bytes()).unwrap();
                        let count = stream.read(&mut got).unwrap();
                        assert!(got[..count].starts_with(b"HTTP/1.1 200 OK"));
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for round in 0..40 {
            let more = if round % 2 == 0 { MOVED } else { "" };
            *side.next.0.lock().unwrap() = Some(Ok(gate_with(more)));
            eventually("the policy is read", || {
                side.next.0.lock().unwrap().is_none()
            });
        }
        stop.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    assert!(asked > 40, "{asked}");
}

#[test]
fn before_it_stops_it_reports_that_it_is_not_ready() {
    let (mut options, lines) = options();
    options.drain = Duration::from_millis(400);
    options.status = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let (authz, _next) = bind("", options).unwrap();
    let status = authz.status_addr().unwrap();
    let running = authz.run_in_background();
    let addr = running.addr();
    let get = |addr: SocketAddr, target: &str| {
        send_to(
            addr,
            format!("GET {target} HTTP/1.1\r\nconnection: close\r\n\r\n"),
        )
    };
    assert!(get(status, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(status, "/metrics").contains("tollgate_policy_info"));
    assert!(get(status, "/auth/nginx").starts_with("HTTP/1.1 404"));
    let stopping = std::thread::spawn(move || drop(running));
    eventually("it reports that it is not ready", || {
        get(status, "/readyz").starts_with("HTTP/1.1 503")
    });
    // Proxies that have not noticed yet are answered.
    let request = format!("GET /auth/nginx HTTP/1.1\r\nconnection: close\r\n{PUBLIC_QUESTION}\r\n");
    assert!(send_to(addr, request).starts_with("HTTP/1.1 200"));
    assert!(get(addr, "/healthz").starts_with("HTTP/1.1 200"));
    stopping.join().unwrap();
    assert!(TcpStream::connect(addr).is_err());
    assert!(lines.lock().unwrap().iter().any(|line| line == "Draining"));
}

#[test]
fn nobody_could_connect_without_peers() {
    let (mut options, _) = options();
    options.peers = PeerNetworks::default();
    assert!(matches!(bind("", options), Err(AuthzError::NoPeers)));
}

fn tls() -> Tls {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/tls");
    Tls {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    }
}

#[test]
fn connections_can_be_encrypted_with_http_1_and_2() {
    use rustls::pki_types::pem::PemObject;
    let (mut options, lines) = options();
    options.tls = Some(tls());
    let side = Side::start_with("", options, lines);
    let certificate = rustls::pki_types::CertificateDer::from_pem_file(tls().certificate).unwrap();
    for protocol in ["http/1.1", "h2"] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = "localhost".try_into().unwrap();
        let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(side.running.addr()).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut stream);
        let request: &[u8] = match protocol {
            "h2" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            _ => b"GET /healthz HTTP/1.1\r\n\r\n",
        };
        stream.write_all(request).unwrap();
        let mut got = [0; 12];
        stream.read_exact(&mut got).unwrap();
        match protocol {
            // The frame of settings begins with its length and type.
            "h2" => assert_eq!(got[3], 4),
            _ => assert_eq!(&got, b"HTTP/1.1 200"),
        }
        assert_eq!(session.alpn_protocol(), Some(protocol.as_bytes()));
    }
    // A client without encryption gets no answer, and the next one does.
    assert!(!send_to(side.running.addr(), "GET /healthz HTTP/1.1\r\n\r\n").contains("200"));
}

#[test]
fn a_bad_certificate_is_reported_before_anything_is_bound() {
    let scratch = Scratch::new("authz-tls");
    scratch.file("empty.pem", "");
    let empty: PathBuf = scratch.path().join("empty.pem");
    for (certificate, key) in [
        (empty.clone(), tls().key),
        (tls().certificate, empty.clone()),
        (tls().certificate, scratch.path().join("missing.pem")),
        (tls().key, tls().certificate),
    ] {
        let (mut options, _) = options();
        options.tls = Some(Tls { certificate, key });
        let bound = Authz::bind(
            &loopback(),
            gate_with(""),
            Arc::new(Next::default()),
            options,
        );
        assert!(matches!(bound, Err(AuthzError::Tls(_))));
    }
}

#[test]
fn a_panic_denies_one_request_and_the_next_one_works() {
    let (mut options, lines) = options();
    let first = AtomicBool::new(true);
    options.log = Box::new(move |_| assert!(!first.swap(false, Ordering::Relaxed)));
    let side = Side::start_with("", options, lines);
    assert_eq!(side.ask("/auth/nginx", PUBLIC_QUESTION).status(), 500);
    assert_eq!(side.ask("/auth/nginx", PUBLIC_QUESTION).status(), 200);
}
