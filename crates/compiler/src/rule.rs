//! Rules: from a checked table to the form that the encoder lays out.
//!
//! Invalid parts are reported and omitted. A policy with an error is never encoded, so an incomplete
//! rule has no effect. Not here: decisions by several rules.

pub(crate) mod network;
pub(crate) mod pattern;
pub(crate) mod who;

use tollgate_core::{Effect, MethodSet, PathOptions};
use tollgate_token::IssuerConfig;
use toml::value::Datetime;

use crate::claims::Claims;
use crate::condition;
use crate::diagnostic::{Applicability, Edit, Report, Span, codes, shown};
use crate::document::{Table, Text};
use crate::edit::quoted;
use crate::keys::course::ID_PATTERN;
use crate::time::{self, TimeError};
use network::NetworkError;
use pattern::Base;
use tollgate_policy::spec::{Expr, Network, RuleSpec, Segment};
use who::Captures;

/// The context of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) course: &'a str,
    pub(crate) base: &'a Base,
    pub(crate) claims: &'a Claims,
    /// The issuers, if they could be read.
    pub(crate) issuers: Option<&'a [IssuerConfig]>,
    pub(crate) paths: PathOptions<'a>,
}

/// Reads one rule.
pub(crate) fn read(rule: Table<'_>, scope: Scope<'_>, report: &mut Report) -> RuleSpec {
    let id = rule.text("id").map(|id| {
        check_id(&id, "rule", report);
        id.value.to_owned()
    });
    let effect = match (rule.has("allow"), rule.has("deny")) {
        (true, false) => Some(Effect::Allow),
        (false, true) => Some(Effect::Deny),
        _ => None,
    };
    let mut patterns = Vec::new();
    let mut captures = Vec::new();
    let lists = ["allow", "deny"].map(|key| (key, rule.texts(key)));
    let texts = lists
        .iter()
        .flat_map(|(key, texts)| texts.iter().map(move |text| (*key, text)));
    for (key, text) in texts {
        let Some(pattern) = pattern::parse(key, text, scope.base, scope.paths, report) else {
            continue;
        };
        let names = pattern.segments.iter().filter_map(|segment| match segment {
            Segment::Capture(name) => Some(name.clone()),
            _ => None,
        });
        captures.push(Captures {
            names: names.collect(),
            span: text.span,
        });
        patterns.push(pattern);
    }
    let (from, until) = window(rule, report);
    let conditions = condition::Scope {
        claims: scope.claims,
        captures: &captures,
    };
    let when = read_condition(rule, "when", conditions, report);
    let unless = read_condition(rule, "unless", conditions, report);
    RuleSpec {
        course: scope.course.to_owned(),
        id: id.unwrap_or_default(),
        effect: effect.unwrap_or(Effect::Deny),
        methods: methods(rule),
        because: rule.text("because").map(|text| text.value.to_owned()),
        patterns,
        who: who::who(rule, effect, &captures, scope.issuers, report),
        networks: rule.has("networks").then(|| networks(rule, report)),
        from,
        until,
        when,
        unless,
    }
}

/// Whether a text is an id.
pub(crate) fn is_id(text: &str) -> bool {
    let may_start = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(may_start) && text.chars().all(|c| may_start(c) || "_.-".contains(c))
}

/// Reports an id that is not one.
pub(crate) fn check_id(id: &Text<'_>, what: &str, report: &mut Report) {
    if id.value.is_empty() || is_id(id.value) {
        return;
    }
    let message = format!("`{}` is not a valid {what} id", shown(id.value));
    let diagnostic = report.add(&codes::BAD_ID, id.span, message);
    let lower = id.value.to_lowercase().replace(' ', "-");
    if is_id(&lower) {
        // Tests and logs name the rule, so the author decides.
        diagnostic
            .help(format!("write `{lower}`"))
            .fix(Applicability::Unsure, Edit::new(id.span, quoted(&lower)));
    } else {
        diagnostic.help(format!("ids match `{ID_PATTERN}`"));
    }
}

/// The rule's methods. What is not a method was reported with the shape of the list.
fn methods(rule: Table<'_>) -> MethodSet {
    if !rule.has("methods") {
        return MethodSet::READ;
    }
    let names = rule.texts("methods");
    let known = names
        .iter()
        .filter_map(|name| MethodSet::from_name(name.value));
    known.fold(MethodSet::EMPTY, |all, one| all | one)
}

fn networks(rule: Table<'_>, report: &mut Report) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in rule.texts("networks") {
        match network::parse(text.value) {
            Ok(network) => networks.push(network),
            Err(error) => report_network(&text, text.span, text.value, error, report),
        }
    }
    networks
}

