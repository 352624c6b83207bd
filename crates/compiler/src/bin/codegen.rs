//! Writes what is generated from the compiler's tables into a policy folder: JSON Schemas for editors
//! and the reference of diagnostic codes. With `--check` it compares instead of writing.
//!
//! Not for authors: `cargo xtask codegen` calls it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use tollgate_compiler::{diagnostic::codes, schema};

fn main() -> ExitCode {
    let mut check = false;
    let mut folder = None;
    for argument in env::args_os().skip(1) {
        if argument == "--check" {
            check = true;
        } else if folder.replace(PathBuf::from(argument)).is_some() {
            return usage();
        }
    }
    let Some(folder) = folder else { return usage() };
    let mut stale = false;
    for (name, text) in generated() {
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
    eprintln!("usage: codegen [--check] POLICY_FOLDER");
    ExitCode::from(2)
}

fn generated() -> [(&'static str, String); 4] {
    [
        ("schema/site.schema.json", format!("{:#}\n", schema::site())),
        (
            "schema/course.schema.json",
            format!("{:#}\n", schema::course()),
        ),
        ("schema/test.schema.json", format!("{:#}\n", schema::test())),
        ("DIAGNOSTICS.md", codes::reference()),
    ]
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
