//! Parts of a checked rule in the author's own syntax: patterns, names, networks, times and conditions.
//!
//! The printed text compiles back to the same rule; only spaces, quotes, parentheses and the grouping of `&&` and
//! `||` may differ from what the author wrote. This is the only printer of conditions. Invisible characters are
//! printed as escapes of TOML and CEL, so that the text can be shown and pasted. Not here: the position in a file.

mod cel;

use core::net::IpAddr;

use tollgate_core::MethodSet;

pub use cel::{comparison, condition, string_test};

use crate::spec::{Network, Pattern, Segment, Template};
use crate::visible::is_visible;

/// A pattern, absolute.
pub fn pattern(pattern: &Pattern) -> String {
    let mut text: String = pattern
        .segments
        .iter()
        .flat_map(|part| ["/".to_owned(), segment(part)])
        .collect();
    if pattern.trailing_slash {
        text.push('/');
    }
    text
}

/// One segment of a pattern.
pub fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) | Segment::Glob(text) => text.clone(),
        Segment::Capture(name) => format!("{{{name}}}"),
        Segment::Rest => "**".to_owned(),
    }
}

/// A name with its capture.
pub fn template(template: &Template) -> String {
    match &template.capture {
        Some(name) => format!("{}{{{name}}}{}", template.prefix, template.suffix),
        None => template.prefix.clone(),
    }
}

/// A network; a single address is written without its prefix length.
pub fn network(network: &Network) -> String {
    if network.prefix == width(network.addr) {
        network.addr.to_string()
    } else {
        format!("{}/{}", network.addr, network.prefix)
    }
}

/// The bits of an address of this family.
pub fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// Methods as a TOML list.
pub fn methods(methods: MethodSet) -> String {
    let names: Vec<String> = methods.names().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
}

/// A quoted string, valid in TOML and in CEL.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_visible(c) => out.push(c),
            c if u32::from(c) > 0xFFFF => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// A time in RFC 3339, in UTC. One outside the range of four-digit years is printed in seconds.
pub fn moment(seconds: i64) -> String {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years are counted from March, in eras of 400 years, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + late;
    if !(0..=9_999).contains(&year) {
        return format!("{seconds} s");
    }
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
