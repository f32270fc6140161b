//! Failures without an answer: they count once somebody else was heard after them, and hide only what fails once more.

use super::{Drive, Known, course};
use crate::{
    domain::{
        flags::{moved_host, registrable},
        guard::NETWORK_LOGIN,
        observation::{Doubt, Observation, Standing},
        run::Item,
        verdict::Change,
    },
    engine::check::{Course, Terms},
    service::{
        Result, Service,
        witness::{Candidate, Strangers},
    },
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Sites that answered as themselves in this run, the quickest of them, to be asked whether they still do.
const LATELY: usize = 12;
/// While links are asked once more others are asked so often whether they still answer, so many of them at a time.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
const LISTENED_TO: usize = 3;
/// Pages that had begun to come are asked for once more so many at a time: a slow way in was all that they lacked.
const SLOW_AT_ONCE: usize = 8;
/// Others who did not answer are asked once more after this.
const ONCE_MORE: Duration = Duration::from_secs(1);
/// As many as this that go are few: others decide whether it is them or our own network.
const FEW: u32 = 2;

/// What a run knows of its own network, and the failures that wait for it to be known.
#[derive(Default)]
pub struct Doubts {
    /// When the newest question was put that was answered by the site itself.
    heard: Option<Instant>,
    /// Where such answers came from, by site, with how long each took.
    lately: HashMap<String, (u32, Candidate)>,
    /// Whether anything at all was answered in HTTP.
    answered: bool,
    /// Of the checks of links that were shown: how many, and how many would hide their link.
    shown_checked: u32,
    would_hide: u32,
    /// Some of what would hide was answered over plain HTTP, as anybody on the way could.
    unproven: bool,
    pub strangers: Strangers,
    /// Of links that are shown: to be asked once more.
    again: HashMap<i64, Failed>,
    /// Of links that are hidden already, or that were asked once more: they wait for somebody to be heard.
    unheard: HashMap<i64, Failed>,
    looking_again: bool,
    /// Whether others answered when they were asked last, after all that failed by then.
    pub others_heard: Option<bool>,
}

/// A check that ended without an answer.
pub struct Failed {
    seen: Observation,
    ended: Instant,
}

impl Doubts {
    pub fn is_empty(&self) -> bool {
        self.again.is_empty() && self.unheard.is_empty()
    }

    /// Takes note of what another process has checked of the run.
    pub fn take_over(&mut self, items: &[Item]) {
        for (item, seen) in items.iter().filter_map(|item| Some((item, item.seen.as_ref()?))) {
            if seen.standing() != Standing::Exempt {
                self.shown_checked += u32::from(item.shown);
                self.would_hide += u32::from(item.change == Change::Hide);
                self.answered |= seen.had_http_answer();
            }
        }
    }

    /// The links that are in doubt.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.again.keys().chain(self.unheard.keys()).copied()
    }

    /// Whether others are to say that our own network is well: what would hide may have come from a stranger, or the few
    /// shown links that were checked would all go.
    pub fn wants_others(&self) -> bool {
        self.unproven || ((1..=FEW).contains(&self.would_hide) && self.would_hide == self.shown_checked)
    }

    /// Keeps back what failed without an answer.
    pub fn keep(&mut self, link_id: i64, seen: Observation, ended: Instant, was_shown: bool) {
        let kept = if was_shown && !self.looking_again { &mut self.again } else { &mut self.unheard };
        kept.insert(link_id, Failed { seen, ended });
    }

    /// A link has been asked once more, whatever came of it.
    pub fn asked_again(&mut self, link_id: i64) {
        if self.looking_again {
            self.again.remove(&link_id);
        }
    }

    /// Takes note of a check that counts, asked at `asked`.
    pub fn counted(&mut self, known: &Known, seen: &Observation, hides: bool, asked: Instant) {
        if seen.standing() == Standing::Exempt {
            return;
        }
        self.shown_checked += u32::from(known.state.shown);
        self.would_hide += u32::from(hides);
        self.answered |= seen.had_http_answer();
        let itself = seen.class.implies_http_answer()
            && seen.status != Some(NETWORK_LOGIN)
            && seen.final_url.as_deref().is_none_or(|to| !moved_host(&known.url, to));
        let url = seen.final_url.as_deref().unwrap_or(&known.url);
        if hides && seen.status.is_some() {
            self.unproven |= !url.starts_with("https:");
            self.strangers.note(&known.url, seen);
        } else if itself && seen.status.is_some() {
            self.heard = self.heard.max(Some(asked));
            self.remember(url, seen);
        }
    }

    /// Keeps a site that answered as itself, one of each registrable domain and the quickest of all.
    fn remember(&mut self, url: &str, seen: &Observation) {
        let Some(site) = registrable(url) else { return };
        let slowest = self.lately.iter().max_by_key(|(_, (ms, _))| *ms).map(|(site, (ms, _))| (site.clone(), *ms));
        match slowest {
            Some((slowest, ms)) if self.lately.len() >= LATELY && !self.lately.contains_key(&site) => {
                if ms <= seen.ms {
                    return;
                }
                self.lately.remove(&slowest);
            }
            _ => {}
        }
        let candidate = Candidate::known(url.to_owned(), seen.status, seen.evidence.title.clone());
        self.lately.insert(site, (seen.ms, candidate));
    }

    /// What answered in this run, the quickest first.
    pub fn lately(&self) -> impl Iterator<Item = Candidate> {
        let mut lately: Vec<&(u32, Candidate)> = self.lately.values().collect();
        lately.sort_unstable_by_key(|(ms, _)| *ms);
        lately.into_iter().map(|(_, candidate)| candidate.clone())
    }

    /// The failures that somebody was heard after.
    pub fn certain(&mut self) -> Vec<(i64, Observation)> {
        let Some(heard) = self.heard else { return Vec::new() };
        let certain = self.unheard.extract_if(|_, failed| failed.ended <= heard);
        certain.map(|(id, failed)| (id, failed.seen)).collect()
    }

    fn all_unheard(&mut self) -> Vec<(i64, Observation)> {
        self.unheard.drain().map(|(id, failed)| (id, failed.seen)).collect()
    }
}

