//! Fault scenarios: baseline before the fault, requests during it, recovery after it.

mod older;
mod sign_in;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tollgate_targets::driver::{Ask, Delivery, InjectedFault, Observed, Setup};
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site::{self, LESSON, NEW};
use tollgate_targets::live::store::{self, Store};
use tollgate_targets::{Places, Policy, Target};

use crate::driver::{Phase, RequestDriver, STEP_SECS, Score, Tokens, Want, Wants};
use crate::faults::{Fault, Kind};

/// A time in seconds after which keys are stale and a Worker must read its store.
const KEYS_AGE_SECS: i64 = 3_601;
const STORE_AGE_SECS: i64 = 61;
/// The number of rounds under a fault.
const ROUNDS: u32 = 3;

/// The environment of the targets.
pub(crate) struct World {
    issuer: Issuer,
    stranger: Issuer,
    store: Store,
    policy: Policy,
    newer: Policy,
    elsewhere: Policy,
    tokens: Tokens,
}

impl World {
    pub(crate) fn new() -> Result<World> {
        let (issuer, stranger) = (Issuer::start("chaos")?, Issuer::start("a stranger")?);
        Ok(World {
            policy: site::policy(&issuer, "chaos", false)?,
            newer: site::policy(&issuer, "chaos", true)?,
            elsewhere: site::policy(&issuer, "elsewhere", true)?,
            tokens: Tokens::mint(&issuer, &stranger)?,
            store: Store::start()?,
            issuer,
            stranger,
        })
    }
}

/// Runs a fault scenario on a target and returns the score and a description of what happened.
pub(crate) fn run_scenario(
    places: &Places,
    world: &mut World,
    fault: &Fault,
    target: Target,
) -> Result<(Score, String)> {
    world.issuer.resume()?;
    world.store.fault(None);
    world.store.put(&world.policy)?;
    match fault.kind {
        Kind::Keys(how) => {
            let how = serde_json::from_str(how).context("a fault of the issuer")?;
            keys(places, world, target, &how)
        }
        Kind::Redirected => {
            let how = json!({ "kind": "redirect", "to": world.stranger.jwks_uri() });
            let before = world.stranger.fetches()?;
            let played = keys(places, world, target, &how)?;
            ensure!(
                world.stranger.fetches()? == before,
                "the redirect was followed"
            );
            Ok(played)
        }
        Kind::Refused => refused(places, world, target),
        Kind::Without => without(places, world, target),
        Kind::Clock(jump) => clock(places, world, target, jump),
        Kind::Torn => torn(places, world, target),
        Kind::OtherSite => {
            let offers = [(world.elsewhere.id()?, world.elsewhere.image().to_vec())];
            in_store(places, world, target, &offers)
        }
        Kind::Store(how) if delivery(target)? == Delivery::FromStore => {
            let how = how.map_or(store::Fault::Fails, store::Fault::Slow);
            store_fails(places, world, target, how)
        }
        Kind::Store(_) => beside(places, world, target, &[|_| json!({})]),
        Kind::Inside(how) => inside(places, world, target, how),
        Kind::Older => older::run_scenario(places, world, target),
        Kind::Token(how, code) => sign_in::token(places, world, target, how, code),
        Kind::SignInKeys(how) => sign_in::keys(places, world, target, how),
        Kind::ProviderRefused => sign_in::refused(places, world, target),
    }
}

/// Returns how a target gets its policy.
fn delivery(target: Target) -> Result<Delivery> {
    let faults = target.faults().context("not driven under faults")?;
    Ok(faults.policy)
}

/// The usual policy, and a store that contains others.
fn with_store(world: &World) -> Setup<'_> {
    Setup {
        store: Some(&world.store),
        ..Setup::new(&world.policy)
    }
}

/// The same with the later key in use, if keys are fetched.
fn with_fresh(target: Target) -> Wants {
    let is_code = target
        .faults()
        .is_some_and(|faults| faults.policy.is_code());
    Wants {
        fresh: if is_code { Want::Deny } else { Want::Allow },
        ..Wants::USUAL
    }
}

