//! EdgeGrid: Akamai's test data, a verification that is written from the definition, and where credentials come from.

use std::collections::BTreeMap;
use std::path::Path;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use tollgate_publish::edgegrid::{Credentials, authorization, find, signed};
use tollgate_publish::{Call, PublishError, Request, Service};

use crate::signature::hmac;

/// The host, the tokens, the time and the nonce of Akamai's test data.
const HOST: &str = "https://akaa-baseurl-xxxxxxxxxxx-xxxxxxxxxxxxx.luna.akamaiapis.net";
const CLIENT: &str = "akab-client-token-xxx-xxxxxxxxxxxxxxxx";
const ACCESS: &str = "akab-access-token-xxx-xxxxxxxxxxxxxxxx";
const SECRET: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=";
const TIME: &str = "20140321T19:34:21+0000";
const NONCE: &str = "nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

fn credentials(max_body_bytes: usize) -> Credentials {
    Credentials {
        base: HOST.to_owned(),
        client_token: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        access_token: ACCESS.to_owned(),
        max_body_bytes,
        account: None,
    }
}

#[test]
fn signatures_are_those_of_akamais_test_data() {
    let (full, long) = ("d".repeat(2_048), "d".repeat(2_049));
    for (method, target, body, expected) in [
        (
            "GET",
            "/",
            "",
            "tL+y4hxyHxgWVD30X3pWnGKHcPzmrIF+LThiAOhMxYU=",
        ),
        (
            "GET",
            "/testapi/v1/t1?p1=1&p2=2",
            "",
            "hKDH1UlnQySSHjvIcZpDMbQHihTQ0XyVAKZaApabdeA=",
        ),
        (
            "POST",
            "/testapi/v1/t3",
            "datadatadatadatadatadatadatadata",
            "hXm4iCxtpN22m4cbZb4lVLW5rhX8Ca82vCFqXzSTPe4=",
        ),
        (
            "POST",
            "/testapi/v1/t3",
            &long,
            "6Q6PiTipLae6n4GsSIDTCJ54bEbHUBp+4MUXrbQCBoY=",
        ),
        (
            "POST",
            "/testapi/v1/t3",
            &full,
            "6Q6PiTipLae6n4GsSIDTCJ54bEbHUBp+4MUXrbQCBoY=",
        ),
        (
            "POST",
            "/testapi/v1/t6",
            "",
            "1gEDxeQGD5GovIkJJGcBaKnZ+VaPtrc4qBUHixjsPCQ=",
        ),
        (
            "PUT",
            "/testapi/v1/t6",
            "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP",
            "GNBWEYSEWOLtu+7dD52da2C39aX/Jchpon3K/AmBqBU=",
        ),
        (
            "PATCH",
            "/testapi/v1/t6",
            "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP",
            "JIl05ImY1AOnMtmw+9LKgaFA8mnzsEKabbnHmI8LsQ4=",
        ),
        (
            "GET",
            "/testapi/v1/configs/111?from=12345&limit=200000",
            "",
            "XM+hsuSs6nuy/5eDRty1IjtVCAdr8xPFRAZ/b8RXDm8=",
        ),
        (
            "GET",
            "/testapi/v1/configs/111;222;333?from=12345&limit=200000",
            "",
            "pmQF7Is2+O4r/mMojPR4yeF58BrempNNoBX5/DT0Fxs=",
        ),
    ] {
        let request = Request {
            method,
            url: format!("{HOST}{target}"),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        };
        let made = authorization(&request, &credentials(2_048), TIME, NONCE).unwrap();
        let fields = format!(
            "EG1-HMAC-SHA256 client_token={CLIENT};access_token={ACCESS};timestamp={TIME};nonce={NONCE};signature={expected}"
        );
        assert_eq!(made, fields, "{method} {target}");
    }
}

