//! The messages of failures, and the help of arguments.
//!
//! Not here: help that depends on the kind of failure, and reporting ([`super`]).

use core::fmt;
use std::io;

use tollgate_gate::signed::TrustError;

use super::{Failure, Problem};
use crate::output::{StdoutError, visible};
use crate::overwrite::OverwriteError;

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
            Failure::Exists(paths) => {
                let names = paths.iter().map(|path| format!("`{}`", path.display()));
                let names: Vec<String> = names.collect();
                let verb = if paths.len() == 1 { "exists" } else { "exist" };
                write!(f, "{} already {verb}", names.join(", "))
            }
            Failure::InTheWay(paths) => {
                let names = paths.iter().map(|path| format!("`{}`", path.display()));
                let names: Vec<String> = names.collect();
                write!(
                    f,
                    "the directory contains files that would be read as part of the policy: {}",
                    names.join(", ")
                )
            }
            Failure::NotCommitted(paths) => {
                let names = paths.iter().map(|path| format!("`{}`", path.display()));
                let names: Vec<String> = names.collect();
                write!(
                    f,
                    "these files have changes that are not committed, or are not in git, so the fixes could not be undone: {}",
                    names.join(", ")
                )
            }
            Failure::NoRandom(error) => {
                write!(f, "the system provides no random numbers: {error}")
            }
            Failure::Stdout(StdoutError(error)) => {
                write!(f, "cannot write the result: {}", io_text(error))
            }
            Failure::NoPolicy(here) => write!(
                f,
                "no policy found: `site.toml` is neither in `{0}`, nor in `{0}/policy`, nor in a parent directory",
                visible(here.to_string_lossy().trim_end_matches('/'))
            ),
            Failure::NoFiles(folder) => write!(
                f,
                "`{}` has no file of a policy: no `site.toml`, and no `*.toml` in `courses`",
                visible(&folder.to_string_lossy())
            ),
            Failure::NoTests => f.write_str("no tests to run"),
            Failure::Policy { findings, .. } => {
                let errors = findings.iter().filter(|finding| finding.is_error()).count();
                let errors = counted(errors, "error");
                write!(f, "aborting due to {errors} in the policy directory")
            }
            Failure::AfterFixes { failure, .. } => failure.fmt(f),
            Failure::Image { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Analysis { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Git { name, message } => write!(f, "cannot read `{name}` from git: {message}"),
            Failure::Keys { path, errors } => {
                write!(
                    f,
                    "{} in `{}`",
                    counted(errors.len(), "invalid key"),
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
                // Two keys with the same ID have the same message.
                let mut texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                texts.dedup();
                let texts = texts.join("; ");
                write!(
                    f,
                    "`{}`: the trust keys are rejected: {texts}",
                    path.display()
                )
            }
            Failure::Trust { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::Envelope(error) => {
                write!(
                    f,
                    "the policy image is rejected: {error} ({})",
                    error.code()
                )
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
                write!(f, "invalid value `{value}` for `{name}`: {problem}")
            }
            Failure::Side {
                name,
                value,
                problem,
                ..
            } => write!(f, "invalid value `{value}` for `{name}`: {problem}"),
            Failure::UnknownIssuer { iss, known } => {
                let known: Vec<String> = known.iter().map(|iss| format!("`{iss}`")).collect();
                write!(
                    f,
                    "no issuer of the policy has the `iss` `{iss}`; its issuers have {}",
                    known.join(", ")
                )
            }
            Failure::Claims(error) => write!(f, "no token could contain these claims: {error}"),
            Failure::Mint(error) => write!(f, "cannot create the token: {error}"),
            Failure::NeedsFolder => {
                f.write_str("this target is built from a policy directory, not from an image")
            }
            Failure::NeedsAddress { name, target } => {
                write!(f, "`--target {target}` requires `{name}`")
            }
            Failure::Proxy(error) => write!(f, "{error}"),
            Failure::Script(error) => write!(f, "{error}"),
            Failure::NotFormatted { path, error } => {
                write!(f, "`{}` cannot be formatted: {error}", path.display())
            }
            Failure::NoTestKey { path, .. } => write!(
                f,
                "the issuer has no private key for tests: no file `{}`",
                path.display()
            ),
            Failure::Measure(error) => {
                write!(f, "cannot measure the coverage of the tests: {error}")
            }
            Failure::Import(error) => write!(f, "{error}"),
            Failure::Export(error) => write!(f, "{error}"),
            Failure::NoParts(path) => {
                write!(
                    f,
                    "the parts of this target are not built, or are incomplete: no file `{}`",
                    path.display()
                )
            }
            Failure::Parts(error) => write!(f, "{error}"),
            Failure::Pack(error) => write!(f, "cannot pack the artifact: {}", io_text(error)),
            Failure::TooLarge { bytes, limit } => {
                write!(
                    f,
                    "the artifact is {}; the limit for this target is {}",
                    sized(*bytes),
                    sized(*limit)
                )
            }
            Failure::NoSources { path, error } => write!(f, "`{}`: {error}", path.display()),
            Failure::NotPinned(problems) => {
                let issuers = counted(problems.len(), "issuer");
                write!(f, "cannot fetch the keys of {issuers}")
            }
            Failure::Runtime(error) => write!(f, "cannot send requests: {}", io_text(error)),
            Failure::Listen {
                option,
                listen,
                error,
            } => {
                let listen = crate::authz::shown(listen);
                write!(
                    f,
                    "cannot listen on `{}` (`{option}`): {}",
                    visible(&listen),
                    io_text(error)
                )
            }
            Failure::Bind(error) => write!(f, "{error}"),
            Failure::Authz(error) => write!(f, "{error}"),
            Failure::Untrusted(url) => write!(
                f,
                "the policy at `{}` is not verified: anyone who controls that server can replace it",
                visible(url)
            ),
            Failure::PolicyUrl { url, error } => write!(f, "`{}`: {error}", visible(url)),
            Failure::TestKey(key) => {
                write!(
                    f,
                    "{} (TG0740): {}",
                    visible(&key.to_string()),
                    key.danger()
                )
            }
            Failure::NoArtifact(target) => write!(
                f,
                "the package of target `{target}` contains a program, which this command does not build"
            ),
            Failure::Publish(error) => write!(f, "{error}"),
            Failure::Stopped(stopped) => {
                let tollgate_publish::Stopped {
                    step,
                    of,
                    what,
                    in_force,
                    error,
                } = &**stopped;
                write!(f, "step {step} of {of}, {what}: {error}\n{in_force}")
            }
            Failure::NoPeers => f.write_str("`--peers` is missing, and there is no default"),
        }
    }
}

impl Problem {
    pub(super) fn help(self) -> &'static str {
        match self {
            Problem::Address => "write an IPv4 or IPv6 address, such as `203.0.113.7`",
            Problem::Algorithm => {
                "the algorithms are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, \
                 HS256, HS384 and HS512"
            }
            Problem::Base64Url => "the file holds the secret as base64url text without padding",
            Problem::Code => "codes look like `TG0710`; `--explain all` lists them",
            Problem::Claim => "write `name=value`; the value is JSON, or else a string",
            Problem::Flavour => "only `--target lambda-edge` has flavours",
            Problem::Header => "write `name: value`",
            Problem::NoProxy => {
                "only the targets of proxies have addresses, such as `--target nginx`"
            }
            Problem::JsonObject => "write a JSON object, such as `{\"sub\":\"alice\"}`",
            Problem::ClaimPath => {
                "write the name of a claim, or `[\"realm_access\",\"roles\"]` for one inside another"
            }
            Problem::KeySet => {
                "save one private key of it, a JSON object with `kty` and `d` or `k`, in its own file"
            }
            Problem::OtherSite => "trust keys are for one site: name another file for `--trust`",
            Problem::Path(_) => {
                "write the path as a browser sends it, such as `/courses/rust-101/`"
            }
            Problem::Secret => "write `KID=FILE`",
            Problem::NoPublicHalf => {
                "write the secret to a file of the policy with `--secret FILE`, or choose another `--alg`"
            }
            Problem::NotShared => "add the public half to a key set with `--jwks FILE`",
            Problem::KidInUse => "choose another `--kid`, or omit it",
            Problem::Pool => "write `REGION/POOL`, such as `eu-west-1/eu-west-1_AbCdEf123`",
            Problem::IssuerUrl => "write the `iss` of its tokens, such as `https://id.example.com`",
            Problem::Upstream(_) => "write `http://host:port`",
            Problem::Peer(_) => "write `127.0.0.1` or `10.0.0.0/8`",
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
            Problem::Flavour => "this target has no flavours",
            Problem::Header => "not a header field",
            Problem::NoProxy => "this target is not a proxy",
            Problem::JsonObject => "not a JSON object",
            Problem::ClaimPath => "not a JSON array of names",
            Problem::KeySet => "it is a key set, not a private key",
            Problem::OtherSite => "the trust keys are for another site",
            Problem::Path(problem) => return write!(f, "{problem}"),
            Problem::Secret => "not a secret",
            Problem::NoPublicHalf => {
                "an HS256 key is a shared secret, which no key set may contain"
            }
            Problem::NotShared => "only HS256 keys are shared secrets",
            Problem::KidInUse => "the key set has a key with this ID",
            Problem::Pool => "not a Cognito user pool",
            Problem::IssuerUrl => "neither an HTTPS URL nor an HTTP URL on loopback",
            Problem::Upstream(problem) => return write!(f, "{problem}"),
            Problem::Peer(problem) => return write!(f, "{problem}"),
        })
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `1 byte`, `1234567 bytes`.
pub(crate) fn sized(bytes: usize) -> String {
    counted(bytes, "byte")
}

/// An error of the system, in the style of the other messages.
fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::DirectoryNotEmpty => {
            "it contains files that this build does not write".to_owned()
        }
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        io::ErrorKind::AlreadyExists => "it already exists".to_owned(),
        io::ErrorKind::AddrInUse => "another process uses it".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}
