//! Reads the behaviours of a distribution from the documents that describe one.
//!
//! Any setting of a behaviour that is not known to be harmless guards it. Not here: the rules that
//! the behaviours become.

use serde_json::Value;
use tollgate_core::MethodSet;

use super::super::ImportError;
use super::super::document::shown;
use super::super::write::one_line;

/// A distribution.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    pub(super) name: String,
    /// In evaluation order; the default behaviour is the last.
    pub(super) behaviours: Vec<Behaviour>,
    pub(super) root: Root,
    /// Notes on restrictions for the whole distribution.
    pub(super) notes: Vec<String>,
}

/// The file that a request for `/` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The origin decides.
    Origin,
    File(String),
    Unknown,
}

/// A cache behaviour.
#[derive(Clone, Debug)]
pub(super) struct Behaviour {
    /// The path pattern; `*` is that of the default behaviour.
    pub(super) pattern: String,
    pub(super) is_default: bool,
    pub(super) guard: Option<Guard>,
    pub(super) methods: MethodSet,
    /// Whether a function runs on responses.
    pub(super) has_response_function: bool,
}

/// A guard: a requirement that a request must meet before a behaviour serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// The end of a sentence about the behaviour.
    pub(super) what: String,
    /// Whether it is understood. An unknown setting may not be a guard at all.
    pub(super) is_known: bool,
}

/// The names of a member: CloudFront's own, and Terraform's.
type Names = [&'static str; 2];

const DEFAULT: Names = ["DefaultCacheBehavior", "default_cache_behavior"];
const ORDERED: Names = ["CacheBehaviors", "ordered_cache_behavior"];
const PATTERN: Names = ["PathPattern", "path_pattern"];
const METHODS: Names = ["AllowedMethods", "allowed_methods"];
const SIGNED: [Names; 2] = [
    ["TrustedKeyGroups", "trusted_key_groups"],
    ["TrustedSigners", "trusted_signers"],
];
const FUNCTIONS: [(Names, &str); 2] = [
    (
        ["LambdaFunctionAssociations", "lambda_function_association"],
        "runs a Lambda function",
    ),
    (
        ["FunctionAssociations", "function_association"],
        "runs a CloudFront function",
    ),
];

/// Settings of a behaviour that do not affect access.
const HARMLESS: [&str; 34] = [
    "CachePolicyId",
    "CachedMethods",
    "Compress",
    "DefaultTTL",
    "FieldLevelEncryptionId",
    "ForwardedValues",
    "GrpcConfig",
    "MaxTTL",
    "MinTTL",
    "OriginRequestPolicyId",
    "RealtimeLogConfigArn",
    "ResponseHeadersPolicyId",
    "SmoothStreaming",
    "TargetOriginId",
    "ViewerProtocolPolicy",
    "cache_policy_id",
    "cached_methods",
    "compress",
    "default_ttl",
    "field_level_encryption_id",
    "forwarded_values",
    "grpc_config",
    "max_ttl",
    "min_ttl",
    "origin_request_policy_id",
    "realtime_log_config_arn",
    "response_headers_policy_id",
    "smooth_streaming",
    "target_origin_id",
    "viewer_protocol_policy",
    "AllowedMethods",
    "allowed_methods",
    "PathPattern",
    "path_pattern",
];

/// Reads the configuration of a distribution.
///
/// # Errors
/// Returns an error if the behaviours cannot be determined.
pub(super) fn distribution(config: &Value) -> Result<Distribution, ImportError> {
    match member(config, ["Enabled", "enabled"]) {
        None | Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(ImportError::Disabled),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => {}
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            return Err(ImportError::Disabled);
        }
        Some(other) => {
            return Err(ImportError::Unreadable {
                place: "`Enabled`".to_owned(),
                found: shown(other),
                expected: "write `true` or `false`",
            });
        }
    }
    // Settings that could add behaviours.
    let is_unread = |name: &&String| name.starts_with("Fn::") || *name == "cache_behavior";
    let mut names = config
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    if let Some(name) = names.find(is_unread) {
        return Err(ImportError::Unreadable {
            place: format!("`{name}` of the distribution"),
            found: shown(config.get(name).unwrap_or(&Value::Null)),
            expected: "write all behaviors as `CacheBehaviors` (`ordered_cache_behavior`), with every function of \
                       the template resolved",
        });
    }
    let default = member(config, DEFAULT);
    let default = match default {
        Some(Value::Array(list)) if list.len() == 1 => list.first(),
        other => other,
    };
    let default = default.filter(|default| default.is_object());
    let default = default.ok_or_else(|| ImportError::Unreadable {
        place: "`DefaultCacheBehavior`".to_owned(),
        found: shown(member(config, DEFAULT).unwrap_or(&Value::Null)),
        expected: "write the default cache behavior as an object",
    })?;
    let ordered = Listed::of(member(config, ORDERED));
    let Listed::Items { items, .. } = ordered else {
        return Err(ImportError::Unreadable {
            place: "`CacheBehaviors`".to_owned(),
            found: shown(member(config, ORDERED).unwrap_or(&Value::Null)),
            expected: "write the cache behaviors as a list, with every function of the template resolved: \
                       `aws cloudfront get-distribution-config` prints them so",
        });
    };
    let mut behaviours = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let pattern = member(item, PATTERN).and_then(Value::as_str);
        let pattern = pattern.ok_or_else(|| ImportError::Unreadable {
            place: format!("the path pattern of cache behavior {}", at + 1),
            found: shown(member(item, PATTERN).unwrap_or(item)),
            expected: "write the pattern as text, with every function of the template resolved: \
                       `aws cloudfront get-distribution-config` prints it so",
        })?;
        behaviours.push(behaviour(pattern, false, item));
    }
    behaviours.push(behaviour("*", true, default));
    let name = member(config, ["Comment", "comment"]).and_then(Value::as_str);
    let root = match member(config, ["DefaultRootObject", "default_root_object"]) {
        None => Root::Origin,
        Some(nothing) if is_nothing(nothing) => Root::Origin,
        Some(Value::String(file)) if file.is_empty() => Root::Origin,
        Some(Value::String(file)) => Root::File(file.clone()),
        Some(_) => Root::Unknown,
    };
    Ok(Distribution {
        name: name.unwrap_or_default().to_owned(),
        behaviours,
        root,
        notes: additional(config),
    })
}

