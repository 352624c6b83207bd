//! Three-valued truth, as sets of possible values.
//!
//! A value is a non-empty set over {false, true, unknown}. A fact that is known is a set of one; when
//! the question is "could some token change this?", a set of several lists what is possible. The
//! operators follow Kleene's strong logic on every pair of members.

/// A set of possible truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tri(u8);

const F: u8 = 1;
const T: u8 = 2;
const U: u8 = 4;

impl Tri {
    /// Known to be false.
    pub const FALSE: Self = Self(F);
    /// Known to be true.
    pub const TRUE: Self = Self(T);
    /// Cannot be known.
    pub const UNKNOWN: Self = Self(U);
    /// Either truth value, but not unknown.
    pub const EITHER: Self = Self(F | T);
    /// Anything, unknown included.
    pub const ANY: Self = Self(F | T | U);

    /// The set of just this truth value.
    pub const fn known(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// Whether the value may be true.
    pub const fn may_be_true(self) -> bool {
        self.0 & T != 0
    }

    /// Whether the value may be false.
    pub const fn may_be_false(self) -> bool {
        self.0 & F != 0
    }

    /// Whether the value may be unknown.
    pub const fn may_be_unknown(self) -> bool {
        self.0 & U != 0
    }

    /// Kleene's `and`: false if either is false, else unknown if either is unknown.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        let f = (a | b) & F;
        let t = a & b & T;
        // Unknown needs an unknown on one side and a value that is not false on the other.
        let (a_open, b_open) = (a | a << 1, b | b << 1);
        let u = a_open & b_open & (a | b) & U;
        Self(f | t | u)
    }

    /// `and` of all values.
    pub(crate) const fn all(values: [Self; 6]) -> Self {
        let [Self(a), Self(b), Self(c), Self(d), Self(e), Self(f)] = values;
        let (some, every) = (a | b | c | d | e | f, a & b & c & d & e & f);
        let open = (a | a << 1) & (b | b << 1) & (c | c << 1);
        let open = open & (d | d << 1) & (e | e << 1) & (f | f << 1);
        Self(some & F | every & T | open & some & U)
    }

    /// Kleene's `or`: true if either is true, else unknown if either is unknown.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// Whether both have the same truth value: unknown if either is unknown.
    #[must_use]
    pub const fn same(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        let crossed = (b & F) << 1 | (b & T) >> 1;
        let t = if a & b & (F | T) != 0 { T } else { 0 };
        let f = if a & crossed != 0 { F } else { 0 };
        Self(t | f | ((a | b) & U))
    }

    /// Kleene's `not`: unknown stays unknown.
    #[must_use]
    pub const fn not(self) -> Self {
        let swapped = ((self.0 & F) << 1) | ((self.0 & T) >> 1);
        Self(swapped | (self.0 & U))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(set: Tri) -> impl Iterator<Item = u8> {
        [F, T, U].into_iter().filter(move |bit| set.0 & bit != 0)
    }

    #[test]
    fn set_operators_are_kleene_on_every_pair() {
        let and = |a: u8, b: u8| {
            if a == F || b == F {
                F
            } else if a == U || b == U {
                U
            } else {
                T
            }
        };
        let or = |a: u8, b: u8| {
            if a == T || b == T {
                T
            } else if a == U || b == U {
                U
            } else {
                F
            }
        };
        let same = |a: u8, b: u8| {
            if a == U || b == U {
                U
            } else if a == b {
                T
            } else {
                F
            }
        };
        let not = |a: u8| [0, T, F, 0, U][usize::from(a)];
        for a in (1..8).map(Tri) {
            assert_eq!(a.not().0, members(a).fold(0, |set, x| set | not(x)));
            for b in (1..8).map(Tri) {
                let all = |op: &dyn Fn(u8, u8) -> u8| {
                    members(a)
                        .flat_map(|x| members(b).map(move |y| (x, y)))
                        .fold(0, |set, (x, y)| set | op(x, y))
                };
                assert_eq!(a.and(b).0, all(&and), "{a:?} and {b:?}");
                assert_eq!(a.or(b).0, all(&or), "{a:?} or {b:?}");
                for c in (1..8).map(Tri) {
                    let all = Tri::all([a, b, c, Tri::TRUE, b, c]);
                    assert_eq!(all, a.and(b).and(c).and(b).and(c), "{a:?}, {b:?}, {c:?}");
                }
                assert_eq!(a.same(b).0, all(&same), "{a:?} same as {b:?}");
            }
        }
    }
}
