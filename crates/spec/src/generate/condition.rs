//! Random well-typed conditions of every kind.

use core::net::IpAddr;

use super::names::{ADDRESSES, INTS, ISSUERS, NETWORKS, OFFSETS, PARTS, PEOPLE, SEGMENTS, TEXTS};
use super::{NOW, Random};
use crate::model::{ClaimType, Expr, METHODS, Network, Operator, Policy, Value};

/// The names that a condition can use.
pub(super) struct Names<'a> {
    pub(super) policy: &'a Policy,
    /// The captures that all patterns of the rule have.
    pub(super) captures: &'a [&'a str],
}

impl<'a> Names<'a> {
    /// A declared claim of this type, if any.
    fn claim(&self, random: &mut Random, kind: ClaimType) -> Option<&'a String> {
        let of_kind = self
            .policy
            .claims
            .iter()
            .filter(|(_, declared)| **declared == kind);
        let names: Vec<&'a String> = of_kind.map(|(name, _)| name).collect();
        if names.is_empty() {
            None
        } else {
            Some(random.pick(&names))
        }
    }
}

const EQUALITY: &[Operator] = &[Operator::Eq, Operator::Ne];
const ORDER: &[Operator] = &[
    Operator::Eq,
    Operator::Ne,
    Operator::Lt,
    Operator::Le,
    Operator::Gt,
    Operator::Ge,
];

/// A condition with at most `depth` levels of logic.
pub(super) fn condition(random: &mut Random, names: &Names, depth: usize) -> Expr {
    if depth > 0 && random.percent(55) {
        let a = condition(random, names, depth - 1);
        return match random.below(8) {
            0..2 => Expr::Not(Box::new(a)),
            2..5 => Expr::And(Box::new(a), Box::new(condition(random, names, depth - 1))),
            5..7 => Expr::Or(Box::new(a), Box::new(condition(random, names, depth - 1))),
            _ => {
                let b = condition(random, names, depth - 1);
                binary(random.pick(EQUALITY), a, b)
            }
        };
    }
    atom(random, names)
}

fn atom(random: &mut Random, names: &Names) -> Expr {
    match random.below(100) {
        0..3 => Expr::Literal(Value::Bool(random.percent(50))),
        3..10 => claim_or(random, names, ClaimType::Bool),
        10..18 => {
            let kind = random.pick(&[
                ClaimType::Text,
                ClaimType::Int,
                ClaimType::Bool,
                ClaimType::Texts,
            ]);
            match names.claim(random, kind) {
                Some(name) => Expr::Has(name.clone()),
                None => now_compared(random),
            }
        }
        18..32 => {
            let (a, b) = (text(random, names), text(random, names));
            binary(random.pick(ORDER), a, b)
        }
        32..46 => {
            let (a, b) = (int(random, names, 2), int(random, names, 1));
            binary(random.pick(ORDER), a, b)
        }
        46..56 => now_compared(random),
        56..60 => {
            let pair = [Expr::ClientAddress, address(random)];
            let [a, b] = if random.percent(80) {
                pair
            } else {
                [pair[1].clone(), pair[0].clone()]
            };
            binary(random.pick(EQUALITY), a, b)
        }
        60..67 => {
            let networks = Expr::Literal(Value::Networks(networks(random)));
            binary(Operator::In, Expr::ClientAddress, networks)
        }
        67..76 => {
            let test = [Operator::StartsWith, Operator::EndsWith, Operator::Contains];
            let a = text(random, names);
            let b = if random.percent(50) {
                literal(random.pick(PARTS))
            } else {
                text(random, names)
            };
            binary(random.pick(&test), a, b)
        }
        76..82 => {
            let list = random
                .some(TEXTS, 3)
                .into_iter()
                .map(|text| Value::Text(text.to_owned()));
            let list = Expr::Literal(Value::List(list.collect()));
            binary(Operator::In, text(random, names), list)
        }
        82..86 => {
            let list = random.some(INTS, 3).into_iter().map(Value::Int).collect();
            binary(
                Operator::In,
                int(random, names, 1),
                Expr::Literal(Value::List(list)),
            )
        }
        86..95 => {
            let a = if random.percent(50) {
                literal(random.pick(PEOPLE))
            } else {
                text(random, names)
            };
            binary(Operator::In, a, Expr::Groups)
        }
        _ => match names.claim(random, ClaimType::Texts) {
            Some(name) => binary(Operator::In, text(random, names), Expr::Claim(name.clone())),
            None => now_compared(random),
        },
    }
}

