//! Progress of long work: a line that is painted again on terminals, and a new line every few seconds elsewhere, so
//! that the log of a CI job shows that it is alive. Short work shows nothing.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use crate::output;

/// The delay before progress is shown.
const PATIENCE: Duration = Duration::from_millis(400);

/// The interval between updates.
const PERIOD: Duration = Duration::from_millis(100);

/// The interval between lines where standard error is not a terminal, and the delay before the first one.
const QUIET_PERIOD: Duration = Duration::from_secs(5);

/// Progress on standard error. The line on a terminal is removed on drop.
pub(crate) struct Progress {
    done: Arc<AtomicUsize>,
    painter: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts work of `steps` steps, or of unknown length.
    pub(crate) fn start(doing: &'static str, steps: Option<usize>) -> Progress {
        let done = Arc::new(AtomicUsize::new(0));
        let is_watched = output::is_watched();
        // Work of unknown length would write lines that are all the same.
        if !is_watched && steps.is_none() {
            return Progress {
                done,
                painter: None,
            };
        }
        let (ended, end) = channel::<()>();
        let counter = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            let (mut pause, period) = match is_watched {
                true => (PATIENCE, PERIOD),
                false => (QUIET_PERIOD, QUIET_PERIOD),
            };
            let mut painted = false;
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let done = counter.load(Ordering::Relaxed);
                if is_watched {
                    paint(doing, done, steps);
                } else {
                    log(doing, done, steps);
                }
                (painted, pause) = (true, period);
            }
            if painted && is_watched {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        let painter = Some((ended, thread));
        Progress { done, painter }
    }

    /// Counts one step as done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ended, thread)) = self.painter.take() {
            drop(ended);
            let _ = thread.join();
        }
    }
}

fn paint(doing: &str, done: usize, steps: Option<usize>) {
    // Work continues if the terminal is gone.
    let _ = match steps {
        Some(steps) => write!(io::stderr(), "\r{doing}: {done} of {steps}\x1b[K"),
        None => write!(io::stderr(), "\r{doing} …\x1b[K"),
    };
}

/// Writes a line of progress where nothing can be painted again. Work of unknown length writes none: its lines would
/// all be the same.
fn log(doing: &str, done: usize, steps: Option<usize>) {
    if let Some(steps) = steps {
        let _ = writeln!(io::stderr(), "{doing}: {done} of {steps}");
    }
}
