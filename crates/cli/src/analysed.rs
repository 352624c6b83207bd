//! A policy loaded for the analysis, with the locations of its rules: from a directory, an image, or the files of a
//! git revision.

use std::collections::BTreeMap;
use std::path::Path;

use tollgate_analysis::{Policy, rule_name};
use tollgate_compiler::diagnostic::render::line_and_column;
use tollgate_compiler::{CompileOptions, SITE_FILE, SourceTree, compile};
use tollgate_core::RuleId;
use tollgate_gate::signed::open_envelope;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::{input, policy};

/// A policy and the locations of its rules.
pub(crate) struct Analysed {
    pub(crate) policy: Policy,
    /// File and line by rule name. Empty for an image.
    places: BTreeMap<String, (String, usize)>,
    /// The path of `site.toml`, as the caller sees it; `None` for an image.
    pub(crate) site: Option<String>,
}

impl Analysed {
    /// Reads a policy directory or an image.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            let read = policy::compile(path, false)?;
            return Self::of(read.compiled, read.image, &read.sources, path);
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
        })
    }

    /// Compiles files that are not in a directory on disk. `name` is used in messages.
    pub(crate) fn of_sources(mut sources: SourceTree, name: &Path) -> Result<Self, Failure> {
        sources.seen_as(name.to_string_lossy());
        let _progress = Progress::start("compiling the policy", None);
        let mut compiled = compile(&sources, &CompileOptions::default());
        match compiled.image.take() {
            Some(image) if !compiled.has_errors() => Self::of(compiled, image, &sources, name),
            _ => Err(Failure::Policy {
                findings: compiled.diagnostics,
                sources: Box::new(sources),
            }),
        }
    }

    fn of(
        compiled: tollgate_compiler::Compiled,
        image: Vec<u8>,
        sources: &SourceTree,
        path: &Path,
    ) -> Result<Self, Failure> {
        let spec = compiled.policy.unwrap_or_default();
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
        let policy = Policy::with_image(spec, image).map_err(|error| Failure::Analysis {
            path: path.to_owned(),
            error,
        })?;
        Ok(Self {
            policy,
            places,
            site: Some(sources.path_of(SITE_FILE)),
        })
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
