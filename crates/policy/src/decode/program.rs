//! A condition program read back into the expression it was made of.

use crate::spec::{Arithmetic, Comparison, Expr, StringTest};
use tollgate_core::image::format::{Op, Section};

use super::capture_name;
use super::tables::{Tables, u16_at, u32_at};

/// The expression of a program.
pub(super) fn expr(tables: &Tables<'_>, program: u32) -> Option<Expr> {
    let record = tables.record(Section::Programs, program)?;
    let (start, count) = (u32_at(record, 0)?, u16_at(record, 4)?);
    let mut stack: Vec<Expr> = Vec::new();
    for at in 0..u32::from(count) {
        let word = tables.record(Section::Code, start.checked_add(at)?)?;
        let [op, a, b, c] = *word.first_chunk::<4>()?;
        let (op, operand) = (Op::from_number(op)?, u32::from_le_bytes([a, b, c, 0]));
        let next = instruction(tables, op, operand, &mut stack)?;
        stack.push(next);
    }
    let last = stack.pop()?;
    stack.is_empty().then_some(last)
}

fn instruction(tables: &Tables<'_>, op: Op, operand: u32, stack: &mut Vec<Expr>) -> Option<Expr> {
    let slot = u16::try_from(operand);
    let one = |stack: &mut Vec<Expr>| stack.pop().map(Box::new);
    let two = |stack: &mut Vec<Expr>| {
        let right = stack.pop().map(Box::new)?;
        Some((stack.pop().map(Box::new)?, right))
    };
    let compare = |comparison, stack: &mut Vec<Expr>| {
        let (left, right) = two(stack)?;
        Some(Expr::Compare(comparison, left, right))
    };
    let compute = |operator, stack: &mut Vec<Expr>| {
        let (left, right) = two(stack)?;
        Some(Expr::Arithmetic(operator, left, right))
    };
    let test = |test, stack: &mut Vec<Expr>| {
        let (left, right) = two(stack)?;
        Some(Expr::StringTest(test, left, right))
    };
    Some(match op {
        Op::Bool => Expr::Bool(operand != 0),
        Op::Text => Expr::Str(tables.text(operand)?.to_owned()),
        Op::Int => Expr::Int(tables.int(operand)?),
        Op::Time => Expr::Time(tables.int(operand)?),
        Op::Ip => Expr::Ip(tables.network(operand)?.addr),
        Op::Claim => Expr::Claim(slot.ok()?),
        Op::Has => Expr::Has(slot.ok()?),
        Op::Subject => Expr::Subject,
        Op::Issuer => Expr::Issuer,
        Op::Method => Expr::Method,
        Op::ClientIp => Expr::ClientIp,
        Op::Now => Expr::Now,
        Op::Capture => Expr::Capture(capture_name(slot.ok()?)),
        Op::Not => Expr::Not(one(stack)?),
        Op::And => {
            let (left, right) = two(stack)?;
            Expr::And(left, right)
        }
        Op::Or => {
            let (left, right) = two(stack)?;
            Expr::Or(left, right)
        }
        Op::Eq => compare(Comparison::Eq, stack)?,
        Op::Ne => compare(Comparison::Ne, stack)?,
        Op::Lt => compare(Comparison::Lt, stack)?,
        Op::Le => compare(Comparison::Le, stack)?,
        Op::Gt => compare(Comparison::Gt, stack)?,
        Op::Ge => compare(Comparison::Ge, stack)?,
        Op::Add => compute(Arithmetic::Add, stack)?,
        Op::Sub => compute(Arithmetic::Sub, stack)?,
        Op::Mul => compute(Arithmetic::Mul, stack)?,
        Op::Neg => Expr::Negate(one(stack)?),
        Op::Shift => Expr::TimeShift(one(stack)?, tables.int(operand)?),
        Op::StartsWith => test(StringTest::StartsWith, stack)?,
        Op::EndsWith => test(StringTest::EndsWith, stack)?,
        Op::Contains => test(StringTest::Contains, stack)?,
        Op::InTexts => {
            let texts = tables.set(operand)?.into_iter();
            let texts = texts.map(|text| tables.text(text).map(str::to_owned));
            Expr::InStrings(one(stack)?, texts.collect::<Option<_>>()?)
        }
        Op::InInts => {
            let ints = tables.set(operand)?.into_iter();
            let ints = ints.map(|int| tables.int(int)).collect::<Option<_>>()?;
            Expr::InInts(one(stack)?, ints)
        }
        Op::InNetworks => {
            let networks = tables.set(operand)?.into_iter();
            let networks = networks.map(|at| tables.network(at));
            Expr::InNetworks(one(stack)?, networks.collect::<Option<_>>()?)
        }
        Op::InGroups => Expr::InGroups(one(stack)?),
        Op::InClaim => Expr::InClaim(one(stack)?, slot.ok()?),
    })
}
