//! How far a list has been read, and the word to stop reading it.

use super::FormatError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Shared between whoever reads a list and whoever waits for it. Time limits are the latter's: it asks to stop.
#[derive(Debug, Default)]
pub struct Watch {
    done: AtomicUsize,
    total: AtomicUsize,
    stopped: AtomicBool,
}

impl Watch {
    /// Asks the reader to stop; it does within a few rows.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Bytes that were read, and bytes in all; the latter is 0 until reading has begun.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.load(Relaxed), self.total.load(Relaxed))
    }

    pub(super) fn begin(&self, total: usize) {
        self.total.store(total, Relaxed);
    }

    /// Notes how far the reader has come, in bytes from the beginning.
    ///
    /// # Errors
    /// [`FormatError::Stopped`] where it is to stop.
    pub fn at(&self, offset: usize) -> Result<(), FormatError> {
        self.done.store(offset, Relaxed);
        if self.stopped.load(Relaxed) { Err(FormatError::Stopped) } else { Ok(()) }
    }
}