/// Reports a text that is not a network.
pub(crate) fn report_network(
    text: &Text<'_>,
    span: Span,
    value: &str,
    error: NetworkError,
    report: &mut Report,
) {
    if value.is_empty() && span == text.span {
        // The empty text was reported with the shape of the list.
        return;
    }
    let instead = match error {
        NetworkError::Malformed | NetworkError::PrefixTooLong { .. } => None,
        NetworkError::Mapped(network) => Some((Applicability::Safe, network)),
        NetworkError::HostBits(network) => Some((Applicability::Access, network)),
    };
    let (code, message, help) = match error {
        NetworkError::Malformed => (
            &codes::BAD_NETWORK,
            format!("`{}` is not a network", shown(value)),
            "write an address, or an address and a prefix length: `203.0.113.0/24`".to_owned(),
        ),
        NetworkError::PrefixTooLong { max } => (
            &codes::BAD_NETWORK,
            format!("`{}` has a prefix longer than {max} bits", shown(value)),
            format!("a single address is written without a prefix, or with `/{max}`"),
        ),
        NetworkError::Mapped(network) => (
            &codes::BAD_NETWORK,
            format!("`{}` is an IPv4 network written as IPv6", shown(value)),
            format!("write `{}`", network::display(network)),
        ),
        NetworkError::HostBits(network) => (
            &codes::HOST_BITS,
            format!("`{}` has bits set beyond its prefix", shown(value)),
            format!("write `{}`, or a longer prefix", network::display(network)),
        ),
    };
    let diagnostic = report.add(code, span, message);
    diagnostic.help(help);
    if let Some((applicability, network)) = instead.filter(|_| span == text.span) {
        let network = quoted(&network::display(network));
        diagnostic.fix(applicability, Edit::new(span, network));
    }
}

fn window(rule: Table<'_>, report: &mut Report) -> (Option<i64>, Option<i64>) {
    let mut moment = |key| {
        let (time, span) = rule.time(key)?;
        time::unix_seconds(time)
            .map_err(|error| report_time(time, span, error, report))
            .ok()
    };
    let (from, until) = (moment("from"), moment("until"));
    if let (Some(start), Some(end), Some(span)) = (from, until, rule.value_span("until"))
        && start >= end
    {
        let message = "`until` is not after `from`";
        let diagnostic = report.add(&codes::EMPTY_WINDOW, span, message);
        if let Some(start) = rule.value_span("from") {
            diagnostic.also(start, "the rule matches from here on");
        }
        diagnostic
            .help("the rule matches from the first time up to, but not including, the second");
    }
    (from, until)
}

fn report_time(time: &Datetime, span: Span, error: TimeError, report: &mut Report) {
    match error {
        TimeError::Incomplete => {
            let mut whole = *time;
            whole.offset.get_or_insert(toml::value::Offset::Z);
            let midnight = toml::value::Time {
                hour: 0,
                minute: 0,
                second: Some(0),
                nanosecond: None,
            };
            whole.time.get_or_insert(midnight);
            let diagnostic = report.add(
                &codes::BAD_TIME,
                span,
                format!("`{time}` is not a timestamp"),
            );
            if whole.date.is_some() {
                diagnostic
                    .help(format!("write the offset too, such as `{whole}`"))
                    .fix(Applicability::Unsure, Edit::new(span, whole.to_string()));
            } else {
                diagnostic.help("write date, time and offset, such as `2027-02-01T00:00:00Z`");
            }
        }
        TimeError::Fraction => {
            report
                .add(
                    &codes::BAD_TIME,
                    span,
                    format!("`{time}` has a fraction of a second"),
                )
                .help("write whole seconds");
        }
    }
}

fn read_condition(
    rule: Table<'_>,
    key: &str,
    scope: condition::Scope<'_>,
    report: &mut Report,
) -> Option<Expr> {
    let text = rule.text(key)?;
    let condition = condition::read(&text, scope, report)?;
    if let Expr::Bool(value) = condition {
        let never = value == (key == "unless");
        let message = if never {
            format!("`{key}` is always {value}, so the rule never matches")
        } else {
            format!("`{key}` is always {value}, so it changes nothing")
        };
        let diagnostic = report.add(&codes::CONSTANT_CONDITION, text.span, message);
        diagnostic.help(if never {
            "remove the rule"
        } else {
            "remove the condition"
        });
        if let Some(edit) = rule.without_key(key).filter(|_| !never) {
            diagnostic.fix(Applicability::Safe, edit);
        }
    }
    Some(condition)
}
