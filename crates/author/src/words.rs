//! Parts of a checked rule in the author's own syntax: patterns, names, networks, moments and CEL.
//!
//! What is written here compiles back to the same thing; only spaces, quotes and brackets may differ
//! from what the author wrote. Not here: where it stands in a file ([`locate`](crate::locate)).

use core::net::IpAddr;

use tollgate_compiler::spec::{
    Arithmetic, ClaimSpec, Comparison, Expr, Network, Pattern, Segment, StringTest, Template,
};
use tollgate_core::MethodSet;

/// A pattern, absolute.
pub fn pattern(pattern: &Pattern) -> String {
    let mut text: String = pattern
        .segments
        .iter()
        .flat_map(|part| ["/".to_owned(), segment(part)])
        .collect();
    if pattern.trailing_slash {
        text.push('/');
    }
    text
}

/// One segment of a pattern.
pub fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) | Segment::Glob(text) => text.clone(),
        Segment::Capture(name) => format!("{{{name}}}"),
        Segment::Rest => "**".to_owned(),
    }
}

/// A name with its capture.
pub fn template(template: &Template) -> String {
    match &template.capture {
        Some(name) => format!("{}{{{name}}}{}", template.prefix, template.suffix),
        None => template.prefix.clone(),
    }
}

/// A network; a single address stands without its prefix length.
pub fn network(network: &Network) -> String {
    if network.prefix == width(network.addr) {
        network.addr.to_string()
    } else {
        format!("{}/{}", network.addr, network.prefix)
    }
}

/// The bits of an address of this family.
pub fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// Methods as a TOML list.
pub fn methods(methods: MethodSet) -> String {
    let names: Vec<String> = methods.names().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
}

/// A TOML basic string.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `text` with its control characters spelled out, so that a terminal obeys none of them.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A moment in RFC 3339, in UTC. One that no calendar of four-digit years has is given in seconds.
pub fn moment(seconds: i64) -> String {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years are counted from March, in eras of 400 years, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + late;
    if !(0..=9_999).contains(&year) {
        return format!("{seconds} s");
    }
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A condition in CEL.
pub fn condition(expr: &Expr, claims: &[ClaimSpec]) -> String {
    Cel { claims }.write(expr, 0)
}

struct Cel<'a> {
    claims: &'a [ClaimSpec],
}

