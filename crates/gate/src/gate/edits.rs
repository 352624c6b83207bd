//! The edits of a forwarded request, for edges whose runtime represents header lines in more than one way.
//!
//! Not here: whether the request may be forwarded.

use super::Gate;
use crate::forward::RequestEdits;
use crate::request::Request;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Returns the edits that [`Gate::ask`] makes to the header lines and the target of an allowed request.
    /// Added headers are in its outcome only.
    pub fn request_edits(&self, request: &Request<'_>) -> RequestEdits {
        let indexed = self.indexed_target(request);
        let request = &Request {
            target: indexed.as_deref().unwrap_or(request.target),
            ..*request
        };
        let mut edits = RequestEdits::new(&self.config, request);
        edits.target = edits.target.or(indexed);
        edits
    }
}
