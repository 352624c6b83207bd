//! The checked form of a policy: what the front end hands to the encoder.
//!
//! Everything here has passed the front end's checks; the encoder only lays it out. Not here: source
//! text, spans and diagnostics.

use std::collections::BTreeSet;

use tollgate_core::{ClaimKind, Effect, MethodSet, PathOptions, PathReader};

/// A whole checked policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageSpec {
    /// Reject every non-ASCII request path (`[paths] ascii_only`).
    pub ascii_only: bool,
    /// The reader of the path after the gate (`[paths] origin`).
    pub reader: PathReader,
    /// The index document (`[paths] index`).
    pub index: Option<String>,
    /// Declared claims; the position is the claim's slot.
    pub claims: Vec<ClaimSpec>,
    /// All rules, in any order.
    pub rules: Vec<RuleSpec>,
    /// The gate's configuration, opaque here.
    pub gate: Vec<u8>,
}

impl ImageSpec {
    /// The rules for request paths.
    pub fn path_options(&self) -> PathOptions<'_> {
        PathOptions {
            ascii_only: self.ascii_only,
            reader: self.reader,
            index: self.index.as_deref(),
        }
    }
}

/// One claim of `[claims]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSpec {
    /// The claim's name in the token.
    pub name: String,
    /// Its declared type.
    pub kind: ClaimKind,
}

/// One checked rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSpec {
    /// The course id, or `site` for site-wide rules.
    pub course: String,
    /// The rule's id within its file.
    pub id: String,
    /// The effect of a match.
    pub effect: Effect,
    /// Its methods.
    pub methods: MethodSet,
    /// The author's reason, shown in traces.
    pub because: Option<String>,
    /// Absolute patterns; the rule matches if any of them matches.
    pub patterns: Vec<Pattern>,
    /// Its principals.
    pub who: Principals,
    /// Client networks; `None` means any.
    pub networks: Option<Vec<Network>>,
    /// Inclusive start, in Unix seconds.
    pub from: Option<i64>,
    /// Exclusive end, in Unix seconds.
    pub until: Option<i64>,
    /// `when`, a boolean expression.
    pub when: Option<Expr>,
    /// `unless`, a boolean expression.
    pub unless: Option<Expr>,
}

/// The principals of a rule: every part that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    /// No token needed.
    pub anyone: bool,
    /// Any verified token.
    pub signed_in: bool,
    /// Any of these groups.
    pub groups: Option<Vec<Template>>,
    /// Any of these scopes.
    pub scopes: Option<Vec<Template>>,
    /// Any of these subjects.
    pub subjects: Option<Vec<Template>>,
    /// A token of any of these issuers, each by the first spelling of its `iss`.
    pub issuers: Option<Vec<String>>,
}

impl Principals {
    /// Whether a request without a verified token is certainly not one of them.
    pub const fn needs_token(&self) -> bool {
        let Self {
            anyone: _,
            signed_in,
            groups,
            scopes,
            subjects,
            issuers,
        } = self;
        *signed_in
            || groups.is_some()
            || scopes.is_some()
            || subjects.is_some()
            || issuers.is_some()
    }

    /// The names in all parts that have names with captures.
    pub fn names(&self) -> impl Iterator<Item = &Template> {
        let Self {
            anyone: _,
            signed_in: _,
            groups,
            scopes,
            subjects,
            issuers: _,
        } = self;
        [groups, scopes, subjects].into_iter().flatten().flatten()
    }
}

impl RuleSpec {
    /// Whether its match depends on more than path, method and principal.
    pub const fn is_constrained(&self) -> bool {
        let Self {
            networks,
            from,
            until,
            when,
            unless,
            course: _,
            id: _,
            effect: _,
            methods: _,
            because: _,
            patterns: _,
            who: _,
        } = self;
        networks.is_some()
            || from.is_some()
            || until.is_some()
            || when.is_some()
            || unless.is_some()
    }

    /// The captures that it reads, each once, in the order of their names.
    pub fn captures(&self) -> BTreeSet<&str> {
        let Self {
            who,
            when,
            unless,
            // No captures are in these; a pattern has those that may be read.
            course: _,
            id: _,
            effect: _,
            methods: _,
            because: _,
            patterns: _,
            networks: _,
            from: _,
            until: _,
        } = self;
        let mut captures: BTreeSet<&str> = who
            .names()
            .filter_map(|name| name.capture.as_deref())
            .collect();
        for condition in [when, unless].into_iter().flatten() {
            condition.each(&mut |expr| {
                if let Expr::Capture(name) = expr {
                    captures.insert(name);
                }
            });
        }
        captures
    }
}

/// A name, possibly with one capture in it: `course-{course}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// Text before the capture, or the whole name.
    pub prefix: String,
    /// The capture's name.
    pub capture: Option<String>,
    /// Text after the capture.
    pub suffix: String,
}

