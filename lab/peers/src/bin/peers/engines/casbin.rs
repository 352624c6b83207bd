//! casbin: the group is the subject, and the matcher evaluates the cheapest comparison first.

use std::time::Instant;

use anyhow::Result;
use casbin::DefaultCache;
use casbin::prelude::{
    CachedApi as _, CachedEnforcer, CoreApi as _, DefaultModel, Enforcer, MemoryAdapter,
    MgmtApi as _,
};

use super::Asked;
use crate::site::{self, METHOD};
use crate::timing::{Figures, timed};

/// `keyMatch` compares a prefix; the others compile a regular expression on every call.
const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.act == p.act && keyMatch(r.obj, p.obj)
";

/// The capacity of the cache: more than there are requests.
const CACHED: usize = 4_096;

pub(super) fn measure(asked: &Asked<'_>) -> Result<Figures> {
    let began = Instant::now();
    let mut enforcer = waited(async {
        Enforcer::new(
            DefaultModel::from_str(MODEL).await?,
            MemoryAdapter::default(),
        )
        .await
    })?;
    waited(enforcer.add_policies(site::casbin(asked.rules)))?;
    let ready = began.elapsed();
    timed(asked.expected, asked.effort, ready, |at| {
        let question = asked.question(at)?;
        Ok(enforcer.enforce((question.group.as_str(), question.path.as_str(), METHOD))?)
    })
}

pub(super) fn measure_cached(asked: &Asked<'_>) -> Result<Figures> {
    let began = Instant::now();
    let mut enforcer = waited(async {
        CachedEnforcer::new(
            DefaultModel::from_str(MODEL).await?,
            MemoryAdapter::default(),
        )
        .await
    })?;
    enforcer.set_cache(Box::new(DefaultCache::new(CACHED)));
    waited(enforcer.add_policies(site::casbin(asked.rules)))?;
    let ready = began.elapsed();
    let mut figures = timed(asked.expected, asked.effort, ready, |at| {
        let question = asked.question(at)?;
        Ok(enforcer.enforce((question.group.as_str(), question.path.as_str(), METHOD))?)
    })?;
    if figures.checked < asked.expected.len() {
        figures.remark = Some("also times requests that are not in its cache".to_owned());
    }
    Ok(figures)
}

/// No I/O: everything is in memory.
fn waited<T>(what: impl Future<Output = casbin::Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(what)?)
}
