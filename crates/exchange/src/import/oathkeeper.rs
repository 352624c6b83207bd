//! Access rules of Ory Oathkeeper, as JSON or YAML.
//!
//! A rule names URLs with regular expressions or globs in `<…>`, who is asked for a token and who decides.
//! Rules that are public, that need a signed-in visitor, that need a scope, and that deny are carried over;
//! others ask services that a policy does not know, and stay closed.

use serde_json::Value;
use tollgate_core::MethodSet;

use super::write::{comment, head, id, issuer, list, quoted};
use super::{ImportError, Imported};

/// The policy of a list of access rules. Rules of other hosts than the first one's stay closed, because a
/// policy is about one site. `keys` is the key set of the issuer that the rules trust, if it is at hand.
///
/// # Errors
/// If the text is no list of access rules.
pub fn oathkeeper(text: &str, keys: Option<&str>) -> Result<Imported, ImportError> {
    let format = |problem: String| ImportError::Format(problem);
    let value: Value = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| format(error.to_string()))?
    } else {
        serde_saphyr::from_str(text).map_err(|error| format(error.to_string()))?
    };
    let rules = value.as_array();
    let rules = rules.ok_or(ImportError::Missing("a list of access rules"))?;
    let mut out = Imported::default();
    let mut writer = Writer {
        rules: String::new(),
        issuer: None,
        host: None,
        taken: Vec::new(),
        notes: Vec::new(),
    };
    for rule in rules {
        writer.rule(rule);
    }
    let mut text = head("imported", "access rules of Ory Oathkeeper");
    out.notes = writer.notes;
    if let Some((table, published)) = &writer.issuer {
        text.push_str(&issuer(table, published, keys, &mut out));
    } else if writer.rules.contains("\nsigned_in") || writer.rules.contains("\nscopes") {
        let note = "say who issues the tokens: `[[issuer]]`; until then no token is good";
        text.push_str(&format!("\n{}", comment(note)));
        out.notes.push(note.to_owned());
    }
    text.push_str(&writer.rules);
    out.files.insert(0, ("site.toml".to_owned(), text));
    Ok(out)
}

struct Writer {
    rules: String,
    /// The lines of its table, and where its keys are published.
    issuer: Option<(String, String)>,
    host: Option<String>,
    taken: Vec<String>,
    notes: Vec<String>,
}

/// Who gets in, as keys of a rule.
enum Who {
    Keys(String),
    Deny,
    Unknown(String),
}

