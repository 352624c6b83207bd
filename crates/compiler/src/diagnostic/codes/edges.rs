//! TG08xx: parts of a policy that an edge does not support.

super::declare_codes! {
    NO_SESSION, "TG0801", Error, "sessions that the edge cannot deliver",
    "`[session]` issues sessions in two ways: as a cookie on the response to a request with a sign-in token \
     (`on_sign_in`), and as the response to a POST request to `endpoint`. Lambda@Edge at a request event \
     cannot edit responses, so there only the endpoint works. CloudFront Functions and EdgeWorkers accept \
     sessions but do not issue them: another edge must serve the path of the endpoint.";
    NO_USER, "TG0802", Error, "edge where no user has access",
    "The edge can verify the tokens of none of the policy's issuers, nor a session instead, so every rule that \
     requires a token denies everyone. CloudFront Functions verify HS256 only.";
    UNVERIFIED_ISSUER, "TG0803", Warning, "issuer that the edge cannot verify",
    "The edge supports no algorithm of this issuer's tokens. Its users need a session, which an edge that can \
     verify their tokens issues, or have no access there.";
    LONG_PAGE, "TG0804", Error, "page that the edge cannot send",
    "For CloudFront Functions a page is stored in the KeyValueStore as JSON, in which quotes and line breaks \
     take two bytes, and a denied request reads it with at most four reads.";
    PROXY_QUERY_TOKEN, "TG0805", Error, "token in the query that the proxy cannot remove",
    "`strip` removes tokens before the request is forwarded. Some proxies cannot change the query to what \
     `tollgate authz` returns, so the token would reach the origin and its logs.";
    PROXY_TOKEN_HEADER, "TG0806", Error, "token header that proxies do not pass on",
    "Proxies drop headers with unusual characters, because applications confuse them with `-`, and set or \
     remove some headers themselves (`Host`, `X-Forwarded-…`, `X-Real-IP`, those of one connection). A token in \
     such a header does not reach `tollgate authz`, or reaches the origin although `strip` removes it.";
    PROXY_GATE_PATH, "TG0807", Error, "path of the gate that the proxy cannot select",
    "nginx needs a location for the paths that the gate serves itself. It compares locations with decoded paths, \
     and quotes, braces and `$` have a meaning in its configuration.";
    PROXY_CACHING, "TG0808", Warning, "proxy that cannot change the caching of single responses",
    "A response to a request that needed its token must not be in a shared cache, and one that sets the session \
     cookie in no cache. Traefik can set the same headers on all responses only: `Cache-Control: private, no-store`.";
}
