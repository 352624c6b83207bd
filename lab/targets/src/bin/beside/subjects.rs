//! What is measured: proxies that ask `tollgate authz`, peers that decide themselves, and the same proxies without any
//! decision.
//!
//! Every process has one worker thread. Not here: the configurations ([`configs`](crate::configs)).

use core::net::SocketAddr;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tollgate_lab_http::free_address;

use crate::Places;
use crate::configs::{self, Decides};
use crate::process::{Listens, Process};
use crate::site::Site;

/// The part of a subject in the comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Decides nothing.
    Plain,
    /// Asks Tollgate.
    Ours,
    /// Does the same job in another way.
    Peer,
}

/// The proxy of a subject. Shares are those of the same proxy without a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Nothing,
    Nginx,
    Envoy,
    Own,
}

/// Something that is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) part: Part,
    /// Whether it is asked as nginx asks, and not as a proxy.
    pub(crate) is_asked: bool,
    start: fn(&Kit<'_>) -> Result<Running>,
}

/// What a subject needs.
pub(crate) struct Kit<'a> {
    pub(crate) places: &'a Places,
    pub(crate) site: &'a Site,
    pub(crate) origin: SocketAddr,
}

/// A running subject.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) proxy: Option<Process>,
    /// The process that decides, if it is another one.
    pub(crate) decider: Option<Process>,
    /// The directory of its socket.
    _sockets: Option<TempDir>,
}

impl Subject {
    pub(crate) fn start(&self, kit: &Kit<'_>) -> Result<Running> {
        (self.start)(kit).with_context(|| self.name.to_owned())
    }

    /// Whether it denies anything.
    pub(crate) fn decides(&self) -> bool {
        self.part != Part::Plain
    }
}

/// All subjects.
pub(crate) const ALL: [Subject; 13] = [
    Subject {
        name: "origin, no proxy",
        group: Group::Nothing,
        part: Part::Plain,
        is_asked: false,
        start: |kit| {
            Ok(Running {
                address: kit.origin,
                proxy: None,
                decider: None,
                _sockets: None,
            })
        },
    },
    Subject {
        name: "nginx",
        group: Group::Nginx,
        part: Part::Plain,
        is_asked: false,
        start: |kit| {
            let listen = free_address()?;
            let text = configs::nginx_plain(listen, kit.origin);
            alone(listen, kit.nginx(listen, &text, None)?)
        },
    },
    Subject {
        name: "nginx + always 200",
        group: Group::Nginx,
        part: Part::Plain,
        is_asked: false,
        start: |kit| {
            let decider = free_address()?;
            let process = kit.nginx(decider, &configs::always(decider), None)?;
            let (address, proxy) = kit.generated_nginx(&decider.to_string())?;
            Ok(Running {
                address,
                proxy: Some(proxy),
                decider: Some(process),
                _sockets: None,
            })
        },
    },
    Subject {
        name: "nginx + authz, TCP",
        group: Group::Nginx,
        part: Part::Ours,
        is_asked: false,
        start: |kit| kit.beside(false, Kit::generated_nginx),
    },
    Subject {
        name: "nginx + authz, Unix",
        group: Group::Nginx,
        part: Part::Ours,
        is_asked: false,
        start: |kit| kit.beside(true, Kit::generated_nginx),
    },
    Subject {
        name: "nginx JWT module + map",
        group: Group::Nginx,
        part: Part::Peer,
        is_asked: false,
        start: |kit| {
            let listen = free_address()?;
            let text = configs::nginx_jwt(listen, kit.origin, kit.site)?;
            alone(listen, kit.nginx(listen, &text, Some(&kit.site.jwks))?)
        },
    },
    Subject {
        name: "Envoy",
        group: Group::Envoy,
        part: Part::Plain,
        is_asked: false,
        start: |kit| kit.envoy_alone(Decides::Nothing),
    },
    Subject {
        name: "Envoy + authz, TCP",
        group: Group::Envoy,
        part: Part::Ours,
        is_asked: false,
        start: |kit| kit.beside(false, Kit::generated_envoy),
    },
    Subject {
        name: "Envoy + authz, Unix",
        group: Group::Envoy,
        part: Part::Ours,
        is_asked: false,
        start: |kit| kit.beside(true, Kit::generated_envoy),
    },
    Subject {
        name: "Envoy JWT + RBAC list",
        group: Group::Envoy,
        part: Part::Peer,
        is_asked: false,
        start: |kit| kit.envoy_alone(Decides::List),
    },
    Subject {
        name: "Envoy JWT + RBAC tree",
        group: Group::Envoy,
        part: Part::Peer,
        is_asked: false,
        start: |kit| kit.envoy_alone(Decides::Tree),
    },
    Subject {
        name: "authz --upstream",
        group: Group::Own,
        part: Part::Ours,
        is_asked: false,
        start: |kit| {
            let listen = free_address()?;
            let upstream = format!("http://{}", kit.origin);
            let arguments = ["--upstream", upstream.as_str()];
            let process = kit.authz(&listen.to_string(), &Listens::At(listen), &arguments)?;
            alone(listen, process)
        },
    },
    Subject {
        name: "authz, no proxy",
        group: Group::Nothing,
        part: Part::Plain,
        is_asked: true,
        start: |kit| {
            let listen = free_address()?;
            let process = kit.authz(&listen.to_string(), &Listens::At(listen), &[])?;
            alone(listen, process)
        },
    },
];

