//! The issuers that can grant the groups, subjects and claims that rules require.
//!
//! Not here: reading the tokens of an issuer.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::{Effect, Tri, glob};
use tollgate_gate::config::GateConfig;
use tollgate_token::{ClaimRules, IssuerConfig};

use super::Suppression;
use crate::diagnostic::{Code, Diagnostic, Report, codes};
use crate::spanned::SpannedRule;
use tollgate_policy::spec::{Comparison, Expr, Principals, RuleSpec, StringTest, Template};

/// Most rules that a warning names.
const MAX_EXAMPLES: usize = 3;

/// Reports issuers whose groups are read but not configured, and what several issuers can grant.
pub(crate) fn check_names(
    gate: &GateConfig,
    rules: &[(String, SpannedRule)],
    suppressions: &[Suppression],
    report: &mut Report,
) {
    let issuers: Vec<&IssuerConfig> = gate.sign_in_issuers().collect();
    for issuer in &issuers {
        report_missing_claim(issuer, &issuers, rules, report);
    }
    report_shared(&issuers, rules, suppressions, report);
}

/// An issuer whose groups rules could mean must have a claim for them.
fn report_missing_claim(
    issuer: &IssuerConfig,
    issuers: &[&IssuerConfig],
    rules: &[(String, SpannedRule)],
    report: &mut Report,
) {
    if issuer.claims.groups.is_some() {
        return;
    }
    let reads = |rule: &RuleSpec| reads_groups(rule) && is_about(rule, issuer);
    let readers: Vec<&(String, SpannedRule)> = rules
        .iter()
        .filter(|(_, placed)| reads(&placed.rule))
        .collect();
    let Some((file, placed)) = readers.first() else {
        return;
    };
    let name = &issuer.name;
    let message = format!("issuer `{name}` has no `groups_claim`, and rules name groups");
    let finding = report
        .add_whole(&codes::GROUPS_CLAIM_MISSING, message)
        .label(file, placed.span, "this rule names groups");
    for help in missing_claim_help(issuer, issuers, &readers) {
        finding.help(help);
    }
}

/// What to write for an issuer whose groups rules could mean. A `deny` with `issuers` would not match the users of the
/// others at all, so only `allow` rules are to name issuers.
fn missing_claim_help(
    issuer: &IssuerConfig,
    issuers: &[&IssuerConfig],
    readers: &[&(String, SpannedRule)],
) -> Vec<String> {
    let name = &issuer.name;
    let is_groupless = is_groupless(issuer);
    let mut help = Vec::new();
    if !is_groupless {
        help.push(format!(
            "if its tokens contain groups, name their claim in `[[issuer]]` `{name}`, such as `groups_claim = \"groups\"`"
        ));
    }
    let none = match is_groupless {
        true => format!("tokens of `{name}` contain no groups: "),
        false => "if they contain none: ".to_owned(),
    };
    let (allows, denies): (Vec<_>, Vec<_>) = readers
        .iter()
        .copied()
        .partition(|(_, placed)| placed.rule.effect == Effect::Allow);
    let others: Vec<&str> = issuers
        .iter()
        .filter(|other| other.claims.groups.is_some() && !has_no_groups(other))
        .map(|other| other.name.as_str())
        .collect();
    if !allows.is_empty() {
        let rules = shown_rules(&allows);
        help.push(match others.is_empty() {
            true => format!(
                "{none}in {rules}, write `subjects = [\"…\"]`, or a condition on a claim in `when`, instead of groups"
            ),
            false => format!(
                "{none}in {rules}, name the issuers whose groups are meant: {}",
                issuers_key(&others)
            ),
        });
    }
    if !denies.is_empty() {
        let none = if allows.is_empty() { none.as_str() } else { "" };
        help.push(format!(
            "{none}for {}, write `groups_claim = \"groups\"` in `[[issuer]]` `{name}`: without that claim in their \
             tokens, its users are in no group",
            shown_rules(&denies)
        ));
    }
    help
}

/// Issuers of accounts for everyone, whose tokens never contain groups.
const GROUPLESS: [&str; 2] = [
    "https://accounts.google.com",
    "https://token.actions.githubusercontent.com",
];

