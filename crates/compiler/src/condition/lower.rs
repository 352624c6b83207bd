//! From CEL's tree to a typed expression: names, claims, captures and literals.
//!
//! A part that was reported is `None` in all expressions around it, so each error is reported once. Not here:
//! operators and functions (`operators`, `calls`).

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr as Cel, ListExpr, LiteralValue, SelectExpr};

use super::scope::Scope;
use super::syntax::Tree;
use super::value::Value;
use crate::diagnostic::{Code, Diagnostic, Report, Span, codes, shown};
use crate::document::Text;
use crate::keys::nearest;
use crate::rule::who::check_capture;
use tollgate_policy::spec::Expr;

/// The names a condition can speak about.
const NAMES: [&str; 8] = [
    "claims", "groups", "sub", "issuer", "path", "method", "ip", "now",
];

/// Other words that people try for them.
const ALSO: [(&str, &str); 14] = [
    ("address", "ip"),
    ("client_ip", "ip"),
    ("group", "groups"),
    ("iss", "issuer"),
    ("jwt", "claims"),
    ("remote_ip", "ip"),
    ("roles", "groups"),
    ("source_ip", "ip"),
    ("subject", "sub"),
    ("time", "now"),
    ("token", "claims"),
    ("user", "sub"),
    ("user_id", "sub"),
    ("verb", "method"),
];

/// Lowers a whole condition, which must be true or false.
pub(super) fn condition(
    tree: &Tree<'_>,
    text: &Text<'_>,
    scope: Scope<'_>,
    report: &mut Report,
) -> Option<Expr> {
    let mut lowering = Lowering {
        tree,
        text,
        scope,
        report,
    };
    match lowering.value(&tree.root)? {
        Value::Bool(expr) => Some(expr),
        other => {
            let message = format!("the condition is {}, not true or false", other.describe());
            let diagnostic = lowering.error(&codes::NOT_A_CONDITION, &tree.root, message);
            match other {
                Value::Groups | Value::ClaimList(_) => {
                    diagnostic.help("ask whether something is in it: `\"name\" in groups`")
                }
                _ => diagnostic.help("compare it with something"),
            };
            None
        }
    }
}

/// A condition being lowered.
pub(super) struct Lowering<'a, 'r> {
    pub(super) tree: &'a Tree<'a>,
    pub(super) text: &'a Text<'a>,
    pub(super) scope: Scope<'a>,
    pub(super) report: &'a mut Report<'r>,
}

