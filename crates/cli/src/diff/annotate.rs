//! Differences as annotations of the new policy's files.

use tollgate_analysis::diff::{Diff, Difference, Side};
use tollgate_author::annotate::{
    ANSWERED_DIFFERENTLY, Annotation, FIRST_POLICY, NEWLY_ALLOWED, NEWLY_DENIED, Region,
    SETTING_CHANGED, UNDECIDED,
};
use tollgate_compiler::diagnostic::Severity;
use tollgate_core::RuleId;

use super::show::{cause, edit, first_line, headline, principals};
use crate::analysed::Analysed;
use crate::example::{described, ruled};

/// One annotation for each difference. New access is an error if the caller forbids it, and else a warning.
pub(super) fn annotations(
    old: &Analysed,
    new: &Analysed,
    found: &Diff,
    forbids_access: bool,
) -> Vec<Annotation> {
    let opening = match forbids_access {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let mut all: Vec<Annotation> = found
        .differences
        .iter()
        .map(|difference| of_difference(old, new, difference, opening))
        .collect();
    for change in &found.settings {
        let severity = match change.may_open {
            true => opening,
            false => Severity::Note,
        };
        let (file, region) = new.site_place().unwrap_or_default();
        all.push(Annotation {
            kind: SETTING_CHANGED,
            severity,
            message: match change.may_open {
                true => format!("may newly allow requests: {}", change.what),
                false => change.what.clone(),
            },
            help: Vec::new(),
            fixes: Vec::new(),
            file,
            region,
            excerpt: change.what.clone(),
        });
    }
    for path in &found.gave_up {
        let (file, region) = new.site_place().unwrap_or_default();
        all.push(Annotation {
            kind: UNDECIDED,
            severity: Severity::Error,
            message: format!(
                "{path}: too many overlapping rules to compare all requests; some may differ"
            ),
            help: Vec::new(),
            fixes: Vec::new(),
            file,
            region,
            excerpt: path.clone(),
        });
    }
    all
}

/// The annotation of a policy whose base has none.
pub(super) fn first(new: &Analysed, base: &str) -> Annotation {
    let note = Annotation {
        kind: FIRST_POLICY,
        severity: Severity::Note,
        message: first_line(base),
        help: Vec::new(),
        fixes: Vec::new(),
        file: String::new(),
        region: None,
        excerpt: String::new(),
    };
    in_site(new, note)
}

/// The annotation at the site's file.
pub(super) fn in_site(new: &Analysed, note: Annotation) -> Annotation {
    let (file, region) = new.site_place().unwrap_or_default();
    Annotation {
        file,
        region,
        ..note
    }
}

fn of_difference(
    old: &Analysed,
    new: &Analysed,
    difference: &Difference,
    opening: Severity,
) -> Annotation {
    let (kind, severity) = match difference {
        _ if difference.opens() => (NEWLY_ALLOWED, opening),
        _ if difference.closes() => (NEWLY_DENIED, Severity::Warning),
        _ => (ANSWERED_DIFFERENTLY, Severity::Note),
    };
    // A removed rule has no line in the new files.
    let counterpart = difference.cause.and_then(|cause| match cause.side {
        Side::New => Some(cause.rule),
        Side::Old => cause.counterpart,
    });
    let place = |rule: RuleId| new.line_of(rule);
    let place = counterpart
        .or(difference.new.rule)
        .and_then(place)
        .map(|(file, line)| (file, Some(Region::line(line))))
        .or_else(|| new.site_place());
    let (file, region) = place.unwrap_or_default();
    let paths = &difference.paths;
    let mut lines = vec![
        format!("{} {paths}", headline(difference)),
        format!("who: {}", principals(difference).join(" or ")),
        format!("old: {}", ruled(old, &difference.old)),
        format!("new: {}", ruled(new, &difference.new)),
        format!("shown by: {}", described(&difference.witness)),
    ];
    if let Some(edit_of) = difference.cause {
        lines.push(format!("{}: {}", edit(edit_of), cause(old, new, edit_of)));
    }
    Annotation {
        kind,
        severity,
        message: lines.join("\n"),
        help: Vec::new(),
        fixes: Vec::new(),
        file,
        region,
        excerpt: format!("{paths} {}", difference.who),
    }
}

impl Analysed {
    /// The site's file, for what has no line.
    fn site_place(&self) -> Option<(String, Option<Region>)> {
        Some((self.site.clone()?, None))
    }
}
