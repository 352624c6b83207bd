//! Random pairs of sites that differ in their settings, and random requests with signed tokens, decided by the gate:
//! if any is newly allowed, the comparison reports that the edit may grant access.

mod site;

use tollgate_analysis::{Kind, Policy, diff};
use tollgate_compiler::{CompileOptions, compile};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_mint::{Claims, Minter};

use crate::support::{NOW, Tally, prove};
use site::{CLIENTS, GROUPS_CLAIMS, ISS, Issuer, KEYS, POOLS, SOURCES, Site, key, one_of, some_of};

/// Random requests for each pair.
const REQUESTS: usize = 60;
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
    let Action::Forward(forward) = gate.ask(request, &mut Context::new()).action else {
        return None;
    };
    let cookie = forward
        .response
        .set_cookies
        .first()?
        .split(';')
        .next()?
        .to_owned();
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
        let (before, after) = (
            old.gate.ask(&request, &mut Context::new()),
            new.gate.ask(&request, &mut Context::new()),
        );
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
        entropy: None,
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
        from: vec!["cookie:__Host-tollgate", "header:authorization"],
        leeway_secs: 0,
        max_bytes: 512,
        strip: true,
        level: "int",
        ascii_only: true,
        forbidden: 403,
        rule: "",
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
