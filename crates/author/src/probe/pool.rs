//! The values in a policy: names, constants, networks, timestamps, and neighbouring values.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Map, Value};
use tollgate_analysis::place;
use tollgate_core::path::{PathOptions, check_segment};
use tollgate_core::{ClaimKind, MethodSet};
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::{Expr, ImageSpec, Network, Principals, RuleSpec, Segment, Template};
use tollgate_token::{ClaimPath, ClaimRules};

use super::paths::{Segments, instance, target_of};
use super::synthetic::SyntheticUser;
use super::visit::{Visit, Visitor};
use crate::suite::Person;
use crate::syntax::width;

/// The values that requests are built from.
pub struct Pool {
    pub(super) people: Vec<Arc<Person>>,
    /// The default time of the tests.
    pub(crate) usual_now: i64,
    segments: Segments,
    strings: Vec<String>,
    claims: Vec<(ClaimPath, ClaimKind)>,
    ints: Vec<i64>,
    ips: Vec<IpAddr>,
    times: Vec<i64>,
    groups: Vec<String>,
    issuers: Vec<(String, Option<String>, ClaimRules)>,
    rules: Vec<RuleSpec>,
}

impl Pool {
    /// The values in `policies`. `people` are the users of the tests, `usual_now` is their default
    /// time.
    pub fn new(
        policies: &[&ImageSpec],
        config: &GateConfig,
        people: Vec<Arc<Person>>,
        usual_now: i64,
    ) -> Self {
        let rules: Vec<RuleSpec> = policies
            .iter()
            .flat_map(|policy| policy.rules.iter().cloned())
            .collect();
        let mut words = Words::default();
        rules.iter().for_each(|rule| words.rule(rule));
        let mut places = BTreeMap::new();
        for policy in policies {
            for (slot, claim) in (0..).zip(&policy.claims) {
                let place = config.claim_place(slot).cloned();
                let place = place.unwrap_or_else(|| ClaimPath::top(&claim.name));
                places.insert(place, claim.kind);
            }
        }
        let issuer = |issuer: &tollgate_token::IssuerConfig| {
            (
                issuer.name.clone(),
                issuer.issuers.first().cloned(),
                issuer.claims.clone(),
            )
        };
        let usual_ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        words.ips.insert(usual_ip);
        words.times.insert(usual_now);
        let mut segments = words.segments;
        // The policies of one pool belong to one site.
        let site = policies.first().map(|policy| policy.path_options());
        let paths = PathOptions {
            index: None,
            ..site.unwrap_or_default()
        };
        let is_segment = |text: &&String| check_segment(text, paths).is_ok();
        segments.extend(words.strings.iter().filter(is_segment).cloned());
        Self {
            people,
            usual_now,
            segments: Segments {
                texts: segments.into_iter().collect(),
                options: paths,
            },
            strings: words.strings.into_iter().collect(),
            claims: places.into_iter().collect(),
            ints: words.ints.into_iter().collect(),
            ips: words.ips.into_iter().collect(),
            times: words.times.into_iter().collect(),
            groups: words.groups.into_iter().collect(),
            issuers: config.sign_in_issuers().map(issuer).collect(),
            rules,
        }
    }

    /// A random request, mostly near one of `focus`.
    pub fn visit(&self, focus: &[&RuleSpec], rng: &mut Rng) -> Visit {
        let near = rng.choice(focus.iter().copied());
        let rule = match near.filter(|_| rng.u8(..8) != 0) {
            Some(rule) => Some(rule),
            None => rng.choice(&self.rules),
        };
        let pattern = rule.and_then(|rule| rng.choice(&rule.patterns));
        let (target, captures) = match pattern {
            Some(pattern) => {
                let path = instance(pattern, &self.segments, rng);
                let target = target_of(&path.segments, path.trailing_slash);
                (target, path.captures)
            }
            None => ("/".to_owned(), BTreeMap::new()),
        };
        let methods = rule.map_or(MethodSet::READ, |rule| rule.methods);
        let methods = if rng.u8(..4) == 0 {
            MethodSet::ALL
        } else {
            methods
        };
        Visit {
            who: self.visitor(rule, &captures, rng),
            method: rng
                .choice(methods.names().collect::<Vec<_>>())
                .unwrap_or("GET")
                .to_owned(),
            target,
            ip: self.ip(rng),
            now: rng.choice(&self.times).copied().unwrap_or(self.usual_now),
        }
    }

