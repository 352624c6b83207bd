//! TG03xx: conditions.

super::declare_codes! {
    CONDITION_SYNTAX, "TG0301", Error, "not a CEL expression",
    "`when` and `unless` hold an expression of the Common Expression Language (CEL). Equality is `==`, strings \
     are in quotes, and parts are joined by `&&` and `||`.";
    CONDITION_TYPE, "TG0302", Error, "types that do not match",
    "The parts of an expression have types, which follow from `[claims]` and from the names, and this operator \
     or function does not accept these. Nothing is converted silently.";
    NOT_A_CONDITION, "TG0303", Error, "condition is not true or false",
    "`when` and `unless` need an expression that is true or false. Compare the value with something.";
    UNDECLARED_CLAIM, "TG0304", Error, "undeclared claim",
    "Only claims that `[claims]` in `site.toml` declares can be used, so that a misspelled name is found here \
     and not by a user who is denied access.";
    UNKNOWN_NAME, "TG0305", Error, "unknown name",
    "Conditions can read `claims`, `groups`, `sub`, `issuer`, `path`, `method`, `ip` and `now`.";
    UNKNOWN_FUNCTION, "TG0306", Error, "unknown function",
    "Conditions can use `has`, `timestamp`, `duration` and `cidr`, and on strings `startsWith`, `endsWith` and \
     `contains`.";
    UNSUPPORTED, "TG0307", Error, "CEL that is not accepted here",
    "Tollgate accepts the part of CEL whose cost is bounded and whose policies can be compared with each \
     other. Regular expressions, loops over lists, conversions, floating point and the like are not in it; the \
     help line shows what to write instead.";
    NOT_CONSTANT, "TG0308", Error, "must be a literal",
    "The arguments of `timestamp`, `duration` and `cidr` and the entries of a list are written in the policy \
     itself, so that they are checked when it is compiled.";
    BAD_CONSTANT, "TG0309", Error, "invalid literal",
    "The literal does not have the form that is required here: a timestamp as RFC 3339 \
     (`2027-02-01T00:00:00Z`), a duration such as `90m` or `1h30m`, a network such as `10.0.0.0/8`, or an \
     address.";
    GROUPS_MISUSE, "TG0310", Error, "groups only with `in`",
    "`groups` and claims of type `string[]` are sets. The only operation on them is a test for membership: \
     `\"staff\" in groups`.";
}
