//! The compiler and the core against the specification, with policies and requests that the bytes choose.

use tollgate_spec::generate::Generator;
use tollgate_spec::render;

#[path = "../../crates/spec/tests/differential/sides.rs"]
mod sides;

/// Requests asked of each policy.
const REQUESTS: usize = 24;

/// Makes a policy and requests of the bytes, and compares the answers.
pub fn check(data: &[u8]) {
    let mut generator = Generator::from_bytes(data);
    let policy = generator.policy();
    let shown = || {
        render::to_toml(&policy)
            .into_iter()
            .map(|(name, text)| format!("--- {name}\n{text}\n"))
            .collect::<String>()
    };
    let image = match sides::compiled(&policy) {
        Ok(image) => image,
        Err(errors) => panic!("the compiler refuses a good policy: {errors}\n{}", shown()),
    };
    for _ in 0..REQUESTS {
        let request = generator.request(&policy);
        let core = sides::core_answer(&image, &request);
        let spec = sides::spec_answer(&tollgate_spec::decide(&policy, &request));
        assert_eq!(core, spec, "core and specification\n{}{request:?}", shown());
    }
}
