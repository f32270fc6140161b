//! Failures without an answer: they count once somebody else was heard after them, and hide only what fails once more.

use super::{Drive, Known, course};
use crate::{
    domain::{
        flags::moved_host,
        guard::NETWORK_LOGIN,
        observation::{Doubt, Observation, Standing},
        run::Item,
        verdict::Change,
    },
    engine::check::Course,
    service::{
        Result,
        witness::{Candidate, Strangers},
    },
};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// Sites that answered lately, to be asked whether they still do.
const LATELY: usize = 3;
/// Others who did not answer are asked once more after this.
const ONCE_MORE: Duration = Duration::from_secs(1);
/// As many as this that go are few: others decide whether it is them or our own network.
const FEW: u32 = 2;

/// What a run knows of its own network, and the failures that wait for it to be known.
#[derive(Default)]
pub struct Doubts {
    /// When the newest question was put that was answered by the site itself.
    heard: Option<Instant>,
    /// Where the newest of such answers came from.
    lately: VecDeque<Candidate>,
    /// Whether anything at all was answered in HTTP.
    answered: bool,
    /// Of the checks of links that were shown: how many, and how many would hide their link.
    shown_checked: u32,
    would_hide: u32,
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

    /// Whether the few shown links that were checked would all go.
    pub fn all_go(&self) -> bool {
        (1..=FEW).contains(&self.would_hide) && self.would_hide == self.shown_checked
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
        if hides && seen.status.is_some() {
            self.strangers.note(&known.url, seen);
        } else if itself && let Some(status) = seen.status {
            self.heard = self.heard.max(Some(asked));
            let url = seen.final_url.clone().unwrap_or_else(|| known.url.clone());
            self.lately.push_front(Candidate::answering(url, status));
            self.lately.truncate(LATELY);
        }
    }

    /// What answered just now, the newest first.
    pub fn lately(&self) -> impl Iterator<Item = Candidate> {
        self.lately.iter().cloned()
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
    /// Asks once more, all together, what is shown and did not answer; and sees to it that somebody is heard, before it
    /// and after it. What nobody was heard after says nothing about its site.
    pub(super) async fn look_again(&mut self) -> Result<()> {
        let well = self.anyone_heard(|doubts| doubts.again.values().map(|failed| failed.ended).max()).await?;
        if well {
            let courses = self.courses_again().await?;
            self.service.probe.forget_names();
            self.doubts.looking_again = true;
            self.round(courses).await?;
            self.doubts.looking_again = false;
        }
        if self.cancel.is_cancelled() || self.service.stopping.is_cancelled() {
            // Without an end to it nothing is known.
            return Ok(());
        }
        // Those that were not asked once more, and those whose link is gone.
        let left = std::mem::take(&mut self.doubts.again);
        self.doubts.unheard.extend(left);
        let well = well && self.anyone_heard(|doubts| doubts.unheard.values().map(|failed| failed.ended).max()).await?;
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

    async fn courses_again(&self) -> Result<Vec<Course>> {
        let ids: Vec<i64> = self.doubts.again.keys().copied().collect();
        let links = self.service.store.links_of(&ids).await?;
        let again = |link| Some(course(link, &self.terms).again(&self.doubts.again.get(&link.id)?.seen));
        Ok(links.iter().filter_map(again).collect())
    }

    /// Whether somebody was heard after the newest of some failures; if not, others are asked now.
    async fn anyone_heard(&mut self, newest: impl Fn(&Doubts) -> Option<Instant>) -> Result<bool> {
        let Some(newest) = newest(&self.doubts) else { return Ok(true) };
        if self.doubts.heard.is_some_and(|heard| heard >= newest) {
            return Ok(true);
        }
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
