//! Three-valued conditions, as pairs of two-valued conditions, and the values in them.
//!
//! Not here: which of them an expression or a rule becomes.

use std::collections::BTreeMap;

use tollgate_policy::spec::Network;

/// The conditions under which a condition is certainly true and certainly false.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) yes: String,
    pub(super) no: String,
}

/// A value, and the condition under which it is known.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) known: String,
    pub(super) text: String,
}

/// The captures of a pattern, as values.
#[derive(Default)]
pub(super) struct Captures(BTreeMap<String, String>);

impl Captures {
    pub(super) fn add(&mut self, name: &str, place: &str) {
        self.0.insert(name.to_owned(), place.to_owned());
    }

    pub(super) fn read(&self, name: &str) -> Value {
        let place = self.0.get(name).map_or("s0", String::as_str);
        Value {
            known: format!("resource has {place}"),
            text: format!("resource.{place}"),
        }
    }
}

impl Truth {
    /// A condition that is always known.
    pub(super) fn known(text: String) -> Self {
        let no = match text.as_str() {
            "true" => "false".to_owned(),
            "false" => "true".to_owned(),
            text => format!("!({text})"),
        };
        Self { yes: text, no }
    }

    /// A condition that is known if `guard` is true.
    pub(super) fn guarded(guard: &str, text: &str) -> Self {
        if guard == "true" {
            return Self::known(text.to_owned());
        }
        Self {
            yes: format!("{guard} && ({text})"),
            no: format!("{guard} && !({text})"),
        }
    }

    pub(super) fn never() -> Self {
        Self {
            yes: "false".to_owned(),
            no: "false".to_owned(),
        }
    }

    pub(super) fn not(self) -> Self {
        Self {
            yes: self.no,
            no: self.yes,
        }
    }

    pub(super) fn join(self, other: Self, is_and: bool) -> Self {
        let (yes, no) = if is_and { ("&&", "||") } else { ("||", "&&") };
        Self {
            yes: format!("({}) {yes} ({})", self.yes, other.yes),
            no: format!("({}) {no} ({})", self.no, other.no),
        }
    }

    pub(super) fn bracketed(self) -> Self {
        Self {
            yes: format!("({})", self.yes),
            no: format!("({})", self.no),
        }
    }
}

/// The conjunction of both guards.
pub(super) fn both(left: &str, right: &str) -> String {
    match (left, right) {
        ("true", other) | (other, "true") => other.to_owned(),
        (left, right) => format!("{left} && {right}"),
    }
}

/// Whether the client address is in one of the networks.
pub(super) fn in_networks(networks: &[Network]) -> Truth {
    let each: Vec<String> = networks
        .iter()
        .map(|network| {
            let text = format!("{}/{}", network.addr, network.prefix);
            format!("context.ip.isInRange(ip(\"{text}\"))")
        })
        .collect();
    Truth::guarded("context has ip", &each.join(" || "))
}
