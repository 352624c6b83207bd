//! Origins as browsers send them in `Origin`.

use core::net::{Ipv4Addr, Ipv6Addr};

use tollgate_gate::config::MAX_ORIGIN_BYTES;

/// Whether the text is an origin as browsers send it: a scheme, a host in lower case, and a port only if it is not
/// the scheme's own. `http` is accepted for loopback only: without TLS, any network attacker can impersonate the origin.
pub(super) fn is_origin(text: &str) -> bool {
    let (is_https, rest) = match text.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        _ => return false,
    };
    let end = match rest.find(']') {
        Some(end) if rest.starts_with('[') => end + 1,
        _ => rest.find(':').unwrap_or(rest.len()),
    };
    let Some((host, port)) = rest.split_at_checked(end) else {
        return false;
    };
    let own_port = if is_https { "443" } else { "80" };
    let is_port = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && !port.starts_with('0') && port != own_port && port.parse::<u16>().is_ok()
    };
    text.len() <= MAX_ORIGIN_BYTES
        && is_host(host)
        && (is_https || ["localhost", "127.0.0.1", "[::1]"].contains(&host))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Whether the text is a host in the one form that browsers give it.
fn is_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.strip_suffix(']').unwrap_or_default();
        let parsed: Option<Ipv6Addr> = address.parse().ok();
        return parsed.is_some_and(|parsed| match parsed.segments() {
            // Rust writes the last part as IPv4, browsers do not.
            [0, 0, 0, 0, 0, 0xFFFF, high, low] => format!("::ffff:{high:x}:{low:x}") == address,
            _ => parsed.to_string() == address,
        });
    }
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        };
        !label.is_empty()
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(is_label) && (!is_address || host.parse::<Ipv4Addr>().is_ok())
}

/// The help for a text that is not an origin.
pub(super) fn origin_help(text: &str) -> String {
    let text = text.trim();
    if text.contains('*') || text == "null" {
        return "list each origin, because its scripts can send requests as the user".to_owned();
    }
    if !text.is_ascii() {
        return "write the host as browsers send it, in Punycode: `https://xn--…`".to_owned();
    }
    if let Some((scheme, _)) = text.split_once("://")
        && !["http", "https"].contains(&scheme.to_lowercase().as_str())
    {
        return "origins of other schemes are not supported: write one with `https://`".to_owned();
    }
    let text = text.to_lowercase();
    let rest = text
        .trim_start_matches("https:")
        .trim_start_matches("https/");
    let (scheme, rest) = text
        .split_once("://")
        .unwrap_or(("https", rest.trim_start_matches('/')));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let own_port = if scheme == "http" { ":80" } else { ":443" };
    let authority = authority.strip_suffix(own_port).unwrap_or(authority);
    let repaired = format!("{scheme}://{authority}");
    let safe = format!("https://{authority}");
    if is_origin(&repaired) {
        format!("write `{repaired}`")
    } else if scheme == "http" && is_origin(&safe) {
        format!("write `{safe}`: without TLS, a network attacker can impersonate that origin")
    } else {
        "write a scheme, a host and perhaps a port, such as `https://app.example:8443`".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn origins_are_what_browsers_send() {
        for (text, expect) in [
            ("https://app.example", true),
            ("https://app.example:8443", true),
            ("http://localhost:3000", true),
            ("http://[::1]:3000", true),
            ("https://xn--bcher-kva.example", true),
            ("https://app.example/", false),
            ("https://app.example:443", false),
            ("http://app.example:80", false),
            ("https://app.example:0443", false),
            ("https://app.example:99999", false),
            ("https://app.example:+1", false),
            ("https://App.example", false),
            ("https://b\u{fc}cher.example", false),
            ("https://user@app.example", false),
            ("https://*.example", false),
            ("https://", false),
            ("https://:80", false),
            ("http://[]", false),
            ("https://192.0.2.1:8443", true),
            ("https://[2001:db8::1]", true),
            ("https://[::ffff:102:304]", true),
            ("https://[::ffff:1.2.3.4]", false),
            ("http://app.example", false),
            ("http://127.0.0.1", true),
            ("https://[0:0:0:0:0:0:0:1]", false),
            ("https://[::::]", false),
            ("https://[::1", false),
            ("https://127.1", false),
            ("https://256.1.1.1", false),
            ("https://-", false),
            ("https://-a.example", false),
            ("https://.", false),
            ("https://a..b", false),
            ("https://a.example.", false),
            ("capacitor://localhost", false),
            ("app.example", false),
            ("null", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(is_origin(text), expect, "{text}");
        }
    }
}
