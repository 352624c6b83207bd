//! Rego in `regorus`, compiled for its virtual machine, which its own benchmarks call the fast way.

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

/// How the rules are said.
pub(super) enum Form {
    /// A body for each.
    Rules,
    /// One over a table.
    Data,
}

pub(super) fn measure(asked: &Asked<'_>, form: Form) -> Result<Figures> {
    let began = Instant::now();
    let (text, courses) = match form {
        Form::Rules => (site::rego(asked.rules), Map::new()),
        Form::Data => (site::REGO_OVER_DATA.to_owned(), table(asked.rules)),
    };
    let data = value(&json!({ "courses": courses }))?;
    let mut engine = Engine::new();
    engine.set_policy_length_config(PolicyLengthConfig {
        max_file_bytes: NonZeroUsize::MAX,
        max_lines: NonZeroUsize::MAX,
        ..PolicyLengthConfig::default()
    });
    engine.add_policy("site.rego".to_owned(), text)?;
    engine.add_data(data.clone())?;
    let policy = engine.compile_with_entrypoint(&ENTRY.into())?;
    let mut machine = RegoVM::new();
    // Its programs are of 65,535 instructions at most; the interpreter takes any number of rules.
    let refused = match Compiler::compile_from_policy(&policy, &[ENTRY]) {
        Ok(program) => {
            machine.load_program(program);
            machine.set_data(data)?;
            None
        }
        Err(error) => Some(error.to_string()),
    };
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
    let Some(why) = refused else {
        return timed(asked.expected, asked.effort, ready, |at| {
            let input = inputs.get(at).context("an input of that number")?;
            // Values are counted references: this copies none.
            machine.set_input(input.clone());
            Ok(*machine.execute()?.as_bool()?)
        });
    };
    let mut figures = timed(asked.expected, asked.effort, ready, |at| {
        let input = inputs.get(at).context("an input of that number")?;
        Ok(*policy.eval_with_input(input.clone())?.as_bool()?)
    })?;
    let why = why.lines().next().unwrap_or_default();
    figures.remark = Some(format!("; here its interpreter, because: {why}"));
    Ok(figures)
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
