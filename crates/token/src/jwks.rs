//! A key set (RFC 7517 §5), judged as a whole.
//!
//! Not here: where the set came from, and when to fetch it again.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use crate::{
    algorithm::Algorithm,
    error::{KeyError, KeyFault, KeyNote, SkipReason},
    json::{Document, Value},
    jwk::{self, JwkError, Origin},
    provider::{CheckedKey, KeyMaterial, KeyRefused, Provider},
};

/// The keys of a set that may verify signatures. Each has a `kid` of its own and one algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<JwksKey>,
    skipped: Vec<KeyNote>,
}

/// A key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksKey {
    /// Its name, unique in the set.
    pub kid: Box<str>,
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key itself.
    pub material: KeyMaterial,
    /// Position in `keys`, from 0.
    pub index: usize,
}

impl JwksKey {
    /// The key, ready to verify signatures over any bytes: for what is signed and is no token.
    ///
    /// # Errors
    /// If the provider cannot use it.
    pub fn prepare(&self, provider: &dyn Provider) -> Result<CheckedKey, KeyRefused> {
        CheckedKey::prepare(provider, self.algorithm, &self.material)
    }
}

impl Jwks {
    /// Reads a key set for an issuer that uses these algorithms.
    ///
    /// A key without `alg` is given the only algorithm of the list that its kind of key has. Keys
    /// that are for other work are left out with a note.
    ///
    /// # Errors
    /// If the text is not a key set, or any key in it that is for signatures is bad.
    pub fn parse(json: &[u8], allowed: &[Algorithm]) -> Result<Self, Vec<KeyError>> {
        let (set, errors) = Self::read(json, allowed)?;
        if errors.is_empty() {
            Ok(set)
        } else {
            Err(errors)
        }
    }

