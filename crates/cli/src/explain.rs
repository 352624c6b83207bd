//! `tollgate explain`: why a request is answered as it is, condition by condition, and what would have to
//! change for the other answer.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tollgate_analysis::change::{Change, Way, Ways, minimal_changes};
use tollgate_analysis::explain::{Weighed, matches};
use tollgate_analysis::text::{narrowings, people, rfc3339};
use tollgate_analysis::{Kind, Request, Ruling, ask_traced};
use tollgate_core::{Effect, Reason, RuleId, Tri};
use tollgate_token::Claims;

use crate::analysed::Analysed;
use crate::diff::{request as request_object, ruled};
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, print, print_json, styled, visible};
use crate::reach::{address, claims_object};
use crate::{Verdict, input, rejected};

/// Tell why a request is answered as it is, and what would change that
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate explain policy --target /courses/rust-101/week1/intro.mp4
  tollgate explain policy --target /courses/rust-101/exams/final.pdf \\
      --claims '{\"sub\":\"alice\",\"cognito:groups\":[\"rust-101\"],\"exp\":1800000000}'

Exit code: 0 for allow, 3 for deny and reject.")]
pub(crate) struct Explain {
    /// The policy folder, or a policy image
    dir: PathBuf,
    /// The request's method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The raw request target, as it stands in the request line
    #[arg(long, value_name = "RAW")]
    target: OsString,
    /// What the token says; it is taken as verified unless its times say otherwise
    #[arg(long, value_name = "JSON", conflicts_with = "headers")]
    claims: Option<String>,
    /// A header field of the request; the claims are read from a bearer token without verifying it
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The client's address; unknown if left out
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The time of the request, in Unix seconds; the machine's if left out
    #[arg(long, value_name = "SECS", allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A token that is good but for the time.
struct Expired {
    /// Seconds since it expired.
    since: i64,
}

impl Explain {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let side = Analysed::read(&self.dir)?;
        let now = input::now_or_clock(self.now).0;
        let mut claims = self.claims.as_deref().map(claims_object).transpose()?;
        for header in &self.headers {
            let (name, value) = input::header(header)?;
            if name.eq_ignore_ascii_case("authorization")
                && let Some(text) = bearer_claims(&value)
            {
                claims = Some(claims_object(&text)?);
            }
        }
        let expires = claims
            .as_ref()
            .and_then(|claims| claims.get("exp")?.as_i64());
        let expired = expires
            .filter(|exp| now >= *exp)
            .map(|exp| Expired { since: now - exp });
        let request = Request {
            method: self.method,
            target: self.target.to_string_lossy().into_owned(),
            ip: self.ip.as_deref().map(address).transpose()?,
            now,
            claims,
        };
        // Whoever comes with a token that has expired is treated as somebody without one.
        let as_it_is = Request {
            claims: request.claims.clone().filter(|_| expired.is_none()),
            ..request.clone()
        };
        let mut weighed = Weighed::default();
        let mut ruling = ask_traced(&side.policy, &as_it_is, &mut weighed);
        let options = side.policy.image().path_options();
        if rejected::is_rejected(request.target.as_bytes(), options) {
            // The gate also rejects for the query, which no rule reads.
            ruling = Ruling {
                kind: Kind::Reject,
                status: 400,
                location: None,
                reason: Reason::BadPath,
                rule: None,
            };
        }
        let renewed = expired.as_ref().map(|_| {
            let mut ignored = Weighed::default();
            ask_traced(&side.policy, &request, &mut ignored)
        });
        let ways = minimal_changes(&side.policy, &as_it_is).ok();
        if self.json {
            let mut object = object(&side, &ruling, &weighed, ways.as_ref(), renewed.as_ref());
            if ruling.kind == Kind::Reject {
                let rejected = rejected::object(request.target.as_bytes(), options);
                object.pop();
                object.push_str(&format!(",\"rejected\":{rejected}}}"));
            }
            print_json(object)?;
        } else {
            let mut shown = text(&side, &as_it_is, &ruling, &weighed);
            if let (Some(expired), Some(renewed)) = (&expired, &renewed) {
                let since = span(expired.since);
                let then = ruled(&side, renewed);
                let word = styled(NOTE, "the token expired");
                shown.push_str(&format!("\n{word} {since} ago; with a fresh one: {then}\n"));
            }
            let rejected = rejected::text(request.target.as_bytes(), options);
            let ways = ways.as_ref().map(|ways| ways_text(&side, ways));
            shown.push_str(&rejected.or(ways).unwrap_or_default());
            print(shown.trim_end())?;
        }
        Ok((ruling.kind == Kind::Allow).into())
    }
}

/// The claims in a bearer token, as text; nothing about it is verified.
fn bearer_claims(value: &[u8]) -> Option<String> {
    use base64ct::Encoding;
    let text = core::str::from_utf8(value).ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let payload = token.split('.').nth(1)?;
    let bytes = base64ct::Base64UrlUnpadded::decode_vec(payload).ok()?;
    let claims = Claims::from_json(&bytes).ok()?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| claims.text().to_owned())
}