/// The same with the newer policy in force.
const WITH_NEW: Wants = Wants {
    new: Want::Allow,
    ..Wants::USUAL
};

fn driver<'a>(places: &Places, world: &'a World, target: Target) -> Result<RequestDriver<'a>> {
    let mut driver = RequestDriver::new(
        target.live(places, &Setup::new(&world.policy))?,
        &world.tokens,
    )?;
    driver.round(Phase::Before, Wants::USUAL);
    Ok(driver)
}

/// Sends all requests a few times, with time for cooldowns between rounds.
fn under(driver: &mut RequestDriver<'_>, wants: Wants) {
    for _ in 0..ROUNDS {
        driver.now += STEP_SECS;
        driver.round(Phase::Under, wants);
    }
}

/// An unusable key set, while a token names a key that only a later set contains.
fn keys(places: &Places, world: &World, target: Target, how: &Value) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    world.issuer.fault(how)?;
    world.issuer.publish_newer(true)?;
    let before = world.issuer.fetches()?;
    under(&mut driver, Wants::USUAL);
    let struck = world.issuer.fetches()? - before;
    ensure!(struck > 0, "the key set was not fetched under the fault");
    world.issuer.well()?;
    driver.recover(LESSON, true, with_fresh(target));
    let (known, fresh) = (driver.score.seen("known key"), driver.score.seen("new key"));
    Ok((driver.score, format!("{struck} fetches; {known}; {fresh}")))
}

fn refused(places: &Places, world: &mut World, target: Target) -> Result<(Score, String)> {
    // Borrowed for one line each, because the issuer stops and starts.
    let edge = target.live(places, &Setup::new(&world.policy))?;
    let mut driver = RequestDriver::new(edge, &world.tokens)?;
    driver.round(Phase::Before, Wants::USUAL);
    world.issuer.stop();
    under(&mut driver, Wants::USUAL);
    world.issuer.resume()?;
    world.issuer.publish_newer(true)?;
    driver.recover(LESSON, true, with_fresh(target));
    let (known, fresh) = (driver.score.seen("known key"), driver.score.seen("new key"));
    Ok((driver.score, format!("{known}; {fresh}")))
}

/// A set that lacks the signing key invalidates its tokens, because that is how a key is withdrawn. They are
/// valid again when the key returns.
fn without(places: &Places, world: &World, target: Target) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    world.issuer.publish_newer(true)?;
    world.issuer.publish_older(false)?;
    driver.now += KEYS_AGE_SECS;
    let both = Wants {
        known: Want::Either,
        fresh: Want::Either,
        ..Wants::USUAL
    };
    driver.round(Phase::Under, both);
    let withdrawn = Wants {
        known: Want::Deny,
        fresh: Want::Allow,
        ..Wants::USUAL
    };
    under(&mut driver, withdrawn);
    world.issuer.publish_older(true)?;
    driver.recover(LESSON, false, with_fresh(target));
    let (known, fresh) = (driver.score.seen("known key"), driver.score.seen("new key"));
    Ok((driver.score, format!("{known}; {fresh}")))
}

fn clock(places: &Places, world: &World, target: Target, jump: i64) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    world.issuer.publish_newer(true)?;
    driver.now += jump;
    // Far outside their time tokens are invalid; near it, the new key may be fetched.
    let is_far = jump.abs() > 3_600;
    let wants = Wants {
        known: if is_far { Want::Deny } else { Want::Allow },
        fresh: if is_far { Want::Deny } else { Want::Either },
        ..Wants::USUAL
    };
    driver.round(Phase::Under, wants);
    driver.round(Phase::Under, wants);
    driver.now -= jump;
    // In the very same second, and until the clock has caught up.
    let same = Wants {
        fresh: Want::Either,
        ..Wants::USUAL
    };
    driver.round(Phase::After, same);
    let wants = with_fresh(target);
    driver.recover(LESSON, wants.fresh == Want::Allow, wants);
    let (known, open) = (driver.score.seen("known key"), driver.score.seen("open"));
    Ok((driver.score, format!("{known}; {open}")))
}

