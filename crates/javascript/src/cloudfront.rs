//! The finished parts for CloudFront Functions: a function and the entries of its KeyValueStore.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_gate::MAX_CANDIDATES;
use tollgate_gate::config::DenyPage;
use tollgate_token::{Algorithm, KeyMaterial};

use super::budget::{MAX_FUNCTION_BYTES, MAX_READS};
use super::config::gate_config;
use super::costs;
use super::error::JavaScriptError;
use super::features::Features;
use super::keys::{Keys, base64url, keys};
use super::lint::{self, Rules};
use super::lower::{Lowered, rules};
use super::pages::{Layout, candidates, hashed_pages};
use super::sign_in;
use super::source::{Code, Edge, configure, read_paths, short};
use super::store::{self, Entry, GENERATION_CHARS};
use tollgate_policy::spec::ImageSpec;

/// The imports of a function. CloudFront provides both modules.
const IMPORTS: &str = "import cf from'cloudfront';import crypto from'crypto';";
/// The pointer's key while the source is hashed to name it.
const UNNAMED: &str = "?";
/// Characters of the pointer's key.
const KEY_CHARS: usize = 9;
/// Target size of a page in bytes; most prefixes then need one read.
const PAGE_BYTES: usize = 600;

/// Everything that CloudFront needs to enforce a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudFront {
    /// The source of the function, for runtime `cloudfront-js-2.0`.
    pub function: String,
    /// The entries of the policy except the pointer.
    pub entries: Vec<Entry>,
    /// The entry that switches to the policy; it is written last.
    pub pointer: Entry,
    /// The name of this policy in every entry.
    pub generation: String,
    /// The most entries that one request reads.
    pub max_reads: usize,
    /// Whether the function sends browsers to refresh a session that ends soon. For a site with sign-in it does if the
    /// code for it fits.
    pub refreshes: bool,
}

/// Whether the function can verify tokens of an algorithm: the runtime's `crypto` has no other that a token may
/// have.
pub fn verifies(algorithm: Algorithm) -> bool {
    algorithm == Algorithm::HS256
}

/// The key of the entry that a generated function reads first, found in its source. `None` if the source was not
/// generated here: the key is a digest of the rest of it.
pub fn pointer_of(function: &str) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    function.match_indices('p').find_map(|(at, _)| {
        let key = function.get(at..at + KEY_CHARS)?;
        if !key.bytes().skip(1).all(is_digit) {
            return None;
        }
        let unnamed = function.replace(key, UNNAMED);
        let expected = hex(unnamed.as_bytes(), KEY_CHARS - 1);
        (key.get(1..) == Some(expected.as_str())).then_some(key)
    })
}

/// Generates the function and the entries of a policy with this image id.
///
/// # Errors
/// Returns an error if the function is too large, with the size of each part; if the policy is too large for
/// a store; or if a value in it cannot be represented exactly in JavaScript.
pub fn cloudfront(policy: &ImageSpec, id: &str) -> Result<CloudFront, JavaScriptError> {
    generate(policy, id, MAX_FUNCTION_BYTES)
}

/// The same without the limit of CloudFront, for tests of code that no deployed function needs at once.
///
/// # Errors
/// Those of [`cloudfront`], except the size of the function.
pub fn cloudfront_of_any_size(policy: &ImageSpec, id: &str) -> Result<CloudFront, JavaScriptError> {
    generate(policy, id, usize::MAX)
}

