//! The description of every edge: its name, its limits, and what it can do for a policy's users.
//!
//! Not here: building for an edge, and driving one.

#![forbid(unsafe_code)]

use tollgate_gate::config::{DenyPage, GateConfig, MAX_PAGE_BYTES};
use tollgate_gate::session::{SessionConfig, SessionForm};
use tollgate_token::{Algorithm, IssuerConfig};

use tollgate_compiler::diagnostic::{Code, Diagnostic, Span, codes, shown};
use tollgate_compiler::{SITE_FILE, SourceTree, place_of_issuer, place_of_table};
use tollgate_javascript as javascript;

/// A target of `tollgate build` that decides requests.
#[derive(Debug)]
pub struct Edge {
    /// Its name as a target.
    pub name: &'static str,
    /// Largest policy image that it loads, in bytes; `None` if it loads none.
    pub max_image_bytes: Option<usize>,
    /// Largest file that it takes as what is deployed, in bytes; `None` for a folder of files.
    pub max_file_bytes: Option<usize>,
    /// Whether it can verify tokens of an algorithm.
    verifies: fn(Algorithm) -> bool,
    /// Whether it can set a cookie on the response to a forwarded request.
    sets_cookies: bool,
    /// Whether it answers requests to the session endpoint.
    has_endpoint: bool,
    /// Longest page for a denial, in bytes as `page_bytes` counts them.
    max_page_bytes: usize,
    page_bytes: fn(&str) -> usize,
}

/// All edges that `tollgate build` has an artifact for.
pub static EDGES: [Edge; 4] = [LAMBDA_EDGE, CLOUDFLARE, CLOUDFRONT_FUNCTIONS, EDGEWORKERS];

/// A function at the viewer request of CloudFront, with WebAssembly or an addon.
pub const LAMBDA_EDGE: Edge = Edge {
    name: "lambda-edge",
    // Packages of viewer functions were limited to 1 MB for years, and some accounts still are.
    max_image_bytes: Some(1_000_000),
    // AWS: "Quotas on Lambda@Edge".
    max_file_bytes: Some(50 * 1_024 * 1_024),
    verifies: |_| true,
    // A function at a request event edits the request only.
    sets_cookies: false,
    has_endpoint: true,
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
};

/// A Worker with WebAssembly.
pub const CLOUDFLARE: Edge = Edge {
    name: "cloudflare",
    // The largest value of Workers KV.
    max_image_bytes: Some(25 * 1_024 * 1_024),
    max_file_bytes: None,
    verifies: |_| true,
    sets_cookies: true,
    has_endpoint: true,
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
};

/// A function at the viewer request of CloudFront, without WebAssembly.
pub const CLOUDFRONT_FUNCTIONS: Edge = Edge {
    name: "cloudfront-functions",
    max_image_bytes: None,
    max_file_bytes: None,
    verifies: javascript::cloudfront_verifies,
    sets_cookies: false,
    has_endpoint: false,
    max_page_bytes: javascript::MAX_CLOUDFRONT_PAGE_BYTES,
    page_bytes: javascript::cloudfront_page_bytes,
};

/// A code bundle for Akamai, without WebAssembly.
pub const EDGEWORKERS: Edge = Edge {
    name: "edgeworkers",
    max_image_bytes: None,
    // Akamai: "Product limits" of EdgeWorkers, compressed.
    max_file_bytes: Some(512 * 1_024),
    verifies: javascript::edgeworkers_verify,
    sets_cookies: false,
    has_endpoint: false,
    // `respondWith` sends as many characters since July 2026 (2,048 before).
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
};

