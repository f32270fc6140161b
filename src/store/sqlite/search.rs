//! Tables with filters: links, and the items of a run.

use super::{
    super::{Among, Found, ItemOutcome, NEWLY_HIDDEN, Result, Sort, Status, Wanted, WantedItems},
    bulk::many,
    roll,
    rows::{ItemRow, SEEN_JOIN, decoded, item_columns, ms},
};
use crate::domain::{class::Class, run::Item};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};
use std::collections::HashSet;

pub async fn links(from: &SqlitePool, wanted: &Wanted) -> Result<Found> {
    let (page, total) = if wants_a_scan(wanted) { scanned(from, wanted).await? } else { indexed(from, wanted).await? };
    Ok(Found { links: roll::of_ids(from, &page).await?, total })
}

/// The links, by the way that SQLite would not see is the shortest. Where every row has to be looked at it would go by
/// an index, whose order has nothing to do with that of the rows: 90 ms instead of 10 with 100,000 links.
fn table(wanted: &Wanted) -> &'static str {
    let in_order = matches!(wanted.sort, Sort::State | Sort::Name | Sort::Id);
    match wanted.status {
        Some(Status::Review) => "links l INDEXED BY links_to_review",
        Some(Status::Unchecked) => "links l NOT INDEXED",
        _ if !in_order || !wanted.text.is_empty() || wanted.class.is_some() => "links l NOT INDEXED",
        _ => "links l",
    }
}

/// Whether every row has to be looked at. Then that is done once, for the page and the count.
fn wants_a_scan(wanted: &Wanted) -> bool {
    !wanted.text.is_empty() || wanted.class.is_some() || wanted.among.is_some()
}

async fn scanned(from: &SqlitePool, wanted: &Wanted) -> Result<(Vec<i64>, u32)> {
    let mut query = QueryBuilder::new("SELECT json_group_array(id) FROM (SELECT l.id FROM ");
    query.push(table(wanted)).push(" LEFT JOIN groups g ON g.id = l.group_id WHERE l.deleted_at IS NULL");
    narrow_links(&mut query, wanted);
    order(&mut query, wanted);
    query.push(")");
    let text: String = query.build_query_scalar().fetch_one(from).await?;
    let mut ids: Vec<i64> = many(&text)?;
    if let Some(among) = &wanted.among {
        // The whitelist is no matter of the database, and may name most of a large roll.
        let (Among::Only(named) | Among::Except(named)) = among;
        let named: HashSet<i64> = named.iter().copied().collect();
        ids.retain(|id| named.contains(id) == matches!(among, Among::Only(_)));
    }
    let total = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let page = ids.into_iter().skip(wanted.offset as usize).take(wanted.limit as usize).collect();
    Ok((page, total))
}

async fn indexed(from: &SqlitePool, wanted: &Wanted) -> Result<(Vec<i64>, u32)> {
    let mut count = QueryBuilder::new("SELECT count(*) FROM ");
    // Whatever the order is.
    let unordered = Wanted { sort: Sort::Id, ..wanted.clone() };
    count.push(table(&unordered)).push(" WHERE l.deleted_at IS NULL");
    narrow_links(&mut count, wanted);
    let total = count.build_query_scalar().fetch_one(from).await?;
    let mut query = QueryBuilder::new("SELECT l.id FROM ");
    query.push(table(wanted)).push(" LEFT JOIN groups g ON g.id = l.group_id WHERE l.deleted_at IS NULL");
    narrow_links(&mut query, wanted);
    order(&mut query, wanted);
    query.push(" LIMIT ").push_bind(wanted.limit).push(" OFFSET ").push_bind(wanted.offset);
    Ok((query.build_query_scalar().fetch_all(from).await?, total))
}

fn order(query: &mut QueryBuilder<Sqlite>, wanted: &Wanted) {
    let keys = match (wanted.sort, wanted.descending) {
        (Sort::State, false) => "l.active DESC, l.shown, l.id",
        (Sort::State, true) => "l.active, l.shown DESC, l.id DESC",
        (Sort::Name, false) => "l.name COLLATE NOCASE, l.id",
        (Sort::Name, true) => "l.name COLLATE NOCASE DESC, l.id",
        (Sort::Group, false) => "g.name IS NULL, g.name, l.id",
        (Sort::Group, true) => "g.name IS NULL, g.name DESC, l.id",
        (Sort::Latency, false) => "l.last_ms IS NULL, l.last_ms, l.id",
        (Sort::Latency, true) => "l.last_ms IS NULL, l.last_ms DESC, l.id",
        (Sort::Checked, false) => "l.last_at IS NULL, l.last_at, l.id",
        (Sort::Checked, true) => "l.last_at IS NULL, l.last_at DESC, l.id",
        (Sort::Since, false) => "l.since, l.id",
        (Sort::Since, true) => "l.since DESC, l.id",
        (Sort::Id, false) => "l.id",
        (Sort::Id, true) => "l.id DESC",
    };
    query.push(" ORDER BY ").push(keys);
}

