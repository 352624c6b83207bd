//! What the operator is told beside the gate's own records: one JSON object a line.

use serde_json::{Value, json};
use tollgate_gate::Outcome;

use crate::now;

/// Which decisions are logged.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    All,
    Denied,
}

impl Log {
    /// Writes the record of an outcome, if it is wanted.
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

/// Something that went as it should and is worth knowing.
pub(crate) fn event(event: &str, members: Value) {
    worker::console_log!("{}", line(event, members));
}

/// Something that went wrong and was survived.
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
