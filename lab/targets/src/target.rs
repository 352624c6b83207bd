//! The targets by name, started with a policy and run on cases.
//!
//! A target that this machine cannot run skips its cases and reports the reason; one that rejects the policy
//! fails them. Not here: the implementation of targets.

use core::fmt;
use core::ops::Deref;
use core::str::FromStr;

use anyhow::{Context, Result, bail};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_testkit::{Answer, Case, Engine, Stop};

use crate::driver::{Ask, Driver, NoAnswer};
use crate::drivers::DRIVERS;
use crate::javascript::resign::Exchanged;
use crate::places::Places;
use crate::policy::{Policy, in_file};

/// A form in which the gate runs, by its driver.
#[derive(Clone, Copy)]
pub struct Target(&'static dyn Driver);

/// The error for an unknown target name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTarget;

/// A target with a policy, or the reason why it did not start.
pub struct Started {
    target: Target,
    state: State,
}

enum State {
    Ready(Box<dyn Ask>),
    Absent(String),
    Broken(String),
}

impl Target {
    /// All targets, in report order.
    pub fn all() -> Vec<Self> {
        DRIVERS.iter().map(|driver| Self(*driver)).collect()
    }

    /// The targets with these names, or all if none is named.
    pub fn chosen(targets: &[Self]) -> Vec<Self> {
        if targets.is_empty() {
            Self::all()
        } else {
            targets.to_vec()
        }
    }

    /// Starts it with a policy, to run cases.
    pub fn start(self, places: &Places, policy: &Policy) -> Started {
        let state = match self.missing(places) {
            Some(why) => State::Absent(why),
            None => match self.open(places, policy) {
                Ok(asked) => State::Ready(asked),
                Err(error) => State::Broken(format!("{error:#}")),
            },
        };
        Started {
            target: self,
            state,
        }
    }

    /// Returns the message with which its program rejects an image at startup. With trust keys, only a signed
    /// image that is not older than a version is acceptable.
    ///
    /// # Errors
    ///
    /// Returns an error if it starts, or is not a program.
    pub fn refusal(
        self,
        places: &Places,
        image: &[u8],
        trust: Option<(&str, u64)>,
    ) -> Result<String> {
        let file = in_file(image)?;
        let keys = trust
            .map(|(keys, _)| in_file(keys.as_bytes()))
            .transpose()?;
        let trust = keys.as_ref().zip(trust);
        let trust = trust.map(|(file, (_, oldest))| (file.path(), oldest));
        let mut command = self
            .program(places, file.path(), trust)
            .with_context(|| format!("{self} is not a program"))?;
        let said = command.output().context("the program cannot be run")?;
        if said.status.success() {
            bail!("{self} started with a broken image");
        }
        let text = String::from_utf8_lossy(&said.stderr);
        let last = text
            .lines()
            .rev()
            .find(|line| line.contains("rejected") || line.contains("refused"));
        let last = last.with_context(|| format!("unexpected output: {text}"))?;
        let file = file.path().display().to_string();
        Ok(last.trim().replace(&file, "policy.tgi"))
    }
}

impl Deref for Target {
    type Target = dyn Driver;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Target {}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        Self::all()
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or(UnknownTarget)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the targets are")?;
        for (at, target) in Target::all().into_iter().enumerate() {
            write!(f, "{} {target}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownTarget {}

impl Started {
    /// The treatment of the tokens in requests, if the target receives others than the cases have.
    pub fn exchanged(&self) -> Option<Exchanged> {
        match &self.state {
            State::Ready(asked) => asked.exchanged(),
            State::Absent(_) | State::Broken(_) => None,
        }
    }
}

impl Engine for Started {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn run(&mut self, case: &Case) -> Result<Answer, Stop> {
        let asked = match &mut self.state {
            State::Ready(asked) => asked,
            State::Absent(why) => return Err(Stop::skip(why.as_str())),
            State::Broken(what) => return Err(Stop::broken(what)),
        };
        let values: Vec<Vec<u8>> = case
            .headers
            .iter()
            .map(|(_, value)| header_bytes(value))
            .collect();
        let headers: Vec<(&str, &[u8])> = case
            .headers
            .iter()
            .zip(&values)
            .map(|((name, _), value)| (name.as_str(), value.as_slice()))
            .collect();
        let request = Request {
            method: &case.method,
            target: &case.target,
            headers: &headers,
            ip: case.ip.as_deref(),
            now: UnixSeconds(case.now),
            entropy: None,
        };
        if let Some(why) = asked.cannot(&request) {
            return Err(Stop::skip(why));
        }
        let answer = asked.ask(&request);
        answer.map_err(|error| match NoAnswer::of(&error) {
            Some(NoAnswer::Skip(why)) => Stop::skip(why),
            Some(NoAnswer::Wrong(what)) => Stop::broken(what),
            None => {
                // A target that has failed is not used again: its results would mean nothing.
                let what = format!("{error:#}");
                self.state = State::Broken(format!("gave up after an earlier failure: {what}"));
                Stop::broken(what)
            }
        })
    }
}

/// Returns the bytes of a header value in a case: one per char if all chars fit into a byte, else UTF-8.
fn header_bytes(value: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = value.chars().map(|char| u8::try_from(char).ok()).collect();
    bytes.unwrap_or_else(|| value.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for target in Target::all() {
            assert_eq!(target.name().parse(), Ok(target));
        }
        let mut names: Vec<_> = Target::all().iter().map(|target| target.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Target::all().len());
        assert_eq!("deno".parse::<Target>(), Err(UnknownTarget));
    }

    #[test]
    fn every_edge_is_a_target() {
        // The configurations of proxies contain no gate.
        for edge in tollgate_edges::EDGES
            .iter()
            .filter(|edge| edge.proxy().is_none())
        {
            assert!(edge.name.parse::<Target>().is_ok(), "{}", edge.name);
        }
    }

    #[test]
    fn header_values_are_bytes_where_they_can_be() {
        assert_eq!(header_bytes("a\u{e9}"), b"a\xe9");
        assert_eq!(header_bytes("\u{e9}\u{2013}"), "\u{e9}\u{2013}".as_bytes());
    }
}
