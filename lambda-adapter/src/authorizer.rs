//! API Gateway's authorizer events and the responses to them.
//!
//! API Gateway may cache a response and apply it to later requests with the same token, whatever their path.
//! Therefore a response contains only what was decided: a policy allows the requested method and path,
//! literally, without wildcards. A list of everything that a token can access is not possible in such a
//! policy: its `*` also matches `/`, and so allows paths that the gate rejects, and a rule may depend on the
//! time and the address. An HTTP API's simple response names no path. It is returned only if the operator
//! declares how API Gateway caches; nothing in an event proves that, because a client can choose the values
//! of identity sources.
//!
//! Consequently, if responses are cached by token only, only the path of the first request is allowed until
//! they expire. The operator should set the TTL to 0, or add method and path to the identity sources.
//!
//! Not here: the decision, and the Lambda runtime.

mod arn;
mod event;
mod reply;

pub use event::{AuthorizerSettings, HttpFormat};
pub use reply::Denied;

pub(crate) use event::Asked;
pub(crate) use reply::{reply, status};
