//! TG05xx: sizes and counts.

super::declare_codes! {
    FILE_TOO_LARGE, "TG0501", Error, "file too large",
    "A policy file or key file has at most 1 MiB. Split a course that large.";
    TOO_MANY_RULES, "TG0502", Error, "too many rules",
    "A policy has at most 200,000 rules. A rule with a capture such as `/courses/{course}/**` can \
     serve any number of courses.";
    LIST_TOO_LONG, "TG0503", Error, "list too long",
    "Lists are limited so that the time of one decision is bounded. Split the rule, or use a group.";
    PATTERN_TOO_LARGE, "TG0504", Error, "pattern too large",
    "A pattern has at most 64 segments, 1,024 bytes of text, 8 `*` in one segment and 8 captures. Longer paths \
     are rejected before any rule is evaluated.";
    CONDITION_TOO_LARGE, "TG0505", Error, "condition too large",
    "A condition has at most 2,000 bytes, 32 levels of parentheses and 128 parts, so that the time of one \
     decision is bounded. Split it into several rules.";
    TEXT_TOO_LONG, "TG0506", Error, "text too long",
    "The text is longer than this key allows.";
    IMAGE_LIMIT, "TG0507", Error, "policy too large for an image",
    "The compiled form of the policy would exceed a limit of the image that edges load.";
}
