//! The configuration of a proxy that asks `tollgate authz`.
//!
//! Its files are written one by one into a directory that may contain others: those of a running proxy. Not here: the
//! text of the files, which `tollgate-proxies` generates.

use core::net::SocketAddr;

use clap::Args;
use tollgate_proxies::{Address, Origin, Policy, Proxy, ProxyError, Site, generate};

use super::artifact::{Artifact, Content, Input};
use crate::failure::{Failure, Problem};
use crate::input;
use crate::write::Entry;

/// The addresses in the configuration of a proxy.
#[derive(Args)]
pub(super) struct SiteArgs {
    /// With the target of a proxy: the address where the proxy listens
    #[arg(long, value_name = "ADDRESS", value_parser = input::listen)]
    listen: Option<SocketAddr>,
    /// With the target of a proxy: the address of `tollgate authz`, as `HOST:PORT` or `unix:/PATH`
    #[arg(long, value_name = "ADDRESS")]
    authz: Option<Address>,
    /// With the target of a proxy: the origin, as `http://HOST:PORT`
    #[arg(long, value_name = "URL")]
    upstream: Option<Origin>,
}

impl SiteArgs {
    /// Returns the addresses for a target, which need be given exactly for proxies.
    pub(super) fn site(self, target: &str, proxy: Option<Proxy>) -> Result<Option<Site>, Failure> {
        let Self {
            listen,
            authz,
            upstream,
        } = self;
        if proxy.is_none() {
            let given = [
                ("--listen", listen.is_some()),
                ("--authz", authz.is_some()),
                ("--upstream", upstream.is_some()),
            ];
            return match given.into_iter().find(|(_, is_given)| *is_given) {
                Some((name, _)) => Err(Failure::Argument {
                    name,
                    value: target.to_owned(),
                    problem: Problem::NoProxy,
                }),
                None => Ok(None),
            };
        }
        let needed = |name| Failure::NeedsAddress {
            name,
            target: target.to_owned(),
        };
        // Not used: the `Gateway` listens.
        let unused = SocketAddr::from(([0, 0, 0, 0], 80));
        let listen = listen.or((proxy == Some(Proxy::GatewayApi)).then_some(unused));
        Ok(Some(Site {
            listen: listen.ok_or_else(|| needed("--listen"))?,
            authz: authz.ok_or_else(|| needed("--authz"))?,
            upstream: upstream.ok_or_else(|| needed("--upstream"))?,
        }))
    }
}

pub(super) fn build(proxy: Proxy, input: &Input<'_>) -> Result<Artifact, Failure> {
    let Some(site) = input.site else {
        // `SiteArgs::site` returns one for every proxy.
        return Err(Failure::NeedsAddress {
            name: "--authz",
            target: proxy.name().to_owned(),
        });
    };
    let policy = Policy {
        gate: input.gate,
        index: input.index,
    };
    let files =
        generate(proxy, &policy, site).map_err(|error: ProxyError| Failure::Proxy(error))?;
    let entries = files.into_iter().map(|file| Entry {
        name: file.name.to_owned(),
        bytes: file.text.into_bytes(),
    });
    let mut artifact = Artifact::of(Content::Files(entries.collect()));
    artifact.notes.push(format!(
        "start `tollgate authz` at {} first; the first lines of the files say how to check and start the proxy",
        site.authz
    ));
    Ok(artifact)
}
