//! The Lambda program with keys that panic, for fault injection: a verification panics if the file that
//! `FRAGILE_IF` names exists, and removes the file. Otherwise it is identical to the released program.

use std::path::PathBuf;

use tollgate_crypto::Native;
use tollgate_lambda::run;
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider};

/// Verifies as the program does, but panics on request.
struct Fragile;

struct FragileKey(Box<dyn PreparedKey>);

impl Provider for Fragile {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        let key = Native.prepare(algorithm, key)?;
        Ok(Box::new(FragileKey(key)))
    }
}

impl PreparedKey for FragileKey {
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let marker = std::env::var_os("FRAGILE_IF").map(PathBuf::from);
        let is_told = marker.is_some_and(|marker| std::fs::remove_file(marker).is_ok());
        assert!(!is_told, "injected");
        self.0.verify(input, signature)
    }
}

fn main() -> Result<(), lambda_runtime::Error> {
    let function = run::function(&Fragile, None)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run::serve(function))
}
