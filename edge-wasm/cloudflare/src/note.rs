//! Log lines for the operator in addition to the gate's records: one JSON object per line.

use serde_json::{Value, json};
use tollgate_gate::Outcome;

use crate::instance::now;

/// The decisions that are logged.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    All,
    Denied,
}

impl Log {
    /// Writes the log record of an outcome, if this level includes it.
    pub(crate) fn write(self, outcome: &Outcome) {
        if matches!(self, Self::Denied) && outcome.status == 200 {
            return;
        }
        let mut line = String::new();
        // Writing to a string cannot fail.
        _ = outcome.log.write_json(&mut line);
        worker::console_log!("{line}");
    }
}

/// Logs an expected event.
pub(crate) fn event(event: &str, members: Value) {
    worker::console_log!("{}", line(event, members));
}

/// Logs a failure that was handled.
pub(crate) fn trouble(event: &str, why: &str) {
    worker::console_warn!("{}", line(event, json!({ "why": why })));
}

fn line(event: &str, members: Value) -> Value {
    let mut line = json!({ "time": now().0, "event": event });
    if let (Value::Object(line), Value::Object(members)) = (&mut line, members) {
        line.extend(members);
    }
    line
}