impl Lowering<'_, '_> {
    pub(super) fn value(&mut self, node: &IdedExpr) -> Option<Value> {
        match &node.expr {
            Cel::Literal(literal) => self.literal(node, literal),
            Cel::Ident(name) => self.name(node, name),
            Cel::Select(select) if select.test => self.presence(node, select),
            Cel::Select(select) => self.field(node, select),
            Cel::List(list) => self.list(node, list),
            Cel::Call(call) => self.call(node, call),
            Cel::Comprehension(_) => {
                let name = self.tree.macro_name(node).unwrap_or("all").to_owned();
                self.unsupported(
                    node,
                    format!("`{name}` loops over a list"),
                    "ask for each name: `\"a\" in groups || \"b\" in groups`",
                )
            }
            Cel::Map(_) => self.unsupported(
                node,
                "maps are not accepted in conditions",
                "compare the claims one by one, joined by `&&`",
            ),
            Cel::Struct(_) => self.unsupported(
                node,
                "messages are not accepted in conditions",
                "compare the claims one by one, joined by `&&`",
            ),
            Cel::Unspecified => None,
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Value> {
        if let Some(value) = self.operator(node, call) {
            return value;
        }
        match call.target.as_deref() {
            Some(target) => self.method(node, target, call),
            None => self.function(node, call),
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Option<Value> {
        match literal {
            LiteralValue::Boolean(value) => Some(Value::Bool(Expr::Bool(*value.inner()))),
            LiteralValue::Int(value) => Some(Value::Int(Expr::Int(*value.inner()))),
            LiteralValue::String(value) => Some(Value::Str(Expr::Str(value.inner().to_owned()))),
            LiteralValue::Double(_) => self.unsupported(
                node,
                "floating point numbers are not accepted in conditions",
                "use whole numbers, such as cents for money",
            ),
            LiteralValue::UInt(_) => self.unsupported(
                node,
                "unsigned numbers are not accepted in conditions",
                "leave out the `u`",
            ),
            LiteralValue::Bytes(_) => self.unsupported(
                node,
                "bytes are not accepted in conditions",
                "leave out the `b`",
            ),
            LiteralValue::Null => self.unsupported(
                node,
                "`null` is not accepted in conditions",
                "write `has(claims.name)` to ask whether a claim is there",
            ),
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        Some(match name {
            "claims" => Value::Claims,
            "groups" => Value::Groups,
            "ip" => Value::Ip(Expr::ClientIp),
            "issuer" => Value::Str(Expr::Issuer),
            "method" => Value::Str(Expr::Method),
            "now" => Value::Time(Expr::Now),
            "path" => Value::Path,
            "sub" => Value::Str(Expr::Subject),
            _ => return self.unknown_name(node, name),
        })
    }

    fn unknown_name(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        let is_claim = self.scope.claims.find(name).is_some();
        let is_capture = self
            .scope
            .captures
            .iter()
            .any(|pattern| pattern.names.contains(name));
        let diagnostic = self.error(
            &codes::UNKNOWN_NAME,
            node,
            format!("`{}` is not a name here", shown(name)),
        );
        let also = ALSO
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, meant)| *meant);
        if is_claim {
            diagnostic.help(format!("claims are read as `claims.{name}`"));
        } else if is_capture {
            diagnostic.help(format!("captures are read as `path.{name}`"));
        } else if name == "scopes" || name == "scope" {
            diagnostic.help("scopes are a key of the rule: `scopes = [\"…\"]`");
        } else if let Some(near) = also.or_else(|| nearest(name, NAMES)) {
            diagnostic.help(format!("did you mean `{near}`?"));
        } else if ["and", "or", "not"].contains(&name) {
            diagnostic.help("CEL writes `&&` for and, `||` for or, `!` for not");
        } else {
            diagnostic.help("text needs quotes; a claim is `claims.name`");
        }
        None
    }

    /// `has(claims.x)`
    fn presence(&mut self, node: &IdedExpr, select: &SelectExpr) -> Option<Value> {
        if matches!(&select.operand.expr, Cel::Ident(name) if name == "claims") {
            return self.has_claim(node, &select.field);
        }
        self.unsupported(
            node,
            "`has` is about claims only",
            "write `has(claims.name)`",
        )
    }

    /// Whether a claim is there.
    pub(super) fn has_claim(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        let (slot, _) = self.declared(node, name)?;
        Some(Value::Bool(Expr::Has(slot)))
    }

    fn field(&mut self, node: &IdedExpr, select: &SelectExpr) -> Option<Value> {
        match &select.operand.expr {
            Cel::Ident(name) if name == "claims" => self.claim(node, &select.field),
            Cel::Ident(name) if name == "path" => self.capture(node, &select.field),
            Cel::Select(_) => self.unsupported(
                node,
                "a field inside a claim or name is not accepted",
                "claims are flat; let the issuer put the value into a claim of its own",
            ),
            _ => {
                let operand = self.value(&select.operand)?.describe();
                let message = format!("no field `{}` on {operand}", select.field);
                self.type_error(node, message)
                    .help("only `claims` and `path` have fields: `claims.level`, `path.course`");
                None
            }
        }
    }

    /// `claims["x"]`
    pub(super) fn index(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Value> {
        let [operand, index] = call.args.as_slice() else {
            return None;
        };
        let literal = match &index.expr {
            Cel::Literal(LiteralValue::String(text)) => Some(text.inner()),
            _ => None,
        };
        match (&operand.expr, literal) {
            (Cel::Ident(name), Some(field)) if name == "claims" => self.claim(node, field),
            (Cel::Ident(name), None) if name == "claims" => {
                self.error(
                    &codes::NOT_CONSTANT,
                    index,
                    "the name of a claim is not a literal",
                )
                .help("write the claim's name in quotes");
                None
            }
            (Cel::Ident(name), Some(field)) if name == "path" => {
                let help = format!("write `path.{field}`");
                self.unsupported(node, "captures are not read with brackets", help)
            }
            _ => self.unsupported(
                node,
                "an element of a list is not accepted",
                "ask whether something is in the list: `\"name\" in groups`",
            ),
        }
    }

    fn claim(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        let (slot, kind) = self.declared(node, name)?;
        Some(Value::claim(slot, kind))
    }

    fn declared(&mut self, node: &IdedExpr, name: &str) -> Option<(u16, tollgate_core::ClaimKind)> {
        if let Some(found) = self.scope.claims.find(name) {
            return Some(found);
        }
        let claims = self.scope.claims;
        // Without a readable `site.toml` nobody knows what is declared.
        if claims.is_known() {
            let diagnostic = self.error(
                &codes::UNDECLARED_CLAIM,
                node,
                format!("claim `{}` is not declared", shown(name)),
            );
            if let Some(near) = nearest(name, claims.names()) {
                diagnostic.help(format!("did you mean `{near}`?"));
            }
            let key = if name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                name.to_owned()
            } else {
                format!("\"{}\"", shown(name))
            };
            diagnostic.help(format!(
                "declare it under `[claims]` in `site.toml`: `{key} = \"string\"`"
            ));
        }
        None
    }

    fn capture(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        let span = self.span(self.tree.place(node));
        check_capture(name, span, self.scope.captures, self.report)
            .then(|| Value::Str(Expr::Capture(name.to_owned())))
    }

    fn list(&mut self, node: &IdedExpr, list: &ListExpr) -> Option<Value> {
        if list.elements.is_empty() {
            let diagnostic = self.error(&codes::EMPTY, node, "empty list: `in` is always false");
            diagnostic.help("list what may be in it");
            return None;
        }
        let mut strings = Vec::new();
        let mut ints = Vec::new();
        for element in &list.elements {
            match &element.expr {
                Cel::Literal(LiteralValue::String(text)) => strings.push(text.inner().to_owned()),
                Cel::Literal(LiteralValue::Int(int)) => ints.push(*int.inner()),
                _ => {
                    self.error(
                        &codes::NOT_CONSTANT,
                        element,
                        "an entry of a list is not a literal",
                    )
                    .help(
                        "list strings or ints; compare with anything else by `==`, joined by `||`",
                    );
                    return None;
                }
            }
        }
        match (strings.is_empty(), ints.is_empty()) {
            (false, true) => Some(Value::Strings(strings)),
            (true, false) => Some(Value::Ints(ints)),
            _ => {
                self.type_error(node, "the list mixes strings and ints")
                    .help("write two lists, joined by `||`");
                None
            }
        }
    }

    /// The text of a string literal.
    pub(super) fn constant<'n>(&mut self, node: &'n IdedExpr, what: &str) -> Option<&'n str> {
        if let Cel::Literal(LiteralValue::String(text)) = &node.expr {
            return Some(text.inner());
        }
        self.error(
            &codes::NOT_CONSTANT,
            node,
            format!("{what} is not a string literal"),
        )
        .help("write it out in quotes");
        None
    }

    fn span(&self, place: Span) -> Span {
        self.text.part(place)
    }

    pub(super) fn error(
        &mut self,
        code: &'static Code,
        node: &IdedExpr,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let span = self.span(self.tree.place(node));
        self.report.add(code, span, message)
    }

    pub(super) fn type_error(
        &mut self,
        node: &IdedExpr,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.error(&codes::CONDITION_TYPE, node, message)
    }

    pub(super) fn unsupported(
        &mut self,
        node: &IdedExpr,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<Value> {
        self.error(&codes::UNSUPPORTED, node, message).help(help);
        None
    }
}
