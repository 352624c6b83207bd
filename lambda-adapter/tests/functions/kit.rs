//! Functions to test: a gate for the small site, a store in memory, and a client that fetches nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::{FetchRequest, Gate};
use tollgate_host::{Client, Fetched, Task};
use tollgate_lambda::authorizer::{AuthorizerSettings, HttpFormat};
use tollgate_lambda::content::{ByteRange, Content, ContentSettings, Delivery, From, Oversize};
use tollgate_lambda::store::{Chunks, Facts, LinkWant, Store, StoreError, Want};
use tollgate_lambda::{Clock, Failure, Function, Reply, Role};

use crate::site::{NOW, gate, token};

/// A function and its log.
pub(crate) struct Asked<F: Client = NoKeys> {
    pub(crate) function: Function<Memory, F>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Fetches nothing.
pub(crate) struct NoKeys;

impl Client for NoKeys {
    type Error = &'static str;

    fn send(&self, _: FetchRequest, _: usize) -> Task<Result<Fetched, &'static str>> {
        Box::pin(async { Err("no key set here") })
    }
}

/// Objects in memory; `None` for an unavailable store.
#[derive(Clone)]
pub(crate) struct Memory(pub(crate) Result<BTreeMap<String, Vec<u8>>, StoreError>);

impl Memory {
    pub(crate) fn of(objects: &[(&str, &[u8])]) -> Self {
        let owned = |(key, bytes): &(&str, &[u8])| ((*key).to_owned(), bytes.to_vec());
        Self(Ok(objects.iter().map(owned).collect()))
    }

    fn object(&self, key: &str) -> Result<&[u8], StoreError> {
        let objects = self.0.as_ref().map_err(|error| *error)?;
        objects
            .get(key)
            .map(Vec::as_slice)
            .ok_or(StoreError::Missing)
    }
}

impl Store for Memory {
    type Body = Pieces;

    async fn head(&self, key: &str) -> Result<Facts, StoreError> {
        Ok(facts(self.object(key)?.len(), None))
    }

    async fn get(&self, key: &str, want: &Want) -> Result<(Facts, Pieces), StoreError> {
        let object = self.object(key)?;
        if want.unless_tag.as_deref() == Some("\"tag\"") {
            return Err(StoreError::Unchanged);
        }
        let Some(range) = want.range else {
            return Ok((facts(object.len(), None), Pieces(object.to_vec())));
        };
        let total = object.len();
        let (first, end) = match range {
            ByteRange::From(first, last) => {
                let end = last.map_or(total, |last| usize::try_from(last).map_or(total, |n| n + 1));
                (usize::try_from(first).unwrap_or(total), end.min(total))
            }
            ByteRange::Last(count) => (
                total.saturating_sub(usize::try_from(count).unwrap_or(total)),
                total,
            ),
        };
        if first >= total {
            return Err(StoreError::NoSuchBytes(u64::try_from(total).ok()));
        }
        let shown = format!("bytes {first}-{}/{total}", end - 1);
        let part = object.get(first..end).unwrap_or_default().to_vec();
        Ok((facts(part.len(), Some(shown)), Pieces(part)))
    }

    async fn link(&self, key: &str, want: &LinkWant) -> Result<String, StoreError> {
        if self.0 == Err(StoreError::Broken) {
            return Err(StoreError::Broken);
        }
        let method = if want.is_head { "HEAD" } else { "GET" };
        Ok(format!(
            "https://store.example/{key}?{method}&{}",
            want.life_secs
        ))
    }
}

fn facts(length: usize, range: Option<String>) -> Facts {
    Facts {
        length_bytes: u64::try_from(length).expect("a length"),
        range,
        tag: Some("\"tag\"".to_owned()),
    }
}

/// A body in chunks of four bytes, or half of the rest if that is more. The body of an object that ends in
/// `!` is aborted at that point.
pub(crate) struct Pieces(Vec<u8>);

impl Chunks for Pieces {
    async fn next(&mut self) -> Option<Result<Vec<u8>, StoreError>> {
        if self.0 == b"!" {
            return Some(Err(StoreError::Unavailable));
        }
        let piece = (self.0.len() / 2).max(4).min(self.0.len());
        let rest = self.0.split_off(if piece < 1_000 {
            self.0.len().min(4)
        } else {
            piece
        });
        let piece = core::mem::replace(&mut self.0, rest);
        (!piece.is_empty()).then_some(Ok(piece))
    }
}

/// A function in a role.
pub(crate) fn function(role: Role<Memory>) -> Asked {
    with_keys(gate(), NoKeys, role)
}

pub(crate) fn with_keys<F: Client>(gate: Gate<Vec<u8>>, keys: F, role: Role<Memory>) -> Asked<F> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = {
        let lines = Arc::clone(&lines);
        move |line: &str| lines.lock().expect("a log").push(line.to_owned())
    };
    let clock = Clock::Fixed(UnixSeconds(NOW));
    Asked {
        function: Function::new(gate, keys, role, clock, log),
        lines,
    }
}

pub(crate) fn authorizer(http_format: HttpFormat) -> Asked {
    function(Role::Authorizer(AuthorizerSettings {
        base_path: String::new(),
        token_header: "authorization".to_owned(),
        http_format,
    }))
}

pub(crate) fn settings() -> ContentSettings {
    ContentSettings {
        from: From::Path,
        base_path: String::new(),
        delivery: Delivery::Body,
        oversize: Oversize::Presigned,
        checks_object: true,
        is_inline: false,
        origins: vec!["https://www.example".to_owned()],
    }
}

pub(crate) fn content(settings: ContentSettings, store: Memory) -> Asked {
    function(Role::Content(Content::new(settings, store)))
}

impl<F: Client> Asked<F> {
    /// The result for an event.
    pub(crate) fn answer(&self, event: Value) -> Result<Value, Failure> {
        match block_on(self.function.answer(event))? {
            Reply::Value(value) => Ok(value),
            Reply::Stream(..) => panic!("a stream"),
        }
    }

    /// The lines logged since the last call.
    pub(crate) fn log(&self) -> Vec<String> {
        core::mem::take(&mut *self.lines.lock().expect("a log"))
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    // Time is paused and advances only while a task waits, so that no test takes real time.
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// The `Authorization` value of a user in a group.
pub(crate) fn bearer(group: &str) -> String {
    format!(
        "Bearer {}",
        token(&format!(r#""cognito:groups":["{group}"]"#))
    )
}
