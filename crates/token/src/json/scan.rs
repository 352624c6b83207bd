//! The scanner: converts text into nodes in one pass without recursion.
//!
//! The open containers are a list of at most [`MAX_DEPTH`] indices. Not here: access to the result.

use alloc::{string::String, vec::Vec};

use super::{Document, JsonError, JsonFault, Kind, MAX_DEPTH, Node};

/// Scans a text. The caller has bounded its length so that positions fit in 32 bits.
pub(super) fn scan(text: String) -> Result<Document, JsonError> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        unescaped: String::new(),
        nodes: Vec::with_capacity(text.len() / 8 + 1),
        open: Vec::new(),
        names: Vec::new(),
    };
    scanner
        .run()
        .map_err(|fault| JsonError::new(fault, scanner.at))?;
    let Scanner {
        unescaped, nodes, ..
    } = scanner;
    Ok(Document {
        text,
        unescaped,
        nodes,
    })
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    unescaped: String,
    nodes: Vec<Node>,
    /// Indices of the open containers, innermost last.
    open: Vec<usize>,
    /// Names of the object being closed; stored here to reuse the memory.
    names: Vec<usize>,
}

/// The token that is allowed next.
enum Expect {
    Value,
    /// A value or `]`.
    FirstElement,
    Name,
    /// A name or `}`.
    FirstName,
    /// A comma, a closing bracket, or the end of the text.
    Follower,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), JsonFault> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            expect = match (expect, self.peek()) {
                (Expect::FirstElement, Some(b']')) | (Expect::FirstName, Some(b'}')) => {
                    self.close()?
                }
                (Expect::Value | Expect::FirstElement, Some(byte)) => self.value(byte)?,
                (Expect::Name | Expect::FirstName, Some(b'"')) => {
                    self.string()?;
                    self.skip_space();
                    self.literal(b":")?;
                    Expect::Value
                }
                (Expect::Follower, byte) => match (self.innermost(), byte) {
                    (None, None) => return Ok(()),
                    (Some(Kind::Array), Some(b']')) | (Some(Kind::Object), Some(b'}')) => {
                        self.close()?
                    }
                    (Some(kind), Some(b',')) => {
                        self.at += 1;
                        if kind == Kind::Array {
                            Expect::Value
                        } else {
                            Expect::Name
                        }
                    }
                    _ => return Err(JsonFault::Syntax),
                },
                _ => return Err(JsonFault::Syntax),
            };
        }
    }

    fn value(&mut self, first: u8) -> Result<Expect, JsonFault> {
        match first {
            b'{' => return self.open(Kind::Object, Expect::FirstName),
            b'[' => return self.open(Kind::Array, Expect::FirstElement),
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word(b"true", Kind::True)?,
            b'f' => self.word(b"false", Kind::False)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => return Err(JsonFault::Syntax),
        }
        Ok(Expect::Follower)
    }

    fn open(&mut self, kind: Kind, expect: Expect) -> Result<Expect, JsonFault> {
        if self.open.len() == MAX_DEPTH {
            return Err(JsonFault::TooDeep);
        }
        self.open.push(self.nodes.len());
        self.push(kind, self.at, self.at + 1);
        self.at += 1;
        Ok(expect)
    }

    fn close(&mut self) -> Result<Expect, JsonFault> {
        self.at += 1;
        let (end, next) = (self.at as u32, self.nodes.len() as u32);
        let index = self.open.pop().ok_or(JsonFault::Syntax)?;
        let node = self.nodes.get_mut(index).ok_or(JsonFault::Syntax)?;
        node.end = end;
        node.next = next;
        if node.kind == Kind::Object && self.has_duplicate_name(index) {
            return Err(JsonFault::DuplicateName);
        }
        Ok(Expect::Follower)
    }

    /// Whether a finished object contains two equal names. Sorting keeps this cheap for an object
    /// with ten thousand members.
    fn has_duplicate_name(&mut self, object: usize) -> bool {
        let next = |index: usize| self.nodes.get(index).map(|node| node.next as usize);
        let name = |index: &usize| {
            self.nodes.get(*index).map_or(&[][..], |node| {
                let source = match node.kind {
                    Kind::Unescaped => self.unescaped.as_bytes(),
                    _ => self.bytes,
                };
                source
                    .get(node.start as usize..node.end as usize)
                    .unwrap_or_default()
            })
        };
        let mut names = core::mem::take(&mut self.names);
        names.clear();
        let mut index = object + 1;
        while index < self.nodes.len() {
            names.push(index);
            // A name is one node; its value follows it.
            index = next(index + 1).unwrap_or(self.nodes.len());
        }
        names.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        let duplicate = names.is_sorted_by(|a, b| name(a) < name(b));
        self.names = names;
        !duplicate
    }

    fn string(&mut self) -> Result<(), JsonFault> {
        self.literal(b"\"")?;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            self.push(Kind::Plain, start, self.at);
            self.at += 1;
            return Ok(());
        }
        let unescaped_start = self.unescaped.len();
        let mut plain_start = start;
        loop {
            self.copy_plain(plain_start);
            match self.peek() {
                Some(b'"') => {
                    self.push(Kind::Unescaped, unescaped_start, self.unescaped.len());
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    self.unescaped.push(character);
                }
                // A control character, or the end of the text.
                _ => return Err(JsonFault::Syntax),
            }
            plain_start = self.at;
            self.skip_plain();
        }
    }

    /// Skips unescaped characters of a string. The text is known to be UTF-8.
    fn skip_plain(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let stop = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at += stop.unwrap_or(rest.len());
    }

    fn copy_plain(&mut self, start: usize) {
        let plain = self.bytes.get(start..self.at).unwrap_or_default();
        // The range starts and ends at ASCII characters, so it does not split a character.
        self.unescaped
            .push_str(core::str::from_utf8(plain).unwrap_or_default());
    }

    fn escape(&mut self) -> Result<char, JsonFault> {
        let letter = self.peek().ok_or(JsonFault::Syntax)?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.four_hex_digits()?;
                if (0xD800..0xDC00).contains(&code) {
                    self.literal(b"\\u").map_err(|_| JsonFault::Escape)?;
                    let low = self.four_hex_digits()?;
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err(JsonFault::Escape);
                    }
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                }
                char::from_u32(code).ok_or(JsonFault::Escape)?
            }
            _ => return Err(JsonFault::Escape),
        })
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonFault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or(JsonFault::Escape)?;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    /// Scans one or more digits.
    fn digits(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(JsonFault::Syntax)
        } else {
            Ok(())
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), JsonFault> {
        let start = self.at;
        self.literal(word)?;
        self.push(kind, start, self.at);
        Ok(())
    }

    fn literal(&mut self, expected: &[u8]) -> Result<(), JsonFault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(expected) {
            return Err(JsonFault::Syntax);
        }
        self.at += expected.len();
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            kind,
            start: start as u32,
            end: end as u32,
            next,
        });
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn innermost(&self) -> Option<Kind> {
        self.open
            .last()
            .and_then(|index| self.nodes.get(*index))
            .map(|node| node.kind)
    }
}
