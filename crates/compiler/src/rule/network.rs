//! Client networks: addresses with a prefix length.
//!
//! Not here: finding out the address of a client.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tollgate_policy::spec::Network;

/// The reason why a string is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkError {
    /// Neither an address nor an address and a prefix length.
    Malformed,
    /// The prefix is longer than the address.
    PrefixTooLong {
        /// The longest prefix of such an address.
        max: u8,
    },
    /// An IPv4 network in IPv6 clothes.
    Mapped(Network),
    /// Bits are set beyond the prefix; without them it would be this network.
    HostBits(Network),
}

/// Reads `203.0.113.7`, `203.0.113.0/24`, `2001:db8::1` or `2001:db8::/32`.
pub(crate) fn parse(text: &str) -> Result<Network, NetworkError> {
    let (addr, prefix) = match text.split_once('/') {
        Some((addr, prefix)) => (addr, Some(prefix)),
        None => (text, None),
    };
    let addr: IpAddr = addr.parse().map_err(|_| NetworkError::Malformed)?;
    let max = if addr.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => max,
        Some(digits) => parse_prefix(digits).ok_or(NetworkError::Malformed)?,
    };
    if prefix > max {
        return Err(NetworkError::PrefixTooLong { max });
    }
    let network = masked(addr, prefix);
    if let (IpAddr::V6(v6), 96..) = (addr, prefix)
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        // Clients that come as `::ffff:…` are judged as IPv4, so this network would have none.
        let v4 = IpAddr::V4(v4);
        let mapped = masked(v4, prefix - 96);
        return Err(if mapped.addr == v4 {
            NetworkError::Mapped(mapped)
        } else {
            NetworkError::HostBits(mapped)
        });
    }
    if network.addr == addr {
        Ok(network)
    } else {
        Err(NetworkError::HostBits(network))
    }
}

/// Reads a single address, as clients are judged: IPv4 also where it comes as IPv6.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    let addr: IpAddr = text.parse().ok()?;
    Some(addr.to_canonical())
}

/// The network of one address.
pub(crate) fn single(addr: IpAddr) -> Network {
    Network {
        addr,
        prefix: if addr.is_ipv4() { 32 } else { 128 },
    }
}

/// The network as an author writes it.
pub(crate) fn display(network: Network) -> String {
    format!("{}/{}", network.addr, network.prefix)
}

fn parse_prefix(digits: &str) -> Option<u8> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (digits == "0" || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok()).flatten()
}

fn masked(addr: IpAddr, prefix: u8) -> Network {
    let prefix_bits = u32::from(prefix);
    let addr = match addr {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix_bits.min(32)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - prefix_bits.min(128))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    };
    Network { addr, prefix }
}

#[cfg(test)]
mod tests;
