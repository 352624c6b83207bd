//! The calls of CloudFront and its KeyValueStores, and the behaviours of a distribution.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use crate::call::{Call, Service, part};
use crate::error::PublishError;
use crate::step::read_call;
use crate::world::World;
use crate::xml::{LocalName, is_document};

const API: &str = "/2020-05-31";

/// The version of a function that CloudFront runs, or the one that is being prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Runs for users.
    Live,
    /// Runs for tests.
    Development,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Development => "DEVELOPMENT",
        }
    }
}

fn function(name: &str, rest: &str) -> String {
    format!("{API}/function/{}{rest}", part(name))
}

/// Reads the configuration and the ETag of a function.
pub fn describe_function(name: &str, stage: Stage) -> Call {
    let path = function(name, "/describe");
    Call::new(Service::CloudFront, "DescribeFunction", "GET", path)
        .with_query("Stage", stage.name())
}

/// Reads the source of a function.
pub fn get_function(name: &str, stage: Stage) -> Call {
    let path = function(name, "");
    Call::new(Service::CloudFront, "GetFunction", "GET", path).with_query("Stage", stage.name())
}

/// Replaces the source in development. The configuration is given as it was read.
pub fn update_function(name: &str, config: &str, source: &str) -> Call {
    let code = Base64::encode_string(source.as_bytes());
    let body = format!(
        "<UpdateFunctionRequest xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <FunctionConfig>{config}</FunctionConfig><FunctionCode>{code}</FunctionCode></UpdateFunctionRequest>"
    );
    let path = function(name, "");
    Call::new(Service::CloudFront, "UpdateFunction", "PUT", path)
        .with_body("application/xml", body.into_bytes())
}

/// Runs the source in development with a request for the front page.
pub fn test_function(name: &str) -> Call {
    const EVENT: &str = r#"{"version":"1.0","context":{"eventType":"viewer-request","distributionDomainName":"d.cloudfront.net","distributionId":"E","requestId":"test"},"viewer":{"ip":"192.0.2.1"},"request":{"method":"GET","uri":"/","querystring":{},"headers":{},"cookies":{}}}"#;
    let event = Base64::encode_string(EVENT.as_bytes());
    let body = format!(
        "<TestFunctionRequest xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <EventObject>{event}</EventObject><Stage>DEVELOPMENT</Stage></TestFunctionRequest>"
    );
    let path = function(name, "/test");
    Call::new(Service::CloudFront, "TestFunction", "POST", path)
        .with_body("application/xml", body.into_bytes())
}

/// Puts the source in development into force.
pub fn publish_function(name: &str) -> Call {
    let path = function(name, "/publish");
    Call::new(Service::CloudFront, "PublishFunction", "POST", path)
}

/// Reads the configuration of a distribution.
pub fn get_distribution_config(id: &str) -> Call {
    let path = format!("{API}/distribution/{}/config", part(id));
    Call::new(Service::CloudFront, "GetDistributionConfig", "GET", path)
}

/// Replaces the configuration of a distribution.
pub fn update_distribution(id: &str) -> Call {
    let path = format!("{API}/distribution/{}/config", part(id));
    Call::new(Service::CloudFront, "UpdateDistribution", "PUT", path)
        .with_header("content-type", "application/xml")
}

/// Reads the state of a distribution.
pub fn get_distribution(id: &str) -> Call {
    let path = format!("{API}/distribution/{}", part(id));
    Call::new(Service::CloudFront, "GetDistribution", "GET", path)
}

/// A KeyValueStore by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The ARN.
    pub arn: String,
    account: String,
}

impl Store {
    /// The store of an ARN, if it is one.
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let known = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let account = parts.next()?;
        let resource = parts.next()?;
        let is_store = known.first() == Some(&"arn")
            && known.get(2) == Some(&"cloudfront")
            && resource.starts_with("key-value-store/")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit());
        is_store.then(|| Self {
            arn: arn.to_owned(),
            account: account.to_owned(),
        })
    }

    fn call(&self, name: &'static str, method: &'static str, rest: &str) -> Call {
        let service = Service::KeyValueStore {
            account: self.account.clone(),
        };
        let path = format!("/key-value-stores/{}{rest}", part(&self.arn));
        Call::new(service, name, method, path)
    }

    /// Reads the ETag.
    pub fn describe(&self) -> Call {
        self.call("DescribeKeyValueStore", "GET", "")
    }

    /// Reads a page of the entries.
    pub fn list(&self, token: Option<&str>) -> Call {
        let call = self
            .call("ListKeys", "GET", "/keys")
            .with_query("MaxResults", "50");
        match token {
            Some(token) => call.with_query("NextToken", token),
            None => call,
        }
    }

    /// Reads one entry.
    pub fn get(&self, key: &str) -> Call {
        self.call("GetKey", "GET", &format!("/keys/{}", part(key)))
    }

    /// Changes entries, all or none.
    pub fn update(&self, body: &Value) -> Call {
        self.call("UpdateKeys", "POST", "/keys")
            .with_body("application/json", body.to_string().into_bytes())
    }
}

/// A cache behaviour, and what runs before its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The path pattern; `*` for the default behaviour.
    pub pattern: String,
    /// The ARN of the function for viewer requests.
    pub viewer_request: Option<String>,
}

/// Reads the configuration of a distribution.
///
/// # Errors
/// Returns an error if the call fails, the distribution does not exist, or the response is no configuration: without one,
/// behaviours without a gate would not be seen.
pub(crate) fn read_config(world: &mut dyn World, id: &str) -> Result<String, PublishError> {
    let call = get_distribution_config(id);
    let reply = read_call(world, &call)?;
    if reply.status == 404 {
        return Err(PublishError::Missing {
            what: format!("the distribution `{id}`"),
            help: "`aws cloudfront list-distributions` lists their IDs".to_owned(),
        });
    }
    let text = reply.text();
    match is_document(&text, "DistributionConfig") {
        true => Ok(text),
        false => Err(PublishError::Unexpected {
            action: call.action(),
            problem: "is no configuration of a distribution".to_owned(),
        }),
    }
}

/// All behaviours of a distribution's configuration, the default one last.
pub fn behaviours(config: &str) -> Vec<Behaviour> {
    let Ok(document) = roxmltree::Document::parse(config) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in ["CacheBehavior", "DefaultCacheBehavior"] {
        let nodes = document.descendants();
        for node in nodes.filter(|node| node.has_tag_name_of(name)) {
            let pattern = node
                .children()
                .find(|child| child.has_tag_name_of("PathPattern"))
                .and_then(|child| child.text());
            let mut viewer_request = None;
            for association in node.descendants() {
                let arn = match association.tag_name().name() {
                    "FunctionAssociation" => "FunctionARN",
                    "LambdaFunctionAssociation" => "LambdaFunctionARN",
                    _ => continue,
                };
                let text = |name: &str| {
                    let mut children = association.children();
                    let child = children.find(|child| child.has_tag_name_of(name));
                    child.and_then(|child| child.text()).map(str::trim)
                };
                if text("EventType") == Some("viewer-request") {
                    viewer_request = text(arn).map(str::to_owned);
                }
            }
            found.push(Behaviour {
                pattern: pattern.unwrap_or("*").to_owned(),
                viewer_request,
            });
        }
    }
    found
}
