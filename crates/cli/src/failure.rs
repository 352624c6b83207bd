//! Failures that end a subcommand with exit code 2: usage errors and invalid input.
//!
//! Not here: the wording of their messages (`text.rs`).

mod text;

use core::fmt::Display;
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate_author::annotate::{self, Annotation};
use tollgate_author::format::FormatError;
use tollgate_author::pin::BadSite;
use tollgate_author::test_keys::TestKey;
use tollgate_compiler::SourceTree;
use tollgate_compiler::diagnostic::{Diagnostic, Severity, render};
use tollgate_crypto::image_key::{ImageKeyError, ImageKeyFailed};
use tollgate_gate::LoadError;
use tollgate_gate::signed::{SealError, SignedError, TrustError};
use tollgate_javascript::JavaScriptError;
use tollgate_javascript::budget::Cost;
use tollgate_mint::MintError;
use tollgate_policy::visible::visible_lines;
use tollgate_proxies::{Proxy, ProxyError};
use tollgate_publish::{PublishError, Stopped};
use tollgate_server::{AuthzError, BadPeer, BadUpstream, BindError, Listen};
use tollgate_token::{JwkError, KeyError, TokenError};

use crate::build::PartsError;
use crate::client::FetchError;
use crate::form::Form;
use crate::keys::NotPinned;
use crate::output::{self, BAD, NOTE, STRONG, StdoutError, print_json, styled, visible};
use crate::overwrite::OverwriteError;

pub(crate) use text::{counted, sized};

