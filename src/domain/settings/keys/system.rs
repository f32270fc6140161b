//! Schedules, backups, access and what is kept.

use super::{
    super::{
        super::{address, lang::Lang, schedule},
        Why,
    },
    Input, Key, Section, both, list, on_off, switch, whole, whole_number,
};
use ipnet::IpNet;
use std::net::IpAddr;
use url::Url;

pub const KEYS: &[Key] = &[
    Key {
        name: "timezone",
        section: Section::Schedule,
        label: ("时区", "Time zone"),
        help: (
            "定时检查与页面时间所用的时区，如 Asia/Shanghai；留空用本机时区",
            "the schedule's time zone, such as Asia/Shanghai; empty takes this machine's own",
        ),
        input: Input::Text,
        get: |s| s.timezone.clone(),
        set: |s, v| {
            if !v.is_empty() {
                schedule::parse_zone(v)
                    .map_err(|e| both("没有这个时区，请填写如 Asia/Shanghai 的名称", &e.to_string()))?;
            }
            s.timezone = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "jitter",
        section: Section::Schedule,
        label: ("随机推迟（秒）", "Start spread (seconds)"),
        help: (
            "定时检查随机推迟至多这么久，避免所有站点同时发起请求；不超过两次间隔的十分之一，0–3600",
            "scheduled runs start up to so much later, so that not everyone asks at the full minute; at most a tenth of the time between two runs, 0-3600",
        ),
        input: whole_number("0", "3600"),
        get: |s| s.system.jitter_s.to_string(),
        set: |s, v| {
            s.system.jitter_s = whole(v, 0, 3600)?;
            Ok(())
        },
    },
    Key {
        name: "back_off",
        section: Section::Schedule,
        label: ("少查久失联的友链", "Check the long-dead less"),
        help: (
            "隐藏 10、30、60 天以上的友链，定时检查改为每 5、10、15 天一次",
            "on or off: schedules check links hidden for 10, 30 and 60 days only every 5, 10 and 15 days",
        ),
        input: Input::OnOff,
        get: |s| on_off(s.system.back_off),
        set: |s, v| {
            s.system.back_off = switch(v)?;
            Ok(())
        },
    },
    Key {
        name: "backup_cron",
        section: Section::Schedule,
        label: ("定时备份（cron）", "Backups (cron)"),
        help: (
            "何时把数据库备份到其旁边的 backups 文件夹；留空则不备份",
            "when the database is copied into the folder backups beside it; empty makes no backups",
        ),
        input: Input::Text,
        get: |s| s.system.backup_cron.clone(),
        set: |s, v| {
            if !v.is_empty() {
                schedule::Schedule::new(v, "UTC").map_err(|e| both(&e.words(Lang::Zh), &e.words(Lang::En)))?;
            }
            s.system.backup_cron = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "backups_keep",
        section: Section::Schedule,
        label: ("保留备份数", "Backups kept"),
        help: ("定时备份保留最新多少份，1–1000", "how many of these backups are kept, the newest, 1-1000"),
        input: whole_number("1", "1000"),
        get: |s| s.system.backups_keep.to_string(),
        set: |s, v| {
            s.system.backups_keep = whole(v, 1, 1000)?;
            Ok(())
        },
    },
    Key {
        name: "public_url",
        section: Section::Access,
        label: ("对外地址", "Public address"),
        help: (
            "从外部访问本页的地址，如 https://roll.example.com；只在本机访问则留空",
            "where the dashboard is reached from outside, such as https://roll.example.com; empty where only directly",
        ),
        input: Input::Text,
        get: |s| s.public_url.clone(),
        set: |s, v| {
            s.public_url = if v.is_empty() {
                String::new()
            } else {
                let url = address::parse(v).map_err(|e| both(&format!("网址无效（{e}）"), &e.to_string()))?;
                url.origin().ascii_serialization()
            };
            Ok(())
        },
    },
    Key {
        name: "proxy",
        section: Section::Access,
        label: ("检查所用代理", "Proxy for checks"),
        help: (
            "所有检查经此 HTTP 代理发出，如 http://proxy.example.com:3128；留空直接访问，环境变量中的代理一律不用。内网代理须以 --allow-net 放行",
            "all checks go through this HTTP proxy, such as http://proxy.example.com:3128; empty goes directly, and proxies in the environment are never used. One inside your network wants --allow-net",
        ),
        input: Input::Text,
        get: |s| s.system.proxy.clone(),
        set: |s, v| {
            s.system.proxy = if v.is_empty() { String::new() } else { proxy(v)? };
            Ok(())
        },
    },
    Key {
        name: "trusted_proxies",
        section: Section::Access,
        label: ("可信反向代理", "Trusted proxies"),
        help: (
            "由这些地址转来的请求，以 X-Forwarded-For 识别访客，如 127.0.0.1 10.0.0.0/8；其他来源的此头一律不信",
            "requests from these addresses or nets tell the visitor by X-Forwarded-For, such as 127.0.0.1 10.0.0.0/8; from anywhere else it is not believed",
        ),
        input: Input::Lines,
        get: |s| s.system.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        set: |s, v| {
            s.system.trusted_proxies = list(v).iter().map(|text| net(text)).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Key {
        name: "max_connections",
        section: Section::Access,
        label: ("最多连接数", "Connections at once"),
        help: (
            "后台同时接受多少个连接，0–100000；0 表示自动：可打开文件数的四分之一，8–1024，这也是上限",
            "how many connections the dashboard takes at once, 0-100000; 0 takes a quarter of the open files, 8 to 1024, which is also the most",
        ),
        input: whole_number("0", "100000"),
        get: |s| s.system.max_connections.to_string(),
        set: |s, v| {
            s.system.max_connections = whole(v, 0, 100_000)?;
            Ok(())
        },
    },
    Key {
        name: "max_connections_per_address",
        section: Section::Access,
        label: ("单个地址最多连接数", "Connections per address"),
        help: (
            "同一地址未登录的连接最多多少个，0–100000；0 表示自动：64，但不超过最多连接数的一半；超出时挂断最闲的一个。可信反向代理不受此限",
            "connections of one address that nobody is signed in on, 0-100000; 0 takes 64, or half of all where that is less. One more, and an idle one is closed. Trusted proxies are exempt",
        ),
        input: whole_number("0", "100000"),
        get: |s| s.system.max_connections_per_address.to_string(),
        set: |s, v| {
            s.system.max_connections_per_address = whole(v, 0, 100_000)?;
            Ok(())
        },
    },
    Key {
        name: "metrics_token",
        section: Section::Access,
        label: ("监控口令", "Metrics token"),
        help: (
            "从别的机器读取 /metrics 所用的 Bearer 口令，至少 16 个字符；留空则只许本机读取",
            "the bearer token that /metrics wants from other machines, 16 characters or more; empty lets only this machine read it",
        ),
        input: Input::Text,
        get: |s| s.system.metrics_token.clone(),
        set: |s, v| {
            if !v.is_empty() && (v.len() < 16 || v.len() > 200 || !v.bytes().all(|b| b.is_ascii_graphic())) {
                return Err(both(
                    "请填写 16 到 200 个 ASCII 字符，不含空格",
                    "write 16 to 200 plain ASCII characters without spaces",
                ));
            }
            s.system.metrics_token = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "avatars",
        section: Section::Dashboard,
        label: ("显示头像", "Load avatars"),
        help: (
            "从友链网站加载头像；关闭时只显示首字，不向第三方发出请求",
            "on or off: pages load friends' pictures from their sites; off shows initials and asks no third party",
        ),
        input: Input::OnOff,
        get: |s| on_off(s.avatars),
        set: |s, v| {
            s.avatars = switch(v)?;
            Ok(())
        },
    },
    Key {
        name: "keep_days",
        section: Section::Dashboard,
        label: ("保留检查记录（天）", "Checks kept (days)"),
        help: (
            "单次检查保留多少天，1–3650；显示与隐藏的变化永久保留",
            "days that single checks are kept, 1-3650; what was shown and hidden is kept for ever",
        ),
        input: whole_number("1", "3650"),
        get: |s| s.keep_days.to_string(),
        set: |s, v| {
            s.keep_days = whole(v, 1, 3650)?;
            Ok(())
        },
    },
];

/// A net, or a single address.
pub fn parse_net(text: &str) -> Option<IpNet> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

fn net(text: &str) -> Result<IpNet, Why> {
    parse_net(text).ok_or_else(|| {
        both(
            &format!("“{text}”不是地址，请填写如 127.0.0.1 或 10.0.0.0/8"),
            &format!("{text:?} is no address; write one such as 127.0.0.1 or 10.0.0.0/8"),
        )
    })
}

fn proxy(text: &str) -> Result<String, Why> {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = parsed.filter(|url| matches!(url.path(), "" | "/") && url.query().is_none()).ok_or_else(|| {
        both(
            "请填写代理地址，如 http://proxy.example.com:3128",
            "write a proxy's address, such as http://proxy.example.com:3128",
        )
    })?;
    Ok(url.to_string())
}
