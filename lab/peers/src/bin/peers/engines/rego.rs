//! Rego in `regorus`, compiled for its virtual machine, which its own benchmarks describe as the fast path.

use core::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context as _, Result};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::utils::limits::PolicyLengthConfig;
use regorus::{Engine, Value};
use serde_json::{Map, json};

use super::Asked;
use crate::site::{self, METHOD};
use crate::timing::{Figures, timed};

const ENTRY: &str = "data.site.allow";
/// The number of rules in one program, which has at most 65,535 instructions; a rule takes 15. More rules go
/// into more programs, evaluated in turn until one allows: the interpreter takes any number, but is thirty
/// times slower.
const RULES_A_PROGRAM: usize = 4_000;

/// The form of the rules.
pub(super) enum Form {
    /// One body per rule.
    Rules,
    /// One rule over a table.
    Data,
}

pub(super) fn measure(asked: &Asked<'_>, form: Form) -> Result<Figures> {
    let began = Instant::now();
    let mut machines = Vec::new();
    match form {
        Form::Data => machines.push(machine(
            site::REGO_OVER_DATA.to_owned(),
            &json!({ "courses": table(asked.rules) }),
        )?),
        Form::Rules => {
            for first in (0..asked.rules).step_by(RULES_A_PROGRAM) {
                let end = asked.rules.min(first + RULES_A_PROGRAM);
                machines.push(machine(site::rego(first..end), &json!({}))?);
            }
        }
    }
    let ready = began.elapsed();
    let inputs: Vec<Value> = asked
        .questions
        .iter()
        .map(|question| {
            value(&json!({
                "method": METHOD,
                "path": question.path,
                "groups": { question.group.as_str(): true },
            }))
        })
        .collect::<Result<_>>()?;
    let programs = machines.len();
    let mut figures = timed(asked.expected, asked.effort, ready, |at| {
        let input = inputs.get(at).context("no input with that number")?;
        for machine in &mut machines {
            // Values are reference-counted: this copies none.
            machine.set_input(input.clone());
            if *machine.execute()?.as_bool()? {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    if programs > 1 {
        figures.remark = Some(format!("{programs} programs, because one holds no more"));
    }
    Ok(figures)
}

/// A machine with a program and its data.
fn machine(text: String, data: &serde_json::Value) -> Result<RegoVM> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(PolicyLengthConfig {
        max_file_bytes: NonZeroUsize::MAX,
        max_lines: NonZeroUsize::MAX,
        ..PolicyLengthConfig::default()
    });
    engine.add_policy("site.rego".to_owned(), text)?;
    let data = value(data)?;
    engine.add_data(data.clone())?;
    let policy = engine.compile_with_entrypoint(&ENTRY.into())?;
    let mut machine = RegoVM::new();
    machine.load_program(Compiler::compile_from_policy(&policy, &[ENTRY])?);
    machine.set_data(data)?;
    Ok(machine)
}

fn table(rules: usize) -> Map<String, serde_json::Value> {
    let course = |number| {
        let name = format!("course-{number}");
        (name.clone(), json!({ "group": name }))
    };
    (0..rules).map(course).collect()
}

fn value(json: &serde_json::Value) -> Result<Value> {
    Value::from_json_str(&json.to_string())
}
