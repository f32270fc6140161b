//! What is looked at outside of this machine: names, sites, and the time that they have.

use super::{Finding, Level};
use crate::{
    domain::{address, backlink::MySites, lang::Lang, settings::Settings},
    engine::resolver::NameError,
    service::{Result, Service, drive::terms_of},
};
use chrono::{DateTime, TimeDelta, Utc};

/// A clock that is further off than this is told.
const CLOCK_OFF: TimeDelta = TimeDelta::minutes(2);
/// Addresses that are asked to see whether the network is there.
const ASKED: usize = 3;
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"];

impl Service {
    /// My sites, witnesses, and then friends that were well: what is likely to answer.
    pub(super) async fn addresses_to_ask(&self, settings: &Settings) -> Result<Vec<String>> {
        let mut asked: Vec<String> = settings.my_sites.iter().chain(&settings.witnesses).cloned().collect();
        let neighbours = self.neighbours(&[], |_| false).await?;
        asked.extend(neighbours.iter().map(|one| one.url().to_owned()));
        asked.truncate(ASKED);
        Ok(asked)
    }

    pub(super) async fn host_names(&self, asked: &[String], lang: Lang) -> Finding {
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
                format!("{host}：{refusal}，不会访问；内网可用 --allow-net 放行"),
                format!("{host}: {refusal}, so it is not asked; --allow-net opens a net"),
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
    pub(super) async fn network(&self, asked: &[String], settings: &Settings, lang: Lang) -> Vec<Finding> {
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

fn nothing_to_ask(what: &'static str, lang: Lang) -> Finding {
    let words = lang.pick(
        "没有可试的网址：请设置 my_sites 或 witnesses，或先运行一次 rollcall check",
        "nothing to try it with: set my_sites or witnesses, or check the roll once",
    );
    Finding { level: Level::Doubtful, what, words: words.to_owned() }
}

/// A proxy in the environment that others use and this program does not.
pub(super) fn environment_proxies(settings: &Settings, lang: Lang) -> Option<Finding> {
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
