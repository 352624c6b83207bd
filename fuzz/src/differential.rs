//! The compiler and the core compared with the specification, for policies and requests derived
//! from the bytes.

use tollgate_spec::generate::Generator;
use tollgate_spec::render;

#[path = "../../crates/spec/tests/differential/sides.rs"]
mod sides;

/// The number of requests per policy.
const REQUESTS: usize = 24;

/// Derives a policy and requests from the bytes, and compares the decisions.
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
        Err(errors) => panic!("the compiler rejects a valid policy: {errors}\n{}", shown()),
    };
    for _ in 0..REQUESTS {
        let request = generator.request(&policy);
        let core = sides::core_answer(&image, &request);
        let spec = sides::spec_answer(&tollgate_spec::decide(&policy, &request));
        assert_eq!(core, spec, "core and specification\n{}{request:?}", shown());
    }
}
