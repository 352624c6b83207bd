//! Access rules.
//!
//! Oathkeeper compares the whole URL with the rules that have the method; exactly one must match.
//! Recent versions first remove the trailing slash of the path. The first applicable authenticator
//! decides. Requests that are allowed without credentials count as allowed.

use serde_json::{Value, json};
use tollgate_exchange::import::{KeySet, Matching, Oathkeeper, oathkeeper};

use super::site::{Carried, Site, key_set, token};
use super::{Tally, pick};

/// A piece of a URL, with its form in each matching strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    /// `.*` or `**`
    Anything,
    /// `.+`
    Something,
    /// `[^/]*`
    Within,
    /// `[^/]+`
    Segment,
    /// `*` of globs: no dot, no slash
    Star,
    /// `[a-z]+`
    Letters,
    /// `a|b`, or `{a,b}`
    Choice,
    /// `(?!a)[^/]+`
    NotA,
    /// `[0-9]{2}`
    Digits,
    /// `(?!x)[a-z]+`
    NotX,
}

impl Piece {
    fn text(self, matching: Matching) -> &'static str {
        match (self, matching) {
            (Self::Text(text), _) => text,
            (Self::Anything, Matching::Regexp) => "<.*>",
            (Self::Anything, Matching::Glob) => "<**>",
            (Self::Something, _) => "<.+>",
            (Self::Within, _) => "<[^/]*>",
            (Self::Segment, _) => "<[^/]+>",
            (Self::Star, _) => "<*>",
            (Self::Letters, _) => "<[a-z]+>",
            (Self::Choice, Matching::Regexp) => "<a|b>",
            (Self::Choice, Matching::Glob) => "<{a,b}>",
            (Self::NotA, _) => "<(?!a)[^/]+>",
            (Self::Digits, _) => "<[0-9]{2}>",
            (Self::NotX, _) => "<(?!x)[a-z]+>",
        }
    }

    fn takes(self, text: &str) -> bool {
        match self {
            Self::Text(own) => text == own,
            Self::Anything => true,
            Self::Something => !text.is_empty(),
            Self::Within => !text.contains('/'),
            Self::Segment => !text.is_empty() && !text.contains('/'),
            Self::Star => !text.contains(['/', '.']),
            Self::Letters => !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase()),
            Self::Choice => text == "a" || text == "b",
            Self::NotA => !text.is_empty() && !text.contains('/') && !text.starts_with('a'),
            Self::NotX => Self::Letters.takes(text) && !text.starts_with('x'),
            Self::Digits => text.len() == 2 && text.chars().all(|c| c.is_ascii_digit()),
        }
    }
}

fn matches(pieces: &[Piece], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return text.is_empty();
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter()
        .any(|end| first.takes(&text[..end]) && matches(rest, &text[end..]))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Cookie,
    Own,
}

#[derive(Clone, Debug)]
struct Jwt {
    issuers: Vec<&'static str>,
    audiences: Vec<&'static str>,
    key_sets: Vec<&'static str>,
    scopes: Vec<&'static str>,
    strategy: Option<&'static str>,
    place: Place,
}

#[derive(Clone, Debug)]
struct Rule {
    url: Vec<Piece>,
    methods: &'static [&'static str],
    authenticators: Vec<(&'static str, Option<Jwt>)>,
    authorizer: &'static str,
    mutator: &'static str,
}

/// An issuer, its key set, and the ID of its key.
const ISSUERS: [(&str, &str, &str); 3] = [
    ("https://one.example/", "https://one.example/keys", "k1"),
    ("https://two.example", "https://two.example/keys", "k2"),
    ("https://three.example/", "https://two.example/keys", "k2"),
];

#[derive(Clone, Debug)]
struct Token {
    issuer: &'static str,
    kid: &'static str,
    audiences: Vec<&'static str>,
    is_list: bool,
    scopes: Vec<(&'static str, &'static str)>,
    place: Place,
}

impl Token {
    fn claims(&self) -> Value {
        let mut claims = json!({ "iss": self.issuer, "sub": "u" });
        claims["aud"] = match self.audiences.as_slice() {
            [one] if !self.is_list => (*one).into(),
            all => all.into(),
        };
        for (name, scope) in &self.scopes {
            claims[*name] = (*scope).into();
        }
        claims
    }
}

