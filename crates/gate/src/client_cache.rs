//! Cache of allowed clients (verified token and address), so that a repeat request can be decided without its
//! headers.
//!
//! A media player requests hundreds of segments with the same token from the same address. Finding that token
//! in the headers, comparing it and reporting the edits costs several times as much as the decision. The gate
//! therefore assigns such a client a numeric handle. A host that sees *exactly the same* lines of every
//! [watched](crate::Gate::is_watched_header) header field, and the same address, can pass the handle to
//! [`Gate::admit`](crate::Gate::admit), which evaluates path, method and time as for any request.
//!
//! Only *allow* is decided this way. In every other case (an evicted handle, an expired token, refreshed
//! keys, another decision) the host evaluates the whole request. Not here: the comparison of headers. The
//! host does it, and it must be exact.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::net::IpAddr;

use tollgate_core::{PathScratch, RuleId};

use crate::cache::{Epoch, Known};
use crate::forward::CacheEdit;

/// The allowed clients of one gate. When the cache is full, a new client replaces the oldest.
pub struct ClientCache {
    slots: Vec<Option<CachedClient>>,
    /// The epoch of the gate that they belong to.
    owner: Option<Arc<Epoch>>,
    /// The handle that was assigned last. No handle is assigned twice.
    last: u32,
    /// Buffer for the path of the request.
    pub(crate) scratch: Box<PathScratch>,
}

/// The client state that its requests share.
pub(crate) struct CachedClient {
    handle: u32,
    pub(crate) known: Arc<Known>,
    pub(crate) ip: Option<IpAddr>,
}

/// The handle of a client, and what a host stores with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHandle {
    /// Identifies the watched headers and the address of the request; never 0.
    pub handle: u32,
    /// The token's issuer, and whether it is a session, for [`Gate::record`](crate::Gate::record).
    pub issuer: usize,
}

/// A repeat request that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The rule that allows it.
    pub rule: RuleId,
    /// The change to the caching of the response.
    pub cache: CacheEdit,
}

impl ClientCache {
    /// A cache for `capacity` clients. With 0 it assigns no handles.
    pub fn new(capacity: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(capacity, || None);
        Self {
            slots,
            owner: None,
            last: 0,
            scratch: Box::default(),
        }
    }

    /// Adds a client and returns its handle, unless all handles have been assigned.
    pub(crate) fn insert(
        &mut self,
        epoch: &Arc<Epoch>,
        known: &Arc<Known>,
        ip: Option<IpAddr>,
    ) -> Option<u32> {
        if !self.are_of(epoch) {
            self.slots.iter_mut().for_each(|slot| *slot = None);
            self.owner = Some(Arc::clone(epoch));
        }
        let handle = self.last.checked_add(1)?;
        let slot = slot_of(handle, self.slots.len())?;
        *self.slots.get_mut(slot)? = Some(CachedClient {
            handle,
            known: Arc::clone(known),
            ip,
        });
        self.last = handle;
        Some(handle)
    }

    /// Returns the client with this handle under `epoch`, and a buffer for a path.
    pub(crate) fn find(
        &mut self,
        epoch: &Arc<Epoch>,
        handle: u32,
    ) -> Option<(&CachedClient, &mut PathScratch)> {
        if !self.are_of(epoch) {
            return None;
        }
        let slot = slot_of(handle, self.slots.len())?;
        let client = self.slots.get(slot)?.as_ref()?;
        (client.handle == handle).then_some((client, &mut *self.scratch))
    }

    fn are_of(&self, epoch: &Arc<Epoch>) -> bool {
        let owner = self.owner.as_ref();
        owner.is_some_and(|owner| Arc::ptr_eq(owner, epoch))
    }
}

fn slot_of(handle: u32, slots: usize) -> Option<usize> {
    usize::try_from(handle).ok()?.checked_rem(slots)
}

/// Shows only the number of clients; tokens and addresses are secret.
impl core::fmt::Debug for ClientCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let len = self.slots.iter().flatten().count();
        write!(f, "ClientCache({len} of {})", self.slots.len())
    }
}
