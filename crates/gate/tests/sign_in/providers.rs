//! Sites where users choose one of two providers.

use crate::browser::Browser;
use crate::peers::SCRIPT;
use crate::provider::{Evil, Pairs, drop_named, one, parameters, set};
use crate::site::{ISSUER, LEARN, Options, STAFF};
use crate::world::{LESSON as LEARN_LESSON, Reply, SESSION, World};

pub(crate) const TWO: Options<'static> = Options {
    name: "both",
    host: "both.example.com",
    client: "both",
    issuer: "[[issuer]]\nname = \"staff\"\nissuer = \"https://staff.example.com\"\nclients = [\"office\"]\n\
             groups_claim = \"groups\"\nalgorithms = [\"HS256\"]\nsecrets = [{ kid = \"hs\", file = \"keys/staff.key\" }]",
    sign_in: "label = \"Students & alumni\"\n[[sign_in.provider]]\nissuer = \"staff\"\nlabel = \"Staff\"\n\
              endpoints = \"keys/staff.openid.json\"\nclient = \"office\"\nscopes = [\"openid\", \"email\"]\n\
              parameters = { prompt = \"select_account\", hd = \"a b&c\" }",
    ..LEARN
};
const CHOICE: &str = "200 choose_provider";
const LESSON: &str = "https://both.example.com/learn/a?x=1";
const LESSON_PATH: &str = "/learn/a%3Fx%3D1";

fn at(endpoint: &str) -> String {
    format!("https://both.example.com/.tollgate/{endpoint}")
}

fn world() -> World {
    World::with(&[TWO])
}

fn with(issuer: &str) -> String {
    format!("{}?to={LESSON_PATH}&with={issuer}", at("sign-in"))
}

#[test]
fn users_choose_a_provider_and_return_to_the_page() {
    let mut world = world();
    for (user, issuer) in [("ann", "learners"), ("bob", "staff")] {
        let mut browser = Browser::of(user);
        let choice = browser.open(&mut world, LESSON);
        assert_eq!(choice.summary(), CHOICE);
        assert!(!choice.body.contains("<script"), "{}", choice.body);
        for link in [
            "<a href=\"/.tollgate/sign-in?to=/learn/a%3Fx%3D1&amp;with=learners\">Students &amp; alumni</a>",
            "<a href=\"/.tollgate/sign-in?to=/learn/a%3Fx%3D1&amp;with=staff\">Staff</a>",
        ] {
            assert!(choice.body.contains(link), "{}", choice.body);
        }
        let reply = browser.open(&mut world, &with(issuer));
        assert!(reply.is_forwarded, "{:#?}", browser.codes());
        assert_eq!(
            browser.trace.last().map(|(url, _)| url.as_str()),
            Some(LESSON)
        );
        let me = browser.hop(&mut world, &at("me")).body;
        let expected = format!("\"subject\":\"{user}\",\"issuer\":\"{issuer}\"");
        assert!(me.contains(&expected), "{me}");
    }
}

#[test]
fn each_provider_has_its_own_client_and_redirect_uri() {
    let mut world = world();
    let mut browser = Browser::of("ann");
    let table = [
        ("learners", ISSUER, "both", "callback", None),
        (
            "staff",
            STAFF,
            "office",
            "callback/staff",
            Some(("select_account", "a b&c")),
        ),
    ];
    for (issuer, url, client, callback, more) in table {
        let location = browser.begin(&mut world, &with(issuer));
        let query = location.strip_prefix(&format!("{url}/authorize?tenant=7&"));
        let query = parameters(query.expect("the provider's endpoint"));
        assert_eq!(one(&query, "client_id"), Some(client));
        assert_eq!(one(&query, "redirect_uri"), Some(at(callback).as_str()));
        assert_eq!(one(&query, "prompt"), more.map(|(prompt, _)| prompt));
        assert_eq!(one(&query, "hd"), more.map(|(_, hd)| hd));
    }
}

/// Whatever does not name a provider leads to the page; a script never sees it.
#[test]
fn an_unknown_choice_is_none() {
    let mut world = world();
    let mut browser = Browser::of("ann");
    for query in [
        "",
        "&with=",
        "&with=nobody",
        "&with=staff&with=learners",
        "&with=Staff",
        "&again=1",
    ] {
        let reply = browser.hop(&mut world, &format!("{}?to=/learn/a{query}", at("sign-in")));
        let is_again = reply.body.contains("again=1");
        assert_eq!(reply.summary(), CHOICE, "{query}");
        assert_eq!(is_again, query.contains("again"), "{query}");
    }
    let script = browser.send(&mut world, "GET", &at("sign-in"), SCRIPT);
    assert_eq!(script.summary(), "401 sign_in_required");
    let hostile = format!("{}?to=//evil.example&with=staff%22%3E", at("sign-in"));
    let reply = browser.hop(&mut world, &hostile);
    assert!(
        !reply.body.contains("evil") && !reply.body.contains("%22"),
        "{}",
        reply.body
    );
    // The parameters mean nothing at a site with one provider.
    let mut single = World::with(&[LEARN]);
    let url = with("staff").replace("both.", "learn.");
    let reply = browser.hop(&mut single, &url);
    assert_eq!(reply.summary(), "302 sign_in_started");
}

