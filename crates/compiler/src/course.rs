//! Course files: an id, a base, and rules that cannot reach outside it.
//!
//! Not here: the rules themselves.

use crate::diagnostic::{Report, Span, codes, shown};
use crate::document::{Document, repair};
use crate::keys::{check_table, course::COURSE};
use crate::rule::pattern::Base;
use crate::rule::{self, Scope, check_id, is_id};
use crate::site::Site;
use crate::source::COURSES_FOLDER;
use crate::spanned::{SITE_COURSE, SpannedRule};

/// A course file, read.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) id: String,
    pub(crate) id_span: Span,
    pub(crate) base: Option<(Base, Span)>,
    pub(crate) rules: Vec<SpannedRule>,
}

/// The file where the rules of a course are expected.
pub(crate) fn file_of(id: &str) -> String {
    format!("{COURSES_FOLDER}/{id}.toml")
}

/// The course whose rules are expected in a file, if its name is one of an id.
pub(crate) fn id_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix(COURSES_FOLDER)?.strip_prefix('/')?;
    name.strip_suffix(".toml").filter(|id| is_id(id))
}

/// Reads a course file; `None` if it has no id.
pub(crate) fn read(text: &str, site: &Site, report: &mut Report) -> Option<Course> {
    let source = repair(text, report);
    let document = Document::parse(&source);
    let root = document.root();
    check_table(root, &COURSE, report);
    let id = root.text("course");
    if let Some(id) = &id {
        check_id(id, "course", report);
        if id.value == SITE_COURSE {
            report
                .add(
                    &codes::RESERVED_COURSE,
                    id.span,
                    "a course cannot be called `site`",
                )
                .help("give it another id, and its file that name");
        }
    }
    let base_text = root.text("base").filter(|base| !base.value.is_empty());
    let base = base_text
        .and_then(|base| Some((Base::parse(&base, site.paths.options(), report)?, base.span)));
    let fallback = Base::default();
    let scope = Scope {
        course: id.map_or("", |id| id.value),
        base: base.as_ref().map_or(&fallback, |(base, _)| base),
        claims: &site.claims,
        issuers: site.issuers(),
        paths: site.paths.options(),
    };
    let rules = read_rules(&document, scope, report);
    document.drop_echoes(&mut report.diagnostics);
    let id = id?;
    Some(Course {
        id: id.value.to_owned(),
        id_span: id.span,
        base,
        rules,
    })
}

/// Reads the rules of a file of either kind.
pub(crate) fn read_rules(
    document: &Document<'_>,
    scope: Scope<'_>,
    report: &mut Report,
) -> Vec<SpannedRule> {
    let mut seen = std::collections::BTreeMap::new();
    let mut rules = Vec::new();
    for table in document.root().tables("rule") {
        if let Some(id) = table.text("id").filter(|id| !id.value.is_empty())
            && let Some(first) = seen.insert(id.value, id.span)
        {
            let message = format!("rule id `{}` is used twice", shown(id.value));
            report
                .add(&codes::DUPLICATE_RULE, id.span, message)
                .also(first, "first here")
                .help("give one of the rules another id");
        }
        rules.push(SpannedRule {
            rule: rule::read(table, scope, report),
            span: table.place(),
        });
    }
    rules
}
