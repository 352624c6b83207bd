//! Reading records of an image. Every read is checked; a failed read is `None`.
//!
//! Not here: whether what is read makes sense, which `validate` has seen to once.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Layout;
use super::format::{EndKind, NO_CAPTURE, NONE, Op, Section, TailKind};
use crate::image::ClaimKind;
use crate::method::MethodSet;
use crate::reason::Effect;

/// The bytes of an image with the knowledge where its sections are.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
}

/// A node of the pattern trie.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) candidates: u32,
    pub(crate) candidate_count: u16,
    pub(crate) globs: u32,
    pub(crate) glob_count: u16,
    pub(crate) capture_child: u32,
}

/// How a pattern ends.
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

/// The rarely used parts of a rule.
#[derive(Clone, Copy)]
pub(crate) struct Extra {
    pub(crate) scopes: u32,
    pub(crate) subjects: u32,
    pub(crate) networks: u32,
    pub(crate) when: u32,
    pub(crate) unless: u32,
    pub(crate) because: u32,
    pub(crate) from: i64,
    pub(crate) until: i64,
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
    /// Whether the (canonical) address lies in the network.
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

    pub(crate) fn layout(&self) -> &'a Layout {
        self.layout
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
        self.bytes(section).len() / section.record_bytes()
    }

    fn record<const N: usize>(&self, section: Section, index: u32) -> Option<&'a [u8; N]> {
        let start = (index as usize).checked_mul(N)?;
        self.bytes(section).get(start..)?.first_chunk()
    }

    pub(crate) fn edge(&self, place: u32) -> Option<(u32, u32, &'a [u8])> {
        let [p0, p1, p2, p3, c0, c1, c2, c3, o0, o1, o2, o3, l0, l1, _, _] =
            *self.record::<16>(Section::Edges, place)?;
        let child = u32::from_le_bytes([c0, c1, c2, c3]);
        let label = if child == NONE {
            &[]
        } else {
            self.string(
                u32::from_le_bytes([o0, o1, o2, o3]),
                u16::from_le_bytes([l0, l1]),
            )?
        };
        Some((u32::from_le_bytes([p0, p1, p2, p3]), child, label))
    }

    /// The child of `parent` along this literal segment. At most `max_probe` places are looked at.
    pub(crate) fn literal_child(&self, parent: u32, label: &[u8]) -> Option<u32> {
        let places = u32::try_from(self.count(Section::Edges)).ok()?;
        let mask = places.checked_sub(1)?;
        let mut place = super::format::edge_hash(parent, label, mask);
        for _ in 0..=self.layout.max_probe {
            let (owner, child, text) = self.edge(place)?;
            if child == NONE {
                return None;
            }
            if owner == parent && text == label {
                return Some(child);
            }
            place = place.wrapping_add(1) & mask;
        }
        None
    }

    pub(crate) fn node(&self, index: u32) -> Option<Node> {
        let [
            a0,
            a1,
            a2,
            a3,
            g0,
            g1,
            g2,
            g3,
            c0,
            c1,
            c2,
            c3,
            n0,
            n1,
            m0,
            m1,
        ] = *self.record::<16>(Section::Nodes, index)?;
        Some(Node {
            candidates: u32::from_le_bytes([a0, a1, a2, a3]),
            globs: u32::from_le_bytes([g0, g1, g2, g3]),
            capture_child: u32::from_le_bytes([c0, c1, c2, c3]),
            candidate_count: u16::from_le_bytes([n0, n1]),
            glob_count: u16::from_le_bytes([m0, m1]),
        })
    }

    pub(crate) fn glob(&self, index: u32) -> Option<(&'a [u8], u32)> {
        let [o0, o1, o2, o3, c0, c1, c2, c3, l0, l1, _, _] =
            *self.record::<12>(Section::Globs, index)?;
        let text = self.string(
            u32::from_le_bytes([o0, o1, o2, o3]),
            u16::from_le_bytes([l0, l1]),
        )?;
        Some((text, u32::from_le_bytes([c0, c1, c2, c3])))
    }

    pub(crate) fn candidate(&self, index: u32) -> Option<(u32, u32)> {
        let [r0, r1, r2, r3, e0, e1, e2, e3] = *self.record::<8>(Section::Candidates, index)?;
        Some((
            u32::from_le_bytes([r0, r1, r2, r3]),
            u32::from_le_bytes([e0, e1, e2, e3]),
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
        let [o0, o1, o2, o3, l0, l1, kind, _] = *self.record::<8>(Section::Tails, index)?;
        let text = self.string(
            u32::from_le_bytes([o0, o1, o2, o3]),
            u16::from_le_bytes([l0, l1]),
        )?;
        Some(Tail {
            kind: TailKind::from_number(kind)?,
            text,
        })
    }

    pub(crate) fn capture_place(&self, index: u32) -> Option<u16> {
        self.record::<2>(Section::Captures, index)
            .map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn rule(&self, index: u32) -> Option<Rule> {
        let [
            effect,
            methods,
            f0,
            f1,
            g0,
            g1,
            g2,
            g3,
            x0,
            x1,
            x2,
            x3,
            c0,
            c1,
            c2,
            c3,
            i0,
            i1,
            i2,
            i3,
            n0,
            n1,
            _,
            _,
        ] = *self.record::<24>(Section::Rules, index)?;
        Some(Rule {
            effect: match effect {
                0 => Effect::Allow,
                1 => Effect::Deny,
                _ => return None,
            },
            methods: MethodSet::from_bits(methods)?,
            flags: u16::from_le_bytes([f0, f1]),
            groups: u32::from_le_bytes([g0, g1, g2, g3]),
            extra: u32::from_le_bytes([x0, x1, x2, x3]),
            course: u32::from_le_bytes([c0, c1, c2, c3]),
            id: u32::from_le_bytes([i0, i1, i2, i3]),
            capture_count: u16::from_le_bytes([n0, n1]),
        })
    }

    pub(crate) fn extra(&self, index: u32) -> Option<Extra> {
        let record = self.record::<40>(Section::Extras, index)?;
        let (words, _) = record.as_chunks::<4>();
        let word = |at: usize| words.get(at).map(|bytes| u32::from_le_bytes(*bytes));
        let (longs, _) = record.as_chunks::<8>();
        let long = |at: usize| longs.get(at).map(|bytes| i64::from_le_bytes(*bytes));
        Some(Extra {
            scopes: word(0)?,
            subjects: word(1)?,
            networks: word(2)?,
            when: word(3)?,
            unless: word(4)?,
            because: word(5)?,
            from: long(3)?,
            until: long(4)?,
        })
    }

    /// The members of a set; empty if there is no such set.
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

    pub(crate) fn name(&self, index: u32) -> Option<Name<'a>> {
        let [o0, o1, o2, o3, p0, p1, s0, s1, c0, c1, _, _] =
            *self.record::<12>(Section::Names, index)?;
        let (prefix_len, suffix_len) = (u16::from_le_bytes([p0, p1]), u16::from_le_bytes([s0, s1]));
        let offset = u32::from_le_bytes([o0, o1, o2, o3]);
        let capture = u16::from_le_bytes([c0, c1]);
        Some(Name {
            prefix: self.string(offset, prefix_len)?,
            suffix: self.string(offset.checked_add(u32::from(prefix_len))?, suffix_len)?,
            capture: (capture != NO_CAPTURE).then_some(capture),
        })
    }

    /// The number of a literal name.
    pub(crate) fn find_name(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.layout.literal_names);
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

    pub(crate) fn text(&self, index: u32) -> Option<&'a str> {
        core::str::from_utf8(self.text_bytes(index)?).ok()
    }

    pub(crate) fn text_bytes(&self, index: u32) -> Option<&'a [u8]> {
        let [o0, o1, o2, o3, l0, l1, l2, l3] = *self.record::<8>(Section::Texts, index)?;
        let start = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        self.bytes(Section::Strings)
            .get(start..start.checked_add(len)?)
    }

    pub(crate) fn int(&self, index: u32) -> Option<i64> {
        self.record::<8>(Section::Ints, index)
            .map(|bytes| i64::from_le_bytes(*bytes))
    }

    pub(crate) fn claim(&self, slot: u16) -> Option<(&'a str, ClaimKind)> {
        let [n0, n1, n2, n3, kind, _, _, _] =
            *self.record::<8>(Section::Claims, u32::from(slot))?;
        Some((
            self.text(u32::from_le_bytes([n0, n1, n2, n3]))?,
            ClaimKind::from_number(kind)?,
        ))
    }

    fn string(&self, offset: u32, len: u16) -> Option<&'a [u8]> {
        let start = offset as usize;
        self.bytes(Section::Strings)
            .get(start..start.checked_add(usize::from(len))?)
    }
}

/// Splits a program word.
pub(crate) fn instruction(word: [u8; 4]) -> Option<(Op, u32)> {
    let [op, a, b, c] = word;
    Some((Op::from_number(op)?, u32::from_le_bytes([a, b, c, 0])))
}
