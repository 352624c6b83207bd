//! The committed configurations, checked by the proxies themselves: those that are in `TOLLGATE_PROXIES` (a list of
//! directories, as in `PATH`) or in `PATH`. Traefik has no command for it, and the Gateway API is no program.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The proxies, with the arguments of their check in the directory of the configuration.
const CHECKS: [(&str, &[&str]); 4] = [
    (
        "nginx",
        &["-e", "stderr", "-p", ".", "-c", "nginx.conf", "-t"],
    ),
    (
        "caddy",
        &[
            "validate",
            "--config",
            "Caddyfile",
            "--adapter",
            "caddyfile",
        ],
    ),
    ("haproxy", &["-C", ".", "-f", "haproxy.cfg", "-c"]),
    ("envoy", &["--mode", "validate", "-c", "envoy.yaml"]),
];

fn program(name: &str) -> Option<PathBuf> {
    let paths = ["TOLLGATE_PROXIES", "PATH"]
        .into_iter()
        .filter_map(std::env::var_os);
    let mut folders = paths.flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>());
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

#[test]
fn proxies_accept_their_configurations() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, arguments) in CHECKS {
        let Some(program) = program(name) else {
            println!("{name}: skipped, not in `TOLLGATE_PROXIES` or `PATH`");
            continue;
        };
        for policy in ["sample", "sign-in"] {
            // A copy: nginx creates directories next to its configuration.
            let scratch = std::env::temp_dir().join(format!(
                "tollgate-lint-{}-{name}-{policy}",
                std::process::id()
            ));
            fs::create_dir(&scratch).unwrap();
            for file in fs::read_dir(golden.join(policy).join(name)).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), scratch.join(file.file_name())).unwrap();
            }
            let done = Command::new(&program)
                .args(arguments)
                .current_dir(&scratch)
                .output()
                .unwrap();
            fs::remove_dir_all(&scratch).unwrap();
            let output = String::from_utf8_lossy(&done.stderr).into_owned()
                + &String::from_utf8_lossy(&done.stdout);
            assert!(done.status.success(), "{name} {policy}: {output}");
        }
    }
}
