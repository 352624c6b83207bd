//! A conformance case.
//!
//! Not here: parsing a file of cases, which reports errors by line.

use core::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::answer::Expect;

/// A request and its expected result.
///
/// As JSON: `{"id":…,"now":SECS,"method":"GET","target":"/…","headers":[["name","value"]],"ip":"…",
/// "expect":{…}}`, where `headers` and `ip` are optional.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name of the case in reports. Numbers are converted to strings.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// The time of the request, in Unix seconds.
    pub now: i64,
    /// The method, as sent.
    pub method: String,
    /// The request target, as sent: path, and query if there is one.
    #[serde(with = "one_char_a_byte")]
    pub target: Vec<u8>,
    /// Header names and values, as sent, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The client's address, if the edge provides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The expected result.
    pub expect: Expect,
}

impl Case {
    /// Returns the target as a string with one char, U+0000 to U+00FF, per byte.
    pub fn target_text(&self) -> String {
        self.target.iter().copied().map(char::from).collect()
    }

    /// Returns the case as one line of JSON, without the newline.
    ///
    /// # Errors
    /// None in practice: every case is representable in JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Paths are bytes, but JSON strings are not: each char represents the byte with its number.
mod one_char_a_byte {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        text.chars()
            .map(|char| {
                u8::try_from(char).map_err(|_| {
                    D::Error::custom(format_args!(
                        "`target` holds {char:?}: a byte of it is one char U+0000 to U+00FF"
                    ))
                })
            })
            .collect()
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    struct Id;
    impl Visitor<'_> for Id {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a non-empty string or a whole number")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            if text.is_empty() {
                return Err(E::invalid_value(Unexpected::Str(text), &self));
            }
            Ok(text.to_owned())
        }

        fn visit_u64<E>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_i64<E>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    from.deserialize_any(Id)
}