/// Whether the `jwt` authenticator accepts the token.
fn accepts(jwt: &Jwt, token: &Token) -> bool {
    let has_key = ISSUERS
        .iter()
        .any(|(_, url, kid)| jwt.key_sets.contains(url) && *kid == token.kid);
    // The first of these claims that exists contains the scopes.
    let claim = ["scp", "scope"]
        .iter()
        .find_map(|name| token.scopes.iter().find(|(own, _)| own == name));
    let scopes: Vec<&str> = claim
        .map(|(_, text)| text.split(' ').collect())
        .unwrap_or_default();
    let has_scope = |wanted: &&str| match jwt.strategy {
        Some("exact") => scopes.contains(wanted),
        Some("hierarchic") => scopes
            .iter()
            .any(|own| own == wanted || wanted.starts_with(&format!("{own}."))),
        _ => false,
    };
    has_key
        && (jwt.issuers.is_empty() || jwt.issuers.contains(&token.issuer))
        && jwt
            .audiences
            .iter()
            .all(|audience| token.audiences.contains(audience))
        && jwt.scopes.iter().all(has_scope)
}

/// Whether the rule allows a request with this token, and possibly without.
fn allows(rule: &Rule, token: Option<&Token>) -> bool {
    let allows_once = |token: Option<&Token>| {
        for (handler, jwt) in &rule.authenticators {
            match (*handler, jwt) {
                ("noop", _) => return true,
                ("anonymous", _) if token.is_none_or(|token| token.place != Place::Header) => {
                    return true;
                }
                ("jwt", Some(jwt)) => {
                    if let Some(token) = token.filter(|token| token.place == jwt.place) {
                        return accepts(jwt, token);
                    }
                }
                ("cookie_session", _)
                    if token.is_some_and(|token| token.place == Place::Cookie) =>
                {
                    return false;
                }
                ("oauth2_introspection", _)
                    if token.is_some_and(|token| token.place == Place::Header) =>
                {
                    return false;
                }
                ("unauthorized" | "unheard_of", _) => return false,
                _ => {}
            }
        }
        false
    };
    rule.authorizer == "allow"
        && rule.mutator != "hydrator"
        && (allows_once(token) || allows_once(None))
}

/// Whether Oathkeeper allows the request.
fn grants(
    rules: &[Rule],
    method: &str,
    path: &str,
    token: Option<&Token>,
    is_cleaned: bool,
) -> bool {
    let path = path.replace("%20", " ");
    let path = match path.strip_suffix('/') {
        Some(shorter) if is_cleaned && !shorter.is_empty() => shorter,
        _ => &path,
    };
    let url = format!("https://x.example{path}");
    let matching: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.methods.contains(&method) && matches(&rule.url, &url))
        .collect();
    match matching.as_slice() {
        [rule] => allows(rule, token),
        _ => false,
    }
}

fn random_url(random: &mut fastrand::Rng, matching: Matching) -> Vec<Piece> {
    use Piece::*;
    const ORIGINS: [&[Piece]; 7] = [
        &[Text("https://x.example")],
        &[Text("https://x.example")],
        &[Text("https://x.example")],
        &[Text("https://"), Letters, Text(".example")],
        &[Text("https://"), NotX, Text(".example")],
        &[Text("https://y.example")],
        &[Anything],
    ];
    const REGEXPS: [Piece; 9] = [
        Anything, Anything, Something, Within, Segment, Letters, Choice, NotA, Digits,
    ];
    const GLOBS: [Piece; 3] = [Anything, Star, Choice];
    const TEXTS: [Piece; 7] = [
        Text("a"),
        Text("b"),
        Text("/a"),
        Text("/b"),
        Text(".x"),
        Text("/"),
        Text("/a/"),
    ];
    let origins = match matching {
        Matching::Regexp => &ORIGINS[..],
        // The host of a glob cannot contain letters.
        Matching::Glob => &ORIGINS[..3],
    };
    let mut url = pick(random, origins).to_vec();
    url.push(Text("/"));
    for _ in 0..random.usize(..4) {
        let wild = match matching {
            Matching::Regexp => pick(random, &REGEXPS),
            Matching::Glob => pick(random, &GLOBS),
        };
        let piece = if random.bool() {
            wild
        } else {
            pick(random, &TEXTS)
        };
        // Two adjacent pieces of text would become one.
        url.push(piece);
    }
    url
}

