//! A WASM host: the gate as a WebAssembly module in wasmtime, with the ABI that `edge-wasm/plain` documents.
//!
//! The host writes an input into the module's memory, calls an export, and reads the result from the returned
//! location, `address << 32 | length`. The module has no imports. After a trap the host denies the request,
//! drops the instance, and loads the policy into a new one. Not here: fetching key sets (`Reply::fetches`,
//! `tollgate_resume`).
//!
//! Build the module, then run this:
//!
//! ```console
//! cargo xtask build
//! cargo run -p tollgate-edge --example wasm_host
//! ```

use core::error::Error;
use std::path::Path;

use tollgate_edge::wire::{self, Reply};
use tollgate_edge::{Action, Request, UnixSeconds};
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

const MODULE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/wasm32-unknown-unknown/wasm/tollgate_plain.wasm"
);
const IMAGE: &[u8] = include_bytes!("policy.tgi");

/// An instance of the module, with a policy.
struct Guest {
    store: Store<()>,
    memory: Memory,
    buffer: TypedFunc<u32, u32>,
    step: TypedFunc<u32, u64>,
}

impl Guest {
    /// Starts the module and loads a policy image.
    fn start(module: &[u8], image: &[u8]) -> Result<Self, Box<dyn Error>> {
        let engine = Engine::default();
        let module = Module::new(&engine, module)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or("the module exports no memory")?;
        let load: TypedFunc<u32, u32> = instance.get_typed_func(&mut store, "tollgate_load")?;
        let message: TypedFunc<(), u64> =
            instance.get_typed_func(&mut store, "tollgate_message")?;
        let mut guest = Self {
            buffer: instance.get_typed_func(&mut store, "tollgate_buffer")?,
            step: instance.get_typed_func(&mut store, "tollgate_step")?,
            memory,
            store,
        };
        let length = guest.write(image)?;
        if load.call(&mut guest.store, length)? != 0 {
            let place = message.call(&mut guest.store, ())?;
            return Err(String::from_utf8_lossy(guest.read(place)?).into());
        }
        Ok(guest)
    }

    /// Evaluates one request.
    fn ask(&mut self, request: &Request<'_>) -> Result<Reply, Box<dyn Error>> {
        let length = self.write(&wire::encode_request(request))?;
        let place = self.step.call(&mut self.store, length)?;
        Ok(wire::decode_outcome(self.read(place)?)?)
    }

    /// Writes an input into the module's buffer and returns its length.
    fn write(&mut self, bytes: &[u8]) -> Result<u32, Box<dyn Error>> {
        let length = u32::try_from(bytes.len())?;
        let address = self.buffer.call(&mut self.store, length)?;
        if address == 0 {
            return Err("the input is too large for the module".into());
        }
        self.memory
            .write(&mut self.store, usize::try_from(address)?, bytes)?;
        Ok(length)
    }

    /// The bytes at a location, valid until the next call.
    fn read(&self, place: u64) -> Result<&[u8], Box<dyn Error>> {
        let start = usize::try_from(place >> 32)?;
        let length = usize::try_from(place & 0xFFFF_FFFF)?;
        let end = start.checked_add(length);
        let bytes = end.and_then(|end| self.memory.data(&self.store).get(start..end));
        bytes.ok_or_else(|| "the module returned a location outside its memory".into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| MODULE.to_owned());
    let module = std::fs::read(Path::new(&path))
        .map_err(|error| format!("cannot read `{path}`: {error}; `cargo xtask build` builds it"))?;
    let mut guest = Guest::start(&module, IMAGE)?;
    for target in [
        "/courses/rust-101/preview/intro.mp4",
        "/courses/rust-101/week1/ownership.mp4",
        "/courses//rust-101",
    ] {
        let reply = guest.ask(&Request {
            method: "GET",
            target: target.as_bytes(),
            headers: &[("host", b"learn.example.com")],
            ip: None,
            now: UnixSeconds(1_800_000_000),
            entropy: None,
        })?;
        let next = match reply.action {
            Action::Forward(_) => "forward it to the origin",
            Action::Serve(_) | Action::Refuse(_) => "send the gate's response",
        };
        println!("{target}: {} {}; {next}", reply.kind.code(), reply.status);
    }
    Ok(())
}
