//! Writes the tables of edges to documents, or checks them: `edge-tables [--check] FILE…`.
//!
//! A table is the text between `<!-- edges -->` and `<!-- /edges -->`. Exit codes: 0 if written or up to date, 3 if out
//! of date, 2 for an error.

use std::process::ExitCode;

use tollgate_edges::EDGES;

const BEGIN: &str = "<!-- edges -->\n";
const END: &str = "<!-- /edges -->\n";

fn main() -> ExitCode {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let check = files.first().is_some_and(|first| first == "--check");
    if check {
        files.remove(0);
    }
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match update(&file, check) {
            Ok(true) => {}
            Ok(false) => {
                eprintln!("{file} is out of date: run `cargo xtask codegen`");
                code = ExitCode::from(3);
            }
            Err(error) => {
                eprintln!("error: {file}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    code
}

/// Writes the table to a file. With `check`, only returns whether the table is up to date.
fn update(file: &str, check: bool) -> std::io::Result<bool> {
    let text = std::fs::read_to_string(file)?;
    let (before, rest) = text.split_once(BEGIN).ok_or(std::io::ErrorKind::NotFound)?;
    let (table, after) = rest.split_once(END).ok_or(std::io::ErrorKind::NotFound)?;
    let new = rows();
    if table == new {
        return Ok(true);
    }
    if check {
        return Ok(false);
    }
    std::fs::write(file, [before, BEGIN, &new, END, after].concat())?;
    Ok(true)
}

/// The table, with one row per edge.
fn rows() -> String {
    let mut table = "| `--target` | artifact | tested on |\n|---|---|---|\n".to_owned();
    // The table of proxies is in their own page.
    for edge in EDGES.iter().filter(|edge| edge.proxy().is_none()) {
        let [runs, tested] = edge.readme;
        table.push_str(&format!("| `{}` | {runs} | {tested} |\n", edge.name));
    }
    table.push_str(
        "| `image` (default) | the policy image, for the programs in the next table | |\n",
    );
    table
}
