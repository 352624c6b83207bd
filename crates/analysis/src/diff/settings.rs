//! Settings of a site that differ, alongside its rules, and whether they can grant access.
//!
//! Every part of the configuration is named here, without `..`, so that a new one does not compile before it is
//! decided what a change of it can do. What no request can show counts as granting access. Not here: rules, and
//! the settings of paths and claims for which the walk finds requests.

mod sign_in;

use core::fmt;
use std::collections::BTreeSet;

use tollgate_core::PathReader;
use tollgate_gate::config::{DenyConfig, DenyPage, ForwardConfig, GateConfig, TokenSource};
use tollgate_gate::session::{SessionConfig, SessionPath};
use tollgate_policy::spec::{ClaimSpec, ImageSpec};
use tollgate_token::{Algorithm, ClaimRules, IssuerConfig};

use crate::policy::Policy;

/// A setting of `site.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// The issuers whose tokens are accepted, their keys, and the effect of their claims.
    Issuers,
    /// The sources of tokens.
    TokenSources,
    /// The handling of tokens: leeway, size limit, forwarding, sessions.
    TokenHandling,
    /// The sign-in of the gate: its issuer, endpoints and secrets.
    SignIn,
    /// The paths that are accepted.
    Paths,
    /// The claims that conditions read.
    Claims,
    /// The responses to denied requests.
    DenyAnswers,
    /// The site's name, which is the realm of challenges.
    SiteName,
    /// The reader of paths: other paths are accepted, or a raw `+` means something else.
    PathReader,
    /// The index document: paths that end in `/` are decided as others.
    PathIndex,
}

impl Setting {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Issuers => "issuers",
            Self::TokenSources => "token_sources",
            Self::TokenHandling => "token_handling",
            Self::SignIn => "sign_in",
            Self::Paths => "paths",
            Self::Claims => "claims",
            Self::DenyAnswers => "deny_answers",
            Self::SiteName => "site_name",
            Self::PathReader => "path_reader",
            Self::PathIndex => "path_index",
        }
    }
}

/// A setting that differs and can change responses, though no rule shows how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// The setting that changed.
    pub setting: Setting,
    /// The difference, as text for people.
    pub what: String,
    /// Whether it may allow a request that was not allowed before.
    pub may_open: bool,
}

impl fmt::Display for SettingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Whether a change can grant access.
#[derive(Clone, Copy)]
enum Opens {
    /// It can, or nothing proves that it cannot. Accepting fewer tokens can grant access, too: a user who is denied by
    /// a group is allowed where `anyone` is, once the token no longer counts.
    May,
    /// It decides nothing.
    Never,
}

/// The settings in which two policies differ.
pub(super) fn changed(old: &Policy, new: &Policy) -> Vec<SettingChange> {
    let mut changes = Changes(Vec::new());
    changes.policy(old.spec(), new.spec());
    changes.gate(old.config(), new.config());
    changes.0
}

struct Changes(Vec<SettingChange>);

impl Changes {
    fn note(&mut self, setting: Setting, what: impl Into<String>, opens: Opens) {
        self.0.push(SettingChange {
            setting,
            what: what.into(),
            may_open: matches!(opens, Opens::May),
        });
    }

    /// Notes a value that differs.
    fn differ<T: PartialEq>(
        &mut self,
        setting: Setting,
        what: &str,
        old: &T,
        new: &T,
        opens: Opens,
    ) {
        if old != new {
            self.note(setting, what, opens);
        }
    }

    /// Notes a value that differs, with both values.
    fn values<T: PartialEq + fmt::Display>(
        &mut self,
        setting: Setting,
        what: &str,
        old: &T,
        new: &T,
    ) {
        if old != new {
            self.note(setting, format!("{what}: {old} became {new}"), Opens::May);
        }
    }

