//! The plain WASM module in the `wasmtime` crate, as an embedder would run it.
//!
//! This is the host side of the ABI that `edge-wasm/plain` documents. Not here: the byte encoding of
//! requests and outcomes, which is `tollgate_gate::wire` on both sides.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tollgate_gate::wire::{self, Reply};
use tollgate_gate::{Fetch, FetchResponse, Request};
use tollgate_testkit::Answer;
use wasmtime::{
    Config, Engine, Instance, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc,
    WasmParams, WasmResults,
};

use crate::driver::Ask;
use crate::native::sent;

/// The module compiled to machine code, from which any number of instances start.
pub struct Compiled {
    engine: Engine,
    module: Module,
}

/// A module as machine code.
pub struct MachineCode(Vec<u8>);

/// An instance with a policy loaded.
pub struct Embedded {
    store: Store<StoreLimits>,
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
    /// Returns an error if the file cannot be read or does not contain a module.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes)
    }

    /// Compiles a module.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a module.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::compile(Engine::default(), bytes)
    }

    /// Compiles the module in a file with instruction counting: see [`Embedded::fuel`].
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

    /// Returns the machine code, for [`Compiled::from_machine_code`].
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be serialised.
    pub fn machine_code(&self) -> Result<MachineCode> {
        self.module.serialize().map(MachineCode).map_err(foreign)
    }

    /// Loads machine code that was compiled before, so that a start compiles nothing.
    ///
    /// # Errors
    ///
    /// Returns an error if it is for another version or architecture.
    #[expect(
        unsafe_code,
        reason = "machine code cannot be checked; this one was made by `machine_code` in the same process"
    )]
    pub fn from_machine_code(code: &MachineCode) -> Result<Self> {
        let engine = Engine::default();
        // SAFETY: only `machine_code` creates such a value, from what this wasmtime compiled.
        let module = unsafe { Module::deserialize(&engine, &code.0) }.map_err(foreign)?;
        Ok(Self { engine, module })
    }

    fn compile(engine: Engine, bytes: &[u8]) -> Result<Self> {
        let module = Module::new(&engine, bytes).map_err(foreign)?;
        Ok(Self { engine, module })
    }

    /// Creates an instance and loads a policy image into it.
    ///
    /// # Errors
    ///
    /// Returns an error if the module is not ours, or rejects the image; the message contains the reason.
    pub fn start(&self, image: &[u8]) -> Result<Embedded> {
        let mut embedded = self.instance()?;
        embedded.load(image)?;
        Ok(embedded)
    }

    /// Creates an instance without a policy: it denies everything.
    ///
    /// # Errors
    ///
    /// Returns an error if the module is not ours.
    pub fn instance(&self) -> Result<Embedded> {
        let mut store = Store::new(&self.engine, StoreLimits::default());
        store.limiter(|limits| limits);
        // Only a counting engine uses fuel, and nothing here may run out of it.
        _ = store.set_fuel(u64::MAX);
        // No imports: a module that needs any is not ours.
        let instance = Instance::new(&mut store, &self.module, &[]).map_err(foreign)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .context("the module exports no memory")?;
        let buffer = instance
            .get_typed_func(&mut store, "tollgate_buffer")
            .map_err(foreign)?;
        let decide = instance
            .get_typed_func(&mut store, "tollgate_step")
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
    /// Loads a policy image that replaces the previous one.
    ///
    /// # Errors
    ///
    /// Returns an error if the module rejects it. The message contains the reason, and the previous image
    /// stays in force.
    pub fn load(&mut self, image: &[u8]) -> Result<()> {
        let length = self.write(image)?;
        let status = self.call("tollgate_load", length)?;
        self.accepted(status, "the image")
    }

    /// Accepts only signed images from now on, not older than a version; 0 accepts any version.
    ///
    /// # Errors
    ///
    /// Returns an error if the module rejects the keys; it then accepts no image at all.
    pub fn trust(&mut self, keys: &[u8], oldest: u64) -> Result<()> {
        let length = self.write(keys)?;
        let status = self.call("tollgate_trust", (length, oldest))?;
        self.accepted(status, "the trust keys")
    }

    /// Returns the version of the policy in force; 0 if it is not signed.
    ///
    /// # Errors
    ///
    /// Returns an error if the module traps.
    pub fn version(&mut self) -> Result<u64> {
        self.call("tollgate_version", ())
    }

    fn accepted(&mut self, status: u32, what: &str) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        bail!("the module rejects {what}: {}", self.message()?);
    }

    /// Decides one request.
    ///
    /// # Errors
    ///
    /// Returns an error if the module traps or returns something that is not an outcome. The instance cannot
    /// be used afterwards.
    pub fn decide(&mut self, request: &Request<'_>) -> Result<Reply> {
        self.decide_encoded(&wire::encode_request(request))
    }

    /// Decides a request that is already encoded.
    ///
    /// # Errors
    ///
    /// As [`Embedded::decide`].
    pub fn decide_encoded(&mut self, message: &[u8]) -> Result<Reply> {
        let length = self.write(message)?;
        let place = self.decide.call(&mut self.store, length).map_err(foreign)?;
        wire::decode_outcome(self.read(place)?).context("the module's answer")
    }

    /// Returns the fuel used since the instance started: about one unit per WebAssembly instruction,
    /// identical in every run. `None` if the module was not compiled to be [counted](Compiled::counted).
    pub fn fuel(&self) -> Option<u64> {
        self.store.get_fuel().ok().map(|left| u64::MAX - left)
    }

    /// Returns the fetches that are due although no request waits for them.
    ///
    /// # Errors
    ///
    /// Returns an error if the module traps.
    pub fn due(&mut self, now: i64) -> Result<Vec<Fetch>> {
        let place = self.call("tollgate_due", now)?;
        wire::decode_fetches(self.read(place)?).context("the module's fetches")
    }

    /// Passes on the response to a fetch; returns which keys of the set are skipped, or why it is rejected.
    ///
    /// # Errors
    ///
    /// Returns an error if the module traps.
    pub fn resume(
        &mut self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: i64,
    ) -> Result<Result<String, String>> {
        let (status, body) = response.map_or((0, &[][..]), |response| {
            (u32::from(response.status), response.body)
        });
        let length = self.write(body)?;
        let rejected: u32 = self.call("tollgate_resume", (ticket, status, length, now))?;
        let message = self.message()?;
        Ok(if rejected == 0 {
            Ok(message)
        } else {
            Err(message)
        })
    }

    /// Overwrites all of the module's memory, as a bug in it might.
    pub fn spoil(&mut self) {
        self.memory.data_mut(&mut self.store).fill(0xFF);
    }

    /// Limits the module to its current memory.
    pub fn freeze_memory(&mut self) {
        let bytes = self.memory.data_size(&self.store);
        *self.store.data_mut() = StoreLimitsBuilder::new().memory_size(bytes).build();
    }

    fn message(&mut self) -> Result<String> {
        let place = self.call("tollgate_message", ())?;
        Ok(String::from_utf8_lossy(self.read(place)?).into_owned())
    }

    /// Calls an export that is not called for every request.
    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, with: P) -> Result<R> {
        let export = self.instance.get_typed_func(&mut self.store, name);
        let export: TypedFunc<P, R> = export.map_err(foreign)?;
        export.call(&mut self.store, with).map_err(foreign)
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
            action,
            // Conformance has no network: the outcome without it counts.
            fetches: _,
            tickets: _,
        } = self.decide(request)?;
        // The ID comes from the log record, where an operator would look for it.
        let record: serde_json::Value =
            serde_json::from_str(&log).context("the module's log record")?;
        let policy = record
            .get("policy")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned);
        Ok(Answer {
            response: sent(&action),
            detail,
            rule,
            policy,
            ..Answer::new(kind.code().parse()?, status, reason.code().parse()?)
        })
    }
}

/// Converts wasmtime's own error type, with its causes.
fn foreign(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:#}")
}