/// Why a subcommand failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file or directory could not be read.
    Read { path: PathBuf, error: io::Error },
    /// A file could not be written.
    Write { path: PathBuf, error: io::Error },
    /// A file that is not an earlier output would be lost.
    Overwrite(OverwriteError),
    /// Files that would be overwritten.
    Exists(Vec<PathBuf>),
    /// Files with changes that are not committed, which fixes would mix with theirs.
    NotCommitted(Vec<PathBuf>),
    /// Files that a new policy directory cannot contain.
    InTheWay(Vec<PathBuf>),
    /// The system has no random numbers.
    NoRandom(String),
    /// Standard output could not be written.
    Stdout(StdoutError),
    /// No policy was found in the default locations, which begin in this directory.
    NoPolicy(PathBuf),
    /// A directory has no file of a policy.
    NoFiles(PathBuf),
    /// A policy has no tests, or none that match the filter.
    NoTests,
    /// A policy does not compile, or its tests are invalid.
    Policy {
        findings: Vec<Diagnostic>,
        sources: Box<SourceTree>,
    },
    /// The policy has errors after fixes were applied. `fixes` are members for the JSON object.
    AfterFixes { failure: Box<Failure>, fixes: Value },
    /// A file is not a valid policy image.
    Image { path: PathBuf, error: LoadError },
    /// A policy cannot be analysed.
    Analysis {
        path: PathBuf,
        error: tollgate_analysis::PolicyError,
    },
    /// The files of a git revision cannot be read; `message` is git's.
    Git { name: String, message: String },
    /// Keys are invalid.
    Keys {
        path: PathBuf,
        errors: Vec<KeyError>,
    },
    /// One key is invalid.
    Key { path: PathBuf, error: JwkError },
    /// A private key is invalid.
    PrivateKey { path: PathBuf, error: MintError },
    /// A private key cannot sign policy images.
    ImageKey { path: PathBuf, error: ImageKeyError },
    /// A key or a signature could not be created.
    ImageSigning(ImageKeyFailed),
    /// Trust keys are invalid.
    Trust { path: PathBuf, error: TrustError },
    /// A signed image cannot be opened.
    Envelope(SignedError),
    /// The image cannot be signed with these options.
    Unsealable(SealError),
    /// The target has no image that could be signed.
    NotSignable,
    /// The policy is older than the one that it would replace.
    Rollback { path: PathBuf, error: SignedError },
    /// An argument has an invalid value.
    Argument {
        name: &'static str,
        value: String,
        problem: Problem,
    },
    /// An argument does not name a policy to compare.
    Side {
        name: &'static str,
        value: String,
        problem: &'static str,
        help: String,
    },
    /// No token could contain these claims.
    Claims(TokenError),
    /// Claims name an issuer that the policy does not list.
    UnknownIssuer { iss: String, known: Vec<String> },
    /// A token could not be created.
    Mint(MintError),
    /// The built parts of an artifact are missing. The path is that of the missing file.
    NoParts(PathBuf),
    /// The built parts are not those of this command.
    Parts(PartsError),
    /// The artifact cannot be packed.
    Pack(io::Error),
    /// The artifact is larger than the edge accepts.
    TooLarge { bytes: usize, limit: usize },
    /// The target requires a policy directory, but an image was given.
    NeedsFolder,
    /// The target requires an address that was not given.
    NeedsAddress { name: &'static str, target: String },
    /// No configuration can be generated for a proxy.
    Proxy(ProxyError),
    /// No script can be generated from the policy for an edge.
    Script(JavaScriptError),
    /// A policy file cannot be formatted.
    NotFormatted { path: PathBuf, error: FormatError },
    /// A policy has no private key for tests.
    NoTestKey { path: PathBuf, key_set: PathBuf },
    /// The coverage of the tests cannot be measured.
    Measure(tollgate_author::policy_gate::GateError),
    /// Settings cannot be imported.
    Import(tollgate_exchange::import::ImportError),
    /// A policy cannot be exported.
    Export(tollgate_exchange::cedar::UnsupportedPolicy),
    /// `site.toml` has no issuer whose keys could be fetched.
    NoSources { path: PathBuf, error: BadSite },
    /// Keys cannot be fetched, or are invalid.
    NotPinned(Vec<NotPinned>),
    /// No requests can be sent.
    Runtime(io::Error),
    /// A server cannot listen where an option says.
    Listen {
        option: &'static str,
        listen: Listen,
        error: io::Error,
    },
    /// The local edge cannot start.
    Bind(BindError),
    /// `authz` cannot start.
    Authz(AuthzError),
    /// `authz` would admit nobody.
    NoPeers,
    /// A policy at a URL has no trust keys.
    Untrusted(String),
    /// A policy cannot be fetched.
    PolicyUrl { url: String, error: FetchError },
    /// The target has no artifact that this command could build itself.
    NoArtifact(String),
    /// A policy with a test key is not published.
    TestKey(TestKey),
    /// Nothing can be published there.
    Publish(PublishError),
    /// A publication ended early.
    Stopped(Box<Stopped>),
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        Failure::Publish(error)
    }
}

impl From<Box<Stopped>> for Failure {
    fn from(stopped: Box<Stopped>) -> Self {
        Failure::Stopped(stopped)
    }
}

impl From<StdoutError> for Failure {
    fn from(error: StdoutError) -> Self {
        Failure::Stdout(error)
    }
}

impl From<OverwriteError> for Failure {
    fn from(error: OverwriteError) -> Self {
        Failure::Overwrite(error)
    }
}

impl From<PartsError> for Failure {
    fn from(error: PartsError) -> Self {
        Failure::Parts(error)
    }
}

/// What is wrong with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Address,
    Algorithm,
    Base64Url,
    Claim,
    Code,
    Flavour,
    Header,
    JsonObject,
    NoProxy,
    /// The path of a claim.
    ClaimPath,
    KeySet,
    OtherSite,
    Path(tollgate_core::PathError),
    Secret,
    NoPublicHalf,
    NotShared,
    KidInUse,
    Pool,
    IssuerUrl,
    Upstream(BadUpstream),
    Peer(BadPeer),
}

