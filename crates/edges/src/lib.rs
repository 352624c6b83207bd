//! The description of every edge: its name, its artifact, its limits, and its capabilities for a policy's users. The
//! command, the lints, the lab and the tables in the documentation are derived from it.
//!
//! Not here: building for an edge, and driving one in tests.

#![forbid(unsafe_code)]

mod budget;
mod check;
mod proxies;

pub use budget::{Budget, image_budget};
pub use proxies::{CADDY, ENVOY, GATEWAY_API, HAPROXY, NGINX, TRAEFIK};

use tollgate_gate::config::MAX_PAGE_BYTES;
use tollgate_javascript as javascript;
use tollgate_policy::spec::ImageSpec;
use tollgate_proxies::Proxy;
use tollgate_token::Algorithm;

/// A target of `tollgate build` that decides requests.
#[derive(Debug)]
pub struct Edge {
    /// Its name as a target.
    pub name: &'static str,
    /// The artifact that `tollgate build` writes for it.
    pub about: &'static str,
    /// The software that runs there, and the runtime that tests it: cells of the table in `docs/edges/README.md`, in Markdown.
    pub readme: [&'static str; 2],
    /// The artifact that is deployed.
    pub artifact: Artifact,
    /// The size of the largest policy image that it loads, in bytes. `None` if it loads none.
    pub max_image_bytes: Option<usize>,
    /// The size of the largest artifact that it accepts, in bytes: of the file, or of all modules in the directory.
    pub max_artifact_bytes: Option<usize>,
    /// Whether it can verify tokens with an algorithm.
    verifies: fn(Algorithm) -> bool,
    /// Whether it can set a cookie on the response to a forwarded request.
    sets_cookies: bool,
    /// Whether it answers requests to the session endpoint.
    has_endpoint: bool,
    /// The size of the largest page for a denial, in bytes as counted by `page_bytes`.
    max_page_bytes: usize,
    page_bytes: fn(&str) -> usize,
    /// The usage of its limits by a policy, except for the limits of images.
    budgets: fn(&ImageSpec) -> Vec<Budget>,
}

/// The artifact that is deployed on an edge.
#[derive(Clone, Copy, Debug)]
pub enum Artifact {
    /// A zip of built parts, with the policy image among them.
    Zip(Parts),
    /// The same files in a directory.
    Folder(Parts),
    /// A function generated from the policy, and the updates of the store next to it, in a directory.
    Function,
    /// A bundle generated from the policy, in a file.
    Bundle,
    /// The configuration of a proxy, in a directory. The gate runs in `tollgate authz`, which the proxy asks.
    Config(Proxy),
}

/// The built parts of an artifact, the same for every policy: modules, handlers, addons.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Their directory among the parts of all edges, which `cargo xtask build` fills.
    pub folder: &'static str,
    /// The alternative builds, the default first. Empty if there is only one build.
    pub flavours: &'static [Flavour],
    /// The file that the edge starts.
    pub main: &'static str,
    /// The file name under which that file expects the policy image.
    pub policy: &'static str,
    /// The module in which it expects trust keys.
    pub trust: &'static str,
}

/// One of several builds of the same parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Flavour {
    /// Its name, as in `--flavour`, which is also the name of its directory.
    pub name: &'static str,
    /// A summary for `--help`.
    pub about: &'static str,
}

/// All edges that `tollgate build` can build for.
pub static EDGES: [Edge; 10] = [
    LAMBDA_EDGE,
    CLOUDFLARE,
    CLOUDFRONT_FUNCTIONS,
    EDGEWORKERS,
    NGINX,
    TRAEFIK,
    CADDY,
    HAPROXY,
    ENVOY,
    GATEWAY_API,
];

/// The gate as WebAssembly in the Lambda@Edge package.
pub static WASM: &Flavour = &LAMBDA_EDGE_FLAVOURS[0];
/// The gate as an addon in the Lambda@Edge package.
pub static NATIVE: &Flavour = &LAMBDA_EDGE_FLAVOURS[1];

static LAMBDA_EDGE_FLAVOURS: [Flavour; 2] = [
    Flavour {
        name: "wasm",
        about: "The gate as WebAssembly: small, for every processor",
    },
    Flavour {
        name: "native",
        about: "The gate as an addon for Node on Linux x86-64: verifies signatures faster",
    },
];

