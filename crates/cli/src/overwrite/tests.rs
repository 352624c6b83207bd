//! Files that an output may and may not replace.

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("policy/site.toml", "schema = 1\n[site]\nname = \"x\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\nclients = [\"c\"]\njwks = \"keys/i.json\"\n");
        folder.write("policy/courses/a.toml", "course = \"a\"\nbase = \"/a\"\n");
        folder.write("policy/courses/a.test.toml", "now = 2027-01-15T12:00:00Z\n");
        folder.write("policy/keys/i.json", "{}");
        folder.write("notes.txt", "mine");
        folder.write("empty", "");
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn refusal(&self, name: &str, output: Output) -> Option<Refused> {
        refusal(&self.0.path().join(name), output)
    }
}

#[test]
fn sources_of_a_policy_are_never_replaced() {
    let folder = Folder::new();
    for output in [
        Output::Image,
        Output::Html,
        Output::Junit,
        Output::TrustKeys,
    ] {
        for (name, expected) in [
            ("policy/site.toml", Some(Refused::Source)),
            ("policy/courses/a.toml", Some(Refused::Source)),
            ("policy/courses/a.test.toml", Some(Refused::Source)),
            ("policy/courses/../keys/i.json", Some(Refused::Source)),
            ("policy/courses/report.html", Some(Refused::InPolicy)),
            ("policy/new.toml", Some(Refused::InPolicy)),
            ("policy/NEW.TOML", Some(Refused::InPolicy)),
            ("policy/report.html", None),
            ("policy/dist", None),
            ("new", None),
            ("empty", None),
        ] {
            assert_eq!(folder.refusal(name, output), expected, "{name} {output:?}");
        }
    }
}

#[test]
fn only_earlier_outputs_of_the_same_kind_are_replaced() {
    let folder = Folder::new();
    let table: &[(&str, &[u8], Option<Output>)] = &[
        ("image", b"TOLLGATE and more", Some(Output::Image)),
        (
            "html",
            b"<!DOCTYPE html><html><head><meta name=\"generator\" content=\"tollgate\">",
            Some(Output::Html),
        ),
        (
            "junit",
            b"<?xml version=\"1.0\"?>\n<testsuites name=\"tollgate test\" tests=\"1\">",
            Some(Output::Junit),
        ),
        ("cedar", CEDAR_HEADER.as_bytes(), Some(Output::Cedar)),
        ("page", b"<!DOCTYPE html><html><title>My page</title>", None),
        ("other.xml", b"<?xml version=\"1.0\"?><project/>", None),
        ("key.pem", b"-----BEGIN PRIVATE KEY-----", None),
    ];
    let kinds = [
        Output::Image,
        Output::LambdaZip,
        Output::Bundle,
        Output::Html,
        Output::Junit,
        Output::Cedar,
    ];
    for (name, bytes, is) in table {
        folder.write(name, bytes);
        for kind in kinds {
            let expected = (*is != Some(kind)).then_some(Refused::Foreign(kind));
            assert_eq!(folder.refusal(name, kind), expected, "{name} as {kind:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_and_devices() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    symlink("policy/site.toml", folder.0.path().join("link")).unwrap();
    let policy = folder.0.path().join("policy");
    symlink("../../notes.txt", policy.join("courses/b.toml")).unwrap();
    symlink("../keys/i.json", policy.join("courses/c.toml")).unwrap();
    let is_inside = |name: &str| check_inside(&policy.join(name), &policy).is_ok();
    let found = ["site.toml", "courses/b.toml", "courses/c.toml"].map(is_inside);
    assert_eq!(found, [true, false, true]);
    assert_eq!(folder.refusal("link", Output::Html), Some(Refused::Source));
    assert_eq!(
        refusal(Path::new("/dev/null"), Output::Html),
        Some(Refused::Special)
    );
}
