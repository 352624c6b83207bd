//! Random pairs of sites that differ in their settings, and random requests with signed tokens, decided by the gate:
//! if any is newly allowed, the comparison says that the edit may open access.

use tollgate_analysis::{Kind, Policy, diff};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{Action, Gate, Request};
use tollgate_mint::{Algorithm, Claims, Minter, PrivateKey, base64url};

use crate::support::{NOW, Tally, prove};

/// Random requests for each pair.
const REQUESTS: usize = 60;
/// The names of keys: the second one of each kind is another key of the same kind.
const KEYS: [(&str, Algorithm); 4] = [
    ("ed-1", Algorithm::EdDSA),
    ("ed-2", Algorithm::EdDSA),
    ("hs-1", Algorithm::HS256),
    ("hs-2", Algorithm::HS256),
];

const RULES: &str = r#"
[[rule]]
id = "open"
allow = ["/open/**", "/n/*.pdf", "/c/{c}/cover"]
anyone = true
[[rule]]
id = "banned"
deny = ["/open/**", "/in/**"]
groups = ["banned"]
[[rule]]
id = "unless-level"
deny = ["/open/deep/**"]
unless = 'has(claims.level)'
[[rule]]
id = "in"
allow = ["/in/**"]
signed_in = true
[[rule]]
id = "groups"
allow = ["/groups/**", "/c/**"]
groups = ["a", "b"]
[[rule]]
id = "by-course"
allow = ["/c/{c}/**"]
groups = ["c-{c}"]
[[rule]]
id = "scopes"
allow = ["/scopes/**"]
scopes = ["read"]
[[rule]]
id = "own"
allow = ["/users/{user}/**"]
subjects = ["{user}"]
[[rule]]
id = "level"
allow = ["/level/**"]
signed_in = true
when = 'has(claims.level)'
"#;

fn key(kid: &str) -> PrivateKey {
    let (_, algorithm) = KEYS.iter().find(|(known, _)| *known == kid).unwrap();
    PrivateKey::generate("settings", kid, *algorithm, 0).unwrap()
}

/// One `[[issuer]]`.
#[derive(Clone, Debug, PartialEq)]
struct Issuer {
    name: &'static str,
    /// The user pool of a Cognito issuer, with its `token_use`; else the `iss`.
    cognito: Option<(&'static str, Vec<&'static str>)>,
    iss: &'static str,
    clients: Vec<&'static str>,
    keys: Vec<&'static str>,
    algorithms: Vec<&'static str>,
    groups_claim: &'static str,
    refresh: bool,
}

/// A `site.toml` in parts.
#[derive(Clone, Debug, PartialEq)]
struct Site {
    name: &'static str,
    issuers: Vec<Issuer>,
    from: Vec<&'static str>,
    leeway_secs: u32,
    max_bytes: u32,
    strip: bool,
    level: &'static str,
    ascii_only: bool,
    forbidden: u16,
    session: Option<(u32, &'static str, &'static str)>,
}

fn one_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> T {
    all[random.usize(..all.len())].clone()
}

fn some_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> Vec<T> {
    let mut some: Vec<T> = all.iter().filter(|_| random.bool()).cloned().collect();
    if some.is_empty() {
        some.push(one_of(random, all));
    }
    random.shuffle(&mut some);
    some
}

const POOLS: [&str; 2] = ["eu-west-1_Aaaaaaaaa", "eu-west-1_Bbbbbbbbb"];
const ISS: [&str; 2] = ["https://one.test", "https://two.test"];
const CLIENTS: [&str; 3] = ["app", "web", "site"];
const GROUPS_CLAIMS: [&str; 2] = ["cognito:groups", "groups"];
const SOURCES: [&str; 5] = [
    "header:authorization",
    "header:x-token",
    "cookie:id",
    "cookie:tollgate_session",
    "query:token",
];

