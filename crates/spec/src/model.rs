//! The model of the specification: a policy, a request, a verdict. Data only, no behaviour.

use core::net::IpAddr;
use std::collections::BTreeMap;

/// The methods a policy can name, in the order in which they are listed.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A whole policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The program that reads the path after the gate.
    pub origin: Origin,
    /// The name that is appended to a path with a trailing slash.
    pub index: Option<String>,
    /// Whether to reject every request path that is not ASCII.
    pub ascii_only: bool,
    /// The declared claims and their types.
    pub claims: BTreeMap<String, ClaimType>,
    /// The paths to those declared claims that are nested in others.
    pub places: BTreeMap<String, Vec<String>>,
    /// The courses. The site's own rules are the course `site` with the base `""`.
    pub courses: Vec<Course>,
}

/// The program that reads the path after the gate.
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
    /// Its ID.
    pub id: String,
    /// The base path, without a trailing slash; every pattern is appended to it.
    pub base: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule. It matches if every part that is set matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its ID within the course.
    pub id: String,
    /// The effect of a match.
    pub effect: Effect,
    /// Patterns as written; one of them must match.
    pub paths: Vec<String>,
    /// Its principals.
    pub who: Who,
    /// Its methods; `None` means `GET` and `HEAD`.
    pub methods: Option<Vec<String>>,
    /// Its networks.
    pub networks: Option<Vec<Network>>,
    /// The first second in which it matches.
    pub from: Option<i64>,
    /// The first second in which it no longer matches.
    pub until: Option<i64>,
    /// A condition that must be true.
    pub when: Option<Expr>,
    /// A condition that must be false.
    pub unless: Option<Expr>,
}

/// The effect of a matching rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allows the request, unless a deny matches.
    Allow,
    /// Denies the request.
    Deny,
}

/// The principals of a rule. A name in a list can contain one capture: `course-{course}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Who {
    /// No token is required.
    pub anyone: bool,
    /// Any verified token.
    pub signed_in: bool,
    /// Any of these groups.
    pub groups: Option<Vec<String>>,
    /// Any of these scopes.
    pub scopes: Option<Vec<String>>,
    /// Any of these subjects.
    pub subjects: Option<Vec<String>>,
    /// Signed in at any of these issuers, each named by its first `iss`.
    pub issuers: Option<Vec<String>>,
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub struct Network {
    /// Its first address.
    pub address: IpAddr,
    /// The number of significant leading bits.
    pub prefix: u8,
}

/// The declared type of a claim.
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

/// A value: written in a condition, contained in a token, or computed.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A timestamp, in Unix seconds.
    Time(i64),
    /// A duration, in seconds.
    Secs(i64),
    /// An address.
    Address(IpAddr),
    /// Several values of one kind.
    List(Vec<Value>),
    /// Networks.
    Networks(Vec<Network>),
}

/// A condition, or a part of one. Only well-typed trees have a meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A literal.
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
    /// The client address, if known.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
    /// The token.
    pub token: Token,
}

/// The token of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// No token.
    Absent,
    /// An invalid token.
    Bad,
    /// A valid token with these facts.
    Verified(Facts),
    /// A valid token with arbitrary content. The specification evaluates it to determine whether a
    /// token could help; no request has it.
    Imagined,
}

/// The content of a valid token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The first `iss` of its issuer.
    pub issuer: String,
    /// Its subject, if it has one.
    pub subject: Option<String>,
    /// Its groups; `None` if it refers to another location for them.
    pub groups: Option<Vec<String>>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its declared claims; `None` if the value has another type than declared.
    pub claims: BTreeMap<String, Option<Value>>,
}

/// An issuer of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issuer {
    /// The accepted values of `iss`.
    pub names: Vec<String>,
    /// The accepted app client IDs.
    pub clients: Vec<String>,
    /// For Cognito: the accepted kinds of tokens, `id` or `access`.
    pub token_use: Option<Vec<String>>,
    /// The claim that names the app client, if it is not the default.
    pub client_claim: Option<String>,
    /// The path to the claim with the groups, if it has groups.
    pub groups_claim: Option<Vec<String>>,
    /// The path to the claim with the scopes, if it is not the default.
    pub scopes_claim: Option<Vec<String>>,
    /// Patterns of the groups that it may grant, as it writes them.
    pub granted: Option<Vec<String>>,
    /// The prefix of its groups.
    pub groups_prefix: String,
    /// The prefix of its subjects.
    pub subject_prefix: String,
    /// The number of seconds by which its clock may be ahead of ours.
    pub leeway: i64,
}

/// The decision.
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
