//! The sizes of a policy's parts in a generated function, for errors about its limits.
//!
//! Not here: the limits ([`budget`](super::budget)).

use tollgate_gate::config::{DenyAnswer, DenyConfig, GateConfig};

use super::budget::Cost;
use super::features::Features;
use super::lower::Lowered;

/// A feature as policy authors know it.
fn shown(feature: &'static str) -> &'static str {
    match feature {
        "address" => "client addresses",
        "arithmetic" => "int arithmetic",
        "ascii_only" => "`ascii_only`",
        "algorithms" => "several algorithms",
        "authorization" => "tokens in `Authorization`",
        "bodies" => "`[deny.pages]`",
        "cors" => "`cors`",
        "readers" => "distinguishing browsers from scripts",
        "binary" => "operators with two sides",
        "captures" => "captures in names",
        "challenges" => "`WWW-Authenticate` with 401",
        "claim_lists" => "`string[]` claims",
        "claims" => "claims",
        "cognito" => "tokens of Cognito",
        "clears" => "clearing session cookies",
        "course_sessions" => "sessions by course",
        "conditions" => "`when` and `unless`",
        "identity" => "`identity`",
        "index" => "`index`",
        "endpoints" => "keeping requests from the endpoints of `[sign_in]`",
        "integers" => "64-bit integers",
        "issuers" => "`issuers`",
        "mapped" => "`groups` and prefixes of issuers",
        "multiply" => "int multiplication",
        "names" => "groups, scopes and subjects",
        "navigates" => "recognizing navigations for sign-in",
        "nested" => "nested claims",
        "networks" => "networks",
        "op_and" => "`&&`",
        "op_capture" => "`path.…`",
        "op_claim" => "`claims.…`",
        "op_compare" => "`==`, `<` and their like",
        "op_groups" => "`… in groups`",
        "op_has" => "`has(…)`",
        "op_in" => "`… in […]`",
        "op_ip" => "`ip`",
        "op_issuer" => "`issuer`",
        "op_method" => "`method`",
        "op_networks" => "`cidr(…).containsIP(…)`",
        "op_not" => "`!` and `!=`",
        "op_now" => "`now`",
        "op_or" => "`||`",
        "op_same" => "`==` of booleans",
        "op_shift" => "times and durations",
        "op_subject" => "`sub`",
        "op_text" => "`startsWith`, `endsWith`, `contains`",
        "order" => "comparing values",
        "pages" => "rules on several pages",
        "plain" => "tokens that are not sessions",
        "redirects" => "redirects",
        "refresh" => "refreshing sessions",
        "rest" => "`/**` at the end of paths",
        "rule_networks" => "`networks` of rules",
        "scopes" => "`scopes`",
        "sessions" => "sessions",
        "shared_kids" => "issuers that share a key ID",
        "s3" => "`origin = \"s3\"`",
        "sign_in" => "redirects to sign-in",
        "strict" => "`origin = \"strict\"`",
        "strip" => "`strip`",
        "strip_all" => "`strip = true`",
        "subjects" => "`subjects`",
        "times" => "`from` and `until`",
        "tokens" => "tokens",
        "unless" => "`unless`",
        "when" => "`when`",
        other => other,
    }
}

/// The size of every feature that a function which is too large could do without, the largest first.
pub(super) fn of_function(
    bytes: usize,
    config: &GateConfig,
    features: &Features,
    measure: &dyn Fn(&Features) -> usize,
) -> Vec<Cost> {
    let mut costs: Vec<Cost> = features
        .iter()
        .map(|(feature, rules)| Cost {
            bytes: bytes.saturating_sub(measure(&features.without(feature))),
            what: shown(feature),
            rules: rules.iter().cloned().collect(),
        })
        .chain([location_cost(&config.deny)])
        .filter(|cost| cost.bytes > 0)
        .collect();
    costs.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.what.cmp(b.what)));
    costs
}

/// The size of the locations of redirects, which the function contains as they are.
fn location_cost(deny: &DenyConfig) -> Cost {
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        // They are in the store.
        pages: _,
        cors: _,
    } = deny;
    // Two reasons are answered as forbidden.
    let locations = [no_token, bad_token, forbidden, forbidden].map(|answer| match answer {
        DenyAnswer::Redirect(location) => location.len(),
        // The location of sign-in is data.
        DenyAnswer::Status(_) | DenyAnswer::SignIn(_) => 0,
    });
    Cost {
        bytes: locations.iter().sum(),
        what: "the locations of redirects in `[deny]`",
        rules: Vec::new(),
    }
}

/// The sizes of the ten largest rules.
pub(super) fn of_rules(rules: &[Lowered]) -> Vec<Cost> {
    let mut costs: Vec<Cost> = rules
        .iter()
        .map(|rule| {
            let patterns: Vec<_> = rule.patterns.iter().collect();
            Cost {
                bytes: rule.to_json(&patterns, 0).to_string().len(),
                what: "a rule",
                rules: vec![rule.shown()],
            }
        })
        .collect();
    costs.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.rules.cmp(&b.rules)));
    costs.truncate(10);
    costs
}
