//! A valid image as its sections, so that one record can be changed and the image assembled again with the
//! right lengths and checksum.

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::image::format::{CHECKSUM_AT, HEADER_BYTES, Op, SECTIONS_AT, Section, checksum};
use tollgate_core::{Image, ImageError};

const POLICY: &str = r#"
schema = 1
[site]
name = "malformed"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["web"]
algorithms = ["HS256"]
groups_claim = "cognito:groups"
secrets = [{ kid = "s", file = "keys/s.key" }]
[claims]
team = "string"
level = "int"
beta = "bool"
roles = "string[]"
[[rule]]
id = "everything"
allow = ["/a/{c}/x*y/**", "/a/**/b*/{c}", "/a/{c}", "/b/{c}"]
groups = ["g1", "g2", "course-{c}"]
scopes = ["s1", "s2", "s-{c}"]
subjects = ["u1", "u2", "u-{c}"]
networks = ["10.0.0.0/8", "2001:db8::/32"]
from = 2027-01-01T00:00:00Z
when = 'claims.team in ["x", "y"] && claims.level in [1, 2, 3] && claims.team < "z" && now < timestamp("2027-06-01T00:00:00Z")'
because = "Everything at once."
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
[[rule]]
id = "other"
deny = ["/a/**", "/c/d/e/"]
unless = 'claims.beta || "r" in claims.roles'
"#;

/// The base image, section by section.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) header: Vec<u8>,
    pub(crate) sections: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn new() -> Self {
        Self::of(POLICY)
    }

    /// Of another policy.
    pub(crate) fn of(policy: &str) -> Self {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", policy);
        sources.insert("keys/s.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let compiled = compile(&sources, &CompileOptions::default());
        let image = compiled
            .image
            .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
        let section = |section: Section| {
            let at = SECTIONS_AT + 8 * section as usize;
            image[word(at)..word(at) + word(at + 4)].to_vec()
        };
        Self {
            header: image[..SECTIONS_AT].to_vec(),
            sections: Section::ALL.into_iter().map(section).collect(),
        }
    }

    /// The complete image, with the right lengths and checksum.
    pub(crate) fn image(&self) -> Vec<u8> {
        let mut image = self.header.clone();
        let mut start = HEADER_BYTES;
        for section in &self.sections {
            image.extend(number(start));
            image.extend(number(section.len()));
            start += section.len();
        }
        image.extend(self.sections.concat());
        let length = number(image.len());
        image[12..16].copy_from_slice(&length);
        sealed(image)
    }

    /// The result of loading the image.
    pub(crate) fn validate(&self) -> Result<(), ImageError> {
        Image::from_bytes(self.image()).map(drop)
    }

    pub(crate) fn section(&mut self, section: Section) -> &mut Vec<u8> {
        &mut self.sections[section as usize]
    }

    pub(crate) fn count(&self, section: Section) -> u32 {
        u32::try_from(self.sections[section as usize].len() / section.record_bytes()).unwrap()
    }

    /// Writes over a record, from a byte of it.
    pub(crate) fn put(&mut self, section: Section, record: u32, at: usize, bytes: &[u8]) {
        let start = record as usize * section.record_bytes() + at;
        self.section(section)[start..start + bytes.len()].copy_from_slice(bytes);
    }

    /// Reads from a record.
    pub(crate) fn get<const N: usize>(&self, section: Section, record: u32, at: usize) -> [u8; N] {
        let start = record as usize * section.record_bytes() + at;
        self.sections[section as usize][start..start + N]
            .try_into()
            .unwrap()
    }

    /// Adds a record or several; the number of the first.
    pub(crate) fn push(&mut self, section: Section, bytes: &[u8]) -> u32 {
        let number = self.count(section);
        self.section(section).extend(bytes);
        number
    }

    /// Adds a string; its offset.
    pub(crate) fn string(&mut self, text: &[u8]) -> u32 {
        let offset = self.push(Section::Strings, &[u8::try_from(text.len()).unwrap()]);
        self.section(Section::Strings).extend(text);
        offset
    }

    /// Adds a set of these members; its number.
    pub(crate) fn set(&mut self, members: &[u32]) -> u32 {
        let number = self.push(
            Section::Sets,
            &u32::try_from(members.len()).unwrap().to_le_bytes(),
        );
        for member in members {
            self.push(Section::Sets, &member.to_le_bytes());
        }
        number
    }

    /// Puts another program in place of the first, which is the condition of a rule with one capture.
    pub(crate) fn program(&mut self, words: &[(Op, u32)]) {
        let start = self.count(Section::Code);
        for (op, operand) in words {
            let [a, b, c, _] = operand.to_le_bytes();
            self.push(Section::Code, &[*op as u8, a, b, c]);
        }
        let length = u16::try_from(words.len()).unwrap();
        self.put(Section::Programs, 0, 0, &start.to_le_bytes());
        self.put(Section::Programs, 0, 4, &length.to_le_bytes());
    }

    /// The first record with this byte at this place.
    pub(crate) fn find(&self, section: Section, at: usize, byte: u8) -> u32 {
        let count = self.count(section);
        (0..count)
            .find(|record| self.get(section, *record, at) == [byte])
            .unwrap()
    }
}

pub(crate) fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

/// With a checksum that fits.
pub(crate) fn sealed(mut image: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&image).to_le_bytes();
    image[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&sum);
    image
}
