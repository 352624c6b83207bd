//! Reading records of an image. Every read is checked; a failed read is `None`.
//!
//! Not here: whether the records are consistent, which `validate` checks once.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::claim::ClaimKind;
use super::extra::Extra;
use super::format::{
    EndKind, LONG_STRING, NONE, NONE_24, ONE_NAME, Op, Section, TailKind, WIDE, slot_of,
};
use super::layout::Layout;
use crate::method::MethodSet;
use crate::reason::Effect;

/// The bytes of an image and the positions of its sections.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
    // The sections that every walk reads.
    slots: &'a [[u8; 4]],
    homes: Option<u32>,
    nodes: &'a [[u8; 8]],
    strings: &'a [u8],
}

/// A node of the pattern trie.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Rule and end of the only candidate of a leaf; the other fields are then empty.
    pub(crate) only: Option<(u32, u32)>,
    pub(crate) candidates: u32,
    pub(crate) candidate_count: u16,
    pub(crate) globs: u32,
    pub(crate) glob_count: u16,
    pub(crate) capture_child: u32,
    pub(crate) first_child: u32,
    pub(crate) child_count: u32,
}

impl Node {
    const LEAF: Self = Self {
        only: None,
        candidates: 0,
        candidate_count: 0,
        globs: 0,
        glob_count: 0,
        capture_child: NONE,
        first_child: 0,
        child_count: 0,
    };
}

/// The end of a pattern.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) kind: EndKind,
    pub(crate) tail: u32,
    pub(crate) tail_count: u16,
    pub(crate) captures: u32,
    pub(crate) capture_count: u16,
}

/// One part of a tail.
#[derive(Clone, Copy)]
pub(crate) struct Tail<'a> {
    pub(crate) kind: TailKind,
    pub(crate) text: &'a [u8],
}

/// A rule.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) methods: MethodSet,
    pub(crate) flags: u16,
    pub(crate) groups: u32,
    pub(crate) extra: u32,
    pub(crate) course: u32,
    pub(crate) id: u32,
}

/// The common part of rules of many courses.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) effect: Effect,
    pub(crate) methods: MethodSet,
    pub(crate) flags: u16,
    pub(crate) extra: u32,
    pub(crate) id: u32,
    pub(crate) capture_count: u16,
}

/// A set of names.
#[derive(Clone, Copy)]
pub(crate) enum Members<'a> {
    /// The only one. Such a set is not stored.
    One(u32),
    Many(&'a [[u8; 4]]),
}

/// A name, possibly with a capture in it.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    pub(crate) prefix: &'a [u8],
    pub(crate) capture: Option<u16>,
    pub(crate) suffix: &'a [u8],
}

/// A network.
#[derive(Clone, Copy)]
pub(crate) struct Net {
    pub(crate) addr: IpAddr,
    pub(crate) prefix: u8,
}

impl Net {
    /// Whether the (canonical) address is in the network.
    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        match (self.addr, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let host_bits = 32u32.saturating_sub(u32::from(self.prefix));
                (net.to_bits() ^ ip.to_bits())
                    .checked_shr(host_bits)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let host_bits = 128u32.saturating_sub(u32::from(self.prefix));
                (net.to_bits() ^ ip.to_bits())
                    .checked_shr(host_bits)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(bytes: &'a [u8], layout: &'a Layout) -> Self {
        let section = |section: Section| section_of(bytes, layout, section);
        let slots = section(Section::Slots).as_chunks().0;
        Self {
            slots,
            homes: (slots.len() as u32).checked_sub(layout.max_probe),
            nodes: section(Section::Nodes).as_chunks().0,
            strings: section(Section::Strings),
            bytes,
            layout,
        }
    }

    /// The longest probe in the slot table.
    pub(crate) fn max_probe(&self) -> u32 {
        self.layout.max_probe
    }

    /// The offset of the index document's name, if the policy has one.
    pub(crate) fn index(&self) -> Option<u32> {
        self.layout.index
    }

    pub(crate) fn bytes(&self, section: Section) -> &'a [u8] {
        section_of(self.bytes, self.layout, section)
    }

