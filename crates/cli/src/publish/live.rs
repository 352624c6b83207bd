//! The outside of a publication: AWS, Cloudflare or Akamai, and lines about progress on standard error.

use core::time::Duration;
use std::path::Path;

use tollgate_publish::aws::{self, Aws};
use tollgate_publish::cloudflare::Cloudflare;
use tollgate_publish::edgegrid::Akamai;
use tollgate_publish::{Call, Event, PublishError, Reply, SendError, World};

use crate::output::{FAINT, note, styled, visible};

/// Reports about waiting are at least this far apart, in seconds.
const REPORT_SECS: u64 = 30;

/// A provider's API.
enum Provider {
    Aws(Box<Aws>),
    Cloudflare(Box<Cloudflare>),
    Akamai(Box<Akamai>),
}

/// A provider and a terminal, or a log file in its place.
pub(super) struct Terminal {
    provider: Provider,
}

impl Terminal {
    pub(super) fn aws(profile: Option<&str>) -> Result<Self, PublishError> {
        let provider = Provider::Aws(Box::new(Aws::connect(profile)?));
        Ok(Self { provider })
    }

    pub(super) fn cloudflare() -> Result<Self, PublishError> {
        let provider = Provider::Cloudflare(Box::new(Cloudflare::connect()?));
        Ok(Self { provider })
    }

    pub(super) fn akamai(file: Option<&Path>, section: Option<&str>) -> Result<Self, PublishError> {
        let provider = Provider::Akamai(Box::new(Akamai::connect(file, section)?));
        Ok(Self { provider })
    }
}

impl Terminal {
    /// The region of the environment or the profile.
    pub(super) fn region(&self) -> Option<String> {
        match &self.provider {
            Provider::Aws(aws) => aws.region(),
            Provider::Cloudflare(_) | Provider::Akamai(_) => None,
        }
    }

    /// The account switch key that belongs to the credentials.
    pub(super) fn account(&self) -> Option<String> {
        match &self.provider {
            Provider::Akamai(akamai) => akamai.account().map(str::to_owned),
            Provider::Aws(_) | Provider::Cloudflare(_) => None,
        }
    }
}

impl World for Terminal {
    fn send(&mut self, call: &Call) -> Result<Reply, SendError> {
        match &mut self.provider {
            Provider::Aws(aws) => aws.send(call),
            Provider::Cloudflare(cloudflare) => cloudflare.send(call),
            Provider::Akamai(akamai) => akamai.send(call),
        }
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now(&self) -> i64 {
        aws::now()
    }

    fn note(&mut self, event: &Event) {
        let text = match event {
            Event::Step { number, of, what } => format!("[{number}/{of}] {what}"),
            Event::Done => "      was done before".to_owned(),
            Event::Waiting { secs, of } if secs % REPORT_SECS == 0 => {
                format!("      waiting, {secs} of at most {of} s")
            }
            Event::Waiting { .. } => return,
            Event::Again { why } => format!("      {why}"),
        };
        note(styled(FAINT, visible(&text)));
    }
}