/// A provider cannot make the browser bring it the code of another (RFC 9700 §4.4).
#[test]
fn mix_up() {
    // The staff provider sends the browser on to the other one, with the state of its own flow.
    let mut world = world();
    let mut browser = Browser::of("ann");
    let at_staff = browser.begin(&mut world, &with("staff"));
    let state = one(
        &parameters(at_staff.split_once('?').expect("a query").1),
        "state",
    )
    .map(str::to_string);
    let state = state.expect("a state");
    let honest = browser.begin(&mut world, &with("learners"));
    let own = one(
        &parameters(honest.split_once('?').expect("a query").1),
        "state",
    )
    .map(str::to_string);
    let mixed = honest.replace(&own.expect("a state"), &state);
    let callback = world.provider.authorize(&mixed, Some("ann"), world.now);
    let without_iss = callback.split("&iss=").next().expect("a URL").to_string();
    for back in [&callback, &without_iss] {
        world.staff.seen.clear();
        let mut browser_now = Browser {
            jar: browser.jar.clone(),
            ..Browser::of("ann")
        };
        let reply = browser_now.hop(&mut world, back);
        assert_eq!(reply.summary(), "400 issuer_mismatch");
        assert!(
            world.staff.seen.is_empty(),
            "the code reached the wrong provider"
        );
        assert_eq!(browser_now.cookie("both.example.com", SESSION), None);
    }
}

#[test]
fn the_callback_of_one_provider_is_none_of_another() {
    for evil in [
        Evil::default(),
        Evil {
            callback: Some(|back| drop_named(back, "iss")),
            ..Evil::default()
        },
        Evil {
            callback: Some(|back| set(back, "iss", ISSUER)),
            ..Evil::default()
        },
    ] {
        let mut world = world();
        world.staff.evil = evil;
        let mut browser = Browser::of("bob");
        let at_staff = browser.begin(&mut world, &with("staff"));
        let callback = world.staff.authorize(&at_staff, Some("bob"), world.now);
        for wrong in [
            "callback?",
            "callback/learners?",
            "callback/nobody?",
            "callback/staff/?",
        ] {
            let mut other = Browser {
                jar: browser.jar.clone(),
                ..Browser::of("bob")
            };
            let reply = other.hop(&mut world, &callback.replace("callback/staff?", wrong));
            assert_eq!(reply.summary(), "400 issuer_mismatch", "{wrong}");
            assert!(world.staff.seen.is_empty() && world.provider.seen.is_empty());
        }
    }
}

#[test]
fn a_token_of_the_other_provider_begins_no_session() {
    let mut world = world();
    let mut learner = Browser::of("ann");
    learner.open(&mut world, &with("learners"));
    let token = world.provider.last_id_token.clone();
    world.staff.last_id_token = token;
    world.staff.evil.replays = true;
    let mut browser = Browser::of("mallory");
    let reply = browser.open(&mut world, &with("staff"));
    assert_eq!(reply.summary(), "400 issuer_mismatch");
    assert_eq!(browser.cookie("both.example.com", SESSION), None);
}

#[test]
fn a_session_is_refreshed_and_ended_where_it_began() {
    let mut world = world();
    let mut browser = Browser::of("bob");
    browser.open(&mut world, &with("staff"));
    world.now += 3_000;
    world.staff.seen.clear();
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    assert!(
        browser.codes().contains(&"303 refreshed".to_string()),
        "{:#?}",
        browser.codes()
    );
    assert_eq!((world.staff.seen.len(), world.provider.seen.len()), (1, 0));
    // A session that has ended is refreshed as well, unless the user asks for the other provider.
    world.now += 4_000;
    let other = browser.hop(&mut world, &with("learners"));
    assert_eq!(other.summary(), "302 sign_in_started");
    let same = browser.hop(&mut world, &with("staff"));
    assert_eq!(same.summary(), "302 refresh_due");
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    let left = browser.hop(&mut world, &at("sign-out"));
    let location = left.location().expect("a redirect");
    assert!(
        location.starts_with(&format!("{STAFF}/end?x=1&client_id=office&")),
        "{location}"
    );
    assert_eq!(
        world.staff.refreshes.len(),
        0,
        "the refresh token is revoked"
    );
    assert!(world.provider.seen.is_empty());
}