fn is_groupless(issuer: &IssuerConfig) -> bool {
    let mut issuers = issuer.issuers.iter();
    issuers.any(|iss| GROUPLESS.contains(&iss.as_str()))
}

/// Whether the tokens of the issuer have no groups although it has a groups claim: one that they never contain.
fn has_no_groups(issuer: &IssuerConfig) -> bool {
    let claim = issuer.claims.groups.as_ref();
    is_groupless(issuer) && claim.is_some_and(|claim| claim.first() == "groups")
}

/// The key `issuers` with a name, or the names to choose from.
fn issuers_key(names: &[&str]) -> String {
    match names {
        [one] => format!("`issuers = [\"{one}\"]`"),
        names => format!("`issuers = [\"…\"]` with {}", crate::keys::or_list(names)),
    }
}

/// The kind of shared grant, and the names of the issuers that share it.
type Shared<'i> = (Granted, Vec<&'i str>);

/// These issuers, and the rules.
type Sharing<'i> = (Vec<&'i IssuerConfig>, Vec<&'i (String, SpannedRule)>);

/// Adds one warning for each set of issuers that can satisfy the same rules. A rule that a `[[lint]]` names has a
/// warning of its own, at the rule, so that the `[[lint]]` suppresses only that one.
fn report_shared(
    issuers: &[&IssuerConfig],
    rules: &[(String, SpannedRule)],
    suppressions: &[Suppression],
    report: &mut Report,
) {
    let mut shared: BTreeMap<Shared<'_>, Sharing<'_>> = BTreeMap::new();
    for entry in rules {
        let (file, placed) = entry;
        let Some((granted, able)) = sharing(issuers, &placed.rule) else {
            continue;
        };
        let names: Vec<&str> = able.iter().map(|issuer| issuer.name.as_str()).collect();
        let is_named = |suppression: &Suppression| {
            suppression.rule.as_ref() == Some(&full_name(&placed.rule))
                && *suppression.code == *granted.code()
        };
        if suppressions.iter().any(is_named) {
            let message = message(&names, &[entry]);
            let mut finding = Diagnostic::new(granted.code(), file, message);
            finding.at(placed.span);
            add_help(granted, &able, &[entry], &mut finding);
            report.diagnostics.push(finding);
        } else {
            let (_, rules) = shared
                .entry((granted, names))
                .or_insert_with(|| (able, Vec::new()));
            rules.push(entry);
        }
    }
    for ((granted, names), (able, rules)) in shared {
        let Some((file, placed)) = rules.first() else {
            continue;
        };
        let finding = report
            .add_whole(granted.code(), message(&names, &rules))
            .label(file, placed.span, granted.label());
        add_help(granted, &able, &rules, finding);
    }
}

fn full_name(rule: &RuleSpec) -> String {
    format!("{}/{}", rule.course, rule.id)
}

/// The names of the first rules, and how many more there are.
fn shown_rules(rules: &[&(String, SpannedRule)]) -> String {
    let examples = rules.iter().take(MAX_EXAMPLES);
    let examples: Vec<_> = examples
        .map(|(_, placed)| format!("`{}`", full_name(&placed.rule)))
        .collect();
    match rules.len().saturating_sub(examples.len()) {
        0 => examples.join(", "),
        more => format!("{} and {more} more", examples.join(", ")),
    }
}

fn message(names: &[&str], rules: &[&(String, SpannedRule)]) -> String {
    let listed = crate::keys::and_list(names);
    format!("tokens of {listed} can all satisfy {}", shown_rules(rules))
}

