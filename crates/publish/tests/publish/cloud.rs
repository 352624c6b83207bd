//! A stub of CloudFront and its KeyValueStores that verifies every signature and fails when it is told to.
//!
//! It keeps what an edge may have: every state since the last time that the publisher waited.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use serde_json::{Value, json};
use tollgate_publish::{Call, Event, PublishError, Reply, SendError, Service, World, aws};

use crate::edge::{Answers, Edge};
use crate::signature::{KEY_ID, Received, SECRET, verify};

pub(crate) const FUNCTION: &str = "tollgate";
pub(crate) const STORE: &str = "arn:aws:cloudfront::123456789012:key-value-store/tollgate";
pub(crate) const DISTRIBUTION: &str = "E1EXAMPLE";
const FUNCTION_ARN: &str = "arn:aws:cloudfront::123456789012:function/tollgate";

/// The page that lists the rights that the calls need.
const DOCS: &str = include_str!("../../../../docs/publishing.md");

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The service fails without doing anything, once.
    Error,
    /// No response, and nothing was done, once.
    Lost,
    /// It was done, and the response is lost, once.
    Unheard,
    /// The service throttles, three times.
    Throttled,
    /// Somebody else changed something else, so that the ETag is another one.
    Other,
    /// The same, at every call from this one on.
    Others,
    /// The service denies it, always.
    Denied,
    /// The publisher is killed before the call.
    Killed,
    /// The publisher is killed after the call was executed.
    KilledAfter,
}

pub(crate) const FAULTS: [Fault; 9] = [
    Fault::Error,
    Fault::Lost,
    Fault::Unheard,
    Fault::Throttled,
    Fault::Other,
    Fault::Others,
    Fault::Denied,
    Fault::Killed,
    Fault::KilledAfter,
];

/// What an edge has.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct View {
    function: String,
    store: BTreeMap<String, String>,
}

pub(crate) struct Cloud {
    pub(crate) store: BTreeMap<String, String>,
    pub(crate) development: String,
    pub(crate) live: Option<String>,
    pub(crate) behaviours: Vec<(&'static str, Option<&'static str>)>,
    pub(crate) faults: Faults,
    pub(crate) now: i64,
    store_version: u64,
    function_version: u64,
    publishing: u32,
    stores: Vec<BTreeMap<String, String>>,
    lives: Vec<Option<String>>,
    edge: Edge,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        Self {
            store: BTreeMap::new(),
            development: "function handler(event) { return event.request; }".to_owned(),
            live: None,
            behaviours: vec![("*", Some(FUNCTION_ARN))],
            faults: Faults::default(),
            now: 1_800_000_000,
            store_version: 1,
            function_version: 1,
            publishing: 0,
            stores: Vec::new(),
            lives: Vec::new(),
            edge: Edge::start(),
        }
    }

    /// The state to come back to.
    pub(crate) fn saved(&self) -> (BTreeMap<String, String>, String, Option<String>) {
        (
            self.store.clone(),
            self.development.clone(),
            self.live.clone(),
        )
    }

    pub(crate) fn restore(&mut self, saved: &(BTreeMap<String, String>, String, Option<String>)) {
        (self.store, self.development, self.live) = saved.clone();
        self.arrived();
    }

    /// The different answers that edges may give now.
    pub(crate) fn possible(&mut self) -> BTreeSet<Answers> {
        let mut views = BTreeSet::new();
        for function in self.lives.iter().flatten() {
            for store in &self.stores {
                views.insert(View {
                    function: function.clone(),
                    store: store.clone(),
                });
            }
        }
        let edge = &mut self.edge;
        views
            .iter()
            .map(|view| edge.answers(&view.function, &view.store))
            .collect()
    }

    /// Somebody else writes an entry.
    pub(crate) fn foreign(&mut self, key: &str, value: &str) {
        self.store.insert(key.to_owned(), value.to_owned());
        self.store_version += 1;
        self.stores.push(self.store.clone());
    }

    fn changed(&mut self) {
        self.stores.push(self.store.clone());
        self.lives.push(self.live.clone());
    }

    fn store_etag(&self) -> String {
        format!("KV{}", self.store_version)
    }

    fn function_etag(&self) -> String {
        format!("ETF{}", self.function_version)
    }

    fn distribution(&self) -> String {
        let mut items = String::new();
        let mut default = String::new();
        for (pattern, function) in &self.behaviours {
            let associations = function.map_or_else(
                || "<FunctionAssociations><Quantity>0</Quantity></FunctionAssociations>".to_owned(),
                |arn| {
                    let (list, item, name) = match arn.contains(":lambda:") {
                        true => (
                            "LambdaFunctionAssociations",
                            "LambdaFunctionAssociation",
                            "LambdaFunctionARN",
                        ),
                        false => ("FunctionAssociations", "FunctionAssociation", "FunctionARN"),
                    };
                    format!(
                        "<{list}><Quantity>1</Quantity><Items><{item}><{name}>{arn}</{name}>\
                         <EventType>viewer-request</EventType></{item}></Items></{list}>"
                    )
                },
            );
            match *pattern {
                "*" => {
                    default = format!(
                        "<DefaultCacheBehavior><TargetOriginId>o</TargetOriginId>{associations}</DefaultCacheBehavior>"
                    );
                }
                pattern => items.push_str(&format!(
                    "<CacheBehavior><PathPattern>{pattern}</PathPattern>{associations}</CacheBehavior>"
                )),
            }
        }
        format!(
            "<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">{default}<CacheBehaviors>\
             <Items>{items}</Items></CacheBehaviors></DistributionConfig>"
        )
    }
}

