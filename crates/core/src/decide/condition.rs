//! Evaluating a condition: a small typed program over three-valued truth.
//!
//! The program was checked when its image was loaded (`image::program`), so this needs no recursion, no
//! allocation and no error path: whatever cannot be known is unknown. Not here: CEL, which the compiler
//! lowers to these programs.

use core::net::IpAddr;

use crate::facts::{Claim, Facts};
use crate::image::format::Op;
use crate::image::{Stack, View, read_instruction};
use crate::reason::UnixSeconds;
use crate::tri::Tri;

/// The token for which a rule is evaluated.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    /// No verified token: no groups, no scopes, no subject; claims are unknown.
    None,
    /// A verified token.
    Verified(&'a Facts),
    /// An arbitrary verified token, to determine whether any token could grant access.
    Any,
}

/// Everything a condition can read.
#[derive(Clone, Copy)]
pub(super) struct Env<'a> {
    pub(super) view: View<'a>,
    pub(super) token: Token<'a>,
    pub(super) method: &'a str,
    pub(super) ip: Option<IpAddr>,
    pub(super) now: UnixSeconds,
}

/// The segments that a pattern captured, by number.
pub(super) trait Captures {
    fn capture(&self, number: u16) -> Option<&[u8]>;
}

#[derive(Clone, Copy)]
enum Value<'a> {
    /// Depends on a token of unknown content.
    Open,
    Unknown,
    Bool(Tri),
    Str(&'a [u8]),
    Int(i64),
    Ip(IpAddr),
}

/// Evaluates a checked program. What was not checked evaluates to unknown, which grants nothing.
pub(super) fn eval(env: &Env<'_>, program: &[[u8; 4]], captures: &impl Captures) -> Tri {
    run(env, program, captures).unwrap_or(Tri::UNKNOWN)
}

fn run(env: &Env<'_>, program: &[[u8; 4]], captures: &impl Captures) -> Option<Tri> {
    let view = &env.view;
    let mut stack = Stack::new(Value::Unknown);
    for word in program {
        let (op, operand) = read_instruction(*word)?;
        let slot = operand as u16;
        let value = match op {
            Op::Bool => Value::Bool(Tri::known(operand != 0)),
            Op::Text => Value::Str(view.text_bytes(operand)?),
            Op::Int | Op::Time => Value::Int(view.int(operand)?),
            Op::Ip => Value::Ip(view.network(operand)?.addr),
            Op::Claim => claim(env.token, slot),
            Op::Has => Value::Bool(has(env.token, slot)),
            Op::Subject => match env.token {
                Token::None => Value::Str(b""),
                Token::Any => Value::Open,
                Token::Verified(facts) => facts
                    .subject()
                    .map_or(Value::Unknown, |subject| Value::Str(subject.as_bytes())),
            },
            Op::Issuer => match env.token {
                Token::None => Value::Unknown,
                Token::Any => Value::Open,
                Token::Verified(facts) => Value::Str(facts.issuer().as_bytes()),
            },
            Op::Method => Value::Str(env.method.as_bytes()),
            Op::ClientIp => env.ip.map_or(Value::Unknown, Value::Ip),
            Op::Now => Value::Int(env.now.0),
            Op::Capture => Value::Str(captures.capture(slot)?),
            Op::Not => Value::Bool(truth(stack.pop()?).not()),
            Op::And | Op::Or => {
                let (right, left) = (truth(stack.pop()?), truth(stack.pop()?));
                Value::Bool(if op == Op::And {
                    left.and(right)
                } else {
                    left.or(right)
                })
            }
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                Value::Bool(compare(op, left, right))
            }
            Op::Add | Op::Sub | Op::Mul => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                arithmetic(left, right, |left, right| match op {
                    Op::Add => left.checked_add(right),
                    Op::Sub => left.checked_sub(right),
                    _ => left.checked_mul(right),
                })
            }
            Op::Neg => arithmetic(Value::Int(0), stack.pop()?, i64::checked_sub),
            Op::Shift => arithmetic(
                stack.pop()?,
                Value::Int(view.int(operand)?),
                i64::checked_add,
            ),
            Op::StartsWith | Op::EndsWith | Op::Contains => {
                let (part, whole) = (stack.pop()?, stack.pop()?);
                Value::Bool(string_test(op, whole, part))
            }
            Op::InTexts => Value::Bool(member(stack.pop()?, |value| match value {
                Value::Str(text) => view
                    .set(operand)
                    .any(|id| view.text_bytes(id) == Some(text)),
                _ => false,
            })),
            Op::InInts => Value::Bool(member(stack.pop()?, |value| match value {
                Value::Int(int) => view.set(operand).any(|id| view.int(id) == Some(int)),
                _ => false,
            })),
            Op::InNetworks => Value::Bool(member(stack.pop()?, |value| match value {
                Value::Ip(ip) => view
                    .set(operand)
                    .any(|id| view.network(id).is_some_and(|net| net.contains(ip))),
                _ => false,
            })),
            Op::InGroups => {
                let wanted = stack.pop()?;
                Value::Bool(match env.token {
                    // Without a token there are no groups, but the name to look for may still be unknown.
                    Token::None => member(wanted, |_| false),
                    Token::Any => undecided(wanted, Value::Open),
                    Token::Verified(facts) if facts.groups_unknown => Tri::UNKNOWN,
                    Token::Verified(facts) => member(wanted, |value| match value {
                        Value::Str(name) => facts.groups.any(|group| group == name),
                        _ => false,
                    }),
                })
            }
            Op::InClaim => {
                let wanted = stack.pop()?;
                Value::Bool(match env.token {
                    Token::None => Tri::UNKNOWN,
                    Token::Any => Tri::ANY,
                    Token::Verified(facts) => match facts.claim(slot) {
                        Claim::StringList(list) => member(wanted, |value| match value {
                            Value::Str(text) => list.iter().any(|item| item.as_bytes() == text),
                            _ => false,
                        }),
                        _ => Tri::UNKNOWN,
                    },
                })
            }
        };
        stack.push(value)?;
    }
    stack.pop().map(truth)
}

