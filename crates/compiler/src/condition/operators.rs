//! Operators: logic, comparison, arithmetic and membership.
//!
//! Not here: named functions.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, operators as op};

use super::lower::Lowering;
use super::value::Value;
use crate::diagnostic::{codes, shown};
use crate::rule::network::{self, NetworkError};
use tollgate_policy::spec::{Arithmetic, Comparison, Expr};

impl Lowering<'_, '_> {
    /// The value of an operator; `None` if the call is not one.
    pub(super) fn operator(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Option<Value>> {
        let comparison = match call.func_name.as_str() {
            op::EQUALS => Some(Comparison::Eq),
            op::NOT_EQUALS => Some(Comparison::Ne),
            op::LESS => Some(Comparison::Lt),
            op::LESS_EQUALS => Some(Comparison::Le),
            op::GREATER => Some(Comparison::Gt),
            op::GREATER_EQUALS => Some(Comparison::Ge),
            _ => None,
        };
        if let (Some(comparison), [left, right]) = (comparison, call.args.as_slice()) {
            return Some(self.comparison(node, comparison, left, right));
        }
        Some(match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_AND, [left, right]) => self.logic(left, right, Expr::And),
            (op::LOGICAL_OR, [left, right]) => self.logic(left, right, Expr::Or),
            (op::LOGICAL_NOT, [inner]) => self
                .boolean(inner)
                .map(|inner| Value::Bool(Expr::Not(Box::new(inner)))),
            (op::ADD, [left, right]) => self.sum(node, Arithmetic::Add, left, right),
            (op::SUBSTRACT, [left, right]) => self.sum(node, Arithmetic::Sub, left, right),
            (op::MULTIPLY, [left, right]) => self.sum(node, Arithmetic::Mul, left, right),
            (op::DIVIDE | op::MODULO, _) => self.unsupported(
                node,
                "division is not accepted in conditions",
                "multiply the other side instead: `a > 2 * b` for `a / 2 > b`",
            ),
            (op::NEGATE, [inner]) => self.negation(node, inner),
            (op::IN, [left, right]) => self.membership(node, left, right),
            (op::INDEX, _) => self.index(node, call),
            _ => return None,
        })
    }

    fn boolean(&mut self, node: &IdedExpr) -> Option<Expr> {
        match self.value(node)? {
            Value::Bool(expr) => Some(expr),
            other => {
                self.type_error(
                    node,
                    format!("this is {}, not true or false", other.describe()),
                )
                .help("compare it with something");
                None
            }
        }
    }

    fn logic(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
        join: fn(Box<Expr>, Box<Expr>) -> Expr,
    ) -> Option<Value> {
        // Both sides are looked at before giving up, so that both are reported.
        let (left, right) = (self.boolean(left), self.boolean(right));
        Some(Value::Bool(join(Box::new(left?), Box::new(right?))))
    }

    fn negation(&mut self, node: &IdedExpr, inner: &IdedExpr) -> Option<Value> {
        match self.value(inner)? {
            Value::Int(inner) => Some(Value::Int(Expr::Negate(Box::new(inner)))),
            other => {
                self.type_error(node, format!("`-` before {}", other.describe()))
                    .help("`-` takes an int; write `!` to negate a condition");
                None
            }
        }
    }

    fn comparison(
        &mut self,
        node: &IdedExpr,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<Value> {
        let (left_value, right_value) = (self.value(left), self.value(right));
        let ordered = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        let (left_value, right_value) = match (left_value?, right_value?) {
            (Value::Ip(ip), Value::Str(Expr::Str(text))) => {
                (Value::Ip(ip), Value::Ip(self.address(right, &text)?))
            }
            (Value::Str(Expr::Str(text)), Value::Ip(ip)) => {
                (Value::Ip(self.address(left, &text)?), Value::Ip(ip))
            }
            pair => pair,
        };
        let (left, right) = match (left_value, right_value) {
            (Value::Str(left), Value::Str(right))
            | (Value::Int(left), Value::Int(right))
            | (Value::Time(left), Value::Time(right)) => (left, right),
            (Value::Bool(left), Value::Bool(right)) | (Value::Ip(left), Value::Ip(right))
                if !ordered =>
            {
                (left, right)
            }
            (left, right) => {
                self.incomparable(node, &left, &right);
                return None;
            }
        };
        Some(Value::Bool(Expr::Compare(
            comparison,
            Box::new(left),
            Box::new(right),
        )))
    }

    fn incomparable(&mut self, node: &IdedExpr, left: &Value, right: &Value) {
        let set = |value: &Value| matches!(value, Value::Groups | Value::ClaimList(_));
        let (code, message) = if set(left) || set(right) {
            (&codes::GROUPS_MISUSE, "a set cannot be compared".to_owned())
        } else {
            let (left, right) = (left.describe(), right.describe());
            let message = if left == right && left == "a duration" {
                "durations are not compared".to_owned()
            } else if left == right {
                format!("{left} is neither smaller nor greater than another")
            } else {
                format!("{left} cannot be compared with {right}")
            };
            (&codes::CONDITION_TYPE, message)
        };
        let diagnostic = self.error(code, node, message);
        match (left, right) {
            (Value::Time(_), Value::Str(_)) | (Value::Str(_), Value::Time(_)) => {
                diagnostic.help("write `timestamp(\"2027-02-01T00:00:00Z\")`");
            }
            (Value::Groups | Value::ClaimList(_), _) | (_, Value::Groups | Value::ClaimList(_)) => {
                diagnostic.help("test whether something is in it: `\"name\" in groups`");
            }
            (Value::Int(_), Value::Str(_)) | (Value::Str(_), Value::Int(_)) => {
                diagnostic
                    .help("compare values of the same type; the type of a claim is declared in `[claims]`");
            }
            (Value::Claims, _) | (_, Value::Claims) => {
                diagnostic.help("compare one claim: `claims.name`");
            }
            (Value::Duration(_), _) | (_, Value::Duration(_)) => {
                diagnostic.help("compare timestamps: `now < timestamp(\"…\") + duration(\"1h\")`");
            }
            _ => {
                diagnostic.help("compare two values of one type, such as `claims.level >= 3`");
            }
        }
    }

    /// An address written out.
    fn address(&mut self, node: &IdedExpr, text: &str) -> Option<Expr> {
        if let Some(addr) = network::parse_address(text) {
            return Some(Expr::Ip(addr));
        }
        let message = format!("`{}` is not an address", shown(text));
        let diagnostic = self.error(&codes::BAD_CONSTANT, node, message);
        if text.contains('/') {
            diagnostic.help(format!(
                "write `cidr(\"{text}\").containsIP(ip)` for a network"
            ));
        } else {
            diagnostic.help("write an address such as `203.0.113.7` or `2001:db8::1`");
        }
        None
    }

    fn sum(
        &mut self,
        node: &IdedExpr,
        arithmetic: Arithmetic,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<Value> {
        let (left, right) = (self.value(left), self.value(right));
        match (left?, arithmetic, right?) {
            (Value::Int(left), _, Value::Int(right)) => Some(Value::Int(Expr::Arithmetic(
                arithmetic,
                Box::new(left),
                Box::new(right),
            ))),
            (Value::Time(time), Arithmetic::Add, Value::Duration(seconds))
            | (Value::Duration(seconds), Arithmetic::Add, Value::Time(time)) => {
                Some(Value::Time(Expr::TimeShift(Box::new(time), seconds)))
            }
            // A duration is parsed from its digits and a sign, so it is never `i64::MIN`.
            (Value::Time(time), Arithmetic::Sub, Value::Duration(seconds)) => Some(Value::Time(
                Expr::TimeShift(Box::new(time), seconds.checked_neg()?),
            )),
            (Value::Str(_), Arithmetic::Add, Value::Str(_)) => self.unsupported(
                node,
                "joining strings is not accepted in conditions",
                "a name of `groups`, `scopes` or `subjects` can contain a capture: `course-{course}`",
            ),
            (Value::Time(_), Arithmetic::Sub, Value::Time(_)) => self.unsupported(
                node,
                "the time between two timestamps is not accepted in conditions",
                "compare timestamps: `now < timestamp(\"…\") + duration(\"1h\")`",
            ),
            (left, arithmetic, right) => {
                let sign = match arithmetic {
                    Arithmetic::Add => '+',
                    Arithmetic::Sub => '-',
                    Arithmetic::Mul => '*',
                };
                let message = format!(
                    "`{sign}` between {} and {}",
                    left.describe(),
                    right.describe()
                );
                self.type_error(node, message).help(
                    "compute with two ints, or shift a time by a duration: `now - duration(\"72h\")`",
                );
                None
            }
        }
    }

    fn membership(
        &mut self,
        node: &IdedExpr,
        left_node: &IdedExpr,
        right_node: &IdedExpr,
    ) -> Option<Value> {
        let (left, right) = (self.value(left_node), self.value(right_node));
        let expr = match (left?, right?) {
            (Value::Str(text), Value::Groups) => Expr::InGroups(Box::new(text)),
            (Value::Str(text), Value::ClaimList(slot)) => Expr::InClaim(Box::new(text), slot),
            (Value::Str(text), Value::Strings(list)) => Expr::InStrings(Box::new(text), list),
            (Value::Int(int), Value::Ints(list)) => Expr::InInts(Box::new(int), list),
            (Value::Ip(ip), Value::Strings(list)) => {
                let mut networks = Vec::new();
                for text in list {
                    match self.address(right_node, &text)? {
                        Expr::Ip(addr) => networks.push(network::single(addr)),
                        _ => return None,
                    }
                }
                Expr::InNetworks(Box::new(ip), networks)
            }
            // In CEL, the test for a member of a map whose name is not an identifier.
            (Value::Str(Expr::Str(name)), Value::Claims) => return self.has_claim(node, &name),
            (Value::Ip(_), Value::Network(_)) => {
                return self.unsupported(
                    node,
                    "`in` is not supported for networks",
                    "write `cidr(\"…\").containsIP(ip)`",
                );
            }
            (left, right) => {
                let message = format!("{} is never in {}", left.describe(), right.describe());
                let diagnostic = self.type_error(node, message);
                diagnostic.help(match right {
                    Value::Str(_) => "write `a.contains(b)` to search a string",
                    _ => "look for a string among strings, or for an int among ints",
                });
                return None;
            }
        };
        Some(Value::Bool(expr))
    }

    /// Reports an invalid network at its literal.
    pub(super) fn bad_network(&mut self, node: &IdedExpr, text: &str, error: NetworkError) {
        let help = match error {
            NetworkError::HostBits(network) | NetworkError::Mapped(network) => {
                format!("write `{}`", network::display(network))
            }
            NetworkError::Malformed | NetworkError::PrefixTooLong { .. } => {
                "write an address and a prefix length: `10.0.0.0/8`".to_owned()
            }
        };
        let message = match error {
            NetworkError::HostBits(_) => {
                format!("`{}` has bits set beyond its prefix", shown(text))
            }
            _ => format!("`{}` is not a network", shown(text)),
        };
        self.error(&codes::BAD_CONSTANT, node, message).help(help);
    }
}
