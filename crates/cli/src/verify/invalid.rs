//! The report about a token that is not valid.
//!
//! Not here: verifying it.

use serde_json::json;
use tollgate_token::{IssuerConfig, Rejected};

use crate::failure::Failure;
use crate::output::{BAD, print, print_json, styled};
use crate::verdict::Verdict;

/// Tells why a token is not valid. What it claims is not shown, since nobody has signed it.
pub(super) fn invalid(
    rejected: Rejected,
    issuer: Option<&IssuerConfig>,
    json: bool,
) -> Result<Verdict, Failure> {
    let error = rejected.error;
    let claim = error.claim().zip(issuer);
    let claim = claim.map(|(claim, issuer)| issuer.claim_name(claim));
    let message = match &claim {
        Some(claim) => format!("`{claim}` has another type or range than it must have"),
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