fn alone(address: SocketAddr, process: Process) -> Result<Running> {
    Ok(Running {
        address,
        proxy: Some(process),
        decider: None,
        _sockets: None,
    })
}

/// Starts the origin.
pub(crate) fn origin(places: &Places) -> Result<(SocketAddr, Process)> {
    let listen = free_address()?;
    let process = nginx(places, listen, &configs::origin(listen), None)?;
    Ok((listen, process))
}

fn folder() -> Result<TempDir> {
    tempfile::tempdir().context("cannot create a temporary directory")
}

fn nginx(places: &Places, listen: SocketAddr, text: &str, keys: Option<&str>) -> Result<Process> {
    let folder = folder()?;
    fs::write(folder.path().join("nginx.conf"), text)?;
    if let Some(keys) = keys {
        fs::write(folder.path().join("keys.json"), keys)?;
    }
    let mut command = Command::new(&places.nginx);
    command.args(["-e", "stderr", "-p", ".", "-c", "nginx.conf"]);
    Process::start(&mut command, folder, &Listens::At(listen))
}

impl Kit<'_> {
    fn nginx(&self, listen: SocketAddr, text: &str, keys: Option<&str>) -> Result<Process> {
        nginx(self.places, listen, text, keys)
    }

    /// `tollgate authz` at an address or a Unix socket.
    fn authz(&self, listen: &str, listens: &Listens<'_>, more: &[&str]) -> Result<Process> {
        let mut command = Command::new(&self.places.tollgate);
        command
            .args(["authz", "--log", "off", "--listen", listen, "--peers"])
            .args(["127.0.0.1", "--policy"])
            .arg(self.site.policy.file())
            .args(more)
            .env("TOKIO_WORKER_THREADS", "1");
        Process::start(&mut command, folder()?, listens)
    }

    /// A proxy that asks `tollgate authz`.
    fn beside(
        &self,
        is_unix: bool,
        proxy: fn(&Self, &str) -> Result<(SocketAddr, Process)>,
    ) -> Result<Running> {
        let sockets = folder()?;
        let (authz, decider) = if is_unix {
            let path = sockets.path().join("authz.sock");
            let address = format!("unix:{}", path.display());
            let process = self.authz(&address, &Listens::On(&path), &[])?;
            (address, process)
        } else {
            let address = free_address()?;
            let process = self.authz(&address.to_string(), &Listens::At(address), &[])?;
            (address.to_string(), process)
        };
        let (address, proxy) = proxy(self, &authz)?;
        Ok(Running {
            address,
            proxy: Some(proxy),
            decider: Some(decider),
            _sockets: Some(sockets),
        })
    }

    /// The configuration that `tollgate build` writes.
    fn generated(&self, target: &str, listen: SocketAddr, authz: &str) -> Result<TempDir> {
        let folder = folder()?;
        let done = Command::new(&self.places.tollgate)
            .arg("build")
            .arg(self.site.policy.file())
            .args(["--target", target, "--listen", &listen.to_string()])
            .args(["--authz", authz])
            .args(["--upstream", &format!("http://{}", self.origin), "-o"])
            .arg(folder.path())
            .output()
            .context("cannot start tollgate")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "tollgate build: {said}");
        Ok(folder)
    }

    fn generated_nginx(&self, authz: &str) -> Result<(SocketAddr, Process)> {
        let listen = free_address()?;
        let folder = self.generated("nginx", listen, authz)?;
        let file = folder.path().join("nginx.conf");
        let text = fs::read_to_string(&file)?;
        let daemon = "daemon off;";
        ensure!(text.contains(daemon), "the configuration lacks `{daemon}`");
        // One process, which ends when it is killed.
        let text = text.replace(daemon, "daemon off; master_process off;");
        fs::write(file, text)?;
        let mut command = Command::new(&self.places.nginx);
        command.args(["-e", "stderr", "-p", ".", "-c", "nginx.conf"]);
        let process = Process::start(&mut command, folder, &Listens::At(listen))?;
        Ok((listen, process))
    }

    fn generated_envoy(&self, authz: &str) -> Result<(SocketAddr, Process)> {
        let listen = free_address()?;
        let folder = self.generated("envoy", listen, authz)?;
        let process = self.envoy(folder, "envoy.yaml", listen)?;
        Ok((listen, process))
    }

    fn envoy_alone(&self, decides: Decides) -> Result<Running> {
        let (listen, folder, name) = (free_address()?, folder()?, "envoy.json");
        let text = configs::envoy(listen, self.origin, decides, self.site);
        fs::write(folder.path().join(name), text)?;
        alone(listen, self.envoy(folder, name, listen)?)
    }

    fn envoy(&self, folder: TempDir, config: &str, listen: SocketAddr) -> Result<Process> {
        let mut command = Command::new(&self.places.envoy);
        command
            .args(["-c", config, "--concurrency", "1", "--disable-hot-restart"])
            .args(["--log-level", "error"]);
        Process::start(&mut command, folder, &Listens::At(listen))
    }
}
