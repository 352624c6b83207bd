//! The plain WASM module in the `wasmtime` crate, as an embedder would run it.
//!
//! Here is the host's side of the ABI that `edge-wasm/plain` documents. Not here: what the bytes of a
//! request and of an outcome mean, which is `tollgate_gate::wire` on both sides.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tollgate_gate::Request;
use tollgate_gate::wire::{self, Reply};
use tollgate_testkit::Answer;
use wasmtime::{Config, Engine, Instance, Memory, Module, Store, TypedFunc};

use crate::target::Ask;

/// The module compiled to machine code, from which any number of instances start.
pub struct Compiled {
    engine: Engine,
    module: Module,
}

/// A module as machine code.
pub struct MachineCode(Vec<u8>);

/// An instance with a policy loaded.
pub struct Embedded {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    buffer: TypedFunc<u32, u32>,
    decide: TypedFunc<u32, u64>,
}

impl Compiled {
    /// Compiles the module in a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or holds no module.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes)
    }

    /// Compiles a module.
    ///
    /// # Errors
    ///
    /// If the bytes hold no module.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::compile(Engine::default(), bytes)
    }

    /// Compiles the module in a file so that what it does is counted: see [`Embedded::fuel`].
    ///
    /// # Errors
    ///
    /// As [`Compiled::from_file`].
    pub fn counted(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let engine = Engine::new(Config::new().consume_fuel(true)).map_err(foreign)?;
        Self::compile(engine, &bytes)
    }

    /// The machine code, for [`Compiled::from_machine_code`].
    ///
    /// # Errors
    ///
    /// If it cannot be written down.
    pub fn machine_code(&self) -> Result<MachineCode> {
        self.module.serialize().map(MachineCode).map_err(foreign)
    }

    /// Takes machine code that was compiled before, so that a start compiles nothing.
    ///
    /// # Errors
    ///
    /// If it is another version's or another kind of machine's.
    #[expect(
        unsafe_code,
        reason = "machine code cannot be checked; this one was made by `machine_code` in the same process"
    )]
    pub fn from_machine_code(code: &MachineCode) -> Result<Self> {
        let engine = Engine::default();
        // SAFETY: only `machine_code` makes such a value, of what this wasmtime compiled.
        let module = unsafe { Module::deserialize(&engine, &code.0) }.map_err(foreign)?;
        Ok(Self { engine, module })
    }

    fn compile(engine: Engine, bytes: &[u8]) -> Result<Self> {
        let module = Module::new(&engine, bytes).map_err(foreign)?;
        Ok(Self { engine, module })
    }

    /// Makes an instance and loads a policy image into it.
    ///
    /// # Errors
    ///
    /// If the module is not ours, or refuses the image; the message says why.
    pub fn start(&self, image: &[u8]) -> Result<Embedded> {
        let mut embedded = self.instance()?;
        embedded.load(image)?;
        Ok(embedded)
    }

    /// Makes an instance without a policy: it denies everything.
    ///
    /// # Errors
    ///
    /// If the module is not ours.
    pub fn instance(&self) -> Result<Embedded> {
        let mut store = Store::new(&self.engine, ());
        // Only an engine that counts has fuel, and nothing here is to run out of it.
        _ = store.set_fuel(u64::MAX);
        // No imports: a module that asks for any is not ours.
        let instance = Instance::new(&mut store, &self.module, &[]).map_err(foreign)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .context("the module exports no memory")?;
        let buffer = instance
            .get_typed_func(&mut store, "tollgate_buffer")
            .map_err(foreign)?;
        let decide = instance
            .get_typed_func(&mut store, "tollgate_decide")
            .map_err(foreign)?;
        Ok(Embedded {
            store,
            instance,
            memory,
            buffer,
            decide,
        })
    }
}

