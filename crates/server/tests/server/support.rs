//! A policy, tokens, a scratch directory, and a client that sends exactly the given bytes.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_mint::{Algorithm, Minter, PrivateKey, base64url};
use tollgate_server::{Clock, LocalEdge, LogSink, Options, Origin, Running};

pub(crate) const NOW: i64 = 1_800_000_000;
const SECRET: &[u8; 32] = b"a secret for tests, and no other";

const SITE: &str = r#"
schema = 1
[site]
name = "local-edge-tests"
[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web"]
algorithms = ["HS256"]
groups_claim = "cognito:groups"
secrets = [{ kid = "hs-1", file = "keys/hs-1.key" }]
[token]
from = ["header:authorization", "cookie:id_token", "query:token"]
strip = true
[[rule]]
id = "public"
allow = ["/public/**"]
anyone = true
[[rule]]
id = "upload"
allow = ["/public/**"]
methods = ["POST"]
anyone = true
[[rule]]
id = "students"
allow = ["/courses/**"]
groups = ["students"]
[[rule]]
id = "office"
allow = ["/office/**"]
anyone = true
networks = ["203.0.113.0/24"]
"#;

/// A token for the tests' issuer.
pub(crate) fn token(group: &str, expires_at: i64) -> String {
    let key = PrivateKey::from_secret("hs-1", Algorithm::HS256, SECRET);
    let claims = format!(
        r#"{{"iss":"https://id.example.com","aud":"web","cognito:groups":["{group}"],"exp":{expires_at}}}"#
    );
    Minter::new(key).token(&claims).unwrap()
}

/// A server for `origin`, its address, and its log: `status decision`.
pub(crate) struct Server {
    running: Running,
    log: Arc<Mutex<Vec<String>>>,
}

/// A gate with the tests' policy.
pub(crate) fn gate() -> Gate<Vec<u8>> {
    gate_with("")
}

/// A gate with additional lines in the tests' policy.
pub(crate) fn gate_with(more: &str) -> Gate<Vec<u8>> {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", format!("{SITE}{more}"));
    sources.insert("keys/hs-1.key", base64url(SECRET));
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(compiled.image.is_some(), "{:?}", compiled.diagnostics);
    Gate::new(compiled.image.unwrap(), &Native).unwrap()
}

impl Server {
    pub(crate) fn start(origin: Origin, options: Options) -> Server {
        Server::start_with(gate(), origin, options)
    }

    pub(crate) fn start_with(gate: Gate<Vec<u8>>, origin: Origin, options: Options) -> Server {
        let clock = Clock::Fixed(UnixSeconds(NOW));
        Server::start_at(gate, origin, Options { clock, ..options })
    }

    /// The same, with the clock in `options`.
    pub(crate) fn start_at(gate: Gate<Vec<u8>>, origin: Origin, options: Options) -> Server {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let options = Options {
            log: Box::new(move |served| {
                let line = format!("{} {}", served.status, served.record.reason.code());
                sink.lock().unwrap().push(line);
            }),
            ..options
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = LocalEdge::bind(listen, gate, origin, options)
            .unwrap()
            .run_in_background();
        Server { running, log }
    }

    /// A server with the given log sink.
    pub(crate) fn start_with_log(gate: Gate<Vec<u8>>, origin: Origin, log: LogSink) -> Server {
        let clock = Clock::Fixed(UnixSeconds(NOW));
        let options = Options {
            clock,
            log,
            ..Options::default()
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = LocalEdge::bind(listen, gate, origin, options)
            .unwrap()
            .run_in_background();
        let log = Arc::default();
        Server { running, log }
    }

    /// Sends `request` and reads until the server closes the connection.
    pub(crate) fn send(&self, request: impl AsRef<[u8]>) -> String {
        send_to(self.running.addr(), request)
    }

    /// Sends one request with these header lines and closes.
    pub(crate) fn get(&self, method: &str, target: &str, headers: &str) -> Answer {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        Answer(self.send(format!("{head}{headers}\r\n")))
    }

    pub(crate) fn take_log(&self) -> Vec<String> {
        core::mem::take(&mut self.log.lock().unwrap())
    }
}

/// Sends `request` and reads until the server closes the connection.
pub(crate) fn send_to(addr: SocketAddr, request: impl AsRef<[u8]>) -> String {
    try_send_to(addr, request).unwrap()
}

/// Sends `request` and reads until the server closes the connection, which it may do without a response.
pub(crate) fn try_send_to(addr: SocketAddr, request: impl AsRef<[u8]>) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request.as_ref())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A response as it was received.
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.0
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .parse()
            .unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// A directory that is removed at the end of the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
