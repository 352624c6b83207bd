//! TG0737 to TG0739 and TG0741 to TG0743: settings and rules that do not fit the sign-in of the gate.
//!
//! Not here: what is an error, which the compiler reports.

use tollgate_compiler::diagnostic::{Applicability, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE, place_of_table, place_of_value};
use tollgate_gate::config::{DenyAnswer, DenyConfig, GateConfig};
use tollgate_gate::session::SameSite;
use tollgate_gate::sign_in::SignInConfig;
use tollgate_policy::spec::{Pattern, Segment};

use super::allow::without_table;
use super::context::LintContext;
use crate::locate::Part;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    let Ok(config) = GateConfig::decode(&context.policy.gate) else {
        return;
    };
    findings.extend(again(context, &config));
    let Some(sign_in) = &config.sign_in else {
        return;
    };
    findings.extend(unused_login(context, &config.deny));
    patterns(context, sign_in, findings);
    findings.extend(no_way(context, sign_in, &config.deny));
    findings.extend(strict(context, &config));
    findings.extend(silent(context, sign_in));
}

/// Whether the gate answers requests for this target itself, because users sign in there.
pub(super) fn is_answered(config: &GateConfig, target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    config.sign_in.as_ref().is_some_and(|sign_in| {
        let rest = path.strip_prefix(&sign_in.path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// TG0737.
fn patterns(context: &LintContext<'_>, sign_in: &SignInConfig, findings: &mut Vec<Diagnostic>) {
    let path = &sign_in.path;
    for (at, rule, _) in context.rules() {
        let is_own = |pattern: &Pattern| is_at_or_below(pattern, path);
        let is_whole = rule.patterns.iter().all(is_own);
        for (nth, pattern) in rule.patterns.iter().enumerate() {
            if !is_own(pattern) {
                continue;
            }
            let message = format!("the gate answers `{path}` and all paths below it itself");
            let part = Part::Pattern(nth);
            let mut finding = context.finding(&codes::GATE_PATH, at, &part, message);
            finding.help(match is_whole {
                true => "remove the rule: it decides no request",
                false => "remove the pattern: it matches no request",
            });
            // The analysis does not consider the paths of the gate, so it cannot confirm the removal.
            if !is_whole {
                context.remove_entry(&mut finding, Applicability::Unsure);
            }
            findings.push(finding);
        }
    }
}

/// Whether every path that matches the pattern is the path itself, or below it.
fn is_at_or_below(pattern: &Pattern, path: &str) -> bool {
    // The compiler accepts no escapes in it.
    let parents = path.split('/').filter(|name| !name.is_empty());
    let mut segments = pattern.segments.iter();
    parents
        .into_iter()
        .all(|parent| matches!(segments.next(), Some(Segment::Literal(text)) if text == parent))
}

/// TG0738. A redirect to another page may lead on to sign-in.
fn no_way(
    context: &LintContext<'_>,
    sign_in: &SignInConfig,
    deny: &DenyConfig,
) -> Option<Diagnostic> {
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        pages: _,
        cors: _,
    } = deny;
    let is_status = |answer: &DenyAnswer| matches!(answer, DenyAnswer::Status(_));
    let leads = matches!(forbidden, DenyAnswer::SignIn(_));
    if leads || !is_status(no_token) || !is_status(bad_token) {
        return None;
    }
    let message = "no path leads to sign-in: requests without a token receive a status";
    let mut finding = Diagnostic::new(&codes::NO_WAY_TO_SIGN_IN, SITE_FILE, message);
    let span = place_of_value(context.sources, "deny", "no_token");
    if let Some(span) = span.or_else(|| place_of_table(context.sources, "deny")) {
        finding.at(span);
    }
    finding.help("write `no_token = { redirect = \"login\" }` in `[deny]`, or remove `no_token`");
    finding.help(format!(
        "or link to `{}` from a public page, and suppress TG0738 with a `[[lint]]`",
        sign_in.endpoint("sign-in")
    ));
    Some(finding)
}

/// TG0741. `redirect = "login"` is that also where it means a page.
pub(super) fn again(context: &LintContext<'_>, config: &GateConfig) -> Option<Diagnostic> {
    if matches!(config.deny.forbidden, DenyAnswer::Status(_)) {
        return None;
    }
    let span = place_of_value(context.sources, "deny", "forbidden")?;
    let source = context.sources.text(SITE_FILE).unwrap_or_default();
    let written = source.get(span.start..span.end).unwrap_or_default();
    let leads = match &config.deny.forbidden {
        DenyAnswer::SignIn(_) => true,
        DenyAnswer::Redirect(_) => written.contains("\"login\"") || written.contains("'login'"),
        DenyAnswer::Status(_) => false,
    };
    if !leads {
        return None;
    }
    let message = "`forbidden` sends users who are signed in to sign in again";
    let mut finding = Diagnostic::new(&codes::FORBIDDEN_SIGN_IN, SITE_FILE, message);
    finding.at(span);
    finding.help(
        "write `forbidden = { status = 403 }` in `[deny]`, or redirect to a page that explains how to get access",
    );
    // With a header of its own, the table goes on after the span.
    if written.starts_with('{') {
        context.replace(&mut finding, Applicability::Unsure, "{ status = 403 }");
    }
    Some(finding)
}

/// TG0742.
fn unused_login(context: &LintContext<'_>, deny: &DenyConfig) -> Option<Diagnostic> {
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        pages: _,
        cors: _,
    } = deny;
    let span = place_of_value(context.sources, "login", "url")?;
    let source = context.sources.text(SITE_FILE).unwrap_or_default();
    let url = source.get(span.start..span.end)?.trim_matches(['"', '\'']);
    let leads = |answer: &DenyAnswer| matches!(answer, DenyAnswer::Redirect(to) if to == url);
    if [no_token, bad_token, forbidden].into_iter().any(leads) {
        return None;
    }
    let message = "no response redirects to `[login]`: the gate signs users in itself";
    let mut finding = Diagnostic::new(&codes::UNUSED_LOGIN, SITE_FILE, message);
    finding.at(place_of_table(context.sources, "login")?);
    finding.help("remove `[login]`");
    if let Some(edit) = finding.span.and_then(|span| without_table(context, span)) {
        finding.fix(Applicability::Safe, edit);
    }
    Some(finding)
}

/// TG0739.
fn strict(context: &LintContext<'_>, config: &GateConfig) -> Option<Diagnostic> {
    let session = config.session.as_ref()?;
    if session.same_site != SameSite::Strict {
        return None;
    }
    let message = "browsers do not send the session on the navigation that follows sign-in";
    let mut finding = Diagnostic::new(&codes::STRICT_SIGN_IN, SITE_FILE, message);
    if let Some(span) = place_of_value(context.sources, "session", "same_site") {
        finding.at(span);
    }
    finding.help("write `same_site = \"lax\"` in `[session]`, or remove `same_site`");
    context.replace(&mut finding, Applicability::Unsure, "\"lax\"");
    Some(finding)
}

/// TG0743.
fn silent(context: &LintContext<'_>, sign_in: &SignInConfig) -> Option<Diagnostic> {
    let is_silent = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("prompt") && value.split(' ').any(|prompt| prompt == "none")
    };
    let mut providers = sign_in.providers.iter();
    let at = providers.position(|provider| provider.parameters.iter().any(is_silent))?;
    let message = "with `prompt = \"none\"`, users without a session at the issuer cannot sign in";
    let mut finding = Diagnostic::new(&codes::SILENT_SIGN_IN, SITE_FILE, message);
    let span = match at {
        0 => place_of_value(context.sources, "sign_in", "parameters"),
        // The table of another provider has no name to find it by.
        _ => place_of_table(context.sources, "sign_in"),
    };
    if let Some(span) = span {
        finding.at(span);
    }
    finding.help("remove `prompt`, or write `prompt = \"select_account\"`");
    Some(finding)
}

#[cfg(test)]
mod tests;
