//! The edits of a forwarded request, for edges whose runtime shows header lines in more than one way.
//!
//! Not here: whether the request may be forwarded.

use super::Gate;
use crate::forward::Forward;
use crate::request::Request;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Returns the edits that [`Gate::handle`] makes to a request that it allows. Cookies for the response are not
    /// among them.
    pub fn request_edits(&self, request: &Request<'_>) -> Forward {
        Forward::new(&self.config, request)
    }
}
