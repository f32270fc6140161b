//! A ring of 24 with one site that never answers: the run takes as long as that site's time limit, and no longer.

#[path = "../tests/support/mod.rs"]
mod support;

use rollcall::{domain::progress::Trigger, service::Pick};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let (_folder, service) = support::service().await;
    for n in 0..23 {
        let site = support::says(support::friendly()).await;
        support::enter(&service, &format!("site {n}"), &site.url()).await;
    }
    let silent = support::site(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
        Ok(())
    })
    .await;
    support::enter(&service, "silent", &silent.url()).await;
    let plan = service.plan().await.unwrap();
    let start = Instant::now();
    let started = service.start_run(Trigger::CommandLine, Pick::All, plan).await.unwrap();
    let counts = started.done.unwrap().await.unwrap().unwrap().counts;
    let took = start.elapsed();
    assert_eq!((counts.ok, counts.bad), (23, 1));
    let ratio = took.as_secs_f64() / LIMIT.as_secs_f64();
    println!("ring of 24, one silent: {:.3} s, {ratio:.3} x the time limit (at most 1.02)", took.as_secs_f64());
    assert!(ratio <= 1.02);
}