/// A length of time in words.
fn span(secs: i64) -> String {
    let (count, unit) = match secs {
        0..120 => (secs, "second"),
        120..7_200 => (secs / 60, "minute"),
        7_200..172_800 => (secs / 3_600, "hour"),
        _ => (secs / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

fn text(side: &Analysed, request: &Request, ruling: &Ruling, weighed: &Weighed) -> String {
    let style = if ruling.kind == Kind::Allow {
        GOOD
    } else {
        BAD
    };
    let mut text = format!("{}\n", styled(style, visible(&ruled(side, ruling))));
    if ruling.kind == Kind::Reject {
        return text;
    }
    if weighed.0.is_empty() {
        text.push_str(&format!(
            "  no rule names {}: what no rule allows is denied\n",
            visible(&request.target)
        ));
    }
    for (rule, effect, parts) in &weighed.0 {
        let hits = matches(*effect, *parts);
        let word = match effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let result = match (effect, hits) {
            (_, false) => styled(FAINT, "does not match"),
            (Effect::Allow, true) => styled(GOOD, "matches"),
            (Effect::Deny, true) => styled(BAD, "matches"),
        };
        let name = styled(STRONG, visible(&side.named(*rule)));
        text.push_str(&format!("{word} {name} {result}\n"));
        if let Some(because) = side.policy.image().rule_because(*rule) {
            text.push_str(&format!("  {}\n", styled(FAINT, visible(because))));
        }
        for (what, value) in parts_of(side, *rule, parts) {
            let shown = match value {
                Tri::TRUE => styled(GOOD, "yes    "),
                Tri::FALSE => styled(BAD, "no     "),
                _ => styled(NOTE, "unknown"),
            };
            text.push_str(&format!("  {shown} {}\n", visible(&what)));
        }
    }
    text
}

/// What each part of a rule says, and what it came to.
fn parts_of(
    side: &Analysed,
    rule: RuleId,
    parts: &tollgate_core::decide::Parts,
) -> Vec<(String, Tri)> {
    let Some(spec) = side.policy.rule(rule) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let methods: Vec<&str> = spec.methods.names().collect();
    found.push((
        format!("the method is {}", methods.join(" or ")),
        parts.method,
    ));
    let who = people(spec);
    if !who.is_empty() {
        found.push((who.join(", "), parts.who));
    }
    for narrowing in narrowings(&side.policy, spec) {
        let value = match narrowing.split(' ').next() {
            Some("networks") => parts.networks,
            Some("from" | "until") => parts.time,
            Some("when") => parts.when,
            // An `unless` that is true keeps the rule from matching, and so is shown as what is asked.
            Some("unless") => parts.unless,
            _ => continue,
        };
        found.push((narrowing, value));
    }
    found
}

fn ways_text(side: &Analysed, ways: &Ways) -> String {
    let goal = match ways.wanted {
        Kind::Allow => "What would let it in",
        _ => "What would keep it out",
    };
    let mut text = format!("\n{}\n", styled(STRONG, goal));
    if ways.wanted == Kind::Allow && !ways.is_named {
        text.push_str("  no rule allows anything on this path; the nearest ones:\n");
    }
    if ways.ways.is_empty() {
        text.push_str("  nothing that the policy knows of\n");
    }
    for way in &ways.ways {
        let changes: Vec<String> = way.changes.iter().map(said).collect();
        let by = way
            .ruling
            .rule
            .map(|rule| format!(" ({})", side.name(rule)));
        let line = format!("{}{}", changes.join(", and "), by.unwrap_or_default());
        text.push_str(&format!("  - {}\n", visible(&line)));
    }
    text
}

/// A change as advice.
fn said(change: &Change) -> String {
    match change {
        Change::SignIn => "sign in".to_owned(),
        Change::SignOut => "come without a token".to_owned(),
        Change::Join(name) => format!("join group `{name}`"),
        Change::Leave(name) => format!("leave group `{name}`"),
        Change::AddScope(name) => format!("ask for scope `{name}`"),
        Change::DropScope(name) => format!("do without scope `{name}`"),
        Change::Claim(name, Some(value)) => format!("have claim `{name}` = {value}"),
        Change::Claim(name, None) => format!("have no claim `{name}`"),
        Change::Address(Some(ip)) => format!("come from {ip}"),
        Change::Address(None) => "come from an unknown address".to_owned(),
        Change::Time(now) => format!("come at {}", rfc3339(*now)),
        Change::Method(method) => format!("use {method}"),
        Change::Path(path) => format!("ask for {path}"),
    }
}

fn object(
    side: &Analysed,
    ruling: &Ruling,
    weighed: &Weighed,
    ways: Option<&Ways>,
    renewed: Option<&Ruling>,
) -> String {
    let truth = |value: Tri| match value {
        Tri::TRUE => json!(true),
        Tri::FALSE => json!(false),
        _ => json!(null),
    };
    let rules: Vec<_> = weighed
        .0
        .iter()
        .map(|(rule, effect, parts)| {
            let conditions: Vec<_> = parts_of(side, *rule, parts)
                .into_iter()
                .map(|(what, value)| json!({ "condition": what, "holds": truth(value) }))
                .collect();
            json!({
                "rule": side.name(*rule),
                "effect": if *effect == Effect::Allow { "allow" } else { "deny" },
                "matches": matches(*effect, *parts),
                "conditions": conditions,
            })
        })
        .collect();
    let way = |way: &Way| {
        let changes: Vec<String> = way.changes.iter().map(said).collect();
        format!(
            "{{\"changes\":{},\"rule\":{},\"request\":{}}}",
            json!(changes),
            json!(way.ruling.rule.map(|rule| side.name(rule))),
            request_object(&way.request)
        )
    };
    let list: Vec<String> = ways
        .into_iter()
        .flat_map(|ways| ways.ways.iter().map(way))
        .collect();
    format!(
        "{{\"outcome\":{},\"status\":{},\"reason\":{},\"rule\":{},\"rules\":{},\"with_fresh_token\":{},\"changes\":[{}]}}",
        json!(ruling.kind.code()),
        json!(ruling.status),
        json!(ruling.reason.code()),
        json!(ruling.rule.map(|rule| side.name(rule))),
        json!(rules),
        json!(renewed.map(|ruling| ruling.kind.code())),
        list.join(",")
    )
}