fn random_jwt(random: &mut fastrand::Rng) -> Jwt {
    let (issuer, keys, _) = pick(random, &ISSUERS);
    let mut jwt = Jwt {
        issuers: vec![issuer],
        audiences: vec![pick(random, &["web", "web", "api"])],
        key_sets: vec![keys],
        scopes: vec![],
        strategy: None,
        place: pick(
            random,
            &[
                Place::Header,
                Place::Header,
                Place::Header,
                Place::Cookie,
                Place::Own,
            ],
        ),
    };
    match random.usize(..10) {
        0 => jwt.issuers.push(pick(random, &ISSUERS).0),
        1 => jwt.audiences.push("other"),
        2 | 8 => jwt.key_sets = vec![pick(random, &ISSUERS).1],
        3 => jwt.issuers.clear(),
        4 => jwt.audiences.clear(),
        5 | 6 => {
            jwt.scopes = vec!["a.b"];
            jwt.strategy = pick(random, &[Some("exact"), Some("hierarchic"), Some("none")]);
        }
        7 => {
            jwt.scopes = vec!["a", "b"];
            jwt.strategy = Some("exact");
        }
        _ => {}
    }
    jwt
}

fn random_rule(random: &mut fastrand::Rng, matching: Matching) -> Rule {
    let jwt = || "jwt";
    let authenticators = match random.usize(..12) {
        0..=2 => vec![("anonymous", None)],
        3 => vec![("noop", None)],
        4..=7 => vec![(jwt(), Some(random_jwt(random)))],
        8 => vec![(jwt(), Some(random_jwt(random))), ("anonymous", None)],
        9 => vec![("cookie_session", None), (jwt(), Some(random_jwt(random)))],
        10 => vec![
            ("oauth2_introspection", None),
            (jwt(), Some(random_jwt(random))),
        ],
        _ => vec![
            (
                pick(random, &["unauthorized", "cookie_session", "unheard_of"]),
                None,
            ),
            ("anonymous", None),
        ],
    };
    Rule {
        url: random_url(random, matching),
        methods: pick(
            random,
            &[
                &["GET"] as &[&str],
                &["GET", "HEAD"],
                &["PUT"],
                &["GET", "PUT"],
            ],
        ),
        authenticators,
        authorizer: pick(
            random,
            &["allow", "allow", "allow", "allow", "deny", "remote_json"],
        ),
        mutator: pick(random, &["noop", "noop", "header", "hydrator"]),
    }
}

fn document(rules: &[Rule], matching: Matching) -> String {
    let handlers = |list: &[(&str, Option<Jwt>)]| -> Vec<Value> {
        let handler = |(name, jwt): &(&str, Option<Jwt>)| match jwt {
            None => json!({ "handler": name }),
            Some(jwt) => {
                let mut config =
                    json!({ "jwks_urls": jwt.key_sets, "allowed_algorithms": ["ES256"] });
                if !jwt.issuers.is_empty() {
                    config["trusted_issuers"] = jwt.issuers.as_slice().into();
                }
                if !jwt.audiences.is_empty() {
                    config["target_audience"] = jwt.audiences.as_slice().into();
                }
                if !jwt.scopes.is_empty() {
                    config["required_scope"] = jwt.scopes.as_slice().into();
                }
                if let Some(strategy) = jwt.strategy {
                    config["scope_strategy"] = strategy.into();
                }
                match jwt.place {
                    Place::Header => {}
                    Place::Cookie => config["token_from"] = json!({ "cookie": "auth" }),
                    Place::Own => config["token_from"] = json!({ "header": "X-Token" }),
                }
                json!({ "handler": name, "config": config })
            }
        };
        list.iter().map(handler).collect()
    };
    let rules: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let url: String = rule.url.iter().map(|piece| piece.text(matching)).collect();
            json!({
                "id": format!("r{at}"),
                "match": { "url": url, "methods": rule.methods },
                "authenticators": handlers(&rule.authenticators),
                "authorizer": { "handler": rule.authorizer },
                "mutators": [{ "handler": rule.mutator }],
            })
        })
        .collect();
    Value::Array(rules).to_string()
}

fn random_token(random: &mut fastrand::Rng) -> Option<Token> {
    if random.usize(..3) == 0 {
        return None;
    }
    let (issuer, _, kid) = pick(random, &ISSUERS);
    let mut token = Token {
        issuer,
        kid,
        audiences: vec![pick(random, &["web", "web", "api"])],
        is_list: random.bool(),
        scopes: vec![],
        place: pick(
            random,
            &[
                Place::Header,
                Place::Header,
                Place::Header,
                Place::Cookie,
                Place::Own,
            ],
        ),
    };
    match random.usize(..8) {
        0 => token.audiences.push("other"),
        1 => token.audiences = vec!["other"],
        2 | 6 => token.kid = pick(random, &ISSUERS).2,
        3 => token.scopes = vec![("scope", "x a.b")],
        4 => token.scopes = vec![("scp", "x"), ("scope", "a.b")],
        5 => token.scopes = vec![("scope", "a")],
        _ => {}
    }
    Some(token)
}

