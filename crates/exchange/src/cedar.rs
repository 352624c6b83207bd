//! Exports a policy to Cedar, with a schema, for Cedar's tools and engine.
//!
//! Cedar conditions are two-valued, and Cedar skips a policy that fails to evaluate, even a
//! `forbid`. Each condition is therefore written twice: when it is certainly true, for `permit`,
//! and when it is certainly false, for `forbid`. Neither form can fail. Paths are entities with
//! their segments as attributes, because Cedar's `like` does not stop at slashes. The export covers
//! only allow and deny, without statuses and reasons. Not here: Cedar itself.

mod condition;
mod limit;
mod linear;
mod path;
mod request;
mod rule;
mod shape;
mod text;
mod truth;

use tollgate_policy::spec::ImageSpec;

pub use limit::{Limit, UnsupportedPolicy};
pub use request::Visit;
pub use shape::Shape;

/// A policy in Cedar.
#[derive(Clone, Debug)]
pub struct Export {
    /// The policies, in Cedar's policy syntax.
    pub policies: String,
    /// The schema, in Cedar's schema syntax.
    pub schema: String,
    /// The attributes of a request.
    pub shape: Shape,
}

/// Exports a policy.
///
/// # Errors
/// Returns the first rule that cannot be exported, and the reason.
pub fn export(policy: &ImageSpec) -> Result<Export, UnsupportedPolicy> {
    let mut shape = Shape {
        claims: policy.claims.clone(),
        ..Shape::default()
    };
    let mut policies = String::from(
        "// Exported from a Tollgate policy. The annotation of each permit and forbid names its rule.\n",
    );
    for rule in &policy.rules {
        let exported = rule::export(rule, &mut shape).map_err(|what| UnsupportedPolicy {
            rule: format!("{}/{}", rule.course, rule.id),
            what,
        })?;
        policies.push_str(&exported);
    }
    let schema = shape.schema(policy);
    Ok(Export {
        policies,
        schema,
        shape,
    })
}

#[cfg(test)]
mod tests;
