//! What is looked at without opening the database, which may be damaged, or not be there.

use super::{Finding, Level, mb};
use crate::{
    config,
    domain::{
        lang::Lang,
        schedule::Schedule,
        settings::{Settings, System},
    },
    service::backups,
    store::sqlite::{self, Found},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::path::{Path, PathBuf};

/// Less room than this on the disk, bytes, is told; less than [`sqlite::ROOM_MIN`] is wrong.
const ROOM: u64 = 200 << 20;
/// So many backups that were due and not made are told …
const MISSED: usize = 2;
/// … and so many are wrong.
const MISSED_FAR: usize = 10;
/// A backup of this age is told where none is made by itself.
const OLD: TimeDelta = TimeDelta::days(30);

/// A database by its file.
pub struct Place {
    file: PathBuf,
    now: DateTime<Utc>,
    lang: Lang,
    /// The newest backup that can be restored.
    sound: Option<(DateTime<Utc>, PathBuf)>,
    /// A newer one that cannot, and why.
    unsound: Option<(PathBuf, String)>,
}

/// What there is to open.
pub enum Opening {
    /// It is there.
    Open,
    /// There is none yet.
    None(Finding),
    /// To open it would make things worse.
    Never(Finding),
}

impl Place {
    /// A database's place, with its backups read.
    pub async fn new(file: PathBuf, now: DateTime<Utc>, lang: Lang) -> Place {
        let (mut sound, mut unsound) = (None, None);
        for (at, path) in backups::made(&backups::folder(&file)).into_iter().rev() {
            match sqlite::check_backup(&path).await {
                Ok(()) => {
                    sound = Some((at, path));
                    break;
                }
                Err(error) => unsound = unsound.or(Some((path, error.to_string()))),
            }
        }
        Place { file, now, lang, sound, unsound }
    }

    /// Looks at the file, before it is opened.
    pub fn look(&self) -> Opening {
        let (lang, shown) = (self.lang, self.file.display());
        let found = match sqlite::look(&self.file) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Opening::Never(Finding {
                    level: Level::Wrong,
                    what: "database",
                    words: lang.pick(
                        format!("没有权限打开 {shown} 或它的日志；请以其所有者身份运行，或修正权限"),
                        format!("{shown}, or its log, may not be opened by this user; run this as its owner, or set its permissions"),
                    ),
                });
            }
            Err(error) => {
                return Opening::Never(self.wrong(
                    lang.pick(format!("无法打开 {shown}（{error}）"), format!("{shown} cannot be opened ({error})")),
                ));
            }
        };
        let log = found.wal.is_some_and(|bytes| bytes > 0);
        match found {
            Found { bytes: Some(_), held_by: Some(process), wal, shm, .. } if wal.is_none() || !shm => {
                Opening::Never(self.wrong(lang.pick(
                    format!("进程 {process} 正打开 {shown}，但它的日志（-wal 或 -shm）已被删除或移走，新的改动会丢失；请停止该进程，检查备份后再启动"),
                    format!("process {process} has {shown} open, but its log (-wal or -shm) was removed or moved away, and what it writes now is lost; stop that process"),
                )))
            }
            Found { held_by: None, log_held_by: Some(process), .. } => Opening::Never(self.wrong(lang.pick(
                format!("进程 {process} 打开的数据库已被移走或替换，而它的日志还在 {shown} 旁边；请停止该进程，并把文件移回"),
                format!("process {process} has a database open that was moved away or replaced, with its log beside {shown}; stop it, and put the file back"),
            ))),
            Found { bytes: Some(0), .. } => {
                Opening::Never(self.wrong(lang.pick(format!("{shown} 是空文件"), format!("{shown} is empty"))))
            }
            Found { bytes: Some(_), .. } => Opening::Open,
            Found { bytes: None, .. } if log => Opening::Never(self.wrong(lang.pick(
                format!("{shown} 不在，而它的日志 {shown}-wal 还在（若文件被移走，请移回原处）"),
                format!("{shown} is missing, and its log {shown}-wal is there (where it was moved, put it back)"),
            ))),
            Found { bytes: None, .. } if self.was_there() => Opening::Never(self.wrong(lang.pick(
                format!("{shown} 不在，但有它的备份或副本"),
                format!("{shown} is missing, and there are backups or copies of it"),
            ))),
            Found { bytes: None, .. } => Opening::None(Finding {
                level: Level::Doubtful,
                what: "database",
                words: lang.pick(
                    format!("{shown} 还不存在；运行 rollcall import 或 rollcall serve 时会创建"),
                    format!("there is none yet at {shown}; rollcall import or rollcall serve makes it"),
                ),
            }),
        }
    }

    /// Whether something is there that only a database leaves behind.
    fn was_there(&self) -> bool {
        let (backups, beside) = self.kept_files();
        !backups.is_empty() || !beside.is_empty()
    }

    /// That the database is not as it should be, with what to do about it.
    pub fn wrong(&self, what: String) -> Finding {
        let lang = self.lang;
        let advice = match &self.sound {
            Some((at, backup)) => {
                let (backup, age) = (shell_word(backup), days(self.now - *at, lang));
                lang.pick(
                    format!("请停止服务，然后运行 rollcall restore {backup}（最新的完好备份，{age}）"),
                    format!("stop the server, then run rollcall restore {backup}, the newest sound backup ({age})"),
                )
            }
            None => lang.pick(
                format!(
                    "请停止服务，用 rollcall restore 还原备份；{} 中没有完好的备份",
                    backups::folder(&self.file).display()
                ),
                format!(
                    "stop the server, and bring a backup back with rollcall restore; there is no sound one in {}",
                    backups::folder(&self.file).display()
                ),
            ),
        };
        Finding { level: Level::Wrong, what: "database", words: format!("{what}{}{advice}", lang.pick("。", "; ")) }
    }

    /// Disk, permissions and what a restore has left.
    pub fn around(&self) -> Vec<Finding> {
        let mut found = vec![self.disk()];
        found.extend(self.permissions());
        found.extend(self.left_over());
        found
    }

    fn left_over(&self) -> Option<Finding> {
        let left = sqlite::leftovers(&self.file).into_iter().filter(|path| path.exists());
        let files: Vec<String> = left.map(|path| shell_word(&path)).collect();
        if files.is_empty() {
            return None;
        }
        let command = format!("rm {}", files.join(" "));
        let words = self.lang.pick(
            format!("有一次还原被中断，数据库未改动；若没有正在进行的还原，请运行 {command}"),
            format!("a restore was broken off, and changed nothing; unless one is going on, run {command}"),
        );
        Some(Finding { level: Level::Doubtful, what: "leftovers", words })
    }

    fn disk(&self) -> Finding {
        let lang = self.lang;
        // Where the database's folder is not there yet, the one that it is made in.
        let folder = sqlite::folder_of(&self.file).ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let shown = folder.display();
        let (level, words) = match sqlite::room(folder) {
            Err(error) => (Level::Wrong, format!("{shown}: {error}")),
            Ok(room) => room_words(room, &shown.to_string(), lang),
        };
        match tempfile::tempfile_in(folder) {
            Ok(_) => Finding { level, what: "disk", words },
            Err(error) => {
                let words = lang.pick(
                    format!("无法写入 {shown}（{error}），请检查权限与磁盘"),
                    format!("{shown} cannot be written ({error}); look at its permissions and the disk"),
                );
                Finding { level: Level::Wrong, what: "disk", words }
            }
        }
    }

    /// The database and its copies hold password hashes and e-mail addresses.
    fn permissions(&self) -> Option<Finding> {
        use std::os::unix::fs::PermissionsExt;
        let lang = self.lang;
        let wide = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        let folder = backups::folder(&self.file);
        let (backups, beside) = self.kept_files();
        let mut commands = Vec::new();
        if wide(&folder) || backups.iter().any(wide) {
            commands.push(format!("chmod -R go-rwx {}", shell_word(&folder)));
        }
        let beside: Vec<String> = beside.iter().filter(|path| wide(path)).map(|path| shell_word(path)).collect();
        if !beside.is_empty() {
            commands.push(format!("chmod go-rwx {}", beside.join(" ")));
        }
        let what = "permissions";
        if commands.is_empty() {
            let shown = self.file.display();
            let words = lang.pick(
                format!("{shown} 及其副本仅限本用户"),
                format!("{shown} and its copies are open to their owner only"),
            );
            return Some(Finding { level: Level::Fine, what, words });
        }
        let commands = commands.join("; ");
        let words = lang.pick(
            format!("其他用户可能打开数据库或其副本，请运行 {commands}"),
            format!("other users may open the database or its copies; run {commands}"),
        );
        Some(Finding { level: Level::Doubtful, what, words })
    }

    /// The backups; and the database with what SQLite has beside it, and the copies from before upgrades and restores.
    fn kept_files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let marks = [".", "-"].into_iter().flat_map(|mark| sqlite::all_beside(&self.file, mark));
        let mut beside: Vec<PathBuf> = std::iter::once(self.file.clone()).chain(marks).collect();
        beside.retain(|path| path.is_file());
        beside.sort();
        let backups = std::fs::read_dir(backups::folder(&self.file)).into_iter().flatten().flatten();
        (backups.map(|file| file.path()).filter(|path| path.is_file()).collect(), beside)
    }

    /// The backups that are made by themselves: whether the newest is sound, and in time.
    pub fn backups(&self, settings: &Settings) -> Finding {
        let (level, words) = match (&self.unsound, &self.sound) {
            (Some((file, why)), sound) => (Level::Wrong, self.unsound_words(file, why, sound.as_ref())),
            (None, Some((at, file))) => self.sound_words(*at, file, settings),
            (None, None) => (Level::Doubtful, self.none_words(&settings.system)),
        };
        Finding { level, what: "backups", words }
    }

    fn unsound_words(&self, file: &Path, why: &str, sound: Option<&(DateTime<Utc>, PathBuf)>) -> String {
        let (lang, file) = (self.lang, file.display());
        let other = match sound {
            Some((at, sound)) => {
                let (sound, age) = (sound.display(), days(self.now - *at, lang));
                lang.pick(
                    format!("最新的完好备份是 {sound}（{age}）"),
                    format!("the newest sound one is {sound} ({age})"),
                )
            }
            None => lang.pick("没有完好的备份".to_owned(), "none of them is sound".to_owned()),
        };
        lang.pick(
            format!("最新的备份 {file} 无法还原（{why}）；{other}；请删除它，并运行 rollcall backup 另存一份"),
            format!(
                "the newest, {file}, is no good ({why}); {other}; remove it, and make one now with rollcall backup"
            ),
        )
    }

    fn sound_words(&self, at: DateTime<Utc>, file: &Path, settings: &Settings) -> (Level, String) {
        let (lang, cron) = (self.lang, settings.system.backup_cron.as_str());
        let said = format!("{} ({})", file.display(), days(self.now - at, lang));
        if cron.is_empty() {
            let level = if self.now - at > OLD { Level::Doubtful } else { Level::Fine };
            let none = lang
                .pick("未设置 backup_cron，不会自动备份", "the setting backup_cron is empty: none is made by itself");
            return (level, format!("{said}{}{none}", lang.pick("；", "; ")));
        }
        let due = Schedule::stored(cron, &config::timezone(settings)).map(|schedule| schedule.ahead(at, MISSED_FAR));
        let missed = due.unwrap_or_default().into_iter().filter(|due| *due <= self.now).count();
        let level = match missed {
            MISSED_FAR.. => Level::Wrong,
            MISSED.. => Level::Doubtful,
            _ => return (Level::Fine, said),
        };
        let more = if missed == MISSED_FAR { lang.pick("至少 ", "at least ") } else { "" };
        let words = lang.pick(
            format!("最新的是 {said}，此后按 backup_cron 应有{more}{missed} 次备份没有进行；请查看 rollcall serve 是否在运行及其日志"),
            format!("the newest is {said}; {more}{missed} that were due by backup_cron since were not made: see whether rollcall serve runs, and its log"),
        );
        (level, words)
    }

    fn none_words(&self, system: &System) -> String {
        let words = if system.backup_cron.is_empty() {
            self.lang.pick("没有备份，也没有设置 backup_cron", "none, and the setting backup_cron is empty")
        } else {
            self.lang.pick(
                "还没有备份；rollcall serve 运行时会按设置 backup_cron 备份",
                "none yet; rollcall serve makes them by the setting backup_cron",
            )
        };
        words.to_owned()
    }
}

