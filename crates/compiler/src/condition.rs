//! Conditions: the part of CEL that Tollgate accepts, checked and lowered.
//!
//! The grammar is that of the parser crate; the meaning of names, the types, and the accepted part of CEL
//! are defined here. A condition goes through [`guard`] (is it safe to parse?), [`syntax`] (text to
//! tree) and [`lower`] (tree to [`Expr`]). Not here: evaluation.

mod calls;
mod guard;
mod lower;
mod operators;
mod scope;
mod syntax;
mod value;

use crate::diagnostic::{Report, codes};
use crate::document::Text;
use crate::limits::{MAX_CONDITION_PARTS, MAX_CONDITION_STACK, condition_parts, stack_need};
use tollgate_policy::spec::Expr;

pub(crate) use scope::Scope;

/// Reads a condition; reports everything that is wrong with it.
pub(crate) fn read(text: &Text<'_>, scope: Scope<'_>, report: &mut Report) -> Option<Expr> {
    // The empty condition was reported with the shape of the rule.
    if text.value.is_empty() {
        return None;
    }
    if let Err(problem) = guard::check(text.value) {
        let diagnostic = report.add(problem.code, text.part(problem.span), problem.message);
        diagnostic.help(problem.help);
        return None;
    }
    let tree = match syntax::parse(text.value) {
        Ok(tree) => tree,
        Err(errors) => {
            for error in errors {
                let span = error.span.map_or(text.span, |span| text.part(span));
                let diagnostic = report.add(&codes::CONDITION_SYNTAX, span, error.message);
                if let Some(help) = error.help {
                    diagnostic.help(help);
                }
            }
            return None;
        }
    };
    let depth = tree.depth();
    if depth > MAX_CONDITION_PARTS {
        let message =
            format!("the condition has {depth} levels; the limit is {MAX_CONDITION_PARTS}");
        report
            .add(&codes::CONDITION_TOO_LARGE, text.span, message)
            .help("split it into several rules");
        return None;
    }
    let expr = lower::condition(&tree, text, scope, report)?;
    let parts = condition_parts(&expr);
    let stack = stack_need(&expr);
    if parts > MAX_CONDITION_PARTS || stack > MAX_CONDITION_STACK {
        let message = if parts > MAX_CONDITION_PARTS {
            format!("the condition has {parts} parts; the limit is {MAX_CONDITION_PARTS}")
        } else {
            format!(
                "the condition has {stack} nested open operators; the limit is {MAX_CONDITION_STACK}"
            )
        };
        report
            .add(&codes::CONDITION_TOO_LARGE, text.span, message)
            .help("split it into several rules");
        return None;
    }
    Some(expr)
}

#[cfg(test)]
mod tests;
