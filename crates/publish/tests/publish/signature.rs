//! Verification of SigV4 and SigV4A, written from their definitions and checked with AWS's test vectors.
//!
//! Not here: the signatures under test, which the SDK's signer makes.

use std::collections::BTreeMap;

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The user whose key signs in tests. Both are AWS's published example.
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A received request.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a str,
    /// The path as it was sent.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    /// Whether the service encodes the path a second time, as all but S3 do.
    pub(crate) encodes_twice: bool,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect()
}

pub(crate) fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(pad(0x5c));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

/// Checks a request's signature. Returns the region, or the set of regions, that it names.
pub(crate) fn verify(received: &Received<'_>, service: &str) -> Result<String, String> {
    let headers: BTreeMap<String, &str> = received
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.trim()))
        .collect();
    let header = |name: &str| headers.get(name).copied().ok_or(format!("no {name}"));
    let authorization = header("authorization")?;
    let (algorithm, fields) = authorization.split_once(' ').ok_or("no fields")?;
    let field = |name: &str| {
        let mut fields = fields.split(", ");
        let found = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        found.ok_or(format!("no {name}"))
    };
    let (credential, names) = (field("Credential")?, field("SignedHeaders")?);
    let signature = field("Signature")?;
    let (key_id, scope) = credential.split_once('/').ok_or("no scope")?;
    if key_id != KEY_ID {
        return Err(format!("unknown key {key_id}"));
    }
    for needed in ["host", "x-amz-date"] {
        if !names.split(';').any(|name| name == needed) {
            return Err(format!("{needed} is not signed"));
        }
    }
    let mut canonical = format!("{}\n", received.method);
    canonical.push_str(&match received.encodes_twice {
        true => received.path.replace('%', "%25"),
        false => received.path.to_owned(),
    });
    let mut pairs: Vec<String> = received
        .query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.contains('=') {
            true => pair.to_owned(),
            false => format!("{pair}="),
        })
        .collect();
    pairs.sort();
    canonical.push_str(&format!("\n{}\n", pairs.join("&")));
    for name in names.split(';') {
        canonical.push_str(&format!("{name}:{}\n", header(name)?));
    }
    let digest = hex(&Sha256::digest(received.body));
    if let Some(sent) = headers.get("x-amz-content-sha256")
        && *sent != digest
    {
        return Err("another body".to_owned());
    }
    canonical.push_str(&format!("\n{names}\n{digest}"));
    let canonical = hex(&Sha256::digest(canonical));
    let date = header("x-amz-date")?;
    let text = format!("{algorithm}\n{date}\n{scope}\n{canonical}");
    let parts: Vec<&str> = scope.split('/').collect();
    match (algorithm, parts.as_slice()) {
        ("AWS4-HMAC-SHA256", [day, region, signed, "aws4_request"]) => {
            if *signed != service || !date.starts_with(day) {
                return Err(format!("another scope: {scope}"));
            }
            let key = ["AWS4", SECRET].concat().into_bytes();
            let key = [*day, *region, *signed, "aws4_request"]
                .iter()
                .fold(key, |key, part| hmac(&key, part.as_bytes()));
            match hex(&hmac(&key, text.as_bytes())) == signature {
                true => Ok((*region).to_owned()),
                false => Err("wrong signature".to_owned()),
            }
        }
        ("AWS4-ECDSA-P256-SHA256", [day, signed, "aws4_request"]) => {
            if *signed != service || !date.starts_with(day) {
                return Err(format!("another scope: {scope}"));
            }
            let bytes = unhex(signature).ok_or("no hexadecimal signature")?;
            let found = DerSignature::from_bytes(&bytes).map_err(|error| error.to_string())?;
            public_key()
                .verify(text.as_bytes(), &found)
                .map_err(|_| "wrong signature".to_owned())?;
            Ok(header("x-amz-region-set")?.to_owned())
        }
        _ => Err(format!("unknown algorithm or scope: {algorithm} {scope}")),
    }
}

/// The public key of SigV4A for [`KEY_ID`]: the counter is 1 for this key.
fn public_key() -> VerifyingKey {
    let mut input = 1_u32.to_be_bytes().to_vec();
    input.extend(b"AWS4-ECDSA-P256-SHA256\0");
    input.extend(KEY_ID.as_bytes());
    input.push(1);
    input.extend(256_u32.to_be_bytes());
    let mut scalar = hmac(["AWS4A", SECRET].concat().as_bytes(), &input);
    // The scalar is one more than the number.
    for byte in scalar.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    *SigningKey::from_slice(&scalar).unwrap().verifying_key()
}

/// AWS's vector `get-vanilla`, in both versions, and what must not verify.
#[test]
fn the_verifier_agrees_with_the_published_vectors() {
    const V4: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const V4A: &str = "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, \
        SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=3045022018b4e277d0281864beb51d3600e23f88510ea5031d68d\
        dfbb68614b82a5eb7d2022100effb9c5f22ed9ef3ae0ab243d21f06bce82365bbb79529a07b6888c343ae5f8c";
    let point = public_key().to_encoded_point(false);
    assert_eq!(
        hex(point.as_bytes()),
        "04b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1\
         865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518"
    );
    for authorization in [V4, V4A] {
        let mut headers: Vec<(String, String)> = [
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-region-set", "us-east-1"),
            ("authorization", authorization),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let check = |method: &str, path: &str, headers: &[(String, String)], body: &[u8]| {
            let received = Received {
                method,
                path,
                query: "",
                headers,
                body,
                encodes_twice: true,
            };
            verify(&received, "service")
        };
        assert_eq!(check("GET", "/", &headers, b"").as_deref(), Ok("us-east-1"));
        assert!(check("PUT", "/", &headers, b"").is_err());
        assert!(check("GET", "/a", &headers, b"").is_err());
        assert!(check("GET", "/", &headers, b"x").is_err());
        headers[1].1 = "20150830T123601Z".to_owned();
        assert!(check("GET", "/", &headers, b"").is_err());
    }
}
