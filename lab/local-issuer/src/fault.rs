//! Injectable faults of the endpoints that sites call: the key set and the token endpoint. Whoever calls one must
//! survive each of them with what it has.

use core::time::Duration;

use http::{StatusCode, header};
use serde_json::Value;

use crate::reply::{Ending, Reply, html, json_text, status, text};

/// The maximum delay of a slow response.
const MAX_PAUSE_MS: u64 = 600_000;

/// The fault of the key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A late response.
    Slow(Duration),
    /// A status instead of keys.
    Status(StatusCode),
    /// Bytes that are not JSON, with the correct content type.
    Garbage,
    /// An error page, with status 200.
    Html,
    /// A valid key set followed by ten million spaces.
    Huge,
    /// A set without keys.
    Empty,
    /// A redirect.
    Redirect(String),
    /// Half of the response that was announced, and the end of the connection.
    Truncated,
    /// The end of the connection, and no response.
    Closed,
}

/// The current fault, and the number of responses it still affects.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    at_work: Option<(Fault, Option<u64>)>,
}

impl Faults {
    /// Sets the fault that a JSON object describes: `{"kind":"slow","ms":1500,"times":2}`. Without `times` it
    /// stays until the next one; `{"kind":"none"}` ends it. An invalid object changes nothing.
    pub(crate) fn set(&mut self, wanted: &Value) -> Option<()> {
        let kind = wanted.get("kind")?.as_str()?;
        if kind == "none" {
            self.at_work = None;
            return Some(());
        }
        let times = match wanted.get("times") {
            None => None,
            Some(times) => Some(times.as_u64()?),
        };
        self.at_work = Some((read(kind, wanted)?, times));
        Some(())
    }

    /// Returns the fault for the next response.
    pub(crate) fn strike(&mut self) -> Option<Fault> {
        let (fault, times) = self.at_work.as_mut()?;
        let fault = fault.clone();
        if let Some(left) = times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.at_work = None;
            }
        }
        Some(fault)
    }
}

fn read(kind: &str, wanted: &Value) -> Option<Fault> {
    Some(match kind {
        "slow" => {
            let pause = wanted.get("ms")?.as_u64()?.min(MAX_PAUSE_MS);
            Fault::Slow(Duration::from_millis(pause))
        }
        "status" => {
            let code = u16::try_from(wanted.get("status")?.as_u64()?).ok()?;
            Fault::Status(StatusCode::from_u16(code).ok()?)
        }
        "garbage" => Fault::Garbage,
        "html" => Fault::Html,
        "huge" => Fault::Huge,
        "empty" => Fault::Empty,
        "truncated" => Fault::Truncated,
        "closed" => Fault::Closed,
        "redirect" => Fault::Redirect(wanted.get("to")?.as_str()?.to_owned()),
        _ => return None,
    })
}

impl Fault {
    /// Returns the response with this fault for a valid key set.
    pub(crate) fn spoil(self, keys: String) -> Reply {
        match self {
            Fault::Slow(pause) => Reply {
                pause,
                ..json_text(keys)
            },
            Fault::Status(code) => status(code),
            Fault::Garbage => json_text("\u{1}{\"keys\":[}".to_owned()),
            Fault::Html => html("<!doctype html><title>Be right back</title>".to_owned()),
            Fault::Huge => json_text(keys + &" ".repeat(10_000_000)),
            Fault::Empty => json_text("{\"keys\":[]}".to_owned()),
            Fault::Truncated => Reply {
                ending: Ending::Truncated,
                ..json_text(keys)
            },
            Fault::Closed => Reply {
                ending: Ending::Closed,
                ..json_text(keys)
            },
            Fault::Redirect(to) => {
                text(StatusCode::FOUND, "elsewhere").with_header(header::LOCATION, &to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_are_parsed_and_expire() {
        let mut faults = Faults::default();
        assert_eq!(faults.strike(), None);
        let wanted = json!({"kind": "status", "status": 500, "times": 2});
        faults.set(&wanted).unwrap();
        let error = Some(Fault::Status(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(
            [faults.strike(), faults.strike(), faults.strike()],
            [error.clone(), error, None]
        );
        faults.set(&json!({"kind": "garbage"})).unwrap();
        for _ in 0..5 {
            assert_eq!(faults.strike(), Some(Fault::Garbage));
        }
        faults.set(&json!({"kind": "none"})).unwrap();
        assert_eq!(faults.strike(), None);
    }

    #[test]
    fn an_invalid_fault_changes_nothing() {
        let mut faults = Faults::default();
        faults.set(&json!({"kind": "html"})).unwrap();
        for bad in [
            json!({}),
            json!({"kind": "sulk"}),
            json!({"kind": "slow"}),
            json!({"kind": "status", "status": 7}),
            json!({"kind": "empty", "times": "two"}),
            json!({"kind": "redirect"}),
        ] {
            assert_eq!(faults.set(&bad), None, "{bad}");
            assert_eq!(faults.strike(), Some(Fault::Html), "{bad}");
        }
    }

    #[test]
    fn a_response_can_end_early_or_not_begin() {
        let mut faults = Faults::default();
        for (kind, ending) in [("truncated", Ending::Truncated), ("closed", Ending::Closed)] {
            faults.set(&json!({"kind": kind})).unwrap();
            let reply = faults.strike().unwrap().spoil("{}".to_owned());
            assert_eq!(reply.ending, ending);
        }
    }

    #[test]
    fn a_huge_set_starts_with_a_valid_set() {
        let reply = Fault::Huge.spoil("{\"keys\":[]}".to_owned());
        assert!(reply.body.starts_with(b"{\"keys\":[]}  "));
        assert!(reply.body.len() > 10_000_000);
    }
}
