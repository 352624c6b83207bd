//! Checks that a script is in the subset of JavaScript that an edge's engine accepts.
//!
//! CloudFront reports most of this only when a request fails, so it is checked before deployment. Only what is
//! known to work is accepted: the allowed node kinds, names and modules are listed. Not here: the behaviour of
//! the script.

use core::fmt;
use std::collections::BTreeSet;

use oxc_allocator::{Allocator, Vec as ArenaVec};
use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression, Function, MemberExpression};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};
use oxc_syntax::operator::LogicalOperator;
use oxc_syntax::scope::ScopeFlags;

/// The features of an engine beyond the common subset.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Modules that may be imported.
    modules: &'static [&'static str],
    /// Names that the engine provides.
    globals: &'static [&'static str],
    /// Whether the engine has WebCrypto.
    has_subtle: bool,
    /// Whether the script exports its handlers; otherwise they are found by name.
    has_exports: bool,
}

impl Rules {
    /// CloudFront Functions, runtime `cloudfront-js-2.0`.
    pub const CLOUDFRONT: Self = Self {
        modules: &["cloudfront", "crypto"],
        globals: &[
            "Array",
            "Buffer",
            "Date",
            "JSON",
            "Math",
            "Object",
            "String",
            "atob",
            "btoa",
            "console",
            "decodeURIComponent",
            "encodeURIComponent",
            "parseInt",
            "undefined",
        ],
        has_subtle: false,
        has_exports: false,
    };
    /// Akamai EdgeWorkers.
    pub const EDGEWORKERS: Self = Self {
        modules: &["crypto", "encoding", "log"],
        globals: &[
            "Array",
            "Date",
            "JSON",
            "Math",
            "Object",
            "String",
            "Uint8Array",
            "decodeURIComponent",
            "encodeURIComponent",
            "parseInt",
            "undefined",
        ],
        has_subtle: true,
        has_exports: true,
    };
}

/// A construct that the engine does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of construct.
    pub what: Forbidden,
    /// Its position, in bytes from the start.
    pub at: u32,
    /// The beginning of its text.
    pub text: String,
}

/// The kinds of constructs that an engine does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forbidden {
    /// The script is not JavaScript.
    Syntax,
    /// A class.
    Class,
    /// Taking objects or arrays apart in a declaration, parameter or assignment.
    Destructuring,
    /// `...`
    Spread,
    /// `for (… of …)`
    ForOf,
    /// A parameter with a default value.
    DefaultParameter,
    /// `?.`
    OptionalChaining,
    /// `??`
    Coalescing,
    /// `||=`, `&&=` or `??=`
    LogicalAssignment,
    /// An integer literal with `n`.
    BigInt,
    /// `function*` or `yield`
    Generator,
    /// A regular expression with other flags than `g` and `i`.
    RegexFlag,
    /// `await` among the arguments of a call.
    AwaitInArguments,
    /// `catch` without a name.
    CatchWithoutName,
    /// A method in an object, which loses its arguments where it is `async`.
    Method,
    /// An `async` function inside another, or an `async` arrow function.
    AsyncClosure,
    /// `crypto.subtle`
    Subtle,
    /// A module that the engine does not have.
    Module,
    /// An export, where handlers are found by name.
    Export,
    /// A name that nothing declares and the engine does not provide.
    Name,
    /// Anything else beyond the subset.
    Other,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not JavaScript",
            Self::Class => "a class",
            Self::Destructuring => "destructuring",
            Self::Spread => "`...`",
            Self::ForOf => "`for … of`",
            Self::DefaultParameter => "a default parameter",
            Self::OptionalChaining => "`?.`",
            Self::Coalescing => "`??`",
            Self::LogicalAssignment => "a logical assignment",
            Self::BigInt => "a BigInt",
            Self::Generator => "a generator",
            Self::RegexFlag => "a flag of a regular expression",
            Self::AwaitInArguments => "`await` in arguments",
            Self::CatchWithoutName => "`catch` without a name",
            Self::Method => "a method in an object",
            Self::AsyncClosure => "an `async` function inside another",
            Self::Subtle => "`crypto.subtle`",
            Self::Module => "an unknown module",
            Self::Export => "an export",
            Self::Name => "an undeclared name",
            Self::Other => "a construct beyond the subset",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.what, self.at, self.text)
    }
}

