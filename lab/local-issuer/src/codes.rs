//! Authorization codes: each is valid once, for one client, one redirect URI and one proof (RFC 7636).

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// The lifetime of a code.
const LIFE_SECS: i64 = 300;

/// The grant that a code represents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) person: String,
    pub(crate) nonce: Option<String>,
    /// The `code_challenge`, method `S256`, if the client sent one.
    pub(crate) challenge: Option<String>,
}

/// Codes that have been issued and not been used.
#[derive(Debug, Default)]
pub(crate) struct Codes(Vec<(String, i64, Grant)>);

impl Codes {
    /// Issues a new code for this grant.
    pub(crate) fn give(&mut self, grant: Grant, now: i64) -> String {
        let code = format!("{:032x}", fastrand::u128(..));
        self.0.push((code.clone(), now + LIFE_SECS, grant));
        code
    }

    /// Redeems a code: returns its grant if everything matches. The code is used up in any case.
    pub(crate) fn redeem(
        &mut self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: i64,
    ) -> Option<Grant> {
        let place = self.0.iter().position(|(own, _, _)| own == code)?;
        let (_, good_until, grant) = self.0.swap_remove(place);
        let proven = match (&grant.challenge, verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => *challenge == s256(verifier),
            _ => false,
        };
        let fits = now < good_until
            && grant.client == client
            && grant.redirect_uri == redirect_uri
            && proven;
        fits.then_some(grant)
    }
}

/// Returns the challenge for this verifier, method `S256`.
fn s256(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verifier and challenge of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn grant(challenge: Option<&str>) -> Grant {
        Grant {
            client: "c".to_owned(),
            redirect_uri: "http://a/".to_owned(),
            person: "p".to_owned(),
            nonce: None,
            challenge: challenge.map(str::to_owned),
        }
    }

    #[test]
    fn a_code_is_valid_only_for_its_grant() {
        let with = grant(Some(CHALLENGE));
        let without = grant(None);
        let cases = [
            (&with, "c", "http://a/", Some(VERIFIER), 100, true),
            (
                &with,
                "c",
                "http://a/",
                Some(VERIFIER),
                100 + LIFE_SECS,
                false,
            ),
            (&with, "d", "http://a/", Some(VERIFIER), 100, false),
            (&with, "c", "http://a/x", Some(VERIFIER), 100, false),
            (&with, "c", "http://a/", Some("another"), 100, false),
            (&with, "c", "http://a/", None, 100, false),
            (&without, "c", "http://a/", None, 100, true),
            (&without, "c", "http://a/", Some(VERIFIER), 100, false),
        ];
        for (at, (grant, client, uri, verifier, now, good)) in cases.into_iter().enumerate() {
            let mut codes = Codes::default();
            let code = codes.give(grant.clone(), 100);
            let redeemed = codes.redeem(&code, client, uri, verifier, now);
            assert_eq!(redeemed.is_some(), good, "case {at}");
            let again = codes.redeem(&code, "c", "http://a/", verifier, 100);
            assert_eq!(again, None, "case {at}: a code is valid once");
        }
    }
}