impl Edge {
    /// The edge of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EDGES.iter().find(|edge| edge.name == name)
    }

    /// What users of the policy cannot do on this edge, and how they get access instead. Errors are about
    /// policies by which nobody does.
    pub fn check(&self, config: &GateConfig, sources: &SourceTree) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        let session = config.session.as_ref();
        let delivery = session.map(|session| self.delivery(session));
        if let (Some(session), Some(Delivery::None)) = (session, delivery) {
            findings.push(self.undelivered(session, place_of_table(sources, "session")));
        }
        let is_read = |session: &&SessionConfig| {
            session.form == SessionForm::Jwt
                && self.verifies_some(config.issuers.get(session.issuer as usize))
        };
        let reachable = session
            .filter(is_read)
            .filter(|_| delivery != Some(Delivery::None))
            .and_then(|session| session.endpoint.as_deref());
        let sign_in: Vec<&IssuerConfig> = config.sign_in_issuers().collect();
        let lost: Vec<&IssuerConfig> = sign_in
            .iter()
            .copied()
            .filter(|issuer| !self.verifies_some(Some(issuer)))
            .collect();
        let nobody = lost.len() == sign_in.len() && reachable.is_none();
        for issuer in lost {
            let span = place_of_issuer(sources, &issuer.name);
            findings.push(self.unverified(issuer, reachable, nobody, span));
        }
        for page in &config.deny.pages {
            if (self.page_bytes)(&page.html) > self.max_page_bytes {
                findings.push(self.long_page(page, place_of_table(sources, "deny")));
            }
        }
        findings
    }

    /// TG0804.
    fn long_page(&self, page: &DenyPage, span: Option<Span>) -> Diagnostic {
        let message = format!(
            "`{}` sends pages of at most {} bytes, and the one for status {} has {}",
            self.name,
            self.max_page_bytes,
            page.status,
            (self.page_bytes)(&page.html)
        );
        let mut finding = Self::finding(&codes::LONG_PAGE, span, message);
        finding.help(
            "link images and styles from a public path of the site instead of embedding them",
        );
        finding
    }

    fn verifies_some(&self, issuer: Option<&IssuerConfig>) -> bool {
        let algorithms = issuer.map_or_else(Vec::new, javascript::algorithms_of_keys);
        algorithms.into_iter().any(self.verifies)
    }

    fn delivery(&self, session: &SessionConfig) -> Delivery {
        match (session.endpoint.is_some(), session.on_sign_in) {
            (true, _) if self.has_endpoint => Delivery::Here,
            (_, true) if self.sets_cookies => Delivery::Here,
            (true, _) => Delivery::Elsewhere,
            (false, _) => Delivery::None,
        }
    }

    fn finding(code: &'static Code, span: Option<Span>, message: String) -> Diagnostic {
        let mut finding = Diagnostic::new(code, SITE_FILE, message);
        if let Some(span) = span {
            finding.at(span);
        }
        finding
    }

    /// TG0801.
    fn undelivered(&self, session: &SessionConfig, span: Option<Span>) -> Diagnostic {
        let what = if session.on_sign_in {
            "cannot set a cookie on the response to a forwarded request, and `[session]` has no `endpoint`"
        } else {
            "delivers sessions through an `endpoint` only, and `[session]` has none"
        };
        let message = format!("`{}` {what}, so no user gets a session", self.name);
        let mut finding = Self::finding(&codes::NO_SESSION, span, message);
        finding.help(if self.has_endpoint {
            "add \"endpoint\" to `mint`: the page after sign-in sends its token with POST to \
             `/.tollgate/session`, and the edge answers with the cookie"
        } else {
            "add \"endpoint\" to `mint`, and let an edge that can answer it serve that path, such as `lambda-edge`"
        });
        finding
    }

    /// TG0802 and TG0803.
    fn unverified(
        &self,
        issuer: &IssuerConfig,
        endpoint: Option<&str>,
        nobody: bool,
        span: Option<Span>,
    ) -> Diagnostic {
        let names: Vec<&str> = issuer.algorithms.iter().map(|known| known.name()).collect();
        let (name, algorithms) = (shown(&issuer.name), names.join(", "));
        let message = format!(
            "`{}` cannot verify tokens of issuer `{name}`: it has no {algorithms}",
            self.name
        );
        let code = match (nobody, endpoint) {
            (true, _) => &codes::NO_USER,
            (false, _) => &codes::UNVERIFIED_ISSUER,
        };
        let mut finding = Self::finding(code, span, message);
        finding.help(match endpoint {
            Some(path) => format!(
                "its users get access with a session: their token sent with POST to `{path}`, which an edge that \
                 can verify it answers, such as `lambda-edge` on that path"
            ),
            None => format!(
                "its users have no access on this edge; add `[session]`, so that `{}` verifies a session instead",
                self.name
            ),
        });
        finding
    }
}

/// How users get sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// This edge issues them.
    Here,
    /// Another edge answers the endpoint's path.
    Elsewhere,
    /// Not at all.
    None,
}

#[cfg(test)]
mod tests;
