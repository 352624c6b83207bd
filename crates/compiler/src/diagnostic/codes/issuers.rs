//! TG04xx: issuers, keys, tokens and answers.

super::declare_codes! {
    BAD_ISSUER_URL, "TG0401", Error, "not an issuer URL",
    "`issuer` is compared byte for byte with the `iss` of tokens, and `refresh` is fetched. Both are \
     `https://` URLs without a query, fragment, user or spaces. For trying things out on one machine, \
     `http://127.0.0.1`, `http://localhost` and `http://[::1]` are taken too.";
    BAD_POOL, "TG0402", Error, "not a Cognito user pool",
    "A user pool id is the region, `_`, and letters and digits: `eu-west-1_TestPool1`. The region in it \
     and `region` must agree.";
    DUPLICATE_ISSUER, "TG0403", Error, "issuer used twice",
    "Two issuers have the same name or accept tokens from the same place. It would depend on their \
     order which keys and clients count.";
    TOKEN_USE, "TG0404", Error, "`token_use` without Cognito",
    "Only Cognito's tokens say whether they are ID or access tokens in a way that can be checked.";
    KEYS_MISSING, "TG0405", Error, "algorithm without keys",
    "`RS…`, `PS…`, `ES…` and `EdDSA` are checked with the public keys in `jwks`, `HS…` with the keys in \
     `secrets`. Without them no token of that algorithm can ever be good.";
    KEYS_UNUSED, "TG0406", Error, "keys without an algorithm",
    "The issuer lists keys that none of its `algorithms` can use, or a `refresh` without the pinned \
     `jwks` it would refresh.";
    NO_KEY_FILE, "TG0407", Error, "key file is missing",
    "The file is not in the policy folder. Paths of key files are relative to that folder.";
    BAD_JWKS, "TG0408", Error, "not a key set",
    "The file is not a JSON Web Key Set (RFC 7517): a JSON object with a `keys` list.";
    BAD_KEY, "TG0409", Error, "key refused",
    "A key of the set is not safe or not clear enough to trust: RSA keys have 2048 to 4096 bits, every \
     key has its own `kid`, curve and algorithm agree, and no secret stands in a public key set. With \
     `--lenient-jwks` such a key is left out with a warning.";
    BAD_SECRET, "TG0410", Error, "secret refused",
    "A secret is one line of base64url without padding, at least as long as the hash it is used with: \
     32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 section 3.2).";
    DUPLICATE_KID, "TG0411", Error, "key id used twice",
    "Two keys of the issuer have the same `kid`, so it would depend on their order which one counts.";
    BAD_TOKEN_SOURCE, "TG0412", Error, "not a token source",
    "A source is `header:<name>`, `cookie:<name>` or `query:<name>`. The first one that is present in a \
     request decides, so each is listed once.";
    BAD_REDIRECT, "TG0413", Error, "not a place to redirect to",
    "A redirect leads to `login`, to an absolute path of this site such as `/welcome`, or to an \
     `https://` URL. Anything else could be led elsewhere by a browser.";
    BAD_SESSION, "TG0414", Error, "sessions cannot be minted like this",
    "Sessions are signed with a secret of an `[[issuer]]` of their own, which has `HS256` for its only \
     algorithm and the site's name among its `clients`. They travel in a cookie that `[token] from` lists.";
    SESSION_READS, "TG0415", Error, "a session cannot carry what the policy reads",
    "A session must open exactly what the sign-in token opens. What has another value in it by nature (its \
     issuer, audience and times) can therefore not be asked for where sessions are minted.";
}
