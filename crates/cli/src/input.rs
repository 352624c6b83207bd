//! Input of subcommands: files, standard input, and arguments that need more parsing than clap's.

use core::net::{IpAddr, SocketAddr};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_compiler::time::{TimeError, parse_rfc3339};
use tollgate_core::UnixSeconds;
use tollgate_server::Listen;
use tollgate_token::{Algorithm, ClaimPath, Claims};

use crate::failure::{Failure, Problem};

/// The largest file that is read, in bytes.
const MAX_INPUT_BYTES: u64 = 256 * 1024 * 1024;

/// Reads an address to listen on.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = text.trim_start_matches("localhost").trim_start_matches(':');
    Err(match port.parse::<u16>() {
        Ok(port) => format!(
            "an address is missing: write `127.0.0.1:{port}` for this machine only, or `0.0.0.0:{port}` for all addresses"
        ),
        Err(_) => "write an IP address and a port up to 65535, such as `127.0.0.1:8080` or `[::1]:8080`; names of hosts are \
                   not looked up"
            .to_owned(),
    })
}

/// Reads an address or a Unix socket to listen on.
pub(crate) fn listen_or_socket(text: &str) -> Result<Listen, String> {
    const SOCKET: &str = "for a Unix socket: `unix:/run/tollgate/authz.sock`";
    match text.strip_prefix("unix:") {
        Some("") => Err(format!("a path is missing: {SOCKET}")),
        Some(path) => Ok(Listen::Unix {
            path: path.into(),
            mode: 0o660,
        }),
        None => listen(text)
            .map(Listen::Tcp)
            .map_err(|problem| format!("{problem}; {SOCKET}")),
    }
}

/// Reads the bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    File::open(path)
        .and_then(read_bounded)
        .map_err(|error| Failure::Read {
            path: path.to_owned(),
            error,
        })
}

/// Reads the text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|error| Failure::Read {
        path: path.to_owned(),
        error: io::Error::new(io::ErrorKind::InvalidData, error),
    })
}

/// Returns `argument`, or trimmed standard input if it is `-`.
pub(crate) fn argument_or_stdin(argument: &OsStr) -> Result<Vec<u8>, Failure> {
    if argument != "-" {
        return Ok(argument.as_encoded_bytes().to_vec());
    }
    let bytes = read_bounded(io::stdin().lock()).map_err(|error| Failure::Read {
        path: "-".into(),
        error,
    })?;
    Ok(bytes.trim_ascii().to_vec())
}

fn read_bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        Err(io::ErrorKind::FileTooLarge.into())
    } else {
        Ok(bytes)
    }
}

/// Parses the path of a claim: its name, or a JSON array of names.
pub(crate) fn claim_path(text: &str) -> Result<ClaimPath, Failure> {
    if !text.starts_with('[') {
        return Ok(ClaimPath::top(text));
    }
    let names = serde_json::from_str(text).ok();
    names
        .and_then(ClaimPath::nested)
        .ok_or_else(|| Failure::Argument {
            name: "--groups-claim",
            value: text.to_owned(),
            problem: Problem::ClaimPath,
        })
}

/// Parses a time: RFC 3339 or Unix seconds.
pub(crate) fn time(argument: &str) -> Result<i64, String> {
    if let Ok(seconds) = argument.parse() {
        return Ok(seconds);
    }
    // RFC 3339 permits a space instead of `T`.
    parse_rfc3339(&argument.replacen(' ', "T", 1)).map_err(|error| match error {
        TimeError::Fraction => "write whole seconds, such as 2027-01-15T12:00:00Z".to_owned(),
        TimeError::Incomplete => {
            "write RFC 3339 with an offset, such as 2027-01-15T12:00:00Z, or Unix seconds"
                .to_owned()
        }
    })
}

/// Returns the given time, else the system time.
pub(crate) fn now_or_clock(now: Option<i64>) -> UnixSeconds {
    UnixSeconds(now.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        since
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or(i64::MAX)
    }))
}

/// Returns the bytes of a request target given as an argument: one byte for each character up to U+00FF, as in
/// conformance cases. An argument with any later character, or one that is not valid Unicode, is used as its own bytes.
pub(crate) fn target_bytes(argument: &OsString) -> Vec<u8> {
    let as_bytes = |text: &str| {
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect()
    };
    argument
        .to_str()
        .and_then(as_bytes)
        .unwrap_or_else(|| argument.as_encoded_bytes().to_vec())
}

