//! The plain module as an embedder runs it whose host does what the module's documentation asks of one: it
//! fetches the keys that are due, and after a trap denies and goes on with a new instance.

use core::time::Duration;

use anyhow::Result;
use tollgate_gate::Request;
use tollgate_gate::wire::Reply;
use tollgate_lab_http as http;

use crate::driver::{Ask, Break, FILLER_BYTES, Told};
use crate::embedded::{Compiled, Embedded};

/// How long a request waits for keys.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// How much a host reads that leaves the limit to the module.
const MAX_READ_BYTES: usize = 32 * 1_024 * 1_024;

/// A host and its instance.
pub(crate) struct Wasm<'a> {
    compiled: &'a Compiled,
    image: Vec<u8>,
    /// Trust keys, where only signed images are taken.
    trust: Option<String>,
    /// None after a trap.
    instance: Option<Embedded>,
    breaks: Option<Break>,
}

impl<'a> Wasm<'a> {
    pub(crate) fn start(
        compiled: &'a Compiled,
        image: &[u8],
        trust: Option<&str>,
    ) -> Result<Wasm<'a>> {
        let mut host = Wasm {
            compiled,
            image: image.to_vec(),
            trust: trust.map(str::to_owned),
            instance: None,
            breaks: None,
        };
        host.instance = Some(host.another()?);
        Ok(host)
    }

    /// A new instance with the policy in force.
    fn another(&self) -> Result<Embedded> {
        let mut instance = self.compiled.instance()?;
        if let Some(trust) = &self.trust {
            instance.trust(trust.as_bytes(), 0)?;
        }
        instance.load(&self.image)?;
        Ok(instance)
    }

    /// One decision, and with fresh keys another; an error is a trap.
    fn decide(&mut self, request: &Request<'_>) -> Result<Reply> {
        if self.instance.is_none() {
            self.instance = Some(self.another()?);
        }
        let Some(instance) = &mut self.instance else {
            anyhow::bail!("no instance");
        };
        let now = request.now.0;
        let filler = vec![b'x'; FILLER_BYTES];
        let mut headers = request.headers.to_vec();
        match self.breaks.take() {
            Some(Break::Panic) => instance.spoil(),
            Some(Break::Memory) => {
                instance.freeze_memory();
                headers.push(("x-filler", &filler));
            }
            None => (),
        }
        let request = Request {
            headers: &headers,
            ..*request
        };
        refresh(instance, now, false)?;
        let reply = instance.decide(&request)?;
        if reply.unknown_key && refresh(instance, now, true)? {
            return instance.decide(&request);
        }
        Ok(reply)
    }
}

/// Fetches what is due; whether anything is new.
fn refresh(instance: &mut Embedded, now: i64, unknown_key: bool) -> Result<bool> {
    let mut is_fresh = false;
    while let Some(due) = instance.keys_due(now, unknown_key)? {
        match http::fetch(&due.url, MAX_WAIT, MAX_READ_BYTES) {
            Ok(body) => is_fresh |= instance.keys_arrived(due.ticket, &body, now)?,
            Err(_) => instance.keys_failed(due.ticket, now)?,
        }
    }
    Ok(is_fresh)
}

impl Ask<Told> for Wasm<'_> {
    fn ask(&mut self, request: &Request<'_>) -> Result<Told> {
        match self.decide(request) {
            Ok(reply) => {
                let detail = reply.detail.map(|detail| format!("/{detail}"));
                Ok(Told {
                    allows: reply.status == 200,
                    status: reply.status,
                    why: [reply.reason.code(), &detail.unwrap_or_default()].concat(),
                })
            }
            Err(error) => {
                self.instance = None;
                // What comes before are places in the module.
                let error = format!("{error:#}");
                let trap = error.rsplit("wasm trap: ").next().unwrap_or_default();
                Ok(Told {
                    allows: false,
                    status: 500,
                    why: format!("trap: {}", trap.trim()),
                })
            }
        }
    }

    fn break_next(&mut self, how: Break) -> Result<()> {
        self.breaks = Some(how);
        Ok(())
    }

    fn offer(&mut self, image: &[u8]) -> Option<Result<()>> {
        let offered = self.instance.as_mut()?.load(image);
        if offered.is_ok() {
            self.image = image.to_vec();
        }
        Some(offered)
    }
}
