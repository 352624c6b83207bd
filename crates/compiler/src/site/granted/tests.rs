use super::{overlaps, without_prefix};
use tollgate_policy::spec::Template;

fn template(prefix: &str, capture: Option<&str>, suffix: &str) -> Template {
    Template {
        prefix: prefix.to_owned(),
        capture: capture.map(str::to_owned),
        suffix: suffix.to_owned(),
    }
}

#[test]
fn names_without_the_prefix_of_an_issuer() {
    for (name, prefix, expect) in [
        (template("staff", None, ""), "", Some("staff")),
        (template("staff", None, ""), "partner/", None),
        (
            template("partner/staff", None, ""),
            "partner/",
            Some("staff"),
        ),
        (template("course-", Some("c"), "-x"), "", Some("course-*-x")),
        (template("", Some("c"), ""), "partner/", None),
        (
            template("partner/x", Some("c"), "y"),
            "partner/",
            Some("x*y"),
        ),
        (template("other", Some("c"), ""), "partner/", None),
    ] {
        assert_eq!(
            without_prefix(&name, prefix).as_deref(),
            expect,
            "{name:?} {prefix}"
        );
    }
}

#[test]
fn granted_patterns_overlap_names() {
    for (pattern, name, expect) in [
        ("acme-*", "acme-x", true),
        ("acme-*", "staff", false),
        ("*", "staff", true),
        ("acme-*", "course-*", false),
        ("acme-*", "a*", true),
        ("*-admin", "*-user", false),
        ("acme", "a*e", true),
        ("acme", "b*", false),
    ] {
        assert_eq!(overlaps(pattern, name), expect, "{pattern} {name}");
    }
}
