//! The client: one connection per address, which the PROXY protocol tells the proxy.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Result, bail};
use tollgate_gate::Request;
use tollgate_lab_http::{Connection, Reply};

/// A timeout that is longer than every response takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest silence of a proxy before and after the first byte of a response.
const FIRST: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_millis(150);
/// The largest response.
const MAX_BYTES: usize = 1_024 * 1_024;
/// The number of connections that stay open.
const MAX_OPEN: usize = 8;
/// The `Host` of requests without one.
pub(super) const HOST: &str = "site.example";

/// How a proxy learns the address of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// By the PROXY protocol, before the first request of a connection.
    ProxyProtocol,
    /// By the last `X-Forwarded-For`.
    ForwardedFor,
    /// It is that of the connection.
    Nothing,
}

/// Open connections to a proxy.
pub(super) struct Client {
    server: SocketAddr,
    told: Told,
    open: HashMap<IpAddr, Connection>,
}

impl Client {
    pub(super) fn new(server: SocketAddr, told: Told) -> Self {
        Self {
            server,
            told,
            open: HashMap::new(),
        }
    }

    /// Sends a request from an address and reads the response. `None` if the connection is closed without one.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing listens, or the response is not HTTP.
    pub(super) fn ask(&mut self, request: &Request<'_>, ip: IpAddr) -> Result<Option<Reply>> {
        let bytes = self.bytes(request, ip);
        self.exchange(&bytes, ip)
    }

    /// Sends bytes from an address and reads one response.
    ///
    /// # Errors
    ///
    /// As [`Client::ask`].
    pub(super) fn exchange(&mut self, bytes: &[u8], ip: IpAddr) -> Result<Option<Reply>> {
        let mut connection = match self.open.remove(&ip) {
            Some(open) => open,
            None => self.connect(ip)?,
        };
        connection.send_bytes(bytes)?;
        let reply = match connection.reply(MAX_BYTES) {
            Ok(reply) => reply,
            Err(error) if format!("{error:#}").contains("closed before") => return Ok(None),
            Err(error) if format!("{error:#}").contains("reset by peer") => return Ok(None),
            Err(error) => bail!("the response of the proxy: {error:#}"),
        };
        // A proxy that refused a request may read the rest of its bytes as another.
        if reply.goes_on() && reply.status != 400 && reply.status != 101 {
            if self.open.len() >= MAX_OPEN {
                self.open.clear();
            }
            self.open.insert(ip, connection);
        }
        Ok(Some(reply))
    }

    /// Sends bytes on a new connection, and returns everything that arrives until the proxy is silent or ends it.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing listens.
    pub(super) fn attempt(&self, bytes: &[u8], ip: IpAddr) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.server)?;
        stream.set_nodelay(true)?;
        let mut all = match self.told {
            Told::ProxyProtocol => self.proxy_line(ip).into_bytes(),
            Told::ForwardedFor | Told::Nothing => Vec::new(),
        };
        all.extend_from_slice(bytes);
        let mut reply = Vec::new();
        // It may refuse the rest before it has read it.
        if stream.write_all(&all).is_err() {
            return Ok(reply);
        }
        let mut piece = [0; 16_384];
        loop {
            let is_first = reply.is_empty();
            stream.set_read_timeout(Some(if is_first { FIRST } else { SILENCE }))?;
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => return Ok(reply),
                Ok(read) => reply.extend_from_slice(piece.get(..read).unwrap_or_default()),
            }
        }
    }

    /// The bytes of a request.
    pub(super) fn bytes(&self, request: &Request<'_>, ip: IpAddr) -> Vec<u8> {
        let mut bytes = request.method.as_bytes().to_vec();
        bytes.push(b' ');
        bytes.extend_from_slice(request.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        let has_host = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("host");
        if !request.headers.iter().any(has_host) {
            line("host", HOST.as_bytes());
        }
        for (name, value) in request.headers {
            line(name, value);
        }
        if self.told == Told::ForwardedFor {
            line("x-forwarded-for", ip.to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn connect(&self, ip: IpAddr) -> Result<Connection> {
        let mut connection = Connection::open(self.server, PATIENCE)?;
        if self.told == Told::ProxyProtocol {
            let line = self.proxy_line(ip);
            connection.send_bytes(line.as_bytes())?;
        }
        Ok(connection)
    }

    fn proxy_line(&self, ip: IpAddr) -> String {
        let (family, to) = match ip {
            IpAddr::V4(_) => ("TCP4", "127.0.0.1"),
            IpAddr::V6(_) => ("TCP6", "::1"),
        };
        let port = self.server.port();
        format!("PROXY {family} {ip} {to} 40000 {port}\r\n")
    }
}
