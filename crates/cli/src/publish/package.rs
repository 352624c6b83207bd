//! The package to publish: the policy directory, compiled and checked, or an artifact built from it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_author::test_keys::{self, TestKey};
use tollgate_gate::Gate;
use tollgate_publish::{
    PublishError, cloudfront_functions, edgeworkers, lambda, object, workers, workers_kv,
};

use crate::earlier::{bundled, zipped};
use crate::failure::{Failure, print_findings};
use crate::policy::{self, Deployable};
use crate::{build, edge, input};

/// The main module of a Worker, and the module that is its policy.
const MAIN: &str = "index.js";
const IMAGE: &str = "policy.image";

/// The source of the package.
#[derive(Args)]
pub(super) struct Source {
    /// The artifact that `tollgate build` wrote from DIR: the zip for Lambda, the bundle of an EdgeWorker, the directory
    /// of a Worker, the signed image for `authz` or for Workers KV
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The directory of the built parts [default: as for `tollgate build`]
    #[arg(long, value_name = "DIR")]
    parts: Option<PathBuf>,
}

/// A compiled policy, and the artifact if one was given.
pub(super) struct Built {
    target: String,
    gate: Gate<Vec<u8>>,
    deployable: Deployable,
    artifact: Option<(PathBuf, Vec<u8>)>,
    parts: Option<PathBuf>,
}

/// Whether an image is signed. The signature is not verified: only servers and Workers have the trusted keys.
pub(super) fn is_signed(image: &[u8]) -> bool {
    let opened = tollgate_gate::signed::open_envelope(image.to_vec());
    opened.is_ok_and(|(_, release)| release.is_some())
}

/// The policy ID of an image, signed or not.
pub(super) fn policy_of(image: &[u8]) -> Option<String> {
    let (image, _) = tollgate_gate::signed::open_envelope(image.to_vec()).ok()?;
    let image = tollgate_core::Image::from_bytes(&image).ok()?;
    Some(image.id().to_string())
}

/// The modules in a directory and below, by name. Other files, and directories of tools such as `.wrangler` and
/// `node_modules`, are not uploaded.
fn add_modules(
    folder: &Path,
    prefix: &str,
    modules: &mut Vec<workers::Module>,
) -> Result<(), Failure> {
    let failed = |error| Failure::Read {
        path: folder.to_owned(),
        error,
    };
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = format!("{prefix}{}", name.to_string_lossy());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let is_tool =
            entry.file_name().to_string_lossy().starts_with('.') || name == "node_modules";
        let is_module = || {
            let mut ends = [".js", ".wasm", ".image"].iter();
            ends.any(|end| name.ends_with(end))
        };
        if is_tool {
            continue;
        }
        if path.is_dir() {
            add_modules(&path, &format!("{name}/"), modules)?;
        } else if is_module() {
            if !name.bytes().all(is_plain) {
                return Err(Failure::Publish(PublishError::Setting {
                    name: "--artifact",
                    problem: format!(
                        "contains `{name}`, which cannot be the name of a module: use letters, digits, `-`, `_` and `.`"
                    ),
                }));
            }
            let bytes = input::read(&path)?;
            modules.push(workers::Module { name, bytes });
        }
    }
    Ok(())
}

impl Built {
    pub(super) fn new(
        folder: &Path,
        source: &Source,
        target: &str,
        quiet: bool,
    ) -> Result<Self, Failure> {
        if folder.is_file() {
            return Err(Failure::NeedsFolder);
        }
        let policy = policy::compile(folder, false)?;
        if !quiet {
            print_findings(&policy.diagnostics, &policy.sources);
        }
        let gate = policy.deployable.gate(folder, None)?;
        let limits = edge::check(target, gate.config(), policy.sources)?;
        if !quiet {
            limits.print();
        }
        let artifact = match &source.artifact {
            // The files of a Worker are read when they are needed.
            Some(path) if path.is_dir() => Some((path.clone(), Vec::new())),
            Some(path) => Some((path.clone(), input::read(path)?)),
            None => None,
        };
        Ok(Self {
            target: target.to_owned(),
            gate,
            deployable: policy.deployable,
            artifact,
            parts: source.parts.clone(),
        })
    }

    pub(super) fn policy(&self) -> String {
        self.gate.policy_id().to_string()
    }

    /// The first test key.
    pub(super) fn test_key(&self) -> Option<TestKey> {
        test_keys::of_config(self.gate.config()).into_iter().next()
    }

    pub(super) fn function(&self) -> Result<cloudfront_functions::Package, Failure> {
        let policy = self.policy();
        let spec = self.deployable.spec().ok_or(Failure::NeedsFolder)?;
        let made = tollgate_javascript::cloudfront(spec, &policy).map_err(Failure::Script)?;
        Ok(cloudfront_functions::Package::of(&made, &policy))
    }

