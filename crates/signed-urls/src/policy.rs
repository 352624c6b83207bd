//! The signed statement, in the only spelling that CloudFront reconstructs.
//!
//! Not here: signatures.

use core::net::Ipv4Addr;

use crate::resource::Resource;

/// A grant of access to a resource for a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The resource.
    pub resource: Resource,
    /// The first second in which it is no longer valid, since 1970.
    pub ends: u64,
    /// The first second in which it is valid.
    pub starts: Option<u64>,
    /// The network that requests must come from. CloudFront supports one IPv4 network.
    pub network: Option<Network>,
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: Ipv4Addr,
    prefix: u8,
}

impl Network {
    /// The network of a single address.
    pub const fn single(address: Ipv4Addr) -> Self {
        Self {
            address,
            prefix: 32,
        }
    }

    /// The network of the first `prefix` bits; `None` if `prefix` exceeds 32.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (prefix <= 32).then_some(Self { address, prefix })
    }
}

impl Policy {
    /// A policy without conditions other than its end.
    pub const fn until(resource: Resource, ends: u64) -> Self {
        Self {
            resource,
            ends,
            starts: None,
            network: None,
        }
    }

    /// Whether CloudFront can reconstruct it from the request and an end time, so that it is not
    /// transmitted.
    pub fn is_canned(&self) -> bool {
        self.starts.is_none() && self.network.is_none() && !self.resource.is_pattern()
    }

    /// The signed text: JSON without spaces, members in this order. Nothing in it needs an escape,
    /// because a resource contains no quote and no backslash.
    pub fn text(&self) -> String {
        let mut conditions = format!("\"DateLessThan\":{{\"AWS:EpochTime\":{}}}", self.ends);
        if let Some(starts) = self.starts {
            conditions += &format!(",\"DateGreaterThan\":{{\"AWS:EpochTime\":{starts}}}");
        }
        if let Some(Network { address, prefix }) = self.network {
            conditions += &format!(",\"IpAddress\":{{\"AWS:SourceIp\":\"{address}/{prefix}\"}}");
        }
        let resource = self.resource.url();
        format!(
            "{{\"Statement\":[{{\"Resource\":\"{resource}\",\"Condition\":{{{conditions}}}}}]}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_exact() {
        let video = Resource::exact("d1.cloudfront.net", "/a.mp4").expect("a path");
        let canned = Policy::until(video, 1_800_000_300);
        assert!(canned.is_canned());
        assert_eq!(
            canned.text(),
            r#"{"Statement":[{"Resource":"https://d1.cloudfront.net/a.mp4","Condition":{"DateLessThan":{"AWS:EpochTime":1800000300}}}]}"#
        );
        let custom = Policy {
            starts: Some(1_800_000_000),
            network: Some(Network::single(Ipv4Addr::new(203, 0, 113, 7))),
            ..canned.clone()
        };
        assert!(!custom.is_canned());
        assert_eq!(
            custom.text(),
            r#"{"Statement":[{"Resource":"https://d1.cloudfront.net/a.mp4","Condition":{"DateLessThan":{"AWS:EpochTime":1800000300},"DateGreaterThan":{"AWS:EpochTime":1800000000},"IpAddress":{"AWS:SourceIp":"203.0.113.7/32"}}}]}"#
        );
        let folder = Resource::below("d1.cloudfront.net", "/a/").expect("a folder");
        let folder = Policy::until(folder, 1);
        assert!(!folder.is_canned());
        assert!(folder.text().contains(r#""https://d1.cloudfront.net/a/*""#));
        assert_eq!(Network::new(Ipv4Addr::LOCALHOST, 33), None);
    }
}
