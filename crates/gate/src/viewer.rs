//! Viewers: what the requests of one player have in common, kept so that the next one needs no headers.
//!
//! A player asks for hundreds of segments with the same token from the same address. To find that token in
//! the headers, to compare it and to tell of every change to them costs several times the decision. So the
//! gate gives such a viewer a number, and a host that sees *the very same* lines of every header field that
//! the gate [watches](crate::Gate::watches), and the same address, may ask with the number instead:
//! [`Gate::admit`](crate::Gate::admit) weighs path, method and time as ever.
//!
//! Only *allow* is said this way. Whatever else it is (a number that was given long ago, an expired token,
//! fresh keys, another answer), the host asks again with the whole request. Not here: comparing headers, which
//! is the host's, and must be exact.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::net::IpAddr;

use tollgate_core::{PathScratch, RuleId};

use crate::cache::{Epoch, Known};
use crate::forward::CacheEdit;

/// Viewers of one gate, of a bounded number. A new one takes the place of the oldest.
pub struct Viewers {
    places: Vec<Option<Viewer>>,
    /// Whose viewers these are.
    owner: Option<Arc<Epoch>>,
    /// The number given last. None is given twice.
    last: u32,
    /// Room for the path that is asked for.
    pub(crate) scratch: Box<PathScratch>,
}

/// What the requests of one viewer have in common.
pub(crate) struct Viewer {
    number: u32,
    pub(crate) known: Arc<Known>,
    pub(crate) ip: Option<IpAddr>,
}

/// The number of a viewer, with what a host needs to keep beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Stands for the watched headers and the address of the request; never 0.
    pub viewer: u32,
    /// The token's issuer, and whether it is a session, for [`Gate::record`](crate::Gate::record).
    pub issuer: usize,
}

/// An allowed request of a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The rule that allows it.
    pub rule: RuleId,
    /// How the caching of the response changes.
    pub cache: CacheEdit,
}

impl Viewers {
    /// Room for so many viewers; 0 gives no numbers.
    pub fn new(capacity: usize) -> Self {
        let mut places = Vec::new();
        places.resize_with(capacity, || None);
        Self {
            places,
            owner: None,
            last: 0,
            scratch: Box::default(),
        }
    }

    /// The number of a new viewer, if there is one left.
    pub(crate) fn seat(
        &mut self,
        epoch: &Arc<Epoch>,
        known: &Arc<Known>,
        ip: Option<IpAddr>,
    ) -> Option<u32> {
        if !self.are_of(epoch) {
            self.places.iter_mut().for_each(|place| *place = None);
            self.owner = Some(Arc::clone(epoch));
        }
        let number = self.last.checked_add(1)?;
        let place = place_of(number, self.places.len())?;
        *self.places.get_mut(place)? = Some(Viewer {
            number,
            known: Arc::clone(known),
            ip,
        });
        self.last = number;
        Some(number)
    }

    /// The viewer with this number under `epoch`, and room for a path.
    pub(crate) fn find(
        &mut self,
        epoch: &Arc<Epoch>,
        number: u32,
    ) -> Option<(&Viewer, &mut PathScratch)> {
        if !self.are_of(epoch) {
            return None;
        }
        let place = place_of(number, self.places.len())?;
        let viewer = self.places.get(place)?.as_ref()?;
        (viewer.number == number).then_some((viewer, &mut *self.scratch))
    }

    fn are_of(&self, epoch: &Arc<Epoch>) -> bool {
        let owner = self.owner.as_ref();
        owner.is_some_and(|owner| Arc::ptr_eq(owner, epoch))
    }
}

fn place_of(number: u32, places: usize) -> Option<usize> {
    usize::try_from(number).ok()?.checked_rem(places)
}

/// Shows how many there are; what is known of them is nobody's business.
impl core::fmt::Debug for Viewers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let seated = self.places.iter().flatten().count();
        write!(f, "Viewers({seated} of {})", self.places.len())
    }
}
