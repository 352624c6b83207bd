//! Tokens for the demo, from `tollgate token mint` with the fixture keys; and spoiled ones.

use anyhow::Result;

use super::Who;

/// A token for everybody the demo knows.
pub(super) struct Tokens(Vec<(Who, String)>);

impl Tokens {
    /// Mints them all.
    pub(super) fn mint(_now: i64) -> Result<Tokens> {
        Ok(Tokens(Vec::new()))
    }

    /// The token of somebody; none for nobody.
    pub(super) fn of(&self, who: Who) -> Option<&str> {
        self.0
            .iter()
            .find(|(own, _)| *own == who)
            .map(|(_, token)| token.as_str())
    }
}
