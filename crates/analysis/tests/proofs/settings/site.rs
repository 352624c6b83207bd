//! Random sites that differ in their settings, as policy text with keys.

use tollgate_compiler::SourceTree;
use tollgate_mint::{Algorithm, PrivateKey, base64url};

/// The names of keys: the second one of each kind is another key of the same kind.
pub(crate) const KEYS: [(&str, Algorithm); 4] = [
    ("ed-1", Algorithm::EdDSA),
    ("ed-2", Algorithm::EdDSA),
    ("hs-1", Algorithm::HS256),
    ("hs-2", Algorithm::HS256),
];

pub(crate) const RULES: &str = r#"
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

pub(crate) fn key(kid: &str) -> PrivateKey {
    let (_, algorithm) = KEYS.iter().find(|(known, _)| *known == kid).unwrap();
    PrivateKey::generate("settings", kid, *algorithm, 0).unwrap()
}

/// Rules that read groups, scopes and subjects of which no other rule reads anything.
const MORE_RULES: [&str; 4] = [
    "",
    "[[rule]]\nid = \"more\"\ndeny = [\"/groups/**\", \"/open/**\"]\ngroups = [\"other\"]\n",
    "[[rule]]\nid = \"more\"\nallow = [\"/nothing\"]\nscopes = [\"write\"]\n",
    "[[rule]]\nid = \"more\"\ndeny = [\"/in/**\"]\nunless = 'sub == \"ann\" || \"c-1\" in groups'\n",
];

/// One `[[issuer]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Issuer {
    pub(crate) name: &'static str,
    /// The user pool of a Cognito issuer, with its `token_use`; else the `iss`.
    pub(crate) cognito: Option<(&'static str, Vec<&'static str>)>,
    pub(crate) iss: &'static str,
    pub(crate) clients: Vec<&'static str>,
    pub(crate) keys: Vec<&'static str>,
    pub(crate) algorithms: Vec<&'static str>,
    pub(crate) groups_claim: &'static str,
    pub(crate) refresh: bool,
}

/// A `site.toml` in parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) from: Vec<&'static str>,
    pub(crate) leeway_secs: u32,
    pub(crate) max_bytes: u32,
    pub(crate) strip: bool,
    pub(crate) level: &'static str,
    pub(crate) ascii_only: bool,
    pub(crate) forbidden: u16,
    /// A rule more, by which sessions hold more, too.
    pub(crate) rule: &'static str,
    pub(crate) session: Option<(u32, &'static str, &'static str)>,
}

pub(crate) fn one_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> T {
    all[random.usize(..all.len())].clone()
}

pub(crate) fn some_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> Vec<T> {
    let mut some: Vec<T> = all.iter().filter(|_| random.bool()).cloned().collect();
    if some.is_empty() {
        some.push(one_of(random, all));
    }
    random.shuffle(&mut some);
    some
}

pub(crate) const POOLS: [&str; 2] = ["eu-west-1_Aaaaaaaaa", "eu-west-1_Bbbbbbbbb"];
pub(crate) const ISS: [&str; 2] = ["https://one.test", "https://two.test"];
pub(crate) const CLIENTS: [&str; 3] = ["app", "web", "site"];
pub(crate) const GROUPS_CLAIMS: [&str; 2] = ["cognito:groups", "groups"];
pub(crate) const SOURCES: [&str; 6] = [
    "header:authorization",
    "header:x-token",
    "cookie:id",
    "cookie:__Host-tollgate",
    "cookie:__Secure-tollgate",
    "query:token",
];

impl Issuer {
    pub(crate) fn random(random: &mut fastrand::Rng, name: &'static str) -> Self {
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

    pub(crate) fn toml(&self) -> String {
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
    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
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
            rule: one_of(random, &MORE_RULES),
            session: random.bool().then(|| session(random)),
        }
    }

    /// The site after an edit of one of its settings.
    pub(crate) fn edited(&self, random: &mut fastrand::Rng) -> Self {
        let mut site = self.clone();
        let other = Self::random(random);
        let at = random.usize(..site.issuers.len());
        let issuer = &mut site.issuers[at];
        let source = other.issuers[random.usize(..2)].clone();
        match random.u8(..22) {
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
            20 | 21 => site.rule = other.rule,
            _ => site.issuers[at] = Issuer::random(random, self.issuers[at].name),
        }
        site
    }

    pub(crate) fn sources(&self) -> SourceTree {
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
            let cookie = match cookies {
                "site" => "cookie:__Host-tollgate",
                _ => "cookie:__Secure-tollgate",
            };
            if !from.contains(&cookie) {
                from.insert(0, cookie);
            }
        }
        text.push_str(&issuers.concat());
        text.push_str(&format!(
            "[token]\nfrom = {from:?}\nleeway_secs = {}\nmax_bytes = {}\nstrip = {}\n[claims]\nlevel = {:?}\n\
             [paths]\nascii_only = {}\n[deny]\nforbidden = {{ status = {} }}\n{RULES}{}",
            self.leeway_secs, self.max_bytes, self.strip, self.level, self.ascii_only, self.forbidden, self.rule
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

pub(crate) fn session(random: &mut fastrand::Rng) -> (u32, &'static str, &'static str) {
    (
        one_of(random, &[60, 3_600]),
        one_of(random, &["site", "course"]),
        one_of(random, &["lax", "none"]),
    )
}
