//! Rollback of signed images: every target rejects older versions, and the version in force stays in effect.

use anyhow::{Context, Result, bail};
use tollgate_targets::driver::{Delivery, Setup, Signed};
use tollgate_targets::live::site::NEW;
use tollgate_targets::signed::Releaser;
use tollgate_targets::{Places, Target};

use super::{ROUNDS, STORE_AGE_SECS, WITH_NEW, World, delivery, driver};
use crate::driver::{Phase, RequestDriver, Score, Wants};

/// The version in force.
const IN_FORCE: u64 = 5;

/// Images of the newer policy: under an older version it would open a path that is closed.
struct Images {
    trust: String,
    in_force: Vec<u8>,
    older: Vec<u8>,
    newer: Vec<u8>,
}

pub(super) fn run_scenario(
    places: &Places,
    world: &World,
    target: Target,
) -> Result<(Score, String)> {
    let releaser = Releaser::new("chaos")?;
    let images = Images {
        trust: releaser.trust()?,
        in_force: releaser.sign(IN_FORCE, world.policy.image())?,
        older: releaser.sign(IN_FORCE - 1, world.newer.image())?,
        newer: releaser.sign(IN_FORCE + 1, world.newer.image())?,
    };
    match delivery(target)? {
        Delivery::AtStart => {
            let trust = Some((images.trust.as_str(), IN_FORCE));
            let refusal = target.refusal(places, &images.older, trust)?;
            let mut driver = driver(places, world, target)?;
            driver.settle(Wants::USUAL);
            Ok((driver.score, format!("does not start: {refusal}")))
        }
        Delivery::FromStore => in_store(places, world, target, &images),
        _ => offered(places, world, target, &images),
    }
}

/// A running target that trusts the releaser.
fn trusting<'a>(
    places: &Places,
    world: &'a World,
    target: Target,
    images: &Images,
) -> Result<RequestDriver<'a>> {
    let signed = Signed {
        trust: &images.trust,
        image: &images.in_force,
    };
    let from_store = delivery(target)? == Delivery::FromStore;
    let setup = Setup {
        store: from_store.then_some(&world.store),
        signed: Some(signed),
        ..Setup::new(&world.policy)
    };
    let edge = target.live(places, &setup)?;
    let mut driver = RequestDriver::new(edge, &world.tokens)?;
    driver.round(Phase::Before, Wants::USUAL);
    Ok(driver)
}

fn offered(
    places: &Places,
    world: &World,
    target: Target,
    images: &Images,
) -> Result<(Score, String)> {
    let mut driver = trusting(places, world, target, images)?;
    let offer = |driver: &mut RequestDriver<'_>, image: &[u8]| {
        let offered = driver.edge.offer(image);
        offered.context("loads no policy while it runs")
    };
    let Err(refusal) = offer(&mut driver, &images.older)? else {
        bail!("an older image was accepted");
    };
    driver.round(Phase::Under, Wants::USUAL);
    offer(&mut driver, &images.newer)??;
    driver.round(Phase::Under, WITH_NEW);
    // The version that was in force is older now.
    if offer(&mut driver, &images.in_force)?.is_ok() {
        bail!("the previous image was accepted");
    }
    driver.settle(WITH_NEW);
    Ok((
        driver.score,
        format!("the version in force stays in force: {refusal:#}"),
    ))
}

fn in_store(
    places: &Places,
    world: &World,
    target: Target,
    images: &Images,
) -> Result<(Score, String)> {
    world.store.put_as(&world.policy.id()?, &images.in_force);
    let mut driver = trusting(places, world, target, images)?;
    world.store.put_as(&world.newer.id()?, &images.older);
    for _ in 0..ROUNDS {
        driver.now += STORE_AGE_SECS;
        driver.round(Phase::Under, Wants::USUAL);
    }
    world.store.put_as(&world.newer.id()?, &images.newer);
    driver.recover(NEW, false, WITH_NEW);
    let (known, new) = (
        driver.score.seen("known key"),
        driver.score.seen("new path"),
    );
    Ok((
        driver.score,
        format!("the version in force stays in force: {known}; {new}"),
    ))
}
