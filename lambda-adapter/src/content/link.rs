//! Links to S3 or CloudFront instead of files, valid for [`LINK_LIFE_SECS`].

use core::net::Ipv4Addr;

use tollgate_core::UnixSeconds;
use tollgate_signed_urls::{Network, Policy, Resource};

use super::deliver::{Content, Delivered, Trouble};
use super::file::{content_type, disposition};
use super::reply::{Body, HttpReply};
use super::{CloudFront, LINK_LIFE_SECS, accept};
use crate::http::HttpRequest;
use crate::store::{LinkWant, Store};

impl<S: Store> Content<S> {
    /// A link to S3.
    pub(super) async fn presigned(
        &self,
        request: &HttpRequest,
        key: &str,
        checks: bool,
    ) -> Result<Delivered<S::Body>, Trouble> {
        if checks {
            self.store.head(key).await?;
        }
        let want = LinkWant {
            is_head: request.method == "HEAD",
            life_secs: LINK_LIFE_SECS,
            content_type: content_type(key),
            disposition: disposition(key, self.settings.is_inline),
        };
        let link = self.store.link(key, &want).await?;
        Ok(Delivered::plain(linked(request, &link)))
    }

    /// A link to CloudFront, which contains the signature, or relies on signed cookies.
    pub(super) async fn signed(
        &self,
        front: &CloudFront,
        request: &HttpRequest,
        (raw, key): (&str, &str),
        now: UnixSeconds,
        by_cookies: bool,
    ) -> Result<Delivered<S::Body>, Trouble> {
        if self.settings.checks_object {
            self.store.head(key).await?;
        }
        let resource = Resource::exact(&front.host, raw)
            .map_err(|_| Trouble::Refused(404, "not_a_cloudfront_path"))?;
        let begins = u64::try_from(now.0).map_err(|_| Trouble::Refused(500, "bad_clock"))?;
        let mut policy = Policy::until(resource, begins.saturating_add(LINK_LIFE_SECS));
        if front.binds_address {
            // CloudFront binds only IPv4 addresses. A client with another address would get a link that is
            // valid for every client.
            let address: Option<Ipv4Addr> = request.ip.as_deref().and_then(|ip| ip.parse().ok());
            let address = address.ok_or(Trouble::Refused(403, "address_not_bindable"))?;
            policy.network = Some(Network::single(address));
        }
        let failed = |_| Trouble::Refused(500, "signing_failed");
        if !by_cookies {
            let link = front.signer.url(&policy).map_err(failed)?;
            return Ok(Delivered::plain(linked(request, &link)));
        }
        let url = policy.resource.url();
        let path = url
            .get("https://".len() + front.host.len()..)
            .unwrap_or("/");
        let domain = front.cookie_domain.as_ref();
        let domain = domain
            .map(|domain| format!("; Domain={domain}"))
            .unwrap_or_default();
        let mut reply = linked(request, url);
        for cookie in front.signer.cookies(&policy).map_err(failed)? {
            reply.cookies.push(format!(
                "{}={}; Path={path}{domain}; Max-Age={LINK_LIFE_SECS}; Secure; HttpOnly; SameSite=Lax",
                cookie.name, cookie.value
            ));
        }
        Ok(Delivered::plain(reply))
    }
}

/// A redirect, or the link as JSON for scripts that request it, because they cannot read a redirect.
fn linked(request: &HttpRequest, link: &str) -> HttpReply {
    let wants_json = accept::prefers_json(request.headers_named("accept"));
    let mut reply = HttpReply::empty(if wants_json { 200 } else { 302 });
    reply.set("cache-control", "no-store");
    // The URL of the page with the link may contain a token.
    reply.set("referrer-policy", "no-referrer");
    if wants_json {
        reply.set("content-type", "application/json");
        let answer = serde_json::json!({ "url": link, "expires_in": LINK_LIFE_SECS });
        reply.body = Body::Text(answer.to_string().into());
    } else {
        reply.set("location", link);
    }
    reply
}
