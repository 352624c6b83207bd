//! Condition programs.

use tollgate_core::ImageError;
use tollgate_core::image::format::{MAX_PROGRAM_WORDS, MAX_STACK, Op, Section};

use super::parts::Parts;

const REFUSED: Result<(), ImageError> = Err(ImageError::BadSection(Section::Rules));

/// Slots of the claims, in the order of their names.
const BETA: u32 = 0;
const LEVEL: u32 = 1;
const ROLES: u32 = 2;
const TEAM: u32 = 3;

const TRUE: (Op, u32) = (Op::Bool, 1);
const TEXT: (Op, u32) = (Op::Text, 0);
const INT: (Op, u32) = (Op::Int, 0);
const NOW: (Op, u32) = (Op::Now, 0);
const IP: (Op, u32) = (Op::ClientIp, 0);
const EQ: (Op, u32) = (Op::Eq, 0);

fn validate(program: &[(Op, u32)]) -> Result<(), ImageError> {
    let mut parts = Parts::new();
    parts.program(program);
    parts.validate()
}

#[test]
fn types_are_checked() {
    let operator = |op| (op, 0);
    let good: &[&[(Op, u32)]] = &[
        &[(Op::Bool, 0)],
        &[TRUE],
        &[TEXT, TEXT, EQ],
        &[INT, INT, EQ],
        &[IP, IP, EQ],
        &[IP, (Op::Ip, 0), operator(Op::Ne)],
        &[TRUE, TRUE, EQ],
        &[NOW, (Op::Time, 0), operator(Op::Lt)],
        &[TEXT, TEXT, operator(Op::Le)],
        &[INT, INT, operator(Op::Gt)],
        &[NOW, NOW, operator(Op::Ge)],
        &[(Op::Claim, BETA)],
        &[(Op::Claim, LEVEL), INT, EQ],
        &[(Op::Claim, TEAM), TEXT, EQ],
        &[(Op::Has, ROLES)],
        &[(Op::Subject, 0), (Op::Issuer, 0), EQ],
        &[(Op::Method, 0), (Op::Capture, 0), EQ],
        &[TRUE, operator(Op::Not)],
        &[TRUE, TRUE, operator(Op::And)],
        &[TRUE, TRUE, operator(Op::Or)],
        &[INT, INT, operator(Op::Add), INT, EQ],
        &[INT, INT, operator(Op::Sub), INT, EQ],
        &[INT, INT, operator(Op::Mul), INT, EQ],
        &[INT, operator(Op::Neg), INT, EQ],
        &[NOW, (Op::Shift, 0), NOW, operator(Op::Lt)],
        &[TEXT, TEXT, operator(Op::StartsWith)],
        &[TEXT, TEXT, operator(Op::EndsWith)],
        &[TEXT, TEXT, operator(Op::Contains)],
        &[TEXT, operator(Op::InGroups)],
        &[TEXT, (Op::InClaim, ROLES)],
    ];
    for program in good {
        assert_eq!(validate(program), Ok(()), "{program:?}");
    }
    let bad: &[&[(Op, u32)]] = &[
        // What is left is not one truth value.
        &[],
        &[TEXT],
        &[INT],
        &[NOW],
        &[IP],
        &[TRUE, TRUE],
        &[INT, TRUE],
        &[(Op::Claim, LEVEL)],
        &[(Op::Claim, TEAM)],
        &[NOW, (Op::Shift, 0)],
        &[INT, INT, operator(Op::Add)],
        // An operand that does not exist.
        &[(Op::Bool, 2)],
        &[(Op::Text, 900), TEXT, EQ],
        &[(Op::Int, 900), INT, EQ],
        &[(Op::Time, 900), NOW, EQ],
        &[(Op::Ip, 900), IP, EQ],
        &[(Op::Claim, 4)],
        &[(Op::Claim, 1 << 16)],
        &[(Op::Has, 4)],
        &[(Op::Has, 1 << 16)],
        &[(Op::Capture, 1), TEXT, EQ],
        &[NOW, (Op::Shift, 900), NOW, EQ],
        &[TEXT, (Op::InTexts, 900)],
        &[INT, (Op::InInts, 900)],
        &[IP, (Op::InNetworks, 900)],
        &[TEXT, (Op::InClaim, 4)],
        // A list is not a value.
        &[(Op::Claim, ROLES)],
        &[TEXT, (Op::InClaim, TEAM)],
        // Too few on the stack.
        &[operator(Op::Not)],
        &[TRUE, operator(Op::And)],
        &[TRUE, operator(Op::Or)],
        &[TEXT, EQ],
        &[EQ],
        &[INT, operator(Op::Lt)],
        &[INT, operator(Op::Add), INT, EQ],
        &[TEXT, operator(Op::Contains)],
        &[operator(Op::InGroups)],
        // Of another type.
        &[TEXT, operator(Op::Not)],
        &[TEXT, TRUE, operator(Op::And)],
        &[TRUE, TEXT, operator(Op::And)],
        &[TRUE, INT, operator(Op::Or)],
        &[TEXT, INT, EQ],
        &[INT, NOW, operator(Op::Ne)],
        &[TRUE, TRUE, operator(Op::Lt)],
        &[IP, IP, operator(Op::Le)],
        &[TEXT, INT, operator(Op::Gt)],
        &[INT, NOW, operator(Op::Ge)],
        &[TEXT, INT, operator(Op::Add), INT, EQ],
        &[INT, TEXT, operator(Op::Sub), INT, EQ],
        &[NOW, INT, operator(Op::Add), NOW, EQ],
        &[TEXT, operator(Op::Neg), INT, EQ],
        &[INT, (Op::Shift, 0), NOW, EQ],
        &[INT, TEXT, operator(Op::StartsWith)],
        &[TEXT, INT, operator(Op::EndsWith)],
        &[INT, operator(Op::InGroups)],
        &[INT, (Op::InClaim, ROLES)],
    ];
    for program in bad {
        assert_eq!(validate(program), REFUSED, "{program:?}");
    }
}

