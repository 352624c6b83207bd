//! The outside of a publication: AWS, and lines about progress on standard error.

use core::time::Duration;

use tollgate_publish::aws::{self, Aws};
use tollgate_publish::{Call, Event, PublishError, Reply, SendError, World};

use crate::output::{FAINT, note, styled, visible};

/// Reports about waiting are at least this far apart, in seconds.
const REPORT_SECS: u64 = 30;

/// AWS and a terminal, or a log file in its place.
pub(super) struct Terminal {
    aws: Aws,
}

impl Terminal {
    pub(super) fn connect(profile: Option<&str>) -> Result<Self, PublishError> {
        let aws = Aws::connect(profile)?;
        Ok(Self { aws })
    }
}

impl World for Terminal {
    fn send(&mut self, call: &Call) -> Result<Reply, SendError> {
        self.aws.send(call)
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
