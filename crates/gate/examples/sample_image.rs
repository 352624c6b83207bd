//! Writes the image of the small site of the tests, for tests of gates in other languages.

use std::process::ExitCode;

#[allow(dead_code, reason = "only the image is used here")]
#[path = "../tests/gate/site.rs"]
mod site;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: sample_image FILE");
        return ExitCode::from(2);
    };
    match std::fs::write(&path, site::image(&site::everything())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample_image: {error}");
            ExitCode::from(2)
        }
    }
}