    pub(crate) fn count(&self, section: Section) -> usize {
        self.bytes(section).len() / section.record_bytes_in(self.layout.version)
    }

    /// All records of a section, whose size is `N`.
    pub(crate) fn records<const N: usize>(&self, section: Section) -> &'a [[u8; N]] {
        self.bytes(section).as_chunks().0
    }

    fn record<const N: usize>(&self, section: Section, index: u32) -> Option<&'a [u8; N]> {
        self.records(section).get(index as usize)
    }

    fn word(&self, section: Section, index: u32) -> Option<u32> {
        self.record::<4>(section, index)
            .map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The number of home slots of the slot table; after them come as many more as the longest probe.
    pub(crate) fn homes(&self) -> Option<u32> {
        self.homes
    }

    pub(crate) fn slot(&self, place: u32) -> Option<u32> {
        let slot = self.slots.get(place as usize)?;
        Some(u32::from_le_bytes(*slot))
    }

    /// The child of node `at`, which is `node`, along this literal segment. Looks at no more than
    /// `max_probe + 1` slots.
    pub(crate) fn literal_child(&self, at: u32, node: &Node, label: &[u8]) -> Option<u32> {
        if node.child_count == 0 {
            return None;
        }
        let (home, fingerprint) = slot_of(at, label, self.homes()?);
        let last = (home as usize).checked_add(self.layout.max_probe as usize)?;
        for slot in self.slots.get(home as usize..=last)? {
            let slot = u32::from_le_bytes(*slot);
            if slot == 0 {
                return None;
            }
            let child = slot >> 8;
            if slot as u8 == fingerprint
                && child.wrapping_sub(node.first_child) < node.child_count
                && self.label(child)? == label
            {
                return Some(child);
            }
        }
        None
    }

    /// The literal that leads to a node; empty for the root and where a glob or a capture leads to it.
    pub(crate) fn label(&self, node: u32) -> Option<&'a [u8]> {
        let [label, _] = halves(self.nodes.get(node as usize)?);
        self.string_bytes(label)
    }

    pub(crate) fn node(&self, index: u32) -> Option<Node> {
        let [_, rest] = halves(self.nodes.get(index as usize)?);
        let (number, end) = (rest & NONE_24, (rest >> 24) as u8);
        if end != WIDE {
            return Some(Node {
                only: Some((number, u32::from(end))),
                ..Node::LEAF
            });
        }
        let record = self.record::<24>(Section::Wides, number)?;
        let (longs, _) = record.as_chunks::<8>();
        let [first, middle, last] = longs else {
            return None;
        };
        let [candidates, globs] = halves(first);
        let [capture_child, first_child] = halves(middle);
        let [child_count, counts] = halves(last);
        Some(Node {
            only: None,
            candidates,
            globs,
            capture_child,
            first_child,
            child_count,
            candidate_count: counts as u16,
            glob_count: (counts >> 16) as u16,
        })
    }

    pub(crate) fn glob(&self, index: u32) -> Option<(&'a [u8], u32)> {
        let [text, child] = halves(self.record(Section::Globs, index)?);
        Some((self.string_bytes(text)?, child))
    }

    pub(crate) fn candidate(&self, index: u32) -> Option<(u32, u32)> {
        let record = self.record::<6>(Section::Candidates, index)?;
        let rule = u32::from_le_bytes(*record.first_chunk()?) & NONE_24;
        let end = u32::from_le_bytes(*record.last_chunk()?) >> 8;
        Some((rule, end))
    }

    pub(crate) fn end(&self, index: u32) -> Option<End> {
        let [tail, captures, counts, kind] = quarters(self.record(Section::Ends, index)?);
        Some(End {
            kind: EndKind::from_number(kind as u8)?,
            tail,
            tail_count: counts as u16,
            captures,
            capture_count: (counts >> 16) as u16,
        })
    }

    /// The number of captures of an end. Of the rest of its record, nothing is checked.
    pub(crate) fn end_captures(&self, index: u32) -> Option<u16> {
        let [_, _, counts, _] = quarters(self.record(Section::Ends, index)?);
        Some((counts >> 16) as u16)
    }

    pub(crate) fn tail(&self, index: u32) -> Option<Tail<'a>> {
        let [text, kind] = halves(self.record(Section::Tails, index)?);
        Some(Tail {
            kind: TailKind::from_number(kind as u8)?,
            text: self.string_bytes(text)?,
        })
    }

    pub(crate) fn capture_place(&self, index: u32) -> Option<u16> {
        self.record::<2>(Section::Captures, index)
            .map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn rule(&self, index: u32) -> Option<Rule> {
        let (course, shape, groups) = split_rule(self.record(Section::Rules, index)?);
        let Shape {
            effect,
            methods,
            flags,
            extra,
            id,
            capture_count: _,
        } = self.shape(shape)?;
        Some(Rule {
            effect,
            methods,
            flags,
            groups: if groups == NONE_24 { NONE } else { groups },
            extra,
            course,
            id,
        })
    }

    pub(crate) fn shape(&self, index: u32) -> Option<Shape> {
        let [id, extra, counts, kinds] = quarters(self.record(Section::Shapes, index)?);
        Some(Shape {
            effect: match kinds as u8 {
                0 => Effect::Allow,
                1 => Effect::Deny,
                _ => return None,
            },
            methods: MethodSet::from_bits((kinds >> 8) as u8)?,
            flags: counts as u16,
            extra,
            id,
            capture_count: (counts >> 16) as u16,
        })
    }

    /// The number of captures that a rule reads. Of the rest of its record, nothing is checked.
    pub(crate) fn rule_captures(&self, index: u32) -> Option<u16> {
        let (_, shape, _) = split_rule(self.record(Section::Rules, index)?);
        let [_, _, counts, _] = quarters(self.record(Section::Shapes, shape)?);
        Some((counts >> 16) as u16)
    }

    pub(crate) fn extra(&self, index: u32) -> Option<Extra> {
        let bytes = Section::Extras.record_bytes_in(self.layout.version);
        let start = (index as usize).checked_mul(bytes)?;
        let record = self.bytes(Section::Extras).get(start..)?.get(..bytes)?;
        Extra::from_bytes(record)
    }

    /// The members of a set; empty if the set does not exist.
    pub(crate) fn set(&self, index: u32) -> impl Iterator<Item = u32> + use<'a> {
        self.set_members(index)
            .unwrap_or_default()
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn set_members(&self, index: u32) -> Option<&'a [[u8; 4]]> {
        let (words, _) = self.bytes(Section::Sets).as_chunks::<4>();
        let (size, members) = words.get(index as usize..)?.split_first()?;
        members.get(..u32::from_le_bytes(*size) as usize)
    }

    /// The members of a set of names.
    pub(crate) fn names(&self, set: u32) -> Option<Members<'a>> {
        if set & ONE_NAME == 0 {
            return self.set_members(set).map(Members::Many);
        }
        Some(Members::One(set & !ONE_NAME))
    }

    /// The number of literal names; their numbers come first.
    pub(crate) fn literal_names(&self) -> u32 {
        self.count(Section::Literals) as u32
    }

    pub(crate) fn name(&self, index: u32) -> Option<Name<'a>> {
        let Some(template) = index.checked_sub(self.literal_names()) else {
            return Some(Name {
                prefix: self.string_bytes(self.word(Section::Literals, index)?)?,
                capture: None,
                suffix: &[],
            });
        };
        let [o0, o1, o2, o3, p0, p1, c0, c1] = *self.record::<8>(Section::Templates, template)?;
        let whole = self.string_bytes(u32::from_le_bytes([o0, o1, o2, o3]))?;
        let (prefix, suffix) = whole.split_at_checked(usize::from(u16::from_le_bytes([p0, p1])))?;
        Some(Name {
            prefix,
            capture: Some(u16::from_le_bytes([c0, c1])),
            suffix,
        })
    }

    /// The number of a literal name.
    pub(crate) fn find_name(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.literal_names());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle)?.prefix.cmp(name.as_bytes()) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Equal => return Some(middle),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(crate) fn network(&self, index: u32) -> Option<Net> {
        let record = self.record::<20>(Section::Networks, index)?;
        let (addr, rest) = record.split_first_chunk::<16>()?;
        let [prefix, family, _, _] = *rest.first_chunk::<4>()?;
        match family {
            4 => Some(Net {
                addr: Ipv4Addr::from(*addr.first_chunk::<4>()?).into(),
                prefix,
            }),
            6 => Some(Net {
                addr: Ipv6Addr::from(*addr).into(),
                prefix,
            }),
            _ => None,
        }
    }

    /// The words of a condition program.
    pub(crate) fn program(&self, index: u32) -> Option<&'a [[u8; 4]]> {
        let [s0, s1, s2, s3, n0, n1, _, _] = *self.record::<8>(Section::Programs, index)?;
        let start = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let (words, _) = self.bytes(Section::Code).as_chunks::<4>();
        words.get(start..start.checked_add(usize::from(u16::from_le_bytes([n0, n1])))?)
    }

    /// A string of a condition.
    pub(crate) fn text_bytes(&self, index: u32) -> Option<&'a [u8]> {
        self.string_bytes(self.word(Section::Texts, index)?)
    }

    /// The string at an offset.
    pub(crate) fn string(&self, offset: u32) -> Option<&'a str> {
        core::str::from_utf8(self.string_bytes(offset)?).ok()
    }

    pub(crate) fn string_bytes(&self, offset: u32) -> Option<&'a [u8]> {
        let (len, rest) = self.strings.get(offset as usize..)?.split_first()?;
        if *len < LONG_STRING {
            return rest.get(..usize::from(*len));
        }
        let (len, rest) = rest.split_first_chunk()?;
        rest.get(..usize::from(u16::from_le_bytes(*len)))
    }

    pub(crate) fn int(&self, index: u32) -> Option<i64> {
        self.record::<8>(Section::Ints, index)
            .map(|bytes| i64::from_le_bytes(*bytes))
    }

    pub(crate) fn claim(&self, slot: u16) -> Option<(&'a str, ClaimKind)> {
        let [n0, n1, n2, n3, kind, _, _, _] =
            *self.record::<8>(Section::Claims, u32::from(slot))?;
        Some((
            self.string(u32::from_le_bytes([n0, n1, n2, n3]))?,
            ClaimKind::from_number(kind)?,
        ))
    }
}

