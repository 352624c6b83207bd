//! The time that each of the authors' commands takes on a site with 2,000 courses, generated from `lab/authors`.
//!
//! Times depend on the machine. That the work is linear in the number of courses is tested by counting it, in
//! `crates/author/tests/mutants.rs`.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::ui::Step;
use crate::{repo, shell, ui};

/// The numbers of courses: the second one is the site that is reported, the first one shows how times grow.
const COURSES: [usize; 2] = [500, 2_000];
const QUICK: [usize; 2] = [50, 200];

/// The commands, with `SITE` for the site's directory and `OUT` for a new file or directory.
const COMMANDS: [&[&str]; 17] = [
    &["check", "SITE"],
    &["fmt", "SITE", "--check"],
    &["test", "SITE"],
    &["test", "SITE", "--html", "OUT.html", "--junit", "OUT.xml"],
    &["test", "SITE", "--filter", "course-7.test.toml", "--mutate"],
    &["test", "SITE", "--suggest"],
    &["test", "SITE", "--mutate"],
    &[
        "decide",
        "SITE",
        "--target",
        "/courses/course-7/exams/1.pdf",
    ],
    &[
        "explain",
        "SITE",
        "--target",
        "/courses/course-7/exams/1.pdf",
    ],
    &["who", "SITE", "/courses/course-7/exams/1.pdf"],
    &["reach", "SITE"],
    &["reach", "SITE", "--groups", "staff"],
    &["diff", "SITE", "SITE"],
    &["build", "SITE", "-o", "OUT.tgi"],
    &[
        "build",
        "SITE",
        "--target",
        "cloudfront-functions",
        "-o",
        "OUT",
    ],
    &["build", "SITE", "--target", "edgeworkers", "-o", "OUT.tgz"],
    &["export", "SITE", "--cedar", "-o", "OUT"],
];

/// One command.
pub(crate) struct Row {
    command: String,
    /// In the order of the sites.
    times: [Duration; 2],
    code: i32,
    courses: [usize; 2],
}

/// Builds the command, writes the sites and runs all commands.
pub(crate) fn measure(quick: bool, step: &Step) -> Result<Vec<Row>> {
    let mut build = shell::cargo([
        "build",
        "--release",
        "--package",
        "tollgate",
        "--bin",
        "tollgate",
    ]);
    shell::must(&mut build, |line| step.line(line))?;
    let courses = if quick { QUICK } else { COURSES };
    let folder = repo::target().join("bench/authors");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| repo::shown(&folder))?;
    }
    for count in courses {
        site(&folder.join(count.to_string()), count)?;
    }
    let mut rows = Vec::new();
    for (number, command) in COMMANDS.iter().enumerate() {
        let mut times = [Duration::ZERO; 2];
        let mut code = 0;
        for (time, count) in times.iter_mut().zip(courses) {
            let site = folder.join(count.to_string());
            let out = folder.join(format!("out-{number}-{count}"));
            step.line(&format!("{} with {count} courses", command.join(" ")));
            (*time, code) = run(command, &site, &out)?;
        }
        rows.push(Row {
            command: command.join(" "),
            times,
            code,
            courses,
        });
    }
    Ok(rows)
}

fn run(command: &[&str], site: &Path, out: &Path) -> Result<(Duration, i32)> {
    let argument = |text: &&str| match text.strip_prefix("OUT") {
        Some(end) => format!("{}{end}", out.display()),
        None => text.replace("SITE", &site.display().to_string()),
    };
    let program = repo::target().join("release/tollgate");
    let start = Instant::now();
    let status = Command::new(&program)
        .args(command.iter().map(argument))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| repo::shown(&program))?;
    let time = start.elapsed();
    let code = status.code().unwrap_or(-1);
    ensure!(
        code != 2 && code != -1,
        "`tollgate {}` failed",
        command.join(" ")
    );
    Ok((time, code))
}

/// Writes a site with this many courses.
fn site(folder: &Path, courses: usize) -> Result<()> {
    let templates = repo::root().join("lab/authors");
    let text = |name: &str| {
        let file = templates.join(name);
        fs::read_to_string(&file).with_context(|| repo::shown(&file))
    };
    let put = |name: String, text: &str| {
        let file: PathBuf = folder.join(name);
        fs::write(&file, text).with_context(|| repo::shown(&file))
    };
    for name in ["courses", "keys"] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).with_context(|| repo::shown(&folder))?;
    }
    put("keys/1.key".to_owned(), &"A".repeat(43))?;
    for name in ["site.toml", "site.test.toml"] {
        put(name.to_owned(), &text(name)?)?;
    }
    let (course, exam, tests) = (
        text("course.toml")?,
        text("exam.toml")?,
        text("course.test.toml")?,
    );
    for number in 1..=courses {
        let filled = |text: &str| text.replace("@N@", &number.to_string());
        let exam = if number % 2 == 0 { exam.as_str() } else { "" };
        put(
            format!("courses/course-{number}.toml"),
            &filled(&format!("{course}{exam}")),
        )?;
        put(
            format!("courses/course-{number}.test.toml"),
            &filled(&tests),
        )?;
    }
    Ok(())
}

/// Returns the human-readable rows.
pub(crate) fn table(rows: &[Row]) -> String {
    let [few, many] = rows.first().map_or(COURSES, |row| row.courses);
    let mut lines = vec![vec![
        "command".to_owned(),
        format!("{few} courses"),
        format!("{many} courses"),
        "growth".to_owned(),
        "exit code".to_owned(),
    ]];
    for row in rows {
        let [first, second] = row.times;
        lines.push(vec![
            row.command.clone(),
            ui::seconds(first),
            ui::seconds(second),
            format!(
                "{:.1}x",
                second.as_secs_f64() / first.as_secs_f64().max(1e-9)
            ),
            row.code.to_string(),
        ]);
    }
    ui::table(&lines)
}

/// Returns the rows in the format of the other benchmark rows.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let row = |row: &Row, time: Duration, courses: usize| {
        json!({
            "what": "author",
            "target": "native",
            "subject": "tollgate",
            "p50_ns": time.as_nanos() as u64,
            "note": format!("`tollgate {}` with {courses} courses, once", row.command),
        })
    };
    let list: Vec<Value> = rows
        .iter()
        .flat_map(|all| {
            let times = all.times.into_iter().zip(all.courses);
            times.map(move |(time, courses)| row(all, time, courses))
        })
        .collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}