/// Checks the signature of a request, as the service does, and that it was made at this time.
pub(crate) fn verify(request: &Request, time: &str) -> Result<(), String> {
    let headers: BTreeMap<&str, &str> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let header = headers.get("authorization").ok_or("no authorization")?;
    let (fields, signature) = header.split_once("signature=").ok_or("no signature")?;
    let named = fields
        .strip_prefix("EG1-HMAC-SHA256 ")
        .ok_or("another algorithm")?;
    let named: BTreeMap<&str, &str> = named
        .split_terminator(';')
        .filter_map(|field| field.split_once('='))
        .collect();
    if named.get("client_token") != Some(&CLIENT) || named.get("access_token") != Some(&ACCESS) {
        return Err("unknown tokens".to_owned());
    }
    if named.get("timestamp") != Some(&time) || named.get("nonce").is_none_or(|n| n.is_empty()) {
        return Err(format!("another time: {named:?}"));
    }
    let (scheme, rest) = request.url.split_once("://").ok_or("no scheme")?;
    let (host, target) = rest.split_once('/').ok_or("no path")?;
    let digest = match (request.method, request.body.as_slice()) {
        ("POST", body @ [_, ..]) => {
            let start = body.get(..131_072).unwrap_or(body);
            Base64::encode_string(&Sha256::digest(start))
        }
        _ => String::new(),
    };
    let text = format!(
        "{}\t{scheme}\t{host}\t/{target}\t\t{digest}\t{fields}",
        request.method
    );
    let key = Base64::encode_string(&hmac(SECRET.as_bytes(), time.as_bytes()));
    match Base64::encode_string(&hmac(key.as_bytes(), text.as_bytes())) == signature {
        true => Ok(()),
        false => Err("wrong signature".to_owned()),
    }
}

/// A call as it is sent, with a verified signature.
pub(crate) fn checked(call: &Call, now: i64) -> Request {
    let request = signed(call, &credentials(131_072), now, NONCE).unwrap();
    // The stubs' clock begins on 15 January 2027 at 8 o'clock.
    let secs = now - 1_800_000_000;
    let (hours, minutes) = (8 + secs / 3_600, secs / 60 % 60);
    let time = format!("20270115T{hours:02}:{minutes:02}:{:02}+0000", secs % 60);
    verify(&request, &time).unwrap();
    request
}

#[test]
fn a_changed_request_has_a_wrong_signature() {
    let call = Call::new(
        Service::EdgeWorkers,
        "CreateVersion",
        "POST",
        "/ids/42/versions".to_owned(),
    )
    .with_query("accountSwitchKey", "1-A:1-B")
    .with_body("application/gzip", vec![7; 200_000]);
    let request = checked(&call, 1_800_000_000);
    assert_eq!(
        request.url,
        format!("{HOST}/edgeworkers/v1/ids/42/versions?accountSwitchKey=1-A%3A1-B")
    );
    let time = "20270115T08:00:00+0000";
    type Change = fn(&mut Request);
    let changes: [Change; 4] = [
        |request| request.method = "PUT",
        |request| request.url.push('1'),
        |request| request.body[0] = 8,
        |request| request.headers.clear(),
    ];
    for change in changes {
        let mut changed = request.clone();
        change(&mut changed);
        assert!(verify(&changed, time).is_err(), "{}", changed.url);
    }
    // Akamai reads only the start of a long body.
    let mut changed = request;
    changed.body[150_000] = 8;
    assert_eq!(verify(&changed, time), Ok(()));
}

const FILE: &str = "\u{feff}; comment\n\
    [default]\n\
    host = https://akab-1.luna.akamaiapis.net/\n\
    client_token = akab-2\n\
    client_secret = c2VjcmV0=+/==\n\
    access_token=\"akab-3\"\n\
    \n\
    [ dashes ]\n\
    host = akab-4.luna.akamaiapis.net\n\
    client-token = akab-5\n\
    client-secret = no-printing-5\n\
    access-token = akab-6\n\
    max-body = 2048\n\
    account_key = 1-A:1-B\n\
    [incomplete]\n\
    host = akab-7.luna.akamaiapis.net\n\
    client_token = akab-8\n\
    # client_secret = no-printing-8\n\
    access_token = akab-9\n\
    [plain]\n\
    host = http://akab-7.luna.akamaiapis.net\n\
    client_token = akab-8\n\
    client_secret = no-printing-8\n\
    access_token = akab-9\n\
    [spaced]\n\
    host = akab-7.luna.akamaiapis.net\n\
    client_token = akab-8 no-printing-9\n\
    client_secret = no-printing-8\n\
    access_token = akab-9\n\
    [path]\n\
    host = akab-7.luna.akamaiapis.net/papi\n\
    client_token = akab-8\n\
    client_secret = no-printing-8\n\
    access_token = akab-9\n";

