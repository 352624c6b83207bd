//! The contents of a test file: its tests, its users, and the expected decisions.
//!
//! Not here: parsing it (`file.rs`), and evaluating its requests (`run.rs`).

use core::net::IpAddr;
use std::sync::Arc;

use tollgate_compiler::diagnostic::Span;
use tollgate_core::Reason;
use tollgate_token::{ClaimPath, Claims};

/// The tests of one file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// The file, relative to the policy folder.
    pub file: String,
    /// The default time of its tests, in Unix seconds.
    pub now: i64,
    /// The default client address of its tests.
    pub ip: Option<IpAddr>,
    /// Its tests, in order.
    pub cases: Vec<Case>,
    /// The users available to it: its own and those of the site's tests.
    pub people: Vec<Arc<Person>>,
}

/// A request and its expected decision.
#[derive(Clone, Debug)]
pub struct Case {
    /// `name`, or `name / path / user` for a cell of a table.
    pub name: String,
    /// The line of the expectation, from 1.
    pub line: usize,
    /// The span of the target in the file.
    pub target_at: Span,
    /// The span of the expected rule in the file.
    pub rule_at: Span,
    /// Whether that span also contains the reason, as a cell of a table does.
    pub is_cell: bool,
    /// The user.
    pub who: TestUser,
    /// The method.
    pub method: String,
    /// The raw target.
    pub target: String,
    /// The client address, if known.
    pub ip: Option<String>,
    /// The time of the request, in Unix seconds.
    pub now: i64,
    /// The expected decision.
    pub expect: Expect,
}

/// The user of a test's request.
#[derive(Clone, Debug)]
pub enum TestUser {
    /// No token.
    Nobody,
    /// A token that does not verify.
    BadToken,
    /// A valid token.
    Person(Arc<Person>),
}

/// A user with a valid token.
#[derive(Debug)]
pub struct Person {
    /// The name in the tests.
    pub name: String,
    /// The claims of the token.
    pub claims: Claims,
    /// Groups in a claim from which the issuer reads none.
    pub misplaced: Option<Misplaced>,
}

/// Groups in a claim that is not read: they count as absent, which a test may intend.
#[derive(Clone, Debug)]
pub struct Misplaced {
    /// The test file that declares the user.
    pub file: String,
    /// The span of the claim in it.
    pub at: Span,
    /// The claim.
    pub claim: String,
    /// The issuer's name.
    pub issuer: String,
    /// The claim from which the issuer reads groups.
    pub place: ClaimPath,
}

impl TestUser {
    /// The name in the tests.
    pub fn name(&self) -> &str {
        match self {
            Self::Nobody => NOBODY,
            Self::BadToken => BAD_TOKEN,
            Self::Person(person) => &person.name,
        }
    }
}

/// The expected decision.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The reason.
    pub reason: Reason,
    /// The rule that must decide, as `course/id`.
    pub rule: Option<String>,
}

/// The reserved names.
pub(super) const NOBODY: &str = "nobody";
pub(super) const BAD_TOKEN: &str = "bad-token";
