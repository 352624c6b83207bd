//! The questions of `tollgate init` on a terminal.
//!
//! Not here: whether they are asked.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use tollgate_author::starter::Provider;

use super::{Wanted, cognito, issuer};
use crate::output::visible;

/// Asks for everything that is not known yet. An empty answer, and the end of the input, is the default.
pub(super) fn ask(
    dir: Option<PathBuf>,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Wanted> {
    let dir = match dir {
        Some(dir) => dir,
        None => line(input, output, "Directory of the new site [policy]: ")?
            .map_or_else(|| "policy".into(), PathBuf::from),
    };
    let question = "Who issues the tokens? A Cognito user pool (REGION/POOL), the URL of an OpenID Connect issuer, \
                    or empty if you do not know yet: ";
    let provider = loop {
        let Some(text) = line(input, output, question)? else {
            break None;
        };
        if let Some(provider) = provider(&text) {
            break Some(provider);
        }
        writeln!(
            output,
            "`{}` is neither: write eu-west-1/eu-west-1_AbCdEf123, or https://id.example.com",
            visible(&text)
        )?;
    };
    let client = match provider {
        Some(_) => line(
            input,
            output,
            "ID of the app client at the issuer, or empty if you do not know yet: ",
        )?,
        None => None,
    };
    Ok(Wanted {
        dir,
        provider,
        client,
    })
}

fn provider(text: &str) -> Option<Provider> {
    issuer(text).or_else(|| cognito(text))
}

/// The answer, without spaces around it; `None` if it is empty.
fn line(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
) -> io::Result<Option<String>> {
    write!(output, "{question}")?;
    output.flush()?;
    let mut text = String::new();
    if input.read_line(&mut text)? == 0 {
        writeln!(output)?;
    }
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