    fn visitor(
        &self,
        rule: Option<&RuleSpec>,
        captures: &BTreeMap<String, String>,
        rng: &mut Rng,
    ) -> Visitor {
        match rng.u8(..16) {
            0 => Visitor::Nobody,
            1 => Visitor::BadToken,
            2..=5 => match rng.choice(&self.people) {
                Some(person) => Visitor::Known(Arc::clone(person)),
                None => Visitor::Nobody,
            },
            _ => Visitor::Synthetic(Box::new(self.made(rule, captures, rng))),
        }
    }

    fn made(
        &self,
        rule: Option<&RuleSpec>,
        captures: &BTreeMap<String, String>,
        rng: &mut Rng,
    ) -> SyntheticUser {
        let (issuer, iss, rules) = match self.issuers.as_slice() {
            [] => (None, None, ClaimRules::default()),
            [(_, iss, rules)] => (None, iss.clone(), rules.clone()),
            issuers => match rng.choice(issuers) {
                Some((name, iss, rules)) => (Some(name.clone()), iss.clone(), rules.clone()),
                None => (None, None, ClaimRules::default()),
            },
        };
        let own = |list: Option<&Vec<Template>>, rng: &mut Rng| -> Vec<String> {
            let list = list.into_iter().flatten();
            list.filter(|_| rng.bool())
                .map(|entry| self.name(entry, captures))
                .collect()
        };
        let who = rule.map(|rule| &rule.who);
        let mut groups = own(who.and_then(|who| who.groups.as_ref()), rng);
        let others = rng.usize(0..3);
        groups.extend((0..others).filter_map(|_| rng.choice(&self.groups).cloned()));
        groups.sort();
        groups.dedup();
        let scopes = own(who.and_then(|who| who.scopes.as_ref()), rng);
        let subjects = own(who.and_then(|who| who.subjects.as_ref()), rng);
        let caught = captures.values().next();
        let subject = match (subjects.into_iter().next(), rng.u8(..4)) {
            (Some(subject), 1..) => Some(subject),
            (None, 3) => caught.cloned(),
            (_, 2) => rng.choice(&self.strings).cloned(),
            (_, 1) => Some("somebody".to_owned()),
            _ => None,
        };
        let mut claims = Map::new();
        for (place, kind) in &self.claims {
            if let Some(value) = self.claim(*kind, caught, rng) {
                place::insert(&mut claims, place, value);
            }
        }
        SyntheticUser {
            issuer,
            iss,
            rules,
            subject,
            groups,
            scopes,
            claims,
        }
    }

    fn name(&self, entry: &Template, captures: &BTreeMap<String, String>) -> String {
        let middle = entry.capture.as_ref().map(|name| {
            let caught = captures.get(name);
            caught.map_or("a", String::as_str)
        });
        format!("{}{}{}", entry.prefix, middle.unwrap_or(""), entry.suffix)
    }

    fn claim(&self, kind: ClaimKind, caught: Option<&String>, rng: &mut Rng) -> Option<Value> {
        let text = |rng: &mut Rng| match (caught, rng.u8(..4)) {
            (Some(caught), 0) => caught.clone(),
            _ => rng.choice(&self.strings).cloned().unwrap_or_default(),
        };
        Some(match (rng.u8(..8), kind) {
            (0 | 1, _) => return None,
            (2, ClaimKind::String) => Value::from(1),
            (2, _) => Value::from("text"),
            (_, ClaimKind::String) => text(rng).into(),
            (_, ClaimKind::Int) => rng.choice(&self.ints).copied().unwrap_or(1).into(),
            (_, ClaimKind::Bool) => rng.bool().into(),
            (_, ClaimKind::StringList) => {
                let count = rng.usize(0..3);
                (0..count).map(|_| text(rng)).collect()
            }
        })
    }

    fn ip(&self, rng: &mut Rng) -> Option<IpAddr> {
        match rng.u8(..16) {
            0 => None,
            1 => Some(IpAddr::V6(Ipv6Addr::from_bits(rng.u128(..)))),
            _ => rng.choice(&self.ips).copied(),
        }
    }
}

