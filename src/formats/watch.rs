//! How far a list has been read and written, and the word to stop.

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

    /// Bytes that were read, then links that were written, and how many there are in all; the latter is 0 until reading
    /// has begun.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.load(Relaxed), self.total.load(Relaxed))
    }

    /// A part of the work begins, of so many bytes or links.
    pub fn begin(&self, total: usize) {
        self.done.store(0, Relaxed);
        self.total.store(total, Relaxed);
    }

    /// Notes how far the work has come, in bytes or links from its beginning.
    ///
    /// # Errors
    /// [`FormatError::Stopped`] where it is to stop.
    pub fn at(&self, offset: usize) -> Result<(), FormatError> {
        self.done.store(offset, Relaxed);
        if self.stopped.load(Relaxed) { Err(FormatError::Stopped) } else { Ok(()) }
    }
}
