//! What is wrong with the set-up: looked at one thing after another, each with what to do about it. What cannot be
//! looked at is a finding as well, and keeps nothing else from being looked at.

mod outside;
mod place;

pub use place::{Opening, Place};

use super::{Result, Service};
use crate::{
    domain::{lang::Lang, settings::Settings},
    service::ServiceError,
    store::{Size, StoreError},
};
use chrono::TimeDelta;
use std::time::Duration;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    /// It works, and could be better.
    Doubtful,
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub what: &'static str,
    /// What was found, and what to do about it.
    pub words: String,
}

/// Open files below this clip how many checks are made at once.
const OPEN_FILES: u64 = 1024;
/// A run that goes on for longer than this is told: thousands of links that all time out take less.
const LONG_RUN: TimeDelta = TimeDelta::minutes(15);
/// Others may write for so long before that is told.
const BUSY: Duration = Duration::from_secs(5);
/// Runs that are read to see whether they can be.
const RUNS_READ: u32 = 100;

impl Service {
    /// Looks at everything, the database at `place` among it.
    pub async fn doctor(&self, place: &Place, lang: Lang) -> Vec<Finding> {
        let mut found = vec![self.database(place, lang).await, self.writing(lang).await];
        found.extend(place.around());
        let Ok(settings) = self.settings().await else {
            // That they cannot be read was told of the database.
            found.extend([place.backups(&Settings::default()), open_files(lang)]);
            return found;
        };
        found.push(place.backups(&settings));
        found.extend(self.runs(lang).await.unwrap_or_default());
        found.extend([open_files(lang), sites(&settings, lang)]);
        found.extend(outside::environment_proxies(&settings, lang));
        let asked = self.addresses_to_ask(&settings).await.unwrap_or_default();
        found.push(self.host_names(&asked, lang).await);
        found.extend(self.network(&asked, &settings, lang).await);
        found
    }

    async fn database(&self, place: &Place, lang: Lang) -> Finding {
        let damaged =
            |what: String| place.wrong(lang.pick(format!("数据库已损坏（{what}）"), format!("it is damaged ({what})")));
        match self.store.examine().await {
            Ok(wrong) => {
                if let Some(first) = wrong.first() {
                    return damaged(first.clone());
                }
            }
            Err(error) => return unreadable(&error, place, lang),
        }
        // What the file's own structure does not show: rows that make no sense.
        if let Err(error) = self.read_all().await {
            return not_started(&error, place, lang);
        }
        let Size { file, free, wal } = match self.store.size().await {
            Ok(size) => size,
            Err(error) => return unreadable(&error, place, lang),
        };
        let words = lang.pick(
            format!("完好，{}，其中空闲 {}，日志 {}", mb(file), mb(free), mb(wal)),
            format!("sound, {}, {} of it unused, write-ahead log {}", mb(file), mb(free), mb(wal)),
        );
        Finding { level: Level::Fine, what: "database", words }
    }

    /// Reads what pages and checks read.
    async fn read_all(&self) -> Result<()> {
        self.settings().await?;
        self.store.links().await?;
        self.store.whitelist().await?;
        self.store.schedules().await?;
        self.store.users().await?;
        self.store.runs(0, RUNS_READ).await?;
        Ok(())
    }

    async fn writing(&self, lang: Lang) -> Finding {
        let what = "writing";
        let Err(error) = self.store.probe_write(BUSY).await else {
            let words = lang.pick("数据库可以写入", "the database can be written");
            return Finding { level: Level::Fine, what, words: words.to_owned() };
        };
        let words = match &error {
            StoreError::Locked => lang.pick(
                "数据库被其他程序锁定，无法写入；请关闭占用它的程序".to_owned(),
                "the database is locked by another program and cannot be written; close that program".to_owned(),
            ),
            StoreError::Full => lang.pick(
                "磁盘已满，数据库无法写入；请清理磁盘".to_owned(),
                "the disk is full, and the database cannot be written; make room".to_owned(),
            ),
            StoreError::ReadOnly => lang.pick(
                "数据库或其文件夹只读，无法写入；请检查权限".to_owned(),
                "the database, or its folder, is read-only and cannot be written; look at its permissions".to_owned(),
            ),
            other => {
                lang.pick(format!("数据库无法写入（{other}）"), format!("the database cannot be written: {other}"))
            }
        };
        Finding { level: Level::Wrong, what, words }
    }