fn narrow_links(query: &mut QueryBuilder<Sqlite>, wanted: &Wanted) {
    if let Some(status) = wanted.status {
        match status {
            Status::Shown => query.push(" AND l.active = 1 AND l.shown = 1"),
            Status::Hidden => query.push(" AND l.active = 1 AND l.shown = 0"),
            Status::Review => query
                .push(" AND l.active = 1 AND (l.doubtful = 1 OR l.shown = 0) AND (l.doubtful = 1 OR l.since > ")
                .push_bind(ms(wanted.now - NEWLY_HIDDEN))
                .push(") AND (l.manual IS NULL OR unixepoch(l.manual ->> 'until') * 1000 <= ")
                .push_bind(ms(wanted.now))
                .push(")"),
            Status::Unchecked => query.push(" AND l.active = 1 AND l.last_at IS NULL"),
            Status::Inactive => query.push(" AND l.active = 0"),
        };
    }
    match wanted.group.as_deref() {
        None => {}
        Some("") => {
            query.push(" AND l.group_id IS NULL");
        }
        Some(group) => {
            query.push(" AND l.group_id = (SELECT id FROM groups WHERE name = ").push_bind(group.to_owned()).push(")");
        }
    }
    if let Some(class) = wanted.class {
        query.push(" AND coalesce(json_extract(l.reason, '$.code'), l.last_class) = ").push_bind(class.code());
    }
    if !wanted.text.is_empty() {
        let pattern = like(&wanted.text);
        query.push(" AND (l.name LIKE ").push_bind(pattern.clone()).push(" ESCAPE '\\' OR l.url LIKE ");
        query.push_bind(pattern.clone()).push(" ESCAPE '\\' OR l.note LIKE ").push_bind(pattern).push(" ESCAPE '\\')");
    }
}

/// A pattern that finds the text anywhere, taken to the letter.
fn like(text: &str) -> String {
    let escaped = text.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

pub async fn items(from: &SqlitePool, run_id: i64, wanted: &WantedItems) -> Result<(Vec<Item>, u32)> {
    let mut count = QueryBuilder::new("SELECT count(*)");
    narrow_items(&mut count, run_id, wanted);
    let total = count.build_query_scalar().fetch_one(from).await?;
    let order = if wanted.by_time {
        " ORDER BY i.ms IS NULL, i.ms DESC, i.link_id"
    } else {
        " ORDER BY i.change IS NULL, i.change = 'none', i.class = 'whitelisted', i.class = 'ok', i.link_id"
    };
    // Links and evidence are looked up for the rows of the page only, not for all that it is chosen from.
    let mut query = QueryBuilder::new(format!("SELECT {} FROM (SELECT i.*", item_columns()));
    narrow_items(&mut query, run_id, wanted);
    query.push(order).push(" LIMIT ").push_bind(wanted.limit).push(" OFFSET ").push_bind(wanted.offset);
    query.push(") i JOIN links l ON l.id = i.link_id ").push(SEEN_JOIN).push(order);
    let rows: Vec<ItemRow> = query.build_query_as().fetch_all(from).await?;
    Ok((decoded(rows, ItemRow::item)?, total))
}

/// From which items, and which of them.
fn narrow_items(query: &mut QueryBuilder<Sqlite>, run_id: i64, wanted: &WantedItems) {
    query.push(" FROM run_items i");
    if !wanted.text.is_empty() {
        query.push(" JOIN links l ON l.id = i.link_id");
    }
    query.push(" WHERE i.run_id = ").push_bind(run_id);
    let unsure = || {
        let codes: Vec<String> = Class::ALL.iter().filter(|c| c.is_unverifiable()).map(|c| format!("'{c}'")).collect();
        format!("(i.inconclusive = 1 OR i.class IN ({}))", codes.join(", "))
    };
    match wanted.outcome {
        None => {}
        Some(ItemOutcome::Good) => {
            query.push(" AND i.class = 'ok'");
        }
        Some(ItemOutcome::Exempt) => {
            query.push(" AND i.class = 'whitelisted'");
        }
        Some(ItemOutcome::Unverifiable) => {
            query.push(" AND ").push(unsure());
        }
        Some(ItemOutcome::Bad) => {
            query.push(" AND i.state = 'done' AND i.class NOT IN ('ok', 'whitelisted') AND NOT ").push(unsure());
        }
        Some(ItemOutcome::Changed) => {
            query.push(" AND i.change IN ('hide', 'show')");
        }
        Some(ItemOutcome::Pending) => {
            query.push(" AND i.state = 'pending'");
        }
        Some(ItemOutcome::Cancelled) => {
            query.push(" AND i.state = 'cancelled'");
        }
        Some(ItemOutcome::Failed) => {
            query.push(" AND i.state = 'failed'");
        }
    }
    if !wanted.text.is_empty() {
        let pattern = like(&wanted.text);
        query.push(" AND (l.name LIKE ").push_bind(pattern.clone()).push(" ESCAPE '\\' OR l.url LIKE ");
        query.push_bind(pattern).push(" ESCAPE '\\')");
    }
}