fn add_help(
    granted: Granted,
    able: &[&IssuerConfig],
    rules: &[&(String, SpannedRule)],
    finding: &mut Diagnostic,
) {
    // Rules for which the same issuers can be meant have one line.
    let mut by_fits: BTreeMap<Vec<usize>, Vec<&(String, SpannedRule)>> = BTreeMap::new();
    for rule in rules {
        let fits = |at: &usize| able.get(*at).is_some_and(|one| is_meant(&rule.1.rule, one));
        let fitting = (0..able.len()).filter(fits).collect();
        by_fits.entry(fitting).or_default().push(rule);
    }
    if granted == Granted::Names {
        let meant: BTreeSet<usize> = by_fits.keys().flatten().copied().collect();
        let is_other = |at: &usize| meant.len() != 1 || !meant.contains(at);
        let others = (0..able.len()).filter(is_other);
        let others: Vec<&str> = others
            .filter_map(|at| Some(able.get(at)?.name.as_str()))
            .collect();
        finding.help(format!(
            "restrict what {} can grant: `groups = [\"…\"]`, `groups_prefix` or `subject_prefix` in its `[[issuer]]`",
            crate::keys::or_list(&others)
        ));
    }
    let mut or = match granted {
        Granted::Names => "or ",
        Granted::Claims => "",
    };
    for effect in [Effect::Allow, Effect::Deny] {
        for (fits, rules) in &by_fits {
            let rules: Vec<_> = rules
                .iter()
                .copied()
                .filter(|(_, placed)| placed.rule.effect == effect)
                .collect();
            let fits: Vec<&IssuerConfig> = fits
                .iter()
                .filter_map(|at| able.get(*at).copied())
                .collect();
            if !rules.is_empty() {
                finding.help(format!("{or}{}", issuers_help(effect, &fits, &rules)));
                or = "or ";
            }
        }
    }
}

/// How to name the issuers that rules are about, of those that can be meant.
fn issuers_help(
    effect: Effect,
    fits: &[&IssuerConfig],
    rules: &[&(String, SpannedRule)],
) -> String {
    let rules = shown_rules(rules);
    let names: Vec<&str> = fits.iter().map(|issuer| issuer.name.as_str()).collect();
    if names.is_empty() {
        return format!(
            "none of these issuers is meant in {rules}: their tokens contain no groups, so name subjects or claims instead"
        );
    }
    match effect {
        Effect::Allow => format!(
            "name the issuers that a rule is about, in {rules}: {}",
            issuers_key(&names)
        ),
        Effect::Deny => {
            let iss: Vec<&str> = fits
                .iter()
                .filter_map(|issuer| Some(issuer.issuers.first()?.as_str()))
                .collect();
            let unless = match iss.as_slice() {
                [one] => format!("`unless = 'issuer == \"{one}\" && …'`"),
                several => format!(
                    "`unless = 'issuer == \"…\" && …'` with {}",
                    crate::keys::or_list(several)
                ),
            };
            format!(
                "except the users of one issuer only, in {rules}: {unless}; with `issuers`, a `deny` would not match the \
                 tokens of the others at all"
            )
        }
    }
}

/// Whether a rule can mean this issuer, whose tokens could satisfy it.
fn is_meant(rule: &RuleSpec, issuer: &IssuerConfig) -> bool {
    !(reads_groups(rule) && has_no_groups(issuer))
}

fn reads_groups(rule: &RuleSpec) -> bool {
    let mut reads = rule.who.groups.is_some();
    each_condition(rule, &mut |expr| reads |= matches!(expr, Expr::InGroups(_)));
    reads
}

fn each_condition<'r>(rule: &'r RuleSpec, visit: &mut impl FnMut(&'r Expr)) {
    for condition in [&rule.when, &rule.unless].into_iter().flatten() {
        condition.each(visit);
    }
}

/// Whether a token of the issuer can match the rule, as far as `issuers` decides that.
fn is_about(rule: &RuleSpec, issuer: &IssuerConfig) -> bool {
    let names = rule.who.issuers.as_ref();
    names.is_none_or(|names| {
        names
            .iter()
            .any(|name| issuer.issuers.first() == Some(name))
    })
}

/// The part of a token that grants access by a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Granted {
    /// Its groups or its subject.
    Names,
    /// Only its scopes, or claims that a condition reads.
    Claims,
}

impl Granted {
    fn code(self) -> &'static Code {
        match self {
            Self::Names => &codes::SHARED_NAMES,
            Self::Claims => &codes::SHARED_CLAIMS,
        }
    }

    /// The description of the rule for the label.
    fn label(self) -> &'static str {
        match self {
            Self::Names => "this rule names groups or subjects of any issuer",
            Self::Claims => "this rule trusts a claim or scope of any issuer",
        }
    }
}

/// The content of a token, as far as its issuer chooses it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    /// Nothing that its issuer chose except the issuer itself.
    Nothing,
    /// The best groups and the best subject that its issuer can write.
    Names,
    /// The best claims and scopes as well.
    Everything,
}

