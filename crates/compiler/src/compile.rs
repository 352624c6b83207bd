//! From a policy's files to diagnostics, a checked policy, and an image.
//!
//! Not here: the individual checks; this module only calls them in order. Errors in one file never hide the
//! errors in another.

use std::collections::BTreeMap;

use tollgate_core::Image;

use crate::course;
use crate::cure;
use crate::diagnostic::{Diagnostic, Report, Span, codes, shown};
use crate::document::{Document, repair};
use crate::keys::{check_table, site::SITE_FILE as SITE_KEYS};
use crate::limits::{MAX_RULES, Usage, usage};
use crate::options::CompileOptions;
use crate::publish;
use crate::rule::pattern::Base;
use crate::rule::{Scope, is_id};
use crate::site::{self, Input, Site, Suppression};
use crate::source::{SITE_FILE, SourceTree, stray};
use crate::spanned::{SITE_COURSE, SpannedRule};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::{ImageSpec, RuleSpec};

/// The result of a compilation.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// All diagnostics, by file and position.
    pub diagnostics: Vec<Diagnostic>,
    /// The checked policy, if it has no errors.
    pub policy: Option<ImageSpec>,
    /// The location of each rule of the policy, in the same order.
    pub origins: Vec<RuleLocation>,
    /// The image, if the policy has no errors.
    pub image: Option<Vec<u8>>,
    /// The sizes of the policy and its image, if it has no errors.
    pub usage: Option<Usage>,
    /// Suppressions of warnings, `[[lint]]` in `site.toml`.
    pub suppressions: Vec<Suppression>,
    /// The minimum coverage by tests, in percent, `[tests]` in `site.toml`.
    pub min_coverage: Option<u8>,
}

impl Compiled {
    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// The location of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLocation {
    /// The file, relative to the policy folder.
    pub file: String,
    /// The rule's header in the file.
    pub span: Span,
}

/// Compiles a policy.
///
/// Never panics, whatever the files contain. The same files give the same image, byte for byte.
///
/// # Example
/// ```
/// use tollgate_compiler::{CompileOptions, SourceTree, compile};
///
/// let mut tree = SourceTree::new();
/// tree.insert("site.toml", r#"
/// schema = 1
/// [site]
/// name = "example"
/// [[rule]]
/// id = "welcome"
/// allow = ["/welcome/**"]
/// anyone = true
/// "#);
/// let compiled = compile(&tree, &CompileOptions::default());
/// assert!(compiled.diagnostics.is_empty());
/// assert!(compiled.image.is_some());
/// ```
pub fn compile(sources: &SourceTree, options: &CompileOptions) -> Compiled {
    compile_from(Input {
        sources,
        options,
        has_stand_ins: false,
    })
}

/// Compiles a policy, with stand-ins for missing secrets if `input` permits them.
pub(crate) fn compile_from(input: Input<'_>) -> Compiled {
    let sources = input.sources;
    let mut diagnostics = sources.diagnostics().to_vec();
    stray::check(sources, &mut diagnostics);
    publish::check(sources, &mut diagnostics);
    let mut rules = Vec::new();
    let mut site = read_site(input, &mut rules, &mut diagnostics);
    let bases = read_courses(sources, &site, &mut rules, &mut diagnostics);
    site.claims
        .keep_read(rules.iter_mut().map(|(_, placed)| &mut placed.rule));
    settle_session(&mut site, &rules, &bases, &mut diagnostics);
    check_whole(&site, &rules, &mut diagnostics);
    for finding in diagnostics
        .iter_mut()
        .filter(|finding| finding.help.is_empty())
    {
        finding.help(cure::explanation(finding.code));
    }
    sort(&mut diagnostics);
    let mut compiled = Compiled {
        diagnostics,
        suppressions: site.suppressions,
        min_coverage: site.min_coverage,
        ..Compiled::default()
    };
    if compiled.has_errors() {
        return compiled;
    }
    let gate = match site.gate.as_ref().map(|gate| gate.encode()) {
        Some(Ok(gate)) => gate,
        Some(Err(error)) => return compiled.with_internal(error.to_string()),
        None => return compiled.with_internal("the gate's configuration is missing".to_owned()),
    };
    let mut policy = ImageSpec {
        ascii_only: site.paths.ascii_only,
        reader: site.paths.reader,
        index: site.paths.index,
        claims: site.claims.into_specs(),
        rules: Vec::new(),
        gate,
    };
    for (file, placed) in rules {
        compiled.origins.push(RuleLocation {
            file,
            span: placed.span,
        });
        policy.rules.push(placed.rule);
    }
    match encode(&policy) {
        Ok(encoded) => match Image::from_bytes(&encoded.image) {
            Ok(_) => {
                compiled.usage = Some(usage(&policy, encoded.report));
                compiled.image = Some(encoded.image);
                compiled.policy = Some(policy);
                compiled
            }
            Err(error) => compiled.with_internal(error.to_string()),
        },
        Err(error) => {
            let message = error.to_string();
            let mut finding = Diagnostic::new(&codes::IMAGE_LIMIT, SITE_FILE, message);
            finding.help(
                "replace many rules by one with a capture: `/{course}/**` with `course-{course}`",
            );
            compiled.diagnostics.push(finding);
            compiled
        }
    }
}

