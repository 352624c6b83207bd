//! TG07xx: advice, and TG09xx: the compiler itself.

super::declare_codes! {
    FILE_NOT_READ, "TG0701", Warning, "file is not read",
    "Only `.toml` files in `courses` are policy, and `.test.toml` files are tests. This one is neither, \
     so nothing in it protects anything.";
    SHARED_BASE, "TG0702", Warning, "two courses with one base",
    "The rules of both files are about the same paths. That works, but who changes one file changes \
     what the other one means.";
    FILE_NAME, "TG0703", Warning, "file name and course differ",
    "The rules of course `x` are looked for in `courses/x.toml`.";
    CONSTANT_CONDITION, "TG0704", Warning, "condition without effect",
    "The condition is a literal `true` or `false`: either the rule never matches, or the condition \
     changes nothing.";
    REPEATED_ENTRY, "TG0705", Warning, "entry repeated",
    "The list holds the same entry twice. One of them may have been meant to be something else.";
    NO_ISSUER, "TG0706", Warning, "no issuer",
    "Some rules need a token, but `site.toml` has no `[[issuer]]`, so no token is ever good.";
    KEY_SKIPPED, "TG0707", Warning, "key left out",
    "A key of the set was refused and left out, as `--lenient-jwks` asks for. Tokens signed with it \
     will be refused.";
    REPEATED_BASE, "TG0708", Warning, "pattern repeats the base",
    "Patterns of a course file are relative to its `base`, and this one starts with the base again, so \
     it is about a folder inside a folder of the same name.";
    INTERNAL, "TG0901", Error, "internal error",
    "The compiler made an image that it cannot read back. This is a defect of Tollgate, not of the \
     policy; please report it with the policy, if you can.";
}
