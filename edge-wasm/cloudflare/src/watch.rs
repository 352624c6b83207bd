//! Background work, and the time of the last KV read.
//!
//! Not here: what is read there ([`policy`](crate::policy)).

use tollgate_gate::UnixSeconds;
use worker::js_sys::Promise;

use crate::instance::{now, now_ms};

/// Work in the background, which requests may wait for.
pub(crate) struct UnderWay {
    began: UnixSeconds,
    /// The same in milliseconds.
    began_ms: f64,
    ends: Promise,
}

impl UnderWay {
    /// Work that has not reported for this long, in seconds, was lost with the request that began it.
    const LOST_SECS: i64 = 6;
    /// The time that requests wait for it.
    const YOUNG_MS: f64 = 1_000.0;

    pub(crate) fn new(ends: Promise) -> Self {
        Self {
            began: now(),
            began_ms: now_ms(),
            ends,
        }
    }

    /// The promise to wait for.
    pub(crate) fn ends(&self) -> Promise {
        self.ends.clone()
    }

    /// Whether it began recently. Work that takes longer is slow or lost, and delays no request.
    pub(crate) fn is_young(&self) -> bool {
        (0.0..Self::YOUNG_MS).contains(&(now_ms() - self.began_ms))
    }

    pub(crate) fn is_lost(&self, now: UnixSeconds) -> bool {
        !(0..=Self::LOST_SECS).contains(&now.0.saturating_sub(self.began.0))
    }
}

/// The time when KV was last read, and the read in flight.
pub(crate) struct Watch {
    pub(crate) ended: Option<UnixSeconds>,
    pub(crate) under_way: Option<Look>,
    /// Counts reads: only the one that began last may replace the policy.
    pub(crate) last: u32,
}

/// A KV read in flight.
pub(crate) struct Look {
    pub(crate) number: u32,
    pub(crate) under_way: UnderWay,
}

impl Watch {
    /// The state after KV was last read at `ended`, if ever.
    pub(crate) fn since(ended: Option<UnixSeconds>) -> Self {
        Self {
            ended,
            under_way: None,
            last: 0,
        }
    }
}
