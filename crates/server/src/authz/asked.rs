//! The request that a proxy asks about.
//!
//! Not here: how it is read ([`dialect`](super::dialect)).

use http::HeaderName;
use http::header::HOST;
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;

/// A request, as its client sent it to the proxy. Deliberately without `Debug`, because it contains tokens.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: Vec<u8>,
    pub(super) headers: Vec<(HeaderName, Vec<u8>)>,
    pub(super) ip: Option<String>,
}

impl Asked {
    /// The host that the client named.
    pub(super) fn host(&self) -> Option<&[u8]> {
        let mut lines = self.headers.iter();
        let line = lines.find(|(name, _)| name == HOST);
        line.map(|(_, value)| value.as_slice())
    }

    /// Calls `work` with the request for the gate.
    pub(super) fn lines(&self) -> Vec<(&str, &[u8])> {
        let lines = self.headers.iter();
        lines
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }

    /// The request for the gate, with the lines of [`Asked::lines`].
    pub(super) fn request<'a>(
        &'a self,
        lines: &'a [(&'a str, &'a [u8])],
        now: UnixSeconds,
    ) -> Request<'a> {
        Request {
            method: &self.method,
            target: &self.target,
            headers: lines,
            ip: self.ip.as_deref(),
            now,
            entropy: None,
        }
    }
}
