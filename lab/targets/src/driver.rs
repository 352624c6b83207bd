//! The interface between targets and the programs of the lab: a driver, and the running target that it
//! starts.
//!
//! Conformance, differential tests, theorems, benchmarks and fault injection refer to targets by name only
//! where they must. Not here: the drivers, which are listed in `drivers`.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;
use tollgate_gate::Request;
use tollgate_testkit::Answer;

use crate::javascript::resign::Exchanged;
use crate::live::store::Store;
use crate::places::Places;
use crate::policy::Policy;

/// A target: how it is started, and what programs need to know about it. Most methods have a default, which
/// is correct for a target that only decides.
pub trait Driver: Sync {
    /// Its name, as in `--target`.
    fn name(&self) -> &'static str;

    /// Returns why this machine cannot run it, if it cannot.
    fn missing(&self, places: &Places) -> Option<String>;

    /// Starts it with a policy for plain decisions: everything that it reports about one is compared.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start, or rejects the policy.
    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>>;

    /// Whether it runs the WebAssembly modules or finished parts of edges, which must be built first.
    fn is_built(&self) -> bool {
        false
    }

    /// Third-party programs that it needs, as `cargo xtask` installs them.
    fn tools(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it starts so quickly that a few requests justify a new policy.
    fn starts_at_once(&self) -> bool {
        false
    }

    /// Whether its code is generated from the policy, which is then subject to its own limits.
    fn is_script(&self) -> bool {
        false
    }

    /// Whether its platform rewrites paths before they are read, so that it may report a different fault.
    fn rewrites_paths(&self) -> bool {
        false
    }

    /// Whether it is a proxy with the gate beside it: policies and requests that it cannot pass on are not
    /// failures, and its speed says nothing about the gate.
    fn is_proxy(&self) -> bool {
        false
    }

    /// The amount of testing by `cargo xtask drt`.
    fn share(&self) -> Share {
        Share::Seconds
    }

    /// The faults that can be injected; `None` if the driver does not support that.
    fn faults(&self) -> Option<Faults> {
        None
    }

    /// Starts it as it runs in production: it fetches keys, and faults can be injected.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start, or does not support that.
    fn live(&self, _: &Places, _: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        bail!("`{}` is not driven under faults", self.name())
    }

    /// A command that starts the program with the image in a file, if the target is a program. With trust
    /// keys in a file, it accepts only signed images that are not older than a version.
    fn program(&self, _: &Places, _image: &Path, _trust: Option<(&Path, u64)>) -> Option<Command> {
        None
    }
}

/// A running target, which reports an `A` about each request.
pub trait Ask<A = Answer> {
    /// Decides one request; in production, it may wait for keys.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no result, which is a failure of the target.
    fn ask(&mut self, request: &Request<'_>) -> Result<A>;

    /// Returns why the target cannot express this request, if it cannot.
    fn cannot(&self, _: &Request<'_>) -> Option<String> {
        None
    }

    /// Decides a request, unless the target cannot express it.
    ///
    /// # Errors
    ///
    /// As [`Ask::ask`].
    fn ask_if_able(&mut self, request: &Request<'_>) -> Result<Option<A>> {
        if self.cannot(request).is_some() {
            return Ok(None);
        }
        match self.ask(request) {
            Err(error) if NoAnswer::of(&error).is_some_and(NoAnswer::is_skip) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The treatment of the tokens in requests, if the target receives others than the cases have.
    fn exchanged(&self) -> Option<Exchanged> {
        None
    }

    /// Injects this fault into the next request.
    ///
    /// # Errors
    ///
    /// Returns an error if the fault cannot be injected.
    fn break_next(&mut self, _: InjectedFault) -> Result<()> {
        bail!("no fault can be injected here")
    }

    /// Offers another policy image while it runs, if the target gets its policy that way. A rejected image is
    /// an inner error.
    fn offer(&mut self, _image: &[u8]) -> Option<Result<()>> {
        None
    }
}

/// The reason why a target that still works has no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// A program in front of the gate refused the request, as it may, so that the gate was never asked.
    Skip(String),
    /// The target did something that no target may do, whatever the request.
    Wrong(String),
}

impl NoAnswer {
    /// The reason in an error, if it is one.
    pub fn of(error: &anyhow::Error) -> Option<&Self> {
        error.downcast_ref()
    }

    /// Whether this is not a failure.
    pub const fn is_skip(&self) -> bool {
        matches!(self, Self::Skip(_))
    }
}

impl core::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (Self::Skip(text) | Self::Wrong(text)) = self;
        f.write_str(text)
    }
}

impl core::error::Error for NoAnswer {}

/// The result of a request to a target in production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Whether the request was forwarded to the origin, or to its substitute.
    pub allows: bool,
    /// The status of the response; 200 for a forwarded request.
    pub status: u16,
    /// The reason, as in the log record, or another description if there is no record.
    pub why: String,
    /// The response of the gate itself, where the driver reports one.
    pub response: Option<Sent>,
}

