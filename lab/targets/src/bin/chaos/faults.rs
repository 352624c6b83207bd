//! The list of faults, and the targets that each does not apply to.

use core::time::Duration;

use tollgate_targets::Target;
use tollgate_targets::driver::{Delivery, InjectedFault, Memory};

/// One fault.
pub(crate) struct Fault {
    /// Its name, as in `--fault`.
    pub(crate) name: &'static str,
    /// Its description.
    pub(crate) what: &'static str,
    /// Its effect.
    pub(crate) kind: Kind,
}

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The issuer's key set responds like this, in the issuer's format.
    Keys(&'static str),
    /// Nothing listens at the address of the key set.
    Refused,
    /// The key set redirects to another issuer's.
    Redirected,
    /// The key set lacks the signing key.
    Without,
    /// The clock jumps by this many seconds, and later returns.
    Clock(i64),
    /// A policy image is truncated, or one of its bytes is changed.
    Torn,
    /// A policy image of another site.
    OtherSite,
    /// A policy image that is older than the one in force.
    Older,
    /// The store with the policy does not respond, or responds late.
    Store(Option<Duration>),
    /// An internal failure.
    Inside(InjectedFault),
    /// The token endpoint responds like this, in the issuer's format, and a sign-in ends with this code.
    Token(&'static str, &'static str),
    /// The same for the key set, while the ID token names a key that is not pinned.
    SignInKeys(&'static str),
    /// Nothing listens at the issuer's address.
    ProviderRefused,
}

const DAY_SECS: i64 = 24 * 3_600;

/// All faults, in report order.
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
        "nothing listens at the key set's address",
        Kind::Refused,
    ),
    keys(
        "keys-garbage",
        "bytes that are not JSON",
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
    token(
        "provider-slow",
        "the token endpoint takes 30 s",
        r#"{"kind":"slow","ms":30000}"#,
        "provider_slow",
    ),
    token(
        "provider-500",
        "status 500 for a code or a refresh token",
        r#"{"kind":"status","status":500}"#,
        UNREACHABLE,
    ),
    token(
        "provider-garbage",
        "bytes that are not JSON, in place of tokens",
        r#"{"kind":"garbage"}"#,
        INVALID,
    ),
    token(
        "provider-html",
        "an HTML page with status 200, in place of tokens",
        r#"{"kind":"html"}"#,
        INVALID,
    ),
    token(
        "provider-truncated",
        "half of the token response, and the end of the connection",
        r#"{"kind":"truncated"}"#,
        UNREACHABLE,
    ),
    token(
        "provider-closed",
        "the token endpoint ends the connection",
        r#"{"kind":"closed"}"#,
        UNREACHABLE,
    ),
    token(
        "provider-huge",
        "a token response of 10 MB",
        r#"{"kind":"huge"}"#,
        UNREACHABLE,
    ),
    fault(
        "provider-refused",
        "nothing listens at the provider's address",
        Kind::ProviderRefused,
    ),
    sign_in_keys(
        "sign-in-keys-slow",
        "the key set for an ID token takes 30 s",
        r#"{"kind":"slow","ms":30000}"#,
    ),
    sign_in_keys(
        "sign-in-keys-500",
        "status 500 for the key set of an ID token",
        r#"{"kind":"status","status":500}"#,
    ),
    sign_in_keys(
        "sign-in-keys-garbage",
        "bytes that are not JSON, in place of the key set of an ID token",
        r#"{"kind":"garbage"}"#,
    ),
    sign_in_keys(
        "sign-in-keys-truncated",
        "half of the key set for an ID token, and the end of the connection",
        r#"{"kind":"truncated"}"#,
    ),
    sign_in_keys(
        "sign-in-keys-closed",
        "the key set's server ends the connection, while an ID token needs it",
        r#"{"kind":"closed"}"#,
    ),
    sign_in_keys(
        "sign-in-keys-huge",
        "a key set of 10 MB for an ID token",
        r#"{"kind":"huge"}"#,
    ),
    fault(
        "clock-ahead",
        "the clock jumps two days ahead, and back",
        Kind::Clock(2 * DAY_SECS),
    ),
    fault(
        "clock-back",
        "the clock jumps two days back, and ahead",
        Kind::Clock(-2 * DAY_SECS),
    ),
    fault(
        "clock-jitter",
        "the clock jumps 45 s ahead, and back",
        Kind::Clock(45),
    ),
    fault(
        "policy-torn",
        "a truncated or changed policy image",
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
        "the store with the policy does not respond",
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
        Kind::Inside(InjectedFault::Panic),
    ),
    fault(
        "memory",
        "no memory left in the module",
        Kind::Inside(InjectedFault::Memory),
    ),
];

const fn fault(name: &'static str, what: &'static str, kind: Kind) -> Fault {
    Fault { name, what, kind }
}

const UNREACHABLE: &str = "provider_unreachable";
const INVALID: &str = "token_response_invalid";

const fn token(
    name: &'static str,
    what: &'static str,
    how: &'static str,
    code: &'static str,
) -> Fault {
    fault(name, what, Kind::Token(how, code))
}

const fn sign_in_keys(name: &'static str, what: &'static str, how: &'static str) -> Fault {
    fault(name, what, Kind::SignInKeys(how))
}

const fn keys(name: &'static str, what: &'static str, how: &'static str) -> Fault {
    fault(name, what, Kind::Keys(how))
}

impl Fault {
    /// Returns why the fault does not apply to a target, if it does not.
    pub(crate) fn means_nothing(&self, target: Target) -> Option<&'static str> {
        let Some(faults) = target.faults() else {
            return Some("its driver does not start it for faults");
        };
        match (self.kind, faults.policy) {
            (Kind::Token(..) | Kind::SignInKeys(_) | Kind::ProviderRefused, _) => (!faults
                .signs_in)
                .then_some("signs nobody in: that is done by another edge, or not at all"),
            (
                Kind::Keys(_) | Kind::Refused | Kind::Redirected | Kind::Without,
                Delivery::CodeAndStore,
            ) => Some("fetches no keys: they are in the store"),
            (Kind::Keys(_) | Kind::Refused | Kind::Redirected | Kind::Without, Delivery::Code) => {
                Some("fetches no keys: they are in the bundle")
            }
            (Kind::Torn, Delivery::Code) => {
                Some("its policy is code in the bundle, which Akamai deploys atomically")
            }
            (Kind::OtherSite, Delivery::FromStore) => None,
            (Kind::OtherSite, Delivery::Offered) => {
                Some("the host chooses the image; a module has no site to compare it with")
            }
            (Kind::OtherSite, _) => {
                Some("loads no policy while it runs: the image is deployed with it")
            }
            (Kind::Older, Delivery::Offered | Delivery::FromStore | Delivery::AtStart) => None,
            (Kind::Older, _) => {
                Some("loads no policy while it runs: a rollback is a deployment by the operator")
            }
            (Kind::Store(_), Delivery::FromStore) => None,
            (Kind::Store(None), Delivery::CodeAndStore) => None,
            (Kind::Store(Some(_)), Delivery::CodeAndStore) => {
                Some("CloudFront ends a function that waits too long: see store-fails")
            }
            (Kind::Store(_), _) => Some("no store: its policy is deployed with it"),
            (Kind::Inside(InjectedFault::Memory), _) => match faults.memory {
                Memory::Module => None,
                Memory::Process => {
                    Some("no module: without memory the process ends, and with it every response")
                }
                Memory::Script => {
                    Some("no module: the platform ends the script and returns an error")
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
            | (Kind::Clock(_) | Kind::Inside(InjectedFault::Panic), _) => None,
        }
    }
}
