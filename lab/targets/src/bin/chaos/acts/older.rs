//! Rollback of signed images: every target rejects older versions, and the version in force stays in effect.

use anyhow::{Context, Result, bail};
use tollgate_targets::driver::{Delivery, Setup, Signed};
use tollgate_targets::live::site::NEW;
use tollgate_targets::signed::Releaser;
use tollgate_targets::{Places, Target};

use super::{ROUNDS, STORE_AGE_SECS, WITH_NEW, World, asker, delivery};
use crate::ask::{Asker, Phase, Score, Wants};

/// The version in force.
const IN_FORCE: u64 = 5;

/// Images of the newer policy: under an older version it would open a path that is closed.
struct Images {
    trust: String,
    in_force: Vec<u8>,
    older: Vec<u8>,
    newer: Vec<u8>,
}

pub(super) fn play(places: &Places, world: &World, target: Target) -> Result<(Score, String)> {
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
            let mut asker = asker(places, world, target)?;
            asker.settle(Wants::USUAL);
            Ok((asker.score, format!("does not start: {refusal}")))
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
) -> Result<Asker<'a>> {
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
    let mut asker = Asker::new(edge, &world.tokens)?;
    asker.round(Phase::Before, Wants::USUAL);
    Ok(asker)
}

fn offered(
    places: &Places,
    world: &World,
    target: Target,
    images: &Images,
) -> Result<(Score, String)> {
    let mut asker = trusting(places, world, target, images)?;
    let offer = |asker: &mut Asker<'_>, image: &[u8]| {
        let offered = asker.edge.offer(image);
        offered.context("loads no policy while it runs")
    };
    let Err(refusal) = offer(&mut asker, &images.older)? else {
        bail!("an older image was accepted");
    };
    asker.round(Phase::Under, Wants::USUAL);
    offer(&mut asker, &images.newer)??;
    asker.round(Phase::Under, WITH_NEW);
    // The version that was in force is older now.
    if offer(&mut asker, &images.in_force)?.is_ok() {
        bail!("the previous image was accepted");
    }
    asker.settle(WITH_NEW);
    Ok((
        asker.score,
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
    let mut asker = trusting(places, world, target, images)?;
    world.store.put_as(&world.newer.id()?, &images.older);
    for _ in 0..ROUNDS {
        asker.now += STORE_AGE_SECS;
        asker.round(Phase::Under, Wants::USUAL);
    }
    world.store.put_as(&world.newer.id()?, &images.newer);
    asker.recover(NEW, false, WITH_NEW);
    let (known, new) = (asker.score.seen("known key"), asker.score.seen("new path"));
    Ok((
        asker.score,
        format!("the version in force stays in force: {known}; {new}"),
    ))
}