impl Writer {
    fn rule(&mut self, rule: &Value) {
        let name = rule.get("id").and_then(Value::as_str).unwrap_or("rule");
        let id = id(name, &mut self.taken);
        let url = rule
            .pointer("/match/url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (host, path) = split(url);
        if self.host.get_or_insert_with(|| host.to_owned()) != host {
            return self.closed(&id, url, "is about another host");
        }
        let who = self.who(rule);
        let patterns = match &who {
            Who::Unknown(why) => return self.closed(&id, url, &why.clone()),
            Who::Keys(_) => patterns(path),
            // What denies must deny all of it.
            Who::Deny => patterns(path).or_else(|| Some(vec![literal_folder(path)])),
        };
        let Some(patterns) = patterns else {
            return self.closed(&id, url, "has a URL that no pattern here says");
        };
        let methods = methods(rule);
        if methods.is_empty() {
            return self.closed(&id, url, "names no method that is known here");
        }
        let (effect, keys) = match who {
            Who::Keys(keys) => ("allow", keys),
            _ => ("deny", String::new()),
        };
        self.rules.push_str(&format!(
            "\n[[rule]]\nid = {}\n{effect} = {}\n{keys}",
            quoted(&id),
            list(&patterns)
        ));
        if methods != MethodSet::READ {
            let names: Vec<String> = methods.names().map(str::to_owned).collect();
            self.rules
                .push_str(&format!("methods = {}\n", list(&names)));
        }
    }

    fn closed(&mut self, id: &str, url: &str, why: &str) {
        let note = format!("rule `{id}` {why}, so it is closed here: {url}");
        self.rules.push_str(&format!("\n{}", comment(&note)));
        self.notes.push(note);
    }

    fn who(&mut self, rule: &Value) -> Who {
        let handler = |value: &Value| {
            let name = value.get("handler").and_then(Value::as_str);
            name.unwrap_or_default().to_owned()
        };
        let authorizer = rule.get("authorizer").map(&handler).unwrap_or_default();
        match authorizer.as_str() {
            "allow" => {}
            "deny" => return Who::Deny,
            other => return Who::Unknown(format!("asks the authorizer `{other}`")),
        }
        let list = rule.get("authenticators").and_then(Value::as_array);
        let list = list.map(Vec::as_slice).unwrap_or_default();
        // The first one that feels responsible decides. Without a token that is the first that needs none.
        let needs_none = |value: &Value| ["noop", "anonymous"].contains(&handler(value).as_str());
        if let [first] = list
            && needs_none(first)
        {
            return Who::Keys("anyone = true\n".to_owned());
        }
        if list.iter().any(|value| handler(value) == "noop") {
            return Who::Unknown("mixes `noop` with other authenticators".to_owned());
        }
        let known = |value: &&Value| ["jwt", "anonymous"].contains(&handler(value).as_str());
        if let Some(other) = list.iter().find(|value| !known(value)) {
            let name = handler(other);
            return Who::Unknown(format!("asks the authenticator `{name}`"));
        }
        if list.iter().any(needs_none) {
            // A bad token is refused there and does no harm here: nobody gets more than without one.
            return Who::Keys("anyone = true\n".to_owned());
        }
        match list {
            [jwt] => self.token(jwt.get("config").unwrap_or(&Value::Null)),
            _ => Who::Unknown("has no authenticator, or several".to_owned()),
        }
    }

    /// The `jwt` authenticator.
    fn token(&mut self, config: &Value) -> Who {
        let texts = |name: &str| -> Vec<String> {
            let list = config
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (issuers, audience, keys) = (
            texts("trusted_issuers"),
            texts("target_audience"),
            texts("jwks_urls"),
        );
        if let ([issuer], false, [keys]) =
            (issuers.as_slice(), audience.is_empty(), keys.as_slice())
            && issuer.starts_with("https://")
            && keys.starts_with("https://")
        {
            let algorithms = texts("allowed_algorithms");
            let algorithms = if algorithms.is_empty() {
                vec!["RS256".to_owned()]
            } else {
                algorithms
            };
            let table = format!(
                "name = \"oathkeeper\"\nissuer = {}\nclients = {}\nalgorithms = {}\n",
                quoted(issuer),
                list(&audience),
                list(&algorithms)
            );
            let found = (table, keys.clone());
            if *self.issuer.get_or_insert_with(|| found.clone()) != found {
                return Who::Unknown("trusts another issuer than the rules before".to_owned());
            }
        }
        match texts("required_scope").as_slice() {
            [] => Who::Keys("signed_in = true\n".to_owned()),
            [scope] if !scope.contains(['{', '}', ' ', '"', '\\']) => {
                Who::Keys(format!("scopes = {}\n", list(core::slice::from_ref(scope))))
            }
            _ => Who::Unknown("asks for several scopes at once".to_owned()),
        }
    }
}

fn methods(rule: &Value) -> MethodSet {
    let list = rule.pointer("/match/methods").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|name| MethodSet::from_name(name.as_str()?))
        .fold(MethodSet::EMPTY, |all, one| all | one)
}

/// The host and the path of a URL; a host may be a `<…>` with slashes in it.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut depth = 0_u32;
    for (at, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                return (
                    rest.get(..at).unwrap_or(rest),
                    rest.get(at..).unwrap_or("/"),
                );
            }
            _ => {}
        }
    }
    (rest, "/")
}

/// Patterns for a path with `<…>`, or `None` if no pattern says the same or less.
fn patterns(path: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('<') {
        let (inside, after) = after.split_once('>')?;
        all.iter_mut().for_each(|path| path.push_str(text));
        match inside {
            ".*" | ".+" | "**" => {
                // Only at the end of a segment's beginning and of the path does it mean `**`.
                if !after.is_empty() || !all.iter().all(|path| path.ends_with('/')) {
                    return None;
                }
                all.iter_mut().for_each(|path| path.push_str("**"));
            }
            "[^/]+" | "[^/]*" | "*" => {
                all.iter_mut().for_each(|path| path.push('*'));
            }
            choice => {
                let choice = choice.trim_start_matches('(').trim_end_matches(')');
                let words: Vec<&str> = choice.split('|').collect();
                let plain = |word: &&str| {
                    !word.is_empty()
                        && word
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                };
                if words.len() * all.len() > 32 || !words.iter().all(plain) {
                    return None;
                }
                all = all
                    .iter()
                    .flat_map(|path| words.iter().map(move |word| format!("{path}{word}")))
                    .collect();
            }
        }
        rest = after;
    }
    all.iter_mut().for_each(|path| path.push_str(rest));
    all.iter().all(|path| is_pattern(path)).then_some(all)
}

/// The deepest folder that holds everything a path names.
fn literal_folder(path: &str) -> String {
    let literal = path.split('<').next().unwrap_or("/");
    match literal.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() && is_pattern(folder) => format!("{folder}/**"),
        _ => "/**".to_owned(),
    }
}

fn is_pattern(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    let good = |segment: &str| {
        segment == "**"
            || (tollgate_core::path::check_segment(
                &segment.replace('*', "x"),
                tollgate_core::PathOptions::default(),
            )
            .is_ok()
                && !segment.contains(['{', '}', '%'])
                && !segment.contains("**"))
    };
    path.is_empty() || path.split('/').all(good)
}
