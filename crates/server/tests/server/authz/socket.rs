//! Unix sockets.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate_server::{Authz, AuthzError, Listen, PeerNetworks};

use super::support::{Next, options};
use crate::support::gate_with;

/// A directory with a short name, because paths of sockets are short.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("tollgate-authz-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bind(path: &Path, mode: u32) -> Result<Authz, AuthzError> {
    let (mut options, _) = options();
    options.peers = PeerNetworks::default();
    let listen = Listen::Unix {
        path: path.to_owned(),
        mode,
    };
    Authz::bind(&listen, gate_with(""), Arc::new(Next::default()), options)
}

/// Why no server could be bound.
fn refused(path: &Path) -> ErrorKind {
    match bind(path, 0o660) {
        Err(AuthzError::Listen(error)) => error.kind(),
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn a_unix_socket_needs_no_peers() {
    let directory = Directory::new("peers");
    let path = directory.path("s");
    // A process that was killed leaves its socket behind.
    drop(UnixListener::bind(&path).unwrap());
    let running = bind(&path, 0o660).unwrap().run_in_background();
    let mut stream = UnixStream::connect(&path).unwrap();
    let question = "x-original-uri: /public/a\r\nx-original-method: GET\r\n";
    let request = format!("GET /auth/nginx HTTP/1.1\r\nconnection: close\r\n{question}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(refused(&path), ErrorKind::AddrInUse);
    drop(running);
    assert!(!path.exists(), "it is removed at the end");
}

#[test]
fn a_socket_has_the_permissions_that_are_set_whatever_the_umask_is() {
    let directory = Directory::new("mode");
    for mode in [0o660, 0o600, 0o666, 0o770] {
        let path = directory.path(&format!("{mode:o}"));
        let _bound = bind(&path, mode).unwrap();
        let found = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(format!("{:o}", found & 0o7777), format!("{mode:o}"));
    }
}

#[test]
fn what_may_belong_to_another_process_is_not_replaced() {
    let directory = Directory::new("stale");
    let file = directory.path("file");
    fs::write(&file, "precious").unwrap();
    assert_eq!(refused(&file), ErrorKind::Other);
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    // A process that listens in another way, such as a logger.
    let other = directory.path("datagrams");
    let logger = UnixDatagram::bind(&other).unwrap();
    refused(&other);
    let client = UnixDatagram::unbound().unwrap();
    client.send_to(b"a line", &other).unwrap();
    let mut got = [0; 8];
    assert_eq!(logger.recv(&mut got).unwrap(), 6);
}
