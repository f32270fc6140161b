//! Bot walls, told from sites: each wall's answer as it comes over the wire, and answers that are none.

mod support;

use rollcall::domain::{class::Class, observation::Standing, walls};
use std::collections::BTreeSet;
use support::{ME, check_with, probe, says, terms};

/// A refusal with headers and a body.
fn answer(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Wall, status, headers and page, much shortened.
const WALLS: &[(&str, u16, &str, &str)] = &[
    ("Cloudflare", 403, "cf-mitigated: challenge\r\n", ""),
    (
        "Cloudflare",
        503,
        "Server: cloudflare\r\n",
        "<title>Just a moment...</title><script>window._cf_chl_opt={cvId:'3'}</script>",
    ),
    (
        "Cloudflare",
        403,
        "",
        "<title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/h/b/orchestrate/x></script>",
    ),
    (
        "Cloudflare",
        403,
        "Server: cloudflare\r\n",
        "<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>",
    ),
    ("Cloudflare", 403, "Server: cloudflare\r\n", "error code: 1020"),
    ("Cloudflare", 403, "", "<title>Access denied | x.test used Cloudflare to restrict access</title>"),
    ("Cloudflare", 429, "Server: cloudflare\r\n", "error code: 1015"),
    (
        "Akamai",
        403,
        "Server: AkamaiGHost\r\n",
        "<TITLE>Access Denied</TITLE>You don't have permission. Reference #18.2d",
    ),
    ("Akamai", 403, "", "<h1>Access Denied</h1><p>https://errors.edgesuite.net/18.2d"),
    ("Akamai", 200, "", "<div id=sec-if-cpt-container></div>"),
    ("Sucuri", 403, "Server: Sucuri/Cloudproxy\r\n", "<title>Sucuri WebSite Firewall - Access Denied</title>"),
    ("Sucuri", 403, "x-sucuri-block: BAD\r\n", ""),
    ("Sucuri", 200, "", "<script>var s={},sucuri_cloudproxy_js='';</script>"),
    ("DDoS-Guard", 403, "Server: ddos-guard\r\n", "<title>DDoS-Guard</title>"),
    ("DDoS-Guard", 200, "", "<script src=https://check.ddos-guard.net/check.js></script>"),
    ("Tencent EdgeOne", 567, "", "blocked"),
    ("Tencent EdgeOne", 200, "", "<script>var EO_Bot_Ssid=1;document.cookie='__tst_status=1'</script>"),
    ("Aliyun", 200, "", "<script>var arg1='A1';setCookie('acw_sc__v2',x)</script>"),
    ("Aliyun", 405, "Server: Tengine\r\n", "<title>405</title><img src=https://errors.aliyun.com/images/x.png>"),
    ("Aliyun", 200, "", "<script src='/_____tmd_____/punish?x5secdata=x'></script>"),
    ("Baidu Yunjiasu", 503, "Server: yunjiasu-nginx\r\n", "<title>安全检查</title>"),
    ("Baidu Yunjiasu", 403, "", "<p>本网站由百度云加速保护</p>"),
    ("SafeLine", 468, "", "<script>SafeLineChallenge(\"x\", {})</script>"),
    ("SafeLine", 200, "", "<script src=/.safeline/static/sdk.js></script>"),
    ("SafeLine", 403, "", "<p>访问已被拦截 · 雷池 WAF</p>"),
    ("AWS WAF", 202, "x-amzn-waf-action: challenge\r\n", ""),
    ("AWS WAF", 405, "x-amzn-waf-action: captcha\r\n", "<p>Human Verification</p>"),
    ("AWS WAF", 200, "", "<script src=https://a.b.token.awswaf.com/challenge.js></script>"),
    ("AWS WAF", 403, "Server: awselb/2.0\r\n", "<title>403 Forbidden</title><h1>403 Forbidden</h1>"),
    ("AWS WAF", 403, "Server: CloudFront\r\n", "<H1>403 ERROR</H1>Request blocked."),
    (
        "Anubis",
        200,
        "",
        "<title>Making sure you're not a bot!</title><script id=anubis_challenge type=application/json>{}</script>",
    ),
    ("Anubis", 200, "", "<link rel=stylesheet href=/.within.website/x/cmd/anubis/static/x.css>"),
    ("Vercel", 429, "x-vercel-mitigated: challenge\r\n", ""),
    ("Vercel", 403, "x-vercel-mitigated: deny\r\n", ""),
    ("Vercel", 403, "", "<title>Vercel Security Checkpoint</title>"),
    (
        "Imperva",
        403,
        "",
        "<iframe src='/_Incapsula_Resource?x'>Request unsuccessful. Incapsula incident ID: 1</iframe>",
    ),
    ("DataDome", 403, "x-datadome: protected\r\n", ""),
    ("PerimeterX", 403, "", "<div id=px-captcha></div>"),
    ("Knownsec", 405, "", "<a href=http://www.365cyd.com>创宇盾</a>"),
    ("BaoTa", 403, "", "<h1>宝塔Linux面板 网站防火墙</h1>"),
];

#[tokio::test]
async fn every_wall_is_told_and_hides_nothing() {
    let mut met = BTreeSet::new();
    for (wall, status, headers, page) in WALLS {
        let site = says(answer(*status, headers, page)).await;
        let seen = check_with(&probe(), &support::about("x", &site.url()), terms(0)).await;
        assert_eq!(seen.class, Class::BotChallenge, "{wall} {status}: {page}");
        assert_eq!(seen.standing(), Standing::Unverifiable);
        let kept = seen.evidence.wall.expect("the wall is evidence");
        assert_eq!(kept.name, *wall, "{}", kept.mark);
        assert_eq!(seen.status, Some(*status));
        assert_eq!(seen.flags, [], "a wall's page says nothing of the site's own");
        met.insert(*wall);
    }
    let known: BTreeSet<&str> = walls::TELLS.iter().map(|tell| tell.wall).collect();
    assert_eq!(met, known, "each wall of the table has a row here");
}

#[tokio::test]
async fn sites_are_not_walls() {
    let words = "words ".repeat(800);
    let article = format!(
        "<title>How walls work</title><p>{words}</p><pre>window._cf_chl_opt acw_sc__v2 EO_Bot_Ssid SafeLineChallenge</pre>{}",
        "<a href=/x>x</a>".repeat(20)
    );
    for (status, headers, page, class) in [
        (403, "Server: nginx\r\n", "<h1>403 Forbidden</h1>", Class::HttpStatus),
        (403, "Server: cloudflare\r\n", "<h1>403 Forbidden</h1><hr>nginx", Class::HttpStatus),
        (403, "Server: AkamaiGHost\r\n", "<h1>Members only</h1>", Class::HttpStatus),
        (404, "Server: ddos-guard\r\n", "<h1>Not found</h1>", Class::HttpStatus),
        (503, "Server: yunjiasu\r\n", "", Class::BotChallenge),
        (500, "Server: yunjiasu\r\n", "", Class::HttpStatus),
        (503, "Retry-After: 60\r\n", "<h1>Back soon</h1>", Class::HttpStatus),
        (
            521,
            "Server: cloudflare\r\n",
            "<title>521: Web server is down</title><div class=cf-error-details>",
            Class::HttpStatus,
        ),
        (429, "", "<h1>Too many requests</h1>", Class::RateLimited),
        (401, "WWW-Authenticate: Basic\r\n", "", Class::HttpStatus),
        (200, "", article.as_str(), Class::BacklinkMissing),
        (
            200,
            "Server: cloudflare\r\n",
            "<p>hello</p><script src=/cdn-cgi/challenge-platform/scripts/jsd/main.js></script>",
            Class::ScriptOnly,
        ),
    ] {
        let site = says(answer(status, headers, page)).await;
        let seen = check_with(&probe(), &support::about("x", &site.url()), terms(0)).await;
        assert_eq!(seen.class, class, "{status} {headers}{page:.60}");
    }
}

#[tokio::test]
async fn a_backlink_on_the_page_outranks_its_marks() {
    let page = format!("<a href={ME}>me</a><script>window._cf_chl_opt={{}}</script>");
    let site = says(answer(200, "", &page)).await;
    assert_eq!(check_with(&probe(), &support::about("x", &site.url()), terms(0)).await.class, Class::Ok);
}
