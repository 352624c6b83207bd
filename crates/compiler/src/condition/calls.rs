//! Named functions: `timestamp`, `duration`, `cidr`, and tests of text.
//!
//! Most of it explains the functions of CEL that are not accepted. Not here: operators.

use cel::IdedExpr;
use cel::common::ast::CallExpr;

use super::lower::Lowering;
use super::value::Value;
use crate::diagnostic::{codes, shown};
use crate::keys::{and_list, nearest};
use crate::rule::network;
use crate::time;
use tollgate_policy::spec::{Expr, StringTest};

const FUNCTIONS: [&str; 4] = ["has", "timestamp", "duration", "cidr"];
const METHODS: [&str; 4] = ["startsWith", "endsWith", "contains", "containsIP"];

impl Lowering<'_, '_> {
    /// `f(…)`
    pub(super) fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Value> {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            ("timestamp", [argument]) => {
                let text = self.constant(argument, "a moment")?;
                match time::parse_rfc3339(text) {
                    Ok(seconds) => Some(Value::Time(Expr::Time(seconds))),
                    Err(error) => {
                        let message = format!("`{}` is not a timestamp", shown(text));
                        let help = match error {
                            time::TimeError::Incomplete => {
                                "write date, time and offset: `2027-02-01T00:00:00Z`"
                            }
                            time::TimeError::Fraction => "write whole seconds",
                        };
                        self.error(&codes::BAD_CONSTANT, argument, message)
                            .help(help);
                        None
                    }
                }
            }
            ("duration", [argument]) => {
                let text = self.constant(argument, "a duration")?;
                let seconds = time::parse_duration(text);
                if seconds.is_none() {
                    let message = format!("`{}` is not a duration", shown(text));
                    self.error(&codes::BAD_CONSTANT, argument, message)
                        .help("write hours, minutes and whole seconds: `1h30m`, `90s`");
                }
                seconds.map(Value::Duration)
            }
            ("cidr", [argument]) => {
                let text = self.constant(argument, "a network")?;
                match network::parse(text) {
                    Ok(network) => Some(Value::Network(network)),
                    Err(error) => {
                        self.bad_network(argument, text, error);
                        None
                    }
                }
            }
            ("timestamp" | "duration" | "cidr" | "has", arguments) => {
                let message = format!("`{name}` takes one argument, found {}", arguments.len());
                let help = match name {
                    "timestamp" => "write `timestamp(\"2027-02-01T00:00:00Z\")`",
                    "duration" => "write `duration(\"1h30m\")`",
                    "cidr" => "write `cidr(\"10.0.0.0/8\").containsIP(ip)`",
                    _ => "write `has(claims.name)`",
                };
                self.type_error(node, message).help(help);
                None
            }
            _ => {
                self.unknown_function(node, name, &FUNCTIONS);
                None
            }
        }
    }

    /// `target.f(…)`
    pub(super) fn method(
        &mut self,
        node: &IdedExpr,
        target: &IdedExpr,
        call: &CallExpr,
    ) -> Option<Value> {
        let name = call.func_name.as_str();
        let test = match name {
            "startsWith" => Some(StringTest::StartsWith),
            "endsWith" => Some(StringTest::EndsWith),
            "contains" => Some(StringTest::Contains),
            "containsIP" => None,
            _ => {
                self.unknown_function(node, name, &METHODS);
                return None;
            }
        };
        let [argument] = call.args.as_slice() else {
            let message = format!("`{name}` takes one argument, found {}", call.args.len());
            self.type_error(node, message)
                .help(format!("write `a.{name}(b)`, and join several by `||`"));
            return None;
        };
        let (target, argument) = (self.value(target), self.value(argument));
        match (test, target?, argument?) {
            (Some(test), Value::Str(text), Value::Str(part)) => Some(Value::Bool(
                Expr::StringTest(test, Box::new(text), Box::new(part)),
            )),
            (None, Value::Network(network), Value::Ip(ip)) => {
                Some(Value::Bool(Expr::InNetworks(Box::new(ip), vec![network])))
            }
            (Some(_), Value::Groups | Value::ClaimList(_) | Value::Strings(_), _) => {
                self.error(&codes::GROUPS_MISUSE, node, format!("`{name}` of a set"))
                    .help("test whether something is in it: `\"name\" in groups`");
                None
            }
            (_, target, argument) => {
                let message = format!(
                    "`{name}` of {} and {}",
                    target.describe(),
                    argument.describe()
                );
                let diagnostic = self.type_error(node, message);
                match test {
                    Some(_) => diagnostic.help("it takes two strings"),
                    None => diagnostic.help("write `cidr(\"10.0.0.0/8\").containsIP(ip)`"),
                };
                None
            }
        }
    }

    fn unknown_function(&mut self, node: &IdedExpr, name: &str, known: &[&str]) {
        let instead = match name {
            "matches" => "use `startsWith`, `endsWith` or `contains`, or a path pattern with `*`",
            "size" => {
                "test for what must be in it: `\"name\" in groups`; compare strings with `\"\"`"
            }
            "string" | "int" | "uint" | "double" | "bool" | "bytes" | "dyn" | "type" => {
                "declare the claim with the type it has in the token, and compare values of the same type"
            }
            "ip" => "`ip` is the client's address: `ip == \"203.0.113.7\"`",
            "isIP" | "isCIDR" | "family" | "containsCIDR" | "prefixLength" | "masked" => {
                "write `cidr(\"10.0.0.0/8\").containsIP(ip)`"
            }
            "lowerAscii" | "upperAscii" | "replace" | "split" | "join" | "substring" | "trim"
            | "charAt" | "indexOf" | "lastIndexOf" | "format" | "reverse" => {
                "strings are compared as they are, byte for byte"
            }
            "all" | "exists" | "exists_one" | "existsOne" | "map" | "filter" => {
                "test for each name: `\"a\" in groups || \"b\" in groups`"
            }
            _ if name.starts_with("get") => {
                "compare with a timestamp: `now < timestamp(\"2027-02-01T00:00:00Z\")`, or use `from` and \
                 `until`"
            }
            _ => "",
        };
        if !instead.is_empty() {
            let message = format!("`{name}` is not accepted in conditions");
            self.unsupported(node, message, instead);
            return;
        }
        let message = format!("`{}` is not a function here", shown(name));
        let near = nearest(name, known.iter().copied());
        let diagnostic = self.error(&codes::UNKNOWN_FUNCTION, node, message);
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("the functions are {}", and_list(known))),
        };
    }
}
