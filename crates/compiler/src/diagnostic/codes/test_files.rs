//! TG06xx: errors in test files beyond their TOML. Raised by the reader of test files (`tollgate-author`).

super::declare_codes! {
    UNKNOWN_PERSON, "TG0601", Error, "unknown person",
    "People are declared as `[people.NAME]`, in this file or in `site.test.toml`. `nobody` and `bad-token` \
     always exist.";
    PERSON_TWICE, "TG0602", Error, "two people of the same name",
    "One name means one test user in all files, so that a test can be read without looking for another \
     definition. `nobody` and `bad-token` are reserved.";
    TEST_TWICE, "TG0603", Error, "two tests with the same name",
    "Tests are reported and selected by name.";
    TABLE_SHAPE, "TG0604", Error, "a table of the wrong size",
    "`expect` has one row per path and in each row one cell per person.";
    UNKNOWN_ISSUER, "TG0605", Error, "unknown issuer",
    "`issuer` names an `[[issuer]]` of `site.toml`.";
    BAD_EXPECTATION, "TG0606", Error, "not an expectation",
    "An expectation is a reason, in tables optionally followed by one space and the expected rule. Only \
     `allow` and `denied_by_rule` name a rule.";
    BAD_ADDRESS, "TG0607", Error, "not an IP address",
    "An address is written like `203.0.113.7` or `2001:db8::7`; `unknown` overrides the file's address.";
    BAD_CLAIM, "TG0608", Error, "a claim that no token contains",
    "Claims are strings, whole numbers, booleans, arrays of these and tables. Times are whole numbers of \
     seconds since 1970, and what the token layer would reject is rejected here.";
    BAD_TIME, "TG0609", Error, "not a timestamp",
    "A time has a date, a time of day in whole seconds and an offset: `2027-01-15T12:00:00Z`.";
    NO_TESTS, "TG0610", Error, "a test file without tests",
    "A file that tests nothing looks as if it passed.";
    BAD_NAME, "TG0611", Error, "not a name for a person",
    "Names consist of letters, digits, `-` and `_`.";
}
