//! A list of friends taken in whole, in one transaction, thousands of rows with a statement.

use super::{
    super::{Draft, Imported, Progress, Result, StoreError},
    SqliteStore,
    bulk::{many, with_rows},
    rows::{json, ms},
};
use crate::domain::{
    address,
    field::Field,
    link::{About, Overrides},
};
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use std::collections::{HashMap, HashSet};

/// Rows that are looked up or written with one statement.
const PART: usize = 2048;
/// Pages of the indexes that are written stay in memory until the end, KiB: going back for them is most of the work
/// with a large roll.
const CACHE: &str = "PRAGMA cache_size = -32768";
/// As SQLite has it by itself, and what was more is given back.
const USUAL_CACHE: &str = "PRAGMA cache_size = -2000; PRAGMA shrink_memory";

/// Takes drafts in, some thousands at a time: what a list comes to is never held as a whole. The write lock is held for
/// about 10 µs a row: a second with 100,000 of them.
pub async fn import(
    store: &SqliteStore,
    drafts: &[Draft],
    at: DateTime<Utc>,
    dry_run: bool,
    progress: Progress<'_>,
) -> Result<Vec<Imported>> {
    let mut tx = store.write().await?;
    sqlx::query(CACHE).execute(&mut *tx).await?;
    let done = in_parts(&mut tx, drafts, at, progress).await;
    // A dry run does the same work and then forgets it, so that it cannot say anything else.
    let ended = if dry_run || done.is_err() { tx.rollback().await } else { tx.commit().await };
    let usual = sqlx::raw_sql(USUAL_CACHE).execute(&store.writer).await;
    let told = done?;
    ended?;
    if let Err(error) = usual {
        // What was written is written; the cache is as it was once the connection is opened anew.
        tracing::warn!(%error, "the database's cache stays large");
    }
    Ok(told)
}

async fn in_parts(
    tx: &mut SqliteConnection,
    drafts: &[Draft],
    at: DateTime<Utc>,
    progress: Progress<'_>,
) -> Result<Vec<Imported>> {
    let mut told = Vec::with_capacity(drafts.len());
    for part in drafts.chunks(PART) {
        go_on(progress, told.len())?;
        let plan = Plan::of(tx, part).await?;
        plan.write(tx, at).await?;
        told.extend(plan.told);
    }
    go_on(progress, told.len())?;
    Ok(told)
}

/// What a part of a list comes to.
struct Plan {
    /// For each draft.
    told: Vec<Imported>,
    /// Removed links that give their address up.
    given_up: Vec<i64>,
    groups: Vec<String>,
    /// Links to add and to change, as JSON.
    added: Vec<String>,
    changed: Vec<String>,
}

/// A link as the drafts so far leave it.
struct Place {
    /// `None` for a new one.
    id: Option<i64>,
    key: String,
    about: About,
    active: bool,
    differs: bool,
}

impl Plan {
    async fn of(from: &mut SqliteConnection, part: &[Draft]) -> Result<Plan> {
        let mut told = Vec::with_capacity(part.len());
        let mut given_up = Vec::new();
        let mut places: Vec<Place> = Vec::new();
        let mut by_key: HashMap<String, usize> = HashMap::new();
        let keys = part.iter().map(key_of).collect::<Result<Vec<String>>>()?;
        let mut held = holders(from, &keys).await?;
        for (draft, key) in part.iter().zip(keys) {
            if let Some(place) = by_key.get(&key).and_then(|at| places.get_mut(*at)) {
                told.push(place.take(draft));
                continue;
            }
            by_key.insert(key.clone(), places.len());
            let holder = held.remove(&key);
            given_up.extend(holder.as_ref().filter(|holder| holder.removed).map(|holder| holder.id));
            let (place, done) = match holder.filter(|holder| !holder.removed) {
                Some(holder) => {
                    let mut place =
                        Place { id: Some(holder.id), key, about: holder.about, active: true, differs: false };
                    let done = place.take(draft);
                    (place, done)
                }
                None => (Place::new(key, draft), Imported::Added),
            };
            places.push(place);
            told.push(done);
        }
        let differing = || places.iter().filter(|place| place.differs);
        let mut named = HashSet::new();
        let groups = differing().map(|place| place.about.group.as_str());
        let groups = groups.filter(|name| !name.is_empty() && named.insert(*name)).map(str::to_owned).collect();
        let added = differing().filter(|place| place.id.is_none()).map(Place::added).collect();
        let changed = differing().filter_map(Place::changed).collect();
        Ok(Plan { told, given_up, groups, added, changed })
    }

