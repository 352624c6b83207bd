//! A stub of Lambda, of a distribution and of a bucket.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_publish::{Call, Reply};

use crate::cloud::{Faults, Stub, error, reply, xml_error};

pub(crate) const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:edge";

/// A version of the function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Version {
    pub(crate) code: Vec<u8>,
    pub(crate) description: String,
}

/// What can be restored between tests.
#[derive(Clone, Default)]
pub(crate) struct Data {
    pub(crate) latest: Vec<u8>,
    pub(crate) versions: BTreeMap<u64, Version>,
    next: u64,
    pub(crate) alias: (String, BTreeMap<String, f64>),
    pub(crate) distribution: String,
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) data: Data,
    pub(crate) faults: Faults,
    pub(crate) now: i64,
    revision: u64,
    deploying: u32,
    /// Whether new code never becomes ready.
    pub(crate) is_failing: bool,
    /// What edges or servers may run since the last wait.
    lives: Vec<BTreeSet<Vec<u8>>>,
}

/// A distribution with a behaviour for sign-in, one of others, one without a function, and the default one.
pub(crate) fn distribution(version: u64) -> String {
    let lambda = |arn: &str| {
        format!(
            "<LambdaFunctionAssociations><Quantity>1</Quantity><Items><LambdaFunctionAssociation>\
             <LambdaFunctionARN>{arn}</LambdaFunctionARN><EventType>viewer-request</EventType>\
             <IncludeBody>false</IncludeBody></LambdaFunctionAssociation></Items></LambdaFunctionAssociations>"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\n<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <Comment>a &amp; b</Comment><NewFeature><Unknown x=\"1\">é</Unknown></NewFeature><DefaultCacheBehavior>{}\
         </DefaultCacheBehavior><CacheBehaviors><Quantity>3</Quantity><Items>\
         <CacheBehavior><PathPattern>/.tollgate/*</PathPattern>{}</CacheBehavior>\
         <CacheBehavior><PathPattern>/other/*</PathPattern>{}</CacheBehavior>\
         <CacheBehavior><PathPattern>/open/*</PathPattern></CacheBehavior></Items></CacheBehaviors></DistributionConfig>",
        lambda(&format!("{ARN}:{version}")),
        lambda(&format!("{ARN}:{version}")),
        lambda("arn:aws:lambda:us-east-1:123456789012:function:edge-other:7"),
    )
}

impl Account {
    pub(crate) fn new() -> Self {
        let mut account = Self {
            now: 1_800_000_000,
            ..Self::default()
        };
        account.data.latest = b"nothing".to_vec();
        let first = Version {
            code: b"nothing".to_vec(),
            ..Version::default()
        };
        account.data.versions.insert(1, first);
        account.data.next = 2;
        account.data.alias.0 = "1".to_owned();
        account.data.distribution = distribution(1);
        account.arrived();
        account
    }

    pub(crate) fn restore(&mut self, data: &Data) {
        self.data = data.clone();
        self.deploying = 0;
        self.arrived();
    }

    /// The code that the selectors and servers run.
    fn live(&self) -> BTreeSet<Vec<u8>> {
        let mut live = BTreeSet::new();
        let code = |number: &str| {
            let number: u64 = number.parse().unwrap();
            self.data.versions[&number].code.clone()
        };
        for part in self.data.distribution.split(&format!("{ARN}:")).skip(1) {
            live.insert([b"edge ", code(part.split('<').next().unwrap()).as_slice()].concat());
        }
        let (version, weights) = &self.data.alias;
        for number in weights.keys().chain([version]) {
            live.insert([b"alias ", code(number).as_slice()].concat());
        }
        if let Some(image) = self.data.objects.get("/b/p/policy.tgi") {
            live.insert([b"object ", image.as_slice()].concat());
        }
        live
    }

    /// Everything that may run now.
    pub(crate) fn possible(&self, kind: &str) -> BTreeSet<String> {
        let texts = self.lives.iter().flatten();
        texts
            .filter_map(|live| {
                Some(
                    String::from_utf8_lossy(live)
                        .strip_prefix(kind)?
                        .trim()
                        .to_owned(),
                )
            })
            .collect()
    }

    fn configuration(&self, code: &[u8], version: &str, description: &str) -> Value {
        json!({
            "FunctionArn": ARN,
            "CodeSha256": Base64::encode_string(&Sha256::digest(code)),
            "RevisionId": self.revision.to_string(),
            "Version": version,
            "Description": description,
            "LastModified": "2027-01-15T08:00:00.000+0000",
            "State": "Active",
            "LastUpdateStatus": if self.is_failing { "Failed" } else { "Successful" },
            "LastUpdateStatusReason": if self.is_failing { "no room" } else { "" },
        })
    }

    fn changed(&mut self) {
        self.revision += 1;
        let live = self.live();
        self.lives.push(live);
    }

    fn object(&mut self, call: &Call) -> Reply {
        let header = |name: &str| {
            let mut headers = call.headers.iter();
            headers
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value.clone())
        };
        let etag = |bytes: &[u8]| {
            format!(
                "\"{:x}\"",
                bytes.len() * 31 + bytes.iter().map(|b| *b as usize).sum::<usize>()
            )
        };
        let found = self.data.objects.get(&call.path).cloned();
        match call.name {
            "GetObject" => match found {
                Some(bytes) => Reply {
                    status: 200,
                    etag: Some(etag(&bytes)),
                    body: bytes,
                },
                None => xml_error(404, "NoSuchKey"),
            },
            "PutObject" => {
                let matches = match (header("if-match"), header("if-none-match"), &found) {
                    (None, None, None) | (None, Some(_), None) => true,
                    (Some(wanted), None, Some(bytes)) => wanted == etag(bytes),
                    _ => false,
                };
                if !matches {
                    return xml_error(412, "PreconditionFailed");
                }
                self.data
                    .objects
                    .insert(call.path.clone(), call.body.clone());
                self.changed();
                reply(200, "", String::new())
            }
            other => panic!("{other}"),
        }
    }
}