/// The ways to damage bytes.
fn damaged(image: &[u8]) -> Vec<Vec<u8>> {
    let mut changed = image.to_vec();
    if let Some(byte) = changed.get_mut(image.len() / 2) {
        *byte ^= 1;
    }
    let cut = |end: usize| image.get(..end).unwrap_or_default().to_vec();
    vec![
        cut(0),
        cut(image.len() / 2),
        cut(image.len().saturating_sub(1)),
        changed,
    ]
}

fn torn(places: &Places, world: &World, target: Target) -> Result<(Score, String)> {
    let torn = damaged(world.newer.image());
    match delivery(target)? {
        Delivery::FromStore => {
            let id = world.newer.id()?;
            let offers: Vec<_> = torn.into_iter().map(|image| (id.clone(), image)).collect();
            in_store(places, world, target, &offers)
        }
        Delivery::Offered => offered(places, world, target, &torn),
        Delivery::InPackage => package(places, world, target, &torn),
        Delivery::CodeAndStore => {
            let spoils: [fn(Value) -> Value; 4] = [cut_values, without_pages, lost_pointer, mixed];
            beside(places, world, target, &spoils)
        }
        Delivery::AtStart => {
            let mut last = String::new();
            for image in &torn {
                last = target.refusal(places, image, None)?;
            }
            let mut driver = driver(places, world, target)?;
            driver.settle(Wants::USUAL);
            let refused = torn.len();
            Ok((
                driver.score,
                format!("does not start, {refused} of {refused}: {last}"),
            ))
        }
        Delivery::Code => bail!("the policy is not an image"),
    }
}

/// Damaged images offered to a running target.
fn offered(
    places: &Places,
    world: &World,
    target: Target,
    torn: &[Vec<u8>],
) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    let mut last = String::new();
    for image in torn {
        match driver
            .edge
            .offer(image)
            .context("loads no policy while it runs")?
        {
            Ok(()) => bail!("a torn image was accepted"),
            Err(error) => last = format!("{error:#}"),
        }
        driver.round(Phase::Under, Wants::USUAL);
    }
    let taken = driver.edge.offer(world.newer.image());
    taken.context("loads no policy while it runs")??;
    driver.settle(WITH_NEW);
    Ok((
        driver.score,
        format!("the earlier one stays in force: {last}"),
    ))
}

/// A package that was deployed with a torn image.
fn package(
    places: &Places,
    world: &World,
    target: Target,
    torn: &[Vec<u8>],
) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    let nothing = Wants {
        open: Want::Deny,
        known: Want::Deny,
        ..Wants::USUAL
    };
    for image in torn {
        driver.edge = target.live(
            places,
            &Setup {
                image: Some(image),
                ..Setup::new(&world.policy)
            },
        )?;
        driver.round(Phase::Under, nothing);
    }
    driver.edge = target.live(places, &Setup::new(&world.policy))?;
    driver.settle(Wants::USUAL);
    let (known, open) = (driver.score.seen("known key"), driver.score.seen("open"));
    Ok((driver.score, format!("{known}; {open}")))
}

/// Images in a store that a target must not load.
fn in_store(
    places: &Places,
    world: &World,
    target: Target,
    offers: &[(String, Vec<u8>)],
) -> Result<(Score, String)> {
    let edge = target.live(places, &with_store(world))?;
    let mut driver = RequestDriver::new(edge, &world.tokens)?;
    driver.round(Phase::Before, Wants::USUAL);
    for (id, image) in offers {
        world.store.put_as(id, image);
        driver.now += STORE_AGE_SECS;
        driver.round(Phase::Under, Wants::USUAL);
    }
    world.store.put(&world.newer)?;
    driver.recover(NEW, false, WITH_NEW);
    let (known, new) = (
        driver.score.seen("known key"),
        driver.score.seen("new path"),
    );
    Ok((
        driver.score,
        format!("the earlier one stays in force: {known}; {new}"),
    ))
}

