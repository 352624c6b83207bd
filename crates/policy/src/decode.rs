//! An image read back into the rules it was made of.
//!
//! The image was validated before, so a failed read means that the bytes are not an image. What an image does not
//! keep is replaced: captures are called `c0`, `c1` … and those that nothing reads become `*`, which
//! matches the same paths. Not here: validation, and the layout itself
//! (`tollgate_core::image::format`).

mod program;
mod tables;

use crate::spec::{ClaimSpec, ImageSpec, Pattern, Principals, RuleSpec, Segment, Template};
use tollgate_core::image::Extra;
use tollgate_core::image::format::{
    EndKind, FROM_END, NONE, NONE_24, Section, TailKind, WIDE, flag,
};
use tollgate_core::{Effect, Image, MethodSet, RuleId};

use tables::Tables;

/// The rules of an image; `None` if something in it could not be read.
pub fn decode<B: AsRef<[u8]>>(image: &Image<B>) -> Option<ImageSpec> {
    let tables = Tables::new(image.as_bytes(), image.version())?;
    let mut rules = Vec::new();
    for number in 0..image.rule_count() {
        rules.push(rule(image, &tables, u32::try_from(number).ok()?)?);
    }
    patterns(&tables, &mut rules)?;
    let paths = image.path_options();
    Some(ImageSpec {
        ascii_only: paths.ascii_only,
        reader: paths.reader,
        index: paths.index.map(str::to_owned),
        claims: image
            .claims()
            .map(|claim| ClaimSpec {
                name: claim.name.to_owned(),
                kind: claim.kind,
            })
            .collect(),
        rules,
        gate: image.gate_config().to_vec(),
    })
}

fn rule<B: AsRef<[u8]>>(image: &Image<B>, tables: &Tables<'_>, number: u32) -> Option<RuleSpec> {
    let id = RuleId(number);
    let (effect, methods): (Effect, MethodSet) = image.rule_effect(id)?;
    let name = image.rule_name(id)?;
    let record = tables.record(Section::Rules, number)?;
    let groups = tables::u24_at(record, 7)?;
    let shape = tables.record(Section::Shapes, tables::u24_at(record, 4)?)?;
    let flags = tables::u16_at(shape, 8)?;
    let names = |set: u32| -> Option<Option<Vec<Template>>> {
        if set == NONE {
            Some(None)
        } else {
            tables.names(set).map(Some)
        }
    };
    let mut rule = RuleSpec {
        course: name.course.to_owned(),
        id: name.id.to_owned(),
        effect,
        methods,
        because: image.rule_because(id).map(str::to_owned),
        patterns: Vec::new(),
        who: Principals {
            anyone: flags & flag::ANYONE != 0,
            signed_in: flags & flag::SIGNED_IN != 0,
            groups: names(if groups == NONE_24 { NONE } else { groups })?,
            scopes: None,
            subjects: None,
            issuers: None,
        },
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    };
    let extra = tables::u32_at(shape, 4)?;
    if extra == NONE {
        return Some(rule);
    }
    let record = tables.record(Section::Extras, extra)?;
    let Extra {
        scopes,
        subjects,
        networks,
        when,
        unless,
        // `rule_because` has read it.
        because: _,
        from,
        until,
        issuers,
    } = Extra::from_bytes(record)?;
    rule.who.scopes = names(scopes)?;
    rule.who.subjects = names(subjects)?;
    if issuers != NONE {
        let texts = tables.set(issuers)?.into_iter();
        let texts = texts.map(|at| tables.text(at).map(str::to_owned));
        rule.who.issuers = Some(texts.collect::<Option<_>>()?);
    }
    if networks != NONE {
        let members = tables.set(networks)?.into_iter();
        rule.networks = Some(
            members
                .map(|at| tables.network(at))
                .collect::<Option<_>>()?,
        );
    }
    let condition = |program: u32| {
        if program == NONE {
            Some(None)
        } else {
            program::expr(tables, program).map(Some)
        }
    };
    rule.when = condition(when)?;
    rule.unless = condition(unless)?;
    rule.from = (from != i64::MIN).then_some(from);
    rule.until = (until != i64::MAX).then_some(until);
    Some(rule)
}

/// The way from a node of the trie to one of its children.
#[derive(Clone)]
enum Step {
    Literal(String),
    Glob(String),
    Any,
}

