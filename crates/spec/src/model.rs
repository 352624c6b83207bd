//! What the specification speaks about: a policy, a request, a verdict. Data only, no behaviour.

use core::net::IpAddr;
use std::collections::BTreeMap;

/// The methods a policy can name, in the order in which they are listed.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A whole policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The reader of the path after the gate.
    pub origin: Origin,
    /// The name that is appended to a path that ends in a slash.
    pub index: Option<String>,
    /// Reject every request path that is not ASCII.
    pub ascii_only: bool,
    /// The declared claims and their types.
    pub claims: BTreeMap<String, ClaimType>,
    /// The names that lead to those declared claims that stand inside others.
    pub places: BTreeMap<String, Vec<String>>,
    /// The courses. The site's own rules are the course `site` with the base `""`.
    pub courses: Vec<Course>,
}

/// The reader of the path after the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Any program.
    #[default]
    Strict,
    /// S3: decodes once, and reads `+` as a space.
    S3,
    /// A server of static files: decodes once.
    Files,
}

/// One file of rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Its id.
    pub id: String,
    /// The folder it lives in, without a slash at the end; every pattern is put after it.
    pub base: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule. Every part that is set must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its id within the course.
    pub id: String,
    /// What a match does.
    pub effect: Effect,
    /// Patterns, as written; any of them.
    pub paths: Vec<String>,
    /// Who it is about.
    pub who: Who,
    /// The methods it is about; `None` means `GET` and `HEAD`.
    pub methods: Option<Vec<String>>,
    /// The networks it is about.
    pub networks: Option<Vec<Network>>,
    /// The first second at which it holds.
    pub from: Option<i64>,
    /// The first second at which it no longer holds.
    pub until: Option<i64>,
    /// A condition that must be true.
    pub when: Option<Expr>,
    /// A condition that must be false.
    pub unless: Option<Expr>,
}

/// What a matching rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lets the request in, unless a deny matches.
    Allow,
    /// Keeps the request out.
    Deny,
}

/// The people a rule is about. A name in a list may hold one capture: `course-{course}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Who {
    /// No token is needed.
    pub anyone: bool,
    /// Any verified token.
    pub signed_in: bool,
    /// Any of these groups.
    pub groups: Option<Vec<String>>,
    /// Any of these scopes.
    pub scopes: Option<Vec<String>>,
    /// Any of these subjects.
    pub subjects: Option<Vec<String>>,
    /// Signed in at any of these issuers, each by the first `iss` it has.
    pub issuers: Option<Vec<String>>,
}

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub struct Network {
    /// Its first address.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

/// The type a claim is declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimType {
    /// `"string"`
    Text,
    /// `"int"`
    Int,
    /// `"bool"`
    Bool,
    /// `"string[]"`
    Texts,
}

/// A value: written in a condition, carried by a token, or computed.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A moment, in Unix seconds.
    Time(i64),
    /// A length of time, in seconds.
    Secs(i64),
    /// An address.
    Address(IpAddr),
    /// Several values of one kind.
    List(Vec<Value>),
    /// Blocks of addresses.
    Networks(Vec<Network>),
}

/// A condition, or a part of one. Only well-typed trees have a meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value as written.
    Literal(Value),
    /// `claims["…"]`
    Claim(String),
    /// `has(claims["…"])`
    Has(String),
    /// `groups`
    Groups,
    /// `sub`
    Subject,
    /// `issuer`
    Issuer,
    /// `method`
    Method,
    /// `ip`
    ClientAddress,
    /// `now`
    Now,
    /// `path.…`
    Capture(String),
    /// `!a`
    Not(Box<Expr>),
    /// `a && b`
    And(Box<Expr>, Box<Expr>),
    /// `a || b`
    Or(Box<Expr>, Box<Expr>),
    /// Any other operator on two values.
    Binary(Operator, Box<Expr>, Box<Expr>),
}

/// An operator on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a > b`
    Gt,
    /// `a >= b`
    Ge,
    /// `a + b`
    Add,
    /// `a - b`; also `-b`, as `0 - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a in b`
    In,
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.contains(b)`
    Contains,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// The request target as sent: path, and query if there is one.
    pub target: Vec<u8>,
    /// The client's address, where it is known.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
    /// The token.
    pub token: Token,
}

/// What came of the request's token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// There was none.
    Absent,
    /// There was one, and it is no good.
    Bad,
    /// There was a good one, and it says this.
    Verified(Facts),
    /// Some good token that may say anything. The specification asks about it to learn whether a
    /// token could help; no request has it.
    Imagined,
}

/// What a good token says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The first `iss` that its issuer has.
    pub issuer: String,
    /// Its subject, if it has one.
    pub subject: Option<String>,
    /// Its groups; `None` if it refers to another place for them.
    pub groups: Option<Vec<String>>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its claims among the declared ones; `None` where the value has another type than declared.
    pub claims: BTreeMap<String, Option<Value>>,
}

/// An issuer of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issuer {
    /// What its tokens may have as `iss`.
    pub names: Vec<String>,
    /// For whom its tokens may be.
    pub clients: Vec<String>,
    /// With Cognito: which kinds of tokens are taken, `id` or `access`.
    pub token_use: Option<Vec<String>>,
    /// The claim that names the client, if it is not the usual one.
    pub client_claim: Option<String>,
    /// The names that lead to the claim with the groups, if it has groups.
    pub groups_claim: Option<Vec<String>>,
    /// The names that lead to the claim with the scopes, if it is not the usual one.
    pub scopes_claim: Option<Vec<String>>,
    /// Patterns of the groups that it may grant, as it writes them.
    pub granted: Option<Vec<String>>,
    /// Put before each of its groups.
    pub groups_prefix: String,
    /// Put before its subjects.
    pub subject_prefix: String,
    /// By how many seconds its clock may be ahead of ours.
    pub leeway: i64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `allow`, `deny` or `reject`.
    pub outcome: &'static str,
    /// The stable reason code.
    pub reason: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `course/id` of the rule that decided, if one did.
    pub rule: Option<String>,
    /// With `bad_method`: the methods that would be allowed.
    pub allow_methods: Vec<String>,
}