/// The issuers whose tokens can open what the rule is about, and for what, if there are several and it depends on what
/// one of them writes into its tokens.
fn sharing<'i>(
    issuers: &[&'i IssuerConfig],
    rule: &RuleSpec,
) -> Option<(Granted, Vec<&'i IssuerConfig>)> {
    let able = |content: Content| -> Vec<&'i IssuerConfig> {
        let about = issuers
            .iter()
            .copied()
            .filter(|issuer| is_about(rule, issuer));
        about
            .filter(|issuer| opens(rule, issuer, content))
            .collect()
    };
    let granting = |able: &[&IssuerConfig]| {
        able.len() > 1
            && able
                .iter()
                .any(|issuer| !opens(rule, issuer, Content::Nothing))
    };
    let by_names = able(Content::Names);
    if granting(&by_names) {
        return Some((Granted::Names, by_names));
    }
    let by_claims = able(Content::Everything);
    granting(&by_claims).then_some((Granted::Claims, by_claims))
}

/// Whether a token of the issuer with this content could grant access by a rule: an `allow` by matching, a `deny` by
/// not matching. Where and when the request is made is as it has to be.
fn opens(rule: &RuleSpec, issuer: &IssuerConfig, content: Content) -> bool {
    let RuleSpec {
        effect,
        who,
        when,
        unless,
        // The same for the tokens of every issuer.
        course: _,
        id: _,
        methods: _,
        because: _,
        patterns: _,
        networks: _,
        from: _,
        until: _,
    } = rule;
    let token = Token { issuer, content };
    let truth = |condition: &Option<Expr>, otherwise| {
        condition
            .as_ref()
            .map_or(otherwise, |condition| token.truth(condition))
    };
    let (when, unless) = (truth(when, Tri::TRUE), truth(unless, Tri::FALSE));
    match effect {
        Effect::Allow => token.is_one_of(who) && when.may_be_true() && unless.may_be_false(),
        Effect::Deny => !token.must_be(who) || when.may_be_false() || unless.may_be_true(),
    }
}

/// A token of an issuer.
struct Token<'t> {
    issuer: &'t IssuerConfig,
    content: Content,
}

