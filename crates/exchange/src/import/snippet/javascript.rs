//! Settings in JavaScript, TypeScript or JSON: members of objects, constants and assignments.
//!
//! Not here: the settings that matter.

use std::thread;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    AssignmentExpression, AssignmentTarget, BindingPattern, CallExpression,
    ComputedMemberExpression, ConditionalExpression, Expression, IfStatement, NewExpression,
    ObjectExpression, ObjectProperty, ObjectPropertyKind, SwitchStatement, ThrowStatement,
    VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType};

use super::found::{Found, Setting};

/// The contents of a script.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) settings: Vec<Setting>,
    /// Whether it calls the library `cognito-at-edge`.
    pub(super) is_authenticator: bool,
    /// Whether it contains decisions of its own.
    pub(super) has_code: bool,
}

/// The maximum length of a script.
const MAX_SCRIPT_BYTES: usize = 48 * 1024;
/// Sufficient for the parser's recursion over the longest script, which needs about 5 KiB per
/// level.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Parses a script; `None` if the text is not one.
pub(super) fn read(text: &str) -> Option<Script> {
    if text.len() > MAX_SCRIPT_BYTES {
        return None;
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let reading = thread.spawn_scoped(scope, || script(text)).ok()?;
        reading.join().ok().flatten()
    })
}

fn script(text: &str) -> Option<Script> {
    // An object on its own would be parsed as a block.
    let in_brackets = text
        .trim_start()
        .starts_with('{')
        .then(|| format!("({text})"));
    let looks_like_code = ["{", "const ", "let ", "var ", "import ", "require(", "new "]
        .iter()
        .any(|word| text.contains(word));
    if !looks_like_code {
        return None;
    }
    in_brackets
        .as_deref()
        .and_then(|text| parse(text, 1))
        .or_else(|| parse(text, 0))
}

fn parse(source: &str, added: usize) -> Option<Script> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::ts()).parse();
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        return None;
    }
    let mut reader = Reader {
        source,
        added,
        script: Script::default(),
    };
    reader.visit_program(&parsed.program);
    Some(reader.script)
}

struct Reader<'s> {
    source: &'s str,
    /// The number of bytes added before the text.
    added: usize,
    script: Script,
}

impl Reader<'_> {
    fn add(&mut self, name: &str, value: &Expression<'_>) {
        let found = self.found(value);
        self.push(name, value.span().start, found);
    }

    /// Adds a setting whose value is computed by code.
    fn add_other(&mut self, name: &str, start: u32) {
        self.push(name, start, Found::Other("code".to_owned()));
    }

    fn push(&mut self, name: &str, start: u32, found: Found) {
        let offset = usize::try_from(start).unwrap_or_default();
        let before = self.source.get(self.added..offset).unwrap_or_default();
        self.script.settings.push(Setting {
            name: name.to_owned(),
            line: before.matches('\n').count() + 1,
            found,
        });
    }

    fn text(&self, value: &Expression<'_>) -> Option<String> {
        match value.get_inner_expression() {
            Expression::StringLiteral(text) => Some(text.value.to_string()),
            Expression::TemplateLiteral(template) => {
                template.single_quasi().map(|text| text.to_string())
            }
            _ => None,
        }
    }

    fn found(&self, value: &Expression<'_>) -> Found {
        if let Some(text) = self.text(value) {
            return Found::Text(text);
        }
        let span = value.span();
        let range = usize::try_from(span.start)
            .ok()
            .zip(usize::try_from(span.end).ok());
        let source = range
            .and_then(|(start, end)| self.source.get(start..end))
            .unwrap_or_default();
        match value.get_inner_expression() {
            Expression::ArrayExpression(list) => {
                let texts = list
                    .elements
                    .iter()
                    .map(|item| self.text(item.as_expression()?));
                match texts.collect() {
                    Some(texts) => Found::List(texts),
                    None => Found::Other(source.to_owned()),
                }
            }
            Expression::ObjectExpression(_)
            | Expression::BooleanLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::NumericLiteral(_) => Found::Other(source.to_owned()),
            _ => Found::Expression(source.to_owned()),
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if let Some(name) = property.key.static_name() {
            self.add(&name, &property.value);
        }
        walk::walk_object_property(self, property);
    }

    /// Parameters of a CloudFormation stack are pairs of a key and a value.
    fn visit_object_expression(&mut self, object: &ObjectExpression<'a>) {
        let member = |wanted: &str| {
            object
                .properties
                .iter()
                .find_map(|property| match property {
                    ObjectPropertyKind::ObjectProperty(property) => {
                        (property.key.static_name()? == wanted).then_some(&property.value)
                    }
                    ObjectPropertyKind::SpreadProperty(_) => None,
                })
        };
        if let (Some(key), Some(value)) = (member("ParameterKey"), member("ParameterValue"))
            && let Some(name) = self.text(key)
        {
            self.add(&name, value);
            return;
        }
        walk::walk_object_expression(self, object);
    }

    fn visit_variable_declarator(&mut self, variable: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(name), Some(value)) =
            (&variable.id, &variable.init)
        {
            self.add(name.name.as_str(), value);
        }
        walk::walk_variable_declarator(self, variable);
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        let name = match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => Some(name.name.as_str()),
            AssignmentTarget::StaticMemberExpression(member) => Some(member.property.name.as_str()),
            _ => None,
        };
        if let Some(name) = name {
            self.add(name, &assignment.right);
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_new_expression(&mut self, call: &NewExpression<'a>) {
        let is_named = |name: &str| match &call.callee {
            Expression::Identifier(own) => own.name == name,
            Expression::StaticMemberExpression(member) => member.property.name == name,
            _ => false,
        };
        self.script.is_authenticator |= is_named("Authenticator");
        walk::walk_new_expression(self, call);
    }

    /// A value that is extended later, and code with assertions.
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        const ADDS: [&str; 4] = ["push", "unshift", "concat", "add"];
        match &call.callee {
            Expression::StaticMemberExpression(member)
                if ADDS.contains(&member.property.name.as_str()) =>
            {
                let name = match &member.object {
                    Expression::Identifier(name) => Some(name.name.as_str()),
                    Expression::StaticMemberExpression(inner) => Some(inner.property.name.as_str()),
                    _ => None,
                };
                if let Some(name) = name {
                    self.add_other(name, call.span().start);
                }
            }
            Expression::Identifier(name) if name.name.starts_with("assert") => {
                self.script.has_code = true;
            }
            _ => {}
        }
        walk::walk_call_expression(self, call);
    }

    /// Code that reads the groups of a token makes decisions with them.
    fn visit_computed_member_expression(&mut self, member: &ComputedMemberExpression<'a>) {
        if self.text(&member.expression).as_deref() == Some("cognito:groups") {
            self.add_other("group", member.span().start);
        }
        walk::walk_computed_member_expression(self, member);
    }

    fn visit_conditional_expression(&mut self, branch: &ConditionalExpression<'a>) {
        self.script.has_code = true;
        walk::walk_conditional_expression(self, branch);
    }

    fn visit_switch_statement(&mut self, branch: &SwitchStatement<'a>) {
        self.script.has_code = true;
        walk::walk_switch_statement(self, branch);
    }

    fn visit_if_statement(&mut self, branch: &IfStatement<'a>) {
        self.script.has_code = true;
        walk::walk_if_statement(self, branch);
    }

    fn visit_throw_statement(&mut self, throw: &ThrowStatement<'a>) {
        self.script.has_code = true;
        walk::walk_throw_statement(self, throw);
    }
}
