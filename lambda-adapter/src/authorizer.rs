//! What API Gateway's authorizers ask, and what they get.
//!
//! API Gateway may keep an answer and give it to later requests with the same token, whatever their
//! path. So an answer says no more than was decided: a policy allows the one method and path that was
//! asked about, literally, and nothing that a wildcard could widen. Listing everything that a token may
//! have is not done, because it cannot be said in such a policy: `*` there runs over `/`, so that it
//! lets through paths which the gate refuses, and a rule may look at the time and the address. An HTTP
//! API's simple response names no path at all. It is only given where the operator states how API Gateway
//! caches: nothing in an event proves that, because identity sources are values that the client may choose.
//! The cost: where answers are kept by token alone, only the path of the first request is open until they expire.
//! Let the operator set their life to 0, or put method and path into the identity source.
//!
//! Not here: the decision, and the Lambda runtime.

mod arn;
mod event;
mod reply;

pub use event::{AuthorizerSettings, HttpFormat};
pub use reply::Denied;

pub(crate) use event::Asked;
pub(crate) use reply::{reply, status};
