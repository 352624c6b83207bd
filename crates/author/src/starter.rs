//! The files of a new site: settings, one course with its tests, and what editors, git and CI need.
//!
//! They compile without errors, and their tests cover every rule and catch every mutant. Not here: keys, which must be
//! created or fetched, and writing.

use serde_json::Value;
use tollgate_compiler::{COURSES_FOLDER, SITE_FILE, schema};
use tollgate_gate::config::MAX_SITE_BYTES;
use tollgate_token::COGNITO_GROUPS_CLAIM;

/// The name of the issuer, in `site.toml` and in the names of its files.
pub const ISSUER: &str = "users";
/// The key set of the issuer.
pub const KEY_SET: &str = "keys/users.jwks.json";
/// The private half of a test key. The pattern of `.gitignore` that excludes it also excludes others.
pub const TEST_KEY: &str = "keys/users.private.json";
/// The algorithm of the issuer's tokens.
pub const ALGORITHM: &str = "RS256";
/// The client of a site whose client is not known yet.
pub const SAMPLE_CLIENT: &str = "my-client-id";
/// The issuer of a site whose issuer is not known yet. The top-level domain is reserved (RFC 2606).
pub const SAMPLE_ISSUER: &str = "https://login.example.com";

const CI: &str = include_str!("starter/tollgate.yml");
const COURSE: &str = include_str!("starter/intro.toml");
const COURSE_TESTS: &str = include_str!("starter/intro.test.toml");
const GITIGNORE: &str = include_str!("starter/gitignore");
const README: &str = include_str!("starter/README.md");
const SITE: &str = include_str!("starter/site.toml");
const SITE_TESTS: &str = include_str!("starter/site.test.toml");
const TAPLO: &str = include_str!("starter/taplo.toml");
const VS_CODE: &str = include_str!("starter/extensions.json");

/// The issuer of the users' tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// An Amazon Cognito user pool.
    Cognito {
        /// The AWS region.
        region: String,
        /// The ID of the pool.
        user_pool: String,
    },
    /// Any other issuer: its `iss`.
    Oidc(String),
}

/// A new site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starter {
    /// The name, of [`site_name`].
    pub site: String,
    /// The issuer.
    pub provider: Provider,
    /// The app client, if it is known.
    pub client: Option<String>,
    /// The algorithms of its tokens.
    pub algorithms: Vec<String>,
    /// The URL of the issuer's key set, if its keys are pinned.
    pub refresh: Option<String>,
    /// The directory in its repository, for CI: `.` for the root.
    pub in_repository: String,
}

/// A name for the site in this directory.
pub fn site_name(directory: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let plain = directory.replace(|c| !is_plain(c), "-");
    let name: String = plain
        .trim_matches('-')
        .chars()
        .take(MAX_SITE_BYTES)
        .collect();
    match name.is_empty() {
        true => "my-site".to_owned(),
        false => name,
    }
}

impl Starter {
    /// The files, with their paths relative to the directory.
    pub fn files(&self) -> Vec<(String, String)> {
        let schemas = [
            ("site", schema::site()),
            ("course", schema::course()),
            ("publish", schema::publish()),
            ("test", schema::test()),
        ];
        let schemas = schemas.into_iter().map(|(name, schema)| {
            (
                format!("schema/{name}.schema.json"),
                format!("{schema:#}\n"),
            )
        });
        let course = |name: &str| format!("{COURSES_FOLDER}/{name}");
        [
            (SITE_FILE.to_owned(), self.site_file()),
            ("site.test.toml".to_owned(), self.with_groups(SITE_TESTS)),
            (course("intro.toml"), COURSE.to_owned()),
            (course("intro.test.toml"), COURSE_TESTS.to_owned()),
            (".gitignore".to_owned(), GITIGNORE.to_owned()),
            (".taplo.toml".to_owned(), TAPLO.to_owned()),
            (".vscode/extensions.json".to_owned(), VS_CODE.to_owned()),
            (
                ".github/workflows/tollgate.yml".to_owned(),
                CI.replace(
                    "IN_REPOSITORY",
                    &Value::from(self.in_repository.as_str()).to_string(),
                ),
            ),
            ("README.md".to_owned(), README.replace("SITE", &self.site)),
        ]
        .into_iter()
        .chain(schemas)
        .collect()
    }

    fn site_file(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let issuer = match &self.provider {
            Provider::Cognito { region, user_pool } => format!(
                "cognito = {{ region = {}, user_pool = {} }}",
                text(region),
                text(user_pool)
            ),
            Provider::Oidc(issuer) => {
                let line = format!("issuer = {}", text(issuer));
                match issuer == SAMPLE_ISSUER {
                    true => format!("{line} # replace it: the `iss` of your provider's tokens"),
                    false => format!("{line} # the `iss` of its tokens, byte for byte"),
                }
            }
        };
        let client = match &self.client {
            Some(client) => format!("clients = [{}]", text(client)),
            None => format!(
                "clients = [{}] # replace it: the app client ID at your provider",
                text(SAMPLE_CLIENT)
            ),
        };
        let groups = match &self.provider {
            Provider::Cognito { .. } => "token_use = [\"id\", \"access\"]".to_owned(),
            Provider::Oidc(_) => {
                "groups_claim = \"groups\" # the claim that contains the user's groups".to_owned()
            }
        };
        let refresh = self.refresh.as_ref().map_or(String::new(), |url| {
            format!("\nrefresh = {} # edges fetch new keys from here", text(url))
        });
        SITE.replace("SITE_NAME", &text(&self.site))
            .replace("ISSUER_LINE", &issuer)
            .replace("CLIENT_LINE", &client)
            .replace("GROUPS_LINE", &groups)
            .replace(
                "ALGORITHMS",
                &Value::from(self.algorithms.clone()).to_string(),
            )
            .replace("REFRESH_LINE", &refresh)
    }

    /// The text with the name of the claim that contains groups.
    fn with_groups(&self, text: &str) -> String {
        let claim = match &self.provider {
            Provider::Cognito { .. } => Value::from(COGNITO_GROUPS_CLAIM).to_string(),
            Provider::Oidc(_) => "groups".to_owned(),
        };
        text.replace("GROUPS_CLAIM", &claim)
    }
}

#[cfg(test)]
mod tests;
