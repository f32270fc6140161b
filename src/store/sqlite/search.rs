//! Tables with filters: links, and the items of a run.

use super::{
    super::{Among, Found, ItemOutcome, NEWLY_HIDDEN, Result, Sort, Status, Wanted, WantedItems},
    links::FROM_LINKS,
    rows::{ItemRow, LINK_COLUMNS, LinkRow, SEEN_JOIN, decoded, item_columns, json, ms},
};
use crate::domain::{class::Class, run::Item};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

pub async fn links(from: &SqlitePool, wanted: &Wanted) -> Result<Found> {
    let mut count = QueryBuilder::new(format!("SELECT count(*) {FROM_LINKS}"));
    narrow_links(&mut count, wanted);
    let total = count.build_query_scalar().fetch_one(from).await?;
    // The ids first: the wide rows are read for one page only.
    let mut query = QueryBuilder::new(format!(
        "SELECT {LINK_COLUMNS} FROM links l LEFT JOIN groups g ON g.id = l.group_id WHERE l.id IN (SELECT l.id {FROM_LINKS}"
    ));
    narrow_links(&mut query, wanted);
    order(&mut query, wanted);
    query.push(" LIMIT ").push_bind(wanted.limit).push(" OFFSET ").push_bind(wanted.offset).push(")");
    order(&mut query, wanted);
    let rows: Vec<LinkRow> = query.build_query_as().fetch_all(from).await?;
    Ok(Found { links: decoded(rows, LinkRow::link)?, total })
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
                .push(" AND l.active = 1 AND (l.recent LIKE '%u' OR l.flags <> '[]' OR (l.shown = 0 AND l.since > ")
                .push_bind(ms(wanted.now - NEWLY_HIDDEN))
                .push(")) AND (l.manual IS NULL OR unixepoch(l.manual ->> 'until') * 1000 <= ")
                .push_bind(ms(wanted.now))
                .push(")"),
            Status::Unchecked => query.push(" AND l.active = 1 AND l.last_at IS NULL"),
            Status::Inactive => query.push(" AND l.active = 0"),
        };
    }
    if let Some(group) = &wanted.group {
        query.push(" AND coalesce(g.name, '') = ").push_bind(group.clone());
    }
    if let Some(class) = wanted.class {
        query.push(" AND coalesce(json_extract(l.reason, '$.code'), l.last_class) = ").push_bind(class.code());
    }
    if !wanted.text.is_empty() {
        let pattern = like(&wanted.text);
        query.push(" AND (l.name LIKE ").push_bind(pattern.clone()).push(" ESCAPE '\\' OR l.url LIKE ");
        query.push_bind(pattern.clone()).push(" ESCAPE '\\' OR l.note LIKE ").push_bind(pattern).push(" ESCAPE '\\')");
    }
    match &wanted.among {
        None => {}
        Some(Among::Only(ids)) => {
            query.push(" AND l.id IN (SELECT value FROM json_each(").push_bind(json(ids)).push("))");
        }
        Some(Among::Except(ids)) => {
            query.push(" AND l.id NOT IN (SELECT value FROM json_each(").push_bind(json(ids)).push("))");
        }
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
