//! `tollgate build`: the finished artifact of a policy. Nothing is left behind if anything goes
//! wrong.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tollgate_core::Image;

use crate::failure::{Failure, print_findings};
use crate::output::{GOOD, print, print_json, styled};
use crate::{Verdict, policy};

/// Compile a policy into the file that an edge loads
#[derive(Args)]
#[command(after_help = "Example:\n  tollgate build policy -o dist/policy.tgi")]
pub(crate) struct Build {
    /// The policy folder
    dir: PathBuf,
    /// The file to write; it is replaced at once or not at all
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// What to build
    #[arg(long, value_enum, default_value_t = Target::Image)]
    target: Target,
    /// Skip bad keys of a key set with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The policy image: rules, keys and answers in one file
    Image,
}

impl Build {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let Target::Image = self.target;
        let policy = policy::compile(&self.dir, self.lenient_jwks)?;
        if !self.json {
            print_findings(&policy.compiled.diagnostics, &policy.sources);
        }
        // Whatever is shipped has been loaded once by the code that will load it at the edge.
        let gate = policy::load(&self.dir, policy.image)?;
        let (image, id) = (gate.image(), gate.policy_id());
        let bytes = image.as_bytes();
        write_whole(&self.out, bytes).map_err(|error| Failure::Write {
            path: self.out.clone(),
            error,
        })?;
        if self.json {
            print_json(json!({
                "policy": id.to_string(),
                "target": "image",
                "file": self.out.to_string_lossy(),
                "bytes": bytes.len(),
                "rules": Image::rule_count(image),
            }))?;
        } else {
            print(format_args!(
                "{} {} ({} bytes, policy {id})",
                styled(GOOD, "wrote"),
                self.out.display(),
                bytes.len()
            ))?;
        }
        Ok(Verdict::Yes)
    }
}

/// Writes a file so that readers see the old one or the new one, whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&beside);
    }
    written
}
