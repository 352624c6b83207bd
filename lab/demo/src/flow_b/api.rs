//! The API of flow B: a gateway, the runtime API, and three functions of one program.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;

use anyhow::Result;

use super::super::bucket::{self, Bucket};
use super::super::flow_a::bearer;
use super::super::issuer::{Issuer, escaped};
use super::super::part::{self, Part};
use super::super::report::{Ask, Report, Want};
use xtask::ui::Step;
use xtask::{repo, shell};

/// The package and its program.
const PROGRAM: &str = "tollgate-lambda";
/// The maximum time that a function needs to load its policy.
const SETTLED: Duration = Duration::from_secs(1);
const FUNCTIONS: [&str; 3] = ["content", "files", "authorizer"];

/// The API with its functions.
pub(super) struct Api {
    // Fields are dropped in this order: clients first.
    _gateway: Part,
    pub(super) content: Part,
    pub(super) files: Part,
    pub(super) authorizer: Part,
    _runtime: Part,
    pub(super) address: SocketAddr,
    pub(super) origin: String,
}

impl Api {
    /// Starts all of it; `page` is the future address of the callback page.
    pub(super) fn start(
        issuer: &Issuer,
        bucket: &Bucket,
        page: SocketAddr,
        cargo_lambda: &Path,
        step: &Step,
    ) -> Result<Api> {
        let folder = part::folder()?.join("flow-b");
        let policy = folder.join("policy");
        issuer.policy(&policy)?;
        issuer.register(&format!("http://{page}/code/"))?;
        let image = folder.join("policy.tgi");
        let mut compile = shell::tool(repo::program("tollgate"), ["build"]);
        compile.arg(&policy).arg("--out").arg(&image);
        shell::must(&mut compile, |line| step.line(line))?;
        let (runtime, invoke) = runtime(&folder, cargo_lambda)?;

        let origin = format!("http://{page}");
        let function = |name: &'static str, more: &[(&str, &str)]| {
            let mut command = shell::tool(repo::program(PROGRAM), [""; 0]);
            // Nothing from this terminal's environment, as at AWS.
            command
                .env_clear()
                .env("AWS_LAMBDA_RUNTIME_API", format!("{invoke}/.rt/{name}"))
                .env("AWS_LAMBDA_FUNCTION_NAME", name)
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
                .env("AWS_REGION", bucket::REGION)
                .env("AWS_ACCESS_KEY_ID", &bucket.key_id)
                .env("AWS_SECRET_ACCESS_KEY", &bucket.secret)
                .env("AWS_ENDPOINT_URL_S3", bucket.endpoint())
                .env("TOLLGATE_POLICY", &image)
                .envs(more.iter().copied());
            Part::start(name, &mut command)
        };
        let mut content = function(
            "content",
            &[
                ("TOLLGATE_ROLE", "content"),
                ("TOLLGATE_BUCKET", bucket::NAME),
                ("TOLLGATE_CORS_ORIGINS", &origin),
            ],
        )?;
        let mut files = function(
            "files",
            &[
                ("TOLLGATE_ROLE", "content"),
                ("TOLLGATE_CONTENT_FROM", "path"),
                ("TOLLGATE_BASE_PATH", "/files"),
                ("TOLLGATE_DELIVERY", "presigned"),
                ("TOLLGATE_BUCKET", bucket::NAME),
            ],
        )?;
        let mut authorizer = function(
            "authorizer",
            &[
                ("TOLLGATE_ROLE", "authorizer"),
                ("TOLLGATE_BASE_PATH", "/files"),
                ("TOLLGATE_AUTHORIZER_CACHE", "off"),
            ],
        )?;

        let script = repo::root().join("lambda-adapter/local/gateway.mjs");
        let mut command = shell::tool("node", [script]);
        let gateway = Part::start("gateway", command.args(["--invoke", &invoke]))?;
        let address = part::address(&gateway.first()?, "address")?;
        // A function with invalid settings has reported an error by now.
        std::thread::sleep(SETTLED);
        for part in [&mut content, &mut files, &mut authorizer] {
            part.is_alive()?;
        }
        Ok(Api {
            _gateway: gateway,
            content,
            files,
            authorizer,
            _runtime: runtime,
            address,
            origin,
        })
    }

    /// Requests a file by its name, as a script of the page's origin does.
    pub(super) fn content(
        &self,
        report: &mut Report,
        what: &str,
        file: &str,
        token: Option<&str>,
        want: Want,
    ) -> Result<()> {
        let query = format!("fn={}", escaped(file));
        self.query(report, what, &query, token, &[], want)
    }

    /// Sends a request with this query.
    pub(super) fn query(
        &self,
        report: &mut Report,
        what: &str,
        query: &str,
        token: Option<&str>,
        more: &[(&str, &str)],
        want: Want,
    ) -> Result<()> {
        let mut headers = vec![("origin".to_owned(), self.origin.clone())];
        headers.extend(
            more.iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        );
        headers.extend(token.map(bearer));
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url: format!("http://{}/content?{query}", self.address),
            headers,
        };
        self.content.forget();
        report
            .ask(&ask, &want, || self.content.record())
            .map(|_| ())
    }
}

/// The runtime API of `cargo lambda watch`, which requires a package.
fn runtime(folder: &Path, cargo_lambda: &Path) -> Result<(Part, String)> {
    let package = folder.join("runtime");
    std::fs::create_dir_all(package.join("src/bin"))?;
    // It derives function names from the programs of its package, though it starts none of them.
    for name in FUNCTIONS {
        std::fs::write(package.join(format!("src/bin/{name}.rs")), "fn main() {}\n")?;
    }
    std::fs::write(
        package.join("Cargo.toml"),
        "[package]\nname = \"function\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )?;
    let address = tollgate_lab_http::free_address()?;
    let mut command = shell::tool(cargo_lambda, ["lambda", "watch", "--only-lambda-apis"]);
    command
        .args([
            "--ignore-changes",
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
        ])
        .arg(address.port().to_string())
        .env_remove("CARGO")
        .current_dir(&package);
    let mut runtime = Part::start("cargo-lambda", &mut command)?;
    runtime.listens(address, None)?;
    Ok((runtime, format!("http://{address}")))
}