/// A path pattern, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its segments, without the leading slash.
    pub segments: Vec<Segment>,
    /// Whether it ends in `/`. `/` itself has no segments and `true`.
    pub trailing_slash: bool,
    /// The text as written, base included.
    pub source: String,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this decoded text.
    Literal(String),
    /// Text with at least one `*`.
    Glob(String),
    /// `{name}`: a whole segment, captured.
    Capture(String),
    /// `**`: zero or more segments.
    Rest,
}

/// A client network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The network's address; host bits are zero.
    pub addr: core::net::IpAddr,
    /// Prefix length in bits.
    pub prefix: u8,
}

/// A type-checked expression. The front end guarantees the types noted per variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// bool
    Bool(bool),
    /// string
    Str(String),
    /// int
    Int(i64),
    /// time, in Unix seconds
    Time(i64),
    /// ip address constant
    Ip(core::net::IpAddr),
    /// A scalar claim by slot; of its declared type.
    Claim(u16),
    /// bool: `has(claims.x)`
    Has(u16),
    /// string
    Subject,
    /// string
    Issuer,
    /// string
    Method,
    /// ip address
    ClientIp,
    /// time
    Now,
    /// string: a capture of the pattern, by name
    Capture(String),
    /// bool, from bool
    Not(Box<Expr>),
    /// bool, from bools
    And(Box<Expr>, Box<Expr>),
    /// bool, from bools
    Or(Box<Expr>, Box<Expr>),
    /// bool, from two values of one scalar type (bool, ip: only `Eq` and `Ne`)
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// int, checked
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// int, checked
    Negate(Box<Expr>),
    /// time ± seconds, checked
    TimeShift(Box<Expr>, i64),
    /// bool, from two strings
    StringTest(StringTest, Box<Expr>, Box<Expr>),
    /// bool: a string among literals
    InStrings(Box<Expr>, Vec<String>),
    /// bool: an int among literals
    InInts(Box<Expr>, Vec<i64>),
    /// bool: an address among networks (single addresses are full-length networks)
    InNetworks(Box<Expr>, Vec<Network>),
    /// bool: a string among the token's groups
    InGroups(Box<Expr>),
    /// bool: a string in a `string[]` claim
    InClaim(Box<Expr>, u16),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// An integer operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
}

/// A string test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringTest {
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.contains(b)`
    Contains,
}

/// The one list of the subexpressions of every variant, for [`Expr::children`] and [`Expr::children_mut`].
macro_rules! children {
    ($expr:expr, $borrow:ident) => {{
        let (first, second) = match $expr {
            Self::And(left, right)
            | Self::Or(left, right)
            | Self::Compare(_, left, right)
            | Self::Arithmetic(_, left, right)
            | Self::StringTest(_, left, right) => (Some(left.$borrow()), Some(right.$borrow())),
            Self::Not(inner)
            | Self::Negate(inner)
            | Self::TimeShift(inner, _)
            | Self::InStrings(inner, _)
            | Self::InInts(inner, _)
            | Self::InNetworks(inner, _)
            | Self::InGroups(inner)
            | Self::InClaim(inner, _) => (Some(inner.$borrow()), None),
            Self::Bool(_)
            | Self::Str(_)
            | Self::Int(_)
            | Self::Time(_)
            | Self::Ip(_)
            | Self::Claim(_)
            | Self::Has(_)
            | Self::Subject
            | Self::Issuer
            | Self::Method
            | Self::ClientIp
            | Self::Now
            | Self::Capture(_) => (None, None),
        };
        first.into_iter().chain(second)
    }};
}

impl Expr {
    /// Whether it is bool whatever the types of claims. A `Claim` can be bool, too.
    pub const fn is_logic(&self) -> bool {
        matches!(
            self,
            Self::Bool(_)
                | Self::Has(_)
                | Self::Not(_)
                | Self::And(..)
                | Self::Or(..)
                | Self::Compare(..)
                | Self::StringTest(..)
                | Self::InStrings(..)
                | Self::InInts(..)
                | Self::InNetworks(..)
                | Self::InGroups(_)
                | Self::InClaim(..)
        )
    }

    /// The direct subexpressions.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        children!(self, as_ref)
    }

    /// The direct subexpressions, mutable.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        children!(self, as_mut)
    }

    /// The number of the claim that this expression reads, not counting its children.
    pub const fn claim_slot(&self) -> Option<u16> {
        match self {
            Self::Claim(slot) | Self::Has(slot) | Self::InClaim(_, slot) => Some(*slot),
            _ => None,
        }
    }

    /// Calls `visit` with this expression and all parts of it.
    pub fn each<'e>(&'e self, visit: &mut impl FnMut(&'e Self)) {
        visit(self);
        for child in self.children() {
            child.each(visit);
        }
    }

    /// Calls `visit` with this expression and all parts of it.
    pub fn each_mut(&mut self, visit: &mut impl FnMut(&mut Self)) {
        visit(self);
        for child in self.children_mut() {
            child.each_mut(visit);
        }
    }
}