impl Issuer {
    fn random(random: &mut fastrand::Rng, name: &'static str) -> Self {
        let secret = random.u8(..4) == 0;
        let (keys, algorithms): (&[&str], &[&str]) = match secret {
            true => (&["hs-1", "hs-2"], &["HS256"]),
            false => (&["ed-1", "ed-2"], &["EdDSA"]),
        };
        let pool = if name == "first" { POOLS[0] } else { POOLS[1] };
        let uses = some_of(random, &["id", "access"]);
        Self {
            name,
            cognito: (!secret && random.bool()).then_some((pool, uses)),
            iss: if name == "first" { ISS[0] } else { ISS[1] },
            clients: some_of(random, &CLIENTS),
            keys: some_of(random, keys),
            algorithms: algorithms.to_vec(),
            groups_claim: one_of(random, &GROUPS_CLAIMS),
            refresh: random.bool(),
        }
    }

    fn toml(&self) -> String {
        let mut text = format!(
            "[[issuer]]\nname = {:?}\nclients = {:?}\n",
            self.name, self.clients
        );
        match &self.cognito {
            Some((pool, uses)) => text.push_str(&format!(
                "cognito = {{ region = \"eu-west-1\", user_pool = {pool:?} }}\ntoken_use = {uses:?}\n"
            )),
            None => text.push_str(&format!("issuer = {:?}\n", self.iss)),
        }
        text.push_str(&format!("algorithms = {:?}\n", self.algorithms));
        if self.cognito.is_none() || self.groups_claim != GROUPS_CLAIMS[0] {
            text.push_str(&format!("groups_claim = {:?}\n", self.groups_claim));
        }
        if self.keys[0].starts_with("hs") {
            let secret = |kid: &&str| format!("{{ kid = {kid:?}, file = \"keys/{kid}.key\" }}");
            let secrets: Vec<String> = self.keys.iter().map(secret).collect();
            text.push_str(&format!("secrets = [{}]\n", secrets.join(", ")));
        } else {
            text.push_str(&format!("jwks = \"keys/{}.json\"\n", self.name));
            if self.refresh {
                text.push_str("refresh = \"https://one.test/keys\"\n");
            }
        }
        text
    }
}

impl Site {
    fn random(random: &mut fastrand::Rng) -> Self {
        Self {
            name: "site",
            issuers: vec![
                Issuer::random(random, "first"),
                Issuer::random(random, "second"),
            ],
            from: some_of(random, &SOURCES),
            leeway_secs: one_of(random, &[0, 60, 600]),
            max_bytes: one_of(random, &[512, 8_192]),
            strip: random.bool(),
            level: one_of(random, &["int", "string", "bool"]),
            ascii_only: random.bool(),
            forbidden: one_of(random, &[403, 404]),
            session: random.bool().then(|| session(random)),
        }
    }

    /// The site after an edit of one of its settings.
    fn edited(&self, random: &mut fastrand::Rng) -> Self {
        let mut site = self.clone();
        let other = Self::random(random);
        let at = random.usize(..site.issuers.len());
        let issuer = &mut site.issuers[at];
        let source = other.issuers[random.usize(..2)].clone();
        match random.u8(..20) {
            0 => site.from = other.from,
            1 => site.leeway_secs = other.leeway_secs,
            2 => site.max_bytes = other.max_bytes,
            3 => site.strip = other.strip,
            4 => site.level = other.level,
            5 | 6 => site.ascii_only = !site.ascii_only,
            7 => site.forbidden = other.forbidden,
            8 => site.session = other.session,
            9 => site.name = if site.name == "site" { "web" } else { "site" },
            10 => issuer.clients = source.clients,
            11 => issuer.groups_claim = source.groups_claim,
            12 => issuer.refresh = !issuer.refresh,
            13 if issuer.keys[0].starts_with("ed") => {
                issuer.cognito = Issuer::random(random, issuer.name).cognito;
            }
            13 => {}
            14 if issuer.keys[0].starts_with("hs") => {
                issuer.keys = some_of(random, &["hs-1", "hs-2"])
            }
            14 => issuer.keys = some_of(random, &["ed-1", "ed-2"]),
            15 => {
                (issuer.keys, issuer.algorithms) = (source.keys, source.algorithms);
                issuer.cognito = issuer
                    .cognito
                    .take()
                    .filter(|_| issuer.keys[0].starts_with("ed"));
            }
            16 => {
                issuer.iss = if issuer.name == "first" {
                    "https://three.test"
                } else {
                    "https://four.test"
                }
            }
            17 => site.issuers.reverse(),
            18 if site.issuers.len() > 1 => drop(site.issuers.remove(at)),
            18 => {}
            _ => site.issuers[at] = Issuer::random(random, self.issuers[at].name),
        }
        site
    }

