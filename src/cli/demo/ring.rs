//! The sites of the made-up ring, each on a port of its own.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::net::TcpSocket;

/// Where the ring lives.
pub const NET: &str = "127.0.0.0/8";
/// Whose ring it is.
pub const ME: &str = "https://me.example.com";
pub const WHITELISTED: &str = "旧友小栈";
/// Connections that wait for a friend at most.
const BACKLOG: u32 = 128;

/// One friend of the ring.
pub struct Friend {
    pub name: &'static str,
    pub group: &'static str,
    pub url: String,
    /// Hidden by an earlier run.
    pub was_hidden: bool,
    /// Bound and never listened on: nobody answers there, and no other friend is given the port.
    _closed: Option<TcpSocket>,
}

/// What a site does when asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Fine,
    /// In GBK, with an old-style meta.
    Gbk,
    /// The link goes through a redirect page.
    Wrapped,
    /// Moved to its own /blog/.
    Moved,
    /// The backlink stands on the friends page only.
    OnFriendsPage,
    Status(u16),
    /// 404 the first time, fine after that.
    Recovering,
    NoBacklink,
    BotWall,
    RateLimited,
    ScriptOnly,
    /// A challenge page that says 200, told by what it loads.
    WallPage,
    /// Sends everybody round in a circle.
    Circle,
    /// Leads to a place that checks may not go to.
    Inward,
    /// Goes on and on.
    Endless,
    /// The domain is for sale.
    Parked,
    /// Longer than any time limit.
    Slow,
    /// Nothing listens there.
    Gone,
}

/// Name, group, what the site does, and its time to answer in milliseconds.
const RING: [(&str, &str, Manner, u64); 24] = [
    ("山间笔记", "写作", Manner::Fine, 120),
    ("Paper Lanterns", "Writing", Manner::Fine, 340),
    ("咸鱼的代码铺", "技术", Manner::Gbk, 260),
    ("夜航船", "写作", Manner::Wrapped, 480),
    ("Late Commits", "Tech", Manner::Inward, 90),
    ("茶馆 404", "技术", Manner::Status(404), 150),
    ("云上小站", "生活", Manner::Status(500), 210),
    ("Gone Fishing", "Life", Manner::Gone, 0),
    ("慢慢来", "生活", Manner::Slow, 0),
    ("忘了你", "生活", Manner::NoBacklink, 310),
    ("起死回生", "技术", Manner::Recovering, 180),
    ("城墙之内", "技术", Manner::BotWall, 70),
    ("回来了", "写作", Manner::Fine, 230),
    (WHITELISTED, "写作", Manner::Gone, 0),
    ("搬家公司", "生活", Manner::Moved, 140),
    ("友链在别页", "技术", Manner::OnFriendsPage, 200),
    ("Quiet Hours", "Life", Manner::Circle, 130),
    ("半亩方塘", "写作", Manner::WallPage, 880),
    ("Rust & Rain", "Tech", Manner::Fine, 1100),
    ("别太快", "技术", Manner::RateLimited, 60),
    ("脚本之家", "技术", Manner::ScriptOnly, 170),
    ("像素花园", "生活", Manner::Parked, 1500),
    ("Second Draft", "Writing", Manner::Endless, 1900),
    ("南风知我意", "写作", Manner::Fine, 2400),
];

struct Site {
    name: &'static str,
    manner: Manner,
    wait: Duration,
    asked: AtomicU32,
}

/// Starts every site; they live as long as the process.
pub async fn start() -> io::Result<Vec<Friend>> {
    let mut friends = Vec::with_capacity(RING.len());
    for (name, group, manner, wait) in RING {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let url = format!("http://{}/", socket.local_addr()?);
        let mut friend = Friend { name, group, url, was_hidden: name == "回来了", _closed: None };
        if manner == Manner::Gone {
            friend._closed = Some(socket);
            friends.push(friend);
            continue;
        }
        friends.push(friend);
        let listener = socket.listen(BACKLOG)?;
        let site = Arc::new(Site { name, manner, wait: Duration::from_millis(wait), asked: AtomicU32::new(0) });
        let app =
            Router::new().route("/", get(home)).route("/blog/", get(blog)).route("/links", get(blog)).with_state(site);
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    Ok(friends)
}

async fn home(State(site): State<Arc<Site>>) -> Response {
    tokio::time::sleep(site.wait).await;
    let times = site.asked.fetch_add(1, Relaxed);
    match site.manner {
        Manner::Fine => html(page(site.name, BACKLINK)),
        Manner::Gbk => gbk(site.name),
        Manner::Wrapped => html(page(site.name, "<a href=\"/go?url=https%3A%2F%2Fme.example.com%2F\">我的朋友</a>")),
        Manner::Moved => Redirect::permanent("/blog/").into_response(),
        Manner::OnFriendsPage => html(page(site.name, "<a href=\"/links\">友情链接</a>")),
        Manner::Status(status) => status_page(status),
        Manner::Recovering if times == 0 => status_page(404),
        Manner::Recovering => html(page(site.name, BACKLINK)),
        Manner::NoBacklink => html(page(site.name, "<!-- <a href=\"https://me.example.com/\">an old friend</a> -->")),
        Manner::BotWall => {
            let mitigated = (HeaderName::from_static("cf-mitigated"), HeaderValue::from_static("challenge"));
            (StatusCode::FORBIDDEN, HeaderMap::from_iter([mitigated]), "Just a moment...").into_response()
        }
        Manner::RateLimited => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3600")]).into_response(),
        Manner::ScriptOnly => html("<div id=root></div><script src=/app.js></script>".to_owned()),
        Manner::WallPage => html(
            "<script>var arg1='0A1B';document.cookie='acw_sc__v2='+arg1;document.location.reload()</script>".to_owned(),
        ),
        Manner::Circle => Redirect::temporary("/").into_response(),
        Manner::Inward => Redirect::temporary("http://192.168.1.1/").into_response(),
        Manner::Endless => html(page(site.name, &"<p>还有，还有。</p>".repeat(100_000))),
        Manner::Parked => html(format!(
            "<title>This domain is for sale</title><h1>{}</h1><p>Buy this domain.</p><a href=/offer>Offer</a>",
            site.name
        )),
        Manner::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            status_page(200)
        }
        Manner::Gone => unreachable!("nothing listens there"),
    }
}

async fn blog(State(site): State<Arc<Site>>) -> Response {
    html(page(site.name, BACKLINK))
}

const BACKLINK: &str = "<a href=\"https://me.example.com/\" rel=\"friend\">我的朋友</a>";

fn page(name: &str, link: &str) -> String {
    let words = "今天天气很好，适合写字。 A quiet day, good for writing. ".repeat(12);
    format!(
        "<!doctype html><html lang=zh><head><meta charset=utf-8><title>{name}</title></head>\
         <body><h1>{name}</h1><p>{words}</p><footer>{link}</footer></body></html>"
    )
}

fn html(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

fn gbk(name: &str) -> Response {
    let text = page(name, BACKLINK).replace("<meta charset=utf-8>", "<meta charset=gb2312>");
    let (bytes, ..) = encoding_rs::GBK.encode(&text);
    ([(header::CONTENT_TYPE, "text/html")], bytes.into_owned()).into_response()
}

fn status_page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, format!("<h1>{status}</h1>")).into_response()
}