impl Compiled {
    fn with_internal(mut self, message: String) -> Self {
        let mut finding = Diagnostic::new(&codes::INTERNAL, SITE_FILE, message);
        finding.help("report this, if possible with the policy: it is a defect of Tollgate");
        self.diagnostics.push(finding);
        self.origins.clear();
        self
    }
}

fn read_site(
    input: Input<'_>,
    rules: &mut Vec<(String, SpannedRule)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Site {
    let sources = input.sources;
    let mut report = Report::new(SITE_FILE);
    let Some(text) = sources.text(SITE_FILE) else {
        if !sources.was_refused(SITE_FILE) && !sources.was_refused("") {
            report
                .add_whole(&codes::NO_SITE_FILE, "the policy folder has no `site.toml`")
                .help("a policy folder contains `site.toml` and the folder `courses`");
        }
        diagnostics.append(&mut report.diagnostics);
        return Site::default();
    };
    let source = repair(text, &mut report);
    let document = Document::parse(&source);
    check_table(document.root(), &SITE_KEYS, &mut report);
    let mut site = site::read(document.root(), input, &mut report);
    let claims = document.root().table("claims");
    if document.is_incomplete(claims.and_then(|claims| claims.span)) {
        site.claims.forget();
    }
    if document.is_broken() {
        site.gate = None;
    }
    let base = Base::default();
    let scope = Scope {
        course: SITE_COURSE,
        base: &base,
        claims: &site.claims,
        issuers: site.issuers(),
        paths: site.paths.options(),
    };
    let read = course::read_rules(&document, scope, &mut report);
    rules.extend(
        read.into_iter()
            .map(|placed| (SITE_FILE.to_owned(), placed)),
    );
    document.drop_echoes(&mut report.diagnostics);
    diagnostics.append(&mut report.diagnostics);
    site
}

/// Reads the courses; their bases by id.
fn read_courses(
    sources: &SourceTree,
    site: &Site,
    rules: &mut Vec<(String, SpannedRule)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut by_course = BTreeMap::new();
    let mut files: BTreeMap<String, Vec<(String, Span)>> = BTreeMap::new();
    let mut bases: BTreeMap<Base, (String, Span, String)> = BTreeMap::new();
    for (file, text) in sources.courses() {
        let mut report = Report::new(file);
        if let Some(course) = course::read(text, site, &mut report) {
            if let (Some((base, _)), Some(rule)) = (&course.base, course.rules.first()) {
                by_course.insert(rule.rule.course.clone(), base.prefix());
            }
            if let Some((base, span)) = course.base {
                match bases.get(&base) {
                    // Two files of one course are reported as that.
                    Some((_, _, id)) if *id == course.id => {}
                    Some((first_file, first, _)) => {
                        let message = format!("two courses have the base `{}/`", base.prefix());
                        report
                            .add(&codes::SHARED_BASE, span, message)
                            .label(first_file, *first, "the other course")
                            .help("put the rules of both into one file, or give each its own base");
                    }
                    None => {
                        bases.insert(base, (file.to_owned(), span, course.id.clone()));
                    }
                }
            }
            if !course.id.is_empty() {
                let of_course = files.entry(course.id).or_default();
                of_course.push((file.to_owned(), course.id_span));
            }
            rules.extend(
                course
                    .rules
                    .into_iter()
                    .map(|placed| (file.to_owned(), placed)),
            );
        }
        diagnostics.append(&mut report.diagnostics);
    }
    for (id, files) in &files {
        check_files(id, files, diagnostics);
    }
    by_course
}

/// Reports a course with several files, or whose file has another name. A copy whose `course` was not changed is both,
/// which is one error, at the copy.
fn check_files(id: &str, files: &[(String, Span)], diagnostics: &mut Vec<Diagnostic>) {
    let expected = course::file_of(id);
    let own = files.iter().position(|(file, _)| *file == expected);
    let Some((first_file, first)) = files.get(own.unwrap_or(0)) else {
        return;
    };
    let copies = files.iter().filter(|(file, _)| file != first_file);
    for (file, span) in copies {
        let mut report = Report::new(file);
        let message = format!("course `{}` has two files", shown(id));
        let diagnostic = report.add(&codes::DUPLICATE_COURSE, *span, message);
        diagnostic.label(first_file, *first, "the other file");
        if let Some(name) = course::id_of(file) {
            diagnostic.help(format!(
                "if this is another course, write `course = \"{name}\"`, as its file is called"
            ));
        }
        diagnostic.help("if it is the same course, put its rules into one file");
        diagnostics.append(&mut report.diagnostics);
    }
    // What is wrong with the id was reported.
    if files.len() > 1 || own.is_some() || !is_id(id) || id == SITE_COURSE {
        return;
    }
    let mut report = Report::new(first_file);
    let message = format!("course `{id}` is in `{}`", shown(first_file));
    let help = format!("rename the file to `{expected}`, or the course");
    report.add(&codes::FILE_NAME, *first, message).help(help);
    diagnostics.append(&mut report.diagnostics);
}

/// Puts `[session]` into the gate's configuration: the contents of sessions follow from the rules.
fn settle_session(
    site: &mut Site,
    rules: &[(String, SpannedRule)],
    bases: &BTreeMap<String, String>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(gate) = &mut site.gate else { return };
    gate.claim_places = site.claims.places().to_vec();
    let Some(draft) = site.session.take() else {
        return;
    };
    let mut report = Report::new(SITE_FILE);
    let session = draft.settle(gate, &site.claims, rules, bases, &mut report);
    gate.session = Some(session);
    diagnostics.append(&mut report.diagnostics);
}

/// The checks that need all rules.
fn check_whole(site: &Site, rules: &[(String, SpannedRule)], diagnostics: &mut Vec<Diagnostic>) {
    let mut report = Report::new(SITE_FILE);
    if rules.len() > MAX_RULES {
        let message = format!(
            "the policy has {} rules; the limit is {MAX_RULES}",
            rules.len()
        );
        report
            .add_whole(&codes::TOO_MANY_RULES, message)
            .help("one rule with a capture can serve many courses: `/courses/{course}/**`");
    }
    let no_issuer = site
        .gate
        .as_ref()
        .is_some_and(|gate| gate.issuers.is_empty());
    if no_issuer
        && let Some((file, placed)) = rules
            .iter()
            .find(|(_, placed)| placed.rule.who.needs_token())
    {
        report
            .add_whole(
                &codes::NO_ISSUER,
                "no `[[issuer]]` is configured, so no token can be verified",
            )
            .label(file, placed.span, "this rule requires a token")
            .help("configure the issuer of the tokens: `[[issuer]]`");
    }
    if let Some(gate) = site.gate.as_ref().filter(|_| !site.is_session_refused) {
        site::check_names(gate, rules, &site.suppressions, &mut report);
    }
    for suppression in &site.suppressions {
        let Some(name) = &suppression.rule else {
            continue;
        };
        let is_it = |rule: &RuleSpec| {
            let parts = name.split_once('/');
            parts == Some((rule.course.as_str(), rule.id.as_str()))
        };
        if !rules.iter().any(|(_, placed)| is_it(&placed.rule)) {
            let message = format!("no rule `{}`", shown(name));
            report
                .add(&codes::BAD_ALLOWANCE, suppression.span, message)
                .help("write `course/id`, or `site/id` for a rule of `site.toml`");
        }
    }
    diagnostics.append(&mut report.diagnostics);
}

/// Sorts by file and position, so that the order never depends on the order of the checks. `site.toml` comes
/// first.
fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        fn key(finding: &Diagnostic) -> (bool, &str, Option<usize>, &str) {
            let start = finding.span.map(|span| span.start);
            (
                finding.file != SITE_FILE,
                &finding.file,
                start,
                finding.code.id,
            )
        }
        key(a).cmp(&key(b))
    });
    diagnostics.dedup();
}

#[cfg(test)]
mod tests;
