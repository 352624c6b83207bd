//! Records of an image, by section and number.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::spec::{Network, Template};
use tollgate_core::image::format::{LONG_STRING, ONE_NAME, SECTIONS_AT, Section};

/// The sections of an image.
pub(super) struct Tables<'a> {
    sections: Vec<&'a [u8]>,
    version: u16,
}

impl<'a> Tables<'a> {
    pub(super) fn new(image: &'a [u8], version: u16) -> Option<Self> {
        let sections = (0..Section::COUNT)
            .map(|number| {
                let entry = SECTIONS_AT + 8 * number;
                let start = u32_at(image, entry)? as usize;
                let len = u32_at(image, entry + 4)? as usize;
                image.get(start..start.checked_add(len)?)
            })
            .collect::<Option<_>>()?;
        Some(Self { sections, version })
    }

    fn bytes(&self, section: Section) -> &'a [u8] {
        self.sections
            .get(section as usize)
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn count(&self, section: Section) -> u32 {
        let count = self.bytes(section).len() / section.record_bytes_in(self.version);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(super) fn record(&self, section: Section, number: u32) -> Option<&'a [u8]> {
        let size = section.record_bytes_in(self.version);
        let start = (number as usize).checked_mul(size)?;
        self.bytes(section).get(start..start.checked_add(size)?)
    }

    /// The string at an offset.
    pub(super) fn string(&self, offset: u32) -> Option<&'a str> {
        let strings = self.bytes(Section::Strings).get(offset as usize..)?;
        let (len, rest) = strings.split_first()?;
        let bytes = if *len < LONG_STRING {
            rest.get(..usize::from(*len))?
        } else {
            let (len, rest) = rest.split_first_chunk()?;
            rest.get(..usize::from(u16::from_le_bytes(*len)))?
        };
        core::str::from_utf8(bytes).ok()
    }

    pub(super) fn text(&self, number: u32) -> Option<&'a str> {
        self.string(u32_at(self.record(Section::Texts, number)?, 0)?)
    }

    pub(super) fn int(&self, number: u32) -> Option<i64> {
        i64_at(self.record(Section::Ints, number)?, 0)
    }

    pub(super) fn set(&self, number: u32) -> Option<Vec<u32>> {
        let size = u32_at(self.record(Section::Sets, number)?, 0)?;
        (0..size)
            .map(|at| {
                let member = number.checked_add(1)?.checked_add(at)?;
                u32_at(self.record(Section::Sets, member)?, 0)
            })
            .collect()
    }

    /// A set of names, which may be one that is not stored.
    pub(super) fn names(&self, set: u32) -> Option<Vec<Template>> {
        let members = if set & ONE_NAME == 0 {
            self.set(set)?
        } else {
            vec![set & !ONE_NAME]
        };
        members.into_iter().map(|name| self.name(name)).collect()
    }

    fn name(&self, number: u32) -> Option<Template> {
        let Some(template) = number.checked_sub(self.count(Section::Literals)) else {
            let record = self.record(Section::Literals, number)?;
            return Some(Template {
                prefix: self.string(u32_at(record, 0)?)?.to_owned(),
                capture: None,
                suffix: String::new(),
            });
        };
        let record = self.record(Section::Templates, template)?;
        let whole = self.string(u32_at(record, 0)?)?;
        let (prefix, suffix) = whole.split_at_checked(usize::from(u16_at(record, 4)?))?;
        Some(Template {
            prefix: prefix.to_owned(),
            capture: Some(super::capture_name(u16_at(record, 6)?)),
            suffix: suffix.to_owned(),
        })
    }

    pub(super) fn network(&self, number: u32) -> Option<Network> {
        let record = self.record(Section::Networks, number)?;
        let (prefix, family) = (*record.get(16)?, *record.get(17)?);
        let addr = match family {
            4 => Ipv4Addr::from(*record.first_chunk::<4>()?).into(),
            6 => Ipv6Addr::from(*record.first_chunk::<16>()?).into(),
            _ => return None,
        };
        Some(Network { addr, prefix })
    }
}

pub(super) fn u16_at(record: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*record.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(record: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*record.get(at..)?.first_chunk()?))
}

pub(super) fn u24_at(record: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = *record.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

pub(super) fn i64_at(record: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_le_bytes(*record.get(at..)?.first_chunk()?))
}
