//! The keys of a new site: pinned from the issuer, or a test key.

use serde_json::json;
use tollgate_author::pin::{self, Unusable};
use tollgate_author::starter::{ALGORITHM, KEY_SET, Provider, Starter, TEST_KEY};
use tollgate_compiler::SITE_FILE;
use tollgate_mint::Algorithm;
use tollgate_token::Jwks;

use crate::client::Client;
use crate::failure::Failure;
use crate::keys::{Fetched, NotPinned, Reason, fetch};
use crate::progress::Progress;
use crate::test_key;
use crate::write::NewFile;

/// One algorithm for each kind of public key.
const USUAL: [tollgate_token::Algorithm; 3] = [
    tollgate_token::Algorithm::RS256,
    tollgate_token::Algorithm::ES256,
    tollgate_token::Algorithm::EdDSA,
];

/// The keys of a new site.
pub(super) struct Keys {
    files: Vec<NewFile>,
    /// The documents that the issuer publishes.
    pinned: Option<Published>,
    /// Why the issuer's keys are not pinned, and help.
    problem: Option<(String, Vec<String>)>,
}

/// The settings that follow from what an issuer publishes.
struct Published {
    provider: Provider,
    algorithms: Vec<String>,
    refresh: Option<String>,
}

/// Fetches the keys of the issuer, or generates a test key.
pub(super) fn find(starter: &Starter, is_online: bool) -> Result<Keys, Failure> {
    let problem = match is_online {
        true => match pinned(starter) {
            Ok(keys) => return Ok(keys),
            Err(problem) => Some((problem.to_string(), problem.help())),
        },
        false => None,
    };
    let algorithm = Algorithm::from_name(ALGORITHM).unwrap_or(Algorithm::RS256);
    let key = test_key::generate(None, algorithm)?;
    let set = json!({ "keys": [test_key::public(&key)] });
    Ok(Keys {
        files: vec![
            public(KEY_SET, format!("{set:#}\n")),
            NewFile {
                name: TEST_KEY.to_owned(),
                text: key.to_private_jwk().to_text(),
                is_secret: true,
            },
        ],
        pinned: None,
        problem,
    })
}

fn public(name: &str, text: String) -> NewFile {
    NewFile {
        name: name.to_owned(),
        text,
        is_secret: false,
    }
}

fn pinned(starter: &Starter) -> Result<Keys, NotPinned> {
    let _progress = Progress::start("fetching the keys of the issuer", None);
    // Whatever the issuer publishes; the algorithms follow from its keys.
    let mut starter = starter.clone();
    starter.algorithms = USUAL.iter().map(|one| one.name().to_owned()).collect();
    match published(&starter) {
        Err(NotPinned {
            reason: Reason::Unusable(Unusable::OtherIssuer(found)),
            ..
        }) if is_same(&starter.provider, &found) => {
            starter.provider = Provider::Oidc(found);
            published(&starter)
        }
        other => other,
    }
}

/// Whether an issuer's own spelling differs from the given one only in the slash at the end.
fn is_same(provider: &Provider, found: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').to_owned();
    matches!(provider, Provider::Oidc(given) if plain(given) == plain(found))
}

fn published(starter: &Starter) -> Result<Keys, NotPinned> {
    let site = starter
        .files()
        .into_iter()
        .find(|(name, _)| name == SITE_FILE);
    let sources = pin::sources(&site.unwrap_or_default().1).unwrap_or_default();
    let failed = |reason| NotPinned {
        issuer: String::new(),
        url: String::new(),
        reason,
    };
    let Some(source) = sources.first() else {
        return Err(failed(Reason::Unusable(Unusable::NoKeySet)));
    };
    let client = Client::new().map_err(|error| failed(Reason::NoClient(error)))?;
    let Fetched { document, keys, .. } = fetch(source, &client)?;
    let mut algorithms: Vec<String> = Vec::new();
    let set = Jwks::parse_lenient(keys.text.as_bytes(), &USUAL);
    for key in set.iter().flat_map(Jwks::keys) {
        let name = key.algorithm.name().to_owned();
        if !algorithms.contains(&name) {
            algorithms.push(name);
        }
    }
    let refresh = source.keys_url(document.as_ref());
    let mut files = vec![public(&source.keys.path, keys.text)];
    if let (Some(file), Some(document)) = (&source.document, document) {
        files.push(public(&file.path, document.pinned.text));
    }
    Ok(Keys {
        files,
        pinned: Some(Published {
            provider: starter.provider.clone(),
            algorithms,
            refresh: refresh.filter(|url| !url.contains(['?', '#'])),
        }),
        problem: None,
    })
}

impl Keys {
    /// No keys yet, for the names of files. Those of a test key are included, because it may be generated.
    pub(super) fn none() -> Self {
        Self {
            files: vec![
                public(KEY_SET, String::new()),
                public(TEST_KEY, String::new()),
            ],
            pinned: None,
            problem: None,
        }
    }

    /// Whether the keys are those of the issuer.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// The site with the settings that follow from what the issuer publishes.
    pub(super) fn adapted(&self, mut starter: Starter) -> Starter {
        if let Some(published) = &self.pinned {
            starter.provider.clone_from(&published.provider);
            starter.algorithms.clone_from(&published.algorithms);
            starter.refresh.clone_from(&published.refresh);
        }
        starter
    }

    pub(super) fn files(&self) -> impl Iterator<Item = NewFile> {
        self.files.iter().map(|file| NewFile {
            name: file.name.clone(),
            text: file.text.clone(),
            is_secret: file.is_secret,
        })
    }

    /// Warnings about keys that are not the issuer's.
    pub(super) fn notes(&self, has_issuer: bool) -> Vec<String> {
        if self.is_pinned() {
            return Vec::new();
        }
        let mut notes = Vec::new();
        if let Some((problem, help)) = &self.problem {
            notes.push(format!("the issuer's keys cannot be pinned: {problem}"));
            notes.extend(help.iter().cloned());
        }
        let before = match has_issuer {
            true => "",
            false => "write your provider to `issuer` of `[[issuer]]` in site.toml and ",
        };
        notes.push(format!(
            "the site has a test key, `{TEST_KEY}`, instead of an issuer's keys: before you publish, {before}run \
             `tollgate keys fetch`"
        ));
        notes
    }
}
