//! Reader and writer for the primitive types of messages.
//!
//! The reader never trusts a length: it allocates no more than the message can fill. Not here: the meaning of
//! the fields.

use alloc::vec::Vec;

use super::{WIRE_VERSION, WireError};

/// The unread rest of a message.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    pub(super) fn version(&mut self) -> Result<(), WireError> {
        if self.byte()? == WIRE_VERSION {
            Ok(())
        } else {
            Err(WireError)
        }
    }

    pub(super) fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(WireError)
        }
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.fixed_ref().copied()
    }

    pub(super) fn fixed_ref<const N: usize>(&mut self) -> Result<&'a [u8; N], WireError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(WireError)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        self.fixed().map(u8::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Result<bool, WireError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError),
        }
    }

    pub(super) fn count(&mut self) -> Result<usize, WireError> {
        usize::try_from(u32::from_le_bytes(self.fixed()?)).map_err(|_| WireError)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.count()?;
        let (first, rest) = self.0.split_at_checked(length).ok_or(WireError)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, WireError> {
        core::str::from_utf8(self.bytes()?).map_err(|_| WireError)
    }

    pub(super) fn optional<T>(
        &mut self,
        item: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.flag()? {
            item(self).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        /// No item of any list is shorter: an empty string has this size.
        const SHORTEST_ITEM_BYTES: usize = 4;
        let count = self.count()?;
        if count > self.0.len() / SHORTEST_ITEM_BYTES {
            return Err(WireError);
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }
}

/// A message being written.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn fixed(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    /// A length that does not fit is written as one that no message can have, so that the reader rejects it.
    pub(super) fn count(&mut self, value: usize) {
        self.fixed(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.fixed(value);
    }

    pub(super) fn optional(&mut self, value: Option<&[u8]>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.bytes(value);
        }
    }
}
