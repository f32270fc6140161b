//! How checks are made.

use super::{Input, Key, SECONDS, Section, both, seconds, whole, whole_number};

pub const KEYS: &[Key] = &[
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
];
