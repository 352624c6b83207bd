//! Stand-ins for secrets whose files are missing.
//!
//! Not here: which commands accept them ([`crate::preview`]).

use sha2::{Digest, Sha256};

use super::Input;
use super::keys::named_file;
use crate::diagnostic::{Diagnostic, Report, codes, shown_address};
use crate::document::Text;
use crate::source::is_inside;

/// The content of the file of a secret.
pub(super) enum Content<'s> {
    Text(&'s str),
    /// The file is missing, and a stand-in replaces it, which was reported.
    StandIn,
}

/// Reads the file of a secret; `None` if an error was reported. `cure` is the help where no stand-in may replace it.
pub(super) fn secret_file<'s>(
    name: &Text<'_>,
    example: &str,
    cure: String,
    input: Input<'s>,
    report: &mut Report,
) -> Option<Content<'s>> {
    let sources = input.sources;
    // A file that exists and cannot be read was refused, which is an error.
    let is_missing = is_inside(name.value)
        && sources.text(name.value).is_none()
        && !sources.was_refused(name.value);
    if !(input.has_stand_ins && is_missing) {
        let missing = (&codes::NO_KEY_FILE, cure);
        return named_file(name, example, missing, sources, report).map(Content::Text);
    }
    let is_known = |known: &Diagnostic| is_about(known, name.value);
    if !report.diagnostics.iter().any(is_known) {
        let message = message(name.value);
        report
            .add(&codes::SECRET_STAND_IN, name.span, message)
            .help(format!(
                "write the secret to `{}` where you build, publish or serve the policy; no other command needs it",
                shown_address(name.value)
            ));
    }
    Some(Content::StandIn)
}

fn message(file: &str) -> String {
    let file = shown_address(file);
    format!("secret `{file}` is missing, and a stand-in is used")
}

/// Whether a diagnostic is the note about the stand-in for this file.
pub(crate) fn is_about(diagnostic: &Diagnostic, file: &str) -> bool {
    *diagnostic.code == codes::SECRET_STAND_IN && diagnostic.message == message(file)
}

/// The stand-in for a missing secret.
///
/// It follows from the name of the file: two revisions of a policy have the same stand-in, so none of them differs
/// because of it, and two files have different ones, as two secrets must.
pub(crate) fn bytes(file: &str, length: usize) -> Vec<u8> {
    let block = |number: u8| {
        let digest = Sha256::new().chain_update(b"tollgate stand-in");
        digest.chain_update([number]).chain_update(file).finalize()
    };
    (0..=u8::MAX).flat_map(block).take(length).collect()
}

/// The stand-in for a missing client secret, which is text.
pub(crate) fn text(file: &str) -> String {
    const LENGTH: usize = 16;
    let digits = bytes(file, LENGTH).into_iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}
