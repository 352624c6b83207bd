//! `tollgate check`: errors and lint warnings of a policy.

mod fix;

use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tollgate_author::fix::{Checked, CheckedPolicy, apply};
use tollgate_author::lint::{self, LintContext};
use tollgate_author::{annotate, suite};
use tollgate_compiler::diagnostic::{Code, codes, render};
use tollgate_compiler::{Diagnostic, Severity, SourceTree};
use tollgate_edges::{Budget, EDGES, Edge};
use tollgate_gate::Gate;
use tollgate_policy::spec::ImageSpec;

use crate::failure::{Failure, Problem, counted, print_findings};
use crate::form::{Form, FormArgs};
use crate::input;
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, note, print, print_json, styled};
use crate::policy::{self, Preview};
use crate::progress::Progress;
use crate::verdict::Verdict;
use crate::watch;

/// Check a policy for errors and lint warnings
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate check policy
  tollgate check policy --deny-warnings
  tollgate check policy --target lambda-edge --target cloudfront-functions
  tollgate check policy --fix
  tollgate check --explain TG0710
  tollgate check policy --format sarif > tollgate.sarif

To suppress a warning, add an entry to site.toml:
  [[lint]]
  allow = \"TG0710\"
  rule = \"rust-101/students\"
  because = \"kept until the old links are gone\"

--fix applies the fixes that need no review, and then checks the policy. If the policy compiled before, the analysis
proves for every fix that each request is still decided in the same way; fixes that would change who can access what
are shown, and never applied. Files are written only if git can restore them, or with --allow-dirty.

Secrets may be missing, as in CI: stand-ins are used, with a note (TG0429).

Exit code: 0 if the policy compiles, even with warnings; 3 with --deny-warnings if there are warnings, and with
--dry-run if there are fixes; 2 if it does not compile, or a file cannot be written.")]
pub(crate) struct Check {
    /// The policy directory [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// Explain a diagnostic code, or every code with `all`
    #[arg(long, value_name = "CODE", conflicts_with_all = ["dir", "deny_warnings", "lenient_jwks", "target"])]
    explain: Option<String>,
    /// Exit with code 3 if there are warnings
    #[arg(long)]
    deny_warnings: bool,
    /// Evaluate time windows at this time, RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// Also report what this edge cannot do for the policy's users; can be given more than once
    #[arg(long, value_name = "EDGE", value_parser = PossibleValuesParser::new(edges()))]
    target: Vec<String>,
    /// Skip invalid keys of key sets with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Apply the suggested fixes that need no review, and check the result
    #[arg(long, conflicts_with_all = ["explain", "watch"])]
    fix: bool,
    /// With --fix: print the changes as a diff, and write nothing
    #[arg(long, visible_alias = "diff", requires = "fix")]
    dry_run: bool,
    /// With --fix: also write files that have changes which are not committed, or that are not in git
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// Check again whenever a file of the policy changes
    #[arg(long, conflicts_with_all = ["format", "json", "explain"])]
    watch: bool,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

impl Check {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        if let Some(code) = &self.explain {
            return explain(code, self.form.form() == Form::Json);
        }
        let dir = policy::folder_or_default(self.dir.clone())?;
        match self.watch {
            true => watch::repeat(&dir, &[], || self.once(&dir, None)),
            false if self.fix => self.fixed(&dir),
            false => self.once(&dir, None),
        }
    }

    /// Applies fixes, and checks the policy.
    fn fixed(&self, dir: &Path) -> Result<Verdict, Failure> {
        let form = self.form.form();
        let sources = policy::read(dir, SourceTree::read_with_tests)?;
        let now = input::now_or_clock(self.now).0;
        let fixed = apply(&sources, &|sources| self.checked(dir, sources, now), now);
        let changes = fix::Changes::new(dir, &sources, &fixed);
        if self.dry_run && !changes.is_empty() {
            changes.show(form)?;
            return Ok(Verdict::No);
        }
        changes.write(self.allow_dirty)?;
        let fixes = changes.members();
        let checked = self.once(dir, Some(fixes.clone()));
        checked.map_err(|failure| Failure::AfterFixes {
            failure: Box::new(failure),
            fixes,
        })
    }

