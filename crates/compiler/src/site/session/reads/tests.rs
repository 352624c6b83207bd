use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_SINGLE_MARKS, name_marks, paths};

fn names(count: usize) -> BTreeSet<Vec<String>> {
    let name = |number: usize| vec!["group".to_owned(), format!("g{number}")];
    (0..count).map(name).collect()
}

#[test]
fn few_names_have_a_mark_each_and_many_have_three() {
    let few = name_marks(names(MAX_SINGLE_MARKS));
    assert_eq!(few.len(), MAX_SINGLE_MARKS);
    let fewer: BTreeSet<_> = name_marks(names(3)).into_iter().collect();
    assert!(
        fewer.iter().all(|mark| few.contains(mark)),
        "marks do not depend on other names"
    );
    let many = name_marks(names(MAX_SINGLE_MARKS + 1));
    assert_eq!(many.len(), 3);
    assert_ne!(many, name_marks(names(MAX_SINGLE_MARKS + 2)));
}

#[test]
fn a_policy_without_courses_has_one_cookie() {
    let found = paths(core::iter::empty(), &BTreeMap::new(), true);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), &found[0].base), ("/", &None));
}
