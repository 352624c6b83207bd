//! Everything that ends a verb with exit code 2: wrong use, or input that cannot be used.

use core::fmt::{self, Display};
use core::net::SocketAddr;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate_author::format::FormatError;
use tollgate_compiler::SourceTree;
use tollgate_compiler::diagnostic::{Diagnostic, render};
use tollgate_crypto::image_key::{ImageKeyError, ImageKeyFailed};
use tollgate_gate::LoadError;
use tollgate_gate::signed::{SealError, SignedError, TrustError};
use tollgate_javascript::JavaScriptError;
use tollgate_javascript::budget::Cost;
use tollgate_local_edge::{BadUpstream, BindError};
use tollgate_mint::MintError;
use tollgate_policy::visible::visible_lines;
use tollgate_token::{JwkError, KeyError, TokenError};

use crate::output::{self, BAD, NOTE, STRONG, StdoutError, print_json, styled, visible};
use crate::overwrite::OverwriteError;

/// Why a verb could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file or folder could not be read.
    Read { path: PathBuf, error: io::Error },
    /// A file could not be written.
    Write { path: PathBuf, error: io::Error },
    /// Something else than an earlier output would be lost.
    Overwrite(OverwriteError),
    /// Standard output could not be written.
    Stdout(StdoutError),
    /// Nothing that could be a policy stands at the default places.
    NoPolicy,
    /// A policy folder has no tests, or the filter leaves none.
    NoTests,
    /// A policy folder does not compile, or its tests cannot be read.
    Policy {
        findings: Vec<Diagnostic>,
        sources: Box<SourceTree>,
    },
    /// A file is not a policy image that can be used.
    Image { path: PathBuf, error: LoadError },
    /// A policy cannot be analysed.
    Analysis {
        path: PathBuf,
        error: tollgate_analysis::PolicyError,
    },
    /// The files of a git revision cannot be had; what git said.
    Git { name: String, said: String },
    /// Keys are refused.
    Keys {
        path: PathBuf,
        errors: Vec<KeyError>,
    },
    /// One key is refused.
    Key { path: PathBuf, error: JwkError },
    /// A private key cannot be used.
    PrivateKey { path: PathBuf, error: MintError },
    /// A private key cannot sign policy images.
    ImageKey { path: PathBuf, error: ImageKeyError },
    /// A key or a signature could not be made.
    ImageSigning(ImageKeyFailed),
    /// Trust keys cannot be used.
    Trust { path: PathBuf, error: TrustError },
    /// A signed image that cannot be opened.
    Envelope(SignedError),
    /// The image cannot be signed so.
    Unsealable(SealError),
    /// The target has no image that could be signed.
    NotSignable,
    /// The policy is older than the one that it would replace.
    Rollback { path: PathBuf, error: SignedError },
    /// An argument's value cannot be used.
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
    /// Claims are not what a token could carry.
    Claims(TokenError),
    /// Claims name an issuer that the policy does not list.
    UnknownIssuer { iss: String, known: Vec<String> },
    /// A token could not be made.
    Mint(MintError),
    /// What an edge's artifact is joined from is not there; the path is what was looked for.
    NoParts(PathBuf),
    /// The artifact cannot be packed.
    Pack(io::Error),
    /// The artifact is larger than its edge takes.
    TooLarge { bytes: usize, limit: usize },
    /// The target is made from a policy folder, and an image was given.
    NeedsFolder,
    /// The policy cannot become the script of an edge.
    Script(JavaScriptError),
    /// A policy file has no layout.
    NotFormatted { path: PathBuf, error: FormatError },
    /// Tests cannot be measured.
    Measure(tollgate_author::policy_gate::GateError),
    /// A source of other settings cannot be used.
    Import(tollgate_exchange::import::ImportError),
    /// A policy cannot be said in another language.
    Export(tollgate_exchange::cedar::UnsupportedPolicy),
    /// The local edge cannot listen.
    Bind {
        listen: SocketAddr,
        error: BindError,
    },
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
    /// Names that lead to a claim.
    ClaimPath,
    KeySet,
    OtherSite,
    Path(tollgate_core::PathError),
    Secret,
    Upstream(BadUpstream),
}