    /// Notes a list that differs, with what was added and what was removed.
    fn lists<'v, T: PartialEq>(
        &mut self,
        setting: Setting,
        what: &str,
        (old, new): (&'v [T], &'v [T]),
        name: impl Fn(&'v T) -> String,
    ) {
        if old == new {
            return;
        }
        let names = |word: &str, list: &'v [T], other: &'v [T]| {
            let list = list.iter().filter(|entry| !other.contains(entry));
            let list: Vec<String> = list.map(|entry| format!("`{}`", name(entry))).collect();
            (!list.is_empty()).then(|| format!("{word} {}", list.join(", ")))
        };
        let parts = [names("added", new, old), names("removed", old, new)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let text = match parts.is_empty() {
            true => "another order".to_owned(),
            false => parts.join("; "),
        };
        self.note(setting, format!("{what}: {text}"), Opens::May);
    }

    fn policy(&mut self, old: &ImageSpec, new: &ImageSpec) {
        let ImageSpec {
            ascii_only,
            reader,
            index,
            claims,
            // Rules are searched.
            rules: _,
            // The gate's part is compared decoded.
            gate: _,
        } = old;
        // The other way round paths are only rejected.
        if *ascii_only && !new.ascii_only {
            let what = "paths that are not ASCII are accepted (`ascii_only` was removed)";
            self.note(Setting::Paths, what, Opens::May);
        }
        if *reader != new.reader {
            // What `strict` accepts, every reader reads in the same way.
            let opens = match new.reader {
                PathReader::Strict => Opens::Never,
                PathReader::S3 | PathReader::Files => Opens::May,
            };
            let what = "which paths are accepted, and how they are read";
            self.note(Setting::PathReader, what, opens);
        }
        let what = "which path is decided for one that ends in `/`";
        self.differ(Setting::PathIndex, what, index, &new.index, Opens::May);
        for old in claims {
            // Of a type that differs the search tries all values; a claim that no rule reads decides nothing.
            let ClaimSpec { name: _, kind: _ } = old;
        }
    }

    fn gate(&mut self, old: &GateConfig, new: &GateConfig) {
        let GateConfig {
            site,
            issuers,
            sources,
            strip,
            claim_places,
            forward,
            leeway_secs,
            max_token_bytes,
            deny,
            session,
            sign_in,
        } = old;
        self.issuers(issuers, &new.issuers);
        self.lists(
            Setting::TokenSources,
            "where a token is read from",
            (sources, &new.sources),
            place,
        );
        let handling = Setting::TokenHandling;
        let what = "which tokens are forwarded to the origin";
        self.differ(handling, what, strip, &new.strip, Opens::May);
        // By position, which the order of the declared claims changes as well.
        let what = "where declared claims are inside others";
        self.differ(handling, what, claim_places, &new.claim_places, Opens::May);
        let ForwardConfig { identity, private } = forward;
        let what = "whether the origin receives the user's identity";
        self.differ(handling, what, identity, &new.forward.identity, Opens::May);
        let what = "whether responses that need a token are marked private";
        self.differ(handling, what, private, &new.forward.private, Opens::May);
        self.values(handling, "leeway in seconds", leeway_secs, &new.leeway_secs);
        let what = "longest token in bytes";
        self.values(handling, what, max_token_bytes, &new.max_token_bytes);
        self.session((session.as_ref(), old), (new.session.as_ref(), new));
        self.sign_in((sign_in.as_ref(), old), (new.sign_in.as_ref(), new));
        self.deny(deny, &new.deny);
        // The site's name is the audience of sessions.
        let opens = match (session, &new.session) {
            (None, None) => Opens::Never,
            _ => Opens::May,
        };
        self.differ(
            Setting::SiteName,
            "the name of the site",
            site,
            &new.site,
            opens,
        );
    }

    fn issuers(&mut self, old: &[IssuerConfig], new: &[IssuerConfig]) {
        let setting = Setting::Issuers;
        let before = self.0.len();
        let named = |list: &'_ [IssuerConfig], name: &str| {
            list.iter().position(|issuer| issuer.name == name)
        };
        for issuer in old {
            match named(new, &issuer.name).and_then(|at| new.get(at)) {
                Some(other) => self.issuer(issuer, other),
                None => {
                    let what = format!("issuer `{}` was removed", issuer.name);
                    self.note(setting, what, Opens::May);
                }
            }
        }
        for issuer in new {
            if named(old, &issuer.name).is_none() {
                let what = format!("issuer `{}` was added", issuer.name);
                self.note(setting, what, Opens::May);
            }
        }
        if self.0.len() == before && old != new {
            self.note(setting, "the order of the issuers", Opens::May);
        }
    }

