//! A Cloudflare Worker: a folder with its modules and the policy, and what starts them.
//!
//! `wrangler.toml` is for Cloudflare, `config.capnp` for workerd on a machine of one's own, and
//! `kv.json` for a Worker that takes its policies from KV. Not here: the modules, which are
//! `edge-wasm/cloudflare`.

use core::fmt::Write;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::json;
use tollgate_edges::CLOUDFLARE;

use super::artifact::{Artifact, Content, Input};
use crate::failure::sized;
use crate::write::Entry;

/// With an image of more than this it is not sure that a Worker starts within the second it has.
const SLOW_IMAGE_BYTES: usize = 16 * 1_024 * 1_024;
/// What the Worker was tested with.
const COMPATIBILITY_DATE: &str = "2026-04-01";
const WRANGLER: &str = include_str!("cloudflare/wrangler.toml");
/// What the file above says instead of the name of the folder.
const FOLDER: &str = "@FOLDER@";

/// Adds what starts the modules, which come with the one that starts first.
pub(super) fn finish(input: &Input<'_>, bytes: usize, artifact: &mut Artifact) {
    if let Content::Folder(entries) = &mut artifact.content {
        artifact.notes.push(format!(
            "{} modules of {}, of which the policy is {}",
            entries.len(),
            sized(bytes),
            sized(input.image.len())
        ));
        let about = [
            ("config.capnp", workerd(entries)),
            ("kv.json", kv(input)),
            ("wrangler.toml", wrangler(input.out)),
        ];
        entries.extend(about.map(|(name, text)| Entry {
            name: name.to_owned(),
            bytes: text.into_bytes(),
        }));
    }
    for (limit, what) in [
        (
            SLOW_IMAGE_BYTES,
            "may take longer to load than a Worker has to start",
        ),
        (
            CLOUDFLARE.max_image_bytes.unwrap_or(usize::MAX),
            "is more than a key in KV can hold",
        ),
    ] {
        if input.image.len() > limit {
            let policy = sized(input.image.len());
            artifact
                .warnings
                .push(format!("a policy of {policy} {what}"));
        }
    }
}

/// The configuration of wrangler, which stands beside the folder.
fn wrangler(out: &Path) -> String {
    let folder = out.file_name().unwrap_or_default().to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // A name that would need quoting is left to whoever copies the file.
    WRANGLER.replace(
        FOLDER,
        if folder.chars().all(is_plain) {
            &folder
        } else {
            "dist"
        },
    )
}

/// What `wrangler kv bulk put` takes: the image under its id, and the id that is in force.
fn kv(input: &Input<'_>) -> String {
    let image = Base64::encode_string(input.image);
    json!([
        { "key": format!("policy/{}", input.id), "value": image, "base64": true },
        { "key": "policy", "value": input.id },
    ])
    .to_string()
        + "\n"
}

/// The configuration of workerd.
fn workerd(modules: &[Entry]) -> String {
    let mut text = String::from(WORKERD);
    for Entry { name, .. } in modules {
        let kind = match name.rsplit_once('.') {
            Some((_, "js")) => "esModule",
            Some((_, "wasm")) => "wasm",
            _ => "data",
        };
        // Writing to a string cannot fail.
        _ = writeln!(text, "    (name = \"{name}\", {kind} = embed \"{name}\"),");
    }
    text + &format!("  ],\n  compatibilityDate = \"{COMPATIBILITY_DATE}\",\n") + BINDINGS
}

const WORKERD: &str = "\
# The same Worker on a machine of one's own:
#
#   workerd serve config.capnp --socket-addr=http=127.0.0.1:8787 --external-addr=origin=127.0.0.1:8080
#
# It stands behind something that sets CF-Connecting-IP to the client's address, as Cloudflare does:
# what a client sends there itself would be believed.

using Workerd = import \"/workerd/workerd.capnp\";

const config :Workerd.Config = (
  services = [
    (name = \"tollgate\", worker = .tollgate),
    # The origin's own name, never the client's `Host`: an origin with several sites would serve another one. Change it
    # to the name that yours goes by.
    (name = \"origin\", external = (address = \"127.0.0.1:8080\", http = (
      injectRequestHeaders = [(name = \"Host\", value = \"localhost\")],
    ))),
    # Key sets are fetched from issuers, and nothing else.
    (name = \"internet\", network = (allow = [\"public\"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = \"http\", address = \"127.0.0.1:8787\", http = (), service = \"tollgate\")],
);

const tollgate :Workerd.Worker = (
  modules = [
";
const BINDINGS: &str = "  bindings = [
    (name = \"ORIGIN\", service = \"origin\"),
    (name = \"LOG\", text = \"all\"),
    # The site's hosts: requests for others are rejected.
    # (name = \"HOSTS\", text = \"learn.example.com\"),
  ],
);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_where_wrangler_looks() {
        let told = wrangler(Path::new("somewhere/edge-1"));
        assert!(told.contains("main = \"edge-1/index.js\"\nbase_dir = \"edge-1\""));
        assert!(!told.contains(FOLDER));
        assert!(wrangler(Path::new("a \"b\"")).contains("main = \"dist/index.js\""));
        let file: toml::Table = toml::from_str(&told).unwrap();
        assert_eq!(
            file["compatibility_date"].as_str(),
            Some(COMPATIBILITY_DATE)
        );
    }

    #[test]
    fn workerd_is_told_of_every_module() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bytes: Vec::new(),
        };
        let told = workerd(&["index.js", "a/b.js", "x.wasm", "policy.image"].map(entry));
        for line in [
            "modules = [\n    (name = \"index.js\", esModule = embed \"index.js\"),",
            "(name = \"a/b.js\", esModule = embed \"a/b.js\"),",
            "(name = \"x.wasm\", wasm = embed \"x.wasm\"),",
            "(name = \"policy.image\", data = embed \"policy.image\"),\n  ],",
        ] {
            assert!(told.contains(line), "{line}");
        }
    }
}
