//! The list of faults, and the targets that each does not apply to.

use core::time::Duration;

use tollgate_targets::Target;
use tollgate_targets::driver::{Break, Delivery, Memory};

/// One fault.
pub(crate) struct Fault {
    /// Its name, as in `--fault`.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// What happens.
    pub(crate) kind: Kind,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The issuer's key set answers like this, as the issuer takes it.
    Keys(&'static str),
    /// Nobody listens where the key set is.
    Refused,
    /// The key set leads to another issuer's.
    Redirected,
    /// The key set comes without the key that signs.
    Without,
    /// The clock goes forward by so many seconds, or back, and later returns.
    Clock(i64),
    /// A policy image is cut, or a byte of it another.
    Torn,
    /// A policy image of another site.
    OtherSite,
    /// A policy image that is older than the one in force.
    Older,
    /// The store with the policy does not answer, or late.
    Store(Option<Duration>),
    /// Something breaks inside.
    Inside(Break),
}

const DAY_SECS: i64 = 24 * 3_600;

/// All of them, in the order of the report.
pub(crate) const FAULTS: &[Fault] = &[
    keys(
        "keys-slow",
        "the key set takes 30 s",
        r#"{"kind":"slow","ms":30000}"#,
    ),
    keys(
        "keys-500",
        "status 500 for a key set",
        r#"{"kind":"status","status":500}"#,
    ),
    fault(
        "keys-refused",
        "nobody listens where the key set is",
        Kind::Refused,
    ),
    keys(
        "keys-garbage",
        "bytes that are no JSON",
        r#"{"kind":"garbage"}"#,
    ),
    keys(
        "keys-html",
        "an HTML page with status 200",
        r#"{"kind":"html"}"#,
    ),
    keys("keys-huge", "a key set of 10 MB", r#"{"kind":"huge"}"#),
    keys(
        "keys-empty",
        "a key set without keys",
        r#"{"kind":"empty"}"#,
    ),
    fault(
        "keys-redirect",
        "a redirect to another issuer's key set",
        Kind::Redirected,
    ),
    fault(
        "keys-without",
        "a key set without the key that signs",
        Kind::Without,
    ),
    fault(
        "clock-ahead",
        "the clock goes two days ahead, and back",
        Kind::Clock(2 * DAY_SECS),
    ),
    fault(
        "clock-back",
        "the clock goes two days back, and ahead",
        Kind::Clock(-2 * DAY_SECS),
    ),
    fault(
        "clock-jitter",
        "the clock goes 45 s ahead, and back",
        Kind::Clock(45),
    ),
    fault(
        "policy-torn",
        "a policy image that is cut or changed",
        Kind::Torn,
    ),
    fault(
        "policy-site",
        "the policy image of another site",
        Kind::OtherSite,
    ),
    fault(
        "policy-older",
        "a signed policy image older than the one in force",
        Kind::Older,
    ),
    fault(
        "store-fails",
        "the store with the policy does not answer",
        Kind::Store(None),
    ),
    fault(
        "store-slow",
        "the store with the policy takes 30 s",
        Kind::Store(Some(Duration::from_secs(30))),
    ),
    fault(
        "panic",
        "a panic, a trap or an exception inside",
        Kind::Inside(Break::Panic),
    ),
    fault(
        "memory",
        "no memory left in the module",
        Kind::Inside(Break::Memory),
    ),
];

const fn fault(name: &'static str, what: &'static str, kind: Kind) -> Fault {
    Fault { name, what, kind }
}

const fn keys(name: &'static str, what: &'static str, how: &'static str) -> Fault {
    fault(name, what, Kind::Keys(how))
}

impl Fault {
    /// Why it means nothing on a target, if it does not.
    pub(crate) fn means_nothing(&self, target: Target) -> Option<&'static str> {
        let Some(faults) = target.faults() else {
            return Some("its driver does not start it for faults");
        };
        match (self.kind, faults.policy) {
            (
                Kind::Keys(_) | Kind::Refused | Kind::Redirected | Kind::Without,
                Delivery::CodeAndStore,
            ) => Some("fetches no keys: they are in the store"),
            (Kind::Keys(_) | Kind::Refused | Kind::Redirected | Kind::Without, Delivery::Code) => {
                Some("fetches no keys: they are in the bundle")
            }
            (Kind::Torn, Delivery::Code) => {
                Some("its policy is code in the bundle, which Akamai takes or refuses whole")
            }
            (Kind::OtherSite, Delivery::FromStore) => None,
            (Kind::OtherSite, Delivery::Offered) => {
                Some("the host chooses the image; a module has no site of its own to compare")
            }
            (Kind::OtherSite, _) => {
                Some("takes no policy while it runs: the image is deployed with it")
            }
            (Kind::Older, Delivery::Offered | Delivery::FromStore | Delivery::AtStart) => None,
            (Kind::Older, _) => Some(
                "takes no policy while it runs: going back is a deployment, and the operator's",
            ),
            (Kind::Store(_), Delivery::FromStore) => None,
            (Kind::Store(None), Delivery::CodeAndStore) => None,
            (Kind::Store(Some(_)), Delivery::CodeAndStore) => {
                Some("CloudFront ends a function that waits too long: see store-fails")
            }
            (Kind::Store(_), _) => Some("no store: its policy is deployed with it"),
            (Kind::Inside(Break::Memory), _) => match faults.memory {
                Memory::Module => None,
                Memory::Process => {
                    Some("no module: without memory the process ends, and with it every answer")
                }
                Memory::Script => {
                    Some("no module: the platform ends the script, and its answer is an error")
                }
            },
            (
                Kind::Keys(_) | Kind::Refused | Kind::Redirected | Kind::Without | Kind::Torn,
                Delivery::AtStart
                | Delivery::InPackage
                | Delivery::Offered
                | Delivery::FromStore
                | Delivery::CodeAndStore,
            )
            | (Kind::Clock(_) | Kind::Inside(Break::Panic), _) => None,
        }
    }
}
