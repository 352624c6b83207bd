//! The requirements of an access rule: its authenticators, its authorizer and its mutators.
//!
//! The first applicable authenticator decides. Any client can send a request without credentials,
//! so a rule that allows one is public. Not here: the issuers that a token may come from
//! ([`issuers`](super::issuers)).

use serde_json::Value;
use tollgate_compiler::limits::MAX_NAME_BYTES;

use super::super::document::shown;
use super::super::write::one_line;
use super::config::Config;

/// The clients that have access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Every client.
    Anyone,
    /// Clients with a token that meets these settings.
    Token(Box<Jwt>),
    /// No client, because the rule denies every request or is not understood: the end of a sentence
    /// about it.
    Closed(String),
}

/// The settings of the `jwt` authenticator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Jwt {
    pub(super) issuers: Vec<String>,
    /// All of these must be in `aud`.
    pub(super) audiences: Vec<String>,
    pub(super) key_sets: Vec<String>,
    pub(super) algorithms: Vec<String>,
    pub(super) scope: Option<String>,
    /// The token source.
    pub(super) source: String,
}

/// The requirements of a rule, and notes about it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) access: Access,
    /// Sentences without the rule's name.
    pub(super) notes: Vec<String>,
}

/// The authenticators that do not apply to a request without credentials, and call a service.
const SERVICES: [&str; 4] = [
    "bearer_token",
    "cookie_session",
    "oauth2_client_credentials",
    "oauth2_introspection",
];
/// Mutators that only change what is forwarded.
const FORWARDING: [&str; 3] = ["cookie", "header", "id_token"];
/// The members of a rule that are read, or that do not affect access.
const MEMBERS: [&str; 9] = [
    "authenticators",
    "authorizer",
    "description",
    "errors",
    "id",
    "match",
    "mutators",
    "upstream",
    "version",
];
const JWT_MEMBERS: [&str; 9] = [
    "allowed_algorithms",
    "jwks_max_wait",
    "jwks_ttl",
    "jwks_urls",
    "required_scope",
    "scope_strategy",
    "target_audience",
    "token_from",
    "trusted_issuers",
];

/// Reads a rule.
pub(super) fn asked(rule: &Value, config: Option<&Config>) -> Asked {
    let mut notes = Vec::new();
    let closed = |why: String| Access::Closed(one_line(&why));
    let access = read(rule, config, &mut notes).unwrap_or_else(closed);
    let notes = notes.iter().map(|note| one_line(note)).collect();
    Asked { access, notes }
}

fn read(rule: &Value, config: Option<&Config>, notes: &mut Vec<String>) -> Result<Access, String> {
    let members = rule.as_object().into_iter().flatten();
    if let Some((name, _)) = members
        .into_iter()
        .find(|(name, _)| !MEMBERS.contains(&name.as_str()))
    {
        return Err(format!("has `{name}`, which is not understood"));
    }
    let access = authenticators(rule, config, notes)?;
    let authorizer = handler(rule.get("authorizer").unwrap_or(&Value::Null));
    match authorizer.as_deref() {
        Some("allow") => {}
        Some("deny") => return Err("denies every request".to_owned()),
        Some(other) => return Err(format!("leaves the decision to the authorizer `{other}`")),
        None => return Err("has no authorizer that can be read".to_owned()),
    }
    enabled(config, "authorizers", "allow")?;
    mutators(rule, config, notes)?;
    if let Some(prefix) = rule.pointer("/upstream/strip_path").and_then(Value::as_str)
        && !prefix.is_empty()
    {
        notes.push(format!(
            "removes `{prefix}` from the path that is forwarded; Tollgate forwards the path unchanged"
        ));
    }
    Ok(access)
}

