//! Facts contain claims of the declared type only, and a bounded number of names.

#![cfg(test)]

use std::{fs, path::Path};

use tollgate_core::facts::MAX_GROUPS;
use tollgate_core::{Claim, ClaimKind, FactsBuilder, Image};

fn sample() -> Image<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    Image::from_bytes(fs::read(folder.join("v2/sample.tgi")).unwrap()).unwrap()
}

#[test]
fn a_value_of_another_type_is_kept_as_such() {
    let image = sample();
    let values = [
        (ClaimKind::String, Claim::String("x".into())),
        (ClaimKind::Int, Claim::Int(7)),
        (ClaimKind::Bool, Claim::Bool(true)),
        (ClaimKind::StringList, Claim::StringList(vec!["x".into()])),
    ];
    let mut kinds = 0;
    for declared in image.claims() {
        let facts = |value: &Claim| {
            let builder = FactsBuilder::new(&image);
            builder.claim(declared.slot, value.clone()).build()
        };
        let wrong = facts(&Claim::WrongType);
        assert_ne!(facts(&Claim::Missing), wrong);
        for (kind, value) in &values {
            let is_right = *kind == declared.kind;
            kinds += u32::from(is_right);
            assert_eq!(
                facts(value) != wrong,
                is_right,
                "{} {value:?}",
                declared.name
            );
        }
    }
    assert!(kinds >= 4, "claims of every type");
    let beyond = u16::try_from(image.claim_count()).unwrap();
    let builder = FactsBuilder::new(&image);
    let nothing = builder.claim(beyond, Claim::Bool(true)).build();
    assert_eq!(nothing, FactsBuilder::new(&image).build());
}

#[test]
fn names_beyond_the_limit_are_dropped() {
    let image = sample();
    let facts = |groups: usize, scopes: usize| {
        let mut facts = FactsBuilder::new(&image);
        for number in 0..groups {
            facts = facts.group(&number.to_string());
        }
        for number in 0..scopes {
            facts = facts.scope(&number.to_string());
        }
        facts.build()
    };
    let full = facts(MAX_GROUPS, MAX_GROUPS);
    assert_eq!(facts(MAX_GROUPS + 1, MAX_GROUPS + 2), full);
    assert_ne!(facts(MAX_GROUPS - 1, MAX_GROUPS), full);
    assert_ne!(facts(MAX_GROUPS, MAX_GROUPS - 1), full);
}
