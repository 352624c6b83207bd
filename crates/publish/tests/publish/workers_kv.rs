//! Workers KV: after every fault, running Workers and new ones decide by the old policy or by the new one, wherever the
//! parts of a change have already arrived.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tollgate_publish::workers_kv::{Destination, Package};
use tollgate_publish::{Call, PublishError, Reply, Step, Stopped, cloudflare, run};

use crate::cloud::{FAULTS, Fault, Faults, Net, Stub, reply};

const ACCOUNT: &str = "0000000000000000000000000000acc0";
const NAMESPACE: &str = "0000000000000000000000000000aace";
/// The policy in the Worker itself. It decides where KV has none.
const BUNDLED: &str = "bundled";

type Values = BTreeMap<String, Vec<u8>>;

/// A namespace, what each key may be at an edge, and the policies of Workers that run.
#[derive(Default)]
struct Kv {
    values: Values,
    edges: BTreeMap<String, BTreeSet<Option<Vec<u8>>>>,
    running: BTreeSet<String>,
    faults: Faults,
    now: i64,
    others: u64,
}

/// Longer than a publication can still be on its way to the edges, in seconds.
const LATER_SECS: i64 = 1_000;

fn id(number: u8) -> String {
    format!("{number:032x}")
}

fn package(number: u8) -> Package {
    Package {
        image: format!("image {}", id(number)).into_bytes(),
        policy: id(number),
    }
}

fn destination() -> Destination {
    Destination {
        account: ACCOUNT.to_owned(),
        namespace: NAMESPACE.to_owned(),
        settle_secs: 60,
        keep: 2,
    }
}

impl Kv {
    fn new() -> Self {
        let mut kv = Self {
            now: 1_800_000_000,
            running: BTreeSet::from([BUNDLED.to_owned()]),
            ..Self::default()
        };
        kv.arrived();
        kv
    }

    fn restore(&mut self, values: &Values, running: &str) {
        self.values = values.clone();
        self.running = BTreeSet::from([running.to_owned()]);
        self.edges.clear();
        self.arrived();
    }

    /// What a key may be: for keys that nobody changed, what it is.
    fn may_be(&self, key: &str) -> BTreeSet<Option<Vec<u8>>> {
        let known = self.edges.get(key).cloned();
        known.unwrap_or_else(|| BTreeSet::from([self.values.get(key).cloned()]))
    }

    /// The policies that a Worker may load; `None` if it loads none.
    fn loaded(&self) -> BTreeSet<Option<String>> {
        let mut loaded = BTreeSet::new();
        for pointer in self.may_be("policy") {
            let Some(pointer) = pointer else {
                loaded.insert(None);
                continue;
            };
            let pointer = String::from_utf8(pointer).unwrap();
            for image in self.may_be(&format!("policy/{pointer}")) {
                let is_whole = image == Some(format!("image {pointer}").into_bytes());
                loaded.insert(is_whole.then(|| pointer.clone()));
            }
        }
        loaded
    }

    /// The policies that decide somewhere: in new Workers, and in running ones.
    fn possible(&self) -> BTreeSet<String> {
        let new = self.loaded().into_iter();
        let new = new.map(|policy| policy.unwrap_or_else(|| BUNDLED.to_owned()));
        new.chain(self.running.iter().cloned()).collect()
    }

    fn change(&mut self, key: &str, value: Option<Vec<u8>>) {
        let mut may_be = self.may_be(key);
        may_be.insert(value.clone());
        self.edges.insert(key.to_owned(), may_be);
        match value {
            Some(value) => self.values.insert(key.to_owned(), value),
            None => self.values.remove(key),
        };
        self.running.extend(self.loaded().into_iter().flatten());
    }
}

impl Stub for Kv {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    fn time(&mut self) -> &mut i64 {
        &mut self.now
    }

    fn disturb(&mut self) {
        self.others += 1;
        self.change("theirs", Some(self.others.to_string().into_bytes()));
    }