fn authenticators(
    rule: &Value,
    config: Option<&Config>,
    notes: &mut Vec<String>,
) -> Result<Access, String> {
    let list = rule.get("authenticators").and_then(Value::as_array);
    let list = list.filter(|list| !list.is_empty());
    let list = list.ok_or("has no authenticators that can be read")?;
    let mut token = None;
    let mut service = None;
    for authenticator in list {
        let name = handler(authenticator).ok_or("has an authenticator that cannot be read")?;
        if let Err(problem) = enabled(config, "authenticators", &name) {
            return end(token, notes, &name).ok_or(problem);
        }
        match name.as_str() {
            "noop" | "anonymous" => {
                if token.is_some() || service.is_some() {
                    notes.push(
                        "also allows requests without credentials, so the imported rule is public"
                            .to_owned(),
                    );
                }
                return Ok(Access::Anyone);
            }
            "unauthorized" => {
                return end(token, notes, &name).ok_or_else(|| "denies every request".to_owned());
            }
            "jwt" if token.is_none() => {
                let own = authenticator.get("config").unwrap_or(&Value::Null);
                let jwt = match config {
                    Some(config) => jwt(&config.merged("jwt", own)),
                    None => jwt(own),
                };
                match (jwt, service.as_deref()) {
                    // A later authenticator may still make the rule public.
                    (Err(problem), _) => service = service.or(Some(problem)),
                    (Ok(jwt), None) => token = Some(jwt),
                    (Ok(jwt), Some("cookie_session")) if !jwt.source.starts_with("cookie:") => {
                        token = Some(jwt);
                    }
                    (Ok(_), Some(_)) => {}
                }
            }
            name if name == "jwt" || SERVICES.contains(&name) => {
                service = service.or_else(|| Some(name.to_owned()));
            }
            other => {
                let problem = format!("has the authenticator `{other}`, which is not understood");
                return end(token, notes, other).ok_or(problem);
            }
        }
    }
    if let Some(jwt) = token {
        if let Some(service) = service {
            notes.push(format!(
                "also accepts what `{service}` accepts, which the imported rule does not"
            ));
        }
        return Ok(Access::Token(Box::new(jwt)));
    }
    let service = service.ok_or("has no authenticators that can be read")?;
    match SERVICES.contains(&service.as_str()) {
        true => Err(format!(
            "leaves the decision to the authenticator `{service}`"
        )),
        false => Err(service),
    }
}

/// Ends the list at an authenticator that allows nothing more.
fn end(token: Option<Jwt>, notes: &mut Vec<String>, name: &str) -> Option<Access> {
    let jwt = token?;
    if name != "unauthorized" {
        notes.push(format!(
            "also has the authenticator `{name}`, which the imported rule does not"
        ));
    }
    Some(Access::Token(Box::new(jwt)))
}

fn enabled(config: Option<&Config>, kind: &str, name: &str) -> Result<(), String> {
    match config.is_none_or(|config| config.enables(kind, name)) {
        true => Ok(()),
        false => Err(format!(
            "uses `{name}`, which the configuration does not enable"
        )),
    }
}