impl Stub for Account {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    fn time(&mut self) -> &mut i64 {
        &mut self.now
    }

    /// Somebody else changes the comment of the distribution, and a setting of the function and of its alias.
    fn disturb(&mut self) {
        let text = self.data.distribution.clone();
        self.data.distribution = text.replace("<Comment>", "<Comment>!");
        self.revision += 1;
    }

    fn arrived(&mut self) {
        self.lives = vec![self.live()];
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let etag = format!(
            "D{}",
            self.data.distribution.matches('!').count() + self.data.distribution.len()
        );
        let found = |value: Value| reply(200, "", value.to_string());
        match call.name {
            "GetObject" | "PutObject" => self.object(call),
            "GetFunctionConfiguration" => match call.query.strip_prefix("Qualifier=") {
                Some(number) => {
                    let number: u64 = number.parse().unwrap();
                    let version = self.data.versions[&number].clone();
                    found(self.configuration(&version.code, &number.to_string(), ""))
                }
                None => found(self.configuration(&self.data.latest, "$LATEST", "")),
            },
            "ListVersionsByFunction" => {
                let versions = self.data.versions.iter();
                let listed: Vec<Value> = versions
                    .map(|(number, version)| {
                        self.configuration(&version.code, &number.to_string(), &version.description)
                    })
                    .collect();
                found(json!({ "Versions": listed }))
            }
            "UpdateFunctionCode" => {
                if text("RevisionId") != self.revision.to_string() {
                    return error(412, "PreconditionFailedException");
                }
                self.data.latest = Base64::decode_vec(&text("ZipFile")).unwrap();
                self.changed();
                found(json!({}))
            }
            "PublishVersion" => {
                let digest = Base64::encode_string(&Sha256::digest(&self.data.latest));
                if text("CodeSha256") != digest {
                    return error(400, "InvalidParameterValueException");
                }
                let last = self.data.versions.last_key_value().unwrap();
                let number = match last.1.code == self.data.latest {
                    // Lambda returns the last version if nothing changed.
                    true => *last.0,
                    false => {
                        let number = self.data.next;
                        self.data.next += 1;
                        let version = Version {
                            code: self.data.latest.clone(),
                            description: text("Description"),
                        };
                        self.data.versions.insert(number, version);
                        number
                    }
                };
                self.changed();
                found(json!({ "Version": number.to_string() }))
            }
            "GetAlias" => {
                let (version, weights) = &self.data.alias;
                found(json!({
                    "FunctionVersion": version,
                    "RoutingConfig": { "AdditionalVersionWeights": weights },
                    "RevisionId": format!("A{}", self.revision),
                }))
            }
            "UpdateAlias" => {
                if text("RevisionId") != format!("A{}", self.revision) {
                    return error(412, "PreconditionFailedException");
                }
                let weights = body["RoutingConfig"]["AdditionalVersionWeights"].clone();
                let weights: BTreeMap<String, f64> = weights
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(name, share)| (name.clone(), share.as_f64().unwrap()))
                    .collect();
                for number in weights.keys().chain([&text("FunctionVersion")]) {
                    let number: u64 = number.parse().unwrap();
                    assert!(self.data.versions.contains_key(&number));
                }
                self.data.alias = (text("FunctionVersion"), weights);
                self.changed();
                found(json!({}))
            }
            "GetDistributionConfig" => reply(200, &etag, self.data.distribution.clone()),
            "UpdateDistribution" => {
                let is_match =
                    |(name, value): &(&str, String)| *name == "if-match" && *value == etag;
                if !call.headers.iter().any(is_match) {
                    return xml_error(412, "PreconditionFailed");
                }
                self.data.distribution = String::from_utf8(call.body.clone()).unwrap();
                self.deploying = 3;
                self.changed();
                reply(200, "", String::new())
            }
            "GetDistribution" => {
                let status = match self.deploying {
                    0 => "Deployed",
                    _ => "InProgress",
                };
                self.deploying = self.deploying.saturating_sub(1);
                reply(
                    200,
                    "",
                    format!("<Distribution><Id>E1</Id><Status>{status}</Status></Distribution>"),
                )
            }
            other => panic!("{other}"),
        }
    }
}
