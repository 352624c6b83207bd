//! A key set (RFC 7517 §5), validated as a whole.
//!
//! Not here: the origin of the set, and when to fetch it again.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    algorithm::Algorithm,
    error::{KeyError, KeyErrorKind, SkipReason, SkippedKey},
    json::{Document, Value},
    jwk::{self, JwkError, Origin},
    provider::{CheckedKey, KeyMaterial, KeyRefused, Provider},
};

/// The keys of a set that may verify signatures. Each has one algorithm and a `kid` that is unique
/// among the keys of that algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<JwksKey>,
    skipped: Vec<SkippedKey>,
}

/// A key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksKey {
    /// Its key ID, unique among the keys of its algorithm. `None` only if it is the only one.
    pub kid: Option<Box<str>>,
    /// The algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key itself.
    pub material: KeyMaterial,
    /// Index in `keys`.
    pub index: usize,
}

impl JwksKey {
    /// Prepares the key to verify signatures over any bytes, for signed data that is not a token.
    ///
    /// # Errors
    /// Returns an error if the provider cannot use it.
    pub fn prepare(&self, provider: &dyn Provider) -> Result<CheckedKey, KeyRefused> {
        CheckedKey::prepare(provider, self.algorithm, &self.material)
    }

    fn has_same_name(&self, other: &Self) -> bool {
        (&self.kid, self.algorithm) == (&other.kid, other.algorithm)
    }

    fn skipped(self, reason: SkipReason) -> SkippedKey {
        SkippedKey {
            index: Some(self.index),
            kid: self.kid,
            reason,
        }
    }
}

impl Jwks {
    /// Parses a key set for an issuer that uses these algorithms.
    ///
    /// A key without `alg` gets the only listed algorithm for its kind of key. Keys for other
    /// purposes are skipped and recorded.
    ///
    /// # Errors
    /// Returns an error if the text is not a key set, or any key in it that is for signatures is
    /// invalid.
    pub fn parse(json: &[u8], allowed: &[Algorithm]) -> Result<Self, Vec<KeyError>> {
        let (set, errors) = Self::read(json, allowed)?;
        if errors.is_empty() {
            Ok(set)
        } else {
            Err(errors)
        }
    }

    /// Like [`parse`](Self::parse), but skips invalid keys: for a set fetched at run time, where
    /// one invalid key must not disable the valid ones.
    ///
    /// # Errors
    /// Returns an error if the text is not a key set.
    pub fn parse_lenient(json: &[u8], allowed: &[Algorithm]) -> Result<Self, Vec<KeyError>> {
        let (mut set, errors) = Self::read(json, allowed)?;
        set.skipped
            .extend(errors.into_iter().map(|error| SkippedKey {
                index: error.index,
                kid: error.kid,
                reason: SkipReason::Refused(error.fault),
            }));
        Ok(set)
    }

    /// The keys, in the order of the set.
    pub fn keys(&self) -> &[JwksKey] {
        &self.keys
    }

