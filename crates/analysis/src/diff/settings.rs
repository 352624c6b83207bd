//! Settings of a site that differ, beside its rules.

use core::fmt;

use tollgate_core::PathReader;

use crate::policy::Policy;

/// Something in `site.toml` that differs and can change answers, though no rule tells how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Whose tokens are accepted, or their keys.
    Issuers,
    /// Where a token may stand.
    TokenSources,
    /// How tokens are judged, passed on or handed out: leeway, size limit, sessions.
    TokenHandling,
    /// What those are told who may not pass.
    DenyAnswers,
    /// The site's name, which is the realm of challenges.
    SiteName,
    /// The reader of paths: other paths are accepted, or a raw `+` means something else.
    PathReader {
        /// Whether the new policy accepts or reads a path otherwise that the old one did not.
        may_open: bool,
    },
    /// The index document: paths that end in `/` are decided as others.
    PathIndex,
}

impl Setting {
    /// Whether it can let somebody in who was not let in before.
    pub fn may_open(self) -> bool {
        match self {
            Self::Issuers | Self::TokenSources | Self::TokenHandling | Self::PathIndex => true,
            Self::PathReader { may_open } => may_open,
            Self::DenyAnswers | Self::SiteName => false,
        }
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Issuers => "issuers",
            Self::TokenSources => "token_sources",
            Self::TokenHandling => "token_handling",
            Self::DenyAnswers => "deny_answers",
            Self::SiteName => "site_name",
            Self::PathReader { .. } => "path_reader",
            Self::PathIndex => "path_index",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuers => "whose tokens are accepted, or with which keys",
            Self::TokenSources => "where a token may stand in a request",
            Self::TokenHandling => "how tokens are judged, passed on or handed out",
            Self::DenyAnswers => "what those are told who may not pass",
            Self::SiteName => "the name of the site",
            Self::PathReader { .. } => "which paths are accepted, and how they are read",
            Self::PathIndex => "which path is decided for one that ends in `/`",
        })
    }
}

/// The settings in which two policies differ.
pub(super) fn changed(old: &Policy, new: &Policy) -> Vec<Setting> {
    let (paths, new_paths) = (old.spec().path_options(), new.spec().path_options());
    let reader = Setting::PathReader {
        // What `strict` accepts, every reader reads in the same way.
        may_open: new_paths.reader != PathReader::Strict,
    };
    let (old, new) = (old.config(), new.config());
    // All the rest is about tokens: how they are judged, passed on and handed out.
    let mut rest = old.clone();
    rest.issuers.clone_from(&new.issuers);
    rest.sources.clone_from(&new.sources);
    rest.deny.clone_from(&new.deny);
    rest.site.clone_from(&new.site);
    [
        (Setting::Issuers, old.issuers != new.issuers),
        (Setting::TokenSources, old.sources != new.sources),
        (Setting::TokenHandling, rest != *new),
        (Setting::DenyAnswers, old.deny != new.deny),
        (Setting::SiteName, old.site != new.site),
        (reader, paths.reader != new_paths.reader),
        (Setting::PathIndex, paths.index != new_paths.index),
    ]
    .into_iter()
    .filter_map(|(setting, differs)| differs.then_some(setting))
    .collect()
}
