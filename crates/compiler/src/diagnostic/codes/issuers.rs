//! TG04xx: issuers, keys, tokens and responses.

super::declare_codes! {
    BAD_ISSUER_URL, "TG0401", Error, "not an issuer URL",
    "`issuer` is compared byte for byte with the `iss` of tokens, and `refresh` is fetched. Both are \
     `https://` URLs without a query, fragment, user or spaces. For local tests, `http://127.0.0.1`, \
     `http://localhost` and `http://[::1]` are accepted, too.";
    BAD_POOL, "TG0402", Error, "not a Cognito user pool",
    "A user pool id is the region, `_`, and letters and digits: `eu-west-1_TestPool1`. The region in it \
     and `region` must agree.";
    DUPLICATE_ISSUER, "TG0403", Error, "issuer used twice",
    "Two issuers have the same name or accept tokens with the same `iss`. Which keys and clients apply would \
     depend on their order.";
    TOKEN_USE, "TG0404", Error, "`token_use` without Cognito",
    "Only Cognito's tokens state verifiably whether they are ID or access tokens.";
    KEYS_MISSING, "TG0405", Error, "algorithm without keys",
    "`RS…`, `PS…`, `ES…` and `EdDSA` are checked with the public keys in `jwks`, `HS…` with the keys in \
     `secrets`. Without them no token of that algorithm can be valid.";
    KEYS_UNUSED, "TG0406", Error, "keys without an algorithm",
    "The issuer lists keys that none of its `algorithms` can use, or a `refresh` without the pinned \
     `jwks` it would refresh.";
    NO_KEY_FILE, "TG0407", Error, "key file is missing",
    "The file is not in the policy folder. Paths of key files are relative to that folder. Git ignores the files of secrets, \
     so a new checkout has none. Commands that only read the policy do without them (TG0429). To build, publish or serve it, \
     write each secret to its file from where you keep it, or make a new one with `tollgate keys new --alg HS256 --secret FILE`.";
    BAD_JWKS, "TG0408", Error, "not a key set",
    "The file is not a JSON Web Key Set (RFC 7517): a JSON object with a `keys` list.";
    BAD_KEY, "TG0409", Error, "key rejected",
    "A key of the set is not safe or not clear enough to trust: RSA keys have 2048 to 4096 bits, every key has \
     its own `kid`, curve and algorithm agree, and a public key set contains no secret. With `lenient_jwks = \
     true` or `--lenient-jwks` such a key is skipped with a warning.";
    BAD_SECRET, "TG0410", Error, "secret rejected",
    "A secret is one line of base64url without padding, at least as long as the hash it is used with: \
     32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 section 3.2). One that seals the cookies of `[sign_in]` has \
     at least 32 bytes, and no other purpose.";
    DUPLICATE_KID, "TG0411", Error, "key id used twice",
    "Two keys of the issuer, or two secrets of `[sign_in]`, have the same `kid`, so which one applies would depend on \
     their order.";
    BAD_TOKEN_SOURCE, "TG0412", Error, "not a token source",
    "A source is `header:<name>`, `cookie:<name>` or `query:<name>`. The values of a request are considered in \
     this order and the first that verifies decides, so each source is listed once.";
    BAD_REDIRECT, "TG0413", Error, "not a redirect target",
    "A redirect leads to `login`, to an absolute path of this site such as `/welcome`, or to an `https://` \
     URL. A browser could resolve anything else to another site.";
    BAD_SESSION, "TG0414", Error, "invalid session settings",
    "Sessions are signed with a secret of an `[[issuer]]` of their own, whose only algorithm is `HS256` and \
     whose `clients` contain the site's name. They are sent in a cookie that `[token] from` lists.";
    GROUPS_CLAIM_MISSING, "TG0416", Error, "issuer without a groups claim",
    "Rules name groups, and the claim of this issuer's tokens that contains them is not configured. For \
     Cognito it is `cognito:groups`; other issuers need `groups_claim`, the name of the claim or the list of \
     names that lead to it, such as `[\"realm_access\", \"roles\"]` for Keycloak. Tokens of some issuers contain no \
     groups, Google's for example. Then name the issuers whose groups an `allow` means: `issuers = [\"…\"]`. For a \
     `deny` with groups in its `unless`, write `groups_claim = \"groups\"` for such an issuer: its users are then in no \
     group.";
    UNKNOWN_RULE_ISSUER, "TG0417", Error, "unknown issuer in a rule",
    "`issuers` of a rule lists names of `[[issuer]]` tables, not values of `iss`.";
    SESSION_ISSUER_IN_RULE, "TG0418", Error, "rule for the issuer of sessions",
    "A session counts as a token of the issuer where the user signed in, so no request ever has the session \
     issuer as its issuer. Name the issuers of the sign-in tokens.";
    SHARED_NAMES, "TG0419", Warning, "names that several issuers can grant",
    "Every issuer can put any group and any subject into its tokens. Where two issuers are configured, a group \
     of one customer's identity provider can be the group that a rule means for your own users, and `sub` \
     values of two issuers can be equal. Restrict what the issuer may grant (`groups`, `groups_prefix`, \
     `subject_prefix` in its `[[issuer]]`), or name the issuers that a rule is about: `issuers = [\"…\"]`. A \
     `deny` does not match what its `unless` excepts; there, write `issuer == \"…\" && …`.";
    KEY_IGNORED, "TG0420", Note, "key that is not used",
    "A key set may contain keys that cannot verify tokens here: for encryption, of an unknown kind, or for an \
     algorithm that the issuer does not list. They are skipped.";
    COOKIE_PREFIX, "TG0421", Error, "session cookie without a prefix",
    "Browsers accept a cookie whose name starts with `__Host-` or `__Secure-` only from the site itself, over \
     HTTPS, so no neighbouring site can plant one. Sessions for the whole site use `__Host-`, sessions by \
     course `__Secure-`.";
    SHARED_CLAIMS, "TG0422", Warning, "claims that several issuers can set",
    "Every issuer can put any claim and any scope into its tokens, `roles` and `email` included. Where two \
     issuers are configured, a rule that reads a claim and names no group or subject trusts both. Name the \
     issuers that an `allow` is about: `issuers = [\"…\"]`. A `deny` does not match what its `unless` excepts; \
     there, write `issuer == \"…\" && …`. If every issuer may decide it, suppress TG0422 for the rule with a \
     `[[lint]]` and give the reason.";
    BAD_PAGE, "TG0423", Error, "not a page for a denial",
    "`[deny.pages]` names an HTML file for a status of the site's denials: 400, 405, and those of `no_token`, \
     `bad_token` and `forbidden`. Every client can read a page, so its name ends in `.html`. Pages are small and \
     have no script; they are sent with a `Content-Security-Policy` under which none runs.";
    NO_PAGE, "TG0424", Error, "page file is missing",
    "The file is not in the policy folder. Paths of pages are relative to that folder.";
    BAD_ORIGIN, "TG0425", Error, "not an origin",
    "`cors` and `[sign_in] origins` list origins as browsers send them in `Origin`: a scheme and a host in lower case, a port only if \
     it is not the scheme's own, and no path. Wildcards are not supported, and `http` is for loopback only, \
     because these scripts can send requests as the user, and users sign in at these origins.";
    BAD_SIGN_IN, "TG0426", Error, "invalid sign-in settings",
    "With `[sign_in]`, the gate signs users in at one of the issuers and gives them a session. So it needs `[session]` \
     with JWTs; a sign-in issuer, and one of its `clients`; the scope `openid`; secrets that seal its cookies; and a plain \
     path for its endpoints that no other setting uses.";
    BAD_DISCOVERY, "TG0427", Error, "not a discovery document for sign-in",
    "`endpoints` is the JSON document that the issuer publishes at `/.well-known/openid-configuration` (OpenID Connect \
     Discovery 1.0). Its `issuer` is one of the spellings of the `[[issuer]]`. Its `authorization_endpoint` and \
     `token_endpoint` are `https://` URLs; `http` is for loopback only. If it lists `code_challenge_methods_supported`, \
     `S256` is among them; if it lists `response_types_supported`, `code` is.";
    BAD_CLIENT_SECRET, "TG0428", Error, "client secret rejected",
    "The file of `client_secret` contains the secret that the issuer gave to the client, as one line of 1 to 1,024 visible \
     ASCII characters. The gate sends it to the token endpoint in `Authorization` or in the body, so the issuer must \
     support `client_secret_basic` or `client_secret_post`. A public client has no secret: leave `client_secret` out.";
    SECRET_STAND_IN, "TG0429", Note, "secret is missing, and a stand-in is used",
    "A file of `secrets` or `client_secret` is not in the policy folder. Git ignores such files, so CI and your colleagues do \
     not have them. No decision by rules depends on a secret. Commands that only read the policy, such as `check`, `test` and \
     `diff`, therefore use a stand-in, and end as if the file existed. With a stand-in, tokens and cookies made with the real \
     secret are invalid, and no policy ID is printed, because the ID depends on the secret. `build`, `publish`, `serve`, \
     `authz` and `token mint` need the secret and report TG0407. A file that exists and is not a valid secret is an error \
     for every command. In CI this is normal, so it is a note: `--deny-warnings` ignores it.";
}
