//! The ends of manual verdicts and whitelist entries, taking effect. They are found by the times that are stored, so that
//! it does not matter when somebody looks.

use super::{
    super::{Ended, Result},
    SqliteStore,
    bulk::many,
    config, fixed, links,
    rows::{LINK_ARRAY, LinkRow, decoded, json, ms},
};
use crate::domain::{
    link::Link,
    policy::Policy,
    run::Cause,
    verdict,
    whitelist::{Entry, InForce, Place},
};
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

/// Of links in the roll, those whose verdict is over by the second.
const VERDICT_OVER: &str = "manual IS NOT NULL AND active = 1 AND deleted_at IS NULL
    AND unixepoch(manual ->> 'until') * 1000 <= ?1";
const ENTRY_OVER: &str = "ended = 0 AND enabled = 1 AND expires_at <= ?1";
/// The end of an entry has taken effect, and a check of its links was begun.
const CHECKED: i64 = 1;
/// The end of an entry has taken effect, and its links are still to be checked: it outlives a check that cannot be begun,
/// and the process.
const TO_CHECK: i64 = 2;

/// Ends what is over. All is read and written under the write lock: a verdict that the owner sets meanwhile stays.
pub async fn end(store: &SqliteStore, policy: &Policy, at: DateTime<Utc>) -> Result<Ended> {
    let query = fixed(format!(
        "SELECT EXISTS (SELECT 1 FROM links INDEXED BY links_with_verdict WHERE {VERDICT_OVER})
             OR EXISTS (SELECT 1 FROM whitelist WHERE {ENTRY_OVER})"
    ));
    // Nearly always there is nothing, and nobody has to wait for the lock.
    if !sqlx::query_scalar::<_, bool>(query).bind(ms(at)).fetch_one(&store.readers).await? {
        return Ok(Ended::default());
    }
    let mut tx = store.write().await?;
    let entries = config::entries(&mut *tx).await?;
    let rules = Rules { policy, in_force: InForce::of(&entries, at), at };
    let mut ended = Ended::default();
    verdicts(&mut tx, &rules, &mut ended).await?;
    exemptions(&mut tx, &entries, &rules, &mut ended).await?;
    tx.commit().await?;
    Ok(ended)
}

struct Rules<'a> {
    policy: &'a Policy,
    in_force: InForce,
    at: DateTime<Utc>,
}

async fn verdicts(tx: &mut SqliteConnection, rules: &Rules<'_>, ended: &mut Ended) -> Result<()> {
    let over = fixed(format!("SELECT json_group_array(id ORDER BY id) FROM links WHERE {VERDICT_OVER}"));
    let over: String = sqlx::query_scalar(over).bind(ms(rules.at)).fetch_one(&mut *tx).await?;
    for mut link in of_ids(tx, &many(&over)?).await? {
        // The database counts whole seconds.
        if link.state.manual.as_ref().is_none_or(|manual| manual.holds(rules.at)) {
            continue;
        }
        sqlx::query("UPDATE links SET manual = NULL WHERE id = ?").bind(link.id).execute(&mut *tx).await?;
        link.state.manual = None;
        stand(tx, &link, rules, Cause::Manual).await?;
        ended.verdicts.push(link.about.name);
    }
    Ok(())
}

async fn exemptions(tx: &mut SqliteConnection, entries: &[Entry], rules: &Rules<'_>, ended: &mut Ended) -> Result<()> {
    let over = fixed(format!("UPDATE whitelist SET ended = {TO_CHECK} WHERE {ENTRY_OVER} RETURNING id"));
    let over: Vec<i64> = sqlx::query_scalar(over).bind(ms(rules.at)).fetch_all(&mut *tx).await?;
    let over: Vec<&Entry> = entries.iter().filter(|entry| over.contains(&entry.id)).collect();
    let freed = freed(&mut *tx, &over, &rules.in_force).await?;
    for link in of_ids(tx, &freed).await?.iter().filter(|link| link.state.manual.is_none()) {
        stand(tx, link, rules, Cause::Whitelist).await?;
    }
    ended.entries = over.into_iter().map(|entry| entry.pattern.clone()).collect();
    Ok(())
}

/// Entries whose links are still to be checked, by their ids.
pub async fn unchecked(store: &SqliteStore) -> Result<Vec<i64>> {
    let query = fixed(format!("SELECT id FROM whitelist WHERE ended = {TO_CHECK} ORDER BY id"));
    Ok(sqlx::query_scalar(query).fetch_all(&store.readers).await?)
}

/// The links that these entries name and none exempts.
pub async fn freed_by(readers: &SqlitePool, ids: &[i64], at: DateTime<Utc>) -> Result<Vec<i64>> {
    let entries = config::entries(readers).await?;
    let over: Vec<&Entry> = entries.iter().filter(|entry| ids.contains(&entry.id)).collect();
    freed(readers, &over, &InForce::of(&entries, at)).await
}

/// Notes that the links of these entries are being checked.
pub async fn note_checked(store: &SqliteStore, ids: &[i64]) -> Result<()> {
    let note = fixed(format!(
        "UPDATE whitelist SET ended = {CHECKED} WHERE ended = {TO_CHECK} AND id IN (SELECT value FROM json_each(?))"
    ));
    sqlx::query(note).bind(json(&ids)).execute(&store.writer).await?;
    Ok(())
}

async fn freed<'c>(from: impl SqliteExecutor<'c>, over: &[&Entry], in_force: &InForce) -> Result<Vec<i64>> {
    if over.is_empty() {
        return Ok(Vec::new());
    }
    let patterns: Vec<_> = over.iter().map(|entry| entry.pattern()).collect();
    let roll = "SELECT json_group_array(json_array(id, name, url) ORDER BY id) FROM links
         WHERE active = 1 AND deleted_at IS NULL";
    let roll: String = sqlx::query_scalar(roll).fetch_one(from).await?;
    let mut freed = Vec::new();
    for (id, name, url) in many::<(i64, String, String)>(&roll)? {
        let place = Place::of(&url);
        let named = patterns.iter().any(|pattern| pattern.names(&name, || place.as_ref()));
        if named && !in_force.exempt(&name, &url) {
            freed.push(id);
        }
    }
    Ok(freed)
}

/// Has a link stand as the rules remember it, and says so where that changes whether it is shown.
async fn stand(tx: &mut SqliteConnection, link: &Link, rules: &Rules<'_>, cause: Cause) -> Result<()> {
    let Link { id, about, state, last_check, .. } = link;
    let (shown, reason) = if rules.in_force.exempt(&about.name, &about.url) {
        (true, None)
    } else {
        verdict::automatic(state, last_check.as_ref(), rules.policy)
    };
    if shown != state.shown {
        links::show(tx, *id, shown, reason.as_ref(), rules.at, cause).await?;
    } else if reason != state.reason {
        let reason = reason.as_ref().map(json);
        sqlx::query("UPDATE links SET reason = ? WHERE id = ?").bind(reason).bind(id).execute(tx).await?;
    }
    Ok(())
}

async fn of_ids(tx: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<Link>> {
    let mut found = Vec::new();
    for part in ids.chunks(PART) {
        let query = fixed(format!(
            "SELECT json_group_array({LINK_ARRAY}) FROM links l LEFT JOIN groups g ON g.id = l.group_id
             WHERE l.id IN (SELECT value FROM json_each(?))"
        ));
        let text: String = sqlx::query_scalar(query).bind(json(&part)).fetch_one(&mut *tx).await?;
        found.extend(decoded(many::<LinkRow>(&text)?, LinkRow::link)?);
    }
    Ok(found)
}

/// Links that are read at once.
const PART: usize = 1000;