    fn issuer(&mut self, old: &IssuerConfig, new: &IssuerConfig) {
        let IssuerConfig {
            name,
            issuers,
            clients,
            kind,
            algorithms,
            claims,
            jwks,
            secrets,
            refresh,
        } = old;
        let setting = Setting::Issuers;
        let what = |what: &str| format!("issuer `{name}`: {what}");
        let text = |text: &String| text.clone();
        self.lists(setting, &what("`iss`"), (issuers, &new.issuers), text);
        self.lists(setting, &what("clients"), (clients, &new.clients), text);
        self.differ(
            setting,
            &what("kind or use of tokens"),
            kind,
            &new.kind,
            Opens::May,
        );
        let lists = (algorithms.as_slice(), new.algorithms.as_slice());
        let algorithm = |algorithm: &Algorithm| algorithm.name().to_owned();
        self.lists(setting, &what("algorithms"), lists, algorithm);
        self.claim_rules(name, claims, &new.claims);
        self.differ(setting, &what("public keys"), jwks, &new.jwks, Opens::May);
        // Two secrets of one name differ in what is never shown.
        self.differ(setting, &what("secrets"), secrets, &new.secrets, Opens::May);
        let url = what("where its keys are refreshed from");
        self.differ(setting, &url, refresh, &new.refresh, Opens::May);
    }

    fn claim_rules(&mut self, issuer: &str, old: &ClaimRules, new: &ClaimRules) {
        let ClaimRules {
            client,
            groups,
            scopes,
            granted_groups,
            groups_prefix,
            subject_prefix,
        } = old;
        let setting = Setting::Issuers;
        let what = |what: &str| format!("issuer `{issuer}`: {what}");
        self.differ(
            setting,
            &what("claim of the client"),
            client,
            &new.client,
            Opens::May,
        );
        self.differ(
            setting,
            &what("claim of the groups"),
            groups,
            &new.groups,
            Opens::May,
        );
        self.differ(
            setting,
            &what("claim of the scopes"),
            scopes,
            &new.scopes,
            Opens::May,
        );
        match (granted_groups, &new.granted_groups) {
            (Some(old), Some(new)) => {
                let text = |text: &String| text.clone();
                self.lists(setting, &what("groups that it may grant"), (old, new), text);
            }
            (old, new) => {
                self.differ(
                    setting,
                    &what("groups that it may grant"),
                    old,
                    new,
                    Opens::May,
                );
            }
        }
        let prefix = what("prefix of its groups");
        self.values(setting, &prefix, groups_prefix, &new.groups_prefix);
        let prefix = what("prefix of its subjects");
        self.values(setting, &prefix, subject_prefix, &new.subject_prefix);
    }