impl Stub for Cloud {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    fn time(&mut self) -> &mut i64 {
        &mut self.now
    }

    fn disturb(&mut self) {
        let value = self.store_version.to_string();
        self.foreign("theirs", &value);
        self.function_version += 1;
    }

    /// All changes have reached all edges.
    fn arrived(&mut self) {
        self.stores = vec![self.store.clone()];
        self.lives = vec![self.live.clone()];
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = String::from_utf8_lossy(&call.body).into_owned();
        let matched = |etag: &str| {
            call.headers
                .iter()
                .any(|(name, value)| *name == "if-match" && value == etag)
        };
        let stage_live = call.query.contains("LIVE");
        match call.name {
            "DescribeKeyValueStore" => reply(200, &self.store_etag(), json!({}).to_string()),
            "ListKeys" => {
                let after = call.query.split("NextToken=").nth(1).unwrap_or_default();
                let after: usize = after.parse().unwrap_or_default();
                let items: Vec<Value> = self
                    .store
                    .iter()
                    .skip(after)
                    .take(50)
                    .map(|(key, value)| json!({ "Key": key, "Value": value }))
                    .collect();
                let mut page = json!({ "Items": items });
                if after + 50 < self.store.len() {
                    page["NextToken"] = json!((after + 50).to_string());
                }
                reply(200, "", page.to_string())
            }
            "GetKey" => {
                let key = call.path.rsplit('/').next().unwrap().replace("%2F", "/");
                match self.store.get(&key) {
                    Some(value) => reply(200, "", json!({ "Value": value }).to_string()),
                    None => error(404, "ResourceNotFoundException"),
                }
            }
            "UpdateKeys" => {
                if !matched(&self.store_etag()) {
                    return error(409, "ConflictException");
                }
                let puts = body["Puts"].as_array().cloned().unwrap_or_default();
                let deletes = body["Deletes"].as_array().cloned().unwrap_or_default();
                assert!(puts.len() + deletes.len() <= 50);
                for put in puts {
                    let text = |name: &str| put[name].as_str().unwrap().to_owned();
                    assert!(text("Value").len() <= 1_024 && text("Key").len() <= 512);
                    self.store.insert(text("Key"), text("Value"));
                }
                for delete in deletes {
                    self.store.remove(delete["Key"].as_str().unwrap());
                }
                self.store_version += 1;
                self.changed();
                reply(200, &self.store_etag(), "{}".to_owned())
            }
            "DescribeFunction" | "GetFunction" if stage_live && self.live.is_none() => {
                xml_error(404, "NoSuchFunctionExists")
            }
            "DescribeFunction" => {
                let status = match self.publishing {
                    0 => "UNASSOCIATED",
                    _ => "IN_PROGRESS",
                };
                self.publishing = self.publishing.saturating_sub(u32::from(stage_live));
                let summary = format!(
                    "<?xml version=\"1.0\"?>\n<FunctionSummary xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
                     <Name>{FUNCTION}</Name><Status>{status}</Status><FunctionConfig><Comment>a &amp; b</Comment>\
                     <Runtime>cloudfront-js-2.0</Runtime><KeyValueStoreAssociations><Quantity>1</Quantity><Items>\
                     <KeyValueStoreAssociation><KeyValueStoreARN>{STORE}</KeyValueStoreARN></KeyValueStoreAssociation>\
                     </Items></KeyValueStoreAssociations></FunctionConfig><FunctionMetadata>\
                     <FunctionARN>{FUNCTION_ARN}</FunctionARN><LastModifiedTime>2027-01-15T08:00:00Z</LastModifiedTime>\
                     </FunctionMetadata></FunctionSummary>"
                );
                reply(200, &self.function_etag(), summary)
            }
            "GetFunction" => {
                let source = match stage_live {
                    true => self.live.clone().unwrap(),
                    false => self.development.clone(),
                };
                reply(200, &self.function_etag(), source)
            }
            "UpdateFunction" => {
                if !matched(&self.function_etag()) {
                    return xml_error(412, "PreconditionFailed");
                }
                assert!(text.contains("<Comment>a &amp; b</Comment>"), "{text}");
                let code = text.split("<FunctionCode>").nth(1).unwrap();
                let code = code.split('<').next().unwrap();
                use base64ct::{Base64, Encoding};
                let code = Base64::decode_vec(code).unwrap();
                self.development = String::from_utf8(code).unwrap();
                self.function_version += 1;
                reply(200, &self.function_etag(), String::new())
            }
            "TestFunction" => {
                if !matched(&self.function_etag()) {
                    return xml_error(412, "PreconditionFailed");
                }
                let answers = self.edge.answers(&self.development.clone(), &self.store);
                let status = if answers[0].contains("internal") {
                    500
                } else {
                    200
                };
                let output = json!({ "response": { "statusCode": status } });
                let result = format!(
                    "<TestResult><FunctionErrorMessage></FunctionErrorMessage><FunctionOutput>{output}</FunctionOutput>\
                     </TestResult>"
                );
                reply(200, "", result)
            }
            "PublishFunction" => {
                if !matched(&self.function_etag()) {
                    return xml_error(412, "PreconditionFailed");
                }
                self.live = Some(self.development.clone());
                self.publishing = 2;
                self.changed();
                reply(200, "", String::new())
            }
            "GetDistributionConfig" => reply(200, "ED1", self.distribution()),
            other => panic!("{other}"),
        }
    }
}

