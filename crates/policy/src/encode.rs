//! Laying a checked policy out as an image.
//!
//! The layout is `tollgate_core::image::format`; the reader validates what is written here, so a mistake in
//! this module is an error at build time and never a wrong answer. Not here: checking what authors wrote.

mod code;
mod tables;
mod trie;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tollgate_core::Effect;
use tollgate_core::image::Extra;
use tollgate_core::image::format::{
    CHECKSUM_AT, FLAG_ASCII_ONLY, FLAG_FILES, FLAG_INDEX, FLAG_S3, FROM_END, HEADER_BYTES, ID_AT,
    ID_FROM, INDEX_AT, MAGIC, MAX_IMAGE_BYTES, NONE, NONE_24, ONE_NAME, SECTIONS_AT, Section,
    VERSION, checksum, flag,
};
use tollgate_core::path::PathReader;

use crate::spec::{Expr, ImageSpec, Pattern, Principals, RuleSpec, Segment, Template};
use tables::{Tables, narrow};
use trie::Trie;

/// An image and what it is made of.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The image.
    pub image: Vec<u8>,
    /// Its figures.
    pub report: EncodeReport,
}

/// Figures of an image, for budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeReport {
    /// Rules.
    pub rules: usize,
    /// Patterns of all rules.
    pub patterns: usize,
    /// Nodes of the pattern trie.
    pub nodes: usize,
    /// An upper bound of the rules evaluated for any one path.
    pub max_rules_per_path: usize,
    /// An upper bound of the trie nodes visited for any one path.
    pub max_nodes_per_path: usize,
    /// Bytes of the image.
    pub image_bytes: usize,
}

/// The reason why a policy cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// Two rules have the same name.
    DuplicateRule {
        /// The course.
        course: String,
        /// The rule's id.
        id: String,
    },
    /// A condition of this rule nests deeper than the edge's stack, or is too long.
    ConditionTooLarge {
        /// The course.
        course: String,
        /// The rule's id.
        id: String,
    },
    /// A text is longer than 65,535 bytes, or a table has more entries than the format can count.
    TooMany,
    /// The image is larger than the edge accepts.
    ImageTooLarge,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::DuplicateRule { course, id } => write!(f, "two rules are named `{course}/{id}`"),
            Self::ConditionTooLarge { course, id } => {
                write!(
                    f,
                    "a condition of `{course}/{id}` nests too deep or is too long"
                )
            }
            Self::TooMany => {
                f.write_str("the policy has more parts of one kind than an image can hold")
            }
            Self::ImageTooLarge => {
                write!(f, "the image would be larger than {MAX_IMAGE_BYTES} bytes")
            }
        }
    }
}

impl core::error::Error for EncodeError {}

/// Lays `spec` out as an image. The order of its rules does not matter.
///
/// # Errors
/// Returns an error if something in the policy exceeds a limit of the format.
pub fn encode(spec: &ImageSpec) -> Result<Encoded, EncodeError> {
    let mut rules: Vec<&RuleSpec> = spec.rules.iter().collect();
    rules.sort_by(|a, b| {
        (a.course.as_bytes(), a.id.as_bytes()).cmp(&(b.course.as_bytes(), b.id.as_bytes()))
    });
    if let Some([a, _]) = rules
        .array_windows()
        .find(|[a, b]| (&a.course, &a.id) == (&b.course, &b.id))
    {
        return Err(EncodeError::DuplicateRule {
            course: a.course.clone(),
            id: a.id.clone(),
        });
    }
    let mut tables = Tables::new(literal_names(&rules))?;
    for claim in &spec.claims {
        let name = tables.string(claim.name.as_bytes())?;
        tables.push(
            Section::Claims,
            &[&name.to_le_bytes(), &[claim.kind as u8, 0, 0, 0]],
        );
    }
    let mut trie = Trie::new();
    let mut patterns = 0;
    for (number, rule) in (0..).zip(&rules) {
        let captures: Vec<&str> = rule.captures().into_iter().collect();
        write_rule(&mut tables, rule, &captures)?;
        for pattern in &rule.patterns {
            patterns += 1;
            let places = capture_places(pattern, &captures)?;
            trie.insert(&mut tables, number, pattern, &places)?;
        }
    }
    let figures = trie.write(&mut tables)?;
    let index = match &spec.index {
        Some(name) => Some(tables.string(name.as_bytes())?),
        None => None,
    };
    let image = assemble(spec, index, &tables)?;
    let report = EncodeReport {
        rules: rules.len(),
        patterns,
        nodes: figures.nodes,
        max_rules_per_path: figures.max_rules_per_path,
        max_nodes_per_path: figures.max_nodes_per_path,
        image_bytes: image.len(),
    };
    Ok(Encoded { image, report })
}

