//! `check --details`: every link of the run, written as it is read, since a large roll's are not to lie in memory whole.

use super::{Envelope, Failure, result::detail};
use crate::{domain::lang::Lang, store::SharedStore};
use serde_json::json;
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