    fn sources(&self) -> SourceTree {
        let mut tree = SourceTree::new();
        let mut text = format!("schema = 1\n[site]\nname = {:?}\n", self.name);
        let mut issuers: Vec<String> = self.issuers.iter().map(Issuer::toml).collect();
        let mut from = self.from.clone();
        if let Some((lifetime, cookies, same_site)) = self.session {
            issuers.push(format!(
                "[[issuer]]\nname = \"sessions\"\nissuer = \"https://site.test/session\"\n\
                 clients = [{:?}]\nalgorithms = [\"HS256\"]\ngroups_claim = \"groups\"\n\
                 secrets = [{{ kid = \"s\", file = \"keys/hs-2.key\" }}]\n\
                 [session]\nissuer = \"sessions\"\nlifetime_secs = {lifetime}\ncookies = {cookies:?}\n\
                 same_site = {same_site:?}\n",
                self.name
            ));
            if !from.contains(&"cookie:tollgate_session") {
                from.insert(0, "cookie:tollgate_session");
            }
        }
        text.push_str(&issuers.concat());
        text.push_str(&format!(
            "[token]\nfrom = {from:?}\nleeway_secs = {}\nmax_bytes = {}\nstrip = {}\n[claims]\nlevel = {:?}\n\
             [paths]\nascii_only = {}\n[deny]\nforbidden = {{ status = {} }}\n{RULES}",
            self.leeway_secs, self.max_bytes, self.strip, self.level, self.ascii_only, self.forbidden
        ));
        tree.insert("site.toml", text);
        for (kid, _) in KEYS.iter().filter(|(kid, _)| kid.starts_with("hs")) {
            tree.insert(
                format!("keys/{kid}.key"),
                base64url(key(kid).secret().unwrap()),
            );
        }
        for issuer in &self.issuers {
            let keys = issuer
                .keys
                .iter()
                .filter_map(|kid| key(kid).to_public_jwk());
            let keys: Vec<String> = keys.map(|key| key.to_text()).collect();
            tree.insert(
                format!("keys/{}.json", issuer.name),
                format!("{{\"keys\":[{}]}}", keys.join(",")),
            );
        }
        tree
    }
}

fn session(random: &mut fastrand::Rng) -> (u32, &'static str, &'static str) {
    (
        one_of(random, &[60, 3_600]),
        one_of(random, &["site", "course"]),
        one_of(random, &["lax", "none"]),
    )
}

/// A site as the analysis and as an edge has it.
struct Built {
    policy: Policy,
    gate: Gate<Vec<u8>>,
}

fn build(site: &Site) -> Built {
    let compiled = compile(&site.sources(), &CompileOptions::default());
    assert!(
        !compiled.has_errors(),
        "{site:?}: {:?}",
        compiled.diagnostics
    );
    let image = compiled.image.unwrap();
    Built {
        policy: Policy::with_image(compiled.policy.unwrap(), image.clone()).unwrap(),
        gate: Gate::new(image, &Native).unwrap(),
    }
}

/// A random token, signed; most are such as one of the sites takes.
fn token(random: &mut fastrand::Rng, sites: [&Site; 2]) -> String {
    let site = sites[random.usize(..2)];
    let issuer = &site.issuers[random.usize(..site.issuers.len())];
    let kid = match random.u8(..8) {
        0 => one_of(random, &KEYS).0,
        _ => one_of(random, &issuer.keys),
    };
    let mut claims = Claims::new();
    let seconds = [-650, -90, -30, 0, 30, 90, 650];
    claims = claims
        .set(
            "exp",
            NOW + 3_600 * i64::from(random.u8(..8) > 0) + one_of(random, &seconds),
        )
        .set("sub", one_of(random, &["ann", "bob"]))
        .set("scope", one_of(random, &["read", "write", "read write"]));
    if random.bool() {
        claims = claims.set("iat", NOW + one_of(random, &seconds));
    }
    if random.u8(..4) == 0 {
        claims = claims.set("nbf", NOW + one_of(random, &seconds));
    }
    let client = one_of(random, &CLIENTS);
    match &issuer.cognito {
        Some((pool, _)) => {
            let host = "https://cognito-idp.eu-west-1.amazonaws.com";
            claims = claims.set("iss", format!("{host}/{pool}"));
            claims = match random.bool() {
                true => claims.set("token_use", "id").set("aud", client),
                false => claims.set("token_use", "access").set("client_id", client),
            };
        }
        None => claims = claims.set("iss", issuer.iss).set("aud", client),
    }
    for name in some_of(random, &GROUPS_CLAIMS) {
        let mut groups = some_of(random, &["a", "b", "c-1", "other"]);
        if random.u8(..3) == 0 {
            groups.push("banned");
        }
        claims = claims.set(name, groups);
    }
    claims = match random.u8(..4) {
        0 => claims.set("level", 3),
        1 => claims.set("level", "3"),
        2 => claims.set("level", true),
        _ => claims,
    };
    if random.u8(..4) == 0 {
        claims = claims.set("padding", "x".repeat(600));
    }
    Minter::new(key(kid)).token(&claims.to_json()).unwrap()
}