pub(crate) fn reply(status: u16, etag: &str, body: String) -> Reply {
    Reply {
        status,
        etag: (!etag.is_empty()).then(|| etag.to_owned()),
        body: body.into_bytes(),
    }
}

pub(crate) fn error(status: u16, code: &str) -> Reply {
    reply(
        status,
        "",
        json!({ "__type": code, "Message": "told to" }).to_string(),
    )
}

pub(crate) fn xml_error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>told to</Message></Error></ErrorResponse>"
    );
    reply(status, "", body)
}

fn killed() -> SendError {
    SendError::Fatal(PublishError::Network {
        action: "killed".to_owned(),
        message: "killed".to_owned(),
    })
}

/// The faults of one process, and what it sent.
#[derive(Default)]
pub(crate) struct Faults {
    /// The number of the next call, and what goes wrong at which one.
    pub(crate) call: usize,
    pub(crate) fault: Option<(usize, Fault)>,
    pub(crate) calls: Vec<String>,
    pub(crate) notes: Vec<String>,
    throttled: u32,
    pub(crate) killed: bool,
}

impl Faults {
    /// Another process, with this fault.
    pub(crate) fn again(&mut self, fault: Option<(usize, Fault)>) {
        *self = Self {
            fault,
            ..Self::default()
        };
    }

