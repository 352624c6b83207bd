//! The report about an invalid token.
//!
//! Not here: verifying it.

use serde_json::json;
use tollgate_token::{IssuerConfig, Rejected};

use crate::failure::Failure;
use crate::output::{BAD, print, print_json, styled};
use crate::verdict::Verdict;

/// Reports why a token is invalid. Its claims are not shown, because they are not verified.
pub(super) fn invalid(
    rejected: Rejected,
    issuer: Option<&IssuerConfig>,
    json: bool,
) -> Result<Verdict, Failure> {
    let error = rejected.error;
    let claim = error.claim().zip(issuer);
    let claim = claim.map(|(claim, issuer)| issuer.claim_name(claim));
    let message = match &claim {
        Some(claim) => format!("`{claim}` has the wrong type or is out of range"),
        None => error.to_string(),
    };
    if json {
        print_json(json!({
            "valid": false,
            "code": error.code(),
            "claim": claim,
            "message": message,
            "issuer": null,
            "claims": null,
        }))?;
    } else {
        print(format_args!(
            "{} {}: {message}",
            styled(BAD, "invalid"),
            error.code()
        ))?;
    }
    Ok(Verdict::No)
}
