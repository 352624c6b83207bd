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

/// A target: how it is started, and what programs need to know about it. Most of it has a default, which is right
/// for a target that is only asked.
pub trait Driver: Sync {
    /// Its name, as in `--target`.
    fn name(&self) -> &'static str;

    /// Why this machine cannot run it, if it cannot.
    fn missing(&self, places: &Places) -> Option<String>;

    /// Starts it with a policy, to be asked for decisions as they are: all that it says of one is compared.
    ///
    /// # Errors
    ///
    /// If it does not start, or refuses the policy.
    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>>;

    /// Whether it runs the WebAssembly modules or finished parts of edges, which must be built before.
    fn is_built(&self) -> bool {
        false
    }

    /// Programs of others that it needs, as `cargo xtask` installs them.
    fn tools(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it starts in no time, so that few requests are worth a new policy.
    fn starts_at_once(&self) -> bool {
        false
    }

    /// Whether its code is generated from the policy, which has limits of its own then.
    fn is_script(&self) -> bool {
        false
    }

    /// Whether its platform writes paths anew before they are read, so that it may find another fault in one.
    fn rewrites_paths(&self) -> bool {
        false
    }

    /// How much `cargo xtask drt` asks it.
    fn share(&self) -> Share {
        Share::Seconds
    }

    /// What can be made to go wrong in it; nothing where the driver cannot start it for that.
    fn faults(&self) -> Option<Faults> {
        None
    }

    /// Starts it as it runs in production: it fetches keys, and can be broken.
    ///
    /// # Errors
    ///
    /// If it does not start, or not like that.
    fn live(&self, _: &Places, _: &Setup<'_>) -> Result<Box<dyn Ask<Told>>> {
        bail!("`{}` is not driven under faults", self.name())
    }

    /// A command that starts the program with the image in a file, where the target is a program. With trust keys in
    /// a file, it takes only signed images that are not older than a version.
    fn program(&self, _: &Places, _image: &Path, _trust: Option<(&Path, u64)>) -> Option<Command> {
        None
    }
}

/// A running target, which reports an `A` about each request.
pub trait Ask<A = Answer> {
    /// Answers one request; in production, it may wait for keys.
    ///
    /// # Errors
    ///
    /// If there is no answer, which is a failure of the target.
    fn ask(&mut self, request: &Request<'_>) -> Result<A>;

    /// Why the target cannot be asked this, if it cannot.
    fn cannot(&self, _: &Request<'_>) -> Option<String> {
        None
    }

    /// Asks, unless the target cannot be asked this.
    ///
    /// # Errors
    ///
    /// As [`Ask::ask`].
    fn ask_if_able(&mut self, request: &Request<'_>) -> Result<Option<A>> {
        match self.cannot(request) {
            Some(_) => Ok(None),
            None => self.ask(request).map(Some),
        }
    }

    /// What became of the tokens that it was asked with, if it gets others than the cases have.
    fn exchanged(&self) -> Option<Exchanged> {
        None
    }

    /// Makes this happen with the next request.
    ///
    /// # Errors
    ///
    /// If it cannot happen here.
    fn break_next(&mut self, _: Break) -> Result<()> {
        bail!("nothing can be broken here")
    }

    /// Offers another policy image while it runs, where that is how the target gets one. An image that is
    /// refused is an error inside.
    fn offer(&mut self, _image: &[u8]) -> Option<Result<()>> {
        None
    }
}

/// What a target in production did with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whether the request went on to the origin, or what stands for it.
    pub allows: bool,
    /// The status of the answer; 200 for a request that went on.
    pub status: u16,
    /// Why, in the words of the log record; what was said in its place where there was none.
    pub why: String,
}

/// What can be made to happen inside a target with the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Something panics, traps or throws.
    Panic,
    /// There is no more memory for a module.
    Memory,
}

/// What a target in production starts with.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// A store from which it reads later policies.
    pub store: Option<&'a Store>,
    /// A signed image in place of the policy's: from now on only signed ones are taken.
    pub signed: Option<Signed<'a>>,
    /// An image that replaced the policy's in the finished package.
    pub image: Option<&'a [u8]>,
    /// What happened to the store with the policy's data.
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

/// A signed image, and the trust keys that know who signed it.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The trust keys, as text.
    pub trust: &'a str,
    /// The image in its envelope.
    pub image: &'a [u8],
}

/// How much `cargo xtask drt` asks a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many pairs a minute: an engine of WebAssembly.
    Pairs,
    /// So many seconds a minute.
    Seconds,
    /// Nothing: it is what others are compared with, or its pairs are counted elsewhere.
    Elsewhere,
}

/// What can be made to go wrong in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// How it gets its policy.
    pub policy: Delivery,
    /// What memory means there.
    pub memory: Memory,
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
    /// Whether the policy is code, which has its keys in it.
    pub const fn is_code(self) -> bool {
        matches!(self, Delivery::Code | Delivery::CodeAndStore)
    }
}

/// What happens to a target without memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A module traps, and its host goes on.
    Module,
    /// The process ends.
    Process,
    /// The platform ends the script.
    Script,
}

/// A filler that makes a request larger than the memory that a module has left.
pub(crate) const FILLER_BYTES: usize = 8 * 1_024 * 1_024;

/// Why something cannot be used that must be built before, if it is not there.
pub(crate) fn not_built(artifact: &Path) -> Option<String> {
    (!artifact.exists()).then(|| {
        format!(
            "{} is not built; `cargo xtask build` does it",
            artifact.display()
        )
    })
}

/// Why a program of others cannot be used, if it is not there.
pub(crate) fn not_there(program: &Path) -> Option<String> {
    (!program.exists()).then(|| format!("there is no {}", program.display()))
}
