//! Single flight, cooldown, age and late responses, as tables of events.

use alloc::{string::ToString, vec, vec::Vec};

use tollgate_token::{Algorithm, ClaimRules, IssuerKind};

use super::*;

fn issuer(refresh: Option<&str>) -> IssuerConfig {
    IssuerConfig {
        name: "learners".to_string(),
        issuers: vec![],
        clients: vec![],
        kind: IssuerKind::Oidc,
        algorithms: vec![Algorithm::RS256],
        claims: ClaimRules::default(),
        jwks: None,
        secrets: vec![],
        refresh: refresh.map(str::to_string),
    }
}

/// An event at a given second; tickets count from 1.
enum Event {
    /// A caller receives the fetches that are due: one with this ticket, or none.
    Due(Trigger, Option<u32>),
    /// The fetch ends; the flag is whether the report is accepted.
    End(u32, bool),
    /// The fetch ends with a key set.
    Good(u32),
}

use Event::{Due, End, Good};
use Trigger::{Age, UnknownKey};

fn run(events: &[(i64, Event)]) {
    let mut refresh = Refresh::new(&[issuer(None), issuer(Some("https://a"))]);
    for (at, (now, event)) in events.iter().enumerate() {
        let now = UnixSeconds(*now);
        match event {
            Due(why, ticket) => {
                let due = refresh.due(now, *why);
                let tickets: Vec<_> = due.iter().map(|fetch| fetch.ticket).collect();
                assert_eq!(tickets, Vec::from_iter(*ticket), "event {at}");
                assert!(due.iter().all(|fetch| fetch.request.url == "https://a"));
                let in_flight = refresh.in_flight();
                assert!(tickets.iter().all(|ticket| in_flight.contains(ticket)));
            }
            End(ticket, accepted) => {
                assert_eq!(refresh.end(*ticket, now).is_some(), *accepted, "event {at}");
            }
            Good(ticket) => {
                let issuer = refresh.end(*ticket, now).unwrap();
                assert_eq!(issuer, 1, "event {at}");
                refresh.succeeded(issuer, now, KeySet::new(&[]));
            }
        }
    }
}

#[test]
fn one_fetch_at_a_time_and_none_during_the_cooldown() {
    run(&[
        (100, Due(UnknownKey, Some(1))),
        (100, Due(UnknownKey, None)),
        (105, Due(Age, None)),
        (105, End(1, true)),
        (105, Due(UnknownKey, None)),
        (114, Due(UnknownKey, None)),
        (115, Due(UnknownKey, Some(2))),
        (116, Good(2)),
        (125, Due(UnknownKey, None)),
        (126, Due(UnknownKey, Some(3))),
    ]);
}

#[test]
fn keys_are_fetched_at_the_start_and_every_hour() {
    run(&[
        (100, Due(Age, Some(1))),
        (101, Good(1)),
        (3_700, Due(Age, None)),
        (3_701, Due(Age, Some(2))),
        // It fails, so the keys are still old after the cooldown.
        (3_702, End(2, true)),
        (3_711, Due(Age, None)),
        (3_712, Due(Age, Some(3))),
        (3_713, Good(3)),
        (3_800, Due(Age, None)),
        (3_800, Due(UnknownKey, Some(4))),
    ]);
}

#[test]
fn a_fetch_that_takes_too_long_has_failed() {
    run(&[
        (100, Due(UnknownKey, Some(1))),
        (106, End(1, false)),
        // It ended at 105, when its cooldown starts.
        (114, Due(UnknownKey, None)),
        (115, Due(UnknownKey, Some(2))),
        (200, Due(UnknownKey, Some(3))),
        // The response to an earlier fetch has no owner.
        (200, End(2, false)),
        (200, End(0, false)),
        (200, End(3, true)),
        (200, End(3, false)),
    ]);
}

#[test]
fn a_clock_that_is_set_back_does_not_block_fetches() {
    run(&[
        (10_000, Due(Age, Some(1))),
        (10_000, Good(1)),
        (9_999, Due(UnknownKey, None)),
        (9_941, Due(UnknownKey, None)),
        (9_000, Due(UnknownKey, Some(2))),
        (8_000, Due(UnknownKey, None)),
        (8_010, Due(UnknownKey, Some(3))),
        (i64::MIN, Due(Age, None)),
        (i64::MAX, Due(Age, Some(4))),
    ]);
}

#[test]
fn issuers_do_not_wait_for_each_other() {
    let issuers = ["https://a", "https://b"].map(|url| issuer(Some(url)));
    let mut refresh = Refresh::new(&issuers);
    let now = UnixSeconds(100);
    let fetches = refresh.due(now, UnknownKey);
    let urls: Vec<_> = fetches
        .iter()
        .map(|fetch| fetch.request.url.as_str())
        .collect();
    assert_eq!(urls, ["https://a", "https://b"]);
    assert_eq!(refresh.end(fetches[1].ticket, now), Some(1));
    assert_eq!(refresh.due(now, UnknownKey), []);
    assert_eq!(refresh.in_flight(), [fetches[0].ticket]);
    assert_eq!(refresh.end(fetches[0].ticket, now), Some(0));
}

#[test]
fn nothing_is_due_where_nothing_can_be_fetched() {
    let mut refresh = Refresh::new(&[issuer(None)]);
    assert_eq!(refresh.due(UnixSeconds(0), Age), []);
    assert_eq!(refresh.due(UnixSeconds(0), UnknownKey), []);
    assert_eq!(Refresh::new(&[]).end(1, UnixSeconds(0)), None);
}
