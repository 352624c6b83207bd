//! Requests for an exported policy, as JSON for Cedar.

use core::net::IpAddr;

use serde_json::{Map, Value, json};
use tollgate_core::ClaimKind;

use super::shape::Shape;

/// The parts of a request that an exported policy reads.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Whether the token is valid.
    pub signed_in: bool,
    /// `sub` of the token, with the issuer's `subject_prefix`.
    pub subject: Option<String>,
    /// The first spelling of the issuer's `iss`.
    pub issuer: Option<String>,
    /// The groups of the token that its issuer may grant, with the issuer's `groups_prefix`.
    pub groups: Vec<String>,
    /// The token's scopes.
    pub scopes: Vec<String>,
    /// All claims of the token.
    pub claims: Map<String, Value>,
    /// The decoded segments of the path.
    pub segments: Vec<String>,
    /// Whether a slash follows.
    pub trailing_slash: bool,
    /// The client address, if known. IPv4 addresses are not written as IPv6.
    pub ip: Option<IpAddr>,
    /// The time, in Unix seconds.
    pub now: i64,
}

impl Shape {
    /// The principal and the resource, `Visitor::"visitor"` and `Path::"path"`.
    pub fn entities(&self, visit: &Visit) -> Value {
        json!([
            { "uid": { "type": "Visitor", "id": "visitor" }, "parents": [], "attrs": self.visitor(visit) },
            { "uid": { "type": "Path", "id": "path" }, "parents": [], "attrs": self.path(visit) },
        ])
    }

    /// The context.
    pub fn context(&self, visit: &Visit) -> Value {
        match visit.ip {
            Some(ip) => json!({
                "now": visit.now,
                "ip": { "__extn": { "fn": "ip", "arg": ip.to_string() } },
            }),
            None => json!({ "now": visit.now }),
        }
    }

    fn visitor(&self, visit: &Visit) -> Map<String, Value> {
        let mut attrs = Map::new();
        let mut add = |name: &str, value: Value| drop(attrs.insert(name.to_owned(), value));
        add("signed_in", visit.signed_in.into());
        add("groups", visit.groups.clone().into());
        add("scopes", visit.scopes.clone().into());
        match &visit.subject {
            Some(subject) => add("sub", subject.clone().into()),
            None if !visit.signed_in => add("sub", "".into()),
            None => {}
        }
        if let Some(issuer) = visit.issuer.as_ref().filter(|_| visit.signed_in) {
            add("issuer", issuer.clone().into());
        }
        let (mut claims, mut mistyped) = (Map::new(), Vec::new());
        for claim in &self.claims {
            let Some(value) = visit.claims.get(&claim.name) else {
                continue;
            };
            let fits = match claim.kind {
                ClaimKind::String => value.is_string(),
                ClaimKind::Int => value.is_i64(),
                ClaimKind::Bool => value.is_boolean(),
                ClaimKind::StringList => value
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string)),
            };
            if fits {
                claims.insert(claim.name.clone(), value.clone());
            } else {
                mistyped.push(claim.name.clone());
            }
        }
        add("claims", claims.into());
        add("mistyped", mistyped.into());
        for (at, (kind, prefix, suffix)) in self.stems.iter().enumerate() {
            let names: Vec<&String> = match *kind {
                "groups" => visit.groups.iter().collect(),
                "scopes" => visit.scopes.iter().collect(),
                _ => visit.subject.iter().filter(|_| visit.signed_in).collect(),
            };
            let stems = names.into_iter().filter_map(|name| {
                name.strip_prefix(prefix.as_str())?
                    .strip_suffix(suffix.as_str())
            });
            add(&format!("stem{at}"), stems.collect());
        }
        attrs
    }

    fn path(&self, visit: &Visit) -> Map<String, Value> {
        let mut attrs = Map::new();
        let count = visit.segments.len();
        attrs.insert("depth".to_owned(), count.into());
        attrs.insert("slash".to_owned(), visit.trailing_slash.into());
        let mut segment = |name: String, at: Option<usize>| {
            if let Some(segment) = at.and_then(|at| visit.segments.get(at)) {
                attrs.insert(name, segment.clone().into());
            }
        };
        for at in &self.starts {
            segment(format!("s{at}"), Some(*at));
        }
        for at in &self.ends {
            segment(format!("e{at}"), count.checked_sub(at + 1));
        }
        for at in &self.rests {
            let Some(rest) = visit.segments.get(*at..) else {
                continue;
            };
            let mut text: String = rest.iter().flat_map(|part| ["/", part.as_str()]).collect();
            if visit.trailing_slash {
                text.push('/');
            }
            attrs.insert(format!("from{at}"), text.into());
        }
        attrs
    }
}
