//! The sections of an image while they grow, with equal parts stored once.
//!
//! Not here: the pattern trie and condition programs, which use these tables.

use core::net::IpAddr;
use std::collections::{BTreeSet, HashMap};

use tollgate_core::image::format::{LONG_STRING, NONE_24, Section};

use super::EncodeError;
use crate::spec::{Network, Template};

/// Growing sections.
#[derive(Debug)]
pub(super) struct Tables {
    sections: [Vec<u8>; Section::COUNT],
    /// The offset of each stored string.
    strings: HashMap<Vec<u8>, u32>,
    /// The record numbers of records that are stored once.
    records: HashMap<(usize, Vec<u8>), u32>,
    names: HashMap<String, u32>,
    /// The number of literal names.
    literal_names: u32,
    /// The longest probe in the slot table.
    pub(super) max_probe: u32,
}

impl Tables {
    /// Tables with these literal names, which come first and sorted.
    pub(super) fn new(literal_names: BTreeSet<&str>) -> Result<Self, EncodeError> {
        let mut tables = Self {
            sections: core::array::from_fn(|_| Vec::new()),
            strings: HashMap::new(),
            records: HashMap::new(),
            names: HashMap::new(),
            literal_names: count(literal_names.len())?,
            max_probe: 0,
        };
        for (number, name) in (0..).zip(literal_names) {
            let offset = tables.string(name.as_bytes())?;
            tables.push(Section::Literals, &[&offset.to_le_bytes()]);
            tables.names.insert(name.to_owned(), number);
        }
        Ok(tables)
    }

    /// The bytes of a section so far.
    pub(super) fn section(&self, section: Section) -> &Vec<u8> {
        let [first, ..] = &self.sections;
        self.sections.get(section as usize).unwrap_or(first)
    }

    fn section_mut(&mut self, section: Section) -> Option<&mut Vec<u8>> {
        self.sections.get_mut(section as usize)
    }

    /// The number of records in a section.
    pub(super) fn len(&self, section: Section) -> Result<u32, EncodeError> {
        count(self.section(section).len() / section.record_bytes())
    }

    /// Appends one record, given in pieces.
    pub(super) fn push(&mut self, section: Section, pieces: &[&[u8]]) {
        if let Some(bytes) = self.section_mut(section) {
            for piece in pieces {
                bytes.extend_from_slice(piece);
            }
        }
    }

    /// The number of a run of records with these bytes, appended if there is none yet.
    pub(super) fn push_unique(
        &mut self,
        section: Section,
        bytes: Vec<u8>,
    ) -> Result<u32, EncodeError> {
        let next = self.len(section)?;
        let key = (section as usize, bytes);
        if let Some(known) = self.records.get(&key) {
            return Ok(*known);
        }
        self.push(section, &[&key.1]);
        self.records.insert(key, next);
        Ok(next)
    }

    /// The offset of a string.
    pub(super) fn string(&mut self, text: &[u8]) -> Result<u32, EncodeError> {
        if let Some(offset) = self.strings.get(text) {
            return Ok(*offset);
        }
        let len = u16::try_from(text.len()).map_err(|_| EncodeError::TooMany)?;
        let offset = self.len(Section::Strings)?;
        match u8::try_from(len) {
            Ok(len) if len < LONG_STRING => self.push(Section::Strings, &[&[len], text]),
            _ => self.push(
                Section::Strings,
                &[&[LONG_STRING], &len.to_le_bytes(), text],
            ),
        }
        self.strings.insert(text.to_vec(), offset);
        Ok(offset)
    }

    /// The number of a text of a condition.
    pub(super) fn text(&mut self, text: &str) -> Result<u32, EncodeError> {
        let offset = self.string(text.as_bytes())?;
        self.push_unique(Section::Texts, offset.to_le_bytes().to_vec())
    }

    /// The number of an integer.
    pub(super) fn int(&mut self, int: i64) -> Result<u32, EncodeError> {
        self.push_unique(Section::Ints, int.to_le_bytes().to_vec())
    }

    /// The number of a name.
    pub(super) fn name(&mut self, name: &Template, captures: &[&str]) -> Result<u32, EncodeError> {
        let Some(capture) = &name.capture else {
            return self
                .names
                .get(&name.prefix)
                .copied()
                .ok_or(EncodeError::TooMany);
        };
        let number = captures
            .iter()
            .position(|known| known == capture)
            .ok_or(EncodeError::TooMany)?;
        let number = u16::try_from(number).map_err(|_| EncodeError::TooMany)?;
        let whole = format!("{}{}", name.prefix, name.suffix);
        let prefix_len = u16::try_from(name.prefix.len()).map_err(|_| EncodeError::TooMany)?;
        let mut record = self.string(whole.as_bytes())?.to_le_bytes().to_vec();
        record.extend(prefix_len.to_le_bytes());
        record.extend(number.to_le_bytes());
        let template = self.push_unique(Section::Templates, record)?;
        self.literal_names
            .checked_add(template)
            .ok_or(EncodeError::TooMany)
    }

    /// The number of a set with these members.
    pub(super) fn set(&mut self, members: Vec<u32>) -> Result<u32, EncodeError> {
        let mut words = vec![count(members.len())?];
        words.extend(members);
        self.push_unique(
            Section::Sets,
            words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        )
    }

    /// The number of a set of texts.
    pub(super) fn text_set(&mut self, texts: &[String]) -> Result<u32, EncodeError> {
        let members = texts
            .iter()
            .map(|text| self.text(text))
            .collect::<Result<BTreeSet<_>, _>>()?;
        self.set(members.into_iter().collect())
    }

    /// The number of a set of integers.
    pub(super) fn int_set(&mut self, ints: &[i64]) -> Result<u32, EncodeError> {
        let members = ints
            .iter()
            .map(|int| self.int(*int))
            .collect::<Result<BTreeSet<_>, _>>()?;
        self.set(members.into_iter().collect())
    }

    /// The number of a set of networks.
    pub(super) fn network_set(&mut self, networks: &[Network]) -> Result<u32, EncodeError> {
        let members = networks
            .iter()
            .map(|net| self.network(*net))
            .collect::<Result<BTreeSet<_>, _>>()?;
        self.set(members.into_iter().collect())
    }

    /// The number of a network.
    pub(super) fn network(&mut self, network: Network) -> Result<u32, EncodeError> {
        let mut record = match network.addr {
            IpAddr::V4(addr) => addr.octets().to_vec(),
            IpAddr::V6(addr) => addr.octets().to_vec(),
        };
        record.resize(16, 0);
        record.extend([
            network.prefix,
            if network.addr.is_ipv4() { 4 } else { 6 },
            0,
            0,
        ]);
        self.push_unique(Section::Networks, record)
    }
}

/// A number that fits the format.
pub(super) fn count(value: usize) -> Result<u32, EncodeError> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value < u32::MAX)
        .ok_or(EncodeError::TooMany)
}

/// The bytes of a number that is stored in 24 bits; the fourth is zero.
pub(super) fn narrow(value: u32) -> Result<[u8; 4], EncodeError> {
    if value < NONE_24 {
        Ok(value.to_le_bytes())
    } else {
        Err(EncodeError::TooMany)
    }
}