    /// The skipped keys, with reasons.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    fn read(json: &[u8], allowed: &[Algorithm]) -> Result<(Self, Vec<KeyError>), Vec<KeyError>> {
        let whole = |fault| Vec::from([KeyError::whole_set(fault)]);
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        let document = Document::parse(json.to_vec()).map_err(|_| whole(KeyErrorKind::NotJson))?;
        let elements = document.root().member("keys").and_then(Value::elements);
        let elements = elements.ok_or_else(|| whole(KeyErrorKind::NotAKeySet))?;
        let mut set = Self::default();
        let mut errors = Vec::new();
        let count = elements.clone().count();
        for (index, element) in elements.enumerate() {
            if !element.is_object() {
                return Err(whole(KeyErrorKind::NotAKeySet));
            }
            match read_key(element, allowed) {
                Ok((kid, algorithm, material)) => set.keys.push(JwksKey {
                    kid,
                    algorithm,
                    material,
                    index,
                }),
                Err(JwkError::Skipped(reason)) => set.skipped.push(SkippedKey {
                    index: Some(index),
                    kid: short_kid(element),
                    reason,
                }),
                Err(JwkError::Bad(fault)) => {
                    if errors.is_empty() {
                        // A set may consist of errors only, and a growing vector briefly takes
                        // twice its memory.
                        errors.reserve_exact(count - index);
                    }
                    errors.push(KeyError {
                        issuer: None,
                        index: Some(index),
                        kid: short_kid(element),
                        fault,
                    });
                }
            }
        }
        set.drop_repeated();
        set.drop_ambiguous(&mut errors);
        Ok((set, errors))
    }

    /// Drops all but the first of several entries for the same key.
    fn drop_repeated(&mut self) {
        let mut kept: Vec<JwksKey> = Vec::with_capacity(self.keys.len());
        for key in core::mem::take(&mut self.keys) {
            let is_same =
                |other: &JwksKey| key.has_same_name(other) && key.material == other.material;
            if kept.iter().any(is_same) {
                self.skipped.push(key.skipped(SkipReason::Repeated));
            } else {
                kept.push(key);
            }
        }
        self.keys = kept;
    }

    /// Moves keys that no token can select to `errors`. Only the remaining keys count: a key for
    /// encryption or for another algorithm with the same name is not ambiguous (RFC 7517 §4.5).
    fn drop_ambiguous(&mut self, errors: &mut Vec<KeyError>) {
        let fault_of = |key: &JwksKey| {
            let others = self.keys.iter().filter(|other| other.index != key.index);
            let mut others = others.filter(|other| other.algorithm == key.algorithm);
            match &key.kid {
                None => others.next().map(|_| KeyErrorKind::MissingKid),
                Some(_) => others
                    .any(|other| other.kid == key.kid)
                    .then_some(KeyErrorKind::DuplicateKid),
            }
        };
        let faults: Vec<_> = self.keys.iter().map(fault_of).collect();
        let mut faults = faults.into_iter();
        self.keys.retain(|key| {
            let fault = faults.next().flatten();
            errors.extend(fault.map(|fault| KeyError {
                issuer: None,
                index: Some(key.index),
                kid: key.kid.clone(),
                fault,
            }));
            fault.is_none()
        });
        errors.sort_by_key(|error| error.index);
    }
}

/// The bytes that some programs write before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn short_kid(element: Value<'_>) -> Option<Box<str>> {
    let kid = element.member("kid").and_then(Value::as_str)?;
    jwk::validate_kid(kid).ok()
}

fn read_key(
    element: Value<'_>,
    allowed: &[Algorithm],
) -> Result<(Option<Box<str>>, Algorithm, KeyMaterial), JwkError> {
    let kid = jwk::text(element, "kid")?;
    let key = jwk::validate(element, Origin::Set)?;
    let algorithm = match key.algorithm {
        Some(algorithm) if allowed.contains(&algorithm) => algorithm,
        Some(_) => return Err(JwkError::Skipped(SkipReason::AlgorithmNotListed)),
        None => only_algorithm(&key.material, allowed)?,
    };
    let kid = kid.map(jwk::validate_kid).transpose()?;
    Ok((kid, algorithm, key.material))
}