fn section_of<'a>(bytes: &'a [u8], layout: &Layout, section: Section) -> &'a [u8] {
    let range = layout.sections.get(section as usize).cloned();
    bytes.get(range.unwrap_or_default()).unwrap_or_default()
}

// A record is read as a few numbers: of single bytes, each would be a read of its own.

/// The two numbers of a record.
fn halves(record: &[u8; 8]) -> [u32; 2] {
    let number = u64::from_le_bytes(*record);
    [number as u32, (number >> 32) as u32]
}

/// The four numbers of a record.
fn quarters(record: &[u8; 16]) -> [u32; 4] {
    let number = u128::from_le_bytes(*record);
    let (low, high) = (number as u64, (number >> 64) as u64);
    [
        low as u32,
        (low >> 32) as u32,
        high as u32,
        (high >> 32) as u32,
    ]
}

/// Course, shape and groups of a rule's record.
pub(crate) fn split_rule(record: &[u8; 10]) -> (u32, u32, u32) {
    let [c0, c1, c2, c3, s0, s1, s2, g0, g1, g2] = *record;
    let low = u64::from_le_bytes([c0, c1, c2, c3, s0, s1, s2, g0]);
    let groups = u32::from(u16::from_le_bytes([g1, g2])) << 8 | (low >> 56) as u32;
    (low as u32, (low >> 32) as u32 & NONE_24, groups)
}

/// Splits a program word.
pub(crate) fn instruction(word: [u8; 4]) -> Option<(Op, u32)> {
    let [op, a, b, c] = word;
    Some((Op::from_number(op)?, u32::from_le_bytes([a, b, c, 0])))
}
