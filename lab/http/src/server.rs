//! The server: a function that maps targets to responses, on threads that live as long as the process.

use core::net::{Ipv4Addr, SocketAddr};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::{Context, Result};

/// The response of a server to the target of a request: status and body; `None` hangs up.
pub type Answering = dyn Fn(&str) -> Option<(u16, Vec<u8>)> + Send + Sync;

/// Returns a loopback address that is currently free.
///
/// # Errors
///
/// Returns an error if there is none.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Starts a server that lives as long as this process, and returns its address.
///
/// # Errors
///
/// Returns an error if no port is free.
pub fn serve(answering: Arc<Answering>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    let place = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answering = Arc::clone(&answering);
            // A client may disconnect at any time.
            std::thread::spawn(move || answer(&stream, &*answering));
        }
    });
    Ok(place)
}

/// Responds to every request on a connection until the client disconnects. Requests have no bodies here.
fn answer(stream: &TcpStream, answering: &Answering) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(first) = lines.next().transpose()? {
        let mut goes_on = true;
        for line in lines.by_ref() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            goes_on &= !line.eq_ignore_ascii_case("connection: close");
        }
        let target = first.split(' ').nth(1).unwrap_or_default();
        let Some((status, body)) = answering(target) else {
            return Ok(());
        };
        let mut bytes = format!(
            "HTTP/1.1 {status} Response\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            if goes_on { "" } else { "connection: close\r\n" }
        )
        .into_bytes();
        bytes.extend(body);
        let mut out = stream;
        out.write_all(&bytes)?;
        if !goes_on {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::client::{Connection, fetch, send};

    #[test]
    fn responses_reach_the_client() {
        let served = serve(Arc::new(|target| match target {
            "/a" => Some((200, b"bytes".to_vec())),
            "/moved" => Some((302, Vec::new())),
            "/gone" => None,
            _ => Some((404, Vec::new())),
        }))
        .unwrap();
        let reply = send(served, "GET", b"/a", &[("x", b"y")], b"").unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"bytes"[..]));
        assert!(send(served, "GET", b"/gone", &[], b"").is_err());
        let patience = Duration::from_secs(20);
        let fetch = |path, most| fetch(&format!("http://{served}/{path}"), patience, most);
        assert_eq!(fetch("a", 1_000).unwrap(), b"bytes");
        for (path, most) in [("a", 4), ("moved", 1_000), ("gone", 1_000), ("b", 1_000)] {
            assert!(fetch(path, most).is_err(), "{path} {most}");
        }
        let mut connection = Connection::open(served, patience).unwrap();
        for (target, status) in [("/a", 200), ("/moved", 302), ("/b", 404)] {
            connection.send("GET", target.as_bytes(), &[], b"").unwrap();
            assert_eq!(connection.reply(1_000).unwrap().status, status);
        }
    }
}
