//! One million random and mutated pages (`make fuzz`): no panic, no hang, memory bounded. A page that fails is told by
//! its seed; tests/corpus.rs keeps those that once did.

#[path = "../tests/support/pages.rs"]
mod pages;

mod peak;

use std::time::{Duration, Instant};

const PAGES: u64 = 1_000_000;
const SLOWEST: Duration = Duration::from_millis(50);
const PEAK_MB: f64 = 200.0;

fn main() {
    let seeds = pages::seeds();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let start = Instant::now();
    let slowest = std::thread::scope(|scope| {
        let work = |first: u64| {
            let seeds = &seeds;
            scope.spawn(move || {
                let mut slowest = (Duration::ZERO, 0);
                for seed in (first..PAGES).step_by(threads as usize) {
                    let page = pages::page(seeds, seed);
                    let began = Instant::now();
                    let facts = pages::read(&page, seed);
                    slowest = slowest.max((began.elapsed(), seed));
                    pages::assert_bounded(&facts, seed);
                }
                slowest
            })
        };
        let all: Vec<_> = (0..threads).map(work).collect();
        all.into_iter().map(|one| one.join().expect("a page broke the reader; its seed is above")).max().unwrap()
    });
    // What looked slow may only have waited for a core.
    let page = pages::page(&seeds, slowest.1);
    let again = (0..5).map(|_| {
        let began = Instant::now();
        pages::read(&page, slowest.1);
        began.elapsed()
    });
    let slowest = (again.min().unwrap_or_default(), slowest.1);
    let peak = peak::mb();
    println!(
        "{PAGES} pages in {:.0} s, slowest {:.1} ms (seed {}), peak {peak:.0} MB",
        start.elapsed().as_secs_f64(),
        slowest.0.as_secs_f64() * 1000.0,
        slowest.1
    );
    assert!(slowest.0 < SLOWEST && peak < PEAK_MB);
}
