//! Workers with the policy inside: after every fault, the old version or the new one gets each request.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollgate_publish::workers::{Destination, Module, Package};
use tollgate_publish::{Call, PublishError, Reply, Step, Stopped, run};

use crate::cloud::{FAULTS, Fault, Faults, Net, Stub, reply};

const ACCOUNT: &str = "0000000000000000000000000000acc0";

#[derive(Clone, Debug)]
struct Version {
    message: Option<String>,
    policy: String,
    bindings: Vec<String>,
    date: String,
}

type Shares = Vec<(String, u8)>;

/// What can be restored between tests: versions and deployments, the earliest first.
#[derive(Clone, Default)]
struct Data {
    versions: Vec<Version>,
    deployments: Vec<Shares>,
}

#[derive(Default)]
struct Account {
    data: Data,
    lives: Vec<Shares>,
    faults: Faults,
    now: i64,
    script: String,
    others: usize,
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn policy(name: char) -> String {
    name.to_string().repeat(32)
}

fn package(name: char) -> Package {
    let module = |name: &str, bytes: &[u8]| Module {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    };
    Package {
        modules: vec![
            module("index.js", b"import image from './policy.image';"),
            module("gate.wasm", b"\0asm\r\n--tollgate\xff{version}"),
            module("policy.image", policy(name).as_bytes()),
        ],
        policy: policy(name),
    }
}

fn destination(percent: u8) -> Destination {
    Destination {
        account: ACCOUNT.to_owned(),
        worker: "gate".to_owned(),
        percent,
    }
}

impl Account {
    /// A Worker that was deployed by wrangler.
    fn new() -> Self {
        let mut account = Self {
            now: 1_800_000_000,
            script: "gate".to_owned(),
            ..Self::default()
        };
        account.data.versions.push(Version {
            message: None,
            policy: "wrangler".to_owned(),
            bindings: ["LOG", "SECRET"].map(str::to_owned).to_vec(),
            date: "2026-04-01".to_owned(),
        });
        account.data.deployments.push(vec![(id(1), 100)]);
        account.arrived();
        account
    }

    fn restore(&mut self, data: &Data) {
        self.data = data.clone();
        self.arrived();
    }

    fn version(&self, id: &str) -> &Version {
        let number: usize = id.rsplit('-').next().unwrap().parse().unwrap();
        &self.data.versions[number - 1]
    }

    fn possible(&self) -> BTreeSet<String> {
        let ids = self.lives.iter().flatten().filter(|(_, share)| *share > 0);
        ids.map(|(id, _)| self.version(id).policy.clone()).collect()
    }

    fn upload(&mut self, call: &Call) -> Reply {
        let headers: Vec<_> = call.headers.iter().collect();
        let [("content-type", kind)] = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect::<Vec<_>>()[..]
        else {
            panic!("{headers:?}");
        };
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert!(boundary.len() <= 70 && call.query == "bindings_inherit=strict");
        let parts = parts(&call.body, boundary);
        let kinds: Vec<_> = parts.iter().map(|(head, _)| head.as_str()).collect();
        let named = |name: &str, kind: &str| {
            format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {kind}"
            )
        };
        assert_eq!(
            kinds,
            [
                "Content-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json"
                    .to_owned(),
                named("index.js", "application/javascript+module"),
                named("gate.wasm", "application/wasm"),
                named("policy.image", "application/octet-stream"),
            ]
        );
        assert_eq!(parts[2].1, b"\0asm\r\n--tollgate\xff{version}");
        let metadata: Value = serde_json::from_slice(&parts[0].1).unwrap();
        assert_eq!(metadata["main_module"], "index.js");
        let bindings = metadata["bindings"].as_array().unwrap().iter();
        let bindings = bindings.map(|binding| {
            let name = binding["name"].as_str().unwrap().to_owned();
            let from = binding["version_id"].as_str().unwrap();
            assert_eq!(binding["type"], "inherit");
            assert!(self.version(from).bindings.contains(&name));
            name
        });
        let version = Version {
            bindings: bindings.collect(),
            message: metadata["annotations"]["workers/message"]
                .as_str()
                .map(str::to_owned),
            policy: String::from_utf8(parts[3].1.clone()).unwrap(),
            date: metadata["compatibility_date"].as_str().unwrap().to_owned(),
        };
        assert!(version.message.as_ref().unwrap().len() <= 100);
        self.data.versions.push(version);
        done(json!({ "id": id(self.data.versions.len()) }))
    }
}