fn generate(
    policy: &ImageSpec,
    id: &str,
    max_function_bytes: usize,
) -> Result<CloudFront, JavaScriptError> {
    let config = gate_config(policy)?;
    let mut features = Features::default();
    configure(&config, &mut features);
    let keys = keys(
        policy,
        &config,
        &mut features,
        &|algorithm, material| match material {
            KeyMaterial::Hmac { k } if verifies(algorithm) => Some(json!([base64url(k)])),
            _ => None,
        },
    );
    read_paths(policy.path_options(), &mut features);
    let rules = rules(policy, &mut features)?;
    let sign_in = sign_in::data(&config)?;
    let stored = Stored {
        keys: &keys,
        bodies: &config.deny.pages,
        sign_in: &sign_in,
        id,
    };
    let layout = cheapest(&rules, &stored)?;
    if !layout.by_prefix.is_empty() {
        features.need("pages");
    }
    sign_in::need_refresh(&config, &mut features);
    let write_function = |features: &Features, pointer: &str| {
        let code = Code {
            policy,
            config: &config,
            keys: &keys,
            pointer,
        };
        function(&code, features)
    };
    if write_function(&features, UNNAMED).len() + KEY_CHARS - UNNAMED.len() > max_function_bytes {
        features = sign_in::without_refresh(&features);
    }
    let unnamed = write_function(&features, UNNAMED);
    let key = format!("p{}", hex(unnamed.as_bytes(), KEY_CHARS - 1));
    let function = write_function(&features, &key);
    if function.len() > max_function_bytes {
        let measure = |features: &Features| write_function(features, &key).len();
        let bytes = function.len();
        return Err(JavaScriptError::FunctionTooLarge {
            bytes,
            costs: costs::of_function(bytes, &config, &features, &measure),
        });
    }
    lint::check(&function, &Rules::CLOUDFRONT).map_err(JavaScriptError::Lint)?;
    let Written {
        entries,
        pointer,
        generation,
        max_reads,
    } = write(&layout, &stored, &key);
    let bytes: usize = entries
        .iter()
        .map(|entry| entry.key.len() + entry.value.len())
        .sum();
    if bytes > store::MAX_POLICY_BYTES {
        return Err(JavaScriptError::StoreTooLarge { bytes });
    }
    if max_reads > MAX_READS {
        return Err(JavaScriptError::TooManyReads {
            reads: max_reads,
            costs: costs::of_rules(&rules),
        });
    }
    Ok(CloudFront {
        function,
        entries,
        pointer,
        generation,
        max_reads,
        refreshes: features.has("refresh"),
    })
}

impl CloudFront {
    /// The bodies of the `UpdateKeys` calls that put the policy in place, in their order. The last one
    /// switches to it.
    pub fn updates(&self) -> Vec<Value> {
        let mut updates = store::puts(&self.entries);
        updates.extend(store::puts(core::slice::from_ref(&self.pointer)));
        updates
    }

    /// The bodies of the `UpdateKeys` calls that remove the policy, once a later one has replaced it
    /// everywhere.
    pub fn removals(&self) -> Vec<Value> {
        store::deletes(&self.entries)
    }

    /// Bytes of the largest value.
    pub fn largest_value_bytes(&self) -> usize {
        let entries = self.entries.iter().chain([&self.pointer]);
        entries.map(|entry| entry.value.len()).max().unwrap_or(0)
    }

    /// Bytes of all keys and values.
    pub fn store_bytes(&self) -> usize {
        let entries = self.entries.iter().chain([&self.pointer]);
        entries
            .map(|entry| entry.key.len() + entry.value.len())
            .sum()
    }
}

fn function(code: &Code<'_>, features: &Features) -> String {
    let source = short(code, features, Edge::CloudFront);
    let imports = if features.has("tokens") {
        IMPORTS
    } else {
        IMPORTS.split_inclusive(';').next().unwrap_or(IMPORTS)
    };
    format!("{imports}{source}")
}

struct Written {
    entries: Vec<Entry>,
    pointer: Entry,
    generation: String,
    max_reads: usize,
}

