//! A Cloudflare Worker: a directory with its modules, the policy, and configuration files.
//!
//! `wrangler.toml` is for Cloudflare, `config.capnp` for self-hosted workerd, and `kv.json` for a Worker that loads its
//! policies from KV. Not here: the modules, which are `edge-wasm/cloudflare`.

use core::fmt::Write;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::json;
use tollgate_edges::CLOUDFLARE;

use super::artifact::{Artifact, Content, Input};
use crate::failure::sized;
use crate::write::Entry;

/// Above this image size, a Worker may exceed its startup limit of one second.
const SLOW_IMAGE_BYTES: usize = 16 * 1_024 * 1_024;
/// The compatibility date that the Worker was tested with.
const COMPATIBILITY_DATE: &str = "2026-04-01";
const WRANGLER: &str = include_str!("cloudflare/wrangler.toml");
/// The placeholder for the name of the directory in the file above.
const FOLDER: &str = "@FOLDER@";

/// Adds the configuration files. The first of the modules is the main one.
pub(super) fn finish(input: &Input<'_>, bytes: usize, artifact: &mut Artifact) {
    if let Content::Folder(entries) = &mut artifact.content {
        artifact.notes.push(format!(
            "{} modules of {}, of which the policy is {}",
            entries.len(),
            sized(bytes),
            sized(input.image().len())
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
            "may exceed the startup time limit of a Worker",
        ),
        (
            CLOUDFLARE.max_image_bytes.unwrap_or(usize::MAX),
            "exceeds the largest value that KV can store",
        ),
    ] {
        if input.image().len() > limit {
            let policy = sized(input.image().len());
            artifact
                .warnings
                .push(format!("a policy of {policy} {what}"));
        }
    }
}

/// The configuration of wrangler, to be copied next to the directory.
fn wrangler(out: &Path) -> String {
    let folder = out.file_name().unwrap_or_default().to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // A name that needs quoting is left to the operator who copies the file.
    WRANGLER.replace(
        FOLDER,
        if folder.chars().all(is_plain) {
            &folder
        } else {
            "dist"
        },
    )
}

/// The input of `wrangler kv bulk put`: the image under its ID, and the current ID.
fn kv(input: &Input<'_>) -> String {
    let image = Base64::encode_string(input.image());
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
# The same Worker, self-hosted:
#
#   workerd serve config.capnp --socket-addr=http=127.0.0.1:8787 --external-addr=origin=127.0.0.1:8080
#
# Run it behind a proxy that sets CF-Connecting-IP to the client's address, as Cloudflare does. Otherwise clients can
# forge their address.

using Workerd = import \"/workerd/workerd.capnp\";

const config :Workerd.Config = (
  services = [
    (name = \"tollgate\", worker = .tollgate),
    # The origin's own name, never the client's `Host`: an origin with several sites could serve the wrong one. Change it
    # to the name of your origin.
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
    fn wrangler_toml_names_the_directory() {
        let text = wrangler(Path::new("somewhere/edge-1"));
        assert!(text.contains("main = \"edge-1/index.js\"\nbase_dir = \"edge-1\""));
        assert!(!text.contains(FOLDER));
        assert!(wrangler(Path::new("a \"b\"")).contains("main = \"dist/index.js\""));
        let file: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(
            file["compatibility_date"].as_str(),
            Some(COMPATIBILITY_DATE)
        );
    }

    #[test]
    fn workerd_config_lists_every_module() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bytes: Vec::new(),
        };
        let text = workerd(&["index.js", "a/b.js", "x.wasm", "policy.image"].map(entry));
        for line in [
            "modules = [\n    (name = \"index.js\", esModule = embed \"index.js\"),",
            "(name = \"a/b.js\", esModule = embed \"a/b.js\"),",
            "(name = \"x.wasm\", wasm = embed \"x.wasm\"),",
            "(name = \"policy.image\", data = embed \"policy.image\"),\n  ],",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }
}