    fn arrived(&mut self) {
        self.edges.clear();
        if let Some(Some(policy)) = self.loaded().into_iter().next() {
            self.running = BTreeSet::from([policy]);
        }
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let root = format!("/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}");
        let rest = call.path.strip_prefix(&root).expect(&call.path);
        let missing = || {
            let errors = json!([{ "code": 10009, "message": "get: 'key not found'" }]);
            let body = json!({ "success": false, "errors": errors, "result": null });
            reply(404, "", body.to_string())
        };
        let done = |result: Value| {
            let body =
                json!({ "success": true, "errors": [], "result": result, "result_info": null });
            reply(200, "", body.to_string())
        };
        let key = rest.strip_prefix("/values/").map(|key| {
            assert!(!key.contains('/'), "{key}");
            key.replace("%2F", "/")
        });
        assert!(call.headers.iter().all(|(name, _)| *name != "if-match"));
        match (call.method, rest, key) {
            ("GET", "", None) => done(json!({ "id": NAMESPACE })),
            ("GET", "/keys", None) => {
                assert!(call.query.starts_with("prefix=policy%2F"), "{}", call.query);
                let after = call.query.split("cursor=").nth(1).unwrap_or("0");
                let after: usize = after.parse().unwrap();
                let keys = self.values.keys().filter(|key| key.starts_with("policy/"));
                let page: Vec<Value> = keys
                    .clone()
                    .skip(after)
                    .take(1)
                    .map(|key| json!({ "name": key }))
                    .collect();
                let next = match after + 1 < keys.count() {
                    true => (after + 1).to_string(),
                    false => String::new(),
                };
                let body =
                    json!({ "success": true, "result": page, "result_info": { "cursor": next } });
                reply(200, "", body.to_string())
            }
            ("GET", _, Some(key)) => match self.values.get(&key) {
                Some(value) => Reply {
                    status: 200,
                    etag: None,
                    body: value.clone(),
                },
                None => missing(),
            },
            ("PUT", _, Some(key)) => {
                self.change(&key, Some(call.body.clone()));
                done(Value::Null)
            }
            ("DELETE", _, Some(key)) => {
                self.change(&key, None);
                done(Value::Null)
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

fn steps(kv: &mut Kv, number: Option<u8>) -> Result<Vec<Step>, PublishError> {
    let now = kv.now;
    let (to, world) = (destination(), &mut Net(kv));
    let state = to.read(world)?;
    let package = match number {
        Some(number) => package(number),
        None => to.earlier(world, &state, None)?,
    };
    Ok(to.publish(&state, &package, now))
}

/// Publishes a policy, or rolls back.
fn publish(kv: &mut Kv, number: Option<u8>) -> Result<(), Failed> {
    let steps = steps(kv, number).map_err(Failed::Before)?;
    run(&mut Net(kv), &steps).map_err(Failed::In)
}

fn only(kv: &mut Kv) -> String {
    kv.arrived();
    let possible = kv.possible();
    assert_eq!(possible.len(), 1, "{possible:?}");
    possible.into_iter().next().unwrap()
}

/// Every fault at every call of publishing (or of rolling back, without `new`), when `first` was published in this order.
fn faults(first: &[u8], new: Option<u8>, after: &str) {
    let mut kv = Kv::new();
    for number in first {
        publish(&mut kv, Some(*number)).unwrap();
    }
    let before = only(&mut kv);
    let saved = kv.values.clone();
    kv.faults.again(None);
    publish(&mut kv, new).unwrap();
    let calls = kv.faults.call;
    assert_eq!(only(&mut kv), after);
    let again = u8::try_from(u128::from_str_radix(after, 16).unwrap()).unwrap();
    kv.now += LATER_SECS;
    assert_eq!(steps(&mut kv, Some(again)).unwrap(), []);
    let allowed = BTreeSet::from([before.clone(), after.to_owned()]);
    let mut finished = 0;
    for fault in FAULTS {
        for at in 0..calls {
            kv.restore(&saved, &before);
            kv.faults.again(Some((at, fault)));
            let result = publish(&mut kv, new);
            let possible = kv.possible();
            let call = kv.faults.calls.last().unwrap();
            assert!(
                possible.is_subset(&allowed),
                "{fault:?} {at} {call}: {possible:?}"
            );
            match (&result, fault) {
                (Ok(()), _) => {
                    finished += 1;
                    assert_eq!(only(&mut kv), after);
                }
                (
                    Err(_),
                    Fault::Error
                    | Fault::Lost
                    | Fault::Unheard
                    | Fault::Throttled
                    | Fault::Other
                    | Fault::Others,
                ) => panic!("{fault:?} {at} {call}: {result:?}"),
                (Err(Failed::In(stopped)), _) => {
                    let alone = |policy: &str| BTreeSet::from([policy.to_owned()]);
                    match stopped.in_force {
                        text if text.starts_with("the previous policy decides") => {
                            assert_eq!(possible, alone(&before), "{stopped:?}");
                        }
                        text if text.starts_with("the new policy") => {
                            assert_eq!(possible, alone(after), "{stopped:?}");
                        }
                        text if text.starts_with("the previous policy or") => {}
                        text => panic!("{text}"),
                    }
                }
                (Err(Failed::Before(_)), _) => assert_eq!(possible.len(), 1),
            }
            // The second run finishes, also if nothing has arrived since the first.
            kv.faults.again(None);
            publish(&mut kv, Some(again)).unwrap();
            assert_eq!(
                kv.possible(),
                BTreeSet::from([after.to_owned()]),
                "{fault:?} {at}"
            );
            assert_eq!(only(&mut kv), after);
            if first.len() > 1 || new.is_some() && !first.is_empty() {
                publish(&mut kv, None).unwrap();
                assert!(kv.possible().is_subset(&allowed));
                assert_eq!(only(&mut kv), before, "{fault:?} {at}");
            }
        }
    }
    assert!(finished > calls);
}

#[test]
fn every_fault_leaves_the_old_policy_or_the_new_one() {
    faults(&[], Some(1), &id(1));
    faults(&[1], Some(2), &id(2));
    // The third retires the first; the first comes back.
    faults(&[1, 2], Some(3), &id(3));
    faults(&[1, 2, 3], Some(1), &id(1));
    faults(&[1, 2], None, &id(1));
}

/// The policies that are kept can be restored; the images of others are removed, but none that somebody else put there.
#[test]
fn policies_are_kept_and_retired() {
    let mut kv = Kv::new();
    // By `wrangler kv bulk put`.
    for number in [8, 9] {
        let package = package(number);
        kv.values
            .insert(format!("policy/{}", package.policy), package.image);
    }
    kv.values.insert("policy".to_owned(), id(9).into_bytes());
    publish(&mut kv, Some(1)).unwrap();
    let state = destination().read(&mut Net(&mut kv)).unwrap();
    assert_eq!(state.restorable(), [id(9)]);
    publish(&mut kv, None).unwrap();
    assert_eq!(only(&mut kv), id(9));
    for number in [2, 3] {
        publish(&mut kv, Some(number)).unwrap();
    }
    let images: Vec<_> = kv.values.keys().cloned().collect();
    let key = |number| format!("policy/{}", id(number));
    assert_eq!(
        images,
        [
            "policy".to_owned(),
            key(2),
            key(3),
            key(8),
            "tollgate/history".to_owned()
        ]
    );
    let to = destination();
    let state = to.read(&mut Net(&mut kv)).unwrap();
    let mut earlier = |policy: &str| {
        to.earlier(&mut Net(&mut kv), &state, Some(policy))
            .unwrap_err()
    };
    assert_eq!(earlier(&id(1)).code(), "retired");
    assert!(earlier(&id(1)).help().contains(&id(2)));
    assert_eq!(earlier(&id(7)).code(), "unknown_policy");
    let mut kv = Kv::new();
    let error = publish(&mut kv, None).unwrap_err();
    assert!(matches!(error, Failed::Before(PublishError::NoEarlier)));
}

/// What somebody else published meanwhile stays, and its image, too.
#[test]
fn nothing_of_others_is_overwritten() {
    let mut kv = Kv::new();
    publish(&mut kv, Some(1)).unwrap();
    let mine = steps(&mut kv, Some(2)).unwrap();
    publish(&mut kv, Some(3)).unwrap();
    let stopped = run(&mut Net(&mut kv), &mine).unwrap_err();
    assert_eq!(stopped.error.code(), "changed", "{stopped:?}");
    assert_eq!(only(&mut kv), id(3));
    // A policy is published again while a publication is about to remove it.
    let mut kv = Kv::new();
    publish(&mut kv, Some(1)).unwrap();
    publish(&mut kv, Some(2)).unwrap();
    let mine = steps(&mut kv, Some(3)).unwrap();
    let at = mine.iter().position(|step| step.what.starts_with("remove"));
    let (publishing, removing) = mine.split_at(at.unwrap());
    run(&mut Net(&mut kv), publishing).unwrap();
    let to = destination();
    let state = to.read(&mut Net(&mut kv)).unwrap();
    let error = to.earlier(&mut Net(&mut kv), &state, Some(&id(1)));
    assert_eq!(error.unwrap_err().code(), "retired");
    publish(&mut kv, Some(1)).unwrap();
    assert_eq!(only(&mut kv), id(1));
    let stopped = run(&mut Net(&mut kv), removing).unwrap_err();
    assert_eq!(stopped.error.code(), "changed");
    assert_eq!(only(&mut kv), id(1));
}

#[test]
fn a_dry_run_prints_the_calls_of_the_run() {
    let mut kv = Kv::new();
    publish(&mut kv, Some(1)).unwrap();
    publish(&mut kv, Some(2)).unwrap();
    let steps = steps(&mut kv, Some(3)).unwrap();
    let printed: Vec<String> = steps
        .iter()
        .flat_map(|step| step.calls().into_iter().map(Call::line))
        .collect();
    kv.faults.again(None);
    run(&mut Net(&mut kv), &steps).unwrap();
    assert_eq!(kv.faults.calls, printed);
    let start = format!(
        "cloudflare:GetValue GET https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/\
         {NAMESPACE}/values/policy%2F{}",
        id(3)
    );
    assert_eq!(printed[0], start);
}

/// A denial of Cloudflare's API, in its own format.
#[test]
fn errors_of_the_api_are_understood() {
    let body = json!({
        "success": false,
        "errors": [{ "code": 10000, "message": "Authentication error" }],
    });
    let denied = reply(403, "", body.to_string());
    let expected = ("10000".to_owned(), "Authentication error".to_owned());
    assert_eq!(denied.error(), expected);
    let mut kv = Kv::new();
    kv.faults.again(Some((0, Fault::Denied)));
    let error = destination().read(&mut Net(&mut kv)).unwrap_err();
    assert_eq!(error.code(), "denied");
    assert!(error.help().contains("CLOUDFLARE_API_TOKEN"));
}

#[test]
fn the_token_is_sent_in_a_header_to_a_safe_place_only() {
    let token = cloudflare::token(Some(" token-1\n")).unwrap();
    assert_eq!(token, "token-1");
    for bad in [
        None,
        Some(""),
        Some(" "),
        Some("a b"),
        Some("a\nb"),
        Some("é"),
    ] {
        let error = cloudflare::token(bad).unwrap_err();
        assert_eq!(error.code(), "credentials");
        assert!(!error.to_string().contains("a b"));
    }
    for (given, expected) in [
        (None, "https://api.cloudflare.com/client/v4"),
        (Some(""), "https://api.cloudflare.com/client/v4"),
        (Some("https://proxy.example/x/"), "https://proxy.example/x"),
        (Some("http://127.0.0.1:8080"), "http://127.0.0.1:8080"),
        (Some("http://[::1]:8080/v4/"), "http://[::1]:8080/v4"),
    ] {
        assert_eq!(cloudflare::base(given).unwrap(), expected, "{given:?}");
    }
    for bad in [
        "http://api.example",
        "http://127.0.0.1.example",
        "http://localhost@api.example",
        "ftp://127.0.0.1",
        "api.cloudflare.com",
        "https://a/b?c",
        "https://",
    ] {
        assert_eq!(
            cloudflare::base(Some(bad)).unwrap_err().code(),
            "setting",
            "{bad}"
        );
    }
    let call = steps(&mut Kv::new(), Some(1)).unwrap();
    let call = call[0].calls()[0];
    let request = cloudflare::request(call, "https://a", "token-1");
    let bearer = ("authorization".to_owned(), "Bearer token-1".to_owned());
    assert!(request.headers.contains(&bearer));
    assert!(!call.line().contains("token-1") && !call.json().to_string().contains("token-1"));
    assert!(!request.url.contains("token-1") && request.url.starts_with("https://a/accounts/"));
}