impl Failure {
    /// A stable code for programs.
    fn code(&self) -> &'static str {
        match self {
            Failure::Read { .. } => "read",
            Failure::Write { .. } | Failure::Stdout(_) => "write",
            Failure::Overwrite(_) => "overwrite",
            Failure::NoPolicy => "no_policy",
            Failure::NoTests => "no_tests",
            Failure::Policy { .. } => "policy",
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
            Failure::ImageSigning(_) => "signing",
            Failure::Trust { .. } => "trust",
            Failure::Unsealable(_) => "unsealable",
            Failure::NotSignable => "not_signable",
            Failure::Argument { .. } | Failure::Side { .. } => "argument",
            Failure::Claims(_) | Failure::UnknownIssuer { .. } => "claims",
            Failure::Mint(_) => "mint",
            Failure::NoParts(_) => "no_parts",
            Failure::Pack(_) => "pack",
            Failure::TooLarge { .. } => "too_large",
            Failure::NeedsFolder => "needs_folder",
            Failure::Script(error) => error.code(),
            Failure::NotFormatted { .. } => "not_toml",
            Failure::Measure(_) => "measure",
            Failure::Import(_) => "import",
            Failure::Export(_) => "export",
            Failure::Bind { .. } => "listen",
        }
    }

    /// What to do about it, where that is known.
    fn help(&self) -> Option<&'static str> {
        match self {
            Failure::Overwrite(error) => Some(error.refused.help()),
            Failure::NoPolicy => Some("give the folder that holds `site.toml`"),
            Failure::NoTests => Some("tests stand in `*.test.toml` beside the files they test"),
            Failure::Keys { .. } => {
                Some("remove the bad keys, or skip them with a warning: `--lenient-jwks`")
            }
            Failure::Argument { problem, .. } => Some(problem.help()),
            Failure::Import(error) => error.help(),
            Failure::UnknownIssuer { .. } => {
                Some("write the `iss` of one of them, or leave `iss` out for the first")
            }
            Failure::Trust {
                error: TrustError::Keys(_),
                ..
            } => Some("give every key a name of its own: `--key-id`"),
            Failure::ImageKey { .. } => Some("`tollgate keygen` makes a key for policy images"),
            Failure::NotSignable => Some(
                "its code is generated from the policy: sign what you publish with the means of the edge",
            ),
            Failure::Rollback {
                error: SignedError::Unsigned,
                ..
            } => Some(
                "sign it like the one before: `--sign FILE --key-id ID --policy-version VERSION`; to replace \
                 that by an unsigned one: `--allow-rollback`",
            ),
            Failure::Rollback { .. } => {
                Some("give it a later version; to go back all the same: `--allow-rollback`")
            }
            Failure::NotFormatted { error, .. } => Some(match error {
                FormatError::NotToml => "run `tollgate check` to see what is wrong with it",
                FormatError::Unsupported => {
                    "write inline tables on one line, and no comma after their last entry"
                }
            }),
            Failure::Export(_) => {
                Some("write the rule in another way, or leave it out of the export")
            }
            Failure::NoParts(_) => {
                Some("`cargo xtask build` makes the parts; `--parts DIR` says where they are")
            }
            Failure::TooLarge { .. } => Some(
                "`tollgate check` tells what the policy weighs; split it, or serve it elsewhere",
            ),
            Failure::Bind {
                error: BindError::NotLoopback(_),
                ..
            } => Some("listen on `127.0.0.1`, or permit it with `--allow-remote`"),
            _ => None,
        }
    }

    /// What to do about it, also where that depends on what was given.
    fn advice(&self) -> Option<&str> {
        match self {
            Failure::Side { help, .. } => Some(help),
            _ => self.help(),
        }
    }

    /// The parts, one object each, for failures that have several.
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
            Failure::Script(error) => error.costs().iter().map(cost_json).collect(),
            _ => Vec::new(),
        }
    }

    /// Tells people or programs, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let mut error = json!({ "code": self.code(), "message": self.to_string() });
            if let (Some(help), Some(error)) = (self.advice(), error.as_object_mut()) {
                error.insert("help".to_owned(), help.into());
            }
            // If standard output is gone, the exit code is all that is left to say.
            let _ = print_json(json!({ "error": error, "diagnostics": self.diagnostics() }));
            return ExitCode::from(2);
        }
        if let Failure::Policy { findings, sources } = self {
            print_findings(findings, sources);
        }
        let label = match self {
            Failure::Script(error) => format!("error[{}]", error.code()),
            _ => "error".to_owned(),
        };
        let message = visible_lines(&self.to_string());
        output::note(format_args!("{}: {message}", styled(BAD, label)));
        if let Failure::Keys { errors, .. } = self {
            for error in errors {
                output::note(format_args!("  {}", visible(&error.to_string())));
            }
        }
        if let Some(help) = self.advice() {
            let help = visible(help);
            output::note(format_args!("{}: {help}", styled(STRONG, "help")));
        }
        ExitCode::from(2)
    }
}