/// A function at the viewer request of CloudFront, with WebAssembly or an addon.
pub const LAMBDA_EDGE: Edge = Edge {
    name: "lambda-edge",
    about: "A zip for AWS Lambda@Edge, with handler `index.handler`",
    readme: [
        "`lambda-adapter/edge`: a zip with the gate as WASM (default) or as a native addon (`--flavour native`)",
        "Node with CloudFront events",
    ],
    artifact: Artifact::Zip(Parts {
        folder: "lambda-edge",
        flavours: &LAMBDA_EDGE_FLAVOURS,
        main: "index.mjs",
        policy: "policy.tgi",
        trust: "trust.mjs",
    }),
    // Packages of viewer functions were limited to 1 MB for years. Some accounts still have this limit.
    max_image_bytes: Some(1_000_000),
    // AWS: "Quotas on Lambda@Edge".
    max_artifact_bytes: Some(50 * 1_024 * 1_024),
    verifies: |_| true,
    // A function at a request event edits the request only.
    sets_cookies: false,
    has_endpoint: true,
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
    budgets: |_| Vec::new(),
};

/// A Worker with WebAssembly.
pub const CLOUDFLARE: Edge = Edge {
    name: "cloudflare",
    about: "A directory for Cloudflare Workers and for workerd",
    readme: [
        "`edge-wasm/cloudflare`: a Worker, policy bundled or in KV",
        "`workerd`",
    ],
    artifact: Artifact::Folder(Parts {
        folder: "cloudflare",
        flavours: &[],
        main: "index.js",
        policy: "policy.image",
        trust: "trust.js",
    }),
    // The largest value of Workers KV.
    max_image_bytes: Some(25 * 1_024 * 1_024),
    // Cloudflare: "Limits" of Workers, uncompressed.
    max_artifact_bytes: Some(64 * 1_024 * 1_024),
    verifies: |_| true,
    sets_cookies: true,
    has_endpoint: true,
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
    budgets: |_| Vec::new(),
};

/// A function at the viewer request of CloudFront, without WebAssembly.
pub const CLOUDFRONT_FUNCTIONS: Edge = Edge {
    name: "cloudfront-functions",
    about: "A directory for CloudFront Functions: a function, and updates of its KeyValueStore",
    readme: [
        "generated JavaScript of at most 10,240 bytes, policy in KeyValueStore; HS256 sessions \
         ([how to operate it](../cloudfront-functions.md))",
        "njs 0.9.9 behind nginx",
    ],
    artifact: Artifact::Function,
    max_image_bytes: None,
    // The function and the store have separate limits, which are budgets.
    max_artifact_bytes: None,
    verifies: javascript::cloudfront_verifies,
    sets_cookies: false,
    has_endpoint: false,
    max_page_bytes: javascript::MAX_CLOUDFRONT_PAGE_BYTES,
    page_bytes: javascript::cloudfront_page_bytes,
    budgets: budget::of_function,
};

/// A code bundle for Akamai, without WebAssembly.
pub const EDGEWORKERS: Edge = Edge {
    name: "edgeworkers",
    about: "A code bundle for Akamai EdgeWorkers",
    readme: [
        "generated JavaScript as an Akamai bundle; RS256 with WebCrypto",
        "Node without WebAssembly",
    ],
    artifact: Artifact::Bundle,
    max_image_bytes: None,
    // Akamai: "Product limits" of EdgeWorkers, compressed. The limit for the uncompressed size is a budget.
    max_artifact_bytes: Some(512 * 1_024),
    verifies: javascript::edgeworkers_verify,
    sets_cookies: false,
    has_endpoint: false,
    // The limit of `respondWith` since July 2026 (2,048 before).
    max_page_bytes: MAX_PAGE_BYTES,
    page_bytes: str::len,
    budgets: budget::of_bundle,
};

impl Edge {
    /// Returns the edge with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EDGES.iter().find(|edge| edge.name == name)
    }

    /// Returns the built parts of its artifact, if it has any. Such an artifact loads a policy image, which can be
    /// signed. The other artifacts are code generated from the policy.
    pub const fn parts(&self) -> Option<&Parts> {
        match &self.artifact {
            Artifact::Zip(parts) | Artifact::Folder(parts) => Some(parts),
            Artifact::Function | Artifact::Bundle | Artifact::Config(_) => None,
        }
    }

    /// Returns the proxy that its artifact configures, if it is one.
    pub const fn proxy(&self) -> Option<Proxy> {
        match self.artifact {
            Artifact::Config(proxy) => Some(proxy),
            Artifact::Zip(_) | Artifact::Folder(_) | Artifact::Function | Artifact::Bundle => None,
        }
    }
}

impl Parts {
    /// Returns the flavour with this name; without a name, the default.
    pub fn flavour(&self, name: Option<&str>) -> Option<&'static Flavour> {
        let is_wanted = |flavour: &&Flavour| name.is_none_or(|name| flavour.name == name);
        self.flavours.iter().find(is_wanted)
    }

    /// Returns the directory of a flavour among the parts of all edges.
    pub fn folder_of(&self, flavour: Option<&Flavour>) -> String {
        match flavour {
            Some(flavour) => [self.folder, "/", flavour.name].concat(),
            None => self.folder.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
