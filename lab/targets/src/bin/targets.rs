//! Lists the targets as JSON for `cargo xtask`, which needs to know what to build and install for each.

use serde_json::{Value, json};
use tollgate_targets::Target;
use tollgate_targets::driver::Share;

fn main() {
    let rows = Target::all().into_iter().map(|target| {
        let drt = match target.share() {
            Share::Pairs => "pairs",
            Share::Seconds => "seconds",
            Share::Elsewhere => "elsewhere",
        };
        json!({
            "name": target.name(),
            "is_built": target.is_built(),
            "tools": target.tools(),
            "drt": drt,
        })
    });
    println!("{}", Value::from_iter(rows));
}
