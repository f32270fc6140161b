//! Real servers on loopback that behave, stall, lie, drip, bomb and reset.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use chrono::{DateTime, Utc};
pub mod desk;
pub mod dns;

use rollcall::{
    clock::{Clock, SharedClock, SystemClock},
    domain::{backlink::MySites, link::About, observation::Observation, progress::Trigger, settings::Limits},
    engine::{
        check::{Course, Next, Terms},
        guard::Allowed,
        probe::Probe,
    },
    service::{Network, Pick, Service},
    store::{Settled, SharedStore, sqlite::SqliteStore},
};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{Instant, sleep},
};

/// A server, and how often it was connected to.
pub struct Site {
    pub addr: SocketAddr,
    pub hits: Arc<AtomicU32>,
}

impl Site {
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    pub fn hits(&self) -> u32 {
        self.hits.load(SeqCst)
    }
}

/// A server that does `act` with every connection, told which one it is (from 0).
pub async fn site<F, Fut>(act: F) -> Site
where
    F: Fn(TcpStream, u32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::io::Result<()>> + Send + 'static,
{
    site_at("127.0.0.1:0".parse().unwrap(), act).await
}

/// As [`site`], at an address.
pub async fn site_at<F, Fut>(at: SocketAddr, act: F) -> Site
where
    F: Fn(TcpStream, u32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind(at).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let hits = Arc::new(AtomicU32::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A peer that goes away is part of the game.
            let acting = act(stream, counted.fetch_add(1, SeqCst));
            tokio::spawn(acting);
        }
    });
    Site { addr, hits }
}

/// A server that reads the request's head and then writes these bytes and closes.
pub async fn says(bytes: impl Into<Vec<u8>>) -> Site {
    let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
    site(move |mut stream, _| {
        let bytes = bytes.clone();
        async move {
            head(&mut stream).await?;
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
    })
    .await
}

/// A server that says one thing the first time, and so on; the last one for ever.
pub async fn says_in_turn(answers: Vec<String>) -> Site {
    let answers = Arc::new(answers);
    site(move |mut stream, n| {
        let answer = answers[(n as usize).min(answers.len() - 1)].clone();
        async move {
            head(&mut stream).await?;
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        }
    })
    .await
}

/// Reads a request's head; returns its path.
pub async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut held = Vec::new();
    let mut buffer = [0; 1024];
    while !held.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            break;
        }
        held.extend_from_slice(&buffer[..n]);
    }
    let text = String::from_utf8_lossy(&held);
    Ok(text.split_whitespace().nth(1).unwrap_or("/").to_owned())
}

pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub fn status(code: u16, headers: &str) -> String {
    format!("HTTP/1.1 {code} X\r\n{headers}Content-Length: 0\r\n\r\n")
}

/// Whose roll the tests call.
pub const ME: &str = "https://me.example.com";

/// A page that links back.
pub fn friendly() -> String {
    ok(&format!("<html><title>A friend</title><p>{}</p><a href='{ME}/'>me</a></html>", "words ".repeat(60)))
}

/// A page that does not.
pub fn forgetful() -> String {
    ok(&format!("<html><title>A friend</title><p>{}</p></html>", "words ".repeat(60)))
}

/// A port that nothing listens on.
pub async fn gone() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    // Held for good: no other test is given the port.
    std::mem::forget(socket);
    url
}

pub fn loopback() -> Allowed {
    Allowed::new(vec!["127.0.0.0/8".parse().unwrap()])
}

pub fn probe() -> Probe {
    Probe::new(loopback(), Vec::new()).unwrap()
}

/// A database of its own, which goes with the folder.
pub async fn store() -> (tempfile::TempDir, SharedStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    (folder, store)
}

/// The database in a folder, opened once more.
pub async fn open(folder: &tempfile::TempDir) -> SharedStore {
    let address = format!("sqlite:{}", folder.path().join("test.db").display());
    Arc::new(SqliteStore::open(&address).await.unwrap())
}

pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// The use cases over a new database, with me as my site.
pub async fn service() -> (tempfile::TempDir, Arc<Service>) {
    let (folder, store) = store().await;
    let network = Network { allowed: loopback(), ..Network::default() };
    let service = Service::start(store, network, clock()).await.unwrap();
    service.set("my_sites", ME).await.unwrap();
    (folder, service)
}

pub fn about(name: &str, url: &str) -> About {
    About { name: name.to_owned(), url: url.to_owned(), ..About::default() }
}

/// Enters a link and returns its id.
pub async fn enter(service: &Service, name: &str, url: &str) -> i64 {
    service.store().add_link(&about(name, url), true, service.clock().now()).await.unwrap()
}

/// A clock that stands still until it is set; whoever sleeps on it sleeps until then.
pub struct HandClock {
    now: Mutex<DateTime<Utc>>,
    moved: Notify,
}

#[async_trait::async_trait]
impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    async fn sleep_until(&self, time: DateTime<Utc>, _: Duration) {
        loop {
            let moved = self.moved.notified();
            if self.now() >= time {
                return;
            }
            moved.await;
        }
    }
}

impl HandClock {
    pub fn at(text: &str) -> Arc<HandClock> {
        Arc::new(HandClock { now: Mutex::new(text.parse().unwrap()), moved: Notify::new() })
    }

    pub fn set(&self, text: &str) {
        *self.now.lock().unwrap() = text.parse().unwrap();
        self.moved.notify_waiters();
    }
}

/// Looks again and again until it is so.
pub async fn until(mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it never came");
}

/// One attempt's time limit in tests of the engine.
pub const LIMIT: Duration = Duration::from_millis(700);

pub fn terms(retries: u32) -> Arc<Terms> {
    let ms = u32::try_from(LIMIT.as_millis()).unwrap();
    Arc::new(Terms {
        sites: Arc::new(MySites::new(&[ME.to_owned()], &[]).unwrap()),
        discovery: true,
        limits: Limits { timeout_ms: ms, connect_timeout_ms: 500, retries, ..Limits::default() },
        user_agent: "test".into(),
    })
}

/// One whole check, with its waits.
pub async fn check_with(probe: &Probe, about: &About, terms: Arc<Terms>) -> Observation {
    let mut course = Course::new(1, about, terms);
    let clock = clock();
    loop {
        let start = Instant::now();
        let seen = probe.ask(&course.request(), clock.now()).await;
        assert!(start.elapsed() < LIMIT + Duration::from_millis(100), "took {:?}", start.elapsed());
        match course.take(seen, clock.now(), 0.0) {
            Next::Done { seen, .. } => return *seen,
            Next::Ask(wait) => sleep(wait).await,
        }
    }
}

/// A whole run over all links.
pub async fn run(service: &Arc<Service>) -> Settled {
    let plan = service.plan().await.unwrap();
    let started = service.start_run(Trigger::CommandLine, Pick::All, plan).await.unwrap();
    started.done.expect("a run of its own").await.unwrap().unwrap()
}

/// Whether a link is shown now.
pub async fn is_shown(service: &Service, id: i64) -> bool {
    service.store().link(id).await.unwrap().unwrap().state.shown
}

/// A desk with so many healthy friends, each by a name of its own, and one that nobody listens for.
pub async fn roll(desk: &desk::Desk, friends: usize) -> (dns::NameServer, Site) {
    let dns = dns::NameServer::start(|_, _| dns::Reply::Addresses(vec![[127, 0, 0, 1]])).await;
    // Slow enough that as many are in flight as may be.
    let friend = site(|mut stream, _| async move {
        head(&mut stream).await?;
        sleep(Duration::from_millis(40)).await;
        stream.write_all(friendly().as_bytes()).await
    })
    .await;
    let mut list = format!("name,url\ndead,{}\n", gone().await.replace("127.0.0.1", "dead.test"));
    for n in 0..friends {
        list.push_str(&format!("n{n},http://n{n}.test:{}/\n", friend.addr.port()));
    }
    let file = desk.file("friends.csv", list.as_bytes());
    desk.out(&["import", &file]);
    (dns, friend)
}