    /// The diagnostics of files in memory; `None` if they cannot be checked.
    fn checked(&self, dir: &Path, sources: &SourceTree, now: i64) -> Option<Checked> {
        let compiled = with_tests(Preview::of(sources.clone(), self.lenient_jwks));
        let policy = match compiled {
            Ok(policy) => policy,
            Err(Failure::Policy { findings, .. }) => {
                return Some(Checked {
                    findings,
                    policy: None,
                });
            }
            Err(_) => return None,
        };
        let gate = policy.gate(dir, None).ok()?;
        let compiled = policy.compiled();
        let mut findings = compiled.diagnostics.clone();
        let spec = compiled.policy.clone();
        findings.extend(tests(sources, Some(&gate), spec.as_ref()));
        if let Some(context) = LintContext::new(compiled, sources) {
            findings.extend(lint::lint(&context, now));
            findings = lint::apply_suppressions(&context, findings).findings;
        }
        let image = policy.image().to_vec();
        Some(Checked {
            findings,
            policy: spec.map(|spec| CheckedPolicy { spec, image }),
        })
    }

    /// Checks the policy once. `fixes` are members for the JSON object.
    fn once(&self, dir: &Path, fixes: Option<Value>) -> Result<Verdict, Failure> {
        let form = self.form.form();
        let policy = with_tests(policy::preview_with_tests(dir, self.lenient_jwks))?;
        // The gate validates keys when it loads the image, so loading is part of the check.
        let gate = policy.gate(dir, None)?;
        let compiled = policy.compiled();
        let mut findings = compiled.diagnostics.clone();
        findings.extend(tests(
            &policy.sources,
            Some(&gate),
            compiled.policy.as_ref(),
        ));
        for edge in self.target.iter().filter_map(|name| Edge::named(name)) {
            findings.extend(edge.check(gate.config(), &policy.sources));
        }
        if findings.iter().any(Diagnostic::is_error) {
            let sources = Box::new(policy.sources);
            return Err(Failure::Policy { findings, sources });
        }
        let (mut excused, mut budgets) = (Vec::new(), Vec::new());
        if let Some(context) = LintContext::new(compiled, &policy.sources) {
            let _progress = Progress::start("running lints", None);
            let now = input::now_or_clock(self.now).0;
            // Generating code for restricted edges takes as long as all lints, so both run in parallel.
            let advice = thread::scope(|scope| {
                let sizes = scope.spawn(|| lint::budgets(&context));
                findings.extend(lint::lint(&context, now));
                let advice = lint::apply_suppressions(&context, findings);
                budgets = sizes.join().unwrap_or_default();
                advice
            });
            findings = advice.findings;
            excused = advice.suppressed;
        }
        let count = |severity| {
            let same = |finding: &&Diagnostic| finding.severity() == severity;
            findings.iter().filter(same).count()
        };
        let (warnings, notes) = (count(Severity::Warning), count(Severity::Note));
        let verdict = Verdict::from(!self.deny_warnings || warnings == 0);
        let (rules, bytes) = (gate.image().rule_count(), gate.image().as_bytes().len());
        if form == Form::Json {
            let diagnostics: Vec<Value> = findings
                .iter()
                .map(|finding| render::json(finding, &policy.sources))
                .collect();
            let allowed: Vec<Value> = excused
                .iter()
                .map(|excused| {
                    let mut finding = render::json(&excused.finding, &policy.sources);
                    if let Some(object) = finding.as_object_mut() {
                        object.insert("because".to_owned(), excused.because.clone().into());
                    }
                    finding
                })
                .collect();
            let budgets: Vec<Value> = budgets.iter().map(budget_json).collect();
            let mut object = json!({
                "policy": gate.policy(),
                "rules": rules,
                "bytes": bytes,
                "diagnostics": diagnostics,
                "allowed": allowed,
                "budgets": budgets,
            });
            if let (Some(object), Some(Value::Object(fixes))) = (object.as_object_mut(), fixes) {
                object.extend(fixes);
            }
            print_json(object)?;
            return Ok(verdict);
        }
        form.print(&annotate::diagnostics(&findings, &policy.sources))?;
        if form.is_document() {
            return Ok(verdict);
        }
        if form == Form::Human {
            print_findings(&findings, &policy.sources);
        }
        for excused in &excused {
            let (id, message) = (excused.finding.code.id, &excused.finding.message);
            let text = format!("suppressed {id}: {message} ({})", excused.because);
            note(styled(FAINT, text));
        }
        let (mark, word) = if verdict == Verdict::Yes {
            (GOOD, "ok")
        } else {
            (BAD, "warnings are denied:")
        };
        let notes = match notes {
            0 => String::new(),
            notes => format!(", {}", counted(notes, "note")),
        };
        let id = gate.policy();
        let id = id.map_or_else(String::new, |id| format!(", policy {id}"));
        // A policy with errors does not reach this line.
        print(format_args!(
            "{} {}, {}{notes} ({bytes} bytes{id})",
            styled(mark, word),
            counted(rules, "rule"),
            counted(warnings, "warning"),
        ))?;
        for budget in &budgets {
            print(budget_text(budget))?;
        }
        // Proxies have no size limit.
        let is_listed = |name: &&String| budgets.iter().any(|budget| budget.edge == name.as_str());
        for name in self.target.iter().filter(|name| !is_listed(name)) {
            let line = format!("  {name:<20} supports the policy, without a limit of its size");
            print(styled(FAINT, line))?;
        }
        Ok(verdict)
    }
}

