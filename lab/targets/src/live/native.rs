//! The local edge (`tollgate serve`) in this process, over real sockets, with keys that can panic.

use core::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow, bail};
use tempfile::TempDir;
use tollgate_core::UnixSeconds;
use tollgate_gate::{Gate, Request};
use tollgate_lab_http as http;
use tollgate_server::{Clock, LocalEdge, Options, Origin, Running};
use tollgate_token::{
    Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider, SealingKey,
};

use super::site;
use crate::driver::{Ask, InjectedFault, Observed, Sent};

/// The clock of the server, which is the time of the latest request. Only one server runs at a time.
static TIME: AtomicI64 = AtomicI64::new(0);
/// Whether the next signature verification panics.
static PANICS: AtomicBool = AtomicBool::new(false);
static FRAGILE: Fragile = Fragile;

/// Verifies as the server does, and panics on demand.
struct Fragile;

struct FragileKey(Box<dyn PreparedKey>);

impl Provider for Fragile {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        let key = tollgate_crypto::Native.prepare(algorithm, key)?;
        Ok(Box::new(FragileKey(key)))
    }

    fn sha256(&self, message: &[u8]) -> Option<[u8; 32]> {
        tollgate_crypto::Native.sha256(message)
    }

    fn sealing_key(&self, key: &[u8; 32]) -> Option<Box<dyn SealingKey>> {
        tollgate_crypto::Native.sealing_key(key)
    }
}

impl PreparedKey for FragileKey {
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        assert!(!PANICS.swap(false, Ordering::SeqCst), "injected");
        self.0.verify(input, signature)
    }

    fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.mac(message)
    }
}

/// A server and its log.
pub(crate) struct Native {
    running: Running,
    log: Receiver<(u16, String)>,
    _root: TempDir,
}

impl Native {
    pub(crate) fn start(image: &[u8]) -> Result<Native> {
        let root = TempDir::new()?;
        for file in site::FILES {
            let file = root.path().join(file.trim_start_matches('/'));
            if let Some(above) = file.parent() {
                std::fs::create_dir_all(above)?;
            }
            std::fs::write(file, "a file")?;
        }
        let gate = Gate::new(image.to_vec(), &FRAGILE).map_err(|error| anyhow!("{error}"))?;
        let (sender, log) = channel();
        let sender = Mutex::new(sender);
        let options = Options {
            clock: Clock::Custom(|| UnixSeconds(TIME.load(Ordering::SeqCst))),
            log: Box::new(move |served| {
                let why = match served.record.detail {
                    Some(detail) => format!("{}/{detail}", served.record.reason.code()),
                    None => served.record.reason.code().to_owned(),
                };
                let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
                // A client that has disconnected needs no record.
                _ = sender.send((served.status, why));
            }),
            ..Options::default()
        };
        let listen = ([127, 0, 0, 1], 0).into();
        let edge = LocalEdge::bind(listen, gate, Origin::folder(root.path())?, options)
            .map_err(|error| anyhow!("{error}"))?;
        Ok(Native {
            running: edge.run_in_background(),
            log,
            _root: root,
        })
    }
}

impl Ask<Observed> for Native {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        TIME.store(request.now.0, Ordering::SeqCst);
        while self.log.try_recv().is_ok() {}
        let reply = http::send(
            self.running.addr(),
            request.method,
            request.target,
            request.headers,
            b"",
        )?;
        // The record was written before the response.
        let why = self.log.try_recv().map(|(_, why)| why);
        Ok(Observed {
            allows: reply.body == b"a file",
            status: reply.status,
            why: why.unwrap_or_else(|_| "no record".to_owned()),
            response: Some(Sent {
                headers: reply.headers,
                body: String::from_utf8_lossy(&reply.body).into_owned(),
            }),
        })
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        match how {
            InjectedFault::Panic => PANICS.store(true, Ordering::SeqCst),
            InjectedFault::Memory => bail!("no module"),
        }
        Ok(())
    }
}
