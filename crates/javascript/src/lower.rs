//! Rules and conditions as the JSON that the generated code evaluates.
//!
//! Strings are byte strings: one character for each byte of UTF-8, so that the code compares, orders and
//! cuts them exactly as `tollgate_core` does. Not here: the distribution of rules to pages (`pages`).

use core::net::IpAddr;

use serde_json::{Map, Value, json};
use tollgate_core::{ClaimKind, Effect};

use super::error::JavaScriptError;
use super::features::Features;
use tollgate_policy::spec::{
    Arithmetic, ClaimSpec, Comparison, Expr, ImageSpec, Network, Pattern, Principals, RuleSpec,
    Segment, StringTest, Template,
};

/// The largest time, in seconds, that a double holds exactly with room for a sum.
const MAX_EXACT_SECS: i64 = 1 << 50;
/// 10^7, the base of the code's integers.
const BASE: i64 = 10_000_000;

/// A rule with some of its patterns, as one JSON list.
pub(super) struct Lowered {
    /// Each pattern with its leading literal segments.
    pub(super) patterns: Vec<LoweredPattern>,
    /// The rule without its patterns.
    name: String,
    bits: u32,
    groups: Value,
    more: Map<String, Value>,
}

/// A pattern as the code reads it: every segment after a slash.
pub(super) struct LoweredPattern {
    elements: Vec<String>,
    literals: usize,
}

impl LoweredPattern {
    /// The number of leading literal segments.
    pub(super) fn literal_count(&self) -> usize {
        self.literals
    }

    /// Its first segments, joined as the code joins those of a path.
    pub(super) fn prefix(&self, depth: usize) -> String {
        self.elements.get(..depth).unwrap_or_default().join("/")
    }

    fn rest(&self, depth: usize) -> String {
        let rest = self.elements.get(depth..).unwrap_or_default();
        rest.iter().flat_map(|element| ["/", element]).collect()
    }
}

impl Lowered {
    /// The rule as stored in a page for paths with `depth` segments in common.
    pub(super) fn to_json(&self, patterns: &[&LoweredPattern], depth: usize) -> Value {
        let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.rest(depth)).collect();
        let mut list = vec![json!(self.name), json!(self.bits), json!(patterns)];
        if !self.more.is_empty() {
            list.push(self.groups.clone());
            list.push(Value::Object(self.more.clone()));
        } else if !self.groups.is_null() {
            list.push(self.groups.clone());
        }
        Value::Array(list)
    }

    /// The rule's name, as people know it.
    pub(super) fn shown(&self) -> String {
        self.name.replacen('!', "/", 1)
    }
}

/// Lowers every rule. One that reads captures becomes one rule per pattern, because a capture has
/// a different position in each.
pub(super) fn rules(
    policy: &ImageSpec,
    features: &mut Features,
) -> Result<Vec<Lowered>, JavaScriptError> {
    let mut lowered = Vec::new();
    for rule in &policy.rules {
        let groups: Vec<&[Pattern]> = if rule.captures().is_empty() {
            vec![rule.patterns.as_slice()]
        } else {
            rule.patterns.iter().map(core::slice::from_ref).collect()
        };
        for patterns in groups {
            let mut lower = Lower {
                claims: &policy.claims,
                pattern: patterns.first(),
                rule: format!("{}/{}", rule.course, rule.id),
                features,
            };
            lowered.push(lower.rule(rule, patterns)?);
        }
    }
    if features.has("integers") {
        features.need("order");
    }
    Ok(lowered)
}

/// One character for each byte.
pub(super) fn byte_text(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

struct Lower<'p> {
    claims: &'p [ClaimSpec],
    pattern: Option<&'p Pattern>,
    rule: String,
    features: &'p mut Features,
}

