//! Hostile inputs of about a megabyte for everything that reads untrusted bytes: each is rejected with its
//! own code, in memory bounded by the input, on a stack so small that recursion over the input would
//! overflow it.
//!
//! `cargo xtask hostile` prints the table. Not here: fuzzing, and time limits: times are printed, not
//! checked.

#![cfg(test)]

mod events;
mod images;
mod policies;
mod requests;
mod tokens;

use core::time::Duration;
use std::thread;
use std::time::Instant;

use tollgate_targets::counting::{Counting, peak_bytes};

#[global_allocator]
static COUNTING: Counting = Counting;

/// The stack available to an input, in bytes. Debug builds need several times as much as edges do.
const STACK_BYTES: usize = 256 * 1_024;
/// The approximate size of inputs.
const MEGABYTE: usize = 1_000_000;

/// One input, and its expected result.
struct Case {
    name: &'static str,
    input_bytes: usize,
    /// The outcome or error code.
    expected: &'static str,
    /// The allowed heap bytes per input byte, in addition to a fixed allowance.
    factor: u64,
    ask: Box<dyn FnOnce() -> String + Send>,
}

/// A case with the usual allowance: as much as the input.
fn case(
    name: &'static str,
    input_bytes: usize,
    expected: &'static str,
    ask: impl FnOnce() -> String + Send + 'static,
) -> Case {
    Case {
        name,
        input_bytes,
        expected,
        factor: 1,
        ask: Box::new(ask),
    }
}

impl Case {
    fn factor(mut self, factor: u64) -> Self {
        self.factor = factor;
        self
    }
}

/// The allowance in addition to the input: messages, records, tables of a fixed size.
const BESIDE_BYTES: u64 = 64 * 1_024;

struct Done {
    got: String,
    heap_bytes: u64,
    took: Duration,
}

fn run(ask: Box<dyn FnOnce() -> String + Send>) -> Done {
    let work = move || {
        let began = Instant::now();
        let (got, heap_bytes) = peak_bytes(ask);
        Done {
            got,
            heap_bytes,
            took: began.elapsed(),
        }
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("a thread").join().expect("no panic")
}

#[test]
fn hostile_inputs_are_rejected_in_bounded_memory() {
    let mut cases = requests::cases();
    cases.extend(tokens::cases());
    cases.extend(images::cases());
    cases.extend(policies::cases());
    cases.extend(events::cases());
    assert!(cases.len() > 50, "{} cases", cases.len());
    let mut wrong = Vec::new();
    println!(
        "{:44} {:>10}  {:28} {:>10} {:>9}",
        "input", "bytes", "answer", "heap bytes", "time"
    );
    for case in cases {
        let Case {
            name,
            input_bytes,
            expected,
            factor,
            ask,
        } = case;
        let Done {
            got,
            heap_bytes,
            took,
        } = run(ask);
        let micros = took.as_micros();
        println!("{name:44} {input_bytes:>10}  {got:28} {heap_bytes:>10} {micros:>6} µs");
        let allowed = factor * input_bytes as u64 + BESIDE_BYTES;
        if got != expected {
            wrong.push(format!("{name}: {got}, not {expected}"));
        }
        if heap_bytes > allowed {
            wrong.push(format!(
                "{name}: {heap_bytes} bytes of heap, more than {allowed}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn peak_memory_is_counted() {
    let done = run(Box::new(|| {
        drop(vec![0_u8; 300_000]);
        let mut grows = vec![0_u8; 1_000];
        grows.reserve_exact(100_000);
        String::new()
    }));
    assert!(
        (300_000..310_000).contains(&done.heap_bytes),
        "{}",
        done.heap_bytes
    );
}
