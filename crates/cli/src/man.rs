//! `tollgate man`: manual pages, one for each subcommand.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::Cli;
use crate::failure::Failure;
use crate::output::{GOOD, print, print_bytes, styled, visible};
use crate::verdict::Verdict;
use crate::write::write_whole;

/// Print the manual page, or write the pages of all subcommands
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate man | man -l -
  tollgate man -o ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write the pages of all subcommands to this directory; replaces pages of these names
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let mut cli = Cli::command();
        // Sets the complete names of subcommands.
        cli.build();
        let Some(out) = self.out else {
            print_bytes(&page(cli))?;
            return Ok(Verdict::Yes);
        };
        fs::create_dir_all(&out).map_err(|error| Failure::Write {
            path: out.clone(),
            error,
        })?;
        let mut pages = Vec::new();
        collect(cli, "tollgate", &mut pages);
        for (name, command) in &pages {
            let path = out.join(format!("{name}.1"));
            write_whole(&path, &page(command.clone()))
                .map_err(|error| Failure::Write { path, error })?;
        }
        print(format_args!(
            "{} {} pages in {}",
            styled(GOOD, "wrote"),
            pages.len(),
            visible(&out.to_string_lossy())
        ))?;
        Ok(Verdict::Yes)
    }
}

/// The command and all its subcommands, each with the name of its page.
fn collect(command: Command, name: &str, pages: &mut Vec<(String, Command)>) {
    for inner in command.get_subcommands() {
        if inner.get_name() != "help" {
            collect(
                inner.clone(),
                &format!("{name}-{}", inner.get_name()),
                pages,
            );
        }
    }
    pages.push((name.to_owned(), command));
}

fn page(command: Command) -> Vec<u8> {
    let name = command.get_bin_name().unwrap_or_default().replace(' ', "-");
    let command = match name.is_empty() {
        true => command,
        false => command.display_name(name),
    };
    let mut page = Vec::new();
    let source = concat!("tollgate ", env!("CARGO_PKG_VERSION"));
    // Writing to memory does not fail.
    let _ = Page::new(command)
        .source(source)
        .manual("Tollgate")
        .render(&mut page);
    set(&String::from_utf8_lossy(&page)).into_bytes()
}

/// The page with examples as they are typed: nothing is hyphenated or spread, and indented lines are not filled.
fn set(page: &str) -> String {
    let mut text = String::with_capacity(page.len() + 64);
    let mut is_indented = false;
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let indented = line.starts_with("  ");
        if indented != is_indented {
            text.push_str(if indented { ".nf\n" } else { ".fi\n" });
            is_indented = indented;
        }
        if line == ".SH EXTRA" {
            let begins_with_examples = lines.next_if_eq(&"Examples:").is_some();
            text.push_str(match begins_with_examples {
                true => ".SH EXAMPLES\n",
                false => ".SH NOTES\n",
            });
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if line.starts_with(".TH ") {
            text.push_str(".nh\n.ad l\n");
        }
    }
    if is_indented {
        text.push_str(".fi\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stay_as_they_are_typed() {
        let page = ".TH a 1\n.SH EXTRA\nExamples:\n  a \\-\\-b\n  c\n\nText.\n.SH VERSION\nv1\n";
        let expected = ".TH a 1\n.nh\n.ad l\n.SH EXAMPLES\n.nf\n  a \\-\\-b\n  c\n.fi\n\nText.\n\
            .SH VERSION\nv1\n";
        assert_eq!(set(page), expected);
        assert_eq!(
            set(".SH EXTRA\nText.\n  x\n"),
            ".SH NOTES\nText.\n.nf\n  x\n.fi\n"
        );
    }

    #[test]
    fn no_page_breaks_an_example() {
        let mut cli = Cli::command();
        cli.build();
        let mut pages = Vec::new();
        collect(cli, "tollgate", &mut pages);
        assert!(pages.len() > 20);
        for (name, command) in pages {
            let page = String::from_utf8(page(command)).unwrap();
            assert_eq!(page.matches("\n.nh\n").count(), 1, "{name}");
            assert!(!page.contains("EXTRA"), "{name}");
            assert_eq!(
                page.matches("\n.nf\n").count(),
                page.matches("\n.fi\n").count(),
                "{name}"
            );
            let first = page.lines().find(|line| line.starts_with(".TH "));
            let version = concat!("tollgate ", env!("CARGO_PKG_VERSION"));
            assert!(first.unwrap().contains(version), "{name}: {first:?}");
        }
    }
}
