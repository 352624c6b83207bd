//! Users of the test files by name, for tools that act as one of them.
//!
//! Not here: parsing them (`file.rs`).

use std::sync::Arc;

use tollgate_compiler::diagnostic::shown;

use super::reader::nearest;
use super::{Person, SITE_TESTS, SUFFIX, TestFile};

/// A name that is not exactly one user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOnePerson {
    /// No user has the name. All names, sorted, and the most similar one.
    Unknown {
        /// The names of all users.
        known: Vec<String>,
        /// The most similar name.
        near: Option<String>,
    },
    /// Users with different claims have the name, in several files: their unambiguous names.
    Several(Vec<String>),
}

/// Finds a user by name, or by the name of the file and the name: `ann`, or `rust-101/ann`.
///
/// # Errors
///
/// Returns an error if the name is not exactly one user's.
pub fn person(files: &[TestFile], wanted: &str) -> Result<Arc<Person>, NotOnePerson> {
    let all = declared(files);
    let full = |(file, person): &(&str, Arc<Person>)| format!("{file}/{}", person.name);
    let is_wanted = |one: &&(&str, Arc<Person>)| one.1.name == wanted || full(one) == wanted;
    let found: Vec<_> = all.iter().filter(is_wanted).collect();
    if let Some((_, first)) = found.first() {
        let is_same = found
            .iter()
            .all(|(_, person)| person.claims == first.claims);
        return match is_same {
            true => Ok(Arc::clone(first)),
            false => Err(NotOnePerson::Several(
                found.iter().map(|one| full(one)).collect(),
            )),
        };
    }
    let mut known: Vec<String> = all.iter().map(|(_, person)| person.name.clone()).collect();
    known.sort();
    known.dedup();
    let near = nearest(wanted, known.iter().map(String::as_str)).map(str::to_owned);
    Err(NotOnePerson::Unknown { known, near })
}

/// Every user once, with the name of the file that declares it.
fn declared(files: &[TestFile]) -> Vec<(&str, Arc<Person>)> {
    let mut all: Vec<(&str, Arc<Person>)> = Vec::new();
    // The users of the site's tests are available to all files, and those tests are read first.
    for file in files {
        let stem = file.file.strip_suffix(SUFFIX).unwrap_or(&file.file);
        let stem = stem.rsplit('/').next().unwrap_or(stem);
        for person in &file.people {
            if !all.iter().any(|(_, known)| Arc::ptr_eq(known, person)) {
                all.push((stem, Arc::clone(person)));
            }
        }
    }
    debug_assert!(files.iter().skip(1).all(|file| file.file != SITE_TESTS));
    all
}

impl NotOnePerson {
    /// The reason why the name is rejected.
    pub const fn problem(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "no test file declares this user",
            Self::Several(_) => "several test files declare this user, with different claims",
        }
    }

    /// The suggested replacement.
    pub fn help(&self) -> String {
        let list = |names: &[String]| {
            let names = names.iter().map(|name| format!("`{}`", shown(name)));
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Unknown { known, .. } if known.is_empty() => format!(
                "declare it in `{SITE_TESTS}`: a table `[people.ann]` with `claims = {{ sub = \"ann\" }}`"
            ),
            Self::Unknown { known, near } => {
                let near = near.as_ref();
                let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
                format!("{near}the users are {}", list(known))
            }
            Self::Several(names) => format!("write one of {}", list(names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_token::Claims;

    use super::*;

    fn file(name: &str, people: &[Arc<Person>]) -> TestFile {
        TestFile {
            file: name.to_owned(),
            now: 0,
            ip: None,
            cases: Vec::new(),
            people: people.to_vec(),
        }
    }

    fn someone(name: &str, sub: &str) -> Arc<Person> {
        let claims = format!("{{\"sub\":\"{sub}\"}}");
        Arc::new(Person {
            name: name.to_owned(),
            claims: Claims::from_json(claims.as_bytes()).unwrap(),
            misplaced: None,
        })
    }

    #[test]
    fn users_are_found_by_name() {
        let ann = someone("ann", "ann");
        let files = [
            file("site.test.toml", &[Arc::clone(&ann)]),
            file(
                "courses/a.test.toml",
                &[Arc::clone(&ann), someone("bob", "a"), someone("eve", "e")],
            ),
            file(
                "courses/b.test.toml",
                &[Arc::clone(&ann), someone("bob", "b"), someone("eve", "e")],
            ),
        ];
        let sub = |wanted: &str| {
            let found = person(&files, wanted);
            found
                .map(|person| person.claims.text().to_owned())
                .map_err(|error| format!("{}: {}", error.problem(), error.help()))
        };
        for (wanted, expected) in [
            ("ann", Ok("{\"sub\":\"ann\"}")),
            ("site/ann", Ok("{\"sub\":\"ann\"}")),
            ("eve", Ok("{\"sub\":\"e\"}")),
            ("b/bob", Ok("{\"sub\":\"b\"}")),
            (
                "bob",
                Err(
                    "several test files declare this user, with different claims: write one of `a/bob`, `b/bob`",
                ),
            ),
            (
                "anne",
                Err(
                    "no test file declares this user: did you mean `ann`? the users are `ann`, `bob`, `eve`",
                ),
            ),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(sub(wanted), expected, "{wanted}");
        }
        let none = person(&[], "ann").unwrap_err();
        assert!(none.help().contains("[people.ann]"), "{}", none.help());
    }
}