    async fn write(&self, tx: &mut SqliteConnection, at: DateTime<Utc>) -> Result<()> {
        if !self.given_up.is_empty() {
            let query = "DELETE FROM links WHERE id IN (SELECT value FROM json_each(?))";
            sqlx::query(query).bind(json(&self.given_up)).execute(&mut *tx).await?;
        }
        if !self.groups.is_empty() {
            let query = "INSERT INTO groups (name) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING";
            sqlx::query(query).bind(json(&self.groups)).execute(&mut *tx).await?;
        }
        if !self.added.is_empty() {
            sqlx::query(with_rows(
                "v ->> 0 key, v ->> 1 active, v ->> 2 name, v ->> 3 url, v ->> 4 grp, v ->> 5 logo, v ->> 6 description,
                 v ->> 7 feed, v ->> 8 backlink_page, v ->> 9 email, v ->> 10 note",
                "INSERT INTO links (url_key, active, name, url, group_id, logo, description, feed, backlink_page, email,
                     note, since, created_at)
                 SELECT key, active, n.name, url, g.id, logo, description, feed, backlink_page, email, note, ?2, ?2
                 FROM n LEFT JOIN groups g ON g.name = n.grp",
            ))
            .bind(array(&self.added))
            .bind(ms(at))
            .execute(&mut *tx)
            .await?;
        }
        if !self.changed.is_empty() {
            // The address stays as the owner has it: the draft's is the same place.
            sqlx::query(with_rows(
                "v ->> 0 link, v ->> 1 name, v ->> 2 grp, v ->> 3 logo, v ->> 4 description, v ->> 5 feed,
                 v ->> 6 backlink_page, v ->> 7 email, v ->> 8 note",
                "UPDATE links SET name = n.name, group_id = (SELECT id FROM groups g WHERE g.name = n.grp),
                     logo = n.logo, description = n.description, feed = n.feed, backlink_page = n.backlink_page,
                     email = n.email, note = n.note
                 FROM n WHERE links.id = n.link",
            ))
            .bind(array(&self.changed))
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

fn go_on(progress: Progress<'_>, written: usize) -> Result<()> {
    if progress(written) { Ok(()) } else { Err(StoreError::Cancelled) }
}

fn key_of(draft: &Draft) -> Result<String> {
    let fields = [
        (Field::Name, Some(&draft.name)),
        (Field::Url, Some(&draft.url)),
        (Field::Group, draft.group.as_ref()),
        (Field::Logo, draft.logo.as_ref()),
        (Field::Description, draft.description.as_ref()),
        (Field::Feed, draft.feed.as_ref()),
        (Field::BacklinkPage, draft.backlink_page.as_ref()),
        (Field::Email, draft.email.as_ref()),
        (Field::Note, draft.note.as_ref()),
    ];
    for (field, value) in fields {
        value.map_or(Ok(()), |value| field.check(value))?;
    }
    Ok(address::key(&address::parse(&draft.url)?))
}

/// Whoever has one of the addresses, by it.
struct Holder {
    id: i64,
    removed: bool,
    about: About,
}

async fn holders(from: &mut SqliteConnection, keys: &[String]) -> Result<HashMap<String, Holder>> {
    type Texts = (String, String, String, String, String, String, String, String, String);
    let query = "SELECT json_group_array(json_array(l.url_key, l.id, json(iif(l.deleted_at IS NULL, 'false', 'true')),
             json_array(l.name, l.url, coalesce(g.name, ''), l.logo, l.description, l.feed, l.backlink_page, l.email,
                 l.note)))
         FROM links l LEFT JOIN groups g ON g.id = l.group_id WHERE l.url_key IN (SELECT value FROM json_each(?))";
    let text: String = sqlx::query_scalar(query).bind(json(&keys)).fetch_one(from).await?;
    let rows: Vec<(String, i64, bool, Texts)> = many(&text)?;
    let holder = |(key, id, removed, texts): (_, _, _, Texts)| {
        let (name, url, group, logo, description, feed, backlink_page, email, note) = texts;
        // An import leaves the overrides alone.
        let overrides = Overrides::default();
        let about = About { name, url, group, logo, description, feed, backlink_page, email, note, overrides };
        (key, Holder { id, removed, about })
    };
    Ok(rows.into_iter().map(holder).collect())
}

impl Place {
    fn new(key: String, draft: &Draft) -> Place {
        let about = merged(About { url: draft.url.clone(), ..About::default() }, draft);
        Place { id: None, key, about, active: draft.active.unwrap_or(true), differs: true }
    }

    /// Takes in what a draft carries.
    fn take(&mut self, draft: &Draft) -> Imported {
        let about = merged(self.about.clone(), draft);
        if about == self.about {
            return Imported::Unchanged;
        }
        self.about = about;
        self.differs = true;
        Imported::Updated
    }

    fn added(&self) -> String {
        let About { name, url, group, logo, description, feed, backlink_page, email, note, .. } = &self.about;
        json(&(&self.key, self.active, name, url, group, logo, description, feed, backlink_page, email, note))
    }

    fn changed(&self) -> Option<String> {
        let About { name, group, logo, description, feed, backlink_page, email, note, .. } = &self.about;
        Some(json(&(self.id?, name, group, logo, description, feed, backlink_page, email, note)))
    }
}

/// Texts that are JSON as an array of it.
fn array(rows: &[String]) -> String {
    format!("[{}]", rows.join(","))
}

fn merged(mut about: About, draft: &Draft) -> About {
    about.name.clone_from(&draft.name);
    let fields = [
        (&mut about.group, &draft.group),
        (&mut about.logo, &draft.logo),
        (&mut about.description, &draft.description),
        (&mut about.feed, &draft.feed),
        (&mut about.backlink_page, &draft.backlink_page),
        (&mut about.email, &draft.email),
        (&mut about.note, &draft.note),
    ];
    for (held, new) in fields {
        if let Some(new) = new {
            held.clone_from(new);
        }
    }
    about
}
