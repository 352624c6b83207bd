//! `tollgate authz`: beside each proxy with its generated configuration, and as the proxy itself.

use anyhow::Result;

use crate::beside::{self, Beside, Proxy};
use crate::driver::{Ask, Driver, Share, not_there};
use crate::places::Places;
use crate::policy::Policy;

/// `tollgate authz` as the proxy.
pub(super) struct Authz;

/// A proxy that asks.
pub(super) struct Asking {
    proxy: &'static Proxy,
    tools: &'static [&'static str],
}

pub(super) static AUTHZ: Authz = Authz;
pub(super) static NGINX: Asking = Asking {
    proxy: &beside::NGINX,
    tools: &["nginx"],
};
pub(super) static ENVOY: Asking = Asking {
    proxy: &beside::ENVOY,
    tools: &["proxies"],
};
pub(super) static TRAEFIK: Asking = Asking {
    proxy: &beside::TRAEFIK,
    tools: &["proxies"],
};
pub(super) static CADDY: Asking = Asking {
    proxy: &beside::CADDY,
    tools: &["proxies"],
};
pub(super) static HAPROXY: Asking = Asking {
    proxy: &beside::HAPROXY,
    tools: &["haproxy"],
};

impl Driver for Authz {
    fn name(&self) -> &'static str {
        "authz"
    }

    fn missing(&self, _: &Places) -> Option<String> {
        None
    }

    fn open(&self, _: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Beside::in_front(policy, true)?))
    }

    fn is_proxy(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Elsewhere
    }
}

impl Driver for Asking {
    fn name(&self) -> &'static str {
        self.proxy.name
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_there(&(self.proxy.program)(places))
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Beside::start(self.proxy, places, policy)?))
    }

    fn tools(&self) -> &'static [&'static str] {
        self.tools
    }

    fn is_proxy(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Elsewhere
    }
}