    /// Like [`parse`](Self::parse), but bad keys become notes: for a set fetched at run time, where
    /// one bad key must not take the good ones away.
    ///
    /// # Errors
    /// If the text is not a key set.
    pub fn parse_lenient(json: &[u8], allowed: &[Algorithm]) -> Result<Self, Vec<KeyError>> {
        let (mut set, errors) = Self::read(json, allowed)?;
        set.skipped.extend(errors.into_iter().map(|error| KeyNote {
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

    /// What was left out, and why.
    pub fn skipped(&self) -> &[KeyNote] {
        &self.skipped
    }

    fn read(json: &[u8], allowed: &[Algorithm]) -> Result<(Self, Vec<KeyError>), Vec<KeyError>> {
        let whole = |fault| Vec::from([KeyError::whole_set(fault)]);
        let document = Document::parse(json.to_vec()).map_err(|_| whole(KeyFault::NotJson))?;
        let elements = document.root().member("keys").and_then(Value::elements);
        let elements: Vec<_> = elements
            .ok_or_else(|| whole(KeyFault::NotAKeySet))?
            .collect();
        if !elements.iter().all(|element| element.is_object()) {
            return Err(whole(KeyFault::NotAKeySet));
        }

        // Names are counted over all keys, also those for other work: a name that could mean two
        // keys is not one.
        let mut holders = BTreeMap::<&str, usize>::new();
        for kid in elements
            .iter()
            .filter_map(|element| element.member("kid")?.as_str())
        {
            *holders.entry(kid).or_default() += 1;
        }

        let mut set = Self::default();
        let mut errors = Vec::new();
        for (index, element) in elements.into_iter().enumerate() {
            let kid = element.member("kid").and_then(Value::as_str);
            let short_kid = kid.and_then(|kid| jwk::judge_kid(kid).ok());
            match read_key(element, allowed, &holders) {
                Ok((kid, algorithm, material)) => {
                    set.keys.push(JwksKey {
                        kid,
                        algorithm,
                        material,
                        index,
                    });
                }
                Err(JwkError::Skipped(reason)) => {
                    set.skipped.push(KeyNote {
                        index: Some(index),
                        kid: short_kid,
                        reason,
                    });
                }
                Err(JwkError::Bad(fault)) => errors.push(KeyError {
                    issuer: None,
                    index: Some(index),
                    kid: short_kid,
                    fault,
                }),
            }
        }
        Ok((set, errors))
    }
}

fn read_key(
    element: Value<'_>,
    allowed: &[Algorithm],
    holders: &BTreeMap<&str, usize>,
) -> Result<(Box<str>, Algorithm, KeyMaterial), JwkError> {
    let kid = jwk::text(element, "kid")?;
    if kid
        .and_then(|kid| holders.get(kid))
        .is_some_and(|count| *count > 1)
    {
        return Err(KeyFault::DuplicateKid.into());
    }
    let key = jwk::judge(element, Origin::Set)?;
    let algorithm = match key.algorithm {
        Some(algorithm) if allowed.contains(&algorithm) => algorithm,
        Some(_) => return Err(JwkError::Skipped(SkipReason::AlgorithmNotListed)),
        None => only_algorithm(&key.material, allowed)?,
    };
    let kid = jwk::judge_kid(kid.ok_or(KeyFault::MissingKid)?)?;
    Ok((kid, algorithm, key.material))
}

/// The only listed algorithm for a key that does not name one.
fn only_algorithm(material: &KeyMaterial, allowed: &[Algorithm]) -> Result<Algorithm, JwkError> {
    let mut candidates = allowed
        .iter()
        .copied()
        .filter(|algorithm| material.fits(*algorithm));
    let first = candidates
        .next()
        .ok_or(JwkError::Skipped(SkipReason::AlgorithmNotListed))?;
    if candidates.any(|other| other != first) {
        return Err(KeyFault::AmbiguousAlgorithm.into());
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec};

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

    fn set(keys: &[String]) -> String {
        format!(r#"{{"other":[{{}}],"keys":[{}]}}"#, keys.join(","))
    }

    fn faults(text: &str, allowed: &[Algorithm]) -> Vec<(Option<usize>, KeyFault)> {
        let errors = Jwks::parse(text.as_bytes(), allowed).unwrap_err();
        errors
            .into_iter()
            .map(|error| (error.index, error.fault))
            .collect()
    }

    #[test]
    fn whole_sets() {
        for (text, fault) in [
            ("", KeyFault::NotJson),
            (r#"{"keys":[],"keys":[]}"#, KeyFault::NotJson),
            ("[]", KeyFault::NotAKeySet),
            ("{}", KeyFault::NotAKeySet),
            (r#"{"keys":{}}"#, KeyFault::NotAKeySet),
            (r#"{"keys":[1]}"#, KeyFault::NotAKeySet),
            (r#"{"keys":[{},[]]}"#, KeyFault::NotAKeySet),
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
            [(Some(1), KeyFault::AmbiguousAlgorithm)]
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
            (format!(r#""kid":"{long}k","#), KeyFault::BadKid),
            (r#""kid":"","#.into(), KeyFault::BadKid),
            (r#""kid":1,"#.into(), KeyFault::BadMember("kid")),
            (r#""kid":null,"#.into(), KeyFault::BadMember("kid")),
            (String::new(), KeyFault::MissingKid),
        ] {
            let text = set(&[format!("{{{kid}{EC}}}")]);
            assert_eq!(faults(&text, &[ES256]), [(Some(0), fault)], "{text}");
        }
    }

    #[test]
    fn a_name_means_one_key() {
        let text = set(&[
            format!(r#"{{"kid":"a",{EC}}}"#),
            format!(r#"{{"kid":"\u0061","use":"enc",{EC}}}"#),
            format!(r#"{{"kid":"A",{EC}}}"#),
        ]);
        let duplicate = KeyFault::DuplicateKid;
        assert_eq!(
            faults(&text, &[ES256]),
            [(Some(0), duplicate), (Some(1), duplicate)]
        );
        let lenient = Jwks::parse_lenient(text.as_bytes(), &[ES256]).unwrap();
        assert_eq!(lenient.keys().len(), 1);
        assert_eq!(lenient.keys()[0].kid.as_ref(), "A");
        let reasons: Vec<_> = lenient.skipped().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, vec![SkipReason::Refused(duplicate); 2]);
    }
}
