//! TG08xx: what an edge cannot do for a policy.

super::declare_codes! {
    NO_SESSION, "TG0801", Error, "sessions that the edge cannot deliver",
    "`[session]` issues sessions in two ways: as a cookie on the response to a request with a sign-in token \
     (`on_sign_in`), and as the response to a POST request to `endpoint`. Lambda@Edge at a request event cannot edit \
     responses, so there only the endpoint works. CloudFront Functions and EdgeWorkers accept sessions and issue \
     none: another edge answers the path of the endpoint.";
    NO_USER, "TG0802", Error, "edge on which no user has access",
    "The edge can verify the tokens of none of the policy's issuers, and there is no session that it can verify \
     instead, so every rule that requires a token denies everyone. CloudFront Functions verify HS256 only.";
    UNVERIFIED_ISSUER, "TG0803", Warning, "issuer that the edge cannot verify",
    "The edge has no algorithm for the tokens of this issuer. Its users need a session, which an edge \
     that can verify their tokens issues, or have no access there.";
    LONG_PAGE, "TG0804", Error, "page that the edge cannot send",
    "For CloudFront Functions a page lies in the KeyValueStore as JSON, in which quotes and line breaks take two \
     bytes, and a denied request reads it with at most four reads.";
}