/// A response of the gate itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The lines of its head, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// A fault that can be injected into the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// A panic, trap or exception.
    Panic,
    /// Exhausted memory of a module.
    Memory,
}

/// The initial state of a target in production.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// A store from which it reads later policies.
    pub store: Option<&'a Store>,
    /// A signed image in place of the policy's: from then on only signed ones are accepted.
    pub signed: Option<Signed<'a>>,
    /// An image that replaced the policy's in the finished package.
    pub image: Option<&'a [u8]>,
    /// The changes made to the store with the policy's data.
    pub spoil: Option<fn(Value) -> Value>,
}

impl<'a> Setup<'a> {
    /// A policy, and nothing else.
    pub const fn new(policy: &'a Policy) -> Self {
        Setup {
            policy,
            store: None,
            signed: None,
            image: None,
            spoil: None,
        }
    }
}

/// A signed image, and the trust keys that can verify it.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The trust keys, as text.
    pub trust: &'a str,
    /// The image in its envelope.
    pub image: &'a [u8],
}

/// The amount of testing by `cargo xtask drt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// This many pairs per minute, for a WebAssembly engine.
    Pairs,
    /// This many seconds per minute.
    Seconds,
    /// None: the target is the reference, or its pairs are counted elsewhere.
    Elsewhere,
}

/// The faults that can be injected into a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// How it gets its policy.
    pub policy: Delivery,
    /// The effect of exhausted memory.
    pub memory: Memory,
    /// Whether it signs users in, so that faults of their provider concern it.
    pub signs_in: bool,
}

/// How a target gets its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// An image that the program reads when it starts.
    AtStart,
    /// An image in the package that is deployed.
    InPackage,
    /// Images that its host offers while it runs.
    Offered,
    /// Images from a store.
    FromStore,
    /// Generated code.
    Code,
    /// Generated code, with data in a store.
    CodeAndStore,
}

impl Delivery {
    /// Whether the policy is code that contains its keys.
    pub const fn is_code(self) -> bool {
        matches!(self, Delivery::Code | Delivery::CodeAndStore)
    }
}

/// The effect of exhausted memory on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A module traps, and its host continues.
    Module,
    /// The process ends.
    Process,
    /// The platform ends the script.
    Script,
}

/// A filler that makes a request larger than the remaining memory of a module.
pub(crate) const FILLER_BYTES: usize = 8 * 1_024 * 1_024;

/// Returns why a build artifact cannot be used, if it does not exist.
pub(crate) fn not_built(artifact: &Path) -> Option<String> {
    (!artifact.exists()).then(|| {
        format!(
            "{} is not built: run `cargo xtask build`",
            artifact.display()
        )
    })
}

/// Returns why a third-party program cannot be used, if it does not exist.
pub(crate) fn not_there(program: &Path) -> Option<String> {
    (!program.exists()).then(|| format!("{} does not exist", program.display()))
}
