//! Something between a proxy and `authz`, which passes on all bytes, or answers in its place.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// Longer than every proxy waits for the gate.
const SILENCE: Duration = Duration::from_secs(120);

/// What a proxy hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// What the gate says.
    Gate,
    /// Nothing: every connection is closed.
    Closed,
    /// Nothing, on open connections.
    Silent,
    /// These bytes, to whatever it asks.
    Bytes(&'static [u8]),
}

/// The running relay.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    said: Said,
    open: Vec<TcpStream>,
}

impl Relay {
    /// Starts it in front of `authz`. It lives as long as this process.
    ///
    /// # Errors
    ///
    /// Returns an error if no port is free.
    pub(super) fn start(authz: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared {
            said: Said::Gate,
            open: Vec::new(),
        }));
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = Arc::clone(&own);
                // Either side may disconnect at any time.
                thread::spawn(move || serve(stream, authz, &own));
            }
        });
        Ok(Self { address, shared })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says something else from now on. Connections that were open are closed.
    pub fn say(&self, said: Said) {
        let mut shared = locked(&self.shared);
        shared.said = said;
        for stream in shared.open.drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, authz: SocketAddr, shared: &Mutex<Shared>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let said = {
        let mut shared = locked(shared);
        shared.open.push(stream.try_clone()?);
        shared.said
    };
    match said {
        Said::Closed => stream.shutdown(Shutdown::Both),
        Said::Silent => {
            thread::sleep(SILENCE);
            Ok(())
        }
        Said::Bytes(bytes) => {
            _ = stream.read(&mut [0; 16_384])?;
            stream.write_all(bytes)?;
            stream.shutdown(Shutdown::Both)
        }
        Said::Gate => {
            let upstream = TcpStream::connect(authz)?;
            upstream.set_nodelay(true)?;
            locked(shared).open.push(upstream.try_clone()?);
            let (mut from, mut to) = (upstream.try_clone()?, stream.try_clone()?);
            thread::spawn(move || {
                _ = std::io::copy(&mut from, &mut to);
                _ = to.shutdown(Shutdown::Both);
            });
            let mut upstream = upstream;
            _ = std::io::copy(&mut stream, &mut upstream);
            upstream.shutdown(Shutdown::Both)
        }
    }
}