impl Failure {
    /// A stable, machine-readable code.
    fn code(&self) -> &'static str {
        match self {
            Failure::Read { .. } => "read",
            Failure::Write { .. } | Failure::Stdout(_) => "write",
            Failure::Overwrite(_) => "overwrite",
            Failure::Exists(_) | Failure::InTheWay(_) => "exists",
            Failure::NotCommitted(_) => "not_committed",
            Failure::NoRandom(_) => "random",
            Failure::NoPolicy(_) | Failure::NoFiles(_) => "no_policy",
            Failure::NoTests => "no_tests",
            Failure::Policy { .. } => "policy",
            Failure::AfterFixes { failure, .. } => failure.code(),
            Failure::Image {
                error: LoadError::Image(error),
                ..
            } => error.code(),
            Failure::Image {
                error: LoadError::Signed(error),
                ..
            }
            | Failure::Envelope(error)
            | Failure::Rollback { error, .. } => error.code(),
            Failure::Image { .. } => "image_config",
            Failure::Analysis { .. } => "image",
            Failure::Git { .. } => "git",
            Failure::Keys { .. } | Failure::Key { .. } => "keys",
            Failure::PrivateKey { .. } | Failure::ImageKey { .. } => "private_key",
            Failure::NoTestKey { .. } => "no_test_key",
            Failure::ImageSigning(_) => "signing",
            Failure::Trust { .. } => "trust",
            Failure::Unsealable(_) => "unsealable",
            Failure::NotSignable => "not_signable",
            Failure::Argument { .. } | Failure::Side { .. } => "argument",
            Failure::Claims(_) | Failure::UnknownIssuer { .. } => "claims",
            Failure::Mint(_) => "mint",
            Failure::NoParts(_) => "no_parts",
            Failure::Parts(error) => error.code(),
            Failure::Pack(_) => "pack",
            Failure::TooLarge { .. } => "too_large",
            Failure::NeedsFolder => "needs_folder",
            Failure::NeedsAddress { .. } => "needs_address",
            Failure::Proxy(_) => "proxy",
            Failure::Script(error) => error.code(),
            Failure::NotFormatted { .. } => "not_toml",
            Failure::Measure(_) => "measure",
            Failure::Import(_) => "import",
            Failure::Export(_) => "export",
            Failure::NoSources { .. } => "no_issuers",
            Failure::NotPinned(_) | Failure::Runtime(_) => "fetch",
            Failure::Listen { .. } | Failure::Bind(_) | Failure::Authz(_) => "listen",
            Failure::NoPeers => "no_peers",
            Failure::Untrusted(_) => "no_trust",
            Failure::PolicyUrl { .. } => "fetch",
            Failure::NoArtifact(_) => "no_artifact",
            Failure::TestKey(_) => "test_key",
            Failure::Publish(error) => error.code(),
            Failure::Stopped(stopped) => stopped.error.code(),
        }
    }

    /// Help that depends only on the kind of failure.
    fn help(&self) -> Option<&'static str> {
        match self {
            Failure::Overwrite(error) => Some(error.refused.help()),
            Failure::Exists(_) => {
                Some("nothing was written; choose another name, or move what exists")
            }
            Failure::NotCommitted(_) => Some(
                "nothing was written; commit them, look at the fixes with `--fix --dry-run`, or apply them anyway with \
                 `--fix --allow-dirty`",
            ),
            Failure::InTheWay(_) => Some(
                "nothing was written; create the site in a directory of its own, such as `policy`",
            ),
            Failure::NoPolicy(_) | Failure::NoFiles(_) => Some(
                "give the directory that contains `site.toml` as the argument DIR, or create a policy with `tollgate init policy`",
            ),
            Failure::NoTests => {
                Some("tests are in `*.test.toml` files next to the files that they test")
            }
            Failure::Keys { .. } => {
                Some("remove the invalid keys, or skip them with a warning: `--lenient-jwks`")
            }
            Failure::Argument { problem, .. } => Some(problem.help()),
            Failure::Import(error) => error.help(),
            Failure::UnknownIssuer { .. } => {
                Some("use the `iss` of one of them, or omit `iss` to use the first issuer")
            }
            Failure::Trust {
                error: TrustError::Keys(_),
                ..
            } => Some("give every key its own ID: `--key-id`"),
            Failure::ImageKey { .. } => Some("`tollgate keygen` generates a key for policy images"),
            Failure::NotSignable => Some(
                "its code is generated from the policy: sign the code with the tools of the edge platform",
            ),
            Failure::Rollback {
                error: SignedError::Unsigned,
                ..
            } => Some(
                "sign it: `--sign FILE --key-id ID --policy-version VERSION`; to replace a signed policy with an \
                 unsigned one: `--allow-rollback`",
            ),
            Failure::Rollback { .. } => {
                Some("give it a later version; to roll back anyway: `--allow-rollback`")
            }
            Failure::NotFormatted { error, .. } => Some(match error {
                FormatError::NotToml => "run `tollgate check` to list its errors",
                FormatError::Unsupported => {
                    "write inline tables on one line, and no comma after their last entry"
                }
            }),
            Failure::NoSources {
                error: BadSite::NotToml,
                ..
            } => Some("run `tollgate check` to list its errors"),
            Failure::NoSources { .. } => {
                Some("add an `[[issuer]]` with `name` and `issuer = \"https://…\"`")
            }
            Failure::NotPinned(_) => {
                Some("no file was written; to fetch for one issuer only: `--issuer NAME`")
            }
            Failure::Export(_) => Some("rewrite the rule, or remove it before exporting"),
            Failure::NeedsAddress { .. } => Some(
                "a proxy needs three addresses: `--listen 127.0.0.1:8080 --authz 127.0.0.1:9000 --upstream \
                 http://127.0.0.1:8081`",
            ),
            Failure::Proxy(ProxyError::Addresses(Proxy::GatewayApi)) => Some(
                "write services: `--authz NAME.NAMESPACE:PORT` and `--upstream http://NAME.NAMESPACE:PORT`",
            ),
            Failure::Proxy(ProxyError::Addresses(_)) => {
                Some("let `tollgate authz` listen on an IP address, and write `--authz HOST:PORT`")
            }
            Failure::NoParts(_) => Some(
                "the command of a release contains them, and `cargo install` builds the command alone: install from npm, \
                 PyPI, a `.deb` or an archive, or unpack the `tollgate-parts` archive of the same release and pass \
                 `--parts DIR`; in a clone of the repository: `cargo xtask build`",
            ),
            Failure::Parts(error) => Some(error.help()),
            Failure::TooLarge { .. } => Some(
                "`tollgate check` reports the sizes; split the policy, or build it for another target",
            ),
            Failure::Bind(BindError::NotLoopback(_)) => {
                Some("listen on `127.0.0.1`, or allow it with `--allow-remote`")
            }
            Failure::Untrusted(_) => Some(
                "sign the image with `tollgate build --sign`, and pass the keys with `--trust`",
            ),
            Failure::NoArtifact(_) => Some("give the finished zip: `--artifact FILE`"),
            Failure::NoPeers => Some(
                "list the proxies that may connect, such as `--peers 127.0.0.1 10.0.0.0/8`, or listen on a Unix socket",
            ),
            _ => None,
        }
    }

    /// Help, including help that depends on the arguments.
    fn advice(&self) -> Option<Cow<'_, str>> {
        match self {
            Failure::Side { help, .. } => Some(help.into()),
            Failure::NoTestKey { path, key_set } => Some(
                format!(
                    "generate one with `tollgate keys new -o {} --jwks {}`, or name another file with `--key`",
                    path.display(),
                    key_set.display()
                )
                .into(),
            ),
            Failure::Listen {
                option,
                listen,
                error,
            } => listen_help(option, listen, error.kind()).map(Cow::Owned),
            Failure::TestKey(key) => Some(
                format!(
                    "{}; for a site without real users: `--allow-test-keys`",
                    key.cure()
                )
                .into(),
            ),
            Failure::Publish(error) => Some(error.help().into()),
            Failure::Stopped(stopped) => Some(stopped.error.help().into()),
            _ => self.help().map(Cow::Borrowed),
        }
    }

    /// The individual errors, one object each, for failures that have several.
    fn diagnostics(&self) -> Vec<Value> {
        match self {
            Failure::Policy { findings, sources } => findings
                .iter()
                .map(|finding| render::json(finding, sources))
                .collect(),
            Failure::Keys { errors, .. }
            | Failure::Image {
                error: LoadError::Keys(errors),
                ..
            } => errors.iter().map(key_json).collect(),
            Failure::NotPinned(problems) => problems.iter().map(NotPinned::to_json).collect(),
            Failure::Script(error) => error.costs().iter().map(cost_json).collect(),
            Failure::Exists(paths) | Failure::InTheWay(paths) | Failure::NotCommitted(paths) => {
                paths
                    .iter()
                    .map(|path| json!({ "file": path.to_string_lossy() }))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The failure as annotations: the errors of a policy with their locations, or else the failure itself.
    fn annotations(&self) -> Vec<Annotation> {
        if let Failure::Policy { findings, sources } = self {
            return annotate::diagnostics(findings, sources);
        }
        vec![Annotation {
            kind: annotate::FAILED,
            severity: Severity::Error,
            message: self.to_string(),
            help: self.advice().into_iter().map(Cow::into_owned).collect(),
            file: String::new(),
            region: None,
            excerpt: String::new(),
            fixes: Vec::new(),
        }]
    }

    /// Reports the failure, and returns the exit code.
    pub(crate) fn report(&self, form: Form) -> ExitCode {
        match self {
            Failure::AfterFixes { failure, fixes } => failure.report_with(form, fixes),
            _ => self.report_with(form, &Value::Null),
        }
    }

    /// `more` are members for the JSON object.
    fn report_with(&self, form: Form, more: &Value) -> ExitCode {
        // If standard output is closed, only the exit code remains.
        let _ = form.print(&self.annotations());
        if matches!(form, Form::Sarif | Form::Gitlab) {
            return ExitCode::from(2);
        }
        if form == Form::Json {
            let mut error = json!({ "code": self.code(), "message": self.to_string() });
            if let (Some(help), Some(error)) = (self.advice(), error.as_object_mut()) {
                error.insert("help".to_owned(), help.into());
            }
            let mut object = json!({ "error": error, "diagnostics": self.diagnostics() });
            if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
                object.extend(more.clone());
            }
            let _ = print_json(object);
            return ExitCode::from(2);
        }
        if let (Failure::Policy { findings, sources }, Form::Human) = (self, form) {
            print_findings(findings, sources);
        }
        let label = match self {
            Failure::Script(error) => format!("error[{}]", error.code()),
            _ => "error".to_owned(),
        };
        let message = visible_lines(&self.to_string());
        output::note(format_args!("{}: {message}", styled(BAD, label)));
        if let Failure::NotPinned(problems) = self {
            for problem in problems {
                output::note(format_args!("  {}", visible(&problem.to_string())));
                for help in problem.help() {
                    let help = visible(&help);
                    output::note(format_args!("    {}: {help}", styled(STRONG, "help")));
                }
            }
        }
        if let Failure::Keys { errors, .. } = self {
            for error in errors {
                output::note(format_args!("  {}", visible(&error.to_string())));
            }
        }
        if let Some(help) = self.advice() {
            let help = visible(&help);
            output::note(format_args!("{}: {help}", styled(STRONG, "help")));
        }
        ExitCode::from(2)
    }
}

/// What to write instead of an address or a socket that cannot be used.
fn listen_help(option: &str, listen: &Listen, kind: io::ErrorKind) -> Option<String> {
    Some(match (kind, listen) {
        (io::ErrorKind::AddrInUse, Listen::Tcp(addr)) => {
            let mut other = *addr;
            other.set_port(addr.port().checked_add(1).unwrap_or(8_080));
            format!(
                "stop the process that listens there, or choose another port, such as `{option} {other}`"
            )
        }
        (io::ErrorKind::AddrInUse, Listen::Unix { .. }) => {
            format!(
                "stop the process that listens there, or choose another socket: `{option} unix:PATH`"
            )
        }
        (io::ErrorKind::AddrNotAvailable, Listen::Tcp(addr)) => format!(
            "write an address of this machine, or `{option} 0.0.0.0:{0}` for all of them, or `{option} 127.0.0.1:{0}` for \
             itself only",
            addr.port()
        ),
        (io::ErrorKind::PermissionDenied, Listen::Tcp(addr)) => {
            let mut other = *addr;
            other.set_port(8_080);
            format!("choose a port above 1023, such as `{option} {other}`")
        }
        (io::ErrorKind::PermissionDenied, Listen::Unix { .. }) => {
            "choose a directory in which this user may create files".to_owned()
        }
        (io::ErrorKind::NotFound, _) => "create the directory of the socket first".to_owned(),
        _ => return None,
    })
}

/// Prints diagnostics to standard error.
pub(crate) fn print_findings(findings: &[Diagnostic], sources: &SourceTree) {
    let style = output::diagnostic_style();
    for finding in findings {
        let text = render::text(finding, sources, style);
        output::note(output::trusted(&text) + "\n");
    }
    let fixable = findings
        .iter()
        .filter(|finding| finding.safe_fix().is_some());
    match fixable.count() {
        0 => {}
        count => output::note(format_args!(
            "{}: `tollgate check --fix` can fix {count} of {}\n",
            styled(STRONG, "help"),
            counted(findings.len(), "diagnostic"),
        )),
    }
}

/// Prints a warning to standard error.
pub(crate) fn warn_of(failure: &Failure) -> String {
    match failure {
        Failure::Policy { findings, .. } => {
            let errors = findings.iter().filter(|finding| finding.is_error());
            let texts: Vec<String> = errors
                .map(|finding| match finding.file.as_str() {
                    "" => finding.message.clone(),
                    file => format!("{file}: {}", finding.message),
                })
                .collect();
            format!("{failure}: {}", texts.join("; "))
        }
        _ => failure.to_string(),
    }
}

/// Prints a warning.
pub(crate) fn warn(text: impl Display) {
    let text = visible_lines(&text.to_string());
    output::note(format_args!("{}: {text}", styled(NOTE, "warning")));
}

/// Prints a clap usage error or the requested help, and returns the exit code.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let json = error.use_stderr() && std::env::args_os().any(|arg| arg == "--json");
    if json {
        let text = error.to_string();
        let message = text.trim_end();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let error = json!({ "error": { "code": "usage", "message": message }, "diagnostics": [] });
        let _ = print_json(&error);
    } else {
        // The message contains arguments verbatim.
        let is_clean = std::env::args_os()
            .all(|argument| visible(&argument.to_string_lossy()) == argument.to_string_lossy());
        let text = match is_clean {
            true => output::trusted(&error.render().ansi().to_string()),
            false => error.render().to_string(),
        };
        let text = text.trim_end();
        if error.use_stderr() {
            output::note(text);
        } else {
            // A closed pipe does not change the exit code.
            let _ = output::print(text);
        }
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn cost_json(cost: &Cost) -> Value {
    json!({ "bytes": cost.bytes, "what": cost.what, "rules": cost.rules })
}

fn key_json(error: &KeyError) -> Value {
    json!({
        "code": error.fault.code(),
        "severity": "error",
        "message": error.to_string(),
        "issuer": error.issuer,
        "index": error.index,
        "kid": error.kid,
    })
}
