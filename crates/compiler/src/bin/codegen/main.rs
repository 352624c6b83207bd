//! Writes what is generated from the compiler's tables into a policy folder: JSON Schemas for editors, the
//! references of keys and of diagnostic codes, and the reference of request paths, which needs the folder with paths of real
//! sites. With `--check` it compares instead of writing.
//!
//! Not for authors: `cargo xtask codegen` calls it.

mod paths;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use tollgate_compiler::{diagnostic::codes, reference, schema};

fn main() -> ExitCode {
    let (flags, folders): (Vec<_>, Vec<_>) = env::args_os()
        .skip(1)
        .partition(|argument| argument == "--check");
    let check = !flags.is_empty();
    let folders: Vec<PathBuf> = folders.into_iter().map(PathBuf::from).collect();
    let [folder, sites] = folders.as_slice() else {
        return usage();
    };
    let paths = match paths::reference(sites) {
        Ok(paths) => paths,
        Err(error) => {
            eprintln!("{}: {error}", sites.display());
            return ExitCode::from(2);
        }
    };
    let mut stale = false;
    for (name, text) in generated(paths) {
        let path = folder.join(name);
        if check {
            if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                eprintln!("{name} is out of date: run `cargo xtask codegen`");
                stale = true;
            }
        } else if let Err(error) = write(&path, &text) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    // 3 is the code for a difference found, as everywhere in this project.
    if stale {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: codegen [--check] POLICY_FOLDER SITES_FOLDER");
    ExitCode::from(2)
}

fn generated(paths: String) -> [(&'static str, String); 7] {
    [
        ("schema/site.schema.json", format!("{:#}\n", schema::site())),
        (
            "schema/course.schema.json",
            format!("{:#}\n", schema::course()),
        ),
        (
            "schema/publish.schema.json",
            format!("{:#}\n", schema::publish()),
        ),
        ("schema/test.schema.json", format!("{:#}\n", schema::test())),
        ("REFERENCE.md", reference::keys()),
        ("DIAGNOSTICS.md", codes::reference()),
        ("PATHS.md", paths),
    ]
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
