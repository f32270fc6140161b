//! What a check came to, link by link, in words and as data.

use super::{Report, output};
use crate::{
    cli::Failure,
    domain::{
        counts::Counts,
        guard::Hold,
        lang::Lang,
        observation::{BacklinkState, Observation, Standing},
        progress::RunState,
        reason::Reason,
        run::Item,
        verdict::Change,
    },
    store::Settled,
};
use serde_json::{Value, json};
use std::io::Write;

/// One link of the result. Design.md, Command line: `--details`.
pub fn detail(lang: Lang, item: &Item) -> Option<Value> {
    let reason = item
        .reason
        .as_ref()
        .map(|reason| json!({ "code": reason.code, "params": reason.params, "text": reason.words(lang) }));
    let Some(seen) = &item.seen else {
        // It was not seen at all; how it stands is as it was.
        return item.failure.map(|own| {
            json!({
                "id": item.link_id,
                "name": item.name,
                "url": item.url,
                "shown": item.shown,
                "changed": false,
                "reason": reason,
                "class": Value::Null,
                "failure": own,
                "status": Value::Null,
                "final_url": Value::Null,
                "ms": Value::Null,
                "attempts": 0,
                "backlink": { "state": BacklinkState::NotChecked, "href": Value::Null, "page": Value::Null },
                "flags": [],
            })
        });
    };
    Some(json!({
        "id": item.link_id,
        "name": item.name,
        "url": item.url,
        "shown": item.shown,
        "changed": item.change != Change::None,
        "reason": reason,
        "class": seen.class,
        "doubt": seen.evidence.doubt,
        "status": seen.status,
        "final_url": seen.final_url,
        "ms": seen.ms,
        "attempts": seen.attempts,
        "backlink": {
            "state": seen.backlink.state,
            "href": seen.backlink.href,
            "page": seen.backlink.page,
        },
        "flags": seen.flags,
    }))
}

pub async fn print_text(lang: Lang, report: &Report, time: f64) -> Result<(), Failure> {
    let items = report.service.store().notable_items(report.run_id).await?;
    let held = report.settled.state == RunState::Held;
    let mut out = anstream::stdout().lock();
    for item in &items {
        let Some(seen) = &item.seen else {
            if let Some(own) = item.failure {
                let (name, url) = (output::plain(&item.name, 40), output::plain(&item.url, 80));
                let words = lang.pick("未能检查", "not checked");
                writeln!(out, "- {name}  {words}: {}  {url}", own.words(lang))?;
            }
            continue;
        };
        let standing = seen.standing();
        if standing == Standing::Good && item.change == Change::None {
            continue;
        }
        let (style, mark) = output::mark(standing);
        let words = in_words(seen, lang);
        let change = match item.change {
            Change::None => "",
            Change::Hide if held => lang.pick("  → 待定：隐藏", "  → would be hidden"),
            Change::Show if held => lang.pick("  → 待定：恢复显示", "  → would be shown again"),
            Change::Hide => lang.pick("  → 隐藏", "  → hidden"),
            Change::Show => lang.pick("  → 恢复显示", "  → shown again"),
        };
        let (name, url) = (output::plain(&item.name, 40), output::plain(&item.url, 80));
        writeln!(out, "{}{mark}{} {name}  {words}{change}  {url}", style.render(), style.render_reset())?;
    }
    let Settled { hold, counts, .. } = report.settled;
    let summary = lang.pick(
        format!(
            "检查 {} · 隐藏 {} · 恢复 {} · 无法核对 {} · 白名单 {} · {time:.1} 秒",
            counts.active_num, counts.to_not_show, counts.to_show, counts.unverifiable, counts.whitelisted
        ),
        format!(
            "checked {} · to hide {} · to show {} · unverifiable {} · whitelisted {} · {time:.1} s",
            counts.active_num, counts.to_not_show, counts.to_show, counts.unverifiable, counts.whitelisted
        ),
    );
    let failed = match counts.failed {
        0 => String::new(),
        n => lang.pick(format!(" · 未能检查 {n}"), format!(" · not checked {n}")),
    };
    writeln!(out, "{summary}{failed}")?;
    if let Some(hold) = hold {
        let (style, words) = (output::YELLOW, held_words(hold, report.run_id, &counts, lang));
        writeln!(out, "{}{words}{}", style.render(), style.render_reset())?;
    }
    Ok(())
}

/// How a check ended, and why that does not count where it does not.
pub fn in_words(seen: &Observation, lang: Lang) -> String {
    let words = Reason::of(seen).words(lang);
    match seen.evidence.doubt {
        Some(doubt) => {
            lang.pick(format!("{words}（{}）", doubt.words(lang)), format!("{words} ({})", doubt.words(lang)))
        }
        None => words,
    }
}

pub fn held_words(hold: Hold, run_id: i64, counts: &Counts, lang: Lang) -> String {
    let (why, hide, show) = (hold.words(lang), counts.to_not_show, counts.to_show);
    lang.pick(
        format!(
            "待确认，友链状态未变：{why}（待隐藏 {hide}，待恢复 {show}）。执行：`rollcall run apply {run_id}`；放弃：`rollcall run discard {run_id}`"
        ),
        format!(
            "held, nothing was changed: {why} ({hide} to hide, {show} to show). `rollcall run apply {run_id}` or `rollcall run discard {run_id}`"
        ),
    )
}
