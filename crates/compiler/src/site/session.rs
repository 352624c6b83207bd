//! `[session]`: session tokens of the site's own.
//!
//! What a session carries follows from the rules, so it is settled when all of them were read. Not here:
//! minting, and the layout of sessions ([`tollgate_gate::session`]).

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::{PathOptions, PathScratch};
use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_gate::session::{Names, SameSite, SessionConfig, SessionForm, SessionPath};
use tollgate_token::{Algorithm, IssuerConfig, IssuerKind, KeyKind};

use super::Claims;
use crate::course::{Placed, SITE_COURSE};
use crate::diagnostic::{Report, Span, codes, shown};
use crate::document::{Table, Text};
use crate::spec::{Expr, ImageSpec, RuleSpec, Template};

const DEFAULT_COOKIE: &str = "tollgate_session";
const DEFAULT_ENDPOINT: &str = "/.tollgate/session";
const DEFAULT_LIFETIME_SECS: u32 = 3_600;
const ON_SIGN_IN: &str = "on_sign_in";
const ENDPOINT: &str = "endpoint";

/// Claims that a session gives a value of its own.
const OWN_CLAIMS: &[&str] = &["iss", "aud", "exp", "iat", "nbf", "jti"];

/// A session table that was read, and what is still to be settled.
#[derive(Debug)]
pub(crate) struct Draft {
    config: SessionConfig,
    groups_claim: String,
    by_course: bool,
    span: Span,
}

/// Reads `[session]`; `None` if there is none, or it was reported.
pub(super) fn read(root: Table<'_>, gate: &GateConfig, report: &mut Report) -> Option<Draft> {
    let table = root.table("session")?;
    let (at, issuer) = issuer(table, gate, report)?;
    let kid = kid(table, issuer, report)?;
    let form = match table.text("form").map(|form| form.value) {
        Some("cwt") => SessionForm::Cwt,
        _ => SessionForm::Jwt,
    };
    let by_course = table
        .text("cookies")
        .is_some_and(|cookies| cookies.value == "course");
    let cookie = cookie(table, gate, form, by_course, report)?;
    let mint: Vec<_> = table.texts("mint").iter().map(|word| word.value).collect();
    let endpoint = match table.text("endpoint") {
        Some(path) => Some(endpoint(&path, report)?),
        None => mint
            .contains(&ENDPOINT)
            .then(|| DEFAULT_ENDPOINT.to_owned()),
    };
    let lifetime_secs = table.int("lifetime_secs");
    Some(Draft {
        config: SessionConfig {
            issuer: u32::try_from(at).ok()?,
            kid,
            lifetime_secs: lifetime_secs
                .and_then(|secs| u32::try_from(secs).ok())
                .unwrap_or(DEFAULT_LIFETIME_SECS),
            form,
            cookie,
            same_site: match table.text("same_site").map(|word| word.value) {
                Some("strict") => SameSite::Strict,
                Some("none") => SameSite::None,
                _ => SameSite::Lax,
            },
            on_sign_in: mint.is_empty() || mint.contains(&ON_SIGN_IN),
            endpoint,
            subject: false,
            paths: Vec::new(),
        },
        groups_claim: issuer.groups_claim.clone(),
        by_course,
        span: table.key_span("issuer").unwrap_or(table.place()),
    })
}

/// The issuer whose secrets sign, and its position.
fn issuer<'g>(
    table: Table<'_>,
    gate: &'g GateConfig,
    report: &mut Report,
) -> Option<(usize, &'g IssuerConfig)> {
    let name = table.text("issuer")?;
    let known = gate.issuers.iter().enumerate();
    let Some((at, issuer)) = known.clone().find(|(_, issuer)| issuer.name == name.value) else {
        let message = format!("there is no issuer `{}`", shown(name.value));
        report
            .add(&codes::BAD_SESSION, name.span, message)
            .help("name the `[[issuer]]` whose `secrets` sign sessions");
        return None;
    };
    let only_hs256 = issuer.algorithms == [Algorithm::HS256];
    let is_public = |algorithm: &Algorithm| algorithm.key_kind() != KeyKind::Hmac;
    let problem = if issuer.kind != IssuerKind::Oidc || issuer.algorithms.iter().any(is_public) {
        "issues tokens of others"
    } else if !only_hs256 {
        "has other algorithms than HS256"
    } else if !issuer.clients.contains(&gate.site) {
        "does not list the site among its `clients`"
    } else {
        return Some((at, issuer));
    };
    let message = format!(
        "issuer `{}` cannot sign sessions: it {problem}",
        issuer.name
    );
    report.add(&codes::BAD_SESSION, name.span, message).help(format!(
        "give sessions an issuer of their own: `algorithms = [\"HS256\"]`, `clients = [\"{}\"]` and \
         `secrets`",
        gate.site
    ));
    None
}