/// Checks a script.
///
/// # Errors
/// Returns every construct that the engine does not accept, in the order of the text.
pub fn check(source: &str, rules: &Rules) -> Result<(), Vec<Finding>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::mjs()).parse();
    let mut linter = Linter {
        rules,
        source,
        findings: Vec::new(),
        refused: Vec::new(),
        arguments: 0,
        functions: 0,
        declared: BTreeSet::new(),
        referenced: Vec::new(),
    };
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        linter.add(Forbidden::Syntax, Span::new(0, 0));
        return Err(linter.findings);
    }
    linter.visit_program(&parsed.program);
    for (name, span) in core::mem::take(&mut linter.referenced) {
        if !linter.declared.contains(name) && !rules.globals.contains(&name) {
            linter.add(Forbidden::Name, span);
        }
    }
    linter.findings.sort_by_key(|finding| finding.at);
    if linter.findings.is_empty() {
        Ok(())
    } else {
        Err(linter.findings)
    }
}

struct Linter<'a, 'r> {
    rules: &'r Rules,
    source: &'a str,
    findings: Vec<Finding>,
    /// The spans and kinds of the findings.
    refused: Vec<(Span, Forbidden)>,
    /// The number of enclosing argument lists.
    arguments: usize,
    /// The number of enclosing functions.
    functions: usize,
    declared: BTreeSet<&'a str>,
    referenced: Vec<(&'a str, Span)>,
}

impl Linter<'_, '_> {
    fn add(&mut self, what: Forbidden, span: Span) {
        // A construct that was reported is not reported again for its parts.
        let is_known = self.refused.iter().any(|(whole, why)| {
            let inside = whole.start <= span.start && span.end <= whole.end;
            inside && (what == Forbidden::Other || what == *why)
        });
        if is_known {
            return;
        }
        self.refused.push((span, what));
        let rest = self
            .source
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default();
        self.findings.push(Finding {
            what,
            at: span.start,
            text: rest.chars().take(40).collect(),
        });
    }

