//! `[session]`: session tokens of the site's own.
//!
//! The contents of a session follow from the rules, so they are determined after all rules were read. Not here:
//! minting, and the layout of sessions ([`tollgate_gate::session`]).

mod reads;

use std::collections::BTreeMap;

use tollgate_gate::config::{GateConfig, TokenSource};
use tollgate_gate::session::{SameSite, SessionConfig, SessionForm};
use tollgate_token::{Algorithm, IssuerConfig, IssuerKind, KeyKind};

use super::paths::is_plain;
use crate::claims::Claims;
use crate::diagnostic::{Report, codes, shown};
use crate::document::{Table, Text};
use crate::spanned::SpannedRule;
use tollgate_policy::spec::Expr;

pub use reads::SessionReads;

const DEFAULT_SITE_COOKIE: &str = "__Host-tollgate";
const DEFAULT_COURSE_COOKIE: &str = "__Secure-tollgate";
const DEFAULT_ENDPOINT: &str = "/.tollgate/session";
const DEFAULT_LIFETIME_SECS: u32 = 3_600;
const ON_SIGN_IN: &str = "on_sign_in";
const ENDPOINT: &str = "endpoint";

/// A session table that was read, and what is still to be settled.
#[derive(Debug)]
pub(crate) struct Draft {
    config: SessionConfig,
    by_course: bool,
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
    let by_default = mint.is_empty();
    let endpoint = match table.text("endpoint") {
        Some(path) => Some(endpoint(&path, report)?),
        None => (by_default || mint.contains(&ENDPOINT)).then(|| DEFAULT_ENDPOINT.to_owned()),
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
            on_sign_in: by_default || mint.contains(&ON_SIGN_IN),
            endpoint,
            issuers: Vec::new(),
            claims: Vec::new(),
            paths: Vec::new(),
        },
        by_course,
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
        let message = format!("no issuer `{}`", shown(name.value));
        report
            .add(&codes::BAD_SESSION, name.span, message)
            .help("write the `name` of the `[[issuer]]` whose `secrets` sign sessions");
        return None;
    };
    let only_hs256 = issuer.algorithms == [Algorithm::HS256];
    let is_public = |algorithm: &Algorithm| algorithm.key_kind() != KeyKind::Hmac;
    let problem = if issuer.kind != IssuerKind::Oidc || issuer.algorithms.iter().any(is_public) {
        "verifies tokens with public keys"
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
        "give sessions an `[[issuer]]` of their own, with `algorithms = [\"HS256\"]`, `clients = [\"{}\"]` and \
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
        .help("write the `kid` of one of the `secrets` of this `[[issuer]]`");
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
    let default = if by_course {
        DEFAULT_COURSE_COOKIE
    } else {
        DEFAULT_SITE_COOKIE
    };
    let name = written.as_ref().map_or(default, |name| name.value);
    let span = written.as_ref().map_or(table.place(), |name| name.span);
    let Ok(source) = TokenSource::from_text(&format!("cookie:{name}")) else {
        let message = format!("`{}` is not a cookie name", shown(name));
        report
            .add(&codes::BAD_SESSION, span, message)
            .help("write letters, digits, `-` and `_`, such as `__Host-session`");
        return None;
    };
    if by_course && name.starts_with("__Host-") {
        report
            .add(
                &codes::BAD_SESSION,
                span,
                "a `__Host-` cookie is for the whole host, not for a course",
            )
            .help("name it `__Secure-…`, or write `cookies = \"site\"` in `[session]`");
        return None;
    }
    if !name.starts_with("__Host-") && !name.starts_with("__Secure-") {
        let message = format!(
            "session cookie `{}` has no `__Host-` or `__Secure-` prefix",
            shown(name)
        );
        report
            .add(&codes::COOKIE_PREFIX, span, message)
            .help(format!(
                "write `cookie = \"{default}\"` in `[session]`, and list it in `[token] from`"
            ));
        return None;
    }
    let is_read = gate.sources.contains(&source);
    if is_read == (form == SessionForm::Jwt) {
        return Some(name.to_owned());
    }
    let source = format!("cookie:{}", shown(name));
    if is_read {
        let message = format!("`{source}` is a token source, but gates do not accept CWTs");
        report
            .add(&codes::BAD_SESSION, span, message)
            .help("give the cookie of CWT sessions another name");
    } else {
        let message = format!("sessions are set as `{source}`, which is not a token source");
        report
            .add(&codes::BAD_SESSION, span, message)
            .help(format!("add it to `[token]`: `from = [\"{source}\", …]`"));
    }
    None
}

fn endpoint(path: &Text<'_>, report: &mut Report) -> Option<String> {
    if is_plain(path.value) {
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
    /// Whether there is one cookie per course.
    pub(super) fn is_by_course(&self) -> bool {
        self.by_course
    }

    /// The configuration so far, without what depends on the rules.
    pub(super) fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Settles what sessions contain. `bases` are the courses' bases by id.
    pub(crate) fn settle(
        self,
        gate: &GateConfig,
        claims: &Claims,
        rules: &[(String, SpannedRule)],
        bases: &BTreeMap<String, String>,
        report: &mut Report,
    ) -> SessionConfig {
        let mut config = self.config;
        let at = usize::try_from(config.issuer).unwrap_or(usize::MAX);
        if let Some(issuer) = gate.issuers.get(at) {
            reject_session_issuer(issuer, rules, report);
        }
        config.issuers = reads::issuer_marks(&gate.issuers, Some(at));
        config.claims = reads::claim_marks(claims.list(), |slot| claims.place(slot));
        let rules = rules.iter().map(|(_, placed)| &placed.rule);
        config.paths = reads::paths(rules, bases, self.by_course);
        config
    }
}

/// Reports rules for the issuer of sessions: a session counts as a token of the sign-in issuer.
fn reject_session_issuer(
    issuer: &IssuerConfig,
    rules: &[(String, SpannedRule)],
    report: &mut Report,
) {
    let is_own = |iss: &String| issuer.issuers.contains(iss);
    for (file, placed) in rules {
        let mut names_it = placed.rule.who.issuers.iter().flatten().any(is_own);
        for condition in [&placed.rule.when, &placed.rule.unless]
            .into_iter()
            .flatten()
        {
            condition.each(&mut |expr| {
                let compared = match expr {
                    Expr::Compare(_, left, right) => [&**left, &**right],
                    Expr::InStrings(value, list) if **value == Expr::Issuer => {
                        names_it |= list.iter().any(is_own);
                        return;
                    }
                    _ => return,
                };
                names_it |= compared.contains(&&Expr::Issuer)
                    && compared
                        .iter()
                        .any(|side| matches!(side, Expr::Str(iss) if is_own(iss)));
            });
        }
        if names_it {
            let message = format!(
                "no request has the session issuer `{}` as its issuer",
                issuer.name
            );
            report
                .add_whole(&codes::SESSION_ISSUER_IN_RULE, message)
                .label(file, placed.span, "this rule names it")
                .help("name the issuers where users sign in");
        }
    }
}