/// Returns notes on restrictions for all behaviours.
fn additional(config: &Value) -> Vec<String> {
    let is_set = |names: Names| match member(config, names) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    };
    let mut notes = Vec::new();
    let mut stays = |what: &str| {
        notes.push(format!(
            "{what} stays in CloudFront: the policy does not contain it"
        ));
    };
    let first = |value: Option<&Value>| match value {
        Some(Value::Array(list)) => list.first().cloned(),
        other => other.cloned(),
    };
    let restrictions = first(member(config, ["Restrictions", "restrictions"]));
    let geo = restrictions.map(|value| {
        let geo = first(member(&value, ["GeoRestriction", "geo_restriction"]));
        let kind = geo
            .as_ref()
            .and_then(|geo| member(geo, ["RestrictionType", "restriction_type"]));
        let kind = kind.and_then(Value::as_str).map(str::to_owned);
        let count = geo
            .as_ref()
            .and_then(|geo| geo.get("Quantity"))
            .and_then(Value::as_u64);
        match (kind.as_deref(), count) {
            (Some(kind), _) => kind != "none",
            (None, count) => count != Some(0),
        }
    });
    if geo == Some(true) {
        stays("the geographic restriction");
    }
    if is_set(["WebACLId", "web_acl_id"]) {
        stays("the web ACL");
    }
    if is_set(["ViewerMtlsConfig", "viewer_mtls_config"]) {
        stays("the check of client certificates");
    }
    if is_set([
        "ConnectionFunctionAssociation",
        "connection_function_association",
    ]) {
        stays("the connection function");
    }
    notes
}

fn behaviour(pattern: &str, is_default: bool, value: &Value) -> Behaviour {
    let mut behaviour = Behaviour {
        pattern: pattern.to_owned(),
        is_default,
        guard: None,
        methods: MethodSet::READ,
        has_response_function: false,
    };
    behaviour.guard = signed(value)
        .or_else(|| functions(value, &mut behaviour.has_response_function))
        .or_else(|| methods(value, &mut behaviour.methods))
        .or_else(|| strange(value));
    if behaviour.guard.is_some() {
        behaviour.methods = MethodSet::EMPTY;
    }
    behaviour
}

fn known(what: &str) -> Guard {
    Guard {
        what: what.to_owned(),
        is_known: true,
    }
}

