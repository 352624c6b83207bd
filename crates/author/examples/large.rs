//! Measures the time of lints for a large policy: 1,000 courses with five rules each. Prints times;
//! asserts nothing.

use std::time::Instant;

use tollgate_author::lint::{self, LintContext};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

fn main() {
    let mut sources = SourceTree::new();
    sources.insert(
        "site.toml",
        "schema = 1\n[site]\nname = \"large\"\n[claims]\n\"custom:cohort\" = \"string\"\nlevel = \"int\"\n",
    );
    for course in 0..1_000 {
        let name = format!("course-{course}");
        let text = format!(
            "course = \"{name}\"\nbase = \"/courses/{name}\"\n\
             [[rule]]\nid = \"students\"\nallow = [\"/**\"]\ngroups = [\"{name}\", \"staff\"]\n\
             [[rule]]\nid = \"preview\"\nallow = [\"/preview/**\", \"/syllabus.pdf\"]\nanyone = true\n\
             [[rule]]\nid = \"exams\"\ndeny = [\"/exams/**\"]\n\
             unless = 'claims[\"custom:cohort\"] == \"2027\" && now < timestamp(\"2027-02-01T00:00:00Z\")'\n\
             [[rule]]\nid = \"teachers\"\nallow = [\"/grades/**\"]\nmethods = [\"GET\", \"PUT\"]\n\
             groups = [\"{name}-teachers\"]\n\
             [[rule]]\nid = \"advanced\"\nallow = [\"/extra/{{part}}/*.pdf\"]\nsigned_in = true\n\
             when = 'claims.level >= 3'\n"
        );
        sources.insert(format!("courses/{name}.toml"), text);
    }
    let start = Instant::now();
    let compiled = compile(&sources, &CompileOptions::default());
    let compiling = start.elapsed();
    let Some(subject) = LintContext::new(&compiled, &sources) else {
        println!("{:?}", compiled.diagnostics);
        return;
    };
    let rules = subject.policy.rules.len();
    let start = Instant::now();
    let findings = lint::lint(&subject, 1_800_000_000);
    let advising = start.elapsed();
    let start = Instant::now();
    let budgets = lint::budgets(&subject);
    println!(
        "{rules} rules: compiled in {compiling:?}, linted in {advising:?} ({} findings), budgets in {:?} ({} of them)",
        findings.len(),
        start.elapsed(),
        budgets.len()
    );
}