    fn session(
        &mut self,
        (old, old_gate): (Option<&SessionConfig>, &GateConfig),
        (new, new_gate): (Option<&SessionConfig>, &GateConfig),
    ) {
        let handling = Setting::TokenHandling;
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return,
            (None, Some(_)) => return self.note(handling, "sessions were added", Opens::May),
            (Some(_), None) => return self.note(handling, "sessions were removed", Opens::May),
        };
        let SessionConfig {
            issuer,
            kid,
            lifetime_secs,
            form,
            cookie,
            same_site,
            on_sign_in,
            endpoint,
            issuers,
            claims,
            paths,
        } = old;
        // A position; the issuers themselves are compared by name.
        let names = (
            issuer_name(old_gate, *issuer),
            issuer_name(new_gate, new.issuer),
        );
        self.differ(
            handling,
            "issuer of sessions",
            &names.0,
            &names.1,
            Opens::May,
        );
        self.values(handling, "key of sessions", kid, &new.kid);
        let what = "lifetime of sessions in seconds";
        self.values(handling, what, lifetime_secs, &new.lifetime_secs);
        self.differ(handling, "form of sessions", form, &new.form, Opens::May);
        self.values(handling, "cookie of sessions", cookie, &new.cookie);
        let what = "`SameSite` of session cookies";
        self.differ(handling, what, same_site, &new.same_site, Opens::May);
        let what = "whether sign-in tokens start sessions";
        self.differ(handling, what, on_sign_in, &new.on_sign_in, Opens::May);
        let what = "endpoint of sessions";
        self.differ(handling, what, endpoint, &new.endpoint, Opens::May);
        let is_by_course = |paths: &[SessionPath]| {
            !matches!(
                paths,
                [SessionPath {
                    path: _,
                    base: None,
                    groups: _,
                    scopes: _,
                    marks: _
                }]
            )
        };
        if is_by_course(paths) != is_by_course(&new.paths) {
            let what = "whether sessions are for the site or for a course";
            self.note(handling, what, Opens::May);
        } else if (issuers, claims, paths) != (&new.issuers, &new.claims, &new.paths) {
            // The compiler derives it from what the rules read, so that each policy decides by a session as it
            // decides by the sign-in token; what the rules then open is searched.
            self.note(
                handling,
                "what sessions contain, which follows from the rules and the issuers",
                Opens::Never,
            );
        }
    }

    /// Responses to requests that stay denied.
    fn deny(&mut self, old: &DenyConfig, new: &DenyConfig) {
        let DenyConfig {
            no_token,
            bad_token,
            forbidden,
            pages,
            cors,
        } = old;
        for (name, old, new) in [
            ("no_token", no_token, &new.no_token),
            ("bad_token", bad_token, &new.bad_token),
            ("forbidden", forbidden, &new.forbidden),
        ] {
            let what = format!("the response for `{name}`");
            self.differ(Setting::DenyAnswers, &what, old, new, Opens::Never);
        }
        let statuses: BTreeSet<u16> = pages
            .iter()
            .chain(&new.pages)
            .map(|page| page.status)
            .collect();
        for status in statuses {
            let page =
                |pages: &'_ [DenyPage]| pages.iter().find(|page| page.status == status).cloned();
            let what = format!("the page for status {status}");
            let (old, new) = (page(pages), page(&new.pages));
            self.differ(Setting::DenyAnswers, &what, &old, &new, Opens::Never);
        }
        // Browsers let scripts of a listed origin send requests as the user.
        for origin in new.cors.iter().filter(|origin| !cors.contains(origin)) {
            let what = format!("`{origin}` was added to `cors`");
            self.note(Setting::DenyAnswers, what, Opens::May);
        }
        for origin in cors.iter().filter(|origin| !new.cors.contains(origin)) {
            let what = format!("`{origin}` was removed from `cors`");
            self.note(Setting::DenyAnswers, what, Opens::Never);
        }
    }
}

/// The name of the issuer at a position.
fn issuer_name(gate: &GateConfig, at: u32) -> Option<String> {
    let issuer = usize::try_from(at).ok().and_then(|at| gate.issuers.get(at));
    issuer.map(|issuer| issuer.name.clone())
}

/// A token source as policy authors write it.
fn place(source: &TokenSource) -> String {
    match source {
        TokenSource::Header(name) => format!("header:{name}"),
        TokenSource::Cookie(name) => format!("cookie:{name}"),
        TokenSource::Query(name) => format!("query:{name}"),
    }
}
