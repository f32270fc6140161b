//! `check --details`: every link of the run, written as it is read, since a large roll's are not to lie in memory whole.

use super::{Envelope, Failure};
use crate::{
    domain::{lang::Lang, run::Item, verdict::Change},
    store::SharedStore,
};
use serde_json::{Value, json};
use std::io::Write;

/// Links that are read and written at once.
const PART: u32 = 1000;

/// Prints the envelope with `data.links`.
pub async fn print(envelope: &Envelope, store: &SharedStore, run_id: i64, lang: Lang) -> Result<(), Failure> {
    // Everything else of `data` is numbers, so that these brackets are the list's.
    const LIST: &str = "\"links\":[]";
    let mut data = envelope.data.clone();
    data["links"] = json!([]);
    let whole = Envelope { data, ..envelope.clone() };
    let whole = serde_json::to_string(&whole).map_err(|e| Failure::Failed(e.to_string()))?;
    let (head, tail) = whole.split_once(LIST).unwrap_or((&whole, ""));
    let mut out = std::io::BufWriter::new(std::io::stdout());
    write!(out, "{head}\"links\":[")?;
    let (mut after, mut comma) = (0, "");
    loop {
        let part = store.items_after(run_id, after, PART).await?;
        let Some(last) = part.last() else { break };
        after = last.link_id;
        for detail in part.iter().filter_map(|item| detail(lang, item)) {
            write!(out, "{comma}{detail}")?;
            comma = ",";
        }
    }
    writeln!(out, "]{tail}")?;
    Ok(out.flush()?)
}

/// One link of the result. Design.md, Command line: `--details`.
fn detail(lang: Lang, item: &Item) -> Option<Value> {
    let seen = item.seen.as_ref()?;
    let reason = item
        .reason
        .as_ref()
        .map(|reason| json!({ "code": reason.code, "params": reason.params, "text": reason.words(lang) }));
    Some(json!({
        "id": item.link_id,
        "name": item.name,
        "url": item.url,
        "shown": item.shown,
        "changed": item.change != Change::None,
        "reason": reason,
        "class": seen.class,
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
