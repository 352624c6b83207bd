//! TG03xx: conditions.

super::declare_codes! {
    CONDITION_SYNTAX, "TG0301", Error, "not a CEL expression",
    "`when` and `unless` hold an expression of the Common Expression Language (CEL). Equality is `==`, \
     texts stand in quotes, and parts are joined by `&&` and `||`.";
    CONDITION_TYPE, "TG0302", Error, "types that do not fit",
    "The parts of an expression have types, taken from `[claims]` and from what the names stand for, \
     and this operator or function does not take these. Nothing is converted silently.";
    NOT_A_CONDITION, "TG0303", Error, "condition is not true or false",
    "`when` and `unless` need an expression that is true or false. Compare the value with something.";
    UNDECLARED_CLAIM, "TG0304", Error, "undeclared claim",
    "Only claims that `[claims]` in `site.toml` declares can be used, so that a misspelled name is \
     found here and not by a learner who cannot get in.";
    UNKNOWN_NAME, "TG0305", Error, "unknown name",
    "Conditions can speak about `claims`, `groups`, `sub`, `issuer`, `path`, `method`, `ip` and `now`.";
    UNKNOWN_FUNCTION, "TG0306", Error, "unknown function",
    "Conditions can use `has`, `timestamp`, `duration` and `cidr`, and on texts `startsWith`, \
     `endsWith` and `contains`.";
    UNSUPPORTED, "TG0307", Error, "CEL that is not accepted here",
    "Tollgate accepts the part of CEL whose cost is bounded and whose policies can be compared with \
     each other. Regular expressions, loops over lists, conversions, floating point and the like are \
     not in it; the finding says what to write instead.";
    NOT_CONSTANT, "TG0308", Error, "must be a literal",
    "The arguments of `timestamp`, `duration` and `cidr` and the entries of a list stand in the policy \
     itself, so that they are checked when it is compiled.";
    BAD_CONSTANT, "TG0309", Error, "literal that means nothing",
    "The literal is not what it has to be here: a moment as RFC 3339 (`2027-02-01T00:00:00Z`), a \
     duration such as `90m` or `1h30m`, a network such as `10.0.0.0/8`, or an address.";
    GROUPS_MISUSE, "TG0310", Error, "groups only with `in`",
    "`groups` and claims of type `string[]` are sets. The one question to ask them is whether a text \
     is in them: `\"staff\" in groups`.";
}
