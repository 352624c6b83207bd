//! Writes a policy as an author would, to test the compiler.
//!
//! Where the language has several notations, they alternate. Not here: the meaning.

mod cel;
mod time;

use crate::model::{ClaimType, Course, Effect, Network, Origin, Policy, Rule};
use cel::Turns;

/// The files of a policy directory for `policy`: names and texts.
pub fn to_toml(policy: &Policy) -> Vec<(String, String)> {
    let mut writer = Writer {
        turns: Turns::default(),
        text: String::new(),
    };
    let mut files = vec![("k.key".to_owned(), "k".repeat(42) + "w")];
    for course in &policy.courses {
        if course.id != "site" {
            writer.course(course);
            files.push((
                format!("courses/{}.toml", course.id),
                core::mem::take(&mut writer.text),
            ));
        }
    }
    writer.site(policy);
    files.push(("site.toml".to_owned(), writer.text));
    files
}

const SITE: &str = r#"schema = 1

[site]
name = "random"

"#;

/// The issuers of rendered policies: their names, and their `iss`.
pub const ISSUERS: [(&str, &str); 3] = [
    ("issuer", "https://issuer.test"),
    ("slash", "https://issuer.test/"),
    ("other", "https://other.test"),
];

struct Writer {
    turns: Turns,
    text: String,
}

impl Writer {
    fn site(&mut self, policy: &Policy) {
        self.text.push_str(SITE);
        for (name, iss) in ISSUERS {
            self.text.push_str(&format!(
                "[[issuer]]\nname = \"{name}\"\nissuer = \"{iss}\"\nclients = [\"c\"]\n\
                 algorithms = [\"HS256\"]\ngroups_claim = \"cognito:groups\"\n\
                 secrets = [{{ kid = \"k\", file = \"k.key\" }}]\n"
            ));
        }
        self.paths(policy);
        if !policy.claims.is_empty() {
            self.text.push_str("\n[claims]\n");
        }
        for (name, kind) in &policy.claims {
            let kind = match kind {
                ClaimType::Text => "string",
                ClaimType::Int => "int",
                ClaimType::Bool => "bool",
                ClaimType::Texts => "string[]",
            };
            let name = self.string(name);
            self.text.push_str(&format!("{name} = \"{kind}\"\n"));
        }
        for course in policy.courses.iter().filter(|course| course.id == "site") {
            course.rules.iter().for_each(|rule| self.rule(rule));
        }
    }

    fn paths(&mut self, policy: &Policy) {
        let origin = match policy.origin {
            // The default, which can be omitted.
            Origin::Strict => (self.turns.next() % 2 == 1).then_some("strict"),
            Origin::S3 => Some("s3"),
            Origin::Files => Some("files"),
        };
        let mut table = String::new();
        if let Some(origin) = origin {
            table.push_str(&format!("origin = \"{origin}\"\n"));
        }
        if let Some(index) = &policy.index {
            table.push_str(&format!("index = \"{index}\"\n"));
        }
        if policy.ascii_only {
            table.push_str("ascii_only = true\n");
        }
        if !table.is_empty() {
            self.text.push_str(&format!("\n[paths]\n{table}"));
        }
    }

    fn course(&mut self, course: &Course) {
        let base = self.string(&course.base);
        self.text
            .push_str(&format!("course = \"{}\"\nbase = {base}\n", course.id));
        course.rules.iter().for_each(|rule| self.rule(rule));
    }

    fn rule(&mut self, rule: &Rule) {
        self.text.push_str("\n[[rule]]\n");
        self.entry("id", format!("\"{}\"", rule.id));
        let effect = if rule.effect == Effect::Allow {
            "allow"
        } else {
            "deny"
        };
        self.strings(effect, Some(&rule.paths));
        if rule.who.anyone {
            self.entry("anyone", "true".to_owned());
        }
        if rule.who.signed_in {
            self.entry("signed_in", "true".to_owned());
        }
        self.strings("groups", rule.who.groups.as_ref());
        self.strings("scopes", rule.who.scopes.as_ref());
        self.strings("subjects", rule.who.subjects.as_ref());
        // Rules use the site's names for issuers.
        let named = |iss: &String| ISSUERS.iter().find(|(_, known)| known == iss);
        let issuers = rule.who.issuers.as_ref().map(|issuers| {
            let names = issuers.iter().filter_map(named);
            names.map(|(name, _)| (*name).to_owned()).collect()
        });
        self.strings("issuers", issuers.as_ref());
        self.strings("methods", rule.methods.as_ref());
        let networks: Option<Vec<String>> = rule.networks.as_ref().map(|networks| {
            networks
                .iter()
                .map(|network| self.network(network))
                .collect()
        });
        self.strings("networks", networks.as_ref());
        if let Some(from) = rule.from {
            let from = time::rfc3339(from, self.turns.next());
            self.entry("from", from);
        }
        if let Some(until) = rule.until {
            let until = time::rfc3339(until, self.turns.next());
            self.entry("until", until);
        }
        if let Some(when) = &rule.when {
            let when = cel::condition(when, &mut self.turns);
            let when = self.string_of_code(&when);
            self.entry("when", when);
        }
        if let Some(unless) = &rule.unless {
            let unless = cel::condition(unless, &mut self.turns);
            let unless = self.string_of_code(&unless);
            self.entry("unless", unless);
        }
        if self.turns.next() == 0 {
            self.entry("because", "'It is said that \"so\".'".to_owned());
        }
    }

    fn entry(&mut self, key: &str, value: String) {
        self.text.push_str(&format!("{key} = {value}\n"));
    }

    fn strings(&mut self, key: &str, list: Option<&Vec<String>>) {
        if let Some(list) = list {
            let list: Vec<String> = list.iter().map(|text| self.string(text)).collect();
            self.entry(key, format!("[{}]", list.join(", ")));
        }
    }

    /// A single address can be written without its prefix length.
    fn network(&mut self, network: &Network) -> String {
        if cel::is_single(network) && self.turns.next() == 0 {
            network.address.to_string()
        } else {
            format!("{}/{}", network.address, network.prefix)
        }
    }

    fn string(&mut self, text: &str) -> String {
        if self.turns.next() == 0 && !text.contains('\'') {
            format!("'{text}'")
        } else {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }

    /// Conditions contain many quotes, so they are also written with triple quotes.
    fn string_of_code(&mut self, code: &str) -> String {
        if self.turns.next() == 0 && !code.ends_with('\'') {
            format!("'''\n{code}'''")
        } else {
            self.string(code)
        }
    }
}