fn unknown(what: String) -> Guard {
    Guard {
        what,
        is_known: false,
    }
}

fn signed(value: &Value) -> Option<Guard> {
    let mut guards = SIGNED
        .iter()
        .filter_map(|names| match Listed::of(member(value, *names)) {
            Listed::Items { items, is_on } => (is_on || !items.is_empty())
                .then(|| known("requires signed URLs or signed cookies")),
            Listed::Unknown => Some(unknown(format!("has `{}`, which cannot be read", names[0]))),
        });
    guards.next()
}

fn functions(value: &Value, has_response_function: &mut bool) -> Option<Guard> {
    let mut guard = None;
    for (names, what) in FUNCTIONS {
        let Listed::Items { items, .. } = Listed::of(member(value, names)) else {
            guard = guard.or(Some(unknown(format!(
                "has `{}`, which cannot be read",
                names[0]
            ))));
            continue;
        };
        for function in items {
            let event = member(function, ["EventType", "event_type"]).and_then(Value::as_str);
            match event {
                Some("viewer-response" | "origin-response") => *has_response_function = true,
                _ => guard = guard.or(Some(known(what))),
            }
        }
    }
    guard
}

fn methods(value: &Value, methods: &mut MethodSet) -> Option<Guard> {
    let allowed = member(value, METHODS).filter(|allowed| !allowed.is_null())?;
    let Listed::Items { items, .. } = Listed::of(Some(allowed)) else {
        return Some(unknown(
            "has `AllowedMethods`, which cannot be read".to_owned(),
        ));
    };
    let names = items.into_iter().filter_map(Value::as_str);
    *methods = names
        .filter_map(MethodSet::from_name)
        .fold(MethodSet::EMPTY, |all, one| all | one);
    methods
        .is_empty()
        .then(|| unknown("allows no known method".to_owned()))
}

/// Finds a setting that is not known to be harmless.
fn strange(value: &Value) -> Option<Guard> {
    let is_read = |name: &str| {
        let functions = FUNCTIONS.iter().map(|(names, _)| names);
        HARMLESS.contains(&name)
            || SIGNED
                .iter()
                .chain(functions)
                .any(|names| names.contains(&name))
    };
    let members = value.as_object()?;
    let strange = members
        .iter()
        .find(|(name, value)| !is_read(name) && !is_nothing(value));
    strange.map(|(name, _)| unknown(format!("has `{}`, which is not understood", one_line(name))))
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || *value == serde_json::json!({ "Ref": "AWS::NoValue" })
}

/// A list, in one of its formats.
enum Listed<'a> {
    Items {
        items: Vec<&'a Value>,
        /// Whether it is enabled, whatever its content.
        is_on: bool,
    },
    Unknown,
}

impl<'a> Listed<'a> {
    fn of(value: Option<&'a Value>) -> Self {
        let items = |items: &'a [Value], is_on| Self::Items {
            items: items.iter().collect(),
            is_on,
        };
        let value = match value {
            None => return items(&[], false),
            Some(value) if is_nothing(value) => return items(&[], false),
            Some(value) => value,
        };
        match value {
            Value::Array(list) => items(list, false),
            Value::Object(members) => {
                let is_known = |name: &String| {
                    ["Enabled", "Quantity", "Items", "CachedMethods"].contains(&name.as_str())
                };
                let is_on = match members.get("Enabled") {
                    None | Some(Value::Bool(false)) => Some(false),
                    Some(Value::Bool(true)) => Some(true),
                    Some(_) => None,
                };
                let list = match members.get("Items") {
                    None | Some(Value::Null) => Some(&[] as &[Value]),
                    Some(Value::Array(list)) => Some(list.as_slice()),
                    Some(_) => None,
                };
                let count = match members.get("Quantity") {
                    None => Some(0),
                    Some(count) => count.as_u64(),
                };
                match (is_on, list, count) {
                    (Some(is_on), Some(list), Some(count))
                        if members.keys().all(is_known)
                            && !members.is_empty()
                            && (count == 0 || !list.is_empty()) =>
                    {
                        items(list, is_on)
                    }
                    _ => Self::Unknown,
                }
            }
            _ => Self::Unknown,
        }
    }
}

fn member(value: &Value, names: Names) -> Option<&Value> {
    names.iter().find_map(|name| value.get(name))
}
