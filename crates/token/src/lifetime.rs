//! The period in which a token is valid.
//!
//! Separate from the claims, so that the times of a verified token can be checked again without
//! parsing it again. Not here: a clock.

use tollgate_core::UnixSeconds;

use crate::{
    claims::{Claims, Round},
    error::{ClaimName, TokenError},
};

/// The times in a token: `exp`, `nbf` and `iat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    expires_at: i64,
    not_before: Option<i64>,
    issued_at: Option<i64>,
}

impl Lifetime {
    /// Reads the times of a token, whether or not it is valid now.
    pub(crate) fn read(claims: &Claims) -> Result<Self, TokenError> {
        let expires_at = claims.time(ClaimName::Exp, Round::Down)?;
        let expires_at = expires_at.ok_or(TokenError::MissingExp)?;
        let not_before = claims.time(ClaimName::Nbf, Round::Up)?;
        let issued_at = claims.time(ClaimName::Iat, Round::Up)?;
        if issued_at.is_some_and(|issued_at| issued_at > expires_at) {
            return Err(TokenError::BadClaim(ClaimName::Iat));
        }
        Ok(Self {
            expires_at,
            not_before,
            issued_at,
        })
    }

    /// Checks that the token is valid now. The leeway applies to `nbf` and `iat` and never extends
    /// the lifetime.
    ///
    /// # Errors
    /// Returns [`Expired`](TokenError::Expired), [`NotYetValid`](TokenError::NotYetValid) or
    /// [`IssuedInFuture`](TokenError::IssuedInFuture).
    pub fn check(&self, UnixSeconds(now): UnixSeconds, leeway_secs: u32) -> Result<(), TokenError> {
        if now >= self.expires_at {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(i64::from(leeway_secs));
        if self
            .not_before
            .is_some_and(|not_before| not_before > latest)
        {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > latest) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }

    /// The first second in which the token is no longer valid.
    pub fn expires_at(&self) -> UnixSeconds {
        UnixSeconds(self.expires_at)
    }

    /// The time of issue, if the token contains it.
    pub fn issued_at(&self) -> Option<UnixSeconds> {
        self.issued_at.map(UnixSeconds)
    }
}