const ALL: [(&str, &str); 4] = [
    ("AKAMAI_HOST", "akab-10.luna.akamaiapis.net"),
    ("AKAMAI_CLIENT_TOKEN", "akab-11"),
    ("AKAMAI_CLIENT_SECRET", "no-printing-12"),
    ("AKAMAI_ACCESS_TOKEN", "akab-13"),
];

fn found(
    file: Option<&Path>,
    section: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<Credentials, PublishError> {
    find(file, section, &|name| {
        let mut variables = variables.iter();
        let found = variables.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn credentials_come_from_where_akamais_tools_find_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edgerc");
    std::fs::write(&path, FILE).unwrap();
    let named = path.to_str().unwrap();
    let tokens = |found: Credentials| (found.base, found.client_token, found.access_token);
    let expected = |host: &str, client: &str, access: &str| {
        (
            format!("https://{host}"),
            client.to_owned(),
            access.to_owned(),
        )
    };
    let one = expected("akab-1.luna.akamaiapis.net", "akab-2", "akab-3");
    let four = expected("akab-4.luna.akamaiapis.net", "akab-5", "akab-6");
    let ten = expected("akab-10.luna.akamaiapis.net", "akab-11", "akab-13");
    let file = ("AKAMAI_EDGERC", named);
    let section = ("AKAMAI_EDGERC_SECTION", "dashes");
    for (option, section, variables, expected) in [
        (Some(path.as_path()), None, vec![], &one),
        (Some(path.as_path()), Some("dashes"), vec![], &four),
        (None, None, vec![file], &one),
        (None, None, vec![file, section], &four),
        (Some(path.as_path()), None, vec![section], &four),
        (Some(path.as_path()), Some("default"), vec![section], &one),
        // The environment, unless a file or a section is named.
        (None, None, ALL.to_vec(), &ten),
        (None, None, [&ALL[..], &[file, section]].concat(), &ten),
        (Some(path.as_path()), None, ALL.to_vec(), &one),
        (None, Some("dashes"), [&ALL[..], &[file]].concat(), &four),
    ] {
        let found = found(option, section, &variables).map(tokens);
        assert_eq!(found.as_ref(), Ok(expected), "{variables:?}");
    }
    let default = found(Some(&path), None, &[]).unwrap();
    assert_eq!(default.client_secret, "c2VjcmV0=+/==");
    assert_eq!((default.max_body_bytes, default.account), (131_072, None));
    let dashes = found(Some(&path), Some("dashes"), &[]).unwrap();
    assert_eq!(
        (dashes.max_body_bytes, dashes.account.as_deref()),
        (2_048, Some("1-A:1-B"))
    );
}

#[test]
fn unusable_credentials_are_named_and_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edgerc");
    std::fs::write(&path, FILE).unwrap();
    let missing = folder.path().join("missing");
    let at = |section: &'static str| (Some(path.as_path()), Some(section), vec![]);
    let mut partial = ALL.to_vec();
    partial[2].1 = " ";
    let with = |name, value| {
        let mut all = ALL.to_vec();
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
        (None, None, all)
    };
    for ((file, section, variables), expected) in [
        ((None, None, partial), "`AKAMAI_CLIENT_SECRET` is not set"),
        (with("AKAMAI_HOST", "http://akab-1.example"), "unencrypted"),
        (with("AKAMAI_HOST", "no printing"), "characters"),
        (with("AKAMAI_ACCESS_TOKEN", "no-printing;x=1"), "characters"),
        (with("AKAMAI_MAX_BODY", "no-printing"), "is no number"),
        (at("incomplete"), "has no `client_secret`"),
        (at("plain"), "unencrypted"),
        (at("spaced"), "characters"),
        (at("path"), "has a path"),
        (at("none"), "has no section `none`"),
        ((Some(missing.as_path()), None, vec![]), "cannot be read"),
    ] {
        let Err(error) = found(file, section, &variables) else {
            panic!("{expected}");
        };
        let text = error.to_string();
        assert_eq!(error.code(), "credentials");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("printing"), "{text}");
    }
    // A server on this machine may have them unencrypted.
    let (file, section, variables) = with("AKAMAI_HOST", "http://127.0.0.1:1");
    let local = found(file, section, &variables).unwrap();
    assert_eq!(local.base, "http://127.0.0.1:1");
}
