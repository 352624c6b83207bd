//! Addresses of `authz` and of origins, in a form that every configuration can contain without quoting.
//!
//! Not here: name resolution, which the proxy does.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// The longest host name, in bytes.
const MAX_NAME_BYTES: usize = 253;
/// The longest path of a socket, in bytes.
const MAX_PATH_BYTES: usize = 107;

/// An address that a proxy connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port.
    Ip(IpAddr, u16),
    /// A host name of letters, digits, `-` and `.`, and a port.
    Name(String, u16),
    /// An absolute path of a Unix socket, of letters, digits and `-._/`.
    Unix(String),
}

/// An origin that is reached over HTTP without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Address);

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Not `HOST:PORT` or `unix:PATH`.
    Address,
    /// Not `http://HOST:PORT`.
    Origin,
}

impl Address {
    /// Its IP address or name, and its port. `None` for a Unix socket.
    pub fn host_and_port(&self) -> Option<(String, u16)> {
        match self {
            Self::Ip(ip, port) => Some((ip.to_string(), *port)),
            Self::Name(name, port) => Some((name.clone(), *port)),
            Self::Unix(_) => None,
        }
    }
}

impl Origin {
    /// The address of the origin: an IP address or a name.
    pub fn address(&self) -> &Address {
        &self.0
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
            let is_sound =
                path.len() <= MAX_PATH_BYTES && path.starts_with('/') && path.bytes().all(is_plain);
            return match is_sound {
                true => Ok(Self::Unix(path.to_owned())),
                false => Err(AddressError::Address),
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::Address)?;
        let port = port_of(port).ok_or(AddressError::Address)?;
        let in_brackets = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(inner) = in_brackets {
            let ip = inner.parse().map_err(|_| AddressError::Address)?;
            return Ok(Self::Ip(IpAddr::V6(ip), port));
        }
        if let Ok(ip) = host.parse() {
            return Ok(Self::Ip(IpAddr::V4(ip), port));
        }
        match is_host_name(host) {
            true => Ok(Self::Name(host.to_ascii_lowercase(), port)),
            false => Err(AddressError::Address),
        }
    }
}

impl FromStr for Origin {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("http://").ok_or(AddressError::Origin)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        match rest.parse() {
            Ok(Address::Unix(_)) | Err(_) => Err(AddressError::Origin),
            Ok(address) => Ok(Self(address)),
        }
    }
}

/// A port in digits, without zero, signs and leading zeros.
fn port_of(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// Whether a text is a host name that no program mistakes for an IP address.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with(|c: char| c.is_ascii_digit());
    text.len() <= MAX_NAME_BYTES && text.split('.').all(is_label) && !is_number
}

/// As `HOST:PORT`, with brackets around an IPv6 address, or as `unix:PATH`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip), port) => write!(f, "{ip}:{port}"),
            Self::Ip(IpAddr::V6(ip), port) => write!(f, "[{ip}]:{port}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "write `HOST:PORT` or `unix:/PATH`, with letters, digits, `-` and `.`",
            Self::Origin => "write `http://HOST:PORT`, without a path",
        })
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_cannot_leave_their_place_in_a_configuration() {
        for text in [
            "127.0.0.1:9000",
            "[::1]:9000",
            "authz:9000",
            "authz.tollgate-system:9000",
            "unix:/run/tollgate/authz.sock",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:+80",
            "127.0.0.1:080",
            "127.0.0.1:65536",
            "127.1:80",
            "0x7f.1:80",
            "::1:80",
            "[::1%eth0]:80",
            "a b:80",
            "a;b:80",
            "a\nb:80",
            "a$b:80",
            "a{b}:80",
            "a\"b:80",
            "a'b:80",
            "a@b:80",
            "a/b:80",
            "-a:80",
            "a..b:80",
            "unix:relative",
            "unix:/a b",
            "unix:/a;b",
            "unix:/a\nb",
            "unix:/a$b",
            "unix:/a\"b",
            "unix:/a:b",
        ] {
            assert_eq!(
                text.parse::<Address>(),
                Err(AddressError::Address),
                "{text:?}"
            );
        }
        for (text, expected) in [
            ("http://127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("http://web.default:80/", Some("web.default:80")),
            ("https://127.0.0.1:8080", None),
            ("http://127.0.0.1", None),
            ("http://127.0.0.1:8080/path", None),
            ("http://user@127.0.0.1:8080", None),
            ("http://unix:/run/origin.sock", None),
        ] {
            let origin = text.parse::<Origin>().ok();
            let address = origin.map(|origin| origin.address().to_string());
            assert_eq!(address.as_deref(), expected, "{text:?}");
        }
    }
}
