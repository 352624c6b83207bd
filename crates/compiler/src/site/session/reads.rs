//! The parts of a token that a policy reads, and their marks in sessions.
//!
//! A mark is 30 bits of SHA-256 as five characters of base64url: the name of one claim, group, scope or issuer.
//! Policies with many names have one mark of 90 bits for all of them, so that sessions stay small; any change
//! of these names then counts as reading more. Not here: the check of a session's marks (`tollgate-gate`).

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tollgate_gate::session::{MARK_BYTES, Names, SessionPath};
use tollgate_token::{ClaimPath, IssuerConfig, IssuerKind, base64url};

use crate::spanned::SITE_COURSE;
use tollgate_policy::spec::{ClaimSpec, Expr, ImageSpec, RuleSpec, Template};

/// Most names that have a mark of their own.
const MAX_SINGLE_MARKS: usize = 24;
/// The number of marks that stand for a larger number of names.
const MARKS_OF_MANY: usize = 3;

/// The contents of a session for a whole policy, for tools that add `[session]` to a policy that was compiled
/// without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReads {
    /// The marks of the issuers, by position.
    pub issuers: Vec<String>,
    /// The marks of the declared claims.
    pub claims: Vec<String>,
    /// The one cookie, with the groups and scopes that the policy reads.
    pub path: SessionPath,
}

impl SessionReads {
    /// The parts that a policy reads of the tokens of these issuers. `places` has the paths of nested claims by slot.
    pub fn of(policy: &ImageSpec, issuers: &[IssuerConfig], places: &[(u16, ClaimPath)]) -> Self {
        let place = |slot: usize| {
            let is_it = |(nested, _): &&(u16, ClaimPath)| usize::from(*nested) == slot;
            places.iter().find(is_it).map(|(_, place)| place)
        };
        Self {
            issuers: issuer_marks(issuers, None),
            claims: claim_marks(&policy.claims, place),
            path: path(None, policy.rules.iter()),
        }
    }
}

/// The mark of every issuer: which of its tokens are accepted, and where their names are. None for the
/// session issuer.
pub(super) fn issuer_marks(issuers: &[IssuerConfig], session: Option<usize>) -> Vec<String> {
    let mark_of = |(at, issuer): (usize, &IssuerConfig)| {
        if session == Some(at) {
            return String::new();
        }
        let (id, access) = match issuer.kind {
            IssuerKind::Cognito { id, access } => (id, access),
            IssuerKind::Oidc => (false, false),
        };
        let mut parts = vec![format!("issuer {id} {access}")];
        parts.extend(issuer.issuers.iter().cloned());
        parts.push(String::new());
        let clients: BTreeSet<_> = issuer.clients.iter().cloned().collect();
        parts.extend(clients);
        let rules = &issuer.claims;
        let granted = rules.granted_groups.as_ref();
        parts.push(format!("{:?} {:?}", rules.client, granted));
        parts.push(format!("{:?} {:?}", rules.groups, rules.scopes));
        parts.push(rules.groups_prefix.clone());
        marks(&parts, 1).concat()
    };
    issuers.iter().enumerate().map(mark_of).collect()
}

/// The mark of every declared claim.
pub(super) fn claim_marks<'a>(
    claims: &[ClaimSpec],
    place: impl Fn(usize) -> Option<&'a ClaimPath>,
) -> Vec<String> {
    let mark_of = |(slot, claim): (usize, &ClaimSpec)| {
        let mut parts = vec![format!("claim {:?}", claim.kind), claim.name.clone()];
        let place = place(slot).map(ClaimPath::names);
        parts.extend(place.unwrap_or_default().iter().cloned());
        marks(&parts, 1).concat()
    };
    claims.iter().enumerate().map(mark_of).collect()
}

