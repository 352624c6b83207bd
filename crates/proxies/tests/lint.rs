//! The committed configurations, checked by the proxies themselves. `TOLLGATE_NGINX` and `TOLLGATE_HAPROXY` name programs,
//! and `TOLLGATE_PROXIES` the directory of the others; a proxy without its variable is skipped. `cargo xtask test` sets
//! all of them. Traefik has no command for it, and the Gateway API is no program.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The proxies: name, the variable that locates the program, and the arguments of its check in the directory of the
/// configuration.
const CHECKS: [(&str, &str, &[&str]); 4] = [
    (
        "nginx",
        "TOLLGATE_NGINX",
        &["-e", "stderr", "-p", ".", "-c", "nginx.conf", "-t"],
    ),
    (
        "caddy",
        "TOLLGATE_PROXIES",
        &[
            "validate",
            "--config",
            "Caddyfile",
            "--adapter",
            "caddyfile",
        ],
    ),
    (
        "haproxy",
        "TOLLGATE_HAPROXY",
        &["-C", ".", "-f", "haproxy.cfg", "-c"],
    ),
    (
        "envoy",
        "TOLLGATE_PROXIES",
        &["--mode", "validate", "-c", "envoy.yaml"],
    ),
];

#[test]
fn proxies_accept_their_configurations() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, variable, arguments) in CHECKS {
        let Some(place) = std::env::var_os(variable).map(PathBuf::from) else {
            println!("{name}: skipped, `{variable}` is not set");
            continue;
        };
        let program = if variable == "TOLLGATE_PROXIES" {
            place.join(name)
        } else {
            place
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
