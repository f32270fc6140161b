//! Standard error: log lines and talk, written by a thread of its own.
//!
//! Whoever has something to say hands it over and goes on. A reader that has gone, one that reads no more, or a full
//! disk costs lines, which are counted, and never work.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    time::{Duration, Instant},
};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of lines that wait for a slow reader; what comes on top of them is lost. Some ten thousand lines.
const WAITING_MAX: usize = 4 << 20;
/// Talk is waited for so long, so that it stands before what is printed after it.
const TALK: Duration = Duration::from_millis(200);
/// A reader that takes nothing right now is offered the line again after this …
const AGAIN: Duration = Duration::from_millis(20);
/// … for so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is told at most that lines were lost.
const TELL: Duration = Duration::from_secs(1);

static OURS: OnceLock<Lines> = OnceLock::new();

/// Has standard error written by a thread of its own from now on. Where no thread can be had it is written directly.
pub fn start() {
    if let Ok(lines) = Lines::start(own_handle(), told) {
        // A second start changes nothing.
        let _ = OURS.set(lines);
    }
}

/// Tells the user something, on a line of its own. What cannot be told is left.
pub fn say(text: impl Display) {
    let line = format!("{text}\n");
    match OURS.get() {
        Some(lines) => {
            if lines.put(line.as_bytes()) {
                lines.flush(TALK);
            }
        }
        None => drop(io::stderr().write_all(line.as_bytes())),
    }
}

/// Waits until all that was said is written, at most for so long.
pub fn flush(at_most: Duration) {
    if let Some(lines) = OURS.get() {
        lines.flush(at_most);
    }
}

/// Lines that could not be written since the start.
pub fn lost() -> u64 {
    OURS.get().map_or(0, |lines| lines.lost.load(Relaxed))
}

/// What the log writes to. Writing never fails and never waits.
#[derive(Clone, Copy, Debug)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match OURS.get() {
            Some(lines) => _ = lines.put(line),
            None => drop(io::stderr().write_all(line)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = LogWriter;

    fn make_writer(&self) -> LogWriter {
        *self
    }
}

fn told(lines: u64) {
    tracing::warn!(lines, "log lines could not be written");
}

/// Standard error by a handle of its own: the library's is locked while it is written, and whoever else writes there
/// would wait for a reader that does not read.
fn own_handle() -> Box<dyn Write + Send> {
    use std::os::fd::AsFd;
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(std::fs::File::from(own)),
        Err(_) => Box::new(io::stderr()),
    }
}

enum Message {
    Line(Vec<u8>),
    /// Answered once all before it is written or lost.
    Flush(SyncSender<()>),
}

/// Lines on their way to where they are written.
struct Lines {
    queue: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Lines {
    /// Starts the thread that writes to `out`. `tell` is told how many lines were lost, once one can be written again.
    fn start(out: impl Write + Send + 'static, tell: fn(u64)) -> io::Result<Lines> {
        let (queue, taken) = channel();
        let (waiting, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let lines = Lines { queue, waiting: waiting.clone(), lost: lost.clone() };
        let written = Written { out, cut: false };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&taken, written, &waiting, &lost, tell))?;
        Ok(lines)
    }

    /// Hands a line over; false where it is lost.
    fn put(&self, line: &[u8]) -> bool {
        let fits = self.waiting.fetch_add(line.len(), Relaxed) <= WAITING_MAX;
        let put = fits && self.queue.send(Message::Line(line.to_vec())).is_ok();
        if !put {
            self.waiting.fetch_sub(line.len(), Relaxed);
            self.lost.fetch_add(1, Relaxed);
        }
        put
    }

    fn flush(&self, at_most: Duration) {
        let (done, written) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            // Whether it was or the time is over, there is no more to be done.
            let _ = written.recv_timeout(at_most);
        }
    }
}

fn write(
    taken: &Receiver<Message>,
    mut written: Written<impl Write>,
    waiting: &AtomicUsize,
    lost: &AtomicU64,
    tell: fn(u64),
) {
    let (mut told, mut told_at) = (0, None::<Instant>);
    for message in taken {
        match message {
            Message::Line(line) => {
                let outcome = written.line(&line);
                waiting.fetch_sub(line.len(), Relaxed);
                if outcome.is_err() {
                    lost.fetch_add(1, Relaxed);
                    continue;
                }
                let now_lost = lost.load(Relaxed);
                if now_lost > told && told_at.is_none_or(|at| at.elapsed() >= TELL) {
                    tell(now_lost - told);
                    (told, told_at) = (now_lost, Some(Instant::now()));
                }
            }
            // Who waited may have gone.
            Message::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// Where lines are written.
struct Written<W> {
    out: W,
    /// A line broke off in its middle: the next one begins anew.
    cut: bool,
}

impl<W: Write> Written<W> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.cut {
            self.all(b"\n")?;
            self.cut = false;
        }
        self.all(line)
    }

    fn all(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let (whole, begun) = (rest.len(), Instant::now());
        while !rest.is_empty() {
            let error = match self.out.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(taken) => {
                    rest = &rest[taken..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(AGAIN);
                    continue;
                }
                Err(error) => error,
            };
            self.cut |= rest.len() < whole;
            return Err(error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64},
    };

    const LONG: Duration = Duration::from_secs(10);

    /// Takes a few bytes at a time, or fails, as it is told.
    #[derive(Clone, Default)]
    struct Out {
        taken: Arc<Mutex<Vec<u8>>>,
        full: Arc<AtomicBool>,
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.full.load(Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let some = bytes.len().min(3);
            self.taken.lock().unwrap().extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_told_later() {
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let out = Out::default();
        let lines = Lines::start(out.clone(), |lost| {
            TOLD.fetch_add(lost, Relaxed);
        })
        .unwrap();
        assert!(lines.put(b"first\n"));
        lines.flush(LONG);
        out.full.store(true, Relaxed);
        for _ in 0..5 {
            lines.put(b"lost\n");
        }
        lines.flush(LONG);
        assert_eq!((lines.lost.load(Relaxed), TOLD.load(Relaxed)), (5, 0));
        out.full.store(false, Relaxed);
        lines.put(b"second\n");
        lines.flush(LONG);
        assert_eq!(TOLD.load(Relaxed), 5);
        assert_eq!(*out.taken.lock().unwrap(), b"first\nsecond\n");
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_no_time() {
        let (holds, held) = sync_channel::<()>(0);
        struct Stuck(Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // Until the other end is dropped.
                let _ = self.0.recv();
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::start(Stuck(held), |_| ()).unwrap();
        let line = [b'x'; 1000];
        let put = (0..10_000).filter(|_| lines.put(&line)).count();
        assert!((4000..5000).contains(&put), "{put}");
        assert_eq!(lines.lost.load(Relaxed), 10_000 - put as u64);
        lines.flush(Duration::from_millis(1));
        drop(holds);
        lines.flush(LONG);
        assert_eq!(lines.waiting.load(Relaxed), 0);
    }

    #[test]
    fn a_line_that_broke_off_does_not_run_into_the_next() {
        struct Breaks(Out, u32);
        impl Write for Breaks {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 += 1;
                if self.1 == 2 { Err(io::ErrorKind::BrokenPipe.into()) } else { self.0.write(bytes) }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let out = Out::default();
        let mut written = Written { out: Breaks(out.clone(), 0), cut: false };
        assert!(written.line(b"broken\n").is_err());
        written.line(b"whole\n").unwrap();
        assert_eq!(*out.taken.lock().unwrap(), b"bro\nwhole\n");
    }
}
