//! A key-value store that workerd accesses as KV: over HTTP, and failing on demand.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use percent_encoding::percent_decode_str;
use tollgate_lab_http as http;

use crate::policy::Policy;

/// The key that names the policy in force.
const POINTER: &str = "policy";

/// A store that lives as long as this process.
pub struct Store {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

#[derive(Default)]
struct State {
    values: BTreeMap<String, Vec<u8>>,
    fault: Option<Fault>,
}

/// The fault of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every request gets status 500.
    Fails,
    /// Every response takes this long.
    Slow(Duration),
}

impl Store {
    /// Creates an empty store.
    ///
    /// # Errors
    ///
    /// Returns an error if no port is free.
    pub fn start() -> Result<Store> {
        let state = Arc::new(Mutex::new(State::default()));
        let asked = Arc::clone(&state);
        let address = http::serve(Arc::new(move |target: &str| {
            let path = target.split('?').next().unwrap_or_default();
            let key = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
            let (fault, value) = {
                let state = lock(&asked);
                (state.fault, state.values.get(key.as_ref()).cloned())
            };
            match fault {
                Some(Fault::Fails) => return Some((500, Vec::new())),
                Some(Fault::Slow(pause)) => std::thread::sleep(pause),
                None => (),
            }
            Some(value.map_or((404, Vec::new()), |value| (200, value)))
        }))?;
        Ok(Store { state, address })
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets or clears the fault.
    pub fn fault(&self, fault: Option<Fault>) {
        lock(&self.state).fault = fault;
    }

    /// Puts a policy in force, replacing the contents of the store.
    ///
    /// # Errors
    ///
    /// Returns an error if it has no ID.
    pub fn put(&self, policy: &Policy) -> Result<()> {
        self.put_as(&policy.id()?, policy.image());
        Ok(())
    }

    /// Puts these bytes in force as the image with this ID, replacing the contents of the store.
    pub fn put_as(&self, id: &str, image: &[u8]) {
        let pointer = (POINTER.to_owned(), id.as_bytes().to_vec());
        let image = (format!("{POINTER}/{id}"), image.to_vec());
        lock(&self.state).values = BTreeMap::from([pointer, image]);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