/// What is said of the bytes that are free in a folder, where its file system says so.
fn room_words(room: Option<u64>, shown: &str, lang: Lang) -> (Level, String) {
    let Some(room) = room else {
        let words = lang.pick(
            format!("{shown} 所在的文件系统不提供剩余空间"),
            format!("the file system of {shown} does not say how much room is left"),
        );
        return (Level::Fine, words);
    };
    if room < ROOM {
        let level = if room < sqlite::ROOM_MIN { Level::Wrong } else { Level::Doubtful };
        let words = lang.pick(
            format!("{shown} 只剩 {}，请清理磁盘", mb(room)),
            format!("only {} left at {shown}; make room", mb(room)),
        );
        return (level, words);
    }
    (Level::Fine, lang.pick(format!("{shown} 剩余 {}", mb(room)), format!("{} left at {shown}", mb(room))))
}

/// A path as a shell takes it, whatever is in it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn days(age: TimeDelta, lang: Lang) -> String {
    let days = age.num_days();
    lang.pick(format!("{days} 天前"), format!("{days} days old"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_wrong_where_writing_is_and_told_before() {
        for (room, level) in [
            (Some(0), Level::Wrong),
            (Some(sqlite::ROOM_MIN - 1), Level::Wrong),
            (Some(sqlite::ROOM_MIN), Level::Doubtful),
            (Some(9 << 20), Level::Doubtful),
            (Some(ROOM - 1), Level::Doubtful),
            (Some(ROOM), Level::Fine),
            (Some(u64::MAX), Level::Fine),
            (None, Level::Fine),
        ] {
            assert!(room_words(room, "/data", Lang::En).0 == level, "{room:?}");
        }
    }
}
