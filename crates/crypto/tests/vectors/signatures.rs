//! Signed examples of RFC 7515, RFC 8037 and the JOSE cookbook with the byte layer and both
//! providers.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tollgate_crypto::{Native, Portable};
use tollgate_token::{Jwk, JwkError, Provider, jws};

use crate::{Ledger, suite};

/// The verdict for a compact JWS: `valid`, or the reason.
fn verdict(jwk: &Value, jws: &str) -> String {
    // The cookbook contains private keys, which are rejected as such.
    let mut public = jwk.clone();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        public.as_object_mut().unwrap().remove(name);
    }
    let key = match Jwk::parse(public.to_string().as_bytes()) {
        Ok(key) => key,
        Err(JwkError::Bad(fault)) => return fault.code().to_owned(),
        Err(JwkError::Skipped(_)) => return "unsupported key".to_owned(),
    };
    let verify = |provider: &dyn Provider| jws::verify(jws.as_bytes(), &key, None, 8_192, provider);
    let verified = verify(&Portable);
    assert_eq!(verified, verify(&Native), "{jws}");
    verified.map_or_else(|error| error.code().to_owned(), |_| "valid".to_owned())
}

#[test]
fn rfc_7515_and_rfc_8037() {
    let Some(folder) = suite("rfc-vectors") else {
        return;
    };
    let file: Value =
        serde_json::from_slice(&fs::read(folder.join("rfc7515_8037.json")).unwrap()).unwrap();
    let mut ledger = Ledger::new("rfc-vectors");
    let mut valid = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let none = Value::Null;
        // A JSON serialization is a JSON object.
        let jws = vector["jws"]
            .as_str()
            .map_or_else(|| vector["jws"].to_string(), str::to_owned);
        let jwk = vector
            .get("jwk")
            .filter(|jwk| jwk.is_object())
            .unwrap_or(&none);
        if jwk.is_null() {
            // Rejected whatever the key: the text is not a compact JWS.
            let keys = valid.iter().map(|key| verdict(key, &jws));
            let ours: Vec<String> = keys.collect();
            assert!(
                !ours.is_empty() && ours.iter().all(|ours| ours != "valid"),
                "{id}: {ours:?}"
            );
            ledger.note(id, "invalid", "invalid");
            continue;
        }
        valid.push(jwk.clone());
        let theirs = vector["result"].as_str().unwrap();
        ledger.note(id, theirs, &verdict(jwk, &jws));
        // Every change to the signing input is detected.
        let (head, rest) = jws.split_at(1);
        let changed = format!("{}{rest}", if head == "e" { "f" } else { "e" });
        assert_ne!(verdict(jwk, &changed), "valid", "{id}");
    }
    ledger.close(7);
}

#[test]
fn jose_cookbook() {
    let Some(folder) = suite("jose-cookbook") else {
        return;
    };
    let mut ledger = Ledger::new("jose-cookbook");
    for file in files(&folder) {
        let name = file
            .strip_prefix(&folder)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let example: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let (output, input) = (&example["output"], &example["input"]);
        let (Some(jws), Some(key)) = (output["compact"].as_str(), input.get("key")) else {
            continue;
        };
        // Five parts are an encrypted token.
        if jws.split('.').count() != 3 {
            continue;
        }
        ledger.note(&name, "valid", &verdict(key, jws));
    }
    ledger.close(7);
}

/// The signature examples.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let folders = ["jws", "rfc7797", "curve25519"].map(|name| folder.join(name));
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    files
}
