//! Issuers of random sites, configured as real directories are: nested claims, other claim names for the
//! client ID, restricted grants, prefixes; and tokens in every form that the token layer accepts.
//!
//! Not here: the contents of tokens.

use serde_json::{Map, Value, json};

/// The text that every rendered issuer contains, and its replacements.
const GROUPS: &str = "groups_claim = \"cognito:groups\"\n";

/// Headers of valid tokens.
const HEADERS: [&str; 6] = [
    r#"{"alg":"HS256","kid":"k"}"#,
    r#"{"alg":"HS256","kid":"k","typ":"JWT"}"#,
    r#"{"typ":"application/at+JWT","alg":"HS256","kid":"k"}"#,
    r#"{"alg":"HS256"}"#,
    r#"{"alg":"HS256","kid":"k","cty":null,"x":[{}]}"#,
    r#"{"alg":"HS256","kid":"k","jku":"https://evil.test/set","jwk":{"kty":"oct","k":"AA"},"x5c":[]}"#,
];

/// The additional keys of a site's issuers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(u64);

impl Keys {
    const CLIENT: u64 = 1;
    const NESTED: u64 = 2;
    const SCOPES: u64 = 4;
    const GRANTED: u64 = 8;
    const PREFIXES: u64 = 16;

    /// Returns the keys of a seed: every third site has some.
    pub(super) const fn of_seed(seed: u64) -> Self {
        Self(if seed % 3 == 1 { 1 + seed / 3 % 31 } else { 0 })
    }

    const fn has(self, key: u64) -> bool {
        self.0 & key != 0
    }

    /// Writes them into the policy's file.
    pub(super) fn add(self, files: &mut [(String, String)]) {
        let mut keys = String::new();
        keys.push_str(if self.has(Self::NESTED) {
            "groups_claim = [\"realm\", \"roles\"]\n"
        } else {
            GROUPS
        });
        for (key, text) in [
            (Self::CLIENT, "client_claim = \"azp\"\n"),
            (Self::SCOPES, "scopes_claim = [\"access\", \"perms\"]\n"),
            (Self::GRANTED, "groups = [\"*a*\", \"course-*\", \"b\"]\n"),
            (
                Self::PREFIXES,
                "groups_prefix = \"s\"\nsubject_prefix = \"r\"\n",
            ),
        ] {
            if self.has(key) {
                keys.push_str(text);
            }
        }
        for (name, site) in files.iter_mut() {
            if name == "site.toml" {
                *site = site.replace(GROUPS, &keys);
            }
        }
    }

    /// Moves claims to the locations that the issuer uses. Some tokens keep them in the usual places.
    pub(super) fn place(self, claims: &mut Map<String, Value>, number: usize) {
        if number % 16 == 15 {
            return;
        }
        if self.has(Self::CLIENT) {
            let client = claims.insert("aud".to_owned(), json!("somebody else"));
            claims.insert("azp".to_owned(), client.unwrap_or_default());
        }
        if self.has(Self::NESTED) {
            if let Some(groups) = claims.remove("cognito:groups") {
                claims.insert("realm".to_owned(), json!({ "roles": groups, "x": null }));
            }
            if claims.remove("_claim_names").is_some() {
                claims.insert("_claim_names".to_owned(), json!({ "realm": "src1" }));
            }
        }
        if self.has(Self::SCOPES)
            && let Some(scopes) = claims.remove("scope")
        {
            claims.insert("access".to_owned(), json!({ "perms": scopes }));
        }
        // Without the prefixes, so that rules still match.
        if self.has(Self::PREFIXES) {
            let shorter = |text: &mut Value, prefix: &str| {
                let rest = text.as_str().and_then(|text| text.strip_prefix(prefix));
                if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                    *text = json!(rest);
                }
            };
            if let Some(subject) = claims.get_mut("sub") {
                shorter(subject, "r");
            }
            for groups in claims
                .get_mut("cognito:groups")
                .into_iter()
                .filter_map(Value::as_array_mut)
            {
                groups.iter_mut().for_each(|group| shorter(group, "s"));
            }
        }
    }
}

/// Returns claims in another form with the same meaning.
pub(super) fn relax(claims: &mut Map<String, Value>, number: usize) {
    if number % 2 == 1 {
        claims.insert("scp".to_owned(), Value::Null);
        claims.insert("nbf".to_owned(), Value::Null);
    }
    if number % 4 >= 2
        && let Some(groups) = claims.get_mut("cognito:groups")
        && let [Value::String(only)] = groups.as_array().map_or(&[][..], Vec::as_slice)
    {
        *groups = json!(only);
    }
    if number % 6 >= 3
        && let Some(scopes) = claims.get_mut("scope")
    {
        let list: Vec<String> = scopes.as_str().map_or_else(Vec::new, |text| {
            text.split(' ').map(str::to_owned).collect()
        });
        *scopes = json!(list);
    }
}

/// Times in all forms of JSON numbers.
pub(super) fn with_times(text: &str, number: usize) -> String {
    let exp = [
        "1000000000000",
        "999999999999.999",
        "999999999999.0",
        "1000000000000",
    ];
    let exp = exp.iter().cycle().nth(number % 4).unwrap_or(&"1");
    text.replacen("\"exp\":1000000000000", &format!("\"exp\":{exp}"), 1)
}

/// Returns the header of a valid token.
pub(super) fn header(number: usize) -> &'static str {
    HEADERS
        .iter()
        .cycle()
        .nth(number % HEADERS.len())
        .copied()
        .unwrap_or_default()
}