#[derive(Default)]
struct Words {
    segments: BTreeSet<String>,
    strings: BTreeSet<String>,
    ints: BTreeSet<i64>,
    ips: BTreeSet<IpAddr>,
    times: BTreeSet<i64>,
    groups: BTreeSet<String>,
}

impl Words {
    fn rule(&mut self, rule: &RuleSpec) {
        let RuleSpec {
            patterns,
            who,
            networks,
            from,
            until,
            when,
            unless,
            // Requests have all methods, and nothing else of these.
            course: _,
            id: _,
            effect: _,
            methods: _,
            because: _,
        } = rule;
        let Principals {
            groups,
            subjects,
            // The people of the pool come from the tests and the issuers; scopes are in their tokens.
            anyone: _,
            signed_in: _,
            scopes: _,
            issuers: _,
        } = who;
        for segment in patterns.iter().flat_map(|pattern| &pattern.segments) {
            if let Segment::Literal(text) | Segment::Glob(text) = segment {
                self.segments.insert(text.clone());
            }
        }
        for entry in groups.iter().flatten() {
            if entry.capture.is_none() {
                self.groups.insert(entry.prefix.clone());
            }
        }
        for entry in subjects
            .iter()
            .flatten()
            .filter(|entry| entry.capture.is_none())
        {
            self.text(&entry.prefix);
        }
        networks
            .iter()
            .flatten()
            .for_each(|network| self.network(network));
        for moment in from.iter().chain(until) {
            self.moment(*moment);
        }
        for condition in when.iter().chain(unless) {
            condition.each(&mut |expr| self.expr(expr));
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Str(text) => self.text(text),
            Expr::Int(value) => self.int(*value),
            Expr::Time(seconds) => self.moment(*seconds),
            Expr::TimeShift(inner, by) => {
                if let Expr::Time(seconds) = **inner {
                    self.moment(seconds.saturating_add(*by));
                }
            }
            Expr::Ip(addr) => self.network(&Network {
                addr: *addr,
                prefix: width(*addr),
            }),
            Expr::InStrings(_, list) => list.iter().for_each(|text| self.text(text)),
            Expr::InInts(_, list) => list.iter().for_each(|value| self.int(*value)),
            Expr::InNetworks(_, list) => list.iter().for_each(|network| self.network(network)),
            Expr::InGroups(inner) => {
                if let Expr::Str(text) = &**inner {
                    self.groups.insert(text.clone());
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        for text in [
            text.to_owned(),
            format!("{text}x"),
            format!("x{text}"),
            format!("x{text}x"),
        ] {
            self.strings.insert(text);
        }
    }

    fn int(&mut self, value: i64) {
        // Half and double, because conditions may use other units than claims.
        for near in [value, value / 2, value.saturating_mul(2)] {
            for by in -2..=2 {
                self.ints.insert(near.saturating_add(by));
            }
        }
        self.ints.extend([i64::MIN, i64::MAX]);
    }

    fn moment(&mut self, seconds: i64) {
        self.times
            .extend((-2..=2).map(|by| seconds.saturating_add(by)));
    }

    /// The first and last address, the middle, and the addresses next to them.
    fn network(&mut self, network: &Network) {
        let bits = u32::from(width(network.addr) - network.prefix.min(width(network.addr)));
        let (first, is_v4) = match network.addr {
            IpAddr::V4(addr) => (u128::from(addr.to_bits()), true),
            IpAddr::V6(addr) => (addr.to_bits(), false),
        };
        let size = 1_u128.checked_shl(bits).unwrap_or(u128::MAX);
        let mut near = vec![
            first,
            first.saturating_add(size - 1),
            first.saturating_add(size / 2),
        ];
        near.extend(
            [first.checked_sub(1), first.checked_add(size)]
                .into_iter()
                .flatten(),
        );
        // The addresses of the other half, for a prefix one bit shorter.
        near.extend([first ^ size, (first ^ size).saturating_add(size - 1)]);
        for bits in near {
            let addr = if is_v4 {
                u32::try_from(bits)
                    .ok()
                    .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
            } else {
                Some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
            };
            self.ips.extend(addr);
        }
    }
}