impl Drive {
    /// Asks once more, all together, what is shown and did not answer; and sees to it that somebody is heard before it,
    /// all along, and after it. What nobody was heard after says nothing about its site.
    pub(super) async fn look_again(&mut self) -> Result<()> {
        let mut well = self.anyone_heard().await?;
        if well && !self.doubts.again.is_empty() {
            let (silent, slow) = self.courses_again().await?;
            self.doubts.looking_again = true;
            well = self.listened_round(silent).await?;
            let mut slow = slow.into_iter().peekable();
            while well && slow.peek().is_some() {
                well = self.listened_round(slow.by_ref().take(SLOW_AT_ONCE).collect()).await?;
            }
            self.doubts.looking_again = false;
        }
        if self.cancel.is_cancelled() || self.service.stopping.is_cancelled() {
            // Without an end to it nothing is known.
            return Ok(());
        }
        // Those that were not asked once more, and those whose link is gone.
        let left = std::mem::take(&mut self.doubts.again);
        self.doubts.unheard.extend(left);
        well = well && (self.doubts.unheard.is_empty() || self.anyone_heard().await?);
        // Where nothing was heard from the beginning the whole run is held, which says more than a doubt about each.
        let all_silent = !self.doubts.answered;
        let mut certain = self.doubts.all_unheard();
        if !well && !all_silent {
            for (_, seen) in &mut certain {
                seen.inconclusive = true;
                seen.evidence.doubt = Some(Doubt::NobodyHeard);
            }
        }
        self.keep(certain).await
    }

    /// The links that are in doubt, to be asked once more: those that did not answer at all, and those that had begun to.
    async fn courses_again(&self) -> Result<(Vec<Course>, Vec<Course>)> {
        let ids: Vec<i64> = self.doubts.again.keys().copied().collect();
        let exempt = self.in_force(self.service.clock.now()).await?;
        let (mut silent, mut slow) = (Vec::new(), Vec::new());
        for link in self.service.store.links_of(&ids).await? {
            let Some(Failed { seen, .. }) = self.doubts.again.get(&link.id) else { continue };
            if !exempt.exempt(&link.about.name, &link.about.url) {
                let kind = if seen.status.is_some() { &mut slow } else { &mut silent };
                kind.push(course(&link, &self.terms).again(seen));
            }
        }
        Ok((silent, slow))
    }

    /// Makes checks while others are asked again and again; whether they answered each time.
    async fn listened_round(&mut self, courses: Vec<Course>) -> Result<bool> {
        if courses.is_empty() {
            return Ok(true);
        }
        let (candidates, over) = (self.candidates().await?, CancellationToken::new());
        let listening = listen(self.service.clone(), self.terms.clone(), candidates, over.clone());
        let round = async {
            let made = self.round(courses).await;
            over.cancel();
            made
        };
        let (made, steady) = tokio::join!(round, listening);
        made?;
        Ok(steady)
    }

    /// Whether somebody answers who is asked now.
    async fn anyone_heard(&mut self) -> Result<bool> {
        let candidates = self.candidates().await?;
        let mut asked = Instant::now();
        let mut heard = self.asked_now(&candidates).await;
        if !heard && !candidates.is_empty() {
            // It may have been a moment's trouble, ours or theirs.
            tokio::time::sleep(ONCE_MORE).await;
            asked = Instant::now();
            heard = self.asked_now(&candidates).await;
        }
        if heard {
            self.doubts.heard = self.doubts.heard.max(Some(asked));
        }
        self.doubts.others_heard = Some(heard);
        Ok(heard)
    }

    async fn asked_now(&self, candidates: &[Candidate]) -> bool {
        let asking = self.service.ask_any(candidates, &self.terms, &self.doubts.strangers);
        self.cancel.run_until_cancelled(asking).await.is_some_and(|heard| heard.answered > 0)
    }
}

/// Asks some of the candidates by turns until it is over; whether one of those asked answered each time.
async fn listen(service: Arc<Service>, terms: Arc<Terms>, candidates: Vec<Candidate>, over: CancellationToken) -> bool {
    let strangers = Strangers::default();
    let mut turns = candidates.iter().cycle();
    loop {
        if over.run_until_cancelled(tokio::time::sleep(LISTEN_EVERY)).await.is_none() {
            return true;
        }
        let asked: Vec<Candidate> = turns.by_ref().take(LISTENED_TO.min(candidates.len())).cloned().collect();
        match over.run_until_cancelled(service.ask_any(&asked, &terms, &strangers)).await {
            Some(heard) if heard.answered == 0 => return false,
            Some(_) => {}
            // What comes after the end is asked then.
            None => return true,
        }
    }
}