impl Cel<'_> {
    /// Writes `expr` with brackets if it binds less tightly than `outer`.
    fn write(&self, expr: &Expr, outer: u8) -> String {
        let (text, level) = self.bare(expr);
        if level < outer {
            format!("({text})")
        } else {
            text
        }
    }

    /// The text, and how tightly it binds: 1 `||`, 2 `&&`, 3 comparisons, 4 sums, 5 products, 6 signs, 7 all else.
    fn bare(&self, expr: &Expr) -> (String, u8) {
        // Operators group from the left; a comparison of comparisons needs brackets on both sides.
        let two = |left: &Expr, sign: &str, right: &Expr, level: u8| {
            let left = self.write(left, if level == 3 { 4 } else { level });
            let right = self.write(right, level + 1);
            (format!("{left} {sign} {right}"), level)
        };
        match expr {
            Expr::Bool(value) => (value.to_string(), 7),
            Expr::Str(text) => (quoted(text), 7),
            Expr::Int(value) => (value.to_string(), if *value < 0 { 6 } else { 7 }),
            Expr::Time(seconds) => (format!("timestamp(\"{}\")", moment(*seconds)), 7),
            Expr::Ip(addr) => (format!("\"{addr}\""), 7),
            Expr::Claim(slot) => (self.claim(*slot), 7),
            Expr::Has(slot) => (self.has(*slot), 7),
            Expr::Subject => ("sub".to_owned(), 7),
            Expr::Issuer => ("issuer".to_owned(), 7),
            Expr::Method => ("method".to_owned(), 7),
            Expr::ClientIp => ("ip".to_owned(), 7),
            Expr::Now => ("now".to_owned(), 7),
            Expr::Capture(name) => (format!("path.{name}"), 7),
            Expr::Not(inner) => (format!("!{}", self.write(inner, 6)), 6),
            Expr::And(left, right) => two(left, "&&", right, 2),
            Expr::Or(left, right) => two(left, "||", right, 1),
            Expr::Compare(how, left, right) => two(left, comparison(*how), right, 3),
            Expr::Arithmetic(Arithmetic::Mul, left, right) => two(left, "*", right, 5),
            Expr::Arithmetic(Arithmetic::Add, left, right) => two(left, "+", right, 4),
            Expr::Arithmetic(Arithmetic::Sub, left, right) => two(left, "-", right, 4),
            Expr::Negate(inner) => (format!("-{}", self.write(inner, 6)), 6),
            Expr::TimeShift(inner, seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let length = duration(seconds.unsigned_abs());
                let inner = self.write(inner, 4);
                (format!("{inner} {sign} duration(\"{length}\")"), 4)
            }
            Expr::StringTest(test, left, right) => {
                let (left, right) = (self.write(left, 7), self.write(right, 0));
                (format!("{left}.{}({right})", string_test(*test)), 7)
            }
            Expr::InStrings(inner, list) => {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                (self.one_of(inner, &list), 3)
            }
            Expr::InInts(inner, list) => {
                let list: Vec<String> = list.iter().map(i64::to_string).collect();
                (self.one_of(inner, &list), 3)
            }
            Expr::InNetworks(inner, list) => match list.as_slice() {
                [one] if one.prefix != width(one.addr) => {
                    let (network, inner) = (network(one), self.write(inner, 0));
                    (format!("cidr(\"{network}\").containsIP({inner})"), 7)
                }
                list if list.iter().all(|one| one.prefix == width(one.addr)) => {
                    let list: Vec<String> =
                        list.iter().map(|one| format!("\"{}\"", one.addr)).collect();
                    (self.one_of(inner, &list), 3)
                }
                list => {
                    let each: Vec<String> = list
                        .iter()
                        .map(|one| {
                            let ip = self.write(inner, 0);
                            format!("cidr(\"{}/{}\").containsIP({ip})", one.addr, one.prefix)
                        })
                        .collect();
                    (each.join(" || "), 1)
                }
            },
            Expr::InGroups(inner) => (format!("{} in groups", self.write(inner, 4)), 3),
            Expr::InClaim(inner, slot) => {
                let (inner, claim) = (self.write(inner, 4), self.claim(*slot));
                (format!("{inner} in {claim}"), 3)
            }
        }
    }

    fn one_of(&self, inner: &Expr, list: &[String]) -> String {
        format!("{} in [{}]", self.write(inner, 4), list.join(", "))
    }

    fn name(&self, slot: u16) -> &str {
        let claim = self.claims.get(usize::from(slot));
        claim.map_or("?", |claim| claim.name.as_str())
    }

    fn claim(&self, slot: u16) -> String {
        let name = self.name(slot);
        if is_word(name) {
            format!("claims.{name}")
        } else {
            format!("claims[{}]", quoted(name))
        }
    }

    fn has(&self, slot: u16) -> String {
        let name = self.name(slot);
        if is_word(name) {
            format!("has(claims.{name})")
        } else {
            format!("{} in claims", quoted(name))
        }
    }
}

/// Whether CEL can read `name` after a dot.
fn is_word(name: &str) -> bool {
    const TAKEN: [&str; 17] = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "null", "package", "true", "while",
    ];
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !TAKEN.contains(&name)
}

/// The sign of a comparison.
pub fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

/// The name of a string test.
pub fn string_test(test: StringTest) -> &'static str {
    match test {
        StringTest::StartsWith => "startsWith",
        StringTest::EndsWith => "endsWith",
        StringTest::Contains => "contains",
    }
}

/// `72h`, `1h30m`, `90s`
fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 3_600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let text: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