#[test]
fn members_of_sets_exist() {
    let cases = [
        (Op::InTexts, Section::Texts, TEXT),
        (Op::InInts, Section::Ints, INT),
        (Op::InNetworks, Section::Networks, IP),
    ];
    for (op, section, value) in cases {
        for (beyond, expected) in [(0, Ok(())), (1, REFUSED)] {
            let mut parts = Parts::new();
            let last = parts.count(section) - 1;
            let set = parts.set(&[0, last + beyond]);
            parts.program(&[value, (op, set)]);
            assert_eq!(parts.validate(), expected, "{op:?}");
            // The type of what is looked for.
            parts.program(&[TRUE, (op, set)]);
            assert_eq!(parts.validate(), REFUSED, "{op:?}");
        }
    }
}

#[test]
fn an_unknown_instruction() {
    let unknown = u8::try_from(Op::ALL.len()).unwrap();
    let mut parts = Parts::new();
    parts.program(&[TRUE]);
    let last = parts.count(Section::Code) - 1;
    parts.put(Section::Code, last, 0, &[unknown]);
    assert_eq!(parts.validate(), REFUSED);
}

#[test]
fn lengths_and_depths_are_exact() {
    let long = |words: usize| {
        let mut program = vec![(Op::Not, 0); words];
        program[0] = TRUE;
        program
    };
    assert_eq!(validate(&long(MAX_PROGRAM_WORDS)), Ok(()));
    assert_eq!(validate(&long(MAX_PROGRAM_WORDS + 1)), REFUSED);
    let deep = |depth: usize| [vec![TRUE; depth], vec![(Op::And, 0); depth - 1]].concat();
    assert_eq!(validate(&deep(MAX_STACK)), Ok(()));
    assert_eq!(validate(&deep(MAX_STACK + 1)), REFUSED);
}

/// Programs may share sets, so that the loader would look at them again and again. The limit is 64
/// looks per byte of the image: 256 per member of a set.
#[test]
fn looks_are_limited() {
    let mut parts = Parts::new();
    let set = parts.set(&vec![0; 20_000]);
    for (times, expected) in [(240, Ok(())), (330, REFUSED)] {
        let mut program = vec![TEXT, (Op::InTexts, set)];
        for _ in 1..times {
            program.extend([TEXT, (Op::InTexts, set), (Op::And, 0)]);
        }
        let mut parts = parts.clone();
        parts.program(&program);
        assert_eq!(parts.validate(), expected, "{times} times");
    }
}
