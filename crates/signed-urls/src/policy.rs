//! The statement that is signed, in the only spelling that CloudFront rebuilds.
//!
//! Not here: signatures.

use core::net::Ipv4Addr;

use crate::resource::Resource;

/// Who may fetch what, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What it is about.
    pub resource: Resource,
    /// The first second in which it no longer holds, since 1970.
    pub ends: u64,
    /// The first second in which it holds.
    pub starts: Option<u64>,
    /// Where requests must come from. CloudFront takes one IPv4 network.
    pub network: Option<Network>,
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: Ipv4Addr,
    prefix: u8,
}

impl Network {
    /// The one address alone.
    pub const fn single(address: Ipv4Addr) -> Self {
        Self {
            address,
            prefix: 32,
        }
    }

    /// The network of the first `prefix` bits; `None` if there are more than 32.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (prefix <= 32).then_some(Self { address, prefix })
    }
}

impl Policy {
    /// A policy without other conditions than its end.
    pub const fn until(resource: Resource, ends: u64) -> Self {
        Self {
            resource,
            ends,
            starts: None,
            network: None,
        }
    }

    /// Whether CloudFront can rebuild it from the request and an end alone, so that it need not travel.
    pub fn is_canned(&self) -> bool {
        self.starts.is_none() && self.network.is_none() && !self.resource.is_pattern()
    }

    /// The text that is signed: JSON without a space, members in this order. Nothing in it needs an
    /// escape, because a resource holds no quote and no backslash.
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
