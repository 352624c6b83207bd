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
    pub(crate) capture_count: u16,
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
        Self { bytes, layout }
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
        let range = self
            .layout
            .sections
            .get(section as usize)
            .cloned()
            .unwrap_or_default();
        self.bytes.get(range).unwrap_or_default()
    }

    pub(crate) fn count(&self, section: Section) -> usize {
        self.bytes(section).len() / section.record_bytes_in(self.layout.version)
    }

    fn record<const N: usize>(&self, section: Section, index: u32) -> Option<&'a [u8; N]> {
        let start = (index as usize).checked_mul(N)?;
        self.bytes(section).get(start..)?.first_chunk()
    }

    fn word(&self, section: Section, index: u32) -> Option<u32> {
        self.record::<4>(section, index)
            .map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The number of home slots of the slot table; after them come as many more as the longest probe.
    pub(crate) fn homes(&self) -> Option<u32> {
        let slots = u32::try_from(self.count(Section::Slots)).ok()?;
        slots.checked_sub(self.layout.max_probe)
    }

    pub(crate) fn slot(&self, place: u32) -> Option<u32> {
        self.word(Section::Slots, place)
    }

    /// The child of node `at`, which is `node`, along this literal segment. Looks at no more than
    /// `max_probe + 1` slots.
    pub(crate) fn literal_child(&self, at: u32, node: &Node, label: &[u8]) -> Option<u32> {
        if node.child_count == 0 {
            return None;
        }
        let (home, fingerprint) = slot_of(at, label, self.homes()?);
        for probe in 0..=self.layout.max_probe {
            let slot = self.slot(home.checked_add(probe)?)?;
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
        let [o0, o1, o2, o3, ..] = *self.record::<8>(Section::Nodes, node)?;
        self.string_bytes(u32::from_le_bytes([o0, o1, o2, o3]))
    }

    pub(crate) fn node(&self, index: u32) -> Option<Node> {
        let [_, _, _, _, r0, r1, r2, end] = *self.record::<8>(Section::Nodes, index)?;
        let number = u32::from_le_bytes([r0, r1, r2, 0]);
        if end != WIDE {
            return Some(Node {
                only: Some((number, u32::from(end))),
                ..Node::LEAF
            });
        }
        let record = self.record::<24>(Section::Wides, number)?;
        let (words, _) = record.as_chunks::<4>();
        let word = |at: usize| words.get(at).map(|bytes| u32::from_le_bytes(*bytes));
        let counts = word(5)?;
        Some(Node {
            only: None,
            candidates: word(0)?,
            globs: word(1)?,
            capture_child: word(2)?,
            first_child: word(3)?,
            child_count: word(4)?,
            candidate_count: counts as u16,
            glob_count: (counts >> 16) as u16,
        })
    }

    pub(crate) fn glob(&self, index: u32) -> Option<(&'a [u8], u32)> {
        let [t0, t1, t2, t3, c0, c1, c2, c3] = *self.record::<8>(Section::Globs, index)?;
        let text = self.string_bytes(u32::from_le_bytes([t0, t1, t2, t3]))?;
        Some((text, u32::from_le_bytes([c0, c1, c2, c3])))
    }

    pub(crate) fn candidate(&self, index: u32) -> Option<(u32, u32)> {
        let [r0, r1, r2, e0, e1, e2] = *self.record::<6>(Section::Candidates, index)?;
        Some((
            u32::from_le_bytes([r0, r1, r2, 0]),
            u32::from_le_bytes([e0, e1, e2, 0]),
        ))
    }

    pub(crate) fn end(&self, index: u32) -> Option<End> {
        let [
            t0,
            t1,
            t2,
            t3,
            c0,
            c1,
            c2,
            c3,
            n0,
            n1,
            m0,
            m1,
            kind,
            _,
            _,
            _,
        ] = *self.record::<16>(Section::Ends, index)?;
        Some(End {
            kind: EndKind::from_number(kind)?,
            tail: u32::from_le_bytes([t0, t1, t2, t3]),
            tail_count: u16::from_le_bytes([n0, n1]),
            captures: u32::from_le_bytes([c0, c1, c2, c3]),
            capture_count: u16::from_le_bytes([m0, m1]),
        })
    }

    pub(crate) fn tail(&self, index: u32) -> Option<Tail<'a>> {
        let [t0, t1, t2, t3, kind, _, _, _] = *self.record::<8>(Section::Tails, index)?;
        Some(Tail {
            kind: TailKind::from_number(kind)?,
            text: self.string_bytes(u32::from_le_bytes([t0, t1, t2, t3]))?,
        })
    }

    pub(crate) fn capture_place(&self, index: u32) -> Option<u16> {
        self.record::<2>(Section::Captures, index)
            .map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn rule(&self, index: u32) -> Option<Rule> {
        let [c0, c1, c2, c3, s0, s1, s2, g0, g1, g2] = *self.record::<10>(Section::Rules, index)?;
        let shape = u32::from_le_bytes([s0, s1, s2, 0]);
        let [
            i0,
            i1,
            i2,
            i3,
            x0,
            x1,
            x2,
            x3,
            f0,
            f1,
            n0,
            n1,
            effect,
            methods,
            _,
            _,
        ] = *self.record::<16>(Section::Shapes, shape)?;
        let groups = u32::from_le_bytes([g0, g1, g2, 0]);
        Some(Rule {
            effect: match effect {
                0 => Effect::Allow,
                1 => Effect::Deny,
                _ => return None,
            },
            methods: MethodSet::from_bits(methods)?,
            flags: u16::from_le_bytes([f0, f1]),
            groups: if groups == NONE_24 { NONE } else { groups },
            extra: u32::from_le_bytes([x0, x1, x2, x3]),
            course: u32::from_le_bytes([c0, c1, c2, c3]),
            id: u32::from_le_bytes([i0, i1, i2, i3]),
            capture_count: u16::from_le_bytes([n0, n1]),
        })
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

    /// The members of a set of names; a set of one name is not stored.
    pub(crate) fn names(&self, set: u32) -> Option<impl Iterator<Item = u32> + use<'a>> {
        let (one, many) = if set & ONE_NAME == 0 {
            (None, self.set_members(set)?)
        } else {
            (Some(set & !ONE_NAME), [].as_slice())
        };
        let many = many.iter().map(|bytes| u32::from_le_bytes(*bytes));
        Some(one.into_iter().chain(many))
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
        let (len, rest) = self
            .bytes(Section::Strings)
            .get(offset as usize..)?
            .split_first()?;
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

/// Splits a program word.
pub(crate) fn instruction(word: [u8; 4]) -> Option<(Op, u32)> {
    let [op, a, b, c] = word;
    Some((Op::from_number(op)?, u32::from_le_bytes([a, b, c, 0])))
}