fn kid(table: Table<'_>, issuer: &IssuerConfig, report: &mut Report) -> Option<String> {
    let Some(wanted) = table.text("sign_with") else {
        // An issuer without usable secrets was reported.
        return issuer.secrets.first().map(|secret| secret.kid.clone());
    };
    if issuer
        .secrets
        .iter()
        .any(|secret| secret.kid == wanted.value)
    {
        return Some(wanted.value.to_owned());
    }
    let message = format!(
        "issuer `{}` has no secret `{}`",
        issuer.name,
        shown(wanted.value)
    );
    report
        .add(&codes::BAD_SESSION, wanted.span, message)
        .help("write the `kid` of one of its `secrets`");
    None
}

fn cookie(
    table: Table<'_>,
    gate: &GateConfig,
    form: SessionForm,
    by_course: bool,
    report: &mut Report,
) -> Option<String> {
    let written = table.text("cookie");
    let name = written.as_ref().map_or(DEFAULT_COOKIE, |name| name.value);
    let span = written.as_ref().map_or(table.place(), |name| name.span);
    let Ok(source) = TokenSource::from_text(&format!("cookie:{name}")) else {
        let message = format!("`{}` is not a cookie name", shown(name));
        report.add(&codes::BAD_SESSION, span, message);
        return None;
    };
    if by_course && name.starts_with("__Host-") {
        report
            .add(
                &codes::BAD_SESSION,
                span,
                "a `__Host-` cookie is for the whole host, not for a course",
            )
            .help("call it `__Secure-…`, or write `cookies = \"site\"`");
        return None;
    }
    let is_read = gate.sources.contains(&source);
    if is_read == (form == SessionForm::Jwt) {
        return Some(name.to_owned());
    }
    let source = format!("cookie:{}", shown(name));
    if is_read {
        let message = format!("`{source}` is a token source, and a CWT is no token to a gate");
        report
            .add(&codes::BAD_SESSION, span, message)
            .help("call the cookie of CWT sessions something else");
    } else {
        let message = format!("sessions are put into `{source}`, where no token is looked for");
        report
            .add(&codes::BAD_SESSION, span, message)
            .help(format!("add it to `[token]`: `from = [\"{source}\", …]`"));
    }
    None
}

fn endpoint(path: &Text<'_>, report: &mut Report) -> Option<String> {
    // One that every reader accepts.
    let options = PathOptions {
        ascii_only: true,
        ..PathOptions::default()
    };
    let mut scratch = PathScratch::new();
    let is_good = scratch.parse(path.value.as_bytes(), options).is_ok();
    if is_good {
        return Some(path.value.to_owned());
    }
    let message = format!(
        "`{}` is not a path that a request can have",
        shown(path.value)
    );
    report
        .add(&codes::BAD_SESSION, path.span, message)
        .help("write an absolute path such as `/.tollgate/session`");
    None
}

impl Draft {
    /// Settles what sessions carry. `bases` are the courses' bases by id.
    pub(crate) fn settle(
        self,
        claims: &Claims,
        rules: &[(String, Placed)],
        bases: &BTreeMap<String, String>,
        report: &mut Report,
    ) -> SessionConfig {
        let mut config = self.config;
        let is_taken =
            |name: &&str| OWN_CLAIMS.contains(name) || *name == self.groups_claim.as_str();
        for name in claims.names().filter(is_taken) {
            let message = format!(
                "a session cannot carry the declared claim `{}`",
                shown(name)
            );
            report.add(&codes::SESSION_READS, self.span, message).help(
                if OWN_CLAIMS.contains(&name) {
                    "a session has a value of its own there, and would decide otherwise"
                } else {
                    "give the session issuer another `groups_claim`"
                },
            );
        }
        let mut reads_issuer = None;
        config.subject = claims.names().any(|name| name == "sub");
        for (file, placed) in rules {
            config.subject |= reads_subject(&placed.rule);
            each_expr(&placed.rule, &mut |expr| {
                if *expr == Expr::Issuer {
                    reads_issuer = reads_issuer.or(Some((file, placed.span)));
                }
            });
        }
        if let Some((file, span)) = reads_issuer {
            report
                .add(
                    &codes::SESSION_READS,
                    self.span,
                    "a session has an issuer of its own, and a rule asks for the issuer",
                )
                .label(file, span, "this rule")
                .help("ask for a claim or a group instead");
        }
        config.paths = paths(rules, bases, self.by_course);
        config
    }
}