fn text(random: &mut Random, names: &Names) -> Expr {
    match random.below(10) {
        0..3 => {
            let from = random.pick(&[SEGMENTS, PEOPLE, &METHODS, ISSUERS, TEXTS]);
            literal(random.pick(from))
        }
        3 => Expr::Subject,
        4 => Expr::Issuer,
        5 => Expr::Method,
        6..8 if !names.captures.is_empty() => Expr::Capture(random.pick(names.captures).to_owned()),
        _ => claim_or(random, names, ClaimType::Text),
    }
}

fn int(random: &mut Random, names: &Names, depth: usize) -> Expr {
    if depth > 0 && random.percent(30) {
        let (a, b) = (int(random, names, depth - 1), int(random, names, depth - 1));
        return match random.pick(&[Operator::Add, Operator::Sub, Operator::Mul]) {
            // `-b`
            Operator::Sub if random.percent(50) => {
                binary(Operator::Sub, Expr::Literal(Value::Int(0)), b)
            }
            operator => binary(operator, a, b),
        };
    }
    if random.percent(55) {
        claim_or(random, names, ClaimType::Int)
    } else {
        Expr::Literal(Value::Int(random.pick(INTS)))
    }
}

fn now_compared(random: &mut Random) -> Expr {
    let pair = [
        Expr::Now,
        Expr::Literal(Value::Time(NOW + random.pick(OFFSETS))),
    ];
    let [a, b] = if random.percent(80) {
        pair
    } else {
        [pair[1].clone(), pair[0].clone()]
    };
    let (a, b) = (shifted(random, a), shifted(random, b));
    binary(random.pick(ORDER), a, b)
}

fn shifted(random: &mut Random, time: Expr) -> Expr {
    if !random.percent(25) {
        return time;
    }
    let secs = random.pick(&[1, 60, 3_600, 5_400, 86_400]);
    binary(
        random.pick(&[Operator::Add, Operator::Sub]),
        time,
        Expr::Literal(Value::Secs(secs)),
    )
}

fn address(random: &mut Random) -> Expr {
    let address: Option<IpAddr> = random.pick(ADDRESSES).parse().ok();
    address.map_or(Expr::ClientAddress, |address| {
        Expr::Literal(Value::Address(address))
    })
}

/// Either one network, or several single addresses: the two forms that CEL can express.
fn networks(random: &mut Random) -> Vec<Network> {
    if random.percent(50) {
        let (address, prefix) = random.pick(NETWORKS);
        address
            .parse()
            .map(|address| Network { address, prefix })
            .into_iter()
            .collect()
    } else {
        random
            .some(ADDRESSES, 3)
            .into_iter()
            .filter_map(single)
            .collect()
    }
}

fn single(address: &str) -> Option<Network> {
    let address: IpAddr = address.parse().ok()?;
    Some(Network {
        address,
        prefix: if address.is_ipv4() { 32 } else { 128 },
    })
}

fn claim_or(random: &mut Random, names: &Names, kind: ClaimType) -> Expr {
    match (names.claim(random, kind), kind) {
        (Some(name), _) => Expr::Claim(name.clone()),
        (None, ClaimType::Text) => Expr::Method,
        (None, ClaimType::Int) => Expr::Literal(Value::Int(random.pick(INTS))),
        (None, _) => now_compared(random),
    }
}

fn literal(text: &str) -> Expr {
    Expr::Literal(Value::Text(text.to_owned()))
}

fn binary(operator: Operator, a: Expr, b: Expr) -> Expr {
    Expr::Binary(operator, Box::new(a), Box::new(b))
}
