//! Access rules of Ory Oathkeeper.
//!
//! Oathkeeper responds with 500 if two rules match a request, so a request that two rules may match
//! is never allowed here. A rule that cannot be imported becomes a `deny`. Not here: the
//! requirements of a rule ([`access`]), the URLs that it matches ([`url`]), the issuers that it
//! trusts ([`issuers`]).

mod access;
mod carry;
mod config;
mod issuers;
mod rules;
mod url;

use serde_json::Value;
use tollgate_core::MethodSet;

use super::draft::{Entry, Rule};
use super::issuer::{KeySet, tables};
use super::write::{Site, list, one_line, written};
use super::{ImportError, Imported, document};
use access::Access;
use carry::Carried;
use config::Config;
use issuers::Issuers;
use url::Url;

/// A matching strategy: the language of `<…>` in URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// As regular expressions.
    #[default]
    Regexp,
    /// As globs, whose `*` does not match dots and slashes.
    Glob,
}

/// Settings that are not in the access rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oathkeeper {
    /// Oathkeeper's own configuration, JSON or YAML.
    pub config: Option<String>,
    /// The scheme and host of the site, such as `https://www.example.com`; by default those of the
    /// first rule.
    pub site: Option<String>,
    /// The matching strategy; by default that of the configuration, or the only one in which the
    /// rules are valid.
    pub matching: Option<Matching>,
    /// The keys of the issuers, if known.
    pub keys: Vec<KeySet>,
}

/// Imports a list of access rules. A policy is for one site, so rules for other hosts are omitted.
///
/// # Errors
/// Returns an error if the text is not a list of access rules.
pub fn oathkeeper(text: &str, options: &Oathkeeper) -> Result<Imported, ImportError> {
    let rules = rules::rules(document::read_all(text)?)?;
    let config = options.config.as_deref().map(Config::read).transpose()?;
    let urls: Vec<&str> = rules.iter().filter_map(rules::pattern).collect();
    let matching = match (options.matching, &config) {
        (Some(matching), _) => matching,
        (None, Some(config)) => config.matching()?.unwrap_or_default(),
        (None, None) => rules::guessed(&urls)?,
    };
    let urls: Vec<Url> = urls
        .into_iter()
        .map(|url| Url::read(url, matching))
        .collect();
    let origin = match &options.site {
        Some(site) => {
            let site = site.trim_end_matches('/');
            let host = site.split_once("://").map(|(_, host)| host);
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                return Err(ImportError::Contradiction(format!(
                    "`{site}` is not a site: expected scheme and host, such as `https://www.example.com`"
                )));
            }
            site.to_owned()
        }
        None => {
            let plain = urls.iter().find(|url| url.has_plain_origin());
            plain.or(urls.first()).map(Url::origin).unwrap_or_default()
        }
    };
    let host = origin
        .split_once("://")
        .map_or(origin.as_str(), |(_, host)| host);
    let mut importer = Importer {
        site: Site::new(host, "access rules of Ory Oathkeeper"),
        notes: Vec::new(),
        issuers: Issuers::default(),
        rules: Vec::new(),
        claims: Vec::new(),
        warnings: Vec::new(),
    };
    if config.is_none() && rules.iter().any(rules::reads_tokens) {
        importer.notes.push(
            "Oathkeeper's own configuration was not read; rules inherit settings from it: give it with `--config FILE`"
                .to_owned(),
        );
    }
    for rule in &rules {
        importer.read(rule, matching, &origin, config.as_ref())?;
    }
    if importer.rules.is_empty() {
        let notes = importer.notes.join("; ");
        let notes = if notes.is_empty() {
            notes
        } else {
            format!(": {notes}")
        };
        return Err(ImportError::Contradiction(format!(
            "no rule is for the site `{origin}`{notes}"
        )));
    }
    importer.finish(&options.keys)
}

struct Importer {
    site: Site,
    notes: Vec<String>,
    issuers: Issuers,
    rules: Vec<Carried>,
    /// Lines of `[claims]`.
    claims: Vec<&'static str>,
    warnings: Vec<String>,
}

impl Importer {
    fn read(
        &mut self,
        rule: &Value,
        matching: Matching,
        origin: &str,
        config: Option<&Config>,
    ) -> Result<(), ImportError> {
        let name = rule
            .get("id")
            .and_then(Value::as_str)
            .map_or_else(|| "rule".to_owned(), one_line);
        let mut note = |text: &str| self.notes.push(format!("rule `{name}` {text}"));
        if rule.pointer("/match/full_method").is_some() {
            note("is omitted: it matches no HTTP request");
            return Ok(());
        }
        let url = rules::pattern(rule).ok_or_else(|| ImportError::Unreadable {
            place: format!("the URL of rule `{name}`"),
            found: document::shown(rule.get("match").unwrap_or(&Value::Null)),
            expected: "write the URL as text in `match.url`",
        })?;
        let paths = Url::read(url, matching).paths(origin);
        if paths.is_empty() {
            note(&format!(
                "is omitted ({}): it is for another site than `{origin}`",
                one_line(url)
            ));
            return Ok(());
        }
        let methods = rules::methods(rule);
        if methods.is_some_and(MethodSet::is_empty) {
            note("is omitted: a rule cannot name any of its methods");
            return Ok(());
        }
        let asked = access::asked(rule, config);
        asked.notes.iter().for_each(|text| note(text));
        let access = match methods {
            None => Access::Closed("has `match.methods`, which cannot be read".to_owned()),
            Some(_) => asked.access,
        };
        let id = self.site.id(&name);
        let methods = methods.unwrap_or(MethodSet::ALL);
        self.rules
            .push(Carried::new(&name, id, url, methods, paths, access));
        Ok(())
    }