/// What a session for a whole policy carries, for tools that add `[session]` to one that was compiled
/// without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReads {
    /// Whether the policy reads `sub`.
    pub subject: bool,
    /// The one cookie, with the groups and scopes that the policy reads.
    pub path: SessionPath,
    /// The rules that ask for the issuer, as `course/id`: for what they are about, a session cannot stand
    /// for its sign-in token, and a policy with `[session]` has none of them.
    pub issuer_rules: BTreeSet<String>,
}

impl SessionReads {
    /// What a policy reads; nothing if it declares a claim of which a session has a value of its own.
    pub fn of(policy: &ImageSpec) -> Option<Self> {
        let is_declared = |name: &str| policy.claims.iter().any(|claim| claim.name == name);
        if OWN_CLAIMS.iter().any(|name| is_declared(name)) {
            return None;
        }
        let mut issuer_rules = BTreeSet::new();
        for rule in &policy.rules {
            each_expr(rule, &mut |expr| {
                if *expr == Expr::Issuer {
                    issuer_rules.insert(format!("{}/{}", rule.course, rule.id));
                }
            });
        }
        Some(Self {
            subject: is_declared("sub") || policy.rules.iter().any(reads_subject),
            path: path("", policy.rules.iter()),
            issuer_rules,
        })
    }
}

fn reads_subject(rule: &RuleSpec) -> bool {
    let mut reads = rule.who.subjects.is_some();
    each_expr(rule, &mut |expr| reads |= *expr == Expr::Subject);
    reads
}

/// What each cookie is for, and the names that rules under its path read.
fn paths(
    rules: &[(String, Placed)],
    bases: &BTreeMap<String, String>,
    by_course: bool,
) -> Vec<SessionPath> {
    if !by_course || bases.is_empty() {
        return vec![path("", rules.iter().map(|(_, placed)| &placed.rule))];
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
    for (_, Placed { rule, .. }) in rules {
        let base = bases.get(&rule.course).map(String::as_str);
        match base.filter(|_| rule.course != SITE_COURSE) {
            Some(base) => {
                let outer = outermost.partition_point(|outer| *outer <= base);
                let outer = outer.checked_sub(1).and_then(|at| outermost.get(at));
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
        .map(|(base, rules)| path(base, rules.into_iter().chain(everywhere.iter().copied())))
        .collect()
}

/// Whether a base is the other one, or below it.
fn is_below(base: &str, outer: &str) -> bool {
    let rest = base.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn path<'r>(base: &str, rules: impl Iterator<Item = &'r RuleSpec>) -> SessionPath {
    let (mut groups, mut scopes) = (Collected::default(), Collected::default());
    for rule in rules {
        groups.add_all(rule.who.groups.as_deref());
        scopes.add_all(rule.who.scopes.as_deref());
        each_expr(rule, &mut |expr| {
            if let Expr::InGroups(name) = expr {
                match &**name {
                    Expr::Str(name) => _ = groups.exact.insert(name.clone()),
                    // Which one it is shows with the request only.
                    _ => _ = groups.around.insert((String::new(), String::new())),
                }
            }
        });
    }
    SessionPath {
        path: if base.is_empty() {
            "/".to_owned()
        } else {
            encoded(base)
        },
        groups: groups.into_names(),
        scopes: scopes.into_names(),
    }
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

    fn into_names(self) -> Names {
        Names {
            exact: self.exact.into_iter().collect(),
            around: self.around.into_iter().collect(),
        }
    }
}

fn each_expr<'r>(rule: &'r RuleSpec, visit: &mut impl FnMut(&'r Expr)) {
    for condition in [&rule.when, &rule.unless].into_iter().flatten() {
        condition.each(visit);
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