fn claim<'a>(token: Token<'a>, slot: u16) -> Value<'a> {
    match token {
        Token::None => Value::Unknown,
        Token::Any => Value::Open,
        Token::Verified(facts) => match facts.claim(slot) {
            Claim::String(text) => Value::Str(text.as_bytes()),
            Claim::Int(int) => Value::Int(*int),
            Claim::Bool(bool) => Value::Bool(Tri::known(*bool)),
            Claim::Missing | Claim::WrongType | Claim::StringList(_) => Value::Unknown,
        },
    }
}

fn has(token: Token<'_>, slot: u16) -> Tri {
    match token {
        Token::None => Tri::UNKNOWN,
        Token::Any => Tri::ANY,
        Token::Verified(facts) => match facts.claim(slot) {
            Claim::Missing => Tri::FALSE,
            Claim::WrongType => Tri::UNKNOWN,
            _ => Tri::TRUE,
        },
    }
}

fn truth(value: Value<'_>) -> Tri {
    match value {
        Value::Bool(set) => set,
        Value::Open => Tri::ANY,
        _ => Tri::UNKNOWN,
    }
}

/// The result of an operator on two values of which at least one is not known.
fn undecided(left: Value<'_>, right: Value<'_>) -> Tri {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Tri::UNKNOWN,
        (Value::Open, _) | (_, Value::Open) => Tri::ANY,
        _ => Tri::UNKNOWN,
    }
}

fn compare(op: Op, left: Value<'_>, right: Value<'_>) -> Tri {
    let order = match (left, right) {
        (Value::Str(left), Value::Str(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(&right),
        (Value::Ip(left), Value::Ip(right)) => left.cmp(&right),
        (Value::Bool(_), _) | (_, Value::Bool(_)) => {
            let same = truth(left).same(truth(right));
            return if op == Op::Eq { same } else { same.not() };
        }
        _ => return undecided(left, right),
    };
    Tri::known(match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn arithmetic<'a>(
    left: Value<'a>,
    right: Value<'a>,
    op: impl Fn(i64, i64) -> Option<i64>,
) -> Value<'a> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => op(left, right).map_or(Value::Unknown, Value::Int),
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::Open, _) | (_, Value::Open) => Value::Open,
        _ => Value::Unknown,
    }
}

fn string_test(op: Op, whole: Value<'_>, part: Value<'_>) -> Tri {
    let (Value::Str(whole), Value::Str(part)) = (whole, part) else {
        return undecided(whole, part);
    };
    Tri::known(match op {
        Op::StartsWith => whole.starts_with(part),
        Op::EndsWith => whole.ends_with(part),
        // `windows` needs a length above zero; every string contains the empty one.
        _ => part.is_empty() || whole.windows(part.len()).any(|window| window == part),
    })
}

fn member(value: Value<'_>, test: impl Fn(Value<'_>) -> bool) -> Tri {
    match value {
        Value::Unknown => Tri::UNKNOWN,
        Value::Open => Tri::ANY,
        known => Tri::known(test(known)),
    }
}
