//! The issuers that access rules trust, as `[[issuer]]` tables, and the requirements of a rule for
//! their tokens.
//!
//! In Oathkeeper every rule names issuers, keys and algorithms; a policy names them once. A rule
//! that trusts an issuer differently than earlier rules is closed. Not here: key files
//! ([`issuer`]).

use std::collections::BTreeSet;

use tollgate_compiler::limits::{MAX_LIST_ENTRIES, MAX_NAME_BYTES};

use super::super::ids;
use super::super::issuer::{self, Issuer};
use super::super::write::{list, quoted};
use super::access::Jwt;

/// Algorithms whose keys a key set can contain.
const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

const AUDIENCE: &str = "audience = { type = \"string\", path = [\"aud\"] }\n";
const AUDIENCES: &str = "aud = \"string[]\"\n";
const SCOPES: [&str; 2] = ["scope = \"string\"\n", "scp = \"string[]\"\n"];

/// The issuers of a policy being imported.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    known: Vec<Known>,
    /// The token source, and the rule that sets it.
    source: Option<(String, String)>,
    used: Vec<String>,
}

#[derive(Debug)]
struct Known {
    name: String,
    issuer: String,
    key_sets: Vec<String>,
    algorithms: Vec<String>,
    /// The audiences that the rules require.
    audiences: BTreeSet<Vec<String>>,
    rule: String,
}

/// The requirements of a rule for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Required {
    /// The lines that name the principals.
    pub(super) who: String,
    pub(super) when: Option<String>,
    /// Lines of `[claims]` for what `when` reads.
    pub(super) claims: Vec<&'static str>,
    /// The names of the issuers.
    pub(super) issuers: Vec<String>,
}

impl Issuers {
    /// Adds the issuers of a rule.
    ///
    /// # Errors
    /// Returns the end of a sentence about the rule if a policy cannot trust the issuers in this
    /// way.
    pub(super) fn add(&mut self, rule: &str, jwt: &Jwt) -> Result<(), String> {
        if let Some(name) = jwt
            .algorithms
            .iter()
            .find(|name| !ALGORITHMS.contains(&name.as_str()))
        {
            return Err(format!(
                "accepts the algorithm `{name}`, which no key set can have"
            ));
        }
        if let Some(issuer) = jwt.issuers.iter().find(|issuer| !issuer::is_url(issuer)) {
            return Err(format!(
                "trusts `{issuer}`, which is not an `https://` URL of an issuer"
            ));
        }
        let is_name = |text: &String| {
            !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
        };
        if !jwt.audiences.iter().all(is_name) || jwt.audiences.len() > MAX_LIST_ENTRIES {
            return Err("has an audience that cannot be a client ID".to_owned());
        }
        if let Some((source, first)) = &self.source
            && *source != jwt.source
        {
            return Err(format!(
                "reads its token from `{}`, and rule `{first}` from `{source}`",
                jwt.source
            ));
        }
        let differs = |known: &Known| {
            let has = |all: &[String], some: &[String]| some.iter().all(|one| all.contains(one));
            !has(&jwt.key_sets, &known.key_sets) || !has(&jwt.algorithms, &known.algorithms)
        };
        let known = |issuers: &Self, issuer: &String| {
            issuers
                .known
                .iter()
                .position(|known| known.issuer == *issuer)
        };
        let other = jwt
            .issuers
            .iter()
            .filter_map(|issuer| self.known.get(known(self, issuer)?));
        if let Some(other) = other.into_iter().find(|known| differs(known)) {
            return Err(format!(
                "trusts `{}` with other keys or algorithms than rule `{}`",
                other.issuer, other.rule
            ));
        }
        self.source
            .get_or_insert_with(|| (jwt.source.clone(), rule.to_owned()));
        for issuer in &jwt.issuers {
            let at = known(self, issuer).unwrap_or_else(|| {
                let host = issuer
                    .split_once("://")
                    .map_or(issuer.as_str(), |(_, host)| host);
                self.known.push(Known {
                    name: ids::unused(host, &mut self.used),
                    issuer: issuer.clone(),
                    key_sets: jwt.key_sets.clone(),
                    algorithms: jwt.algorithms.clone(),
                    audiences: BTreeSet::new(),
                    rule: rule.to_owned(),
                });
                self.known.len() - 1
            });
            if let Some(known) = self.known.get_mut(at) {
                known.audiences.insert(jwt.audiences.clone());
            }
        }
        Ok(())
    }

    /// Returns the requirements of a rule, once the issuers of all rules are known.
    pub(super) fn required(&self, jwt: &Jwt) -> Required {
        let of_rule = || {
            self.known
                .iter()
                .filter(|known| jwt.issuers.contains(&known.issuer))
        };
        let issuers: Vec<String> = of_rule().map(|known| known.name.clone()).collect();
        let mut who = String::new();
        if self.known.len() > 1 {
            who.push_str(&format!("issuers = {}\n", list(&issuers)));
        }
        match &jwt.scope {
            Some(scope) => who.push_str(&format!("scopes = {}\n", list(&[scope]))),
            None if self.known.len() > 1 => {}
            None => who.push_str("signed_in = true\n"),
        }
        let mut tests = Vec::new();
        let mut claims = Vec::new();
        // The issuer accepts tokens for the app clients of all its rules.
        let is_settled = |known: &Known| known.audiences.len() == 1 && jwt.audiences.len() == 1;
        if !of_rule().all(is_settled) {
            claims.push(AUDIENCES);
            // Several audiences are always a list; a single one may be a string.
            if let [audience] = jwt.audiences.as_slice() {
                claims.push(AUDIENCE);
                let audience = quoted(audience);
                tests.push(format!(
                    "(claims.audience == {audience} || {audience} in claims.aud)"
                ));
            } else {
                let in_list = |audience: &String| format!("{} in claims.aud", quoted(audience));
                tests.extend(jwt.audiences.iter().map(in_list));
            }
        }
        if jwt.scope.is_some() {
            // Oathkeeper prefers `scp`, a policy prefers `scope`.
            claims.extend(SCOPES);
            tests.push("!(has(claims.scp) && has(claims.scope))".to_owned());
        }
        Required {
            who,
            when: (!tests.is_empty()).then(|| tests.join(" && ")),
            claims,
            issuers,
        }
    }

    /// Returns the `[[issuer]]` tables.
    pub(super) fn tables(&self) -> Vec<Issuer> {
        let table = |known: &Known| {
            let clients: BTreeSet<&String> = known
                .audiences
                .iter()
                .filter_map(|all| all.first())
                .collect();
            let clients: Vec<&String> = clients.into_iter().collect();
            Issuer {
                name: known.name.clone(),
                lines: format!(
                    "issuer = {}\nclients = {}\nalgorithms = {}\n",
                    quoted(&known.issuer),
                    list(&clients),
                    list(&known.algorithms)
                ),
                published: known.key_sets.clone(),
            }
        };
        self.known.iter().map(table).collect()
    }

    /// Returns the token source, unless it is the default.
    pub(super) fn source(&self) -> Option<&str> {
        let (source, _) = self.source.as_ref()?;
        (source != "header:authorization").then_some(source)
    }

    /// Whether there are several issuers, so that rules name theirs.
    pub(super) fn are_several(&self) -> bool {
        self.known.len() > 1
    }
}