/// The path of each cookie, and the names that rules under it read.
pub(super) fn paths<'r>(
    rules: impl Iterator<Item = &'r RuleSpec>,
    bases: &BTreeMap<String, String>,
    by_course: bool,
) -> Vec<SessionPath> {
    if !by_course || bases.is_empty() {
        return vec![path(None, rules)];
    }
    // Two cookies of one name under each other would be two different tokens in one request, so only
    // the outermost bases count. A base sorts right before those below it.
    let mut outermost: Vec<&str> = Vec::new();
    for base in bases.values().map(String::as_str).collect::<BTreeSet<_>>() {
        if !outermost.iter().any(|outer| is_below(base, outer)) {
            outermost.push(base);
        }
    }
    let mut by_base: BTreeMap<&str, Vec<&RuleSpec>> = BTreeMap::new();
    let mut everywhere = Vec::new();
    for rule in rules {
        let base = bases.get(&rule.course).map(String::as_str);
        match base.filter(|_| rule.course != SITE_COURSE) {
            Some(base) => {
                let outer = outermost.iter().find(|outer| is_below(base, outer));
                by_base
                    .entry(outer.copied().unwrap_or(base))
                    .or_default()
                    .push(rule);
            }
            None => everywhere.push(rule),
        }
    }
    by_base
        .into_iter()
        .map(|(base, rules)| {
            path(
                Some(base),
                rules.into_iter().chain(everywhere.iter().copied()),
            )
        })
        .collect()
}

/// Whether a base is the other one, or below it.
fn is_below(base: &str, outer: &str) -> bool {
    let rest = base.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn path<'r>(base: Option<&str>, rules: impl Iterator<Item = &'r RuleSpec>) -> SessionPath {
    let (mut groups, mut scopes) = (Collected::default(), Collected::default());
    for rule in rules {
        groups.add_all(rule.who.groups.as_deref());
        scopes.add_all(rule.who.scopes.as_deref());
        for condition in [&rule.when, &rule.unless].into_iter().flatten() {
            condition.each(&mut |expr| {
                if let Expr::InGroups(name) = expr {
                    match &**name {
                        Expr::Str(name) => _ = groups.exact.insert(name.clone()),
                        // Which group it is depends on the request.
                        _ => _ = groups.around.insert((String::new(), String::new())),
                    }
                }
            });
        }
    }
    // The base of a course at the root is the whole site.
    let base = base.filter(|base| !base.is_empty());
    let names = groups.parts("group").chain(scopes.parts("scope")).collect();
    SessionPath {
        path: base.map_or_else(|| "/".to_owned(), encoded),
        base: base.map(str::to_owned),
        marks: name_marks(names),
        groups: groups.into_names(),
        scopes: scopes.into_names(),
    }
}

/// The marks of names: one for each, or three for all of many.
fn name_marks(names: BTreeSet<Vec<String>>) -> Vec<String> {
    if names.len() <= MAX_SINGLE_MARKS {
        return names.iter().flat_map(|parts| marks(parts, 1)).collect();
    }
    let all: Vec<_> = names.into_iter().flatten().collect();
    marks(&all, MARKS_OF_MANY)
}

/// The first marks of a hash of these parts.
fn marks(parts: &[String], count: usize) -> Vec<String> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let text = base64url::encode(&hash.finalize());
    let marks = text.chunks(MARK_BYTES).take(count);
    marks
        .map(|mark| String::from_utf8_lossy(mark).into_owned())
        .collect()
}

#[derive(Default)]
struct Collected {
    exact: BTreeSet<String>,
    around: BTreeSet<(String, String)>,
}

impl Collected {
    fn add_all(&mut self, templates: Option<&[Template]>) {
        for template in templates.unwrap_or_default() {
            if template.capture.is_some() {
                self.around
                    .insert((template.prefix.clone(), template.suffix.clone()));
            } else {
                self.exact.insert(template.prefix.clone());
            }
        }
    }

    /// The names in the form that is hashed.
    fn parts<'c>(&'c self, kind: &'c str) -> impl Iterator<Item = Vec<String>> + 'c {
        let exact = self
            .exact
            .iter()
            .map(move |name| vec![kind.to_owned(), name.clone()]);
        let around = self.around.iter();
        exact.chain(around.map(move |(start, end)| {
            vec![kind.to_owned(), start.clone(), "{}".to_owned(), end.clone()]
        }))
    }

    fn into_names(self) -> Names {
        Names {
            exact: self.exact.into_iter().collect(),
            around: self.around.into_iter().collect(),
        }
    }
}

/// A decoded path as browsers write it.
fn encoded(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!*'():@&=$,/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