    /// Checks the signature of a call, and returns what goes wrong with it.
    pub(crate) fn next(&mut self, call: &Call, now: i64) -> Option<Fault> {
        match call.service {
            // The token is no part of a call.
            Service::Cloudflare => assert!(
                DOCS.contains(&format!("`{}`", call.name)),
                "docs/publishing.md has no permission for {}",
                call.name
            ),
            Service::EdgeWorkers => {
                crate::edgegrid::checked(call, now);
                assert!(
                    DOCS.contains(&format!("`{}`", call.name)),
                    "docs/publishing.md has no permission for {}",
                    call.name
                );
            }
            Service::CloudFront
            | Service::KeyValueStore { .. }
            | Service::Lambda { .. }
            | Service::S3 { .. } => check_signature(call, now),
        }
        self.calls.push(call.line());
        let at = self.call;
        self.call += 1;
        match self.fault {
            Some((wanted, fault)) if wanted == at => Some(fault),
            Some((wanted, fault @ (Fault::Others | Fault::Denied))) if wanted < at => Some(fault),
            Some((wanted, Fault::Throttled)) if wanted < at && self.throttled < 2 => {
                self.throttled += 1;
                Some(Fault::Throttled)
            }
            _ => None,
        }
    }
}

/// Checks the signature of a call, and that the documentation has its right.
fn check_signature(call: &Call, now: i64) {
    let credentials = Credentials::builder()
        .access_key_id(KEY_ID)
        .secret_access_key(SECRET)
        .provider_name("test")
        .build();
    let time = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
    let signed = aws::signed(call, None, &credentials, time).unwrap();
    let received = Received {
        method: signed.method,
        path: &call.path,
        query: &call.query,
        headers: &signed.headers,
        body: &signed.body,
        encodes_twice: !matches!(call.service, Service::S3 { .. }),
    };
    let region = verify(&received, call.service.signing_name()).unwrap();
    assert_eq!(region, call.service.region().unwrap_or("*"));
    assert!(
        DOCS.contains(&format!("\"{}\"", call.action())),
        "docs/publishing.md has no right for {}",
        call.action()
    );
}

/// A service that can fail.
pub(crate) trait Stub {
    fn faults(&mut self) -> &mut Faults;
    fn time(&mut self) -> &mut i64;
    /// Executes a call.
    fn execute(&mut self, call: &Call) -> Reply;
    /// Somebody else changes something else.
    fn disturb(&mut self);
    /// The publisher has waited.
    fn arrived(&mut self);
}

/// The stub as a publisher's outside.
pub(crate) struct Net<'s>(pub(crate) &'s mut dyn Stub);

impl World for Net<'_> {
    fn send(&mut self, call: &Call) -> Result<Reply, SendError> {
        let stub = &mut *self.0;
        if stub.faults().killed {
            return Err(killed());
        }
        let now = *stub.time();
        let fault = stub.faults().next(call, now);
        match fault {
            None => Ok(stub.execute(call)),
            Some(Fault::Error) => Ok(error(500, "InternalError")),
            Some(Fault::Lost) => Err(SendError::Lost("reset".to_owned())),
            Some(Fault::Unheard) => {
                stub.execute(call);
                Err(SendError::Lost("reset".to_owned()))
            }
            Some(Fault::Throttled) => Ok(error(400, "ThrottlingException")),
            Some(Fault::Other | Fault::Others) => {
                stub.disturb();
                Ok(stub.execute(call))
            }
            Some(Fault::Denied) => Ok(error(403, "AccessDeniedException")),
            Some(Fault::Killed) => {
                stub.faults().killed = true;
                Err(killed())
            }
            Some(Fault::KilledAfter) => {
                stub.execute(call);
                stub.faults().killed = true;
                Err(killed())
            }
        }
    }

    fn pause(&mut self, time: Duration) {
        // A short pause is between attempts, and a long one waits for the edges.
        if !self.0.faults().killed {
            *self.0.time() += i64::try_from(time.as_secs()).unwrap();
            if time >= Duration::from_secs(5) {
                self.0.arrived();
            }
        }
    }

    fn now(&self) -> i64 {
        1_800_000_000
    }

    fn note(&mut self, event: &Event) {
        self.0.faults().notes.push(format!("{event:?}"));
    }
}