/// The header fields and the query that hold a token at a source.
fn placed(source: &str, token: &str) -> (Vec<(String, String)>, String) {
    let field = |name: &str, value: String| (vec![(name.to_owned(), value)], String::new());
    match source.split_once(':').unwrap() {
        ("header", "authorization") => field("authorization", format!("Bearer {token}")),
        ("header", name) => field(name, token.to_owned()),
        ("cookie", name) => field("cookie", format!("{name}={token}")),
        (_, name) => (Vec::new(), format!("?{name}={token}")),
    }
}

/// A request with a session that the gate started for a token, if it did.
fn with_session(gate: &Gate<Vec<u8>>, request: &Request<'_>) -> Option<(String, String)> {
    let Action::Forward(forward) = gate.handle(request).action else {
        return None;
    };
    let cookie = forward.set_cookies.first()?.split(';').next()?.to_owned();
    Some(("cookie".to_owned(), cookie))
}

const TARGETS: [&str; 20] = [
    "/open/x",
    "/open/%C3%A9",
    "/open/deep/x",
    "/in/x",
    "/in/%C3%A9/x",
    "/groups/x",
    "/groups/%C3%A9",
    "/c/1/x",
    "/c/1/%C3%A9",
    "/c/%C3%A9/cover",
    "/c/2/x",
    "/n/x.pdf",
    "/n/%C3%A9.pdf",
    "/scopes/x",
    "/users/ann/x",
    "/users/bob/%C3%A9",
    "/level/x",
    "/nothing",
    "/%C3%A9",
    "/open//x",
];

fn check(seed: u64) -> Tally {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    let old_site = Site::random(&mut random);
    let mut new_site = old_site.edited(&mut random);
    if random.u8(..4) == 0 {
        new_site = new_site.edited(&mut random);
    }
    let (old, new) = (build(&old_site), build(&new_site));
    let found = diff::diff(&old.policy, &new.policy, NOW);
    if old_site == new_site {
        assert!(found.is_empty(), "seed {seed}: {found:#?}");
        tally.add("pairs without a difference", 1);
    }
    for _ in 0..REQUESTS {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut query = String::new();
        for _ in 0..random.usize(..3) {
            let token = token(&mut random, [&old_site, &new_site]);
            let (more, at) = placed(one_of(&mut random, &SOURCES), &token);
            fields.extend(more);
            query.push_str(&at);
        }
        let target = format!("{}{query}", one_of(&mut random, &TARGETS));
        if random.u8(..4) == 0 {
            let headers: Vec<(&str, &[u8])> = borrowed(&fields);
            let gate = if random.bool() { &old.gate } else { &new.gate };
            let session = with_session(gate, &request(&target, &headers));
            if let Some(field) = session {
                fields = vec![field];
                tally.add("requests with sessions", 1);
            }
        }
        let headers = borrowed(&fields);
        let request = request(&target, &headers);
        let (before, after) = (old.gate.handle(&request), new.gate.handle(&request));
        tally.add("random requests", 1);
        if before.kind != Kind::Allow && after.kind == Kind::Allow {
            tally.add("requests newly allowed", 1);
            assert!(
                !found.opens_nothing(),
                "seed {seed}: {target} {fields:?}\n{old_site:#?}\n{new_site:#?}\n{found:#?}"
            );
        }
    }
    tally.add("pairs", 1);
    tally
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &[u8])> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

