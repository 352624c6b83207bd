//! `when` and `unless` in Cedar.

use tollgate_policy::spec::{ClaimSpec, Comparison, Expr, StringTest};

use super::limit::Limit;
use super::linear::{self, Line};
use super::text::{escaped, quoted};
use super::truth::{Captures, Truth, Value, both, in_networks};

/// Converts a condition to Cedar.
pub(super) fn of(expr: &Expr, captures: &Captures, claims: &[ClaimSpec]) -> Result<Truth, Limit> {
    Saying { captures, claims }.truth(expr)
}

struct Saying<'a> {
    captures: &'a Captures,
    claims: &'a [ClaimSpec],
}

impl Saying<'_> {
    fn truth(&self, expr: &Expr) -> Result<Truth, Limit> {
        Ok(match expr {
            Expr::Bool(value) => Truth::known(value.to_string()),
            Expr::Not(inner) => self.truth(inner)?.not(),
            Expr::And(left, right) => self.truth(left)?.join(self.truth(right)?, true),
            Expr::Or(left, right) => self.truth(left)?.join(self.truth(right)?, false),
            Expr::Claim(slot) => {
                let claim = self.claim(*slot);
                Truth::guarded(&claim.known, &claim.text)
            }
            Expr::Has(slot) => {
                let claim = self.claim(*slot);
                let name = quoted(self.name(*slot));
                Truth {
                    no: format!(
                        "principal.signed_in && !({}) && !principal.mistyped.contains({name})",
                        claim.known
                    ),
                    yes: claim.known,
                }
            }
            Expr::Compare(how, left, right) => self.comparison(*how, left, right)?,
            Expr::StringTest(test, text, part) => self.search(*test, text, part)?,
            Expr::InStrings(inner, list) if **inner == Expr::Method => actions(list),
            Expr::InStrings(inner, list) => {
                let value = self.text(inner)?;
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                let test = format!("[{}].contains({})", list.join(", "), value.text);
                Truth::guarded(&value.known, &test)
            }
            Expr::InInts(inner, list) => {
                let Some(line) = self.line(inner)? else {
                    return Ok(Truth::never());
                };
                let list: Vec<String> = list.iter().map(|int| format!("({int})")).collect();
                let test = format!("[{}].contains({})", list.join(", "), line.text);
                Truth::guarded(&line.known, &test)
            }
            Expr::InNetworks(_, networks) => in_networks(networks),
            Expr::InGroups(inner) => {
                let value = self.text(inner)?;
                let test = format!("principal.groups.contains({})", value.text);
                Truth::guarded(&value.known, &test)
            }
            Expr::InClaim(inner, slot) => {
                let (value, claim) = (self.text(inner)?, self.claim(*slot));
                let known = both(&value.known, &claim.known);
                let test = format!("{}.contains({})", claim.text, value.text);
                Truth::guarded(&known, &test)
            }
            // The compiler accepts no other expression as a condition.
            _ => Truth::never(),
        })
    }

    fn comparison(&self, how: Comparison, left: &Expr, right: &Expr) -> Result<Truth, Limit> {
        let sign = match how {
            Comparison::Eq => "==",
            Comparison::Ne => "!=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
        };
        let equality = matches!(how, Comparison::Eq | Comparison::Ne);
        match (left, right) {
            (Expr::Method, Expr::Str(text)) | (Expr::Str(text), Expr::Method) if equality => {
                let is_it = actions(core::slice::from_ref(text));
                return Ok(match how {
                    Comparison::Eq => is_it,
                    _ => is_it.not(),
                });
            }
            (Expr::ClientIp, Expr::Ip(addr)) | (Expr::Ip(addr), Expr::ClientIp) => {
                let test = format!("context.ip {sign} ip(\"{addr}\")");
                return Ok(Truth::guarded("context has ip", &test));
            }
            _ => {}
        }
        if linear::is_number(left, self.claims) {
            let (Some(left), Some(right)) = (self.line(left)?, self.line(right)?) else {
                return Ok(Truth::never());
            };
            let known = both(&left.known, &right.known);
            let test = format!("{} {sign} {}", left.text, right.text);
            return Ok(Truth::guarded(&known, &test));
        }
        if linear::is_text(left, self.claims) {
            if !equality {
                return Err(Limit::TextOrder);
            }
            let (left, right) = (self.text(left)?, self.text(right)?);
            let known = both(&left.known, &right.known);
            let test = format!("{} {sign} {}", left.text, right.text);
            return Ok(Truth::guarded(&known, &test));
        }
        // Booleans are equal if both are true or both are false.
        let (left, right) = (self.truth(left)?, self.truth(right)?);
        let same = Truth {
            yes: format!(
                "(({}) && ({})) || (({}) && ({}))",
                left.yes, right.yes, left.no, right.no
            ),
            no: format!(
                "(({}) && ({})) || (({}) && ({}))",
                left.yes, right.no, left.no, right.yes
            ),
        };
        Ok(match how {
            Comparison::Eq => same,
            _ => same.not(),
        })
    }

    fn search(&self, test: StringTest, text: &Expr, part: &Expr) -> Result<Truth, Limit> {
        let Expr::Str(part) = part else {
            return Err(Limit::OpenSearch);
        };
        let part = escaped(part, true);
        let like = match test {
            StringTest::StartsWith => format!("{part}*"),
            StringTest::EndsWith => format!("*{part}"),
            StringTest::Contains => format!("*{part}*"),
        };
        let value = self.text(text)?;
        let test = format!("{} like \"{like}\"", value.text);
        Ok(Truth::guarded(&value.known, &test))
    }

    fn text(&self, expr: &Expr) -> Result<Value, Limit> {
        let value = |known: &str, text: &str| Value {
            known: known.to_owned(),
            text: text.to_owned(),
        };
        Ok(match expr {
            Expr::Str(text) => value("true", &quoted(text)),
            Expr::Subject => value("principal has sub", "principal.sub"),
            Expr::Issuer => value("principal has issuer", "principal.issuer"),
            Expr::Capture(name) => self.captures.read(name),
            Expr::Claim(slot) => self.claim(*slot),
            _ => return Err(Limit::MethodText),
        })
    }

    fn line(&self, expr: &Expr) -> Result<Option<Line>, Limit> {
        linear::line(expr, &|slot| self.claim(slot))
    }

    fn name(&self, slot: u16) -> &str {
        let claim = self.claims.get(usize::from(slot));
        claim.map_or("", |claim| claim.name.as_str())
    }

    fn claim(&self, slot: u16) -> Value {
        let name = quoted(self.name(slot));
        Value {
            known: format!("principal.claims has {name}"),
            text: format!("principal.claims[{name}]"),
        }
    }
}

/// Whether the action is one of these methods. Other methods are rejected before.
fn actions(names: &[String]) -> Truth {
    let known: Vec<String> = names
        .iter()
        .filter(|name| tollgate_core::MethodSet::from_name(name).is_some())
        .map(|name| format!("Action::\"{name}\""))
        .collect();
    if known.is_empty() {
        return Truth::known("false".to_owned());
    }
    Truth::known(format!("action in [{}]", known.join(", ")))
}