/// Prints diagnostics for people.
pub(crate) fn print_findings(findings: &[Diagnostic], sources: &SourceTree) {
    let style = output::diagnostic_style();
    for finding in findings {
        let text = render::text(finding, sources, style);
        output::note(output::trusted(&text) + "\n");
    }
}

/// Prints a warning for people.
pub(crate) fn warn(text: impl Display) {
    let text = visible_lines(&text.to_string());
    output::note(format_args!("{}: {text}", styled(NOTE, "warning")));
}

/// Tells what clap found wrong, or shows the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let json = error.use_stderr() && std::env::args_os().any(|arg| arg == "--json");
    if json {
        let text = error.to_string();
        let message = text.trim_end();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let error = json!({ "error": { "code": "usage", "message": message }, "diagnostics": [] });
        let _ = print_json(&error);
    } else {
        // Arguments are part of the message, as they are.
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
            // A closed pipe is no reason for another exit code.
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Read { path, error } => {
                write!(f, "cannot read `{}`: {}", path.display(), io_text(error))
            }
            Failure::Write { path, error } => {
                write!(f, "cannot write `{}`: {}", path.display(), io_text(error))
            }
            Failure::Overwrite(OverwriteError { path, refused }) => {
                write!(f, "refused to write `{}`: {refused}", path.display())
            }
            Failure::Stdout(StdoutError(error)) => {
                write!(f, "cannot write the result: {}", io_text(error))
            }
            Failure::NoPolicy => f.write_str(
                "no policy found: `site.toml` is neither here, nor in `policy`, nor in a folder above",
            ),
            Failure::NoTests => f.write_str("there is no test to run"),
            Failure::Policy { findings, .. } => {
                let errors = findings.iter().filter(|finding| finding.is_error()).count();
                write!(f, "{}", counted(errors, "mistake"))?;
                f.write_str(" in the policy folder, so nothing was done")
            }
            Failure::Image { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Analysis { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Git { name, said } => write!(f, "cannot read `{name}` from git: {said}"),
            Failure::Keys { path, errors } => {
                write!(
                    f,
                    "{} in `{}`",
                    counted(errors.len(), "bad key"),
                    path.display()
                )
            }
            Failure::Key { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::PrivateKey { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::ImageKey { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::ImageSigning(error) => write!(f, "{error}"),
            Failure::Trust {
                path,
                error: TrustError::Keys(errors),
            } => {
                // Both of two keys of one name are named by their name.
                let mut texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                texts.dedup();
                let texts = texts.join("; ");
                write!(f, "`{}`: the trust keys are rejected: {texts}", path.display())
            }
            Failure::Trust { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Envelope(error) => {
                write!(f, "the policy image is rejected: {error} ({})", error.code())
            }
            Failure::Unsealable(error) => write!(f, "the image cannot be signed: {error}"),
            Failure::NotSignable => {
                f.write_str("this target has no policy image that could be signed")
            }
            Failure::Rollback { path, error } => {
                write!(f, "the policy cannot replace `{}`: {error}", path.display())
            }
            Failure::Argument {
                name,
                value,
                problem,
            } => {
                write!(f, "`{value}` cannot be used for `{name}`: {problem}")
            }
            Failure::Side {
                name,
                value,
                problem,
                ..
            } => write!(f, "`{value}` cannot be used for `{name}`: {problem}"),
            Failure::UnknownIssuer { iss, known } => {
                let known: Vec<String> = known.iter().map(|iss| format!("`{iss}`")).collect();
                write!(
                    f,
                    "no issuer of the policy has the `iss` `{iss}`; its issuers have {}",
                    known.join(", ")
                )
            }
            Failure::Claims(error) => write!(f, "no token could carry these claims: {error}"),
            Failure::Mint(error) => write!(f, "the token cannot be made: {error}"),
            Failure::NeedsFolder => {
                f.write_str("this target is made from a policy folder, not from an image")
            }
            Failure::Script(error) => write!(f, "{error}"),
            Failure::NotFormatted { path, error } => {
                write!(f, "`{}` cannot be formatted: {error}", path.display())
            }
            Failure::Measure(error) => write!(f, "the tests cannot be measured: {error}"),
            Failure::Import(error) => write!(f, "{error}"),
            Failure::Export(error) => write!(f, "{error}"),
            Failure::NoParts(path) => {
                write!(
                    f,
                    "the parts of this target are not built, or not all of them: no file `{}`",
                    path.display()
                )
            }
            Failure::Pack(error) => write!(f, "cannot pack the artifact: {}", io_text(error)),
            Failure::TooLarge { bytes, limit } => {
                write!(
                    f,
                    "the artifact has {}; its edge takes {}",
                    sized(*bytes),
                    sized(*limit)
                )
            }
            Failure::Bind {
                listen,
                error: BindError::Io(error),
            } => {
                write!(f, "cannot listen on `{listen}`: {}", io_text(error))
            }
            Failure::Bind { error, .. } => write!(f, "{error}"),
        }
    }
}

impl Problem {
    fn help(self) -> &'static str {
        match self {
            Problem::Address => "write an IPv4 or IPv6 address, such as `203.0.113.7`",
            Problem::Algorithm => {
                "the algorithms are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, \
                 HS256, HS384 and HS512"
            }
            Problem::Base64Url => "the file holds the secret as base64url text without padding",
            Problem::Code => "codes look like `TG0710`; `--explain all` lists them",
            Problem::Claim => {
                "write `name=value`; a value that is JSON is taken as JSON, else as text"
            }
            Problem::Flavour => "only `--target lambda-edge` has flavours",
            Problem::Header => "write `name: value`",
            Problem::JsonObject => "write one JSON object, such as `{\"sub\":\"alice\"}`",
            Problem::ClaimPath => {
                "write the name of a claim, or `[\"realm_access\",\"roles\"]` for one inside another"
            }
            Problem::KeySet => {
                "save one private key of it, a JSON object with `kty` and `d` or `k`, as a file of its own"
            }
            Problem::OtherSite => "trust keys are for one site: name another file for `--trust`",
            Problem::Path(_) => {
                "write the path as a browser sends it, such as `/courses/rust-101/`"
            }
            Problem::Secret => "write `KID=FILE`",
            Problem::Upstream(_) => "write `http://host:port`",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::Address => "not an IP address",
            Problem::Algorithm => "not a known algorithm",
            Problem::Base64Url => "not base64url",
            Problem::Claim => "not a claim",
            Problem::Code => "not a code",
            Problem::Flavour => "this target has one form only",
            Problem::Header => "not a header field",
            Problem::JsonObject => "not a JSON object",
            Problem::ClaimPath => "not a JSON array of names",
            Problem::KeySet => "it is a key set, not a private key",
            Problem::OtherSite => "the trust keys are for another site",
            Problem::Path(problem) => return write!(f, "{problem}"),
            Problem::Secret => "not a secret",
            Problem::Upstream(problem) => return write!(f, "{problem}"),
        })
    }
}

/// `1 mistake`, `2 mistakes`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `1 byte`, `1234567 bytes`.
pub(crate) fn sized(bytes: usize) -> String {
    counted(bytes, "byte")
}

/// What the system said, in the style of the other messages.
fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is nothing of this name".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::DirectoryNotEmpty => {
            "it holds files that this build does not make".to_owned()
        }
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        io::ErrorKind::AlreadyExists => "it is there already".to_owned(),
        io::ErrorKind::AddrInUse => "the address is in use".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}
