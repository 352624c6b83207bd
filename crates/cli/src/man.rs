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
    // Writing to memory does not fail.
    let _ = Page::new(command).render(&mut page);
    page
}
