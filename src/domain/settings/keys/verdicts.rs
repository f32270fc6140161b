//! My sites, verdicts and the guard.

use super::{
    super::super::{address, backlink::MySites, policy::Preset},
    Input, Key, Section, both, lines, list, on_off, switch, whole, whole_number,
};

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
            MySites::new(&sites, &[]).map_err(|e| both(&e.in_chinese(), &e.to_string()))?;
            s.my_sites = sites;
            Ok(())
        },
    },
    Key {
        name: "my_site_patterns",
        section: Section::Sites,
        label: ("本站正则", "My patterns"),
        help: (
            "在网页文字中查找的正则表达式，每行一个，至多 20 个，匹配即视为外链",
            "regular expressions searched for in a page's text, one a line, at most 20; each counts as a backlink",
        ),
        input: Input::Lines,
        get: |s| s.my_site_patterns.join("\n"),
        set: |s, v| {
            let patterns = lines(v);
            MySites::new(&[], &patterns).map_err(|e| both(&e.in_chinese(), &e.to_string()))?;
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
];
