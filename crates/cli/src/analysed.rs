//! A policy loaded for the analysis, with the locations of its rules: from a directory, an image, or the files of a
//! git revision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tollgate_analysis::{Policy, rule_name};
use tollgate_compiler::diagnostic::render::line_and_column;
use tollgate_compiler::{Diagnostic, Missing, SITE_FILE, SourceTree};
use tollgate_core::RuleId;
use tollgate_gate::signed::open_envelope;

use crate::failure::Failure;
use crate::input;
use crate::notes::Notes;
use crate::policy::{self, Preview, Study};

/// A policy and the locations of its rules.
pub(crate) struct Analysed {
    pub(crate) policy: Policy,
    /// File and line by rule name. Empty for an image.
    places: BTreeMap<String, (String, usize)>,
    /// The path of `site.toml`, as the caller sees it; `None` for an image.
    pub(crate) site: Option<String>,
    /// `None` for an image.
    pub(crate) directory: Option<Directory>,
}

/// The directory that a policy was compiled from.
pub(crate) struct Directory {
    pub(crate) origin: Origin,
    pub(crate) sources: SourceTree,
    /// The secrets that stand-ins replace.
    missing: Vec<Missing>,
}

/// Where a directory is.
#[derive(Clone)]
pub(crate) enum Origin {
    Disk(PathBuf),
    /// In git, by its name in messages.
    Revision(PathBuf),
}

impl Analysed {
    /// Reads a policy directory or an image.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Self::of(policy::preview(path)?, Origin::Disk(path.to_owned()));
        }
        let image = input::read(path)?;
        let (image, _) = open_envelope(image).map_err(Failure::Envelope)?;
        let policy = Policy::from_image(image).map_err(|error| Failure::Analysis {
            path: path.to_owned(),
            error,
        })?;
        Ok(Self {
            policy,
            places: BTreeMap::new(),
            site: None,
            directory: None,
        })
    }

    /// Compiles the files of a git revision. `name` is used in messages.
    pub(crate) fn of_revision(mut sources: SourceTree, name: &Path) -> Result<Self, Failure> {
        sources.seen_as(name.to_string_lossy());
        Self::of(
            Preview::of(sources, false)?,
            Origin::Revision(name.to_owned()),
        )
    }

    /// A policy that was compiled.
    pub(crate) fn of(preview: Preview, origin: Origin) -> Result<Self, Failure> {
        let compiled = preview.compiled();
        let spec = compiled.policy.clone().unwrap_or_default();
        let sources = &preview.sources;
        let places = spec
            .rules
            .iter()
            .zip(&compiled.origins)
            .map(|(rule, origin)| {
                let text = sources.text(&origin.file).unwrap_or_default();
                let (line, _) = line_and_column(text, origin.span.start);
                (rule_name(rule), (sources.path_of(&origin.file), line))
            })
            .collect();
        let image = preview.image().to_vec();
        let policy = Policy::with_image(spec, image).map_err(|error| {
            let (Origin::Disk(path) | Origin::Revision(path)) = origin.clone();
            Failure::Analysis { path, error }
        })?;
        Ok(Self {
            policy,
            places,
            site: Some(sources.path_of(SITE_FILE)),
            directory: Some(Directory {
                origin,
                missing: preview.missing().to_vec(),
                sources: preview.sources,
            }),
        })
    }

    /// The policy that a site has before its first one: with the same settings, and nobody is let in.
    pub(crate) fn before_first(&self, path: &Path) -> Result<Self, Failure> {
        let policy = self.policy.denying_all();
        Ok(Self {
            policy: policy.map_err(|error| Failure::Analysis {
                path: path.to_owned(),
                error,
            })?,
            places: BTreeMap::new(),
            site: None,
            directory: None,
        })
    }

    /// The secrets that stand-ins replace.
    pub(crate) fn missing(&self) -> &[Missing] {
        let directory = self.directory.as_ref();
        directory.map_or(&[], |directory| &directory.missing)
    }

    /// A gate that decides like this policy; `path` is used in messages.
    pub(crate) fn gate(&self, path: &Path) -> Result<Study, Failure> {
        let image = self.policy.image().as_bytes().to_vec();
        policy::study_image(path, image, self.missing().is_empty())
    }

    /// The notes about stand-ins.
    pub(crate) fn notes(&self) -> Notes {
        let notes = self.missing().iter();
        self.notes_of(notes.map(|missing| missing.note.clone()).collect())
    }

    /// Diagnostics about this policy's files.
    pub(crate) fn notes_of(&self, findings: Vec<Diagnostic>) -> Notes {
        let directory = self.directory.as_ref();
        let sources = directory.map(|directory| directory.sources.clone());
        Notes::new(findings, sources.unwrap_or_default())
    }

    /// The name of a rule.
    pub(crate) fn name(&self, rule: RuleId) -> String {
        self.policy.rule(rule).map(rule_name).unwrap_or_default()
    }

    /// The file and the line of a rule.
    pub(crate) fn line_of(&self, rule: RuleId) -> Option<(String, usize)> {
        self.places.get(&self.name(rule)).cloned()
    }

    /// The location of a rule, as `file:line`.
    pub(crate) fn place(&self, rule: RuleId) -> Option<String> {
        let (file, line) = self.places.get(&self.name(rule))?;
        Some(format!("{file}:{line}"))
    }

    /// A rule's name, with its location if known.
    pub(crate) fn named_by(&self, name: &str) -> String {
        match self.places.get(name) {
            Some((file, line)) => format!("{name} ({file}:{line})"),
            None => name.to_owned(),
        }
    }

    /// A rule's name, with its location if known.
    pub(crate) fn named(&self, rule: RuleId) -> String {
        match self.place(rule) {
            Some(place) => format!("{} ({place})", self.name(rule)),
            None => self.name(rule),
        }
    }
}
