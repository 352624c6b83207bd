//! Generates the JavaScript glue of the npm package from the built module, with wasm-bindgen as a library.
//!
//! Nothing has to be installed on the machine, and the lock file determines the version of the tool, like
//! that of the macro whose output it reads. Not here: building the module (cargo), and the package's own
//! JavaScript, which is written by hand.
//!
//! ```text
//! cargo build --profile wasm --target wasm32-unknown-unknown -p tollgate-node
//! cargo run -p tollgate-bindgen -- target/wasm32-unknown-unknown/wasm/tollgate_node.wasm edge-wasm/node/pkg
//! ```

use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

/// Exit code for a usage error or invalid input.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, out_dir] = args.as_slice() else {
        eprintln!("usage: tollgate-bindgen MODULE.wasm OUT_DIR");
        return ExitCode::from(BAD_INPUT);
    };
    let (module, out_dir) = (Path::new(module), Path::new(out_dir));
    // `web` is the form that every runtime can load. The reset function restarts the module after a trap.
    let made = Bindgen::new()
        .input_path(module)
        .web(true)
        .map(|bindgen| {
            bindgen
                .typescript(true)
                .reset_state_function(true)
                .remove_producers_section(true)
        })
        .and_then(|bindgen| bindgen.generate(out_dir));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tollgate-bindgen: {}: {error:#}", module.display());
            ExitCode::from(BAD_INPUT)
        }
    }
}