impl Lower<'_> {
    fn need(&mut self, feature: &'static str) {
        self.features.need_for(feature, &self.rule);
    }

    fn rule(&mut self, rule: &RuleSpec, patterns: &[Pattern]) -> Result<Lowered, JavaScriptError> {
        let RuleSpec {
            course,
            id,
            effect,
            methods,
            // It is shown in traces only.
            because: _,
            // Those that the caller chose.
            patterns: _,
            who,
            networks,
            from,
            until,
            when,
            unless,
        } = rule;
        let Principals {
            // A rule without principals is for anyone.
            anyone: _,
            signed_in,
            groups,
            scopes,
            subjects,
            issuers,
        } = who;
        let mut bits = u32::from(methods.bits());
        if *effect == Effect::Deny {
            bits |= 128;
        }
        if *signed_in {
            bits |= 256;
        }
        let mut more = Map::new();
        let groups = match groups {
            Some(names) => self.names(names)?,
            None => Value::Null,
        };
        if let Some(names) = scopes {
            self.need("scopes");
            more.insert("s".to_owned(), self.names(names)?);
        }
        if let Some(names) = subjects {
            self.need("subjects");
            more.insert("u".to_owned(), self.names(names)?);
        }
        if let Some(issuers) = issuers {
            self.need("issuers");
            let issuers: Vec<String> = issuers.iter().map(|iss| byte_text(iss)).collect();
            more.insert("i".to_owned(), json!(issuers));
        }
        if let Some(networks) = networks {
            self.need("rule_networks");
            self.need("address");
            more.insert("n".to_owned(), self.networks(networks));
        }
        for (key, time) in [
            ("f", *from),
            ("t", until.filter(|until| *until != i64::MAX)),
        ] {
            if let Some(time) = time {
                self.need("times");
                more.insert(key.to_owned(), self.exact_time(time)?);
            }
        }
        for (key, feature, condition) in [("w", "when", when), ("x", "unless", unless)] {
            if let Some(condition) = condition {
                self.need(feature);
                self.need("conditions");
                more.insert(key.to_owned(), self.expr(condition)?);
            }
        }
        let patterns = patterns
            .iter()
            .map(|pattern| self.lower_pattern(pattern))
            .collect();
        Ok(Lowered {
            patterns,
            name: format!("{course}!{id}"),
            bits,
            groups,
            more,
        })
    }

    fn lower_pattern(&mut self, pattern: &Pattern) -> LoweredPattern {
        let mut elements: Vec<String> = Vec::new();
        let mut literals = None;
        for segment in &pattern.segments {
            let (text, is_literal) = match segment {
                Segment::Literal(text) => (byte_text(text), true),
                Segment::Glob(text) => (byte_text(text), false),
                Segment::Capture(_) => ("{}".to_owned(), false),
                Segment::Rest => {
                    self.need("rest");
                    ("**".to_owned(), false)
                }
            };
            if !is_literal {
                literals.get_or_insert(elements.len());
            }
            elements.push(text);
        }
        let literals = literals.unwrap_or(elements.len());
        if pattern.trailing_slash {
            elements.push(String::new());
        }
        LoweredPattern { elements, literals }
    }

    /// The position of a capture in a path that matches the pattern, as `slice` counts: from the end if negative.
    fn place(&self, capture: &str) -> Result<i64, JavaScriptError> {
        let place = self.pattern.and_then(|pattern| {
            let is_it =
                |segment: &Segment| matches!(segment, Segment::Capture(name) if name == capture);
            let at = pattern.segments.iter().position(is_it)?;
            let rest = pattern
                .segments
                .iter()
                .position(|segment| *segment == Segment::Rest);
            let count = pattern.segments.len() + usize::from(pattern.trailing_slash);
            let at = i64::try_from(at).ok()?;
            match rest {
                Some(rest) if i64::try_from(rest).ok()? < at => {
                    Some(at - i64::try_from(count).ok()?)
                }
                _ => Some(at),
            }
        });
        place.ok_or_else(|| JavaScriptError::MissingCapture {
            rule: self.rule.clone(),
        })
    }

    fn names(&mut self, names: &[Template]) -> Result<Value, JavaScriptError> {
        self.need("names");
        let mut list = Vec::new();
        for name in names {
            list.push(match &name.capture {
                None => json!(byte_text(&name.prefix)),
                Some(capture) => {
                    self.need("captures");
                    let place = self.place(capture)?;
                    json!([byte_text(&name.prefix), place, byte_text(&name.suffix)])
                }
            });
        }
        Ok(Value::Array(list))
    }

    fn networks(&mut self, networks: &[Network]) -> Value {
        self.need("networks");
        networks
            .iter()
            .map(|network| json!(bits(network.addr, network.prefix)))
            .collect()
    }

    fn exact_time(&self, secs: i64) -> Result<Value, JavaScriptError> {
        if (-MAX_EXACT_SECS..=MAX_EXACT_SECS).contains(&secs) {
            Ok(json!(secs))
        } else {
            Err(JavaScriptError::InexactTime {
                rule: self.rule.clone(),
            })
        }
    }

    fn is_bool(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Claim(slot) => self.kind(*slot) == Some(ClaimKind::Bool),
            other => other.is_logic(),
        }
    }

    fn kind(&self, slot: u16) -> Option<ClaimKind> {
        self.claims.get(usize::from(slot)).map(|claim| claim.kind)
    }

    /// A claim's name and the number of its type.
    fn claim(&mut self, slot: u16) -> Result<(String, u8), JavaScriptError> {
        let missing = || JavaScriptError::MissingClaim {
            rule: self.rule.clone(),
        };
        let claim = self.claims.get(usize::from(slot)).ok_or_else(missing)?;
        let name = byte_text(&claim.name);
        self.need("claims");
        Ok((
            name,
            match claim.kind {
                ClaimKind::String => 0,
                ClaimKind::Int => {
                    self.need("integers");
                    1
                }
                ClaimKind::Bool => 2,
                ClaimKind::StringList => {
                    self.need("claim_lists");
                    3
                }
            },
        ))
    }

    fn expr(&mut self, expr: &Expr) -> Result<Value, JavaScriptError> {
        Ok(match expr {
            Expr::Bool(value) => json!(value),
            Expr::Str(text) => json!(byte_text(text)),
            Expr::Int(int) => {
                self.need("integers");
                json!(["i", int_parts(*int)])
            }
            Expr::Time(secs) => self.exact_time(*secs)?,
            Expr::Ip(addr) => json!(bits(*addr, u8::MAX)),
            Expr::Claim(slot) => {
                self.need("op_claim");
                let (name, kind) = self.claim(*slot)?;
                json!(["c", name, kind])
            }
            Expr::Has(slot) => {
                self.need("op_has");
                let (name, kind) = self.claim(*slot)?;
                json!(["h", name, kind])
            }
            Expr::Subject => self.word("s", "op_subject"),
            Expr::Issuer => self.word("o", "op_issuer"),
            Expr::Method => self.word("m", "op_method"),
            Expr::ClientIp => {
                self.need("address");
                self.word("ip", "op_ip")
            }
            Expr::Now => self.word("n", "op_now"),
            Expr::Capture(name) => {
                self.need("op_capture");
                json!(["p", self.place(name)?])
            }
            Expr::Not(inner) => {
                self.need("op_not");
                json!(["!", self.expr(inner)?])
            }
            Expr::And(left, right) => {
                self.need("op_and");
                self.need("binary");
                json!(["&", self.expr(left)?, self.expr(right)?])
            }
            Expr::Or(left, right) => {
                self.need("op_or");
                self.need("binary");
                json!(["|", self.expr(left)?, self.expr(right)?])
            }
            Expr::Compare(comparison, left, right) if self.is_bool(left) => {
                self.need("op_same");
                self.need("binary");
                let same = json!(["~", self.expr(left)?, self.expr(right)?]);
                if *comparison == Comparison::Eq {
                    same
                } else {
                    self.need("op_not");
                    json!(["!", same])
                }
            }
            Expr::Compare(comparison, left, right) => {
                self.need("op_compare");
                self.need("order");
                let holds = match comparison {
                    Comparison::Lt => 1,
                    Comparison::Eq => 2,
                    Comparison::Le => 3,
                    Comparison::Gt => 4,
                    Comparison::Ne => 5,
                    Comparison::Ge => 6,
                };
                self.need("binary");
                json!(["<", self.expr(left)?, self.expr(right)?, holds])
            }
            Expr::Arithmetic(operator, left, right) => {
                let sign = match operator {
                    Arithmetic::Add => 1,
                    Arithmetic::Sub => -1,
                    Arithmetic::Mul => 0,
                };
                if sign == 0 {
                    self.need("multiply");
                }
                self.need("arithmetic");
                self.need("integers");
                self.need("order");
                self.need("binary");
                json!(["+", self.expr(left)?, self.expr(right)?, sign])
            }
            Expr::Negate(inner) => {
                self.need("arithmetic");
                self.need("integers");
                self.need("order");
                self.need("binary");
                json!(["+", ["i", [0, 0, 0]], self.expr(inner)?, -1])
            }
            Expr::TimeShift(inner, secs) => {
                self.need("op_shift");
                json!(["d", self.expr(inner)?, self.exact_time(*secs)?])
            }
            Expr::StringTest(test, whole, part) => {
                self.need("op_text");
                let method = match test {
                    StringTest::StartsWith => "startsWith",
                    StringTest::EndsWith => "endsWith",
                    StringTest::Contains => "includes",
                };
                self.need("binary");
                json!(["t", self.expr(whole)?, self.expr(part)?, method])
            }
            Expr::InStrings(inner, list) => {
                let list: Vec<String> = list.iter().map(|text| byte_text(text)).collect();
                self.is_in(inner, json!(list))?
            }
            Expr::InInts(inner, list) => {
                self.need("integers");
                let list: Vec<[i64; 3]> = list.iter().map(|int| int_parts(*int)).collect();
                self.is_in(inner, json!(list))?
            }
            Expr::InNetworks(inner, list) => {
                self.need("op_networks");
                let list = self.networks(list);
                json!(["w", self.expr(inner)?, list])
            }
            Expr::InGroups(inner) => {
                self.need("op_groups");
                json!(["g", self.expr(inner)?])
            }
            Expr::InClaim(inner, slot) => {
                let (name, _) = self.claim(*slot)?;
                json!(["l", self.expr(inner)?, name])
            }
        })
    }

    fn word(&mut self, word: &str, feature: &'static str) -> Value {
        self.need(feature);
        json!([word])
    }

    fn is_in(&mut self, inner: &Expr, list: Value) -> Result<Value, JavaScriptError> {
        self.need("op_in");
        self.need("order");
        Ok(json!(["e", self.expr(inner)?, list]))
    }
}

/// The three parts in which the code keeps an integer.
fn int_parts(int: i64) -> [i64; 3] {
    let high = int.div_euclid(BASE);
    [
        int.rem_euclid(BASE),
        high.rem_euclid(BASE),
        high.div_euclid(BASE),
    ]
}

/// An address or the beginning of one, as its family and bits.
fn bits(addr: IpAddr, prefix: u8) -> String {
    let all = match addr {
        IpAddr::V4(addr) => format!("4{:032b}", addr.to_bits()),
        IpAddr::V6(addr) => format!("6{:0128b}", addr.to_bits()),
    };
    all.chars()
        .take(usize::from(prefix).saturating_add(1))
        .collect()
}