    fn refuse_if(&mut self, refused: bool, what: Forbidden, span: Span) {
        if refused {
            self.add(what, span);
        }
    }
}

impl<'a> Visit<'a> for Linter<'a, '_> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        let span = kind.span();
        match kind {
            AstKind::BindingIdentifier(name) => {
                self.declared.insert(name.name.as_str());
            }
            AstKind::IdentifierReference(name) => self.referenced.push((name.name.as_str(), span)),
            AstKind::Class(_) => self.add(Forbidden::Class, span),
            AstKind::ArrayPattern(_)
            | AstKind::ObjectPattern(_)
            | AstKind::ArrayAssignmentTarget(_)
            | AstKind::ObjectAssignmentTarget(_) => self.add(Forbidden::Destructuring, span),
            AstKind::SpreadElement(_)
            | AstKind::BindingRestElement(_)
            | AstKind::FormalParameterRest(_) => {
                self.add(Forbidden::Spread, span);
            }
            AstKind::ForOfStatement(_) => self.add(Forbidden::ForOf, span),
            AstKind::AssignmentPattern(_) | AstKind::AssignmentTargetWithDefault(_) => {
                self.add(Forbidden::DefaultParameter, span);
            }
            AstKind::FormalParameter(parameter) => {
                self.refuse_if(
                    parameter.initializer.is_some(),
                    Forbidden::DefaultParameter,
                    span,
                );
            }
            AstKind::ChainExpression(_) => self.add(Forbidden::OptionalChaining, span),
            AstKind::LogicalExpression(logical) => {
                self.refuse_if(
                    logical.operator == LogicalOperator::Coalesce,
                    Forbidden::Coalescing,
                    span,
                );
            }
            AstKind::AssignmentExpression(assignment) => {
                self.refuse_if(
                    assignment.operator.is_logical(),
                    Forbidden::LogicalAssignment,
                    span,
                );
            }
            AstKind::BigIntLiteral(_) => self.add(Forbidden::BigInt, span),
            AstKind::YieldExpression(_) => self.add(Forbidden::Generator, span),
            AstKind::RegExpLiteral(regex) => {
                let other = regex
                    .regex
                    .flags
                    .to_string()
                    .chars()
                    .any(|flag| !"gi".contains(flag));
                self.refuse_if(other, Forbidden::RegexFlag, span);
            }
            AstKind::AwaitExpression(_) => {
                self.refuse_if(self.arguments > 0, Forbidden::AwaitInArguments, span);
            }
            AstKind::CatchClause(clause) => {
                self.refuse_if(clause.param.is_none(), Forbidden::CatchWithoutName, span);
            }
            AstKind::ObjectProperty(property) => {
                let plain = !property.method && !property.shorthand && !property.computed;
                self.refuse_if(!plain, Forbidden::Method, span);
            }
            AstKind::ArrowFunctionExpression(arrow) => {
                self.refuse_if(arrow.r#async, Forbidden::AsyncClosure, span);
            }
            AstKind::ImportDeclaration(import) => {
                let known = self.rules.modules.contains(&import.source.value.as_str());
                self.refuse_if(!known, Forbidden::Module, span);
            }
            AstKind::ImportExpression(_) => self.add(Forbidden::Module, span),
            AstKind::ExportDeclaration(_)
            | AstKind::ExportDefaultDeclaration(_)
            | AstKind::ExportNamedDeclaration(_)
            | AstKind::ExportFromDeclaration(_)
            | AstKind::ExportAllDeclaration(_) => {
                self.refuse_if(!self.rules.has_exports, Forbidden::Export, span);
            }
            AstKind::Program(_)
            | AstKind::IdentifierName(_)
            | AstKind::ThisExpression(_)
            | AstKind::ArrayExpression(_)
            | AstKind::ObjectExpression(_)
            | AstKind::ComputedMemberExpression(_)
            | AstKind::StaticMemberExpression(_)
            | AstKind::CallExpression(_)
            | AstKind::NewExpression(_)
            | AstKind::UpdateExpression(_)
            | AstKind::UnaryExpression(_)
            | AstKind::BinaryExpression(_)
            | AstKind::ConditionalExpression(_)
            | AstKind::SequenceExpression(_)
            | AstKind::ParenthesizedExpression(_)
            | AstKind::BlockStatement(_)
            | AstKind::VariableDeclaration(_)
            | AstKind::VariableDeclarator(_)
            | AstKind::EmptyStatement(_)
            | AstKind::ExpressionStatement(_)
            | AstKind::IfStatement(_)
            | AstKind::DoWhileStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::ForStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ContinueStatement(_)
            | AstKind::BreakStatement(_)
            | AstKind::ReturnStatement(_)
            | AstKind::SwitchStatement(_)
            | AstKind::SwitchCase(_)
            | AstKind::ThrowStatement(_)
            | AstKind::TryStatement(_)
            | AstKind::CatchParameter(_)
            | AstKind::Function(_)
            | AstKind::FormalParameters(_)
            | AstKind::FunctionBody(_)
            | AstKind::ImportSpecifier(_)
            | AstKind::ImportDefaultSpecifier(_)
            | AstKind::ExportSpecifier(_)
            | AstKind::BooleanLiteral(_)
            | AstKind::NullLiteral(_)
            | AstKind::NumericLiteral(_)
            | AstKind::StringLiteral(_) => {}
            _ => self.add(Forbidden::Other, span),
        }
    }

    fn visit_arguments(&mut self, arguments: &ArenaVec<'a, Argument<'a>>) {
        self.arguments += 1;
        walk::walk_arguments(self, arguments);
        self.arguments -= 1;
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        self.refuse_if(function.generator, Forbidden::Generator, function.span);
        self.refuse_if(
            function.r#async && self.functions > 0,
            Forbidden::AsyncClosure,
            function.span,
        );
        // A function among arguments waits for itself, not for the call.
        let arguments = core::mem::take(&mut self.arguments);
        self.functions += 1;
        walk::walk_function(self, function, flags);
        self.functions -= 1;
        self.arguments = arguments;
    }

    fn visit_member_expression(&mut self, member: &MemberExpression<'a>) {
        let is_crypto =
            matches!(member.object(), Expression::Identifier(name) if name.name == "crypto");
        let is_subtle = member.static_property_name() == Some("subtle");
        self.refuse_if(
            is_subtle && is_crypto && !self.rules.has_subtle,
            Forbidden::Subtle,
            member.span(),
        );
        walk::walk_member_expression(self, member);
    }
}

#[cfg(test)]
mod tests;