impl Token<'_> {
    /// Whether it could satisfy the principals of a rule.
    fn is_one_of(&self, who: &Principals) -> bool {
        let Principals {
            groups,
            scopes,
            subjects,
            anyone: _,
            signed_in: _,
            // Compared before.
            issuers: _,
        } = who;
        let is =
            |names: &Option<Vec<Template>>, least: Content, fits: &dyn Fn(&Template) -> bool| {
                let Some(names) = names else { return true };
                self.content >= least && names.iter().any(fits)
            };
        let claims = &self.issuer.claims;
        let subject_fits = |name: &Template| without_prefix(name, &claims.subject_prefix).is_some();
        is(groups, Content::Names, &|name| group_fits(claims, name))
            && is(subjects, Content::Names, &subject_fits)
            && is(scopes, Content::Everything, &|_| true)
    }

    /// Whether every token of the issuer satisfies the principals of a rule.
    fn must_be(&self, who: &Principals) -> bool {
        who.groups.is_none() && who.subjects.is_none() && who.scopes.is_none()
    }

    /// The truth values that a condition could have.
    fn truth(&self, condition: &Expr) -> Tri {
        let if_content = |least, truth| match self.content >= least {
            true => truth,
            false => Tri::FALSE,
        };
        match condition {
            Expr::Bool(truth) => Tri::known(*truth),
            Expr::Not(inner) => self.truth(inner).not(),
            Expr::And(left, right) => self.truth(left).and(self.truth(right)),
            Expr::Or(left, right) => self.truth(left).or(self.truth(right)),
            Expr::InGroups(name) => {
                let fits = match &**name {
                    Expr::Str(text) => group_fits(&self.issuer.claims, &literal(text)),
                    _ => self.issuer.claims.groups.is_some(),
                };
                if_content(Content::Names, if fits { Tri::EITHER } else { Tri::FALSE })
            }
            Expr::Has(_) => if_content(Content::Everything, Tri::EITHER),
            Expr::Compare(Comparison::Eq, left, right) => self.equal(left, right),
            Expr::Compare(Comparison::Ne, left, right) => self.equal(left, right).not(),
            Expr::InStrings(value, list) => {
                let texts = list.iter().map(|text| Expr::Str(text.clone()));
                let truths = texts.map(|text| self.equal(value, &text));
                truths.fold(Tri::FALSE, Tri::or)
            }
            Expr::StringTest(test, value, text) => match (&**value, &**text, self.iss()) {
                (Expr::Issuer, Expr::Str(text), Some(iss)) => Tri::known(match test {
                    StringTest::StartsWith => iss.starts_with(text),
                    StringTest::EndsWith => iss.ends_with(text),
                    StringTest::Contains => iss.contains(text),
                }),
                _ => self.content_of(condition),
            },
            _ => self.content_of(condition),
        }
    }

    fn iss(&self) -> Option<&str> {
        self.issuer.issuers.first().map(String::as_str)
    }

    fn equal(&self, left: &Expr, right: &Expr) -> Tri {
        match (left, right) {
            (Expr::Issuer, Expr::Str(text)) | (Expr::Str(text), Expr::Issuer) => {
                Tri::known(self.iss() == Some(text))
            }
            (Expr::Subject, other) | (other, Expr::Subject) if self.content >= Content::Names => {
                let prefix = &self.issuer.claims.subject_prefix;
                let fits = match other {
                    Expr::Str(text) => text.starts_with(prefix),
                    // It may be anything but a subject with a prefix of its own.
                    _ => prefix.is_empty(),
                };
                if fits { Tri::EITHER } else { Tri::FALSE }
            }
            (Expr::Subject, _) | (_, Expr::Subject) => Tri::FALSE,
            _ => self.content_of(left).and(self.content_of(right)),
        }
    }

    /// The truth values of what reads a token in any other way: unknown if it reads a missing claim.
    fn content_of(&self, expr: &Expr) -> Tri {
        let (mut reads_claims, mut reads_subject) = (false, false);
        expr.each(&mut |part| {
            reads_claims |= matches!(part, Expr::Claim(_) | Expr::InClaim(..));
            reads_subject |= matches!(part, Expr::Subject);
        });
        match self.content {
            Content::Everything => Tri::ANY,
            _ if reads_claims => Tri::UNKNOWN,
            Content::Nothing if reads_subject => Tri::FALSE,
            Content::Names | Content::Nothing => Tri::ANY,
        }
    }
}

fn literal(text: &str) -> Template {
    Template {
        prefix: text.to_owned(),
        capture: None,
        suffix: String::new(),
    }
}

fn group_fits(claims: &ClaimRules, name: &Template) -> bool {
    if claims.groups.is_none() {
        return false;
    }
    let rest = without_prefix(name, &claims.groups_prefix);
    rest.is_some_and(|rest| {
        let granted = claims.granted_groups.as_ref();
        granted.is_none_or(|granted| granted.iter().any(|pattern| overlaps(pattern, &rest)))
    })
}

/// The name that an issuer with this prefix must write for its tokens to have the name: literal text, and `*`
/// for a capture. `None` if they cannot have it. A capture could supply the prefix as well, but then the rule
/// does not mean another issuer.
fn without_prefix(name: &Template, prefix: &str) -> Option<String> {
    let star = if name.capture.is_some() { "*" } else { "" };
    let rest = name.prefix.strip_prefix(prefix)?;
    Some(format!("{rest}{star}{}", name.suffix))
}

/// Whether a pattern and a name, both possibly with `*`, can be the same text. A capture has no `*`, so a
/// name without one is compared exactly.
fn overlaps(pattern: &str, name: &str) -> bool {
    if !name.contains('*') {
        return glob::matches(pattern.as_bytes(), name.as_bytes());
    }
    let literal = |text: &str| {
        let (start, _) = text.split_once('*').unwrap_or((text, ""));
        let (_, end) = text.rsplit_once('*').unwrap_or(("", text));
        (start.to_owned(), end.to_owned())
    };
    let ((start, end), (name_start, name_end)) = (literal(pattern), literal(name));
    let starts = start.starts_with(&name_start) || name_start.starts_with(&start);
    starts && (end.ends_with(&name_end) || name_end.ends_with(&end))
}

#[cfg(test)]
mod tests;
