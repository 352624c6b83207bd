//! A strict JSON parser for small untrusted documents: token headers, claims and key sets.
//!
//! RFC 8259 to the letter, and stricter where parsers are known to differ: names in an object are
//! unique (compared after unescaping, at every level), surrogates must be paired, and containers
//! nest at most [`MAX_DEPTH`] deep. The text is scanned once into a flat list, without recursion,
//! in O(n log n). Not here: the meaning of members, and the value of numbers with a fraction, which
//! are checked and kept as text.

mod scan;

use alloc::{string::String, vec::Vec};
use core::fmt;

/// Maximum nesting depth, including the outermost container.
pub const MAX_DEPTH: usize = 32;

/// Maximum length of the text, in bytes. Callers with a lower limit check it first.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// A parsed JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    text: String,
    /// The unescaped forms of strings with escapes, concatenated.
    unescaped: String,
    /// Values and names in the order of the text; the children of a container follow it.
    nodes: Vec<Node>,
}

impl Document {
    /// Parses a text.
    ///
    /// # Errors
    /// Returns an error if the text is too long, not UTF-8, or not JSON as restricted by this
    /// module.
    pub fn parse(text: Vec<u8>) -> Result<Self, JsonError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(JsonError::new(JsonFault::TooLong, MAX_TEXT_BYTES));
        }
        let text = String::from_utf8(text)
            .map_err(|error| JsonError::new(JsonFault::Utf8, error.utf8_error().valid_up_to()))?;
        scan::scan(text)
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value {
            document: self,
            index: 0,
        }
    }

    /// The original text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn node(&self, index: usize) -> Option<Node> {
        self.nodes.get(index).copied()
    }

    /// INVARIANT (node ranges): the scanner creates ranges only from positions of ASCII characters
    /// in the text they belong to, so `get` never fails.
    fn slice(&self, node: Node) -> &str {
        let source = if node.kind == Kind::Unescaped {
            &self.unescaped
        } else {
            &self.text
        };
        source
            .get(node.start as usize..node.end as usize)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A value inside a [`Document`].
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    index: usize,
}

impl<'a> Value<'a> {
    /// The string, unescaped, if it is a string.
    pub fn as_str(self) -> Option<&'a str> {
        let node = self.node()?;
        matches!(node.kind, Kind::Plain | Kind::Unescaped).then(|| self.document.slice(node))
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.node()?.kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The text of the number, if it is a number.
    pub fn as_number(self) -> Option<&'a str> {
        let node = self.node()?;
        (node.kind == Kind::Number).then(|| self.document.slice(node))
    }

    /// The number, if it is a plain integer (`-`, digits) that fits. `-0` is not plain.
    pub fn as_integer(self) -> Option<i64> {
        let text = self.as_number()?;
        if text == "-0" {
            return None;
        }
        text.parse().ok()
    }

    /// The members, if it is an object, in the order of the text.
    pub fn members(self) -> Option<impl Iterator<Item = (&'a str, Value<'a>)>> {
        let mut children = self.children(Kind::Object)?;
        Some(core::iter::from_fn(move || {
            let name = children.next()?.as_str()?;
            Some((name, children.next()?))
        }))
    }

    /// The member with this name, if it is an object that contains one.
    pub fn member(self, name: &str) -> Option<Value<'a>> {
        self.members()?
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The elements, if it is an array.
    pub fn elements(self) -> Option<impl Iterator<Item = Value<'a>> + Clone> {
        self.children(Kind::Array)
    }

    /// The strings, if it is an array of strings only.
    pub fn strings(self) -> Option<Vec<&'a str>> {
        self.elements()?.map(Self::as_str).collect()
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.node().is_some_and(|node| node.kind == Kind::Null)
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.node().is_some_and(|node| node.kind == Kind::Object)
    }

    fn node(self) -> Option<Node> {
        self.document.node(self.index)
    }

    fn children(self, kind: Kind) -> Option<impl Iterator<Item = Value<'a>> + Clone> {
        let container = self.node()?;
        if container.kind != kind {
            return None;
        }
        let document = self.document;
        let mut next = self.index + 1;
        Some(core::iter::from_fn(move || {
            if next >= container.next as usize {
                return None;
            }
            let child = Value {
                document,
                index: next,
            };
            next = child.node()?.next as usize;
            Some(child)
        }))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Some(node) => f.write_str(self.document.slice(node)),
            None => Ok(()),
        }
    }
}

/// The reason why a text was rejected, and the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The kind of error.
    pub fault: JsonFault,
    /// Offset in the text, in bytes.
    pub at: usize,
}

impl JsonError {
    fn new(fault: JsonFault, at: usize) -> Self {
        Self { fault, at }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            JsonFault::TooLong => "the text is too long",
            JsonFault::Utf8 => "the text is not UTF-8",
            JsonFault::Syntax => "the text is not JSON",
            JsonFault::Escape => "invalid escape sequence",
            JsonFault::TooDeep => "containers are nested too deeply",
            JsonFault::DuplicateName => "the object ending here has two members with the same name",
        };
        write!(f, "{what} (at byte {})", self.at)
    }
}

impl core::error::Error for JsonError {}

/// The kind of JSON error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFault {
    /// Longer than [`MAX_TEXT_BYTES`].
    TooLong,
    /// Not UTF-8.
    Utf8,
    /// Not JSON.
    Syntax,
    /// An invalid escape, or an unpaired surrogate.
    Escape,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// An object with two members with the same name.
    DuplicateName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string without escapes; the range refers to the text.
    Plain,
    /// A string with escapes; the range refers to `unescaped`.
    Unescaped,
    Array,
    /// Its children are alternating names and values.
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// Index of the node after this one and its descendants.
    next: u32,
}

#[cfg(test)]
mod tests;