/// Parses a header field, `name: value`.
pub(crate) fn header(argument: &str) -> Result<(String, Vec<u8>), Failure> {
    let bad = || Failure::Argument {
        name: "--header",
        // The rest may be a token, which must not be printed.
        value: argument
            .split([':', ' '])
            .next()
            .unwrap_or_default()
            .to_owned(),
        problem: Problem::Header,
    };
    let (name, value) = argument.split_once(':').ok_or_else(bad)?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let value = value.trim_matches([' ', '\t']);
    if name.is_empty() || !name.chars().all(is_token) || value.contains(['\r', '\n', '\0']) {
        return Err(bad());
    }
    Ok((name.to_ascii_lowercase(), value.as_bytes().to_vec()))
}

/// Parses an IP address.
pub(crate) fn address(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| Failure::Argument {
        name: "--ip",
        value: text.to_owned(),
        problem: Problem::Address,
    })
}

/// Parses claims, a JSON object.
pub(crate) fn claims(argument: &str) -> Result<Claims, Failure> {
    if !matches!(
        serde_json::from_str(argument),
        Ok(serde_json::Value::Object(_))
    ) {
        return Err(Failure::Argument {
            name: "--claims",
            value: argument.to_owned(),
            problem: Problem::JsonObject,
        });
    }
    Claims::from_json(argument.as_bytes()).map_err(Failure::Claims)
}

/// Parses the JOSE name of an algorithm.
pub(crate) fn algorithm(argument: &str) -> Result<Algorithm, Failure> {
    Algorithm::from_name(argument).ok_or_else(|| Failure::Argument {
        name: "--alg",
        value: argument.to_owned(),
        problem: Problem::Algorithm,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_one_byte_per_character_if_possible() {
        let table: &[(&str, &[u8])] = &[
            ("/a%20b?c", b"/a%20b?c"),
            ("/\u{0}\u{80}\u{e9}\u{ff}", b"/\x00\x80\xe9\xff"),
            ("/\u{100}", "/\u{100}".as_bytes()),
            ("/\u{e9}\u{4e00}", "/\u{e9}\u{4e00}".as_bytes()),
            ("", b""),
        ];
        for (text, bytes) in table {
            assert_eq!(target_bytes(&OsString::from(text)), *bytes, "{text:?}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        for (text, expected) in [
            ("127.0.0.1:80", "Ok(Tcp(127.0.0.1:80))"),
            ("unix:/run/x", "Ok(Unix { path: \"/run/x\""),
            ("unix:", "a path is missing"),
            ("9191", "write `127.0.0.1:9191` for this machine only"),
            (":9191", "write `127.0.0.1:9191` for this machine only"),
            (
                "localhost:9191",
                "write `127.0.0.1:9191` for this machine only",
            ),
            ("a.example:9191", "names of hosts are not looked up"),
            ("127.0.0.1:99999", "a port up to 65535"),
            ("127.0.0.1", "an IP address and a port"),
        ] {
            let found = format!("{:?}", listen_or_socket(text));
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn times() {
        let table: &[(&str, Option<i64>)] = &[
            ("1800014400", Some(1_800_014_400)),
            ("-1", Some(-1)),
            ("2027-01-15T12:00:00Z", Some(1_800_014_400)),
            ("2027-01-15 13:00:00+01:00", Some(1_800_014_400)),
            ("2027-01-15T12:00:00", None),
            ("2027-01-15T12:00:00.5Z", None),
            ("2027-01-15", None),
            ("1.5", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (argument, expected) in table {
            assert_eq!(time(argument).ok(), *expected, "{argument:?}");
        }
    }

    #[test]
    fn header_fields() {
        let table: &[(&str, Option<(&str, &str)>)] = &[
            (
                "Authorization: Bearer a",
                Some(("authorization", "Bearer a")),
            ),
            ("a:b", Some(("a", "b"))),
            ("a: \t b:c \t", Some(("a", "b:c"))),
            ("a:", Some(("a", ""))),
            ("a", None),
            (": b", None),
            ("a b: c", None),
            ("a: b\r\nc: d", None),
        ];
        for (argument, expected) in table {
            let expected =
                expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            assert_eq!(header(argument).ok(), expected, "{argument:?}");
        }
    }
}
