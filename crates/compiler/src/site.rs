//! `site.toml`: the settings of the whole site.
//!
//! Rules use the claims and path options; everything about tokens and responses becomes the gate's
//! configuration ([`gate`]). Not here: rules.

mod advice;
mod answer;
mod gate;
mod granted;
mod issuer;
mod keys;
mod origin;
mod pages;
mod paths;
mod session;
mod sign_in;
pub(crate) mod stand_in;

pub use advice::Suppression;
pub(crate) use granted::check_names;
pub(crate) use paths::Paths;
pub(crate) use session::Draft;
pub use session::SessionReads;

use tollgate_gate::config::GateConfig;
use tollgate_token::IssuerConfig;

use crate::claims::Claims;
use crate::diagnostic::Report;
use crate::document::Table;
use crate::options::CompileOptions;
use crate::source::SourceTree;

/// The settings that rules depend on.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pub(crate) claims: Claims,
    pub(crate) paths: Paths,
    pub(crate) gate: Option<GateConfig>,
    /// `[session]`, until the rules are known.
    pub(crate) session: Option<Draft>,
    /// Whether `[session]` was rejected, so that the issuer that signs sessions is unknown.
    pub(crate) is_session_refused: bool,
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) min_coverage: Option<u8>,
}

impl Site {
    /// The issuers, if they could be read.
    pub(crate) fn issuers(&self) -> Option<&[IssuerConfig]> {
        self.gate.as_ref().map(|gate| gate.issuers.as_slice())
    }
}

/// What the settings are read from, next to `site.toml`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'s> {
    pub(crate) sources: &'s SourceTree,
    pub(crate) options: &'s CompileOptions,
    /// Whether a stand-in replaces each secret whose file is missing.
    pub(crate) has_stand_ins: bool,
}

/// Reads everything in `site.toml` but its rules.
pub(crate) fn read(root: Table<'_>, input: Input<'_>, report: &mut Report) -> Site {
    let claims = Claims::read(root, report);
    let sign_in_path = sign_in::path(root, report);
    let answer = sign_in_path.as_deref().map(sign_in::answer);
    let mut gate = gate::read(root, answer, input, report);
    let session = gate
        .as_ref()
        .and_then(|gate| session::read(root, gate, report));
    if let (Some(gate), Some(path)) = (&mut gate, sign_in_path) {
        gate.sign_in = sign_in::read(root, path, gate, session.as_ref(), input, report);
    }
    Site {
        is_session_refused: root.has("session") && session.is_none(),
        session,
        claims,
        paths: Paths::read(root, report),
        gate,
        suppressions: advice::suppressions(root, report),
        min_coverage: advice::min_coverage(root),
    }
}
