//! Validation of the session configuration.

use alloc::string::String;

use tollgate_token::Algorithm;

use super::{GateConfig, TokenSource};
use crate::chars::{is_http_token_byte, is_path_byte};
use crate::session_config::{
    MARK_BYTES, MAX_LIFETIME_SECS, MIN_LIFETIME_SECS, SessionConfig, SessionForm, SessionPath,
};

/// Whether sessions can be minted with this configuration, and are accepted.
pub(super) fn is_mintable(session: &SessionConfig, gate: &GateConfig) -> bool {
    let issuer = usize::try_from(session.issuer).ok();
    let issuer = issuer.and_then(|at| gate.issuers.get(at));
    let can_sign = issuer.is_some_and(|issuer| {
        issuer.algorithms.contains(&Algorithm::HS256)
            && issuer
                .secrets
                .iter()
                .any(|secret| secret.kid == session.kid)
            && issuer.clients.contains(&gate.site)
            && !issuer.issuers.is_empty()
    });
    let is_read = |source: &TokenSource| matches!(source, TokenSource::Cookie(name) if *name == session.cookie);
    let is_path = |path: &str| path.starts_with('/') && path.bytes().all(is_path_byte);
    let is_mark = |mark: &String| {
        mark.len() == MARK_BYTES && mark.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let is_sound = |path: &SessionPath| {
        is_path(&path.path)
            && path.groups.is_sound()
            && path.scopes.is_sound()
            && path.marks.iter().all(is_mark)
    };
    let has_marks = session.issuers.len() == gate.issuers.len()
        && session.claims.iter().all(is_mark)
        && session
            .issuers
            .iter()
            .enumerate()
            .all(|(at, mark)| is_mark(mark) != (usize::try_from(session.issuer) == Ok(at)));
    // Gates accept sessions that are JWTs; a CWT in a source would be an invalid token.
    let is_form_read = session.form == SessionForm::Jwt;
    can_sign
        && has_marks
        && gate.sources.iter().any(is_read) == is_form_read
        && !session.cookie.is_empty()
        && session.cookie.bytes().all(is_http_token_byte)
        && (MIN_LIFETIME_SECS..=MAX_LIFETIME_SECS).contains(&session.lifetime_secs)
        && session.endpoint.as_deref().is_none_or(is_path)
        && !session.paths.is_empty()
        && session.paths.iter().all(is_sound)
}