impl Embedded {
    /// Loads a policy image, in place of the one before.
    ///
    /// # Errors
    ///
    /// If the module refuses it; the message says why, and the one before stays in force.
    pub fn load(&mut self, image: &[u8]) -> Result<()> {
        let load: TypedFunc<u32, u32> = self.export("tollgate_load")?;
        let length = self.write(image)?;
        let status = load.call(&mut self.store, length).map_err(foreign)?;
        self.accepted(status, "the image")
    }

    /// Takes no images from now on but signed ones, not older than a version; 0 for any.
    ///
    /// # Errors
    ///
    /// If the module refuses the keys; then it takes no image at all.
    pub fn trust(&mut self, keys: &[u8], oldest: u64) -> Result<()> {
        let trust: TypedFunc<(u32, u64), u32> = self.export("tollgate_trust")?;
        let length = self.write(keys)?;
        let status = trust
            .call(&mut self.store, (length, oldest))
            .map_err(foreign)?;
        self.accepted(status, "the trust keys")
    }

    /// The version of the policy in force; 0 if it is not signed.
    ///
    /// # Errors
    ///
    /// If the module traps.
    pub fn version(&mut self) -> Result<u64> {
        let version: TypedFunc<(), u64> = self.export("tollgate_version")?;
        version.call(&mut self.store, ()).map_err(foreign)
    }

    fn accepted(&mut self, status: u32, what: &str) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        let message: TypedFunc<(), u64> = self.export("tollgate_message")?;
        let place = message.call(&mut self.store, ()).map_err(foreign)?;
        bail!(
            "the module refuses {what}: {}",
            String::from_utf8_lossy(self.read(place)?)
        );
    }

    fn export<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let found = self.instance.get_typed_func(&mut self.store, name);
        found.map_err(foreign)
    }

    /// Decides one request.
    ///
    /// # Errors
    ///
    /// If the module traps or answers with what is no outcome. The instance is done for then.
    pub fn decide(&mut self, request: &Request<'_>) -> Result<Reply> {
        self.decide_encoded(&wire::encode_request(request))
    }

    /// Decides a request that is encoded already.
    ///
    /// # Errors
    ///
    /// As [`Embedded::decide`].
    pub fn decide_encoded(&mut self, message: &[u8]) -> Result<Reply> {
        let length = self.write(message)?;
        let place = self.decide.call(&mut self.store, length).map_err(foreign)?;
        wire::decode_outcome(self.read(place)?).context("the module's answer")
    }

    /// How much fuel was used since the instance began: about one for each instruction of WebAssembly,
    /// the same in every run. Nothing if the module was not compiled to be [counted](Compiled::counted).
    pub fn fuel(&self) -> Option<u64> {
        self.store.get_fuel().ok().map(|left| u64::MAX - left)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<u32> {
        let length = u32::try_from(bytes.len()).context("an input of 4 GiB")?;
        let address = self.buffer.call(&mut self.store, length).map_err(foreign)?;
        if address == 0 {
            bail!("the module has no room for {length} bytes");
        }
        self.memory
            .write(&mut self.store, usize::try_from(address)?, bytes)
            .context("a buffer outside memory")?;
        Ok(length)
    }

    fn read(&self, place: u64) -> Result<&[u8]> {
        let (start, length) = (
            usize::try_from(place >> 32)?,
            usize::try_from(place & 0xFFFF_FFFF)?,
        );
        let end = start
            .checked_add(length)
            .context("a place outside memory")?;
        self.memory
            .data(&self.store)
            .get(start..end)
            .context("a place outside memory")
    }
}

impl Ask for Embedded {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let Reply {
            kind,
            status,
            reason,
            detail,
            rule,
            log,
            ..
        } = self.decide(request)?;
        // The id is asked of the log record, where an operator would look for it.
        let record: serde_json::Value =
            serde_json::from_str(&log).context("the module's log record")?;
        let policy = record
            .get("policy")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned);
        Ok(Answer {
            detail,
            rule,
            policy,
            ..Answer::new(kind.code().parse()?, status, reason.code().parse()?)
        })
    }
}

/// wasmtime's error, which is of its own kind, with its causes.
fn foreign(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:#}")
}
