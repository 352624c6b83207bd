//! Networks with a prefix changed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tollgate_policy::spec::Network;

use crate::syntax;

/// The network with a prefix one bit shorter, and one bit longer.
pub(super) fn neighbours(network: &Network) -> Vec<Network> {
    let prefixes = [network.prefix.checked_sub(1), network.prefix.checked_add(1)];
    prefixes
        .into_iter()
        .flatten()
        .filter(|prefix| *prefix <= syntax::width(network.addr))
        .map(|prefix| Network {
            addr: masked(network.addr, prefix),
            prefix,
        })
        .collect()
}

/// The address with all bits after `prefix` cleared.
fn masked(addr: IpAddr, prefix: u8) -> IpAddr {
    let host = syntax::width(addr).saturating_sub(prefix);
    match addr {
        IpAddr::V4(addr) => {
            let mask = u32::MAX.checked_shl(u32::from(host)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(addr.to_bits() & mask))
        }
        IpAddr::V6(addr) => {
            let mask = u128::MAX.checked_shl(u32::from(host)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(addr.to_bits() & mask))
        }
    }
}