/// Without a refresh cookie, the session tells where the user signed in.
#[test]
fn sign_out_without_a_refresh_token_leads_to_the_right_provider() {
    for (issuer, url, client) in [("learners", ISSUER, "both"), ("staff", STAFF, "office")] {
        let mut world = world();
        let mut browser = Browser::of("ann");
        browser.refuses = vec!["__Secure-tollgate-refresh=", "__Host-tollgate-renew="];
        browser.open(&mut world, &with(issuer));
        let left = browser.hop(&mut world, &at("sign-out"));
        let location = left.location().expect("a redirect");
        assert!(
            location.starts_with(&format!("{url}/end?x=1&client_id={client}&")),
            "{location}"
        );
        let nobody = Browser::of("ann").hop(&mut world, &at("sign-out"));
        assert_eq!(nobody.location(), Some("/.tollgate/signed-out"));
    }
}

/// After a provider was removed, its cookies count as absent.
#[test]
fn a_provider_that_was_removed_costs_another_sign_in() {
    let mut world = world();
    let mut browser = Browser::of("bob");
    browser.open(&mut world, &with("staff"));
    let mut half = Browser::of("bob");
    let at_staff = half.begin(&mut world, &with("staff"));
    let callback = world.staff.authorize(&at_staff, Some("bob"), world.now);
    world.add(&Options {
        issuer: LEARN.issuer,
        sign_in: LEARN.sign_in,
        ..TWO
    });
    assert_eq!(
        half.hop(&mut world, &callback).summary(),
        "400 flow_missing"
    );
    browser.jar.retain(|cookie| cookie.name != SESSION);
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    assert!(browser.codes().contains(&"303 signed_in".to_string()));
}

/// Two issuers can share a server, and a site the name of its client.
#[test]
fn providers_with_the_same_token_endpoint_are_not_confused() {
    let mut world = World::with(&[Options {
        shares_endpoint: true,
        ..TWO
    }]);
    let uri = at("callback/staff");
    world.staff.add_client("both", "none", vec![uri]);
    let mut browser = Browser::of("bob");
    let at_staff = browser.begin(&mut world, &with("staff"));
    let callback = world.staff.authorize(&at_staff, Some("bob"), world.now);
    let reply = browser.hop(&mut world, &callback);
    // The flow is that of the second provider; only the endpoint does not know its code here.
    assert_eq!(reply.summary(), "400 code_rejected");
}

/// A neighbouring site can set the refresh cookie for this host, but not the session.
#[test]
fn sign_out_follows_the_session_and_not_a_cookie_of_a_neighbour() {
    const REFRESH: &str = "__Secure-tollgate-refresh";
    let mut world = world();
    // Without refresh tokens, the cookie contains only the hint for sign-out.
    world.provider.refreshable = false;
    world.staff.refreshable = false;
    let mut mallory = Browser::of("mallory");
    mallory.open(&mut world, &with("staff"));
    let of_mallory = mallory.jar.iter().find(|cookie| cookie.name == REFRESH);
    let mut planted = of_mallory.expect("a hint").clone();
    planted.path = "/.tollgate/sign-out".to_string();
    let mut browser = Browser::of("ann");
    browser.open(&mut world, &with("learners"));
    browser.jar.push(planted);
    let left = browser.hop(&mut world, &at("sign-out"));
    let location = left.location().expect("a redirect");
    assert!(
        location.starts_with(&format!("{ISSUER}/end?x=1&client_id=both&")),
        "{location}"
    );
    assert!(!location.contains("id_token_hint"), "{location}");
}

/// OpenID Connect Core §3.1.2.1: the provider may ignore `max_age`, and the user can remove it from the address.
#[test]
fn a_sign_in_older_than_max_age_gives_no_session() {
    const RECENT: Options<'static> = Options {
        sign_in: "parameters = { max_age = \"600\" }",
        ..LEARN
    };
    type Edit = fn(&mut Pairs);
    let table: [(Edit, &str); 5] = [
        (|_| (), "303 signed_in"),
        // With the leeway.
        (
            |claims| set(claims, "auth_time", "1799999340"),
            "303 signed_in",
        ),
        (
            |claims| set(claims, "auth_time", "1799999339"),
            "502 sign_in_too_old",
        ),
        (
            |claims| set(claims, "auth_time", "\"1800000000\""),
            "502 sign_in_too_old",
        ),
        (
            |claims| drop_named(claims, "auth_time"),
            "502 sign_in_too_old",
        ),
    ];
    for (edit, expected) in table {
        let mut world = World::with(&[RECENT]);
        let mut browser = Browser::of("ann");
        world.provider.evil = Evil {
            claims: Some(edit),
            ..Evil::default()
        };
        browser.open(&mut world, LEARN_LESSON);
        let at_callback = |(url, _): &&(String, Reply)| url.contains("/callback?");
        let (_, reply) = browser.trace.iter().find(at_callback).expect("a callback");
        assert_eq!(reply.summary(), expected);
        assert_eq!(reply.session().is_some(), expected == "303 signed_in");
        let to_provider = |(_, reply): &(String, Reply)| {
            let location = reply.location();
            location.is_some_and(|to| to.contains("max_age=600"))
        };
        let asked = browser.trace.iter().any(to_provider);
        assert!(asked, "{:#?}", browser.codes());
    }
}
