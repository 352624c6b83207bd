//! TG07xx: lints.

super::declare_codes! {
    FILE_NOT_READ, "TG0701", Warning, "file is not read",
    "Only `.toml` files in `courses` are policy, and `.test.toml` files are tests. This one is neither, \
     so nothing in it protects anything.";
    SHARED_BASE, "TG0702", Warning, "two courses with the same base",
    "The rules of both files are about the same paths. That works, but a change of one file changes what the \
     other means.";
    FILE_NAME, "TG0703", Warning, "file name and course differ",
    "The rules of course `x` are expected in `courses/x.toml`.";
    CONSTANT_CONDITION, "TG0704", Warning, "condition without effect",
    "The condition is a literal `true` or `false`: either the rule never matches, or the condition \
     changes nothing.";
    REPEATED_ENTRY, "TG0705", Warning, "entry repeated",
    "The list holds the same entry twice. One of them may have been meant to be something else.";
    NO_ISSUER, "TG0706", Warning, "no issuer",
    "Some rules need a token, but `site.toml` has no `[[issuer]]`, so no token can be verified.";
    KEY_SKIPPED, "TG0707", Warning, "key skipped",
    "A key of the set was rejected and skipped because of `lenient_jwks = true` or `--lenient-jwks`. Tokens \
     signed with it will be rejected.";
    REPEATED_BASE, "TG0708", Warning, "pattern repeats the base",
    "Patterns of a course file are relative to its `base`, and this one starts with the base again, so \
     it is about a folder inside a folder of the same name. A `deny` with such a pattern protects nothing that \
     exists: write the pattern without the base.";
    NEVER_MATCHES, "TG0709", Warning, "rule that never matches",
    "No request makes the rule match: its parts exclude each other, such as a `from` after the time that \
     `when` requires, or two conditions that cannot both hold. Such a rule seems to allow or protect \
     something. Correct the part that is wrong, or remove the rule.";
    SHADOWED, "TG0710", Warning, "rule that changes nothing",
    "The rule is redundant: other rules already allow every request that it allows. Often a wider rule was \
     added later. The other rules are named. Remove the rule, or narrow the others.";
    DEAD_DENY, "TG0711", Warning, "deny that denies nothing",
    "Nothing that this rule forbids would be allowed without it. Often its paths are misspelled or in another \
     folder than what they were meant to protect, or an `allow` that it was written against is gone. Compare \
     its paths with those of the `allow` rules.";
    OVERRIDDEN, "TG0712", Warning, "allow that a deny always overrides",
    "Whenever this `allow` matches, some `deny` matches too, and a `deny` always wins, whatever the order. \
     Narrow the `deny`, give it an `unless`, or remove the `allow`.";
    AMBIGUOUS_CAPTURE, "TG0713", Warning, "overlapping captures",
    "One path matches two patterns of the rule that capture different segments under one name. The rule \
     matches if either capture satisfies it, so `{user}` may be a segment that its author did not think of. \
     Use two rules, or make the patterns exclude each other.";
    LONELY_NAME, "TG0714", Warning, "name that looks misspelled",
    "A group, scope or subject is used once, and a very similar one is used elsewhere. Groups are compared \
     byte for byte, so `staf` has no members. Correct the spelling, or suppress this warning with a `[[lint]]` \
     in `site.toml` if both names exist.";
    ALWAYS_TRUE_OR_FALSE, "TG0715", Warning, "condition that is always the same",
    "The condition, or a part of it, has the same result for every request, so it restricts nothing or \
     excludes everything. Typical are `a != \"x\" || a != \"y\"`, which is always true, and comparing one \
     string with two values at once.";
    PAST_WINDOW, "TG0716", Warning, "time window in the past",
    "`until` is in the past, so the rule will never match again. Remove the rule, or move the window.";
    WIDE_PUBLIC, "TG0717", Warning, "public rule wider than the file's other rules",
    "An `anyone` rule covers everything that another `allow` rule of the same file restricts, so the \
     principals of that rule have no effect. Often a `**` was written where one folder was meant.";
    EDGE_BUDGET, "TG0718", Warning, "too large for an edge",
    "The compiled policy is larger than this kind of edge can hold. Other edges are not affected. Rules with a \
     capture, such as `/{course}/**` with `groups = [\"course-{course}\"]`, replace thousands of rules.";
    BAD_ALLOWANCE, "TG0719", Error, "invalid suppression",
    "`[[lint]]` in `site.toml` suppresses a warning: `allow` is its code, `rule` the rule that it is about \
     (default: any), `because` the reason. Errors cannot be suppressed, and `rule` must exist.";
    UNUSED_ALLOWANCE, "TG0720", Warning, "suppression without a warning",
    "No warning matches this `[[lint]]` any more. Remove it, so that it does not hide a later error.";
    UNKNOWN_TEST_RULE, "TG0721", Error, "test names a rule that cannot decide",
    "`rule` in a test is the `course/id` of a rule: with `allow` one that allows, with `denied_by_rule` one \
     that denies. A rule that does not exist decides no request, so the test can only fail.";
    BAD_TEST_TARGET, "TG0722", Error, "test target that is not a request path",
    "A test's target is what a browser sends: it starts at the first `/` of the path, without scheme and host, \
     and is escaped, so that a space is `%20`. Every edge rejects anything else with status 400, before any \
     rule is evaluated. Only a test that expects `bad_path` has such a target.";
    GROUPS_ELSEWHERE, "TG0723", Warning, "groups in a claim that is not read",
    "Every issuer has one claim that holds groups: `groups_claim` in `site.toml`, else `cognito:groups`. A \
     test user whose groups are in another claim has none, so the test does not check what it seems to.";
    DENY_METHODS, "TG0724", Warning, "deny that leaves other methods open",
    "A `deny` without `methods` is about GET and HEAD, as an `allow` is. Where an `allow` of the same paths \
     grants other methods, such as uploads with PUT, they stay allowed for the principals of the `deny`. List \
     the methods that are denied; `methods = [\"GET\", \"HEAD\"]` states that only reading is meant.";
    REDIRECT_DENIED, "TG0725", Warning, "redirect to a page that is denied",
    "`[deny]` sends a client to a page of this site that the policy denies to that client, so the browser is \
     redirected indefinitely or ends on an error page. The sign-in page, and whatever it loads, needs a rule \
     with `anyone = true`. Suppress this warning with a `[[lint]]` if the page is served without the gate.";
    FOREIGN_SYNTAX, "TG0726", Warning, "pattern or name in the syntax of another tool",
    "`:user`, `.*`, `^`, `$`, `(a|b)` and `[0-9]` mean something to routers and regular expressions. Here \
     they are ordinary characters of names. A capture is `{user}`, any text inside a segment is `*`, and any \
     number of segments is `**`. In the name of a token source, `*` is an asterisk.";
    EVERY_ADDRESS, "TG0727", Warning, "network that is every address",
    "A network with the prefix length 0 is every address of its family. The rule then also requires that the \
     client's address is known and of that family, which is seldom meant. Remove `networks`, or name the \
     networks.";
    DISCOVERY_URL, "TG0728", Warning, "issuer is the address of a document",
    "`issuer` is compared byte for byte with the `iss` of tokens. The address of a discovery document or of \
     a key set is not an `iss`; the document's member `issuer` is.";
    NO_RULES, "TG0729", Warning, "policy without rules",
    "What no rule allows is denied, so a policy without rules denies every request. Perhaps the files with \
     the rules were moved or lost.";
    UNESCAPED_NAME, "TG0730", Warning, "name that clients must escape",
    "Browsers send some characters of a name as they are, although only their escape is accepted there or \
     means the character: `+` unless `[paths] origin = \"files\"`, and `#`, `%`, `;` and `?` for readers that \
     accept them. A link that does not escape them is rejected, or names another file, so the pattern does not \
     match. Spell links with the escape that the warning shows. If they are, suppress the warning with a \
     `[[lint]]`.";
    INDEXED_SLASH, "TG0731", Warning, "pattern that ends in a slash, with an index document",
    "With `[paths] index`, a path that ends in `/` is decided as the path with that name appended, so no pattern \
     that ends in `/` ever matches. Name the index document: `/docs/index.html` instead of `/docs/`.";
    DENY_BELOW, "TG0732", Warning, "deny below a folder, without the folder's own name",
    "`/x/**` matches `/x/` and everything below it, but not `/x`. An `allow` rule still allows `/x`, and a \
     server that returns the index document of the folder for `/x` then delivers what the `deny` was meant \
     for. Add `/x` to the `deny`. S3 keeps `/x` and `/x/` apart: with `[paths] origin = \"s3\"` this warning \
     does not appear.";
    DENY_WITHOUT_SLASH, "TG0733", Warning, "deny that a trailing slash evades",
    "A path with a trailing slash is another path: a `deny` for `/x.pdf` does not match `/x.pdf/`, and an `allow` \
     rule still allows that. Some servers ignore the slash and deliver the file. Add `/x.pdf/**` to the `deny`, or \
     declare with `[paths] origin` that the origin keeps the two apart. Paths below it are not denied either: `/x/*` is \
     one segment, and only `/x/**` is everything below `/x`, whatever `origin` is.";
    UNUSED_ALGORITHM, "TG0735", Warning, "algorithm without a key",
    "The issuer lists an algorithm for which its key set has no key. No token of that algorithm can be valid \
     until the set has one. Remove the algorithm, or pin a key set with such a key.";
    UNUSED_KEY, "TG0736", Warning, "key without an algorithm",
    "The issuer's key set has keys whose algorithm the issuer does not list, so tokens that are signed with \
     them are rejected. Add the algorithm if that is not intended.";
    GATE_PATH, "TG0737", Warning, "pattern for paths that the gate answers",
    "With `[sign_in]`, the gate answers every request at or below its `path` before any rule is evaluated: the users who \
     sign in there need no rule, and no rule can close it. A pattern for these paths only never matches. Remove it.";
    NO_WAY_TO_SIGN_IN, "TG0738", Warning, "no path leads to sign-in",
    "`[deny]` replaces the redirect to sign-in by a status, for requests without a token and for those with an invalid one. \
     Users then sign in only if a page of the site links to the endpoint `sign-in` of the gate. Remove `no_token`, or write \
     `no_token = { redirect = \"login\" }`. If a public page has such a link, suppress the warning with a `[[lint]]`.";
    STRICT_SIGN_IN, "TG0739", Warning, "session cookie that does not arrive after sign-in",
    "With `same_site = \"strict\"`, browsers do not send the session on a navigation that another site began, and the \
     redirect of the issuer back to this site is one. The first request after sign-in therefore has no session, and the \
     user is sent to sign in again. Write `same_site = \"lax\"`, which still excludes the requests of other sites' forms \
     and scripts.";
    TEST_KEY, "TG0740", Warning, "issuer with a test key",
    "The key set of the issuer contains a key that `tollgate init` or `tollgate keys new` generated, or one of a policy in \
     Tollgate's documentation or fixtures, whose private half everyone has. The same applies to secrets. Tokens of the \
     real issuer are rejected until its keys are pinned, and anyone with the private half of the test key can sign in as \
     any user. Run `tollgate keys fetch` before you publish the policy, and write new secrets.";
    FORBIDDEN_SIGN_IN, "TG0741", Warning, "users who are signed in are sent to sign in",
    "`forbidden` is the response to requests that no token or not this token can open. A redirect to sign-in sends users \
     who are signed in to sign in again, which changes nothing, and then back to the page. Write a status, or redirect to \
     a page that explains how to get access.";
    UNUSED_LOGIN, "TG0742", Warning, "`[login]` that no response uses",
    "`[login]` is where `redirect = \"login\"` leads. With `[sign_in]`, requests without a token are sent to the sign-in of \
     the gate instead, so a `[login]` that no response in `[deny]` names has no effect. Remove it, or write \
     `no_token = { redirect = \"login\" }` if another page signs users in.";
    SILENT_SIGN_IN, "TG0743", Warning, "sign-in that shows no page",
    "With `prompt = \"none\"`, the issuer never shows its sign-in page. A user without a session at the issuer is sent back \
     with an error, and every further attempt ends in the same way. Remove the parameter: an issuer at which the user has a \
     session asks nothing anyway.";
}
