//! ES256 with `tollgate-es256`: many times faster in WASM than existing libraries.
//!
//! # Tables
//!
//! A table makes the verifications with its key four times as fast, but takes memory, and time when
//! the key is prepared. An issuer decides how many keys its set has, so both must be bounded. The
//! first 4 keys get a table of 36 KiB each, the next 16 one of 9 KiB, and all others none: at most 144 +
//! 144 = 288 KiB in the process, and about 3 ms of preparation, with any number of issuers and keys.
//! Issuers sign with one key and publish one or two more, so nearly all signatures are verified with
//! large tables. A dropped key returns its share. A refreshed set is prepared before the previous one
//! is dropped, so its keys may get smaller tables until the next time; that costs a tenth of the
//! speed.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};
use tollgate_es256::Table;
use tollgate_token::{BadSignature, KeyRefused, PreparedKey};

static LARGE: Tables = Tables::new(4);
static SMALL: Tables = Tables::new(16);

/// Prepares a key.
pub(super) fn prepare(x: &[u8], y: &[u8]) -> Result<Box<dyn PreparedKey>, KeyRefused> {
    let x = x.try_into().map_err(|_| KeyRefused)?;
    let y = y.try_into().map_err(|_| KeyRefused)?;
    let (table, share) = if let Some(share) = LARGE.take() {
        (Table::Large, Some(share))
    } else if let Some(share) = SMALL.take() {
        (Table::Small, Some(share))
    } else {
        (Table::None, None)
    };
    let key = tollgate_es256::PreparedKey::new(x, y, table).map_err(|_| KeyRefused)?;
    Ok(Box::new(Key { key, _share: share }))
}

struct Key {
    key: tollgate_es256::PreparedKey,
    /// Returned when the key is dropped.
    _share: Option<Share>,
}

impl PreparedKey for Key {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let digest = Sha256::digest(signing_input).into();
        self.key
            .verify(&digest, signature)
            .map_err(|_| BadSignature)
    }
}

/// The tables of one size that may still be built.
struct Tables {
    left: AtomicUsize,
}

/// The right to have one table.
struct Share(&'static Tables);

impl Tables {
    const fn new(left: usize) -> Self {
        Self {
            left: AtomicUsize::new(left),
        }
    }

    fn take(&'static self) -> Option<Share> {
        // No other memory depends on the number, so its order does not matter.
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.ok().map(|_| Share(self))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_and_returned() {
        static TABLES: Tables = Tables::new(2);
        let (first, second) = (TABLES.take(), TABLES.take());
        assert!(first.is_some() && second.is_some() && TABLES.take().is_none());
        drop(first);
        let third = TABLES.take();
        assert!(third.is_some() && TABLES.take().is_none());
        drop((second, third));
        assert!(TABLES.take().is_some());
    }
}
