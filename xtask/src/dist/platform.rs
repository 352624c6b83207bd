//! The platforms of a release, as data: what each package manager calls them, and how they are built.

use anyhow::{Result, bail};

/// One platform.
pub(super) struct Platform {
    /// Rust's name.
    pub(super) triple: &'static str,
    /// The C library that zig links with, as a suffix of the name: the oldest that Rust supports.
    pub(super) glibc: Option<&'static str>,
    /// `os` and `cpu` of npm.
    pub(super) npm: [&'static str; 2],
    /// Debian's architecture.
    pub(super) deb: Option<&'static str>,
    /// The platform tags of a wheel.
    pub(super) wheel: &'static str,
    /// What follows the name of an executable.
    pub(super) exe: &'static str,
}

/// All platforms. glibc 2.17 is that of CentOS 7; every distribution that is still maintained has a later one.
pub(super) const PLATFORMS: [Platform; 5] = [
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        glibc: Some("2.17"),
        npm: ["linux", "x64"],
        deb: Some("amd64"),
        wheel: "manylinux_2_17_x86_64.manylinux2014_x86_64",
        exe: "",
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        glibc: Some("2.17"),
        npm: ["linux", "arm64"],
        deb: Some("arm64"),
        wheel: "manylinux_2_17_aarch64.manylinux2014_aarch64",
        exe: "",
    },
    Platform {
        triple: "aarch64-apple-darwin",
        glibc: None,
        npm: ["darwin", "arm64"],
        deb: None,
        wheel: "macosx_11_0_arm64",
        exe: "",
    },
    Platform {
        triple: "x86_64-apple-darwin",
        glibc: None,
        npm: ["darwin", "x64"],
        deb: None,
        wheel: "macosx_10_12_x86_64",
        exe: "",
    },
    Platform {
        triple: "x86_64-pc-windows-msvc",
        glibc: None,
        npm: ["win32", "x64"],
        deb: None,
        wheel: "win_amd64",
        exe: ".exe",
    },
];

impl Platform {
    /// Whether an executable for it runs on this machine.
    pub(super) fn is_host(&self) -> bool {
        let [os, cpu] = self.npm;
        let own = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        let own_cpu = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        os == own && cpu == own_cpu
    }

    /// Whether this machine has the operating system of the platform.
    pub(super) fn has_own_system(&self) -> bool {
        self.triple.contains(match std::env::consts::OS {
            "macos" => "apple-darwin",
            other => other,
        })
    }
}

/// The Rust targets of all platforms.
pub(super) fn names() -> Vec<&'static str> {
    PLATFORMS.iter().map(|platform| platform.triple).collect()
}

/// The platforms with these names; all if none is given. For a quick release that of this machine.
pub(super) fn chosen(names: &[String], quick: bool) -> Result<Vec<&'static Platform>> {
    let chosen: Vec<_> = PLATFORMS
        .iter()
        .filter(|platform| {
            if quick {
                platform.is_host()
            } else {
                names.is_empty() || names.iter().any(|name| name == platform.triple)
            }
        })
        .collect();
    if chosen.is_empty() {
        bail!(
            "there are no packages for this machine: {} on {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        );
    }
    Ok(chosen)
}
