//! TG02xx: ids, patterns, principals, networks and times.

super::declare_codes! {
    BAD_ID, "TG0201", Error, "not a valid id",
    "Ids of courses, rules and issuers appear in logs, tests and diffs. They start with a lowercase letter or \
     a digit and continue with lowercase letters, digits, `_`, `.` and `-`.";
    DUPLICATE_RULE, "TG0202", Error, "rule id used twice",
    "Within one file every rule has its own id, so that `course/id` names one rule in logs and tests.";
    DUPLICATE_COURSE, "TG0203", Error, "course id used twice",
    "Two files claim to be the same course. Give each course one file.";
    RESERVED_COURSE, "TG0204", Error, "`site` is not a course",
    "`site` names the rules of `site.toml` in logs and tests, so no course may be called that.";
    BAD_BASE, "TG0205", Error, "not a valid base",
    "`base` is the folder that the course's rules are about: a literal absolute path such as \
     `/courses/rust-101`, without wildcards, captures or a slash at the end. The rules of a course file cannot \
     match paths outside its base.";
    NOT_ABSOLUTE, "TG0206", Error, "pattern does not start with a slash",
    "Every pattern starts with `/`. In a course file the slash is the course's base, in `site.toml` the root \
     of the site.";
    IMPOSSIBLE_PATTERN, "TG0207", Error, "no path can match this pattern",
    "Request paths that servers read differently are rejected before any rule is evaluated: empty segments, \
     segments of dots, outer spaces, `\\` and controls. What else is rejected depends on the reader of the \
     path after the gate, which `[paths] origin` declares: `strict` also rejects names that contain `#`, `%`, \
     `;` or `?` or end in a dot, and characters that some reader ignores or folds; `s3` and `files` accept \
     them. A pattern for a path that is always rejected would never match, so it is an error.";
    ESCAPED_PATTERN, "TG0208", Error, "escape in a pattern",
    "Patterns are written decoded: a space is a space, `é` is `é`. Write the character that the escape \
     represents. A name that really contains `%20` is written with `*` in place of the `%`.";
    BAD_WILDCARD, "TG0209", Error, "misplaced wildcard",
    "`*` matches any run of characters inside one segment. `**` matches any number of whole segments, so it is \
     a segment of its own, and two in a row mean the same as one.";
    BAD_CAPTURE, "TG0210", Error, "misplaced or malformed capture",
    "`{name}` is a whole segment, its name starts with a letter and continues with letters, digits and `_`, \
     and it occurs once in a pattern. It must be clear which segment it is: it is before the first `**`, or \
     after the last one if the pattern does not end in `/**`.";
    UNKNOWN_CAPTURE, "TG0211", Error, "unknown capture",
    "A name or condition uses a capture that some pattern of the rule does not have. Every pattern of the rule \
     must capture it, so that the rule has a meaning whichever pattern matched.";
    BAD_NAME, "TG0212", Error, "not a valid name",
    "A group, scope or subject is a string without control characters, with at most one `{capture}` in it. A \
     scope has no spaces, quotes or backslashes (RFC 6749 section 3.3), so one with them is in no token.";
    NO_WHO, "TG0213", Error, "allow rule without principals",
    "An `allow` rule names its principals: `groups`, `scopes`, `subjects`, `signed_in = true`, or `anyone = \
     true` for a public path. Nothing is public by omission.";
    BAD_WHO, "TG0214", Error, "conflicting principals",
    "`anyone` and `signed_in` are only ever `true`; omit them otherwise. `anyone` already includes every \
     principal, so it cannot be combined with others.";
    BAD_NETWORK, "TG0215", Error, "not a network",
    "A network is an address (`203.0.113.7`, `2001:db8::1`) or an address and a prefix length \
     (`203.0.113.0/24`). IPv4 addresses are written as IPv4, even if a client connects as `::ffff:…`.";
    HOST_BITS, "TG0216", Error, "network with host bits",
    "The address has bits set beyond its prefix length. Either the address or the prefix is wrong, and a guess \
     could grant access to an unintended network.";
    BAD_TIME, "TG0217", Error, "not a timestamp",
    "A time needs a date, a time of day and an offset from UTC, in whole seconds: `2027-02-01T00:00:00Z` or \
     `2027-02-01T00:00:00+01:00`. Without the offset it would mean another time on every server.";
    EMPTY_WINDOW, "TG0218", Error, "empty time window",
    "The rule matches from the time `from` on, and no longer at the time `until`. Here no time is between the \
     two.";
    BAD_CLAIM, "TG0219", Error, "not a valid claim name",
    "A claim's name is its name in the token, without control characters.";
    BAD_INDEX, "TG0220", Error, "not the name of an index document",
    "`[paths] index` is one file name, such as `index.html`. It is appended to every path that ends in `/`, \
     and must have one spelling in a URL: letters, digits, `-`, `.`, `_` and `~`, not ending in a dot.";
}