/// Puts the patterns, which are spread over the trie, back into their rules.
fn patterns(tables: &Tables<'_>, rules: &mut [RuleSpec]) -> Option<()> {
    let mut left: Vec<(u32, Vec<Step>)> = vec![(0, Vec::new())];
    while let Some((node, way)) = left.pop() {
        let record = tables.record(Section::Nodes, node)?;
        let number = tables::u24_at(record, 4)?;
        let end = *record.get(7)?;
        if end != WIDE {
            let pattern = pattern(tables, &way, u32::from(end))?;
            rules.get_mut(number as usize)?.patterns.push(pattern);
            continue;
        }
        let record = tables.record(Section::Wides, number)?;
        let (first, globs) = (tables::u32_at(record, 0)?, tables::u32_at(record, 4)?);
        let capture = tables::u32_at(record, 8)?;
        let (child, children) = (tables::u32_at(record, 12)?, tables::u32_at(record, 16)?);
        for at in 0..u32::from(tables::u16_at(record, 20)?) {
            let record = tables.record(Section::Candidates, first.checked_add(at)?)?;
            let pattern = pattern(tables, &way, tables::u24_at(record, 3)?)?;
            let rule = rules.get_mut(tables::u24_at(record, 0)? as usize)?;
            rule.patterns.push(pattern);
        }
        let mut go = |step: Step, child: u32| {
            let mut way = way.clone();
            way.push(step);
            left.push((child, way));
        };
        for at in 0..u32::from(tables::u16_at(record, 22)?) {
            let record = tables.record(Section::Globs, globs.checked_add(at)?)?;
            let text = tables.string(tables::u32_at(record, 0)?)?;
            go(Step::Glob(text.to_owned()), tables::u32_at(record, 4)?);
        }
        if capture != NONE {
            go(Step::Any, capture);
        }
        for at in 0..children {
            let child = child.checked_add(at)?;
            let record = tables.record(Section::Nodes, child)?;
            let label = tables.string(tables::u32_at(record, 0)?)?;
            go(Step::Literal(label.to_owned()), child);
        }
    }
    for rule in rules {
        // The order in the file is lost; the order of the text is as good as any.
        rule.patterns.sort_by(|a, b| a.source.cmp(&b.source));
    }
    Some(())
}

fn pattern(tables: &Tables<'_>, way: &[Step], end: u32) -> Option<Pattern> {
    let record = tables.record(Section::Ends, end)?;
    let (tail, captures) = (tables::u32_at(record, 0)?, tables::u32_at(record, 4)?);
    let (tail_count, capture_count) = (tables::u16_at(record, 8)?, tables::u16_at(record, 10)?);
    let kind = EndKind::from_number(*record.get(12)?)?;
    let mut segments: Vec<Segment> = way
        .iter()
        .map(|step| match step {
            Step::Literal(text) => Segment::Literal(text.clone()),
            Step::Glob(text) => Segment::Glob(text.clone()),
            Step::Any => Segment::Glob("*".to_owned()),
        })
        .collect();
    for at in 0..u32::from(tail_count) {
        let record = tables.record(Section::Tails, tail.checked_add(at)?)?;
        let text = tables.string(tables::u32_at(record, 0)?)?;
        segments.push(match TailKind::from_number(*record.get(4)?)? {
            TailKind::Literal => Segment::Literal(text.to_owned()),
            TailKind::Glob => Segment::Glob(text.to_owned()),
            TailKind::Capture => Segment::Glob("*".to_owned()),
            TailKind::Rest => Segment::Rest,
        });
    }
    if matches!(kind, EndKind::Below | EndKind::TailBelow) {
        segments.push(Segment::Rest);
    }
    for number in 0..capture_count {
        let at = captures.checked_add(u32::from(number))?;
        let place = tables::u16_at(tables.record(Section::Captures, at)?, 0)?;
        let offset = usize::from(place & !FROM_END);
        let at = if place & FROM_END == 0 {
            offset
        } else {
            segments.len().checked_sub(offset + 1)?
        };
        *segments.get_mut(at)? = Segment::Capture(capture_name(number));
    }
    let trailing_slash = matches!(kind, EndKind::Slash | EndKind::TailSlash);
    let mut source: String = segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) | Segment::Glob(text) => format!("/{text}"),
            Segment::Capture(name) => format!("/{{{name}}}"),
            Segment::Rest => "/**".to_owned(),
        })
        .collect();
    if trailing_slash {
        source.push('/');
    }
    Some(Pattern {
        segments,
        trailing_slash,
        source,
    })
}

fn capture_name(number: u16) -> String {
    format!("c{number}")
}