fn literal_names<'s>(rules: &[&'s RuleSpec]) -> BTreeSet<&'s str> {
    rules
        .iter()
        .flat_map(|rule| rule.who.names())
        .filter(|name| name.capture.is_none())
        .map(|name| name.prefix.as_str())
        .collect()
}

/// The positions of these captures in a path that matches the pattern: before the first `**`
/// counted from the start, after the last one from the end. The front end rejects captures in between.
fn capture_places(pattern: &Pattern, captures: &[&str]) -> Result<Vec<u16>, EncodeError> {
    let first_rest = pattern
        .segments
        .iter()
        .position(|segment| *segment == Segment::Rest);
    captures
        .iter()
        .map(|wanted| {
            let at = pattern
                .segments
                .iter()
                .position(|segment| matches!(segment, Segment::Capture(name) if name == wanted))
                .ok_or(EncodeError::TooMany)?;
            let from_end = first_rest.is_some_and(|rest| rest < at);
            let place = if from_end {
                pattern.segments.len() - 1 - at
            } else {
                at
            };
            let place = u16::try_from(place).map_err(|_| EncodeError::TooMany)?;
            Ok(if from_end { place | FROM_END } else { place })
        })
        .collect()
}

fn write_rule(tables: &mut Tables, rule: &RuleSpec, captures: &[&str]) -> Result<(), EncodeError> {
    let RuleSpec {
        course,
        id,
        effect,
        methods,
        // In the trie.
        patterns: _,
        who,
        // In the extra record.
        because: _,
        networks: _,
        from: _,
        until: _,
        when: _,
        unless: _,
    } = rule;
    let Principals {
        anyone,
        signed_in,
        groups,
        // In the extra record.
        scopes: _,
        subjects: _,
        issuers: _,
    } = who;
    let groups = name_set(tables, groups.as_deref(), captures)?;
    let extra = write_extra(tables, rule, captures)?;
    let course = tables.string(course.as_bytes())?;
    let id = tables.string(id.as_bytes())?;
    let effect = match effect {
        Effect::Allow => 0,
        Effect::Deny => 1,
    };
    let mut flags: u16 = 0;
    if *anyone {
        flags |= flag::ANYONE;
    }
    if *signed_in {
        flags |= flag::SIGNED_IN;
    }
    let capture_count = u16::try_from(captures.len()).map_err(|_| EncodeError::TooMany)?;
    let mut shape = id.to_le_bytes().to_vec();
    shape.extend(extra.to_le_bytes());
    shape.extend(flags.to_le_bytes());
    shape.extend(capture_count.to_le_bytes());
    shape.extend([effect, methods.bits(), 0, 0]);
    let shape = tables.push_unique(Section::Shapes, shape)?;
    let groups = if groups == NONE {
        NONE_24.to_le_bytes()
    } else {
        narrow(groups)?
    };
    let [g0, g1, g2, _] = groups;
    let [s0, s1, s2, _] = narrow(shape)?;
    tables.push(
        Section::Rules,
        &[&course.to_le_bytes(), &[s0, s1, s2, g0, g1, g2]],
    );
    Ok(())
}

