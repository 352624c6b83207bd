//! Traefik: `forwardAuth`, which can edit the headers of the request, but neither its target nor the response.
//!
//! Not here: the configuration itself, which is `traefik/traefik.yml` and `traefik/tollgate.yml`.

use tollgate_gate::config::{GateConfig, TokenSource};

use crate::fill::fill;
use crate::{File, IDENTITY, OWN, Policy, REMOVED, Site, token_headers};

const STATIC: &str = include_str!("traefik/traefik.yml");
const DYNAMIC: &str = include_str!("traefik/tollgate.yml");

/// The index document is appended by Traefik itself, after the gate has decided the same path.
const INDEX: &str = r#"
# `[paths] index`: the gate decides `/docs/` as the index document, and the origin receives the same path.
index:
  replacePathRegex:
    regex: "^(.*/)$"
    replacement: "${1}@NAME@"
"#;
const RESPONSE: &str = r#"
# Traefik cannot change the caching of single responses, so no cache stores any: some depend on the user's token.
response:
  headers:
    customResponseHeaders:
      Cache-Control: "private, no-store"
      CDN-Cache-Control: ""
      Cloudflare-CDN-Cache-Control: ""
      Surrogate-Control: ""
      X-Accel-Expires: ""
"#;

/// The first parameter of the query that must be removed, which Traefik cannot do.
pub(crate) fn removed_parameter(gate: &GateConfig) -> Option<&str> {
    gate.sources.iter().find_map(|source| match source {
        TokenSource::Query(name) if gate.strip.removes(source) => Some(name.as_str()),
        TokenSource::Query(_) | TokenSource::Header(_) | TokenSource::Cookie(_) => None,
    })
}

/// Whether responses to some requests must not be stored, for which Traefik forbids it for all.
pub(crate) fn forbids_caching(gate: &GateConfig) -> bool {
    gate.forward.private || gate.session.is_some()
}

pub(crate) fn files(policy: &Policy<'_>, site: &Site) -> Vec<File> {
    let mut middlewares = vec!["allowed"];
    let mut index = String::new();
    if let Some(name) = policy.index {
        middlewares.push("index");
        // Unreserved characters only.
        index = fill(INDEX, &[("NAME", name)]);
    }
    let mut response = "";
    if forbids_caching(policy.gate) {
        middlewares.push("response");
        response = RESPONSE;
    }
    let removed: String = REMOVED
        .iter()
        .chain(&OWN)
        .filter(|name| !SET_BY_TRAEFIK.contains(name))
        .map(|name| format!("{name}: \"\"\n"))
        .collect();
    let answered = IDENTITY.into_iter().chain(token_headers(policy.gate));
    let answered: String = answered.map(|name| format!("- {name}\n")).collect();
    let withheld = OWN.iter().chain(&["cookie", "authorization"]);
    let withheld: String = withheld.map(|name| format!("{name}: \"\"\n")).collect();
    let dynamic = fill(
        DYNAMIC,
        &[
            ("MIDDLEWARES", &middlewares.join(", ")),
            ("REMOVED", &removed),
            ("AUTHZ", &site.authz.to_string()),
            ("ANSWERED", &answered),
            ("WITHHELD", &withheld),
            ("COOKIES", &cookies(policy.gate)),
            ("INDEX", &index),
            ("RESPONSE", response),
            ("UPSTREAM", &site.upstream.address().to_string()),
        ],
    );
    let fixed = fill(STATIC, &[("LISTEN", &site.listen.to_string())]);
    vec![
        File {
            name: "traefik.yml",
            text: fixed,
        },
        File {
            name: "tollgate.yml",
            text: dynamic,
        },
    ]
}

/// Headers that Traefik replaces itself, and that the origin may want.
const SET_BY_TRAEFIK: [&str; 1] = ["x-forwarded-host"];

/// The cookies of answers that the client receives. Its name consists of token characters, none of which ends a quoted
/// string.
fn cookies(gate: &GateConfig) -> String {
    gate.session.as_ref().map_or_else(String::new, |session| {
        format!(
            "# The session that the gate sets or clears.\naddAuthCookiesToResponse: [\"{}\"]\n",
            session.cookie
        )
    })
}
