//! Leaves the addon's references to Node open, and its symbol table out.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--strip-all");
    }
}