fn handler(value: &Value) -> Option<String> {
    value
        .get("handler")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn mutators(rule: &Value, config: Option<&Config>, notes: &mut Vec<String>) -> Result<(), String> {
    let Some(mutators) = rule.get("mutators").filter(|mutators| !mutators.is_null()) else {
        notes.push(
            "has no `mutators`, for which Oathkeeper answers 500; the import assumes `noop`"
                .to_owned(),
        );
        return Ok(());
    };
    let list = mutators.as_array().filter(|list| !list.is_empty());
    for mutator in list.ok_or("has no mutators that can be read")? {
        let name = handler(mutator).ok_or("has a mutator that cannot be read")?;
        enabled(config, "mutators", &name)?;
        match name.as_str() {
            "noop" => {}
            name if FORWARDING.contains(&name) => notes.push(format!(
                "changes the forwarded request with `{name}`, which Tollgate does not"
            )),
            "hydrator" => return Err("leaves the decision to the mutator `hydrator`".to_owned()),
            other => {
                return Err(format!(
                    "has the mutator `{other}`, which is not understood"
                ));
            }
        }
    }
    Ok(())
}

/// Reads the settings of the `jwt` authenticator.
fn jwt(config: &Value) -> Result<Jwt, String> {
    let members = config.as_object().into_iter().flatten();
    if let Some((name, _)) = members
        .into_iter()
        .find(|(name, _)| !JWT_MEMBERS.contains(&name.as_str()))
    {
        return Err(format!(
            "has the `jwt` setting `{name}`, which is not understood"
        ));
    }
    let texts = |name: &str| -> Result<Vec<String>, String> {
        let Some(value) = config.get(name).filter(|value| !value.is_null()) else {
            return Ok(Vec::new());
        };
        let list = value.as_array().and_then(|list| {
            list.iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect()
        });
        list.ok_or_else(|| {
            format!(
                "has `{name}`, which is not a list of strings: {}",
                shown(value)
            )
        })
    };
    let need = |name: &str, why: &str| {
        let list = texts(name)?;
        match list.is_empty() {
            true => Err(format!("does not set `{name}`, {why}")),
            false => Ok(list),
        }
    };
    let inherits = "which may be in Oathkeeper's configuration: give it with `--config FILE`";
    let key_sets = need("jwks_urls", inherits)?;
    let issuers = need(
        "trusted_issuers",
        "so it accepts every issuer whose keys it has",
    )?;
    let audiences = need("target_audience", "so it accepts tokens for every client")?;
    let algorithms = texts("allowed_algorithms")?;
    let algorithms = match algorithms.is_empty() {
        true => vec!["RS256".to_owned()],
        false => algorithms,
    };
    let source = source(config.get("token_from").unwrap_or(&Value::Null))?;
    Ok(Jwt {
        issuers,
        audiences,
        key_sets,
        algorithms,
        scope: scope(&texts("required_scope")?, config.get("scope_strategy"))?,
        source,
    })
}

fn scope(scopes: &[String], strategy: Option<&Value>) -> Result<Option<String>, String> {
    const STRATEGIES: [&str; 3] = ["exact", "hierarchic", "wildcard"];
    let [scope] = scopes else {
        return match scopes.is_empty() {
            true => Ok(None),
            false => Err("requires several scopes at once".to_owned()),
        };
    };
    // The other strategies accept the exact scope, and more.
    let is_checked = match strategy {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => STRATEGIES.contains(&name.to_lowercase().as_str()),
        Some(_) => false,
    };
    if !is_checked {
        return Err(
            "requires a scope without a `scope_strategy`, so it denies every request".to_owned(),
        );
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"{}\"\\".contains(c);
    let is_short = !scope.is_empty() && scope.len() <= MAX_NAME_BYTES;
    match is_short && scope.chars().all(is_plain) {
        true => Ok(Some(scope.clone())),
        false => Err(format!(
            "requires the scope `{scope}`, which a rule cannot name"
        )),
    }
}

/// The token source for `token_from`.
fn source(from: &Value) -> Result<String, String> {
    let Value::Object(members) = from else {
        return match from {
            Value::Null => Ok("header:authorization".to_owned()),
            other => Err(format!(
                "has `token_from`, which cannot be read: {}",
                shown(other)
            )),
        };
    };
    let mut members = members.iter();
    let (Some((kind, Value::String(name))), None) = (members.next(), members.next()) else {
        return Err(format!(
            "has `token_from`, which cannot be read: {}",
            shown(from)
        ));
    };
    let is_header = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let source = match kind.as_str() {
        "header" if name == "Authorization" => Some("header:authorization".to_owned()),
        // With any other spelling Oathkeeper reads the value without `Bearer`, which no client
        // sends.
        "header" if ["authorization", "cookie"].contains(&name.to_lowercase().as_str()) => None,
        "header" if name.chars().all(is_header) => Some(format!("header:{}", name.to_lowercase())),
        "cookie" if name.chars().all(is_header) => Some(format!("cookie:{name}")),
        "query_parameter" if name.chars().all(is_unreserved) => Some(format!("query:{name}")),
        _ => None,
    };
    let source = source.filter(|source| !name.is_empty() && source.len() <= MAX_NAME_BYTES);
    source.ok_or_else(|| {
        format!(
            "reads its token from the {kind} `{name}`, which is not supported as a token source"
        )
    })
}

#[cfg(test)]
mod tests;
