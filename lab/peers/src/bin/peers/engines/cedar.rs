//! Cedar: users are in groups, and paths are entities that have themselves as an attribute.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};

use super::Asked;
use crate::site::{self, METHOD};
use crate::timing::{Figures, timed};

pub(super) fn measure(asked: &Asked<'_>) -> Result<Figures> {
    let began = Instant::now();
    let policies: PolicySet = site::cedar(asked.rules)
        .parse()
        .context("Cedar cannot read the rules")?;
    let ready = began.elapsed();
    let action = uid("Action", METHOD)?;
    // One entity per name, for any number of requests.
    let mut known: HashMap<EntityUid, Entity> = HashMap::new();
    let mut requests = Vec::new();
    for question in asked.questions {
        let group = uid("Group", &question.group)?;
        let learner = uid("User", &question.group)?;
        let path = uid("Path", &question.path)?;
        let attributes = HashMap::from([(
            "path".to_owned(),
            RestrictedExpression::new_string(question.path.clone()),
        )]);
        known.insert(
            learner.clone(),
            Entity::new_no_attrs(learner.clone(), HashSet::from([group.clone()])),
        );
        known.insert(group.clone(), Entity::new_no_attrs(group, HashSet::new()));
        known.insert(
            path.clone(),
            Entity::new(path.clone(), attributes, HashSet::new())?,
        );
        requests.push(Request::new(
            learner,
            action.clone(),
            path,
            Context::empty(),
            None,
        )?);
    }
    let entities = Entities::from_entities(known.into_values(), None)?;
    let authorizer = Authorizer::new();
    timed(asked.expected, asked.effort, ready, |at| {
        let request = requests.get(at).context("no request with that number")?;
        let answer = authorizer.is_authorized(request, &policies, &entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            bail!("Cedar fails: {error}");
        }
        Ok(answer.decision() == Decision::Allow)
    })
}

fn uid(kind: &str, name: &str) -> Result<EntityUid> {
    let kind: EntityTypeName = kind.parse()?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}