fn request<'r>(target: &'r str, headers: &'r [(&'r str, &'r [u8])]) -> Request<'r> {
    Request {
        method: "GET",
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: UnixSeconds(NOW),
    }
}

#[test]
fn settings_that_allow_more_are_reported() {
    prove("settings", check);
}

/// A site with every kind of setting.
fn full() -> Site {
    let issuer = |name, cognito| Issuer {
        name,
        cognito,
        iss: if name == "first" { ISS[0] } else { ISS[1] },
        clients: vec!["app"],
        keys: vec!["ed-1"],
        algorithms: vec!["EdDSA"],
        groups_claim: "groups",
        refresh: false,
    };
    Site {
        name: "site",
        issuers: vec![
            issuer("first", Some((POOLS[0], vec!["id"]))),
            issuer("second", None),
        ],
        from: vec!["cookie:tollgate_session", "header:authorization"],
        leeway_secs: 0,
        max_bytes: 512,
        strip: true,
        level: "int",
        ascii_only: true,
        forbidden: 403,
        session: Some((60, "site", "lax")),
    }
}

#[test]
fn each_setting_is_reported() {
    type Edit = fn(&mut Site);
    let table: [(Edit, &str, bool); 24] = [
        (|site| site.name = "web", "site_name", true),
        (
            |site| (site.session, site.name) = (None, "web"),
            "site_name",
            true,
        ),
        (|site| site.issuers.truncate(1), "issuers", true),
        (|site| site.issuers.reverse(), "issuers", true),
        (
            |site| site.issuers[1].iss = "https://three.test",
            "issuers",
            true,
        ),
        (|site| site.issuers[0].clients.push("web"), "issuers", true),
        (
            |site| site.issuers[0].clients = vec!["web"],
            "issuers",
            true,
        ),
        (
            |site| site.issuers[0].cognito = Some((POOLS[0], vec!["id", "access"])),
            "issuers",
            true,
        ),
        (
            |site| site.issuers[0].cognito = Some((POOLS[1], vec!["id"])),
            "issuers",
            true,
        ),
        (|site| site.issuers[0].cognito = None, "issuers", true),
        (|site| site.issuers[1].keys.push("ed-2"), "issuers", true),
        (|site| site.issuers[1].keys = vec!["ed-2"], "issuers", true),
        (
            |site| site.issuers[1].groups_claim = "cognito:groups",
            "issuers",
            true,
        ),
        (|site| site.issuers[1].refresh = true, "issuers", true),
        (
            |site| {
                (site.issuers[1].keys, site.issuers[1].algorithms) = (vec!["hs-1"], vec!["HS256"])
            },
            "issuers",
            true,
        ),
        (|site| site.from.push("query:token"), "token_sources", true),
        (|site| site.from.reverse(), "token_sources", true),
        (|site| site.leeway_secs = 60, "token_handling", true),
        (|site| site.max_bytes = 8_192, "token_handling", true),
        (|site| site.strip = false, "token_handling", true),
        (
            |site| site.session = Some((3_600, "site", "lax")),
            "token_handling",
            true,
        ),
        (
            |site| site.session = Some((60, "site", "none")),
            "token_handling",
            true,
        ),
        (|site| site.ascii_only = false, "paths", true),
        (|site| site.forbidden = 404, "deny_answers", false),
    ];
    let old = build(&full());
    for (at, (edit, code, may_open)) in table.into_iter().enumerate() {
        let mut site = full();
        edit(&mut site);
        let found = diff::diff(&old.policy, &build(&site).policy, NOW);
        let change = found
            .settings
            .iter()
            .find(|change| change.setting.code() == code);
        let change = change.unwrap_or_else(|| panic!("{at} {code}: {:#?}", found.settings));
        assert_eq!(change.may_open, may_open, "{at} {change:?}");
        assert_eq!(
            found.opens_nothing(),
            !may_open,
            "{at} {:#?}",
            found.settings
        );
    }
    assert!(diff::diff(&old.policy, &build(&full()).policy, NOW).is_empty());
}