/// The parts of a form: heads and contents.
fn parts(body: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
    let find = |bytes: &[u8], text: &str| {
        bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .unwrap()
    };
    let mut parts = Vec::new();
    let start = format!("--{boundary}\r\n");
    let mut rest = body.strip_prefix(start.as_bytes()).unwrap();
    loop {
        let end = find(rest, &format!("\r\n--{boundary}"));
        let part = &rest[..end];
        let head = find(part, "\r\n\r\n");
        let text = String::from_utf8(part[..head].to_vec()).unwrap();
        parts.push((text, part[head + 4..].to_vec()));
        rest = &rest[end + boundary.len() + 4..];
        if rest == b"--\r\n" {
            return parts;
        }
        rest = rest.strip_prefix(b"\r\n").unwrap();
    }
}

fn done(result: Value) -> Reply {
    let body = json!({ "success": true, "errors": [], "result": result });
    reply(200, "", body.to_string())
}

impl Stub for Account {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    fn time(&mut self) -> &mut i64 {
        &mut self.now
    }

    /// Somebody else does something with another Worker.
    fn disturb(&mut self) {
        self.others += 1;
    }

    fn arrived(&mut self) {
        self.lives = self.data.deployments.last().cloned().into_iter().collect();
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let root = format!("/accounts/{ACCOUNT}/workers/scripts/{}", self.script);
        let Some(rest) = call.path.strip_prefix(&root) else {
            let errors = json!([{ "code": 10007, "message": "This Worker does not exist on your account." }]);
            return reply(
                404,
                "",
                json!({ "success": false, "errors": errors }).to_string(),
            );
        };
        let annotated = |message: &Option<String>| match message {
            Some(message) => json!({ "workers/message": message }),
            None => json!({ "workers/triggered_by": "upload" }),
        };
        match (call.method, rest) {
            ("GET", "/deployments") => {
                let deployments = self.data.deployments.iter().enumerate().rev();
                let listed: Vec<Value> = deployments
                    .map(|(at, shares)| {
                        let versions: Vec<Value> = shares
                            .iter()
                            .rev()
                            .map(|(id, percent)| json!({ "version_id": id, "percentage": f64::from(*percent) }))
                            .collect();
                        json!({ "id": format!("D{at}"), "strategy": "percentage", "versions": versions })
                    })
                    .collect();
                done(json!({ "deployments": listed }))
            }
            ("GET", "/versions") => {
                assert_eq!(call.query, "deployable=true");
                let versions = self.data.versions.iter().enumerate().rev();
                let listed: Vec<Value> = versions
                    .map(|(at, version)| {
                        json!({
                            "id": id(at + 1),
                            "number": at + 1,
                            "metadata": { "created_on": "2027-01-15T08:00:00.000Z" },
                            "annotations": annotated(&version.message),
                        })
                    })
                    .collect();
                done(json!({ "items": listed }))
            }
            ("GET", rest) => {
                let id = rest.strip_prefix("/versions/").unwrap();
                let version = self.version(id);
                let bindings = version.bindings.iter();
                let bindings: Vec<Value> = bindings
                    .map(|name| json!({ "name": name, "type": "secret_text" }))
                    .collect();
                done(json!({ "id": id, "resources": {
                    "bindings": bindings,
                    "script": { "handlers": ["fetch"] },
                    "script_runtime": { "compatibility_date": version.date, "usage_model": "standard" },
                } }))
            }
            ("POST", "/versions") => self.upload(call),
            ("POST", "/deployments") => {
                let body: Value = serde_json::from_slice(&call.body).unwrap();
                assert_eq!(body["strategy"], "percentage");
                let shares: Shares = body["versions"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|share| {
                        let id = share["version_id"].as_str().unwrap().to_owned();
                        let percent = share["percentage"].as_u64().unwrap();
                        (id, u8::try_from(percent).unwrap())
                    })
                    .collect();
                assert_eq!(
                    shares
                        .iter()
                        .map(|(_, share)| u32::from(*share))
                        .sum::<u32>(),
                    100
                );
                for (id, _) in &shares {
                    self.version(id);
                }
                self.lives.push(shares.clone());
                self.data.deployments.push(shares);
                done(json!({ "id": "D" }))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug)]
enum Failed {
    Before(PublishError),
    In(Box<Stopped>),
}

fn steps(
    account: &mut Account,
    name: Option<char>,
    percent: u8,
) -> Result<Vec<Step>, PublishError> {
    let to = destination(percent);
    let state = to.read(&mut Net(account))?;
    match name {
        Some(name) => to.publish(&state, &package(name)),
        None => Ok(to.roll_back(&state, to.earlier(&state, None)?)),
    }
}

fn publish(account: &mut Account, name: Option<char>, percent: u8) -> Result<(), Failed> {
    let steps = steps(account, name, percent).map_err(Failed::Before)?;
    run(&mut Net(account), &steps).map_err(Failed::In)
}

fn only(account: &mut Account) -> String {
    account.arrived();
    let possible = account.possible();
    assert_eq!(possible.len(), 1, "{possible:?}");
    possible.into_iter().next().unwrap()
}

#[test]
fn every_fault_leaves_the_old_policy_or_the_new_one() {
    for percent in [100, 10] {
        let mut account = Account::new();
        publish(&mut account, Some('a'), 100).unwrap();
        assert_eq!(only(&mut account), policy('a'));
        let saved = account.data.clone();
        account.faults.again(None);
        publish(&mut account, Some('b'), percent).unwrap();
        let calls = account.faults.call;
        let shares = account.data.deployments.last().cloned();
        assert_eq!(steps(&mut account, Some('b'), percent).unwrap(), []);
        let allowed = BTreeSet::from([policy('a'), policy('b')]);
        for fault in FAULTS {
            for at in 0..calls {
                account.restore(&saved);
                account.faults.again(Some((at, fault)));
                let result = publish(&mut account, Some('b'), percent);
                let possible = account.possible();
                let call = account.faults.calls.last().unwrap();
                assert!(possible.is_subset(&allowed), "{fault:?} {at} {call}");
                match (&result, fault) {
                    (Ok(()), _) => {}
                    (
                        Err(Failed::In(stopped)),
                        Fault::Denied | Fault::Killed | Fault::KilledAfter,
                    ) => {
                        if stopped.in_force.starts_with("the previous policy decides") {
                            assert_eq!(possible, BTreeSet::from([policy('a')]), "{stopped:?}");
                        }
                    }
                    (
                        Err(Failed::Before(error)),
                        Fault::Denied | Fault::Killed | Fault::KilledAfter,
                    ) => assert!(["denied", "network"].contains(&error.code())),
                    (Err(_), _) => panic!("{fault:?} {at} {call}: {result:?}"),
                }
                account.faults.again(None);
                publish(&mut account, Some('b'), percent).unwrap();
                assert!(account.possible().is_subset(&allowed));
                assert_eq!(
                    account.data.deployments.last().cloned(),
                    shares,
                    "{fault:?} {at}"
                );
                // Nothing was uploaded twice.
                assert_eq!(account.data.versions.len(), 3, "{fault:?} {at}");
                publish(&mut account, None, 100).unwrap();
                assert!(account.possible().is_subset(&allowed));
                assert_eq!(only(&mut account), policy('a'), "{fault:?} {at}");
            }
        }
    }
}

/// Ending a split in either direction survives every fault, too.
#[test]
fn requests_are_split() {
    let mut account = Account::new();
    for (percent, expected) in [(10, [90, 10]), (50, [50, 50])] {
        publish(&mut account, Some('a'), percent).unwrap();
        let [one, two] = expected;
        let live = account.data.deployments.last().unwrap();
        assert_eq!(*live, [(id(1), one), (id(2), two)]);
    }
    assert_eq!(account.data.versions.len(), 2);
    // A third version has to wait, but a whole publication ends the split.
    let error = steps(&mut account, Some('b'), 10).unwrap_err();
    assert_eq!(error.code(), "unsupported");
    assert!(steps(&mut account, Some('b'), 100).is_ok());
    let split = account.data.clone();
    for (name, expected) in [(Some('a'), policy('a')), (None, "wrangler".to_owned())] {
        for fault in FAULTS {
            for at in 0..8 {
                account.restore(&split);
                account.faults.again(Some((at, fault)));
                let _ = publish(&mut account, name, 100);
                account.faults.again(None);
                let ended = account.data.deployments.last().unwrap().len() == 1;
                if name.is_some() || !ended {
                    publish(&mut account, name, 100).unwrap();
                }
                assert_eq!(only(&mut account), expected, "{fault:?} {at}");
            }
        }
    }
}

#[test]
fn versions_are_restored() {
    let mut account = Account::new();
    for name in ['a', 'b', 'c'] {
        publish(&mut account, Some(name), 100).unwrap();
    }
    for expected in [policy('b'), policy('a'), "wrangler".to_owned()] {
        publish(&mut account, None, 100).unwrap();
        assert_eq!(only(&mut account), expected);
    }
    let error = steps(&mut account, None, 100).unwrap_err();
    assert_eq!(error.code(), "no_earlier");
    let to = destination(100);
    let state = to.read(&mut Net(&mut account)).unwrap();
    assert_eq!(state.restorable(), [policy('c'), policy('b'), policy('a')]);
    let version = to.earlier(&state, Some(&policy('b'))).unwrap();
    let steps = to.roll_back(&state, version);
    run(&mut Net(&mut account), &steps).unwrap();
    assert_eq!(only(&mut account), policy('b'));
    let error = to.earlier(&state, Some("ffff")).unwrap_err();
    assert_eq!(error.code(), "unknown_policy");
    let state = to.read(&mut Net(&mut account)).unwrap();
    let status = to.status(&state, &policy('b'));
    assert_eq!(
        (&status["current"], &status["live"][0]["policy"]),
        (&json!(true), &json!(policy('b')))
    );
    assert_eq!(to.status(&state, &policy('a'))["current"], false);
    // An old version with the same policy is not reused: it may have other bindings.
    account.data.versions[2].bindings.push("NEW".to_owned());
    publish(&mut account, Some('a'), 100).unwrap();
    let last = account.data.versions.last().unwrap();
    assert_eq!((account.data.versions.len(), last.bindings.len()), (5, 3));
}

/// What somebody else uploaded or deployed meanwhile stays.
#[test]
fn nothing_of_others_is_overwritten() {
    for is_deployed in [false, true] {
        let mut account = Account::new();
        publish(&mut account, Some('a'), 100).unwrap();
        let mine = steps(&mut account, Some('b'), 100).unwrap();
        if is_deployed {
            publish(&mut account, Some('c'), 100).unwrap();
        } else {
            let version = account.data.versions[0].clone();
            account.data.versions.push(version);
        }
        let expected = only(&mut account);
        let stopped = run(&mut Net(&mut account), &mine).unwrap_err();
        assert_eq!(stopped.error.code(), "changed", "{stopped:?}");
        assert_eq!(only(&mut account), expected);
    }
}

#[test]
fn a_dry_run_prints_the_calls_of_the_run() {
    let mut account = Account::new();
    let steps = steps(&mut account, Some('a'), 10).unwrap();
    let printed: Vec<&Call> = steps.iter().flat_map(Step::calls).collect();
    account.faults.again(None);
    run(&mut Net(&mut account), &steps).unwrap();
    let sent = &account.faults.calls;
    assert_eq!(sent.len(), printed.len());
    for (sent, printed) in sent.iter().zip(printed) {
        // The ID of the new version is not known before it is uploaded.
        let without_body = |line: &str| line.split(" body: ").next().unwrap_or_default().to_owned();
        match printed.name {
            "CreateDeployment" => assert_eq!(without_body(sent), without_body(&printed.line())),
            _ => assert_eq!(*sent, printed.line()),
        }
    }
    account.script = "other".to_owned();
    let error = destination(100).read(&mut Net(&mut account)).unwrap_err();
    assert_eq!(error.code(), "missing");
    assert!(error.help().contains("wrangler deploy"));
}
