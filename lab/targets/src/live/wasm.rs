//! The plain module, run by an embedder that follows the module's documentation: it fetches keys when they
//! are due, and after a trap it denies the request and continues with a new instance.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tollgate_gate::wire::Reply;
use tollgate_gate::{Action, Fetch, FetchResponse, Request, Response, UnixSeconds};
use tollgate_host::{Accepted, Host, HttpClient, Machine, Native, Stepped};

use crate::driver::{Ask, FILLER_BYTES, InjectedFault, Observed, Sent};
use crate::embedded::{Compiled, Embedded};

/// A host and its instance.
pub(crate) struct Wasm<'a> {
    compiled: &'a Compiled,
    image: Vec<u8>,
    /// Trust keys, if only signed images are accepted.
    trust: Option<String>,
    /// `None` after a trap.
    host: Option<Arc<Host<Module, Native<HttpClient>>>>,
    breaks: Option<InjectedFault>,
    runtime: Runtime,
    /// The time of the request that is evaluated.
    now: Arc<Mutex<UnixSeconds>>,
}

/// An instance of the module, as a machine of the shared driver.
struct Module(Mutex<Embedded>);

impl<'a> Wasm<'a> {
    pub(crate) fn start(
        compiled: &'a Compiled,
        image: &[u8],
        trust: Option<&str>,
    ) -> Result<Wasm<'a>> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let mut wasm = Wasm {
            compiled,
            image: image.to_vec(),
            trust: trust.map(str::to_owned),
            host: None,
            breaks: None,
            runtime,
            now: Arc::new(Mutex::new(UnixSeconds(0))),
        };
        wasm.host = Some(wasm.another()?);
        Ok(wasm)
    }

    /// A new instance with the policy in force.
    fn another(&self) -> Result<Arc<Host<Module, Native<HttpClient>>>> {
        let mut instance = self.compiled.instance()?;
        if let Some(trust) = &self.trust {
            instance.trust(trust.as_bytes(), 0)?;
        }
        instance.load(&self.image)?;
        let now = Arc::clone(&self.now);
        let clock = move || *now.lock().unwrap_or_else(PoisonError::into_inner);
        let platform = Native::new(HttpClient::new(), clock, Box::new(|_| {}));
        Ok(Host::new(Module(Mutex::new(instance)), platform))
    }

    /// Evaluates the request, again after a key refresh; an error is a trap.
    fn decide(&mut self, request: &Request<'_>) -> Result<Reply> {
        if self.host.is_none() {
            self.host = Some(self.another()?);
        }
        let host = self.host.as_ref().context("no instance")?;
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = request.now;
        let filler = vec![b'x'; FILLER_BYTES];
        let mut headers = request.headers.to_vec();
        match self.breaks.take() {
            Some(InjectedFault::Panic) => host.machine().instance().spoil(),
            Some(InjectedFault::Memory) => {
                host.machine().instance().freeze_memory();
                headers.push(("x-filler", &filler));
            }
            None => (),
        }
        let request = Request {
            headers: &headers,
            ..*request
        };
        self.runtime.block_on(host.ask(&request))
    }
}

impl Module {
    fn instance(&self) -> MutexGuard<'_, Embedded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine for Module {
    /// An error is a trap.
    type Outcome = Result<Reply>;

    fn step(&self, request: &Request<'_>, _: UnixSeconds) -> Stepped<Result<Reply>> {
        let mut outcome = self.ask(request);
        let (mut fetches, mut tickets) = (Vec::new(), Vec::new());
        if let Ok(reply) = &mut outcome {
            fetches = core::mem::take(&mut reply.fetches);
            tickets.clone_from(&reply.tickets);
        }
        Stepped {
            outcome,
            fetches,
            tickets,
        }
    }

    fn ask(&self, request: &Request<'_>) -> Result<Reply> {
        self.instance().decide(request)
    }

    fn needs_entropy(&self, _: &Request<'_>) -> bool {
        // The module knows its policy; entropy for other paths does no harm.
        true
    }

    fn due(&self, now: UnixSeconds) -> Vec<Fetch> {
        // A trap here shows in the next request.
        self.instance().due(now.0).unwrap_or_default()
    }

    fn resume(
        &self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<Accepted, String> {
        let resumed = self.instance().resume(ticket, response, now.0);
        let skipped = resumed.map_err(|error| error.to_string())??;
        let skipped = skipped.split("; ").filter(|line| !line.is_empty());
        Ok(Accepted {
            changed: true,
            skipped: skipped.map(str::to_owned).collect(),
        })
    }
}

impl Ask<Observed> for Wasm<'_> {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        match self.decide(request) {
            Ok(reply) => {
                let detail = reply.detail.map(|detail| format!("/{detail}"));
                Ok(Observed {
                    allows: reply.status == 200,
                    status: reply.status,
                    why: [reply.reason.code(), &detail.unwrap_or_default()].concat(),
                    response: sent(reply.action),
                })
            }
            Err(error) => {
                self.host = None;
                // The preceding lines are locations in the module.
                let error = format!("{error:#}");
                let trap = error.rsplit("wasm trap: ").next().unwrap_or_default();
                Ok(Observed {
                    allows: false,
                    status: 500,
                    why: format!("trap: {}", trap.trim()),
                    response: None,
                })
            }
        }
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        self.breaks = Some(how);
        Ok(())
    }

    fn offer(&mut self, image: &[u8]) -> Option<Result<()>> {
        let offered = self.host.as_ref()?.machine().instance().load(image);
        if offered.is_ok() {
            self.image = image.to_vec();
        }
        Some(offered)
    }
}

/// The response of the gate itself.
fn sent(action: Action) -> Option<Sent> {
    let response = match action {
        Action::Serve(own) | Action::Refuse(own) => own,
        Action::Forward(_) => return None,
    };
    let Response {
        status: _,
        headers,
        body,
    } = response;
    let headers = headers.into_iter();
    Some(Sent {
        headers: headers
            .map(|(name, value)| (name.into_owned(), value))
            .collect(),
        body: body.into_owned(),
    })
}