    /// Collects the issuers of open rules. A rule with one issuer shows which keys belong to it, so
    /// these rules come first.
    fn trust(&mut self) {
        for has_one in [true, false] {
            for rule in &mut self.rules {
                let Access::Token(jwt) = &rule.access else {
                    continue;
                };
                if rule.closed().is_some() || (jwt.issuers.len() == 1) != has_one {
                    continue;
                }
                if let Err(problem) = self.issuers.add(&rule.name, jwt) {
                    rule.access = Access::Closed(one_line(&problem));
                }
            }
        }
    }

    fn finish(mut self, keys: &[KeySet]) -> Result<Imported, ImportError> {
        let mut out = Imported::default();
        self.trust();
        let issuers = self.issuers.tables();
        let is_known = |name: &&String| issuers.iter().any(|issuer| issuer.name == **name);
        let mut named = keys.iter().filter_map(|keys| keys.issuer.as_ref());
        if let Some(unknown) = named.find(|name| !is_known(name)) {
            let names: Vec<String> = issuers
                .iter()
                .map(|issuer| format!("`{}`", issuer.name))
                .collect();
            let known = match names.is_empty() {
                true => "no issuer".to_owned(),
                false => names.join(", "),
            };
            return Err(ImportError::Contradiction(format!(
                "no issuer `{unknown}` in the policy; it has {known}"
            )));
        }
        let (tables, ready) = tables(&issuers, keys, &mut out);
        self.site.tables = tables;
        let overlaps = carry::overlaps(&mut self.rules);
        for at in 0..self.rules.len() {
            let entries = self.rule(at, &ready);
            self.site.entries.extend(entries);
        }
        let (entries, notes) = carry::denials(&self.rules, &overlaps, &mut self.site.used);
        self.site.entries.extend(entries);
        self.notes.extend(notes);
        let tables = &mut self.site.tables;
        if let Some(source) = self.issuers.source() {
            tables.push_str(&format!("\n[token]\nfrom = {}\n", list(&[source])));
        }
        self.claims.sort_unstable();
        self.claims.dedup();
        if !self.claims.is_empty() {
            tables.push_str(&format!("\n[claims]\n{}", self.claims.concat()));
        }
        out.files
            .insert(0, ("site.toml".to_owned(), self.site.text()));
        out.notes = self.notes;
        out.warnings.extend(self.warnings);
        Ok(out)
    }

    /// Returns the entries for a rule.
    fn rule(&mut self, at: usize, ready: &[String]) -> Vec<Entry> {
        let Some(own) = self.rules.get(at) else {
            return Vec::new();
        };
        if let Some(why) = own.closed() {
            let note = format!("rule `{}` is denied ({}): it {why}", own.name, own.url);
            let mut rule = Rule::deny(
                &own.id,
                own.methods,
                &format!("Oathkeeper's rule `{}` {why}.", own.name),
            );
            rule.patterns = carry::closing(&self.rules, at);
            rule.comment.clone_from(&note);
            self.notes.push(note.clone());
            for lost in carry::lost(&self.rules, at, &rule.patterns) {
                self.warnings.push(format!(
                    "what rule `{lost}` allows is denied, because rule `{}` may match it ({}), and no pattern separates the two",
                    own.name, own.url
                ));
            }
            return vec![match rule.patterns.is_empty() {
                true => Entry::Comment(note),
                false => Entry::Rule(rule),
            }];
        }
        if !own.is_whole {
            self.notes.push(format!(
                "rule `{}` ({}) matches more than the patterns of the policy: the rest is denied",
                own.name, own.url
            ));
        }
        let Access::Token(jwt) = &own.access else {
            let rules = own.allows("anyone = true\n", None, &mut self.site.used);
            return rules.into_iter().map(Entry::Rule).collect();
        };
        let required = self.issuers.required(jwt);
        self.claims.extend(&required.claims);
        let rules = own.allows(&required.who, required.when.as_ref(), &mut self.site.used);
        let is_ready = required.issuers.iter().all(|name| ready.contains(name));
        if is_ready || !self.issuers.are_several() {
            return rules.into_iter().map(Entry::Rule).collect();
        }
        // A rule cannot name an issuer that is commented out.
        let mut text = format!(
            "rule `{}` needs its issuers: remove the `#` here, too",
            own.name
        );
        for rule in &rules {
            text.push_str(&format!("\n{}", written(rule).trim_end()));
        }
        vec![Entry::Comment(text)]
    }
}

#[cfg(test)]
mod tests;
