//! Progress of long work, shown on terminals only. Short work shows nothing.

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

/// A progress line on standard error, removed on drop.
pub(crate) struct Progress {
    done: Arc<AtomicUsize>,
    painter: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts work of `steps` steps, or of unknown length.
    pub(crate) fn start(doing: &'static str, steps: Option<usize>) -> Progress {
        let done = Arc::new(AtomicUsize::new(0));
        let painter = output::is_watched().then(|| {
            let (ended, end) = channel::<()>();
            let done = Arc::clone(&done);
            let thread = std::thread::spawn(move || {
                let mut painted = false;
                let mut pause = PATIENCE;
                while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    paint(doing, done.load(Ordering::Relaxed), steps);
                    (painted, pause) = (true, PERIOD);
                }
                if painted {
                    let _ = write!(io::stderr(), "\r\x1b[K");
                }
            });
            (ended, thread)
        });
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