/// The only listed algorithm for a key without `alg`.
fn only_algorithm(material: &KeyMaterial, allowed: &[Algorithm]) -> Result<Algorithm, JwkError> {
    let mut candidates = allowed
        .iter()
        .copied()
        .filter(|algorithm| material.fits(*algorithm));
    let first = candidates
        .next()
        .ok_or(JwkError::Skipped(SkipReason::AlgorithmNotListed))?;
    if candidates.any(|other| other != first) {
        return Err(KeyErrorKind::AmbiguousAlgorithm.into());
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use alloc::{
        format,
        string::{String, ToString},
        vec,
    };

    use super::*;
    use crate::algorithm::Algorithm::{ES256, EdDSA, PS256, RS256, RS384};

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn rsa() -> String {
        format!(
            r#""kty":"RSA","e":"AQAB","n":"{}""#,
            "q6ur".repeat(85) + "qw"
        )
    }

    /// The point below that of `EC`.
    fn other() -> String {
        EC.replace(
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "OA67MeRCZIJ40yASRhFGC0yWopJW9NtSdbnc13p3GlI",
        )
    }

    fn set(keys: &[String]) -> String {
        format!(r#"{{"other":[{{}}],"keys":[{}]}}"#, keys.join(","))
    }

    fn faults(text: &str, allowed: &[Algorithm]) -> Vec<(Option<usize>, KeyErrorKind)> {
        let errors = Jwks::parse(text.as_bytes(), allowed).unwrap_err();
        errors
            .into_iter()
            .map(|error| (error.index, error.fault))
            .collect()
    }

    #[test]
    fn whole_sets() {
        for (text, fault) in [
            ("", KeyErrorKind::NotJson),
            (r#"{"keys":[],"keys":[]}"#, KeyErrorKind::NotJson),
            ("[]", KeyErrorKind::NotAKeySet),
            ("{}", KeyErrorKind::NotAKeySet),
            (r#"{"keys":{}}"#, KeyErrorKind::NotAKeySet),
            (r#"{"keys":[1]}"#, KeyErrorKind::NotAKeySet),
            (r#"{"keys":[{},[]]}"#, KeyErrorKind::NotAKeySet),
        ] {
            assert_eq!(faults(text, &[RS256]), [(None, fault)], "{text}");
            assert!(Jwks::parse_lenient(text.as_bytes(), &[RS256]).is_err());
        }
        assert_eq!(
            Jwks::parse(br#"{"keys":[]}"#, &[RS256]),
            Ok(Jwks::default())
        );
    }

    #[test]
    fn algorithms_come_from_the_key_or_from_the_list() {
        let text = set(&[
            format!(r#"{{"kid":"r","alg":"RS256",{}}}"#, rsa()),
            format!(r#"{{"kid":"bare",{}}}"#, rsa()),
            format!(r#"{{"kid":"ec",{EC}}}"#),
            format!(r#"{{"kid":"ed",{ED}}}"#),
            format!(r#"{{"kid":"enc","use":"enc",{}}}"#, rsa()),
        ]);
        let keys = |allowed: &[Algorithm]| {
            let set = Jwks::parse(text.as_bytes(), allowed).unwrap();
            let keys: Vec<_> = set
                .keys()
                .iter()
                .map(|key| (key.index, key.algorithm))
                .collect();
            let skipped: Vec<_> = set
                .skipped()
                .iter()
                .map(|note| (note.index.unwrap(), note.reason))
                .collect();
            (keys, skipped)
        };
        let enc = (4, SkipReason::NotForSignatures);
        let unlisted = |index| (index, SkipReason::AlgorithmNotListed);
        let (found, skipped) = keys(&[RS256, ES256, EdDSA]);
        assert_eq!(found, [(0, RS256), (1, RS256), (2, ES256), (3, EdDSA)]);
        assert_eq!(skipped, [enc]);
        let (found, skipped) = keys(&[RS384, RS384]);
        assert_eq!(found, [(1, RS384)]);
        assert_eq!(skipped, [unlisted(0), unlisted(2), unlisted(3), enc]);
        let (found, skipped) = keys(&[]);
        assert_eq!(found, []);
        assert_eq!(skipped.len(), 5);
        assert_eq!(
            faults(&text, &[RS256, PS256]),
            [(Some(1), KeyErrorKind::AmbiguousAlgorithm)]
        );
    }

    #[test]
    fn names() {
        let long = "k".repeat(128);
        let text = set(&[
            format!(r#"{{"kid":"{long}",{EC}}}"#),
            format!(r#"{{"kid":"a",{EC}}}"#),
        ]);
        assert!(Jwks::parse(text.as_bytes(), &[ES256]).is_ok());
        for (kid, fault) in [
            (format!(r#""kid":"{long}k","#), KeyErrorKind::BadKid),
            (r#""kid":"","#.into(), KeyErrorKind::BadKid),
            (r#""kid":1,"#.into(), KeyErrorKind::BadMember("kid")),
        ] {
            let text = set(&[format!("{{{kid}{EC}}}")]);
            assert_eq!(faults(&text, &[ES256]), [(Some(0), fault)], "{text}");
        }
        // A key without a name is usable if it is the only one for its algorithm.
        for kid in ["", r#""kid":null,"#] {
            let single = set(&[format!("{{{kid}{EC}}}"), format!(r#"{{"kid":"ed",{ED}}}"#)]);
            let keys = Jwks::parse(single.as_bytes(), &[ES256, EdDSA]).unwrap();
            assert_eq!(keys.keys()[0].kid, None);
            let several = set(&[
                format!("{{{kid}{EC}}}"),
                format!(r#"{{"kid":"a",{}}}"#, other()),
            ]);
            assert_eq!(
                faults(&several, &[ES256]),
                [(Some(0), KeyErrorKind::MissingKid)]
            );
        }
    }

    #[test]
    fn a_name_means_one_key() {
        let text = set(&[
            format!(r#"{{"kid":"a",{EC}}}"#),
            format!(r#"{{"kid":"\u0061",{}}}"#, other()),
            format!(r#"{{"kid":"A",{EC}}}"#),
        ]);
        let duplicate = KeyErrorKind::DuplicateKid;
        assert_eq!(
            faults(&text, &[ES256]),
            [(Some(0), duplicate), (Some(1), duplicate)]
        );
        let lenient = Jwks::parse_lenient(text.as_bytes(), &[ES256]).unwrap();
        assert_eq!(lenient.keys().len(), 1);
        assert_eq!(lenient.keys()[0].kid.as_deref(), Some("A"));
        let reasons: Vec<_> = lenient.skipped().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, vec![SkipReason::Refused(duplicate); 2]);
    }

    #[test]
    fn what_is_one_key_or_no_rival_is_not_ambiguous() {
        // The same name for an encryption key, for a key of another kind, and for the same key
        // again.
        let text = set(&[
            format!(r#"{{"kid":"a",{EC}}}"#),
            format!(r#"{{"kid":"a","use":"enc",{EC}}}"#),
            format!(r#"{{"kid":"a",{ED}}}"#),
            format!(r#"{{"kid":"a","alg":"ES256","use":"sig",{EC}}}"#),
        ]);
        let read = Jwks::parse(text.as_bytes(), &[ES256, EdDSA]).unwrap();
        assert_eq!(read.keys().len(), 2);
        let skipped: Vec<_> = read
            .skipped()
            .iter()
            .map(|note| (note.index, note.reason))
            .collect();
        let expected = [
            (Some(1), SkipReason::NotForSignatures),
            (Some(3), SkipReason::Repeated),
        ];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn what_real_key_sets_contain() {
        // A byte order mark, padding, null members, leading zeros, and keys for other purposes.
        let padded = EC.replace("VEU", "VEU=").replace("5a0", "5a0=");
        let mut n = alloc::vec![0, 0];
        n.extend(crate::base64url::decode(("q6ur".repeat(85) + "qw").as_bytes()).unwrap());
        let n = String::from_utf8(crate::base64url::encode(&n)).unwrap();
        let zeros = format!(r#""kty":"RSA","e":"AAEAAQ","n":"{n}""#);
        let keys = [
            format!(r#"{{"kid":"p",{padded},"use":null,"alg":null,"key_ops":null,"x5c":null}}"#),
            format!(r#"{{"kid":"z",{zeros}}}"#),
            r#"{"kty":"EC","crv":"secp256k1","kid":"k","x":"AQ","y":"AQ"}"#.to_string(),
            r#"{"kty":"AKP","alg":"ML-DSA-44","kid":"pq","pub":"AQ"}"#.to_string(),
        ];
        let text = format!("\u{feff}{}", set(&keys));
        let read = Jwks::parse(text.as_bytes(), &[ES256, RS256]);
        assert_eq!(
            read.map(|read| (read.keys().len(), read.skipped().len())),
            Ok((2, 2))
        );
    }
}
