//! Limitations of an edge for a policy's users (TG0801 to TG0804).
//!
//! Not here: the size of a policy ([`budget`](super::budget)).

use tollgate_compiler::diagnostic::{Code, Diagnostic, Span, codes, shown};
use tollgate_compiler::{SITE_FILE, SourceTree, place_of_issuer, place_of_table};
use tollgate_gate::config::{DenyPage, GateConfig};
use tollgate_gate::session::{SessionConfig, SessionForm};
use tollgate_gate::sign_in::SignInProvider;
use tollgate_javascript as javascript;
use tollgate_token::IssuerConfig;

use super::{Edge, proxies};

impl Edge {
    /// Returns diagnostics about what users of the policy cannot do on this edge, and how they can get access instead.
    /// They are errors if no user can get access.
    pub fn check(&self, config: &GateConfig, sources: &SourceTree) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        let session = config.session.as_ref();
        let flow = config.sign_in.as_ref();
        let delivery = session.map(|session| self.delivery(session, flow.is_some()));
        if let (Some(session), Some(Delivery::None)) = (session, delivery) {
            findings.push(self.undelivered(session, place_of_table(sources, "session")));
        }
        let is_read = |session: &&SessionConfig| {
            session.form == SessionForm::Jwt
                && self.verifies_some(config.issuers.get(session.issuer as usize))
        };
        let reachable = session
            .filter(is_read)
            .filter(|_| delivery != Some(Delivery::None));
        let endpoint = reachable.and_then(|session| session.endpoint.as_deref());
        let flow = flow.filter(|_| reachable.is_some());
        let sign_in: Vec<&IssuerConfig> = config.sign_in_issuers().collect();
        let lost: Vec<&IssuerConfig> = sign_in
            .iter()
            .copied()
            .filter(|issuer| !self.verifies_some(Some(issuer)))
            .collect();
        let no_user = lost.len() == sign_in.len() && endpoint.is_none() && flow.is_none();
        for issuer in lost {
            let span = place_of_issuer(sources, &issuer.name);
            let is_it = |provider: &SignInProvider| {
                let at = usize::try_from(provider.issuer).ok();
                let other = at.and_then(|at| config.issuers.get(at));
                other.is_some_and(|other| other.name == issuer.name)
            };
            let has_flow = flow.is_some_and(|flow| flow.providers.iter().any(is_it));
            let way = match (flow, endpoint) {
                (Some(flow), _) if has_flow => Way::SignIn(&flow.path),
                (_, Some(endpoint)) => Way::Endpoint(endpoint),
                (_, None) => Way::None,
            };
            findings.push(self.unverified(issuer, way, no_user, span));
        }
        for page in &config.deny.pages {
            if (self.page_bytes)(&page.html) > self.max_page_bytes {
                findings.push(self.long_page(page, place_of_table(sources, "deny")));
            }
        }
        if let Some(proxy) = self.proxy() {
            findings.extend(proxies::check(proxy, config, sources));
        }
        findings
    }

    /// TG0804.
    fn long_page(&self, page: &DenyPage, span: Option<Span>) -> Diagnostic {
        let message = format!(
            "`{}` supports pages of at most {} bytes, and the one for status {} has {}",
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

    fn delivery(&self, session: &SessionConfig, has_flow: bool) -> Delivery {
        match (session.endpoint.is_some() || has_flow, session.on_sign_in) {
            (true, _) if self.has_endpoint => Delivery::Here,
            (_, true) if self.sets_cookies => Delivery::Here,
            (true, _) => Delivery::Elsewhere,
            (false, _) => Delivery::None,
        }
    }

    pub(crate) fn finding(code: &'static Code, span: Option<Span>, message: String) -> Diagnostic {
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
            "add \"endpoint\" to `mint` of `[session]`: the page after sign-in sends its token with POST to \
             `/.tollgate/session`, and the edge responds with the cookie"
        } else {
            "add \"endpoint\" to `mint` of `[session]`, and serve that path from an edge that supports the endpoint, such as `lambda-edge`"
        });
        finding
    }

    /// TG0802 and TG0803.
    fn unverified(
        &self,
        issuer: &IssuerConfig,
        way: Way<'_>,
        no_user: bool,
        span: Option<Span>,
    ) -> Diagnostic {
        let names: Vec<&str> = issuer.algorithms.iter().map(|known| known.name()).collect();
        let (name, algorithms) = (shown(&issuer.name), names.join(", "));
        let message = format!(
            "`{}` cannot verify tokens of issuer `{name}`: it has no {algorithms}",
            self.name
        );
        let code = if no_user {
            &codes::NO_USER
        } else {
            &codes::UNVERIFIED_ISSUER
        };
        let mut finding = Self::finding(code, span, message);
        finding.help(match way {
            Way::SignIn(path) => format!(
                "its users sign in below `{path}/`, which gives them a session; `{path}/*` must be served by an edge that \
                 can verify their tokens, such as `lambda-edge`"
            ),
            Way::Endpoint(path) => format!(
                "its users get access with a session: their token is sent with POST to `{path}`, which must be \
                 served by an edge that can verify it, such as `lambda-edge`"
            ),
            Way::None => format!(
                "its users have no access on this edge; add `[session]`, so that `{}` verifies a session instead",
                self.name
            ),
        });
        finding
    }
}

/// The way users get sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// This edge issues them.
    Here,
    /// Another edge serves the endpoint's path.
    Elsewhere,
    /// No edge issues them.
    None,
}

/// The way in which users of an issuer whose tokens this edge cannot verify get a session.
#[derive(Clone, Copy, Debug)]
enum Way<'c> {
    /// They sign in below this path.
    SignIn(&'c str),
    /// Their token is sent to this path.
    Endpoint(&'c str),
    /// None.
    None,
}
