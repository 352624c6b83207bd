//! Type checking the programs of conditions, once, when an image is loaded.
//!
//! Not here: evaluating them (`decide::condition`).

use super::budget::Budget;
use super::claim::ClaimKind;
use super::format::{MAX_PROGRAM_WORDS, Op};
use super::read::{View, instruction};
use super::stack::Stack;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Bool,
    Str,
    Int,
    Time,
    Ip,
}

/// Checks that a program uses its stack rightly, ends with one truth value, and names only what exists.
pub(super) fn check(
    view: &View<'_>,
    program: &[[u8; 4]],
    captures: u16,
    budget: &mut Budget,
) -> Option<()> {
    if program.len() > MAX_PROGRAM_WORDS {
        return None;
    }
    budget.spend(program.len())?;
    let mut stack = Stack::new(Type::Bool);
    for word in program {
        let (op, operand) = instruction(*word)?;
        let slot = u16::try_from(operand).ok();
        let result = match op {
            Op::Bool => (operand <= 1).then_some(Type::Bool)?,
            Op::Text => view.text_bytes(operand).map(|_| Type::Str)?,
            Op::Int => view.int(operand).map(|_| Type::Int)?,
            Op::Time => view.int(operand).map(|_| Type::Time)?,
            Op::Ip => view.network(operand).map(|_| Type::Ip)?,
            Op::Claim => match view.claim(slot?)?.1 {
                ClaimKind::String => Type::Str,
                ClaimKind::Int => Type::Int,
                ClaimKind::Bool => Type::Bool,
                ClaimKind::StringList => return None,
            },
            Op::Has => view.claim(slot?).map(|_| Type::Bool)?,
            Op::Subject | Op::Issuer | Op::Method => Type::Str,
            Op::ClientIp => Type::Ip,
            Op::Now => Type::Time,
            Op::Capture => (slot? < captures).then_some(Type::Str)?,
            Op::Not => stack.take(Type::Bool)?,
            Op::And | Op::Or => stack
                .take(Type::Bool)
                .and_then(|_| stack.take(Type::Bool))?,
            Op::Eq | Op::Ne => stack
                .pop()
                .and_then(|kind| stack.take(kind))
                .map(|_| Type::Bool)?,
            Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                let kind = stack.pop()?;
                matches!(kind, Type::Str | Type::Int | Type::Time).then_some(())?;
                stack.take(kind).map(|_| Type::Bool)?
            }
            Op::Add | Op::Sub | Op::Mul => {
                stack.take(Type::Int).and_then(|_| stack.take(Type::Int))?
            }
            Op::Neg => stack.take(Type::Int)?,
            Op::Shift => view.int(operand).and_then(|_| stack.take(Type::Time))?,
            Op::StartsWith | Op::EndsWith | Op::Contains => stack
                .take(Type::Str)
                .and_then(|_| stack.take(Type::Str))
                .map(|_| Type::Bool)?,
            Op::InTexts => {
                budget.spend(view.set_members(operand)?.len())?;
                view.set(operand)
                    .try_for_each(|member| view.text_bytes(member).map(drop))?;
                stack.take(Type::Str).map(|_| Type::Bool)?
            }
            Op::InInts => {
                budget.spend(view.set_members(operand)?.len())?;
                view.set(operand)
                    .try_for_each(|member| view.int(member).map(drop))?;
                stack.take(Type::Int).map(|_| Type::Bool)?
            }
            Op::InNetworks => {
                budget.spend(view.set_members(operand)?.len())?;
                view.set(operand)
                    .try_for_each(|member| view.network(member).map(drop))?;
                stack.take(Type::Ip).map(|_| Type::Bool)?
            }
            Op::InGroups => stack.take(Type::Str).map(|_| Type::Bool)?,
            Op::InClaim => {
                (view.claim(slot?)?.1 == ClaimKind::StringList).then_some(())?;
                stack.take(Type::Str).map(|_| Type::Bool)?
            }
        };
        stack.push(result)?;
    }
    let last = stack.take(Type::Bool);
    last.filter(|_| stack.is_empty()).map(drop)
}

impl Stack<Type> {
    fn take(&mut self, want: Type) -> Option<Type> {
        self.pop().filter(|kind| *kind == want)
    }
}
