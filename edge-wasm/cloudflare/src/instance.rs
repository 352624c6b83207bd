//! The clock and the signature provider of an instance.

use tollgate_crypto::Portable;
use tollgate_gate::UnixSeconds;

/// The provider for signature verification.
pub(crate) static PROVIDER: Portable = Portable;

/// The current time. The clock of Workers only advances after IO.
pub(crate) fn now() -> UnixSeconds {
    // The cast saturates; fractions of seconds are dropped.
    UnixSeconds((now_ms() / 1_000.0) as i64)
}

/// The same in milliseconds.
pub(crate) fn now_ms() -> f64 {
    worker::js_sys::Date::now()
}
