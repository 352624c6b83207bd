//! A proxy with the configuration that `tollgate build` writes.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tollgate_lab_http::free_address;

const START: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// The kind of a proxy, as in `--target`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Nginx,
    Envoy,
}

/// A running proxy, stopped on drop.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["-e", "stderr", "-p", ".", "-c", "nginx.conf"],
            Self::Envoy => &[
                "-c",
                "envoy.yaml",
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--log-level",
                "off",
            ],
        }
    }
}

impl Proxy {
    /// Starts it in front of an origin.
    pub(crate) fn start(
        kind: Kind,
        program: &Path,
        tollgate: &Path,
        policy: &Path,
        [authz, origin]: [SocketAddr; 2],
    ) -> Result<Self> {
        let folder = TempDir::new().context("cannot create a temporary directory")?;
        let address = free_address()?;
        let done = Command::new(tollgate)
            .arg("build")
            .arg(policy)
            .args(["--target", kind.name(), "--listen", &address.to_string()])
            .args(["--authz", &authz.to_string()])
            .args(["--upstream", &format!("http://{origin}"), "-o"])
            .arg(folder.path())
            .output()
            .context("cannot start tollgate")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "tollgate build: {said}");
        if let Kind::Nginx = kind {
            // One process, which ends when it is killed.
            let file = folder.path().join("nginx.conf");
            let text = fs::read_to_string(&file)?;
            let text = text.replace("daemon off;", "daemon off; master_process off;");
            fs::write(file, text)?;
        }
        let child = Command::new(program)
            .args(kind.arguments())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut proxy = Self {
            child,
            address,
            _folder: folder,
        };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = proxy.child.try_wait()?;
            ensure!(ended.is_none(), "{} ended: {ended:?}", kind.name());
            ensure!(
                began.elapsed() < START,
                "{} does not listen at {address}",
                kind.name()
            );
            thread::sleep(STEP);
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
