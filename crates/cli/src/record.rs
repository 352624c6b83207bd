//! The log of decisions, as `serve` and `authz` write it.
//!
//! Not here: the members that records of all edges have (`tollgate_gate`).

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::ValueEnum;
use serde_json::Value;
use tollgate_gate::Kind;
use tollgate_server::{LogSink, Served};

use crate::output::{self, BAD, FAINT, GOOD, styled, visible};

/// Longest host in a record, in bytes: that of a name (RFC 1035) with a port.
const MAX_HOST_BYTES: usize = 259;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// One JSON object per line
    Json,
    /// Human-readable lines
    Text,
    /// No log
    Off,
}

/// The addresses of clients in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Addresses {
    /// The network: /24 of an IPv4 address, /48 of an IPv6 address
    Truncated,
    /// The whole address
    Complete,
    /// No address
    None,
}

/// The sink of a decision log in this form. Records contain the client's host and address if there are `addresses`.
pub(crate) fn log(form: Log, addresses: Option<Addresses>) -> LogSink {
    match form {
        Log::Json => Box::new(move |served| output::note_json(json_line(served, addresses))),
        Log::Text => Box::new(move |served| output::note(text_line(served, addresses))),
        Log::Off => Box::new(|_| {}),
    }
}

impl Addresses {
    /// An address for the log. `None` also for text that is not an address.
    fn show(self, client: Option<&str>) -> Option<String> {
        let address: IpAddr = client?.parse().ok()?;
        match (self, address.to_canonical()) {
            (Self::None, _) => None,
            (Self::Complete, address) => Some(address.to_string()),
            (Self::Truncated, IpAddr::V4(address)) => {
                let network = address.to_bits() & (u32::MAX << 8);
                Some(format!("{}/24", Ipv4Addr::from_bits(network)))
            }
            (Self::Truncated, IpAddr::V6(address)) => {
                let network = address.to_bits() & (u128::MAX << 80);
                Some(format!("{}/48", Ipv6Addr::from_bits(network)))
            }
        }
    }
}

/// A host for the log, in visible ASCII. It comes from the client.
fn shown_host(host: &[u8]) -> String {
    let some = host.get(..MAX_HOST_BYTES).unwrap_or(host);
    some.escape_ascii().to_string()
}

/// The gate's record, with the members that only the server knows.
fn json_line(served: &Served<'_>, addresses: Option<Addresses>) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = served.record.write_json(&mut line);
    // Append to the record's object.
    line.pop();
    if let Some(addresses) = addresses {
        let host = Value::from(served.host.map(shown_host));
        let _ = write!(line, ",\"host\":{host}");
        if addresses != Addresses::None {
            let address = Value::from(addresses.show(served.client));
            let _ = write!(line, ",\"address\":{address}");
        }
    }
    let nanos = served.decided_in.as_nanos();
    let _ = write!(
        line,
        ",\"sent_status\":{},\"decide_ns\":{nanos}}}",
        served.status
    );
    line
}

fn text_line(served: &Served<'_>, addresses: Option<Addresses>) -> String {
    let record = served.record;
    let style = if record.outcome == Kind::Allow {
        GOOD
    } else {
        BAD
    };
    let mut line = format!(
        "{} {} {} {} {}",
        styled(style, format_args!("{:6}", record.outcome.code())),
        served.status,
        visible(&record.method),
        record.path,
        record.reason.code(),
    );
    // Writing to a string cannot fail.
    if let Some(detail) = record.detail {
        let _ = write!(line, " ({detail})");
    }
    if let Some(rule) = &record.rule {
        let _ = write!(line, " by {}", visible(rule));
    }
    if let Some(addresses) = addresses {
        if let Some(host) = served.host {
            let _ = write!(line, " at {}", shown_host(host));
        }
        if let Some(address) = addresses.show(served.client) {
            let _ = write!(line, " for {address}");
        }
    }
    let micros = served.decided_in.as_micros();
    line + " " + &styled(FAINT, format_args!("{micros} µs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_truncated_complete_or_left_out() {
        for (client, truncated, complete) in [
            ("203.0.113.77", Some("203.0.113.0/24"), Some("203.0.113.77")),
            (
                "::ffff:203.0.113.77",
                Some("203.0.113.0/24"),
                Some("203.0.113.77"),
            ),
            (
                "2001:db8:1234:5678::9",
                Some("2001:db8:1234::/48"),
                Some("2001:db8:1234:5678::9"),
            ),
            ("unix:", None, None),
            ("203.0.113.77\"", None, None),
        ] {
            let show = |addresses: Addresses| addresses.show(Some(client));
            assert_eq!(show(Addresses::Truncated).as_deref(), truncated, "{client}");
            assert_eq!(show(Addresses::Complete).as_deref(), complete, "{client}");
            assert_eq!(show(Addresses::None), None, "{client}");
        }
        assert_eq!(Addresses::Complete.show(None), None);
    }

    #[test]
    fn a_host_cannot_fill_the_log_or_end_a_line() {
        assert_eq!(
            shown_host(b"learn.example.com:8443"),
            "learn.example.com:8443"
        );
        assert_eq!(shown_host(b"a\n\xff"), "a\\n\\xff");
        assert_eq!(shown_host(&[b'a'; 5_000]).len(), MAX_HOST_BYTES);
    }
}
