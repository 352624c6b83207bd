//! Native times of the same verifications: `signatures FILE ALGORITHM`, with the parts of what is verified
//! in FILE, prints one line of JSON for each library of ALGORITHM: its name and the nanoseconds of every
//! sample.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use tollgate_peers::signatures::{Check, LIBRARIES, Signed};

const SAMPLES: usize = 300;
const ROUNDS: u32 = 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (file, algorithm) = (args.next(), args.next());
    let (file, algorithm) = file
        .zip(algorithm)
        .context("usage: signatures FILE ALGORITHM")?;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {file}"))?;
    let signed = Signed::from_parts(&bytes).context("the file does not have four parts")?;
    time(
        "aws-lc-rs (what Tollgate uses)",
        &by_aws_lc(&signed, &algorithm)?,
    )?;
    for (_, name, prepare) in LIBRARIES.iter().filter(|(of, ..)| *of == algorithm) {
        let check = prepare(&signed).with_context(|| format!("{name} rejects the key"))?;
        time(name, &check)?;
    }
    Ok(())
}

fn by_aws_lc(signed: &Signed, algorithm: &str) -> Result<Check> {
    let owned = signed.clone();
    if algorithm == "RS256" {
        return Ok(Box::new(move || {
            RsaPublicKeyComponents {
                n: &owned.key,
                e: &owned.exponent,
            }
            .verify(
                &RSA_PKCS1_2048_8192_SHA256,
                &owned.message,
                &owned.signature,
            )
            .is_ok()
        }));
    }
    let key = if algorithm == "ES256" {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, owned.key)
    } else {
        UnparsedPublicKey::new(&ED25519, owned.key)
    };
    Ok(Box::new(move || {
        key.verify(&owned.message, &owned.signature).is_ok()
    }))
}

fn time(name: &str, check: &Check) -> Result<()> {
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let start = Instant::now();
        let good = (0..ROUNDS).filter(|_| check()).count();
        samples.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
        ensure!(
            good == usize::try_from(ROUNDS)?,
            "{name} rejects the signature"
        );
    }
    println!("{}", serde_json::json!({ "name": name, "ns": samples }));
    Ok(())
}
