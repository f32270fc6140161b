//! A ring of 24 with one site that never answers: a run takes as long as that site's time limit, and no longer; but for
//! the first one, which asks it once more before it is hidden.

#[path = "../tests/support/mod.rs"]
mod support;

use rollcall::{
    domain::{counts::Counts, progress::Trigger},
    service::{Pick, Service},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(5);

/// Makes a run, and holds it against so many time limits.
async fn run(service: &Arc<Service>, what: &str, at_most: f64) -> Counts {
    let plan = service.plan().await.unwrap();
    let start = Instant::now();
    let started = service.start_run(Trigger::CommandLine, Pick::All, plan).await.unwrap();
    let counts = started.done.unwrap().await.unwrap().unwrap().counts;
    let took = start.elapsed().as_secs_f64();
    let ratio = took / LIMIT.as_secs_f64();
    println!("ring of 24, {what}: {took:.3} s, {ratio:.3} x the time limit (at most {at_most})");
    assert!(ratio <= at_most);
    counts
}

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
    let counts = run(&service, "one has fallen silent", 2.04).await;
    assert_eq!((counts.ok, counts.bad, counts.to_not_show), (23, 1, 1));
    let counts = run(&service, "one is silent and hidden", 1.02).await;
    assert_eq!((counts.ok, counts.bad, counts.to_not_show), (23, 1, 0));
}