fn random_path(random: &mut fastrand::Rng, rules: &[Rule]) -> String {
    let rule = &rules[random.usize(..rules.len())];
    let from = rule
        .url
        .iter()
        .position(|piece| *piece == Piece::Text("/"))
        .unwrap();
    let mut path = String::new();
    for piece in &rule.url[from..] {
        path.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Digits => pick(random, &["24", "2", "a"]),
            _ => pick(random, &["a", "b", "ab", "", "a/b", "a.x", "x", "a%20b"]),
        });
    }
    match random.usize(..8) {
        0 => path.push('/'),
        1 => path.push_str("/a"),
        2 => path.push('a'),
        _ => {}
    }
    path
}

fn carried(token: Option<&Token>) -> Carried {
    let mut carried = Carried::default();
    if let Some(own) = token {
        let text = token_text(own);
        carried.headers.push(match own.place {
            Place::Header => ("authorization".to_owned(), format!("Bearer {text}")),
            Place::Cookie => ("cookie".to_owned(), format!("auth={text}")),
            Place::Own => ("x-token".to_owned(), text),
        });
    }
    carried
}

fn token_text(own: &Token) -> String {
    token(own.kid, &own.claims())
}

/// The key set that a warning names.
fn keys(warning: &str) -> KeySet {
    let name = warning.split('`').nth(1).unwrap();
    let urls = ISSUERS.iter().filter(|(_, url, _)| warning.contains(url));
    let mut kids: Vec<&str> = urls.map(|(_, _, kid)| *kid).collect();
    kids.dedup();
    key_set(Some(name), &kids)
}

fn run(matching: Matching, seed: u64, rounds: usize, tally: &mut Tally) {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..rounds {
        let count = 1 + random.usize(..4);
        let rules: Vec<Rule> = (0..count)
            .map(|_| random_rule(&mut random, matching))
            .collect();
        let document = document(&rules, matching);
        let mut options = Oathkeeper {
            site: Some("https://x.example".to_owned()),
            matching: Some(matching),
            ..Oathkeeper::default()
        };
        let first = match oathkeeper(&document, &options) {
            Ok(first) => first,
            Err(error) => {
                assert!(
                    error.to_string().contains("no rule is for the site"),
                    "{error}"
                );
                tally.refused += 1;
                continue;
            }
        };
        let is_about_keys = |warning: &&String| warning.starts_with("no token of");
        let wanted = first.warnings.iter().filter(is_about_keys);
        options.keys = wanted.map(|warning| keys(warning)).collect();
        let imported = oathkeeper(&document, &options).unwrap();
        assert_eq!(imported.warnings.iter().find(is_about_keys), None);
        let site = Site::of(&imported);
        tally.imports += 1;
        let lost_before = tally.lost;
        for _ in 0..60 {
            let path = random_path(&mut random, &rules);
            let method = pick(&mut random, &["GET", "GET", "HEAD", "PUT"]);
            let token = random_token(&mut random);
            let Some(is_allowed) = site.allows(method, &path, &carried(token.as_ref())) else {
                continue;
            };
            let granted = [false, true]
                .map(|is_cleaned| grants(&rules, method, &path, token.as_ref(), is_cleaned));
            let is_granted = granted.iter().all(|granted| *granted);
            assert!(
                is_granted || !is_allowed,
                "{method} {path} {token:?} is allowed: {rules:#?}\n{document}\n{}",
                site.text
            );
            tally.both += usize::from(is_allowed);
            tally.lost += usize::from(is_granted && !is_allowed);
        }
        tally.exact += usize::from(tally.lost == lost_before);
    }
}

#[test]
fn regular_expressions_never_grant_more() {
    let mut tally = Tally::default();
    run(Matching::Regexp, 1, 500, &mut tally);
    tally.demand("oathkeeper, regular expressions", 82, 70);
}

#[test]
fn globs_never_grant_more() {
    let mut tally = Tally::default();
    run(Matching::Glob, 2, 300, &mut tally);
    tally.demand("oathkeeper, globs", 88, 86);
}
