//! Addresses worth trying: none, the edges of every network, and the addresses just outside.
//!
//! Networks are nested or disjoint, so the rest of a network without those inside it contains one of these
//! addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tollgate_policy::spec::Network;

pub(super) fn single(addr: IpAddr) -> Network {
    Network {
        addr,
        prefix: if addr.is_ipv4() { 32 } else { 128 },
    }
}

pub(super) fn candidates(networks: Vec<Network>) -> Vec<Option<IpAddr>> {
    let mut found = vec![None];
    let documentation = [
        IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7)),
    ];
    found.extend(documentation.map(Some));
    for network in networks {
        match network.addr {
            IpAddr::V4(addr) => {
                let host = u32::MAX
                    .checked_shr(u32::from(network.prefix))
                    .unwrap_or_default();
                let (first, last) = (addr.to_bits() & !host, addr.to_bits() | host);
                // The second address of a network looks more like that of a client than the first.
                let inside = [first.saturating_add(1).min(last), first, last];
                let outside = [first.checked_sub(1), last.checked_add(1)];
                let all = inside.into_iter().chain(outside.into_iter().flatten());
                found.extend(all.map(|bits| Some(Ipv4Addr::from_bits(bits).into())));
            }
            IpAddr::V6(addr) => {
                let host = u128::MAX
                    .checked_shr(u32::from(network.prefix))
                    .unwrap_or_default();
                let (first, last) = (addr.to_bits() & !host, addr.to_bits() | host);
                let inside = [first.saturating_add(1).min(last), first, last];
                let outside = [first.checked_sub(1), last.checked_add(1)];
                let all = inside.into_iter().chain(outside.into_iter().flatten());
                let all = all.map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)));
                // IPv4 written as IPv6 counts as IPv4, so it is not an address outside.
                found.extend(all.filter(|ip| ip.to_canonical().is_ipv6()).map(Some));
            }
        }
    }
    found
}
