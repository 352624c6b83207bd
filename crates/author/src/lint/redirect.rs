//! TG0725: redirects to a page of the site that is itself denied.
//!
//! A client that is sent there is denied there, and often sent there again, for ever. Not here: redirects to
//! other sites.

use tollgate_analysis::{Evaluation, Kind, Policy, Request, evaluate, who};
use tollgate_compiler::diagnostic::{Span, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE};
use tollgate_gate::config::{DenyAnswer, GateConfig};

use super::{Subject, describe};

pub(super) fn check(
    subject: &Subject<'_>,
    policy: &Policy,
    now: i64,
    findings: &mut Vec<Diagnostic>,
) {
    let Ok(config) = GateConfig::decode(&subject.policy.gate) else {
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
        // `bad_token` is as `no_token` unless it is written: one finding is enough.
        let is_copy = key == "bad_token" && deny.bad_token == deny.no_token;
        if !location.starts_with('/') || is_copy {
            continue;
        }
        if let Some(denied) = denied(policy, key, location, now) {
            findings.push(finding(subject, key, location, &denied));
        }
    }
}

/// A client that is sent to a page and denied there.
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
    // Who has no token, or none that is valid, gets what `anyone` gets. `forbidden` is for those as well
    // whose request no token could help.
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
    // The page may be open and yet be denied to just those who are sent there.
    let found = who::who(policy, &target, now).ok()?;
    let witness = found.denies.into_iter().find_map(|access| access.witness)?;
    let ruling = evaluate(policy, &witness);
    Some(Denied {
        request: witness,
        ruling,
    })
}

fn finding(subject: &Subject<'_>, key: &str, location: &str, denied: &Denied) -> Diagnostic {
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
    let source = subject.sources.text(SITE_FILE).unwrap_or_default();
    if let Some(span) = place(source, key, location) {
        finding.at(span);
    }
    finding.help(format!("for example {}", describe(&denied.request)));
    if denied.request.claims.is_none() {
        finding.help(format!(
            "add a rule with `allow = [\"{location}\"]` and `anyone = true`, with everything that the page loads"
        ));
    } else {
        finding.help(
            "give the `deny` an `unless`, or name its paths so that the page is not among them",
        );
    }
    finding
}

/// The redirect in `site.toml`: the location where it is spelled, else the key.
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