/// The layout with which a request reads least, and of those the smallest.
fn cheapest(rules: &[Lowered], stored: &Stored<'_>) -> Result<Layout, JavaScriptError> {
    let cost = |layout: &Layout| {
        let Written {
            entries, max_reads, ..
        } = write(layout, stored, "p00000000");
        let bytes: usize = entries.iter().map(|entry| entry.value.len()).sum();
        (max_reads, bytes)
    };
    candidates(rules)
        .into_iter()
        .min_by_key(cost)
        .ok_or(JavaScriptError::NoLayout)
}

/// The contents of the store other than rules.
struct Stored<'s> {
    keys: &'s Keys,
    bodies: &'s [DenyPage],
    /// The data for sign-in, `null` without it.
    sign_in: &'s Value,
    id: &'s str,
}

fn write(layout: &Layout, stored: &Stored<'_>, key: &str) -> Written {
    let Stored {
        keys,
        bodies,
        sign_in,
        id,
    } = *stored;
    let levels: Vec<(usize, Vec<String>)> = layout
        .by_prefix
        .iter()
        .map(|level| (level.depth, level.pages(PAGE_BYTES)))
        .collect();
    let counts: Vec<[usize; 2]> = levels
        .iter()
        .map(|(depth, pages)| [*depth, pages.len()])
        .collect();
    let bases = base_pages(keys);
    let mut session = keys.session.clone();
    if let (false, Some(parts)) = (bases.is_empty(), session.as_object_mut()) {
        parts.insert("p".to_owned(), json!(bases.len()));
    }
    let mut first = json!({
        "policy": id,
        "keys": keys.keys,
        "issuers": keys.issuers,
        "session": session,
        "rules": layout.everywhere,
        "pages": counts,
    });
    if let (false, Some(first)) = (sign_in.is_null(), first.as_object_mut()) {
        first.insert("sign_in".to_owned(), sign_in.clone());
    }
    let first = first.to_string();
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(&first);
    for (_, pages) in &levels {
        pages.iter().for_each(|page| hash.update(page));
    }
    bases.iter().for_each(|page| hash.update(page));
    for page in bodies {
        hash.update(page.status.to_be_bytes());
        hash.update(&page.html);
    }
    let generation: String = hex_digits(&hash.finalize())
        .take(GENERATION_CHARS)
        .collect();
    let mut entries = store::page(&generation, "", &first, Some(key));
    let pointer = entries.remove(0);
    let mut max_reads = 1 + entries.len();
    for (depth, pages) in &levels {
        max_reads += pages
            .iter()
            .map(|page| store::value_count(page))
            .max()
            .unwrap_or(0);
        for (number, page) in pages.iter().enumerate() {
            entries.extend(store::page(
                &generation,
                &format!("{depth}/{number}"),
                page,
                None,
            ));
        }
    }
    for (number, page) in bases.iter().enumerate() {
        entries.extend(store::page(&generation, &format!("s/{number}"), page, None));
    }
    // One body. If the path is rejected, the first page is read for it, and nothing else is.
    let mut body_reads = 0;
    for page in bodies {
        let text = store::page_text(&page.html);
        body_reads = body_reads.max(store::value_count(&text));
        let name = format!("d/{}", page.status);
        entries.extend(store::page(&generation, &name, &text, None));
    }
    max_reads += body_reads;
    // Each of the tokens of a request may be a session with a base.
    let largest = bases.iter().map(|page| store::value_count(page)).max();
    max_reads += MAX_CANDIDATES * largest.unwrap_or(0);
    Written {
        entries,
        pointer,
        generation,
        max_reads,
    }
}

/// The marks of sessions by course, in pages.
fn base_pages(keys: &Keys) -> Vec<String> {
    if keys.bases.is_empty() {
        return Vec::new();
    }
    let bases = keys.bases.iter();
    hashed_pages(
        bases.map(|(base, marks)| (base.as_str(), marks.clone())),
        PAGE_BYTES,
    )
}

fn hex(bytes: &[u8], digits: usize) -> String {
    hex_digits(&Sha256::digest(bytes)).take(digits).collect()
}

fn hex_digits(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
}