fn store_fails(
    places: &Places,
    world: &World,
    target: Target,
    how: store::Fault,
) -> Result<(Score, String)> {
    let edge = target.live(places, &with_store(world))?;
    let mut driver = RequestDriver::new(edge, &world.tokens)?;
    driver.round(Phase::Before, Wants::USUAL);
    world.store.fault(Some(how));
    world.store.put(&world.newer)?;
    for _ in 0..ROUNDS {
        driver.now += STORE_AGE_SECS;
        driver.round(Phase::Under, Wants::USUAL);
    }
    // An instance that starts without the store uses the policy it was deployed with.
    let mut other = target.live(places, &with_store(world))?;
    core::mem::swap(&mut driver.edge, &mut other);
    driver.round(Phase::Under, Wants::USUAL);
    core::mem::swap(&mut driver.edge, &mut other);
    drop(other);
    world.store.fault(None);
    driver.recover(NEW, false, WITH_NEW);
    let (known, new) = (
        driver.score.seen("known key"),
        driver.score.seen("new path"),
    );
    Ok((
        driver.score,
        format!("the earlier one stays in force: {known}; {new}"),
    ))
}

/// The function for CloudFront with invalid store contents.
fn beside(
    places: &Places,
    world: &World,
    target: Target,
    spoils: &[fn(Value) -> Value],
) -> Result<(Score, String)> {
    let mut driver = driver(places, world, target)?;
    let no_more = Wants {
        open: Want::Either,
        known: Want::Either,
        ..Wants::USUAL
    };
    for spoil in spoils {
        driver.edge = target.live(
            places,
            &Setup {
                spoil: Some(*spoil),
                ..Setup::new(&world.policy)
            },
        )?;
        driver.round(Phase::Under, no_more);
    }
    driver.edge = target.live(places, &Setup::new(&world.policy))?;
    driver.settle(Wants::USUAL);
    let (known, open) = (driver.score.seen("known key"), driver.score.seen("open"));
    Ok((driver.score, format!("{known}; {open}")))
}

/// Changes every value of a store.
fn each(mut store: Value, change: impl Fn(&mut String)) -> Value {
    for value in store
        .as_object_mut()
        .into_iter()
        .flat_map(|store| store.values_mut())
    {
        if let Value::String(text) = value {
            change(text);
        }
    }
    store
}

fn cut_values(store: Value) -> Value {
    each(store, |text| text.truncate(text.len() / 2))
}

/// The second and later pages have not arrived, though the first one announces them.
fn without_pages(store: Value) -> Value {
    each(store, |text| {
        let more: String = text
            .chars()
            .enumerate()
            .map(|(at, c)| if at == 9 { '+' } else { c })
            .collect();
        *text = more;
    })
}

fn lost_pointer(mut store: Value) -> Value {
    if let Some(members) = store.as_object_mut() {
        let last = members.keys().next_back().cloned();
        last.and_then(|key| members.remove(&key));
    }
    store
}

/// The pages and the keys are of different generations.
fn mixed(store: Value) -> Value {
    each(store, |text| {
        let other: String = text
            .chars()
            .enumerate()
            .map(|(at, c)| if at == 0 { '~' } else { c })
            .collect();
        *text = other;
    })
}

/// Repeated internal failures, starting with the first request. A failure costs only the affected request,
/// which is denied.
fn inside(
    places: &Places,
    world: &World,
    target: Target,
    how: InjectedFault,
) -> Result<(Score, String)> {
    let edge: Box<dyn Ask<Observed>> = target.live(places, &Setup::new(&world.policy))?;
    let mut driver = RequestDriver::new(edge, &world.tokens)?;
    let wants = with_fresh(target);
    world.issuer.publish_newer(true)?;
    for round in 0..ROUNDS + 1 {
        // A token of its own, so that nothing about it is cached.
        let token = world.issuer.token("alice", Signed::Older)?;
        driver.edge.break_next(how)?;
        driver.ask(
            "the affected request",
            LESSON,
            Some(&token),
            Phase::Under,
            Want::Deny,
        );
        if round == 0 {
            // The later key is fetched once, and must not be lost again permanently.
            driver.recover(LESSON, wants.fresh == Want::Allow, wants);
        } else {
            driver.round(Phase::Under, wants);
        }
    }
    driver.settle(wants);
    let met = driver.score.seen("the affected request");
    let known = driver.score.seen("known key");
    Ok((driver.score, format!("{met}; after it {known}")))
}
