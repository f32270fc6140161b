//! Every key of the settings: its words, its range, and how it is read from text.

use super::{
    super::{address, backlink::MySites, policy::Preset, schedule},
    Settings, Why,
};

/// Where a key stands on the settings page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Sites,
    Policy,
    Guard,
    Engine,
    Dashboard,
}

/// How a key's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Text,
    /// Several, one a line.
    Lines,
    /// A number between bounds; empty is allowed where the flag says so.
    Number {
        min: &'static str,
        max: &'static str,
        step: &'static str,
        may_be_empty: bool,
    },
    OnOff,
    /// One of these codes.
    Choice(&'static [&'static str]),
}

const fn whole_number(min: &'static str, max: &'static str) -> Input {
    Input::Number { min, max, step: "1", may_be_empty: false }
}

const SECONDS: Input = Input::Number { min: "0.1", max: "300", step: "0.1", may_be_empty: false };

/// One key. Words are in Chinese and English.
pub struct Key {
    pub name: &'static str,
    pub section: Section,
    pub label: (&'static str, &'static str),
    pub help: (&'static str, &'static str),
    pub input: Input,
    pub(super) get: fn(&Settings) -> String,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), Why>,
}

/// Every key but the `hide_after.CLASS` ones.
pub const KEYS: &[Key] = &[
    Key {
        name: "my_sites",
        section: Section::Sites,
        label: ("本站地址", "My addresses"),
        help: (
            "友链网页应当链接到的本站地址，以空格或逗号分隔",
            "your own addresses that a friend's page should link to, separated by spaces or commas",
        ),
        input: Input::Lines,
        get: |s| s.my_sites.join(" "),
        set: |s, v| {
            let sites = list(v);
            MySites::new(&sites, &[]).map_err(|e| both(&format!("本站地址无效（{e}）"), &e.to_string()))?;
            s.my_sites = sites;
            Ok(())
        },
    },
    Key {
        name: "my_site_patterns",
        section: Section::Sites,
        label: ("本站正则", "My patterns"),
        help: (
            "在网页文字中查找的正则表达式，每行一个，匹配即视为外链",
            "regular expressions searched for in a page's text, one a line; each counts as a backlink",
        ),
        input: Input::Lines,
        get: |s| s.my_site_patterns.join("\n"),
        set: |s, v| {
            let patterns: Vec<String> = v.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
            MySites::new(&[], &patterns).map_err(|e| both(&format!("正则表达式无效（{e}）"), &e.to_string()))?;
            s.my_site_patterns = patterns;
            Ok(())
        },
    },
    Key {
        name: "discovery",
        section: Section::Sites,
        label: ("查找友链页", "Look on links pages"),
        help: (
            "首页没有外链时，继续查看对方的友链页",
            "on or off: look on the friend's own links page where the home page has no backlink",
        ),
        input: Input::OnOff,
        get: |s| on_off(s.discovery),
        set: |s, v| {
            s.discovery = switch(v)?;
            Ok(())
        },
    },
    Key {
        name: "policy",
        section: Section::Policy,
        label: ("判定方式", "Policy"),
        help: (
            "strict：一次异常即隐藏；patient：连续两三次异常才隐藏",
            "strict (one bad check hides) or patient (two or three in a row)",
        ),
        input: Input::Choice(&["strict", "patient"]),
        get: |s| match s.policy.preset {
            Preset::Strict => "strict".into(),
            Preset::Patient => "patient".into(),
        },
        set: |s, v| {
            s.policy.preset = match v {
                "strict" => Preset::Strict,
                "patient" => Preset::Patient,
                _ => return Err(both("请填写 strict 或 patient", "write strict or patient")),
            };
            Ok(())
        },
    },
    Key {
        name: "restore_after",
        section: Section::Policy,
        label: ("恢复所需正常次数", "Good checks to restore"),
        help: (
            "连续正常多少次后恢复显示，1–100；留空按判定方式",
            "good checks in a row that bring a hidden link back, 1-100; empty goes by the policy",
        ),
        input: Input::Number { min: "1", max: "100", step: "1", may_be_empty: true },
        get: |s| s.policy.restore_after.map(|n| n.to_string()).unwrap_or_default(),
        set: |s, v| {
            s.policy.restore_after = if v.is_empty() { None } else { Some(whole(v, 1, 100)?) };
            Ok(())
        },
    },
    Key {
        name: "guard_min",
        section: Section::Guard,
        label: ("保护：最少隐藏数", "Guard: links at least"),
        help: (
            "一次要隐藏的友链达到此数时暂停等待确认，0–100000；0 为关闭保护",
            "hold a run that would hide at least this many links, 0-100000; 0 turns the guard off",
        ),
        input: whole_number("0", "100000"),
        get: |s| s.policy.guard.min.to_string(),
        set: |s, v| {
            s.policy.guard.min = whole(v, 0, 100_000)?;
            Ok(())
        },
    },
    Key {
        name: "guard_share",
        section: Section::Guard,
        label: ("保护：占比", "Guard: share above"),
        help: (
            "且超过所检查的显示友链的这一比例，0–1",
            "... and more than this share of the shown ones it checked, 0-1",
        ),
        input: Input::Number { min: "0", max: "1", step: "0.01", may_be_empty: false },
        get: |s| s.policy.guard.share.to_string(),
        set: |s, v| match v.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => {
                s.policy.guard.share = share;
                Ok(())
            }
            _ => Err(both("请填写 0 到 1 之间的数，如 0.5", "write a number from 0 to 1, such as 0.5")),
        },
    },
    Key {
        name: "witnesses",
        section: Section::Guard,
        label: ("见证网站", "Witnesses"),
        help: (
            "总能打开的网址；全部失败时说明是本机网络故障，结果暂停等待确认。默认不设",
            "addresses that always answer; where all of them fail the run is held. None by default",
        ),
        input: Input::Lines,
        get: |s| s.witnesses.join(" "),
        set: |s, v| {
            let urls = list(v);
            for url in &urls {
                address::parse(url).map_err(|e| both(&format!("网址无效（{e}）"), &e.to_string()))?;
            }
            s.witnesses = urls;
            Ok(())
        },
    },
    Key {
        name: "concurrency",
        section: Section::Engine,
        label: ("同时检查数", "Checks at once"),
        help: ("1–1000", "checks at once, 1-1000"),
        input: whole_number("1", "1000"),
        get: |s| s.limits.concurrency.to_string(),
        set: |s, v| {
            s.limits.concurrency = whole(v, 1, 1000)?;
            Ok(())
        },
    },
    Key {
        name: "per_host",
        section: Section::Engine,
        label: ("同一主机同时检查数", "Checks at once per host"),
        help: ("同一主机与端口，1–1000", "checks at once of one host and port, 1-1000"),
        input: whole_number("1", "1000"),
        get: |s| s.limits.per_host.to_string(),
        set: |s, v| {
            s.limits.per_host = whole(v, 1, 1000)?;
            Ok(())
        },
    },
    Key {
        name: "timeout",
        section: Section::Engine,
        label: ("时限（秒）", "Time limit (seconds)"),
        help: (
            "一次尝试的总时限：解析、连接、跳转与正文，0.1–300 秒",
            "seconds for one attempt: name, connection, redirects and body together, 0.1-300",
        ),
        input: SECONDS,
        get: |s| (f64::from(s.limits.timeout_ms) / 1000.0).to_string(),
        set: |s, v| {
            s.limits.timeout_ms = seconds(v)?;
            Ok(())
        },
    },
    Key {
        name: "connect_timeout",
        section: Section::Engine,
        label: ("连接时限（秒）", "Connect limit (seconds)"),
        help: ("其中解析与连接的时限，0.1–300 秒", "of these for name and connection, seconds, 0.1-300"),
        input: SECONDS,
        get: |s| (f64::from(s.limits.connect_timeout_ms) / 1000.0).to_string(),
        set: |s, v| {
            s.limits.connect_timeout_ms = seconds(v)?;
            Ok(())
        },
    },
    Key {
        name: "retries",
        section: Section::Engine,
        label: ("重试次数", "Retries"),
        help: ("可能是暂时故障时再试几次，0–100", "further attempts after a failure that may pass, 0-100"),
        input: whole_number("0", "100"),
        get: |s| s.limits.retries.to_string(),
        set: |s, v| {
            s.limits.retries = whole(v, 0, 100)?;
            Ok(())
        },
    },
    Key {
        name: "user_agent",
        section: Section::Engine,
        label: ("User-Agent", "User-Agent"),
        help: (
            "检查时向对方表明的身份；{site} 会换成本站地址",
            "how checks introduce themselves; {site} becomes your own address",
        ),
        input: Input::Text,
        get: |s| s.user_agent.clone(),
        set: |s, v| {
            if v.is_empty() || v.len() > 300 || !v.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err(both("请填写 1 到 300 个 ASCII 字符", "write 1 to 300 plain ASCII characters"));
            }
            s.user_agent = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "timezone",
        section: Section::Dashboard,
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
        name: "public_url",
        section: Section::Dashboard,
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

fn both(zh: &str, en: &str) -> Why {
    Why { zh: zh.to_owned(), en: en.to_owned() }
}

fn list(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | ';'))
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A whole number from `min` to `max`.
pub(super) fn whole(text: &str, min: u32, max: u32) -> Result<u32, Why> {
    text.parse().ok().filter(|n| (min..=max).contains(n)).ok_or_else(|| {
        both(&format!("请填写 {min} 到 {max} 的整数"), &format!("write a whole number from {min} to {max}"))
    })
}

/// Seconds, with a fraction, as milliseconds.
///
/// # Errors
/// Words that name the range where it is no number from 0.1 to 300.
pub fn seconds(text: &str) -> Result<u32, Why> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=300.0).contains(&s) => Ok((s * 1000.0).round() as u32),
        _ => Err(both("请填写 0.1 到 300 秒", "write seconds from 0.1 to 300")),
    }
}

fn on_off(on: bool) -> String {
    if on { "on".into() } else { "off".into() }
}

fn switch(text: &str) -> Result<bool, Why> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(both("请填写 on 或 off", "write on or off")),
    }
}
