//! Tokens in random requests: in different locations, several at once, and as sessions of the site.
//!
//! Not here: the contents of tokens, and the requests themselves.

use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_spec::model;

/// The path of the session endpoint.
const ENDPOINT: &str = "/.tollgate/session";
/// The cookie and the parameter in which a policy with sessions also looks for tokens.
const COOKIE: &str = "id_token";
const PARAMETER: &str = "token";
/// Tokens that are considered in one request.
const MAX_TOKENS: usize = 4;

/// The session cookie of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// For the whole site.
    Site,
    /// One per course.
    Course,
}

impl Sessions {
    /// Returns the cookies for a seed: most sites have none, so that generated functions stay within their
    /// budget.
    pub fn of_seed(seed: u64) -> Option<Self> {
        match seed % 4 {
            1 => Some(Self::Site),
            3 => Some(Self::Course),
            _ => None,
        }
    }

    const fn cookie(self) -> &'static str {
        match self {
            Self::Site => "__Host-tollgate",
            Self::Course => "__Secure-tollgate",
        }
    }

    /// Adds sessions to the policy's files.
    pub fn add(self, files: &mut Vec<(String, String)>) {
        let per = match self {
            Self::Site => "site",
            Self::Course => "course",
        };
        let cookie = self.cookie();
        let text = format!(
            "\n[[issuer]]\nname = \"sessions\"\nissuer = \"https://random.test/session\"\nclients = [\"random\"]\n\
             algorithms = [\"HS256\"]\nsecrets = [{{ kid = \"s\", file = \"s.key\" }}]\n\
             [session]\nissuer = \"sessions\"\ncookies = \"{per}\"\n\
             [token]\nfrom = [\"header:authorization\", \"cookie:{cookie}\", \"cookie:{COOKIE}\", \"query:{PARAMETER}\"]\n"
        );
        for (name, site) in files.iter_mut() {
            if name == "site.toml" {
                site.push_str(&text);
            }
        }
        files.push(("s.key".to_owned(), "s".repeat(42) + "w"));
    }
}

/// The location of a token in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Authorization,
    Cookie(&'static str),
    Query,
}

/// The contents of a request: tokens, in the order in which they are considered, and the headers about its
/// reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    tokens: Vec<(Place, String)>,
    said: &'static [(&'static str, &'static str)],
}

impl Carried {
    /// A token in the `Authorization` header, or none.
    pub fn bearer(token: Option<&str>) -> Self {
        let token = token.map(|token| (Place::Authorization, token.to_owned()));
        Self::of(token.into_iter().collect())
    }

    fn of(tokens: Vec<(Place, String)>) -> Self {
        Self { tokens, said: &[] }
    }

    /// Adds the headers about the reader.
    pub fn saying(mut self, said: &'static [(&'static str, &'static str)]) -> Self {
        self.said = said;
        self
    }

    /// Returns only the session for a sign-in token; `None` if there is none.
    pub fn session(
        sessions: Sessions,
        gate: &Gate<Vec<u8>>,
        request: &model::Request,
        token: &str,
    ) -> Option<Self> {
        let session = minted(gate, request, token)?;
        Some(Self::of(vec![(Place::Cookie(sessions.cookie()), session)]))
    }

    /// Returns a token in one of many locations, among others that do not verify or belong to another user.
    pub fn among(
        number: usize,
        sessions: Sessions,
        (own, others): (Option<&Self>, &[Self]),
        token: &str,
    ) -> Self {
        let own: Vec<(Place, String)> = own.map_or_else(Vec::new, |own| own.tokens.clone());
        let own_cookie = Place::Cookie(sessions.cookie());
        let (cookie, token) = (Place::Cookie(COOKIE), token.to_owned());
        let bad = |place: Place, what: &str| (place, what.to_owned());
        let other = number
            .checked_rem(others.len())
            .and_then(|at| others.get(at));
        let other = other.map_or_else(Vec::new, |other| other.tokens.clone());
        let list: Vec<Vec<(Place, String)>> = match number % 8 {
            0 => vec![vec![bad(own_cookie, "x")], own],
            1 => vec![other, own],
            2 => vec![own, vec![(cookie, token)]],
            3 => vec![stale(&own), vec![bad(cookie, "a.b.c"), (cookie, token)]],
            4 => vec![vec![bad(Place::Authorization, "x")], own],
            5 => {
                let bad =
                    (0..MAX_TOKENS + number % 2 * 2 - 1).map(|at| bad(cookie, &format!("x{at}")));
                vec![bad.collect(), vec![(cookie, token)]]
            }
            6 => vec![vec![bad(cookie, ""), (Place::Query, token)]],
            _ => vec![stale(&own), vec![(Place::Authorization, token)]],
        };
        Self::of(list.concat())
    }

    /// Whether there is any token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns the same locations with other tokens.
    pub fn each(&mut self, mut change: impl FnMut(&str) -> String) {
        for (_, token) in &mut self.tokens {
            *token = change(token);
        }
    }

    /// Calls `with` with a request of the specification that has these tokens, in the form in which a gate
    /// receives it.
    pub fn with<T>(&self, request: &model::Request, with: impl FnOnce(&Request<'_>) -> T) -> T {
        let mut target = request.target.clone();
        let mut headers: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut cookies: Vec<String> = Vec::new();
        for (place, token) in &self.tokens {
            match place {
                Place::Authorization => {
                    headers.push(("authorization", format!("Bearer {token}").into_bytes()));
                }
                Place::Cookie(name) => cookies.push(format!("{name}={token}")),
                Place::Query => {
                    target.push(if target.contains(&b'?') { b'&' } else { b'?' });
                    target.extend(format!("{PARAMETER}={token}").bytes());
                }
            }
        }
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.join("; ").into_bytes()));
        }
        let headers: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_slice()))
            .chain(
                self.said
                    .iter()
                    .map(|(name, value)| (*name, value.as_bytes())),
            )
            .collect();
        let ip = request.ip.map(|ip| ip.to_string());
        with(&Request {
            method: &request.method,
            target: &target,
            headers: &headers,
            ip: ip.as_deref(),
            now: UnixSeconds(request.now),
            entropy: None,
        })
    }
}

/// Returns the same tokens with invalid signatures.
fn stale(tokens: &[(Place, String)]) -> Vec<(Place, String)> {
    let spoiled = |token: &String| {
        let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
        let reversed: String = signature.chars().rev().collect();
        format!("{input}.{reversed}")
    };
    let tokens = tokens.iter();
    tokens
        .map(|(place, token)| (*place, spoiled(token)))
        .collect()
}

/// Returns the session that the gate issues for a sign-in token and the path of a request.
fn minted(gate: &Gate<Vec<u8>>, request: &model::Request, token: &str) -> Option<String> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let target = [ENDPOINT.as_bytes(), b"?path=", path].concat();
    let bearer = format!("Bearer {token}");
    let outcome = gate.ask(
        &Request {
            method: "POST",
            target: &target,
            headers: &[("authorization", bearer.as_bytes())],
            ip: None,
            now: UnixSeconds(request.now),
            entropy: None,
        },
        &mut Context::new(),
    );
    let Action::Serve(response) = outcome.action else {
        return None;
    };
    let mut headers = response.headers.iter();
    let (_, cookie) = headers.find(|(name, _)| name == "set-cookie")?;
    let (_, value) = cookie.split(';').next()?.split_once('=')?;
    Some(value.to_owned())
}
