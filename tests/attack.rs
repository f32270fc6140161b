//! One address that does all it can, without an account: the dashboard stays small and quick for its owner, and lets go
//! of everything afterwards. `make attack` does it for a minute.

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use support::{
    ME,
    desk::{Browser, Desk, Server},
    roll,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream as AsyncStream},
    time::{sleep, timeout},
};

/// Where the outsider comes from. The owner comes from 127.0.0.1.
const OUTSIDER: &str = "127.0.0.9:0";
/// What debug builds and the attack itself, on the same processors, may take longer.
const SLOWER: u32 = if cfg!(debug_assertions) { 10 } else { 1 };
const PAGE_MAX: Duration = Duration::from_millis(200);
const HEALTH_MAX: Duration = Duration::from_millis(500);
const GROWTH_MAX: u64 = 120 << 20;
const LEFT_MAX: u64 = 20 << 20;
const LOG_MAX: usize = 1 << 20;
const LET_GO_WITHIN: Duration = Duration::from_secs(60);

fn seconds() -> u64 {
    std::env::var("ROLLCALL_ATTACK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// Memory of a process, bytes.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

async fn connect(to: SocketAddr, from: &str) -> Option<AsyncStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    // Whoever does not read makes it as hard as he can.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(from.parse().unwrap()).ok()?;
    timeout(Duration::from_secs(2), socket.connect(to)).await.ok()?.ok()
}

/// Sends a request as far as the server takes it, and reads what comes; whether anything was answered.
async fn send(to: SocketAddr, request: &[u8]) -> bool {
    let Some(mut stream) = connect(to, OUTSIDER).await else { return false };
    let mut answer = Vec::new();
    let exchange = async {
        // It may hang up before all is sent.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    let _ = timeout(Duration::from_secs(5), exchange).await;
    answer.starts_with(b"HTTP/1.1 ")
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: text/html\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn get(path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: text/html\r\n{more}\r\n")
        .into_bytes()
}

/// The requests that an outsider has at hand.
fn weapons() -> Vec<Vec<u8>> {
    let pairs = "=&".repeat(4 << 20).into_bytes();
    let named = |bytes: usize| format!("name={}&password=wrong&form=login", "x".repeat(bytes)).into_bytes();
    let cookie =
        format!("Cookie: rollcall={}; flash={}; device={}\r\n", "A".repeat(22), "f".repeat(32), "0".repeat(32));
    vec![
        post("/api/fn/sign_in", &pairs),
        post("/api/fn/save_link", &pairs),
        post("/api/fn/preview_import", &vec![b'x'; 8 << 20]),
        post("/api/fn/sign_in", &named(60_000)),
        post("/api/fn/sign_in", &named(10)),
        post("/api/fn/set_up", &format!("token={}", "y".repeat(60_000)).into_bytes()),
        post("/api/fn/choose_lang", b"lang=%F0%9F%98%80"),
        post("/links", &pairs),
        get("/login", ""),
        get("/login", &cookie),
        get("/links.json", "Accept-Encoding: br\r\n"),
        get(&format!("/nowhere/{}", "z".repeat(8000)), ""),
        get("/links", &format!("X-Long: {}\r\n", "h".repeat(20_000))),
        get("/links", &"X-Many: 1\r\n".repeat(2000)),
    ]
}

/// Connections that are held: silent, half a head, a body that drips, an answer that is not read.
async fn hold(to: SocketAddr, kind: usize, over: Arc<AtomicBool>) {
    while !over.load(Relaxed) {
        let Some(mut stream) = connect(to, OUTSIDER).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let begun: &[u8] = match kind % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
            2 => b"POST /api/fn/sign_in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n",
            _ => b"GET /links.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        };
        if stream.write_all(begun).await.is_err() {
            continue;
        }
        while !over.load(Relaxed) && (kind.is_multiple_of(4) || stream.write_all(b"x").await.is_ok()) {
            sleep(Duration::from_millis(200)).await;
        }
    }
}

struct Attack {
    over: Arc<AtomicBool>,
    /// Requests that were answered.
    answered: Arc<AtomicUsize>,
    runtime: tokio::runtime::Runtime,
}

impl Attack {
    fn begin(server: &Server) -> Attack {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let to: SocketAddr = server.addr.parse().unwrap();
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for kind in 0..200 {
            runtime.spawn(hold(to, kind, over.clone()));
        }
        let weapons = Arc::new(weapons());
        for first in 0..8 {
            let (over, answered, weapons) = (over.clone(), answered.clone(), weapons.clone());
            runtime.spawn(async move {
                let mut at = first;
                while !over.load(Relaxed) {
                    let was = send(to, &weapons[at % weapons.len()]).await;
                    at += 3;
                    answered.fetch_add(usize::from(was), Relaxed);
                }
            });
        }
        Attack { over, answered, runtime }
    }

    fn end(self) -> usize {
        self.over.store(true, Relaxed);
        self.runtime.shutdown_timeout(Duration::from_secs(5));
        self.answered.load(Relaxed)
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The slowest but one in a hundred.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

#[test]
fn an_outsider_neither_fills_nor_stops_it() {
    let desk = Desk::new();
    let rows: String = (0..500).map(|n| format!("friend {n},https://friend{n}.test/\n")).collect();
    desk.out(&["import", &desk.file("friends.csv", rows.as_bytes())]);
    let (server, mut owner) = desk.serve_first_signed_in();
    for page in ["/", "/links", "/settings"] {
        assert_eq!(owner.get(page).status, 200);
    }
    std::thread::sleep(Duration::from_secs(2));
    let (idle, said) = (resident(&server), server.said.lock().unwrap().len());

    let attack = Attack::begin(&server);
    let mut peak = 0;
    let (mut pages, mut healths) = (Vec::new(), Vec::new());
    let until = Instant::now() + Duration::from_secs(seconds());
    while Instant::now() < until {
        for page in ["/", "/links", "/whitelist"] {
            pages.push(timed(|| assert_eq!(owner.get(page).status, 200, "{page}")));
        }
        healths.push(timed(|| assert_eq!(server.browser().get("/healthz").status, 200)));
        peak = peak.max(resident(&server));
        std::thread::sleep(Duration::from_millis(20));
    }
    let answered = attack.end();
    let log = server.said.lock().unwrap().len() - said;
    let (page, health) = (p99(pages), healths.into_iter().max().unwrap());
    let let_go = Instant::now();
    while resident(&server) > idle + LEFT_MAX && let_go.elapsed() < LET_GO_WITHIN {
        std::thread::sleep(Duration::from_millis(200));
    }
    let left = resident(&server).saturating_sub(idle);
    println!(
        "{answered} answers; memory {} MB idle, {} MB more at most, {} MB more after {:?}; page p99 {page:?}, \
         health at most {health:?}, {log} bytes of log",
        idle >> 20,
        peak.saturating_sub(idle) >> 20,
        left >> 20,
        let_go.elapsed()
    );
    assert!(answered > 100, "{answered} answers: this was no attack");
    assert!(peak.saturating_sub(idle) < GROWTH_MAX, "{} MB more", peak.saturating_sub(idle) >> 20);
    assert!(left < LEFT_MAX, "{} MB are kept", left >> 20);
    assert!(page < PAGE_MAX * SLOWER, "{page:?}");
    assert!(health < HEALTH_MAX * SLOWER, "{health:?}");
    assert!(log < LOG_MAX, "{log} bytes of log");
}

/// Sends a head and a body, and returns the status of what is answered before all of it is read.
fn status_of(server: &Server, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(&server.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // What is refused is not read: the connection may be gone by then.
    let _ = stream.write_all(body);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn a_request_is_refused_before_it_is_read() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    server.browser().set_up(&server);
    let head = |function: &str, kind: &str, length: usize| {
        format!(
            "POST /api/fn/{function} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n",
            server.addr
        )
    };
    let form = "application/x-www-form-urlencoded";
    // Nothing of the body is sent: what is answered was decided without it.
    for (function, kind, length, status) in [
        ("save_link", form, 10, 401),
        ("save_link", form, 100_000_000, 401),
        ("preview_import", "multipart/form-data; boundary=x", 1_000_000, 401),
        ("watch", form, 10, 401),
        ("no_such_function", form, 10, 401),
        ("sign_in", form, 70_000, 413),
        ("sign_in", "application/json", 1 << 40, 413),
    ] {
        assert_eq!(status_of(&server, &head(function, kind, length), b""), status, "{function} {kind} {length}");
    }
    let many = "a=1&".repeat(1000);
    assert_eq!(status_of(&server, &head("sign_in", form, many.len()), many.as_bytes()), 422);
    let chunked = head("sign_in", form, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 65536], b"\r\n"].concat().repeat(2);
    assert_eq!(status_of(&server, &chunked, &chunk), 413, "a length that nobody says is counted");
}

#[test]
fn refusals_say_what_they_are() {
    let desk = Desk::new();
    let (server, mut owner) = desk.serve_first_signed_in();
    for (function, fields, status) in [
        ("decide_run", &[("run_id", "99"), ("decision", "apply")][..], 404),
        ("recheck", &[("link_id", "99")], 404),
        ("recheck", &[("link_id", "x")], 422),
        ("recheck", &[], 422),
        ("save_link", &[("url", "no address")], 422),
        ("save_settings", &[("set[retries]", "many")], 422),
        ("change_password", &[("old", "wrong"), ("password", "12345678"), ("again", "12345678")], 422),
    ] {
        assert_eq!(owner.post(&format!("/api/fn/{function}"), fields).status, status, "{function} {fields:?}");
    }
    assert_eq!(server.browser().post("/api/fn/recheck", &[("link_id", "x")]).status, 401);
}

#[test]
fn the_owner_gets_in_where_an_outsider_holds_all_that_he_can() {
    let desk = Desk::with_open_files(128);
    let (server, mut owner) = desk.serve_first_signed_in();
    // From the owner's own address, as everybody seems to be behind a proxy that is not known.
    let held: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(&server.addr).ok()).collect();
    assert!(held.len() > 200);
    // All of them have been taken in once there is no room for most: what he holds is held from now on.
    held.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
    let hung_up = |mut stream: &TcpStream| {
        stream.read(&mut [0]).is_ok_and(|bytes| bytes == 0)
            || stream.take_error().is_ok_and(|error| error.is_some())
            || stream.peer_addr().is_err()
    };
    let given_up = Instant::now() + Duration::from_secs(8);
    while held.iter().filter(|stream| hung_up(stream)).count() < held.len() - 32 {
        assert!(Instant::now() < given_up, "it hangs up on nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..20 {
        assert_eq!(owner.get("/links").status, 200);
    }
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
    assert!(files < 100, "{files} open files of 128");
}

/// Runs that the outsider is to spoil, at each limit of open files.
fn rounds() -> i64 {
    std::env::var("ROLLCALL_ATTACK_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Starts a run over all links and waits for its end; the dashboard answers all the while.
fn run_to_its_end(owner: &mut Browser, id: i64) -> String {
    assert_eq!(owner.post("/api/fn/check_all", &[]).status, 200);
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let asked = Instant::now();
        let live = owner.post("/api/fn/live", &[]);
        assert_eq!(live.status, 200, "{}", live.body);
        assert!(asked.elapsed() < PAGE_MAX * SLOWER, "{:?}", asked.elapsed());
        if live.body == "[]" {
            return owner.get(&format!("/runs/{id}")).body;
        }
        assert!(Instant::now() < until, "{}", live.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_outsider_who_holds_all_files_hides_nobody() {
    let friends_run_on = tokio::runtime::Runtime::new().unwrap();
    for limit in [128, 256, 512] {
        let desk = Desk::with_open_files(limit);
        let (dns, _friend) = friends_run_on.block_on(roll(&desk, 100));
        desk.out(&["setting", "set", "my_sites", ME]);
        desk.out(&["setting", "set", "concurrency", "500"]);
        let server = desk.serve(&["--dns", &dns.addr.to_string()]);
        let mut owner = server.browser();
        owner.set_up(&server);
        let attack = Attack::begin(&server);
        for round in 1..=rounds() {
            let page = run_to_its_end(&mut owner, round);
            let links = desk.out(&["export", "--format", "json"]);
            let links: Vec<serde_json::Value> = serde_json::from_str(&links).unwrap();
            let hidden: Vec<&serde_json::Value> = links.iter().filter(|link| link["shown"] == false).collect();
            assert!(
                hidden.len() == 1 && hidden[0]["name"] == "dead",
                "{} hidden with {limit} files in round {round}: {page}",
                hidden.len()
            );
        }
        println!("{limit} files, {} runs: nobody hidden; {} answers", rounds(), attack.end());
    }
}

#[test]
fn slow_readers_hold_few_states_of_the_public_list() {
    const READERS: usize = 10;
    /// The newest state, and three before it.
    const KEPT: usize = 4;
    let desk = Desk::new();
    let words = "w".repeat(1000);
    let rows: String = (0..9_000).map(|n| format!("friend {n},https://friend{n}.test/,{words}\n")).collect();
    desk.out(&["import", &desk.file("friends.csv", format!("name,url,description\n{rows}").as_bytes())]);
    let server = desk.serve(&[]);
    let to: SocketAddr = server.addr.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = get("/links.json", "");
    let readers: Vec<AsyncStream> = (0..READERS)
        .map(|n| {
            desk.out(&["link", "set", "1", "--note", &n.to_string()]);
            runtime.block_on(async {
                let mut reader = connect(to, OUTSIDER).await.unwrap();
                reader.write_all(&ask).await.unwrap();
                let mut first = [0; 12];
                reader.read_exact(&mut first).await.unwrap();
                assert!(first.ends_with(b"200"));
                reader
            })
        })
        .collect();
    let whole = readers.into_iter().map(|mut reader| {
        let mut rest = Vec::new();
        // Where it was hung up on, it ends too early, in whatever way.
        let _ = runtime.block_on(async { timeout(Duration::from_secs(20), reader.read_to_end(&mut rest)).await });
        rest.ends_with(b"\"count\":9000}")
    });
    let expected: Vec<bool> = (0..READERS).map(|n| n >= READERS - KEPT).collect();
    assert_eq!(whole.collect::<Vec<_>>(), expected);
}
