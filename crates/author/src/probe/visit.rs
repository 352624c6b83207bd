//! A generated request.

use core::net::IpAddr;
use std::sync::Arc;

use super::synthetic::SyntheticUser;
use crate::suite::{Person, TestRequest, TestUser};

/// The user of a generated request.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// No token.
    Nobody,
    /// An invalid token.
    BadToken,
    /// A user of the tests.
    Known(Arc<Person>),
    /// A generated user.
    Synthetic(Box<SyntheticUser>),
}

/// A generated request.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The user.
    pub who: Visitor,
    /// The method.
    pub method: String,
    /// The raw target.
    pub target: String,
    /// The client address, if known.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}

impl Visit {
    /// Calls `with` with the request. A generated user that no token can describe gets an invalid
    /// token.
    pub fn with_request<T>(&self, with: impl FnOnce(&TestRequest<'_>) -> T) -> T {
        let who = match &self.who {
            Visitor::Nobody => TestUser::Nobody,
            Visitor::BadToken => TestUser::BadToken,
            Visitor::Known(person) => TestUser::Person(Arc::clone(person)),
            Visitor::Synthetic(made) => made.who(),
        };
        let ip = self.ip.map(|ip| ip.to_string());
        with(&TestRequest {
            who: &who,
            method: &self.method,
            target: &self.target,
            ip: ip.as_deref(),
            now: self.now,
        })
    }
}

/// The address and time of generated requests unless they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitDefaults {
    /// The address.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}