    /// Runs that want somebody's eye, and whether anything is checked by itself.
    async fn runs(&self, lang: Lang) -> Result<Vec<Finding>> {
        let mut found = Vec::new();
        let mut doubt = |what, words| found.push(Finding { level: Level::Doubtful, what, words });
        for run in self.store.running().await? {
            if self.clock.now() - run.started_at > LONG_RUN {
                let (id, since) = (run.id, run.started_at.format("%Y-%m-%d %H:%M UTC"));
                let words = lang.pick(
                    format!("第 {id} 次检查从 {since} 起一直未结束；用 rollcall run show {id} 查看，用 rollcall run cancel {id} 结束"),
                    format!("run {id} has been going on since {since}; look with rollcall run show {id}, end it with rollcall run cancel {id}"),
                );
                doubt("runs", words);
            }
        }
        for id in self.store.held_runs().await? {
            let words = lang.pick(
                format!("第 {id} 次检查待确认：运行 rollcall run apply {id} 或 rollcall run discard {id}"),
                format!("run {id} is held: decide with rollcall run apply {id} or rollcall run discard {id}"),
            );
            doubt("runs", words);
        }
        if self.store.schedules().await?.is_empty() {
            let words = lang.pick(
                "没有定时，友链不会自动检查；可运行 rollcall schedule set \"0 4 * * *\"",
                "none: nothing is checked by itself; set one, such as rollcall schedule set \"0 4 * * *\"",
            );
            doubt("schedules", words.to_owned());
        }
        Ok(found)
    }
}

/// That the database cannot be opened or read.
pub fn unreadable(error: &StoreError, place: &Place, lang: Lang) -> Finding {
    let plain = |words| Finding { level: Level::Wrong, what: "database", words };
    match error {
        StoreError::Corrupt(what) => {
            place.wrong(lang.pick(format!("数据库已损坏（{what}）"), format!("it is damaged ({what})")))
        }
        StoreError::NotADatabase(file) => place.wrong(lang.pick(
            format!("{file} 不是 Rollcall 数据库，或文件头已损坏"),
            format!("{file} is not a Rollcall database, or its beginning is damaged"),
        )),
        StoreError::Database(error) => {
            place.wrong(lang.pick(format!("无法读取（{error}）"), format!("it cannot be read ({error})")))
        }
        // These say what to do by themselves.
        other => plain(other.to_string()),
    }
}

/// That the use cases could not be started.
pub fn not_started(error: &ServiceError, place: &Place, lang: Lang) -> Finding {
    match error {
        ServiceError::Store(error) => unreadable(error, place, lang),
        other => Finding { level: Level::Wrong, what: "set-up", words: other.to_string() },
    }
}

/// How many files this process may open.
pub fn open_files(lang: Lang) -> Finding {
    let soft = rlimit::Resource::NOFILE.get().map_or(0, |(soft, _)| soft);
    let (level, words) = if soft < OPEN_FILES {
        let words = lang.pick(
            format!("最多打开 {soft} 个文件，会限制同时检查数；请提高 LimitNOFILE 或 ulimit -n"),
            format!("at most {soft} open files, which clips the checks at once; raise LimitNOFILE or ulimit -n"),
        );
        (Level::Doubtful, words)
    } else {
        (Level::Fine, lang.pick(format!("最多 {soft} 个"), format!("up to {soft}")))
    };
    Finding { level, what: "open files", words }
}

/// Whose links are looked for.
pub fn sites(settings: &Settings, lang: Lang) -> Finding {
    let what = "my sites";
    if settings.my_sites.is_empty() && settings.my_site_patterns.is_empty() {
        let words = lang.pick(
            "未设置 my_sites，不检查外链，只看网站能否打开",
            "my_sites is not set: backlinks are not looked for, only whether sites answer",
        );
        return Finding { level: Level::Doubtful, what, words: words.to_owned() };
    }
    Finding { level: Level::Fine, what, words: settings.my_sites.join(" ") }
}

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