fn write_extra(
    tables: &mut Tables,
    rule: &RuleSpec,
    captures: &[&str],
) -> Result<u32, EncodeError> {
    let RuleSpec {
        course,
        id,
        because,
        networks,
        from,
        until,
        when,
        unless,
        who,
        // In the rule's record and the trie.
        effect: _,
        methods: _,
        patterns: _,
    } = rule;
    let Principals {
        scopes,
        subjects,
        issuers,
        // In the rule's record.
        anyone: _,
        signed_in: _,
        groups: _,
    } = who;
    let scopes = name_set(tables, scopes.as_deref(), captures)?;
    let subjects = name_set(tables, subjects.as_deref(), captures)?;
    let networks = match networks {
        Some(networks) => tables.network_set(networks)?,
        None => NONE,
    };
    let issuers = match issuers {
        Some(issuers) => tables.text_set(issuers)?,
        None => NONE,
    };
    let mut program = |condition: &Option<Expr>| match condition {
        Some(expr) => code::write(tables, expr, captures).map_err(|error| match error {
            code::CodeError::TooLarge => EncodeError::ConditionTooLarge {
                course: course.clone(),
                id: id.clone(),
            },
            code::CodeError::Tables(error) => error,
        }),
        None => Ok(NONE),
    };
    let (when, unless) = (program(when)?, program(unless)?);
    let because = match because {
        Some(text) => tables.string(text.as_bytes())?,
        None => NONE,
    };
    let extra = Extra {
        scopes,
        subjects,
        networks,
        when,
        unless,
        because,
        from: from.unwrap_or(i64::MIN),
        until: until.unwrap_or(i64::MAX),
        issuers,
    };
    if extra == Extra::EMPTY {
        return Ok(NONE);
    }
    tables.push_unique(Section::Extras, extra.to_bytes().to_vec())
}

fn name_set(
    tables: &mut Tables,
    names: Option<&[Template]>,
    captures: &[&str],
) -> Result<u32, EncodeError> {
    let Some(names) = names else {
        return Ok(NONE);
    };
    let mut members = names
        .iter()
        .map(|name| tables.name(name, captures))
        .collect::<Result<Vec<_>, _>>()?;
    members.sort_unstable();
    members.dedup();
    match members.as_slice() {
        [only] if *only < ONE_NAME => Ok(only | ONE_NAME),
        _ => {
            let set = tables.set(members)?;
            if set < ONE_NAME {
                Ok(set)
            } else {
                Err(EncodeError::TooMany)
            }
        }
    }
}

fn assemble(spec: &ImageSpec, index: Option<u32>, tables: &Tables) -> Result<Vec<u8>, EncodeError> {
    let mut image = vec![0; HEADER_BYTES];
    let mut table = Vec::new();
    for section in Section::ALL {
        let content = if section == Section::Gate {
            &spec.gate
        } else {
            tables.section(section)
        };
        table.push((image.len(), content.len()));
        image.extend_from_slice(content);
    }
    if image.len() > MAX_IMAGE_BYTES {
        return Err(EncodeError::ImageTooLarge);
    }
    let number = |value: usize| {
        u32::try_from(value)
            .map(u32::to_le_bytes)
            .map_err(|_| EncodeError::ImageTooLarge)
    };
    let put = |image: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        for (to, from) in image.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    let flags = flags(spec);
    let len = number(image.len())?;
    put(&mut image, 0, &MAGIC);
    put(&mut image, 8, &VERSION.to_le_bytes());
    put(&mut image, 10, &flags.to_le_bytes());
    put(&mut image, 12, &len);
    put(&mut image, 40, &tables.max_probe.to_le_bytes());
    put(&mut image, INDEX_AT, &index.unwrap_or(0).to_le_bytes());
    for (at, (start, len)) in (SECTIONS_AT..).step_by(8).zip(table) {
        put(&mut image, at, &number(start)?);
        put(&mut image, at + 4, &number(len)?);
    }
    // The flags precede the part that is hashed, and belong to what the id names.
    let mut hash = Sha256::new();
    hash.update(flags.to_le_bytes());
    hash.update(image.get(ID_FROM..).unwrap_or_default());
    put(
        &mut image,
        ID_AT,
        hash.finalize().get(..16).unwrap_or_default(),
    );
    let sum = checksum(&image);
    put(&mut image, CHECKSUM_AT, &sum.to_le_bytes());
    Ok(image)
}

fn flags(spec: &ImageSpec) -> u16 {
    let ascii_only = if spec.ascii_only { FLAG_ASCII_ONLY } else { 0 };
    let reader = match spec.reader {
        PathReader::Strict => 0,
        PathReader::S3 => FLAG_S3,
        PathReader::Files => FLAG_FILES,
    };
    let index = if spec.index.is_some() { FLAG_INDEX } else { 0 };
    ascii_only | reader | index
}
