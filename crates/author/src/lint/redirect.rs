//! TG0725: redirects to a page of the site that is itself denied.
//!
//! The client is denied there, and often redirected there again, indefinitely. Not here: redirects
//! to other sites.

use tollgate_analysis::{Evaluation, Kind, Policy, Request, evaluate, who};
use tollgate_compiler::diagnostic::{Span, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE};
use tollgate_gate::config::{DenyAnswer, GateConfig};

use super::context::LintContext;
use super::dead::describe;
use super::sign_in;

pub(super) fn check(
    context: &LintContext<'_>,
    policy: &Policy,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    let Ok(config) = GateConfig::decode(&context.policy.gate) else {
        return;
    };
    let deny = &config.deny;
    let answers = [
        ("no_token", &deny.no_token),
        ("bad_token", &deny.bad_token),
        ("forbidden", &deny.forbidden),
    ];
    for (key, answer) in answers {
        let DenyAnswer::Redirect(location) = answer else {
            continue;
        };
        // `bad_token` defaults to `no_token`: one diagnostic is enough.
        let is_copy = key == "bad_token" && deny.bad_token == deny.no_token;
        if !location.starts_with('/') || is_copy || sign_in::is_answered(&config, location) {
            continue;
        }
        // A redirect that leads nowhere in any case is reported as that.
        if key == "forbidden" && is_reported_otherwise(context, &config) {
            continue;
        }
        if let Some(denied) = denied(policy, key, location, now) {
            findings.push(finding(context, key, location, &denied));
        }
    }
}

/// Whether TG0741 is about the redirect, and is not suppressed.
fn is_reported_otherwise(context: &LintContext<'_>, config: &GateConfig) -> bool {
    let mut suppressions = context.compiled.suppressions.iter();
    let is_suppressed = suppressions.any(|one| *one.code == codes::FORBIDDEN_SIGN_IN);
    !is_suppressed && sign_in::again(context, config).is_some()
}

/// A client that is redirected to a page and denied there.
struct Denied {
    request: Request,
    ruling: Evaluation,
}

fn denied(policy: &Policy, key: &str, location: &str, now: i64) -> Option<Denied> {
    let target = location.split('#').next().unwrap_or(location).to_owned();
    let unauthenticated = Request {
        method: "GET".to_owned(),
        target: target.clone(),
        ip: None,
        now,
        claims: None,
    };
    // A client without a valid token gets what `anyone` gets. `forbidden` also applies to clients
    // whose request would be denied with any token.
    let ruling = evaluate(policy, &unauthenticated);
    if ruling.kind != Kind::Allow {
        return Some(Denied {
            request: unauthenticated,
            ruling,
        });
    }
    if key != "forbidden" {
        return None;
    }
    // The page may be public and yet denied to just the clients redirected there.
    let found = who::who(policy, &target, who::Times::Any(now)).ok()?;
    let witness = found.denies.into_iter().find_map(|access| access.witness)?;
    let ruling = evaluate(policy, &witness);
    Some(Denied {
        request: witness,
        ruling,
    })
}

fn finding(context: &LintContext<'_>, key: &str, location: &str, denied: &Denied) -> Diagnostic {
    let returns = denied.ruling.location.as_deref() == Some(location);
    let message = if returns {
        format!("`{key}` redirects to `{location}`, which redirects to itself")
    } else {
        format!(
            "`{key}` redirects to `{location}`, which is denied ({})",
            denied.ruling.reason.code()
        )
    };
    let mut finding = Diagnostic::new(&codes::REDIRECT_DENIED, SITE_FILE, message);
    let source = context.sources.text(SITE_FILE).unwrap_or_default();
    if let Some(span) = place(source, key, location) {
        finding.at(span);
    }
    finding.help(format!("for example {}", describe(&denied.request)));
    if denied.request.claims.is_none() {
        finding.help(format!(
            "add a rule with `allow = [\"{location}\"]` and `anyone = true`, with everything that the page loads"
        ));
    } else {
        finding.help("add an `unless` to the `deny`, or exclude the page from its paths");
    }
    finding
}

/// The redirect in `site.toml`: the location if it is found, else the key.
fn place(source: &str, key: &str, location: &str) -> Option<Span> {
    let span = |start: usize, text: &str| Span {
        start,
        end: start + text.len(),
    };
    let quoted = format!("\"{location}\"");
    if let Some(start) = source.find(&quoted) {
        return Some(span(start, &quoted));
    }
    let deny = source.find("[deny")?;
    let start = deny + source.get(deny..)?.find(key)?;
    Some(span(start, key))
}
