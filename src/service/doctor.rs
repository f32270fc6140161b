//! What is wrong with the set-up: looked at one thing after another, each with what to do about it.

use super::{Result, Service, drive::terms_of};
use crate::{
    domain::{
        address,
        backlink::MySites,
        lang::Lang,
        settings::{Settings, System},
    },
    engine::resolver::NameError,
    store::Size,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::path::{Path, PathBuf};

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

/// Less room than this on the disk, bytes, is told.
const ROOM: u64 = 200 << 20;
/// A clock that is further off than this is told.
const CLOCK_OFF: TimeDelta = TimeDelta::minutes(2);
/// Addresses that are asked to see whether the network is there.
const ASKED: usize = 3;
/// Open files below this clip how many checks are made at once.
const OPEN_FILES: u64 = 1024;
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"];

impl Service {
    /// Looks at everything.
    ///
    /// # Errors
    /// Where the database cannot be read at all.
    pub async fn doctor(&self, lang: Lang) -> Result<Vec<Finding>> {
        let settings = self.settings().await?;
        let mut found = vec![self.database(lang).await?, self.disk(lang)];
        found.extend(self.permissions(lang));
        found.extend([open_files(lang), self.backups(&settings.system, lang), sites(&settings, lang)]);
        found.extend(environment_proxies(&settings, lang));
        let asked = self.addresses_to_ask(&settings).await?;
        found.push(self.host_names(&asked, lang).await);
        found.extend(self.network(&asked, &settings, lang).await);
        Ok(found)
    }

    async fn database(&self, lang: Lang) -> Result<Finding> {
        let wrong = self.store.examine().await?;
        let Size { file, free, wal } = self.store.size().await?;
        if let Some(first) = wrong.first() {
            let words = lang.pick(
                format!("数据库已损坏（{first}）。请停止服务，用 rollcall restore 还原备份"),
                format!("it is damaged ({first}); stop the server and bring a backup back with rollcall restore"),
            );
            return Ok(Finding { level: Level::Wrong, what: "database", words });
        }
        let words = lang.pick(
            format!("完好，{}，其中空闲 {}，日志 {}", mb(file), mb(free), mb(wal)),
            format!("sound, {}, {} of it unused, write-ahead log {}", mb(file), mb(free), mb(wal)),
        );
        Ok(Finding { level: Level::Fine, what: "database", words })
    }

    fn disk(&self, lang: Lang) -> Finding {
        let folder = self.store.folder();
        let room = rustix::fs::statvfs(&folder).map(|disk| disk.f_bavail * disk.f_frsize);
        let shown = folder.display();
        let (level, words) = match room {
            Err(error) => (Level::Wrong, format!("{shown}: {error}")),
            Ok(room) if room < ROOM => (
                Level::Doubtful,
                lang.pick(
                    format!("{shown} 只剩 {}，请清理磁盘", mb(room)),
                    format!("only {} left at {shown}; make room", mb(room)),
                ),
            ),
            Ok(room) => {
                (Level::Fine, lang.pick(format!("{shown} 剩余 {}", mb(room)), format!("{} left at {shown}", mb(room))))
            }
        };
        match tempfile::tempfile_in(&folder) {
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
    #[cfg(unix)]
    fn permissions(&self, lang: Lang) -> Option<Finding> {
        use std::os::unix::fs::PermissionsExt;
        let wide = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        let folder = self.backup_folder();
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
            let shown = self.store.file();
            let shown = shown.display();
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

    #[cfg(not(unix))]
    fn permissions(&self, _: Lang) -> Option<Finding> {
        None
    }

    /// The backups; and the database with what SQLite has beside it, and the copies from before upgrades and restores.
    #[cfg(unix)]
    fn kept_files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let file = self.store.file();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = |path: &PathBuf| {
            let beside = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let rest = beside.strip_prefix(&name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        let files = |folder: PathBuf| {
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
            files.filter(|path| path.is_file())
        };
        let mut beside: Vec<PathBuf> = files(self.store.folder()).filter(is_ours).collect();
        beside.sort();
        (files(self.backup_folder()).collect(), beside)
    }

    fn backups(&self, system: &System, lang: Lang) -> Finding {
        let newest = self.newest_backup();
        let (level, words) = match (newest, system.backup_cron.is_empty()) {
            (Some((at, file)), _) => {
                (Level::Fine, format!("{} ({})", file.display(), days(self.clock.now() - at, lang)))
            }
            (None, false) => (
                Level::Doubtful,
                lang.pick(
                    "还没有备份；rollcall serve 运行时会按设置 backup_cron 备份".to_owned(),
                    "none yet; rollcall serve makes them by the setting backup_cron".to_owned(),
                ),
            ),
            (None, true) => (
                Level::Doubtful,
                lang.pick(
                    "没有备份，也没有设置 backup_cron".to_owned(),
                    "none, and the setting backup_cron is empty".to_owned(),
                ),
            ),
        };
        Finding { level, what: "backups", words }
    }

    /// My sites, witnesses, and then friends that were well: what is likely to answer.
    async fn addresses_to_ask(&self, settings: &Settings) -> Result<Vec<String>> {
        let mut asked: Vec<String> = settings.my_sites.iter().chain(&settings.witnesses).cloned().collect();
        asked.extend(self.neighbours(|_| false).await?);
        asked.truncate(ASKED);
        Ok(asked)
    }

    async fn host_names(&self, asked: &[String], lang: Lang) -> Finding {
        let hosts = asked.iter().filter_map(|url| address::parse(url).ok()?.domain().map(str::to_owned));
        let what = "names";
        let mut last = None;
        for host in hosts {
            match self.probe.addresses(&host).await {
                Ok(found) => {
                    let listed: Vec<String> = found.iter().take(3).map(ToString::to_string).collect();
                    return Finding { level: Level::Fine, what, words: format!("{host} → {}", listed.join(", ")) };
                }
                Err(error) => last = Some((host, error)),
            }
        }
        let Some((host, error)) = last else { return nothing_to_ask(what, lang) };
        let words = match &error {
            NameError::Refused(refusal) if refusal.is_fake_answer() => lang.pick(
                format!("{host} 解析到 198.18.0.0/15 的虚假地址，多半是本机代理（如 Clash 的 fake-ip）所为；请用 --dns 指定域名服务器，或关闭 fake-ip"),
                format!("{host} resolves to a made-up address in 198.18.0.0/15, as a local proxy (Clash's fake-ip) gives it; name a server with --dns, or turn fake-ip off"),
            ),
            NameError::Refused(refusal) => lang.pick(
                format!("{host}：{refusal}，不会访问"),
                format!("{host} is not asked: {refusal}"),
            ),
            NameError::NotFound => lang.pick(
                format!("{host} 不存在，请检查域名与 DNS"),
                format!("{host} does not exist; check the name, and the name servers"),
            ),
            NameError::NoRoute => lang.pick(
                format!("本机没有通往 {host} 的路由，请检查网络；若它只有 IPv6 地址，请启用 IPv6"),
                format!("this machine has no route to {host}; check the network, and IPv6 where it has no other addresses"),
            ),
            NameError::Short(own) => {
                lang.pick(format!("{}。{}", own.words(lang), own.advice(lang)), format!("{}; {}", own.words(lang), own.advice(lang)))
            }
            NameError::Failed(why) => lang.pick(
                format!("域名服务器没有回答（{why}）；请检查网络，或用 --dns 另行指定"),
                format!("the name servers do not answer ({why}); check the network, or name others with --dns"),
            ),
        };
        Finding { level: Level::Wrong, what, words }
    }

    /// Whether sites answer, and what time they have.
    async fn network(&self, asked: &[String], settings: &Settings, lang: Lang) -> Vec<Finding> {
        if asked.is_empty() {
            return vec![nothing_to_ask("network", lang)];
        }
        let terms = terms_of(settings, MySites::default());
        let mut failed = Vec::new();
        for url in asked {
            let seen = self.look_at(url, &terms).await;
            if let Some(status) = seen.status {
                let fine = Finding { level: Level::Fine, what: "network", words: format!("{url}: HTTP {status}") };
                return std::iter::once(fine).chain(clock(seen.date, self.clock.now(), lang)).collect();
            }
            failed.push(format!("{url}: {}", crate::domain::reason::class_words(seen.class, lang)));
        }
        let listed = failed.join("; ");
        let words = lang.pick(
            format!("没有一个网址有回应（{listed}）；请检查网络、防火墙，或设置 proxy"),
            format!("nothing answered ({listed}); check the network and the firewall, or set proxy"),
        );
        vec![Finding { level: Level::Wrong, what: "network", words }]
    }
}

fn clock(theirs: Option<DateTime<Utc>>, ours: DateTime<Utc>, lang: Lang) -> Option<Finding> {
    let off = ours - theirs?;
    let seconds = off.num_seconds();
    let (level, words) = if off.abs() > CLOCK_OFF {
        let words = lang.pick(
            format!("本机时钟与网站相差 {seconds} 秒，请校时，否则证书与定时会出错"),
            format!("this machine's clock is off by {seconds} s; set it, or certificates and schedules go wrong"),
        );
        (Level::Wrong, words)
    } else {
        (Level::Fine, lang.pick(format!("与网站相差 {seconds} 秒"), format!("{seconds} s from a site's")))
    };
    Some(Finding { level, what: "clock", words })
}

/// A path as a shell takes it, whatever is in it.
#[cfg(unix)]
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn nothing_to_ask(what: &'static str, lang: Lang) -> Finding {
    let words = lang.pick("没有可试的网址；请先设置 my_sites", "nothing to try it with; set my_sites first");
    Finding { level: Level::Doubtful, what, words: words.to_owned() }
}

fn open_files(lang: Lang) -> Finding {
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

fn sites(settings: &Settings, lang: Lang) -> Finding {
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

/// A proxy in the environment that others use and this program does not.
fn environment_proxies(settings: &Settings, lang: Lang) -> Option<Finding> {
    let named = PROXIES.into_iter().find(|key| std::env::var(key).is_ok_and(|value| !value.is_empty()))?;
    let (level, words) = match settings.system.proxy.as_str() {
        "" => (
            Level::Doubtful,
            lang.pick(
                format!("环境变量 {named} 不会被使用；需要代理请设置 proxy"),
                format!("{named} in the environment is not used; set proxy where checks want one"),
            ),
        ),
        _ => (Level::Fine, lang.pick("使用设置的 proxy", "the setting proxy is used").to_owned()),
    };
    Some(Finding { level, what: "proxy", words })
}

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn days(age: TimeDelta, lang: Lang) -> String {
    let days = age.num_days();
    lang.pick(format!("{days} 天前"), format!("{days} days old"))
}
