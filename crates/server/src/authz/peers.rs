//! The allow-list of peers: the proxies that may ask.
//!
//! Not here: the addresses of clients, which policies match.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use ipnet::IpNet;

use crate::shell::Peer;

/// A list of networks. An empty list admits nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerNetworks(Vec<IpNet>);

/// The text is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPeer;

impl FromIterator<PeerNetworks> for PeerNetworks {
    fn from_iter<I: IntoIterator<Item = PeerNetworks>>(lists: I) -> Self {
        Self(lists.into_iter().flat_map(|list| list.0).collect())
    }
}

impl FromStr for PeerNetworks {
    type Err = BadPeer;

    /// Parses one address, or one network in CIDR notation.
    fn from_str(text: &str) -> Result<Self, BadPeer> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| BadPeer)?,
        };
        Ok(Self(vec![network]))
    }
}

impl fmt::Display for BadPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an IP address or a network such as `10.0.0.0/8`")
    }
}

impl core::error::Error for BadPeer {}

impl PeerNetworks {
    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a peer may ask. Access to a Unix socket is controlled by its permissions.
    pub(super) fn admit(&self, peer: Peer) -> bool {
        match peer {
            Peer::Local => true,
            Peer::Ip(ip) => self.0.iter().any(|network| network.contains(&ip)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_networks_are_admitted() {
        let list = |text: &str| -> PeerNetworks {
            text.split_whitespace()
                .map(|one| one.parse::<PeerNetworks>().unwrap())
                .collect()
        };
        for (peers, ip, expect) in [
            ("", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8 192.0.2.7", "10.255.0.1", true),
            ("10.0.0.0/8 192.0.2.7", "192.0.2.7", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("fd00::/8", "fd12::1", true),
        ] {
            let peer = Peer::Ip(ip.parse().unwrap());
            assert_eq!(list(peers).admit(peer), expect, "{peers} {ip}");
        }
        assert!(PeerNetworks::default().admit(Peer::Local));
        for bad in ["", "a", "10.0.0.0/33", "10.0.0", "localhost"] {
            assert_eq!(bad.parse::<PeerNetworks>(), Err(BadPeer), "{bad}");
        }
    }
}