/// The edges that a policy can be checked for.
fn edges() -> impl Iterator<Item = &'static str> {
    EDGES.iter().map(|edge| edge.name)
}

/// The diagnostics of the tests. Without a gate, for a policy that does not compile, some checks are skipped.
fn tests(
    sources: &SourceTree,
    gate: Option<&Gate<Vec<u8>>>,
    spec: Option<&ImageSpec>,
) -> Vec<Diagnostic> {
    let (files, mut findings) = suite::read(&sources.test_files(), sources, gate);
    if let (Some(gate), Some(spec)) = (gate, spec) {
        findings.extend(suite::advice(&files, spec, gate));
    }
    findings
}

/// Adds the errors of the tests to those of a policy that does not compile.
fn with_tests(compiled: Result<Preview, Failure>) -> Result<Preview, Failure> {
    compiled.map_err(|failure| match failure {
        Failure::Policy {
            mut findings,
            sources,
        } => {
            findings.extend(tests(&sources, None, None));
            Failure::Policy { findings, sources }
        }
        other => other,
    })
}

fn budget_json(budget: &Budget) -> Value {
    json!({
        "edge": budget.edge,
        "what": budget.what,
        "used": budget.used,
        "limit": budget.limit,
    })
}

fn budget_text(budget: &Budget) -> String {
    let Budget {
        edge, what, used, ..
    } = budget;
    let head = format!("  {edge:<20} {what:<14} {used:>10}");
    let Some(limit) = budget.limit else {
        return styled(FAINT, head);
    };
    let permille = used.saturating_mul(1_000) / limit.max(1);
    let style = match budget.fits() {
        false => BAD,
        true if permille > 800 => NOTE,
        true => FAINT,
    };
    let share = format!("{}.{}%", permille / 10, permille % 10);
    styled(style, format_args!("{head} of {limit:>10}  {share:>6}"))
}

/// Prints the explanation of a code.
fn explain(wanted: &str, json: bool) -> Result<Verdict, Failure> {
    let wanted = wanted.to_ascii_uppercase();
    let found: Vec<&Code> = codes::codes()
        .filter(|code| wanted == "ALL" || code.id == wanted)
        .collect();
    if found.is_empty() {
        return Err(Failure::Argument {
            name: "--explain",
            value: wanted,
            problem: Problem::Code,
        });
    }
    let object = |code: &&Code| {
        json!({
            "code": code.id,
            "severity": code.severity.name(),
            "title": code.title,
            "explanation": code.explanation,
        })
    };
    if json {
        let codes: Vec<Value> = found.iter().map(object).collect();
        print_json(json!({ "codes": codes }))?;
    } else {
        for code in &found {
            let severity = code.severity.name();
            let head = styled(STRONG, format_args!("{} {}", code.id, code.title));
            print(format_args!(
                "{head} ({severity})\n\n{}\n",
                code.explanation
            ))?;
        }
    }
    Ok(Verdict::Yes)
}
