//! Links and groups.

use super::{
    super::{Draft, Ended, Found, Imported, Lately, Links, Point, Progress, Result, StoreError, Totals, Wanted},
    SqliteStore, affected,
    bulk::many,
    ends, fixed, history, import, limits, roll,
    rows::{LINK_COLUMNS, LatelyRow, LinkRow, TransitionRow, decoded, json, ms, word},
    search,
};
use crate::domain::{
    address,
    field::Field,
    link::{About, Link, Manual},
    observation::Observation,
    policy::Policy,
    reason::Reason,
    run::Cause,
    verdict::Change,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

/// Where links are read from; removed ones are not there. Ends in a condition, for more to follow.
const FROM_LINKS: &str = "FROM links l LEFT JOIN groups g ON g.id = l.group_id WHERE l.deleted_at IS NULL";

#[async_trait]
impl Links for SqliteStore {
    async fn links(&self) -> Result<Vec<Link>> {
        roll::links(&self.readers).await
    }

    async fn links_of(&self, ids: &[i64]) -> Result<Vec<Link>> {
        roll::of_ids(&self.readers, ids).await
    }

    async fn roll_order(&self, shown: bool, by_group: bool) -> Result<Vec<i64>> {
        roll::order(&self.readers, shown, by_group).await
    }

    async fn roll_revision(&self) -> Result<i64> {
        roll::revision(&self.readers).await
    }

    async fn to_review(&self, now: DateTime<Utc>) -> Result<Vec<i64>> {
        roll::to_review(&self.readers, now).await
    }

    async fn roster(&self) -> Result<Vec<(i64, String, bool)>> {
        let query = "SELECT json_group_array(json_array(id, name, json(iif(active, 'true', 'false'))))
             FROM links WHERE deleted_at IS NULL";
        let text: String = sqlx::query_scalar(query).fetch_one(&self.readers).await?;
        let mut roster: Vec<(i64, String, bool)> = many(&text)?;
        roster.sort_unstable();
        Ok(roster)
    }

    async fn link(&self, id: i64) -> Result<Option<Link>> {
        let query = fixed(format!("SELECT {LINK_COLUMNS} {FROM_LINKS} AND l.id = ?"));
        let row: Option<LinkRow> = sqlx::query_as(query).bind(id).fetch_optional(&self.readers).await?;
        Ok(row.map(LinkRow::link).transpose()?)
    }

    async fn links_revision(&self) -> Result<i64> {
        let query = "SELECT n FROM revisions WHERE what = 'links'";
        Ok(sqlx::query_scalar(query).fetch_one(&self.readers).await?)
    }

    async fn names(&self) -> Result<Vec<(i64, String, String)>> {
        let query =
            "SELECT json_group_array(json_array(id, name, url) ORDER BY id) FROM links WHERE deleted_at IS NULL";
        let text: String = sqlx::query_scalar(query).fetch_one(&self.readers).await?;
        Ok(many(&text)?)
    }

    async fn count_hidden(&self, ids: &[i64]) -> Result<u32> {
        let query = "SELECT count(*) FROM links WHERE active = 1 AND shown = 0
             AND id IN (SELECT value FROM json_each(?))";
        Ok(sqlx::query_scalar(query).bind(json(&ids)).fetch_one(&self.readers).await?)
    }

    async fn search(&self, wanted: &Wanted) -> Result<Found> {
        search::links(&self.readers, wanted).await
    }

    async fn groups(&self) -> Result<Vec<(String, u32)>> {
        roll::groups(&self.readers).await
    }

    async fn totals(&self) -> Result<Totals> {
        roll::totals(&self.readers).await
    }

    async fn add_link(&self, about: &About, active: bool, at: DateTime<Utc>) -> Result<i64> {
        let mut tx = self.write().await?;
        let id = insert(&mut tx, about, active, at).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn set_link(&self, id: i64, about: &About, active: bool) -> Result<()> {
        let mut tx = self.write().await?;
        update(&mut tx, id, about, active).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn set_active(&self, ids: &[i64], active: bool) -> Result<u32> {
        let query = "UPDATE links SET active = ?1 WHERE active <> ?1 AND deleted_at IS NULL
             AND id IN (SELECT value FROM json_each(?2))";
        affected(sqlx::query(query).bind(active).bind(json(&ids)).execute(&self.writer).await?)
    }

    async fn set_group(&self, ids: &[i64], group: &str) -> Result<u32> {
        Field::Group.check(group)?;
        let mut tx = self.write().await?;
        let group = group_id(&mut tx, group).await?;
        let query = "UPDATE links SET group_id = ?1 WHERE group_id IS NOT ?1 AND deleted_at IS NULL
             AND id IN (SELECT value FROM json_each(?2))";
        let done = sqlx::query(query).bind(group).bind(json(&ids)).execute(&mut *tx).await?;
        tx.commit().await?;
        affected(done)
    }

    async fn remove_links(&self, ids: &[i64], at: DateTime<Utc>) -> Result<u32> {
        let query =
            "UPDATE links SET deleted_at = ? WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))";
        affected(sqlx::query(query).bind(ms(at)).bind(json(&ids)).execute(&self.writer).await?)
    }

    async fn restore_links(&self, ids: &[i64]) -> Result<u32> {
        let query = "UPDATE links SET deleted_at = NULL
             WHERE deleted_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))";
        affected(sqlx::query(query).bind(json(&ids)).execute(&self.writer).await?)
    }

    async fn purge(&self, before: DateTime<Utc>) -> Result<u32> {
        affected(sqlx::query("DELETE FROM links WHERE deleted_at < ?").bind(ms(before)).execute(&self.writer).await?)
    }

    async fn set_manual(&self, id: i64, manual: Manual, at: DateTime<Utc>) -> Result<()> {
        let mut tx = self.write().await?;
        let shown = is_shown(&mut tx, id).await?;
        sqlx::query("UPDATE links SET manual = ?1, good_title = iif(?1 ->> 'shown', NULL, good_title) WHERE id = ?2")
            .bind(json(&manual))
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if manual.shown != shown {
            show(&mut tx, id, manual.shown, None, at, Cause::Manual).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn lift_manual(&self, id: i64, shown: bool, reason: Option<Reason>, at: DateTime<Utc>) -> Result<()> {
        let mut tx = self.write().await?;
        let was_shown = is_shown(&mut tx, id).await?;
        sqlx::query("UPDATE links SET manual = NULL WHERE id = ?").bind(id).execute(&mut *tx).await?;
        if shown != was_shown {
            show(&mut tx, id, shown, reason.as_ref(), at, Cause::Manual).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn end_what_is_over(&self, policy: &Policy, at: DateTime<Utc>) -> Result<Ended> {
        ends::end(self, policy, at).await
    }

    async fn unchecked_ends(&self) -> Result<Vec<i64>> {
        ends::unchecked(self).await
    }

    async fn freed_by(&self, entries: &[i64], at: DateTime<Utc>) -> Result<Vec<i64>> {
        ends::freed_by(&self.readers, entries, at).await
    }

    async fn note_checked_ends(&self, entries: &[i64]) -> Result<()> {
        ends::note_checked(self, entries).await
    }

    async fn import(
        &self,
        drafts: &[Draft],
        at: DateTime<Utc>,
        dry_run: bool,
        progress: Progress<'_>,
    ) -> Result<Vec<Imported>> {
        import::import(self, drafts, at, dry_run, progress).await
    }

    async fn show_exempt(&self, ids: &[i64], at: DateTime<Utc>) -> Result<u32> {
        let mut tx = self.write().await?;
        let query =
            "SELECT json_group_array(id ORDER BY id) FROM links WHERE shown = 0 AND active = 1 AND manual IS NULL
             AND id IN (SELECT value FROM json_each(?))";
        let hidden: String = sqlx::query_scalar(query).bind(json(&ids)).fetch_one(&mut *tx).await?;
        let show = "UPDATE links SET shown = 1, reason = NULL, since = ?
             WHERE id IN (SELECT value FROM json_each(?))";
        let shown = affected(sqlx::query(show).bind(ms(at)).bind(&hidden).execute(&mut *tx).await?)?;
        let note = "INSERT INTO transitions (link_id, at, shown, cause) SELECT value, ?, 1, ? FROM json_each(?)";
        sqlx::query(note).bind(ms(at)).bind(word(Cause::Whitelist)).bind(hidden).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(shown)
    }

    async fn transitions(&self, link_id: i64, limit: u32) -> Result<Vec<crate::domain::run::Transition>> {
        let rows: Vec<TransitionRow> = sqlx::query_as(
            "SELECT link_id, run_id, at, shown, reason, cause FROM transitions WHERE link_id = ? ORDER BY at DESC, id DESC LIMIT ?",
        )
        .bind(link_id)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(decoded(rows, TransitionRow::transition)?)
    }

    async fn lately(&self, limit: u32) -> Result<Vec<Lately>> {
        let query = "SELECT l.name, t.link_id, t.run_id, t.at, t.shown, t.reason, t.cause
             FROM transitions t JOIN links l ON l.id = t.link_id WHERE l.deleted_at IS NULL
             ORDER BY t.at DESC, t.id DESC LIMIT ?";
        let rows: Vec<LatelyRow> = sqlx::query_as(query).bind(limit).fetch_all(&self.readers).await?;
        Ok(decoded(rows, LatelyRow::lately)?)
    }

    async fn checks(&self, link_id: i64, limit: u32) -> Result<Vec<(i64, Observation)>> {
        history::checks(&self.readers, link_id, limit).await
    }

    async fn points(&self, link_id: i64, since: DateTime<Utc>) -> Result<Vec<Point>> {
        history::points(&self.readers, link_id, since).await
    }

    async fn pending(&self, ids: &[i64]) -> Result<Vec<(i64, Change)>> {
        history::pending(&self.readers, ids).await
    }
}

async fn is_shown(tx: &mut SqliteConnection, id: i64) -> Result<bool> {
    let shown: Option<bool> = sqlx::query_scalar("SELECT shown FROM links WHERE id = ? AND deleted_at IS NULL")
        .bind(id)
        .fetch_optional(tx)
        .await?;
    shown.ok_or(StoreError::NoSuch { what: "link", id })
}

/// Shows or hides a link outside a run.
pub async fn show(
    tx: &mut SqliteConnection,
    id: i64,
    shown: bool,
    reason: Option<&Reason>,
    at: DateTime<Utc>,
    cause: Cause,
) -> Result<()> {
    sqlx::query("UPDATE links SET shown = ?, reason = ?, since = ? WHERE id = ?")
        .bind(shown)
        .bind(reason.map(json))
        .bind(ms(at))
        .bind(id)
        .execute(&mut *tx)
        .await?;
    transition(tx, (id, None), at, shown, reason, cause).await
}

/// Keeps a change of what is shown. `of` is the link, and the run if one made it.
pub async fn transition(
    tx: &mut SqliteConnection,
    of: (i64, Option<i64>),
    at: DateTime<Utc>,
    shown: bool,
    reason: Option<&Reason>,
    cause: Cause,
) -> Result<()> {
    sqlx::query("INSERT INTO transitions (link_id, run_id, at, shown, reason, cause) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(of.0)
        .bind(of.1)
        .bind(ms(at))
        .bind(shown)
        .bind(reason.map(json))
        .bind(word(cause))
        .execute(tx)
        .await?;
    Ok(())
}

/// The link at an address. One that was removed gives it up for good.
async fn holder(tx: &mut SqliteConnection, key: &str) -> Result<Option<i64>> {
    sqlx::query("DELETE FROM links WHERE url_key = ? AND deleted_at IS NOT NULL").bind(key).execute(&mut *tx).await?;
    Ok(sqlx::query_scalar("SELECT id FROM links WHERE url_key = ?").bind(key).fetch_optional(tx).await?)
}

async fn group_id(tx: &mut SqliteConnection, name: &str) -> Result<Option<i64>> {
    if name.is_empty() {
        return Ok(None);
    }
    sqlx::query("INSERT INTO groups (name) VALUES (?) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .execute(&mut *tx)
        .await?;
    Ok(sqlx::query_scalar("SELECT id FROM groups WHERE name = ?").bind(name).fetch_optional(tx).await?)
}

async fn insert(tx: &mut SqliteConnection, about: &About, active: bool, at: DateTime<Utc>) -> Result<i64> {
    limits::about(about, None)?;
    let key = address::key(&address::parse(&about.url)?);
    if let Some(id) = holder(tx, &key).await? {
        return Err(StoreError::DuplicateLink(about.url.clone(), id));
    }
    let group = group_id(tx, &about.group).await?;
    let added = sqlx::query(
        "INSERT INTO links (name, url, url_key, group_id, logo, description, feed, backlink_page, email, note,
             overrides, active, since, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let added = bind(added, about, key, group).bind(active).bind(ms(at)).bind(ms(at)).execute(tx).await?;
    Ok(added.last_insert_rowid())
}

async fn update(tx: &mut SqliteConnection, id: i64, about: &About, active: bool) -> Result<()> {
    let query = fixed(format!("SELECT {LINK_COLUMNS} {FROM_LINKS} AND l.id = ?"));
    let held: Option<LinkRow> = sqlx::query_as(query).bind(id).fetch_optional(&mut *tx).await?;
    let held = held.map(LinkRow::link).transpose()?;
    limits::about(about, held.as_ref().map(|link| &link.about))?;
    let key = address::key(&address::parse(&about.url)?);
    if let Some(other) = holder(tx, &key).await?.filter(|other| *other != id) {
        return Err(StoreError::DuplicateLink(about.url.clone(), other));
    }
    let group = group_id(tx, &about.group).await?;
    let changed = sqlx::query(
        "UPDATE links SET name = ?, url = ?, url_key = ?, group_id = ?, logo = ?, description = ?, feed = ?,
             backlink_page = ?, email = ?, note = ?, overrides = ?, active = ? WHERE id = ?",
    );
    match bind(changed, about, key, group).bind(active).bind(id).execute(tx).await?.rows_affected() {
        0 => Err(StoreError::NoSuch { what: "link", id }),
        _ => Ok(()),
    }
}

/// Binds what the owner says of a friend, in the order in which both statements above name it.
fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    about: &'q About,
    key: String,
    group: Option<i64>,
) -> Query<'q, Sqlite, SqliteArguments> {
    query
        .bind(&about.name)
        .bind(&about.url)
        .bind(key)
        .bind(group)
        .bind(&about.logo)
        .bind(&about.description)
        .bind(&about.feed)
        .bind(&about.backlink_page)
        .bind(&about.email)
        .bind(&about.note)
        .bind(json(&about.overrides))
}