    pub(super) fn zip(&self) -> Result<lambda::Package, Failure> {
        let zip = match &self.artifact {
            Some((path, zip)) => {
                let found = zipped(path).and_then(|image| policy_of(&image));
                self.check(path, found)?;
                zip.clone()
            }
            None => self.built()?,
        };
        Ok(lambda::Package {
            zip,
            policy: self.policy(),
        })
    }

    /// What `tollgate build` writes for the target, if it is one file.
    fn built(&self) -> Result<Vec<u8>, Failure> {
        build::file(
            &self.target,
            &self.deployable,
            &self.gate,
            self.parts.clone(),
        )
    }

    /// The code bundle of an EdgeWorker.
    pub(super) fn bundle(&self) -> Result<edgeworkers::Package, Failure> {
        let (path, bundle) = match &self.artifact {
            Some((path, bundle)) => (path.as_path(), bundle.clone()),
            None => (Path::new("the bundle"), self.built()?),
        };
        let found = bundled(&bundle);
        self.check(path, found.as_ref().map(|(_, policy)| policy.clone()))?;
        Ok(edgeworkers::Package {
            bundle,
            version: found.map(|(version, _)| version).unwrap_or_default(),
            policy: self.policy(),
        })
    }

    /// The zip, if it was given. Without one, what is live is compared by policy.
    pub(super) fn zip_if_given(&self) -> Result<Option<lambda::Package>, Failure> {
        self.artifact.as_ref().map(|_| self.zip()).transpose()
    }

    pub(super) fn object(&self) -> Result<object::Package, Failure> {
        let Some((path, image)) = &self.artifact else {
            return Err(Failure::Publish(PublishError::Setting {
                name: "--artifact",
                problem: "is missing: servers load only signed images from a URL; build one with `tollgate build \
                          --sign KEY --key-id ID --policy-version VERSION -o FILE`"
                    .to_owned(),
            }));
        };
        self.check(path, policy_of(image))?;
        if !is_signed(image) {
            return Err(Failure::Publish(PublishError::Setting {
                name: "--artifact",
                problem: format!(
                    "`{}` is not signed, and servers load only signed images from a URL: build it with `--sign KEY --key-id \
                     ID --policy-version VERSION`",
                    path.display()
                ),
            }));
        }
        Ok(object::Package {
            image: image.clone(),
            policy: self.policy(),
        })
    }

    /// The image for KV. A Worker without trust keys takes an unsigned one.
    pub(super) fn kv(&self) -> Result<workers_kv::Package, Failure> {
        let image = match &self.artifact {
            Some((path, image)) => {
                let image = match path.is_dir() {
                    true => input::read(&path.join(IMAGE))?,
                    false => image.clone(),
                };
                self.check(path, policy_of(&image))?;
                image
            }
            None => self.deployable.image().to_vec(),
        };
        Ok(workers_kv::Package {
            image,
            policy: self.policy(),
        })
    }

    /// The modules of a Worker. They are always given: a build has trust keys or not, and a version without them must not
    /// replace one with them by accident.
    pub(super) fn worker(&self) -> Result<workers::Package, Failure> {
        let wrong = |problem: &str| {
            Failure::Publish(PublishError::Setting {
                name: "--artifact",
                problem: format!(
                    "{problem}: give the directory that `tollgate build --target cloudflare -o DIST` wrote"
                ),
            })
        };
        let Some((path, _)) = &self.artifact else {
            return Err(wrong("is missing"));
        };
        if !path.is_dir() {
            return Err(wrong("is not a directory"));
        }
        let mut modules = Vec::new();
        add_modules(path, "", &mut modules)?;
        let main = modules.iter().position(|module| module.name == MAIN);
        let Some(main) = main else {
            return Err(wrong("has no `index.js`"));
        };
        let main = modules.remove(main);
        modules.insert(0, main);
        let mut images = modules.iter().filter(|module| module.name == IMAGE);
        let found = images.next().and_then(|image| policy_of(&image.bytes));
        self.check(path, found)?;
        Ok(workers::Package {
            modules,
            policy: self.policy(),
        })
    }

    /// Checks that an artifact was built from the directory.
    fn check(&self, path: &Path, found: Option<String>) -> Result<(), Failure> {
        let policy = self.policy();
        if found.as_deref() == Some(policy.as_str()) {
            return Ok(());
        }
        let found = found.map_or_else(|| "no policy".to_owned(), |found| format!("policy {found}"));
        Err(Failure::Publish(PublishError::Setting {
            name: "--artifact",
            problem: format!(
                "`{}` contains {found}, but the policy directory is policy {policy}; build it again",
                path.display()
            ),
        }))
    }
}
