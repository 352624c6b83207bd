//! The proxies: their generated configurations, changed only so that the client can tell its address, and their
//! processes.
//!
//! Not here: the configurations, which `tollgate_proxies` generates.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;
use tollgate_gate::config::{GateConfig, Strip};
use tollgate_lab_http as http;
use tollgate_proxies as proxies;

use super::reading::{self, Reading};
use super::refusals::{self, Refusal};
use crate::places::Places;
use crate::policy::Policy;

const STEP: Duration = Duration::from_millis(10);
const LOG: &str = "proxy.log";

/// A proxy.
pub struct Proxy {
    /// The name, as in `tollgate build --target`.
    pub(crate) name: &'static str,
    /// The location of its program.
    pub(crate) program: fn(&Places) -> PathBuf,
    /// The arguments with which it starts in the directory of its configuration.
    arguments: &'static [&'static str],
    /// The changes to its configuration.
    changes: &'static [Change],
    /// Why it refuses a request itself, if it does; the gate allows some of them.
    pub(super) refuses: &'static [Refusal],
    /// How it reads a request.
    pub(super) reads: Reading,
}

/// A change to a file: a text that must occur exactly once, and its replacement. `@LISTEN@` is the proxy's address.
struct Change {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// nginx.
pub static NGINX: Proxy = Proxy {
    name: "nginx",
    program: |places| places.nginx.clone(),
    arguments: &["-e", "stderr", "-p", ".", "-c", "nginx.conf"],
    changes: &[
        Change {
            file: "nginx.conf",
            from: " default_server;",
            to: " proxy_protocol default_server; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;",
        },
        // A single process, which ends when it is killed.
        Change {
            file: "nginx.conf",
            from: "daemon off;",
            to: "daemon off; master_process off;",
        },
    ],
    refuses: refusals::NGINX,
    reads: reading::NGINX,
};

/// Envoy.
pub static ENVOY: Proxy = Proxy {
    name: "envoy",
    program: |places| places.proxies.join("envoy"),
    arguments: &[
        "-c",
        "envoy.yaml",
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "warning",
    ],
    changes: &[Change {
        file: "envoy.yaml",
        from: "    filter_chains:\n",
        to: "    listener_filters:\n    - name: envoy.filters.listener.proxy_protocol\n      typed_config:\n        \
             \"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol\n    \
             filter_chains:\n",
    }],
    refuses: refusals::ENVOY,
    reads: reading::ENVOY,
};

/// Traefik.
pub static TRAEFIK: Proxy = Proxy {
    name: "traefik",
    program: |places| places.proxies.join("traefik"),
    arguments: &["--configFile=traefik.yml"],
    changes: &[Change {
        file: "traefik.yml",
        from: "    http:\n",
        to: "    proxyProtocol: {trustedIPs: [\"127.0.0.1\"]}\n    http:\n",
    }],
    refuses: refusals::TRAEFIK,
    reads: reading::TRAEFIK,
};

/// Caddy.
pub static CADDY: Proxy = Proxy {
    name: "caddy",
    program: |places| places.proxies.join("caddy"),
    arguments: &["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
    changes: &[Change {
        file: "Caddyfile",
        from: "\tservers {\n",
        to: "\tservers {\n\t\tlistener_wrappers {\n\t\t\tproxy_protocol {\n\t\t\t\tallow 127.0.0.1/32\n\t\t\t}\n\t\t}\n",
    }],
    refuses: refusals::CADDY,
    reads: reading::CADDY,
};

/// HAProxy.
pub static HAPROXY: Proxy = Proxy {
    name: "haproxy",
    program: |places| places.haproxy.clone(),
    arguments: &["-C", ".", "-f", "haproxy.cfg"],
    changes: &[Change {
        file: "haproxy.cfg",
        from: "bind @LISTEN@",
        to: "bind @LISTEN@ accept-proxy",
    }],
    refuses: refusals::HAPROXY,
    reads: reading::HAPROXY,
};

/// A process, stopped on drop.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Process {
    /// Generates the configuration and starts the proxy.
    ///
    /// # Errors
    ///
    /// Returns an error if the proxy cannot protect the policy's site, or does not start.
    pub(super) fn start(
        proxy: &Proxy,
        places: &Places,
        policy: &Policy,
        authz: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let kind = proxies::Proxy::named(proxy.name)
            .with_context(|| format!("no configuration of `{}` can be generated", proxy.name))?;
        let gate = GateConfig::decode(&policy.spec().gate).map_err(|error| anyhow!("{error:?}"))?;
        let address = http::free_address()?;
        let site = proxies::Site {
            listen: address,
            authz: authz
                .to_string()
                .parse()
                .map_err(|error| anyhow!("{error}"))?,
            upstream: format!("http://{upstream}")
                .parse()
                .map_err(|error| anyhow!("{error}"))?,
        };
        let policy = proxies::Policy {
            gate: &gate,
            index: policy.spec().index.as_deref(),
        };
        let files = proxies::generate(kind, &policy, &site)?;
        let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
        for file in files {
            let mut text = file.text;
            let own = proxy
                .changes
                .iter()
                .filter(|change| change.file == file.name);
            for Change { file, from, to } in own {
                let at = address.to_string();
                let [from, to] = [from, to].map(|text| text.replace("@LISTEN@", &at));
                ensure!(
                    text.matches(&from).count() == 1,
                    "`{from}` does not occur exactly once in {file} of {}",
                    proxy.name
                );
                text = text.replace(&from, &to);
            }
            fs::write(folder.path().join(file.name), text)?;
        }
        let log = File::create(folder.path().join(LOG))?;
        let program = (proxy.program)(places);
        let child = Command::new(&program)
            .args(proxy.arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self {
            name: proxy.name,
            child,
            address,
            folder,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits a little for a proxy that is not ready.
    ///
    /// # Errors
    ///
    /// Returns an error if it has ended.
    pub(super) fn pause(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended with {status}: {}", self.name, self.log());
        }
        std::thread::sleep(STEP);
        Ok(())
    }

    /// The output of the proxy.
    pub(super) fn log(&self) -> String {
        read(&self.folder.path().join(LOG))
    }
}

/// The policy without what the proxy cannot carry out, but with the same decisions; `None` if it can carry out all.
///
/// # Errors
///
/// Returns an error if there is no such policy.
pub(super) fn within_its_means(proxy: &Proxy, policy: &Policy) -> Result<Option<Policy>> {
    let mut gate = GateConfig::decode(&policy.spec().gate).map_err(|error| anyhow!("{error:?}"))?;
    let kind = proxies::Proxy::named(proxy.name).context("no such proxy")?;
    let is_query = |one: &proxies::Unsupported| matches!(one, proxies::Unsupported::QueryToken(_));
    if !kind.unsupported(&gate).iter().any(is_query) {
        return Ok(None);
    }
    // Tokens are removed after the decision.
    gate.strip = Strip::Nothing;
    let mut spec = policy.spec().clone();
    spec.gate = gate.encode().map_err(|error| anyhow!("{error:?}"))?;
    Policy::from_spec(spec).map(Some)
}

fn read(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
