//! The state of an instance: the current policy, its caches, and the work in flight.
//!
//! Workers run on one thread, and nothing here awaits, so the state is borrowed for one step at a time.

use core::cell::RefCell;
use core::ops::Deref;
use std::sync::Arc;

use tollgate_gate::{Gate, LoadError, Trust};
use tollgate_host::{Host, Local};
use worker::js_sys::Uint8Array;

use crate::instance::PROVIDER;
use crate::keys::{self, Isolate};
use crate::memory::Memory;
use crate::settings::Settings;
use crate::watch::Watch;

/// The number of verified tokens that an isolate caches; with their claims, at most a few megabytes.
const TOKENS: usize = 1_024;

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
}

/// The current policy and its state.
pub(crate) struct Edge {
    pub(crate) host: Arc<Host<Local, Isolate>>,
    /// The trust keys and the newest accepted version; without them any image is accepted.
    pub(crate) trust: Option<Trust>,
    pub(crate) policy: Watch,
    pub(crate) settings: Option<Settings>,
    pub(crate) memory: Memory,
}

/// Activates a loaded policy.
pub(crate) fn set(edge: Edge) {
    EDGE.set(Some(edge));
}

/// Calls `work` with the state, if there is one. Must not be nested.
pub(crate) fn with<T>(work: impl FnOnce(&mut Edge) -> T) -> Option<T> {
    EDGE.with_borrow_mut(|edge| edge.as_mut().map(work))
}

/// A gate in this isolate.
fn host(gate: Gate<Vec<u8>>, memory: &Memory) -> Arc<Host<Local, Isolate>> {
    Host::new(Local::new(gate, TOKENS), Isolate::new(memory.clone()))
}

impl Edge {
    pub(crate) fn new(mut trust: Option<Trust>, memory: Memory) -> Result<Self, LoadError> {
        let image = memory.image().unwrap_or_default();
        let mut gate = Gate::load(image, trust.as_mut(), &PROVIDER)?;
        keys::restore(&mut gate, &memory);
        Ok(Self {
            host: host(gate, &memory),
            trust,
            policy: Watch::since(memory.looked()),
            settings: None,
            memory,
        })
    }

    /// Replaces the policy; `image` is the image of `gate`. Fetched keys are dropped with the old policy and
    /// are fetched again.
    pub(crate) fn replace(&mut self, gate: Gate<Vec<u8>>, image: &Uint8Array) {
        self.memory.keep_image(image);
        // Fetches for the old policy are irrelevant to the new one.
        self.host.platform().retire();
        self.host = host(gate, &self.memory);
    }

    /// The gate of the current policy. Not while a request is evaluated.
    pub(crate) fn gate(&self) -> impl Deref<Target = Gate<Vec<u8>>> + '_ {
        self.host.machine().read()
    }
}
