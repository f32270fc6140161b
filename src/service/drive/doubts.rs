//! Failures without an answer: they count once somebody else was heard after them, and hide only what fails once more.

use super::{Drive, Known, course};
use crate::{
    domain::{
        class::Class,
        flags::registrable,
        guard::{MANY, NETWORK_LOGIN, Tally},
        observation::{BacklinkState, Doubt, Flag, Observation, Standing},
        run::Item,
        verdict::{Change, judge},
    },
    engine::check::{Course, Terms},
    service::{
        Result, Service, ServiceError,
        witness::{Candidate, Strangers},
    },
    store::StoreError,
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

/// What a run knows of its own network, and the failures that wait for it to be known.
#[derive(Default)]
pub struct Doubts {
    /// When the newest question was put that was answered by the site itself.
    heard: Option<Instant>,
    /// Where such answers came from, by site, with how long each took.
    lately: HashMap<String, (u32, Candidate)>,
    /// What the guard will look at, as far as it is certain.
    tally: Tally,
    /// Some of what would hide was answered over plain HTTP, as anybody on the way could.
    unproven: bool,
    pub strangers: Strangers,
    /// Of links that are shown: to be asked once more.
    again: HashMap<i64, Failed>,
    /// Those of them that are being asked once more.
    asking: HashMap<i64, Failed>,
    /// Of links that are hidden already, or that were asked once more: they wait for somebody to be heard.
    unheard: HashMap<i64, Failed>,
    /// Whether others answered when they were asked last, after all that failed by then.
    pub others_heard: Option<bool>,
}

/// A check that ended without an answer.
pub struct Failed {
    pub seen: Observation,
    /// When it was last asked, and when that ended.
    pub asked: Instant,
    pub ended: Instant,
    /// It had been made once more.
    pub once_more: bool,
}

impl Doubts {
    pub fn is_empty(&self) -> bool {
        self.again.is_empty() && self.asking.is_empty() && self.unheard.is_empty()
    }

    /// Takes note of what another process has checked of the run.
    pub fn take_over(&mut self, items: &[Item]) {
        for (item, seen) in items.iter().filter_map(|item| Some((item, item.seen.as_ref()?))) {
            if seen.standing() != Standing::Exempt {
                self.tally.add(seen, item.shown, item.change);
            }
        }
    }

    /// The links that are in doubt.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.again.keys().chain(self.asking.keys()).chain(self.unheard.keys()).copied()
    }

    /// Whether others are to say that our own network is well: what would hide may have come from a stranger, or the few
    /// shown links that were checked would all go.
    pub fn wants_others(&self) -> bool {
        let Tally { would_hide, shown_checked, .. } = self.tally;
        self.unproven || ((1..MANY).contains(&would_hide) && would_hide == shown_checked)
    }

    /// Keeps back what failed without an answer.
    pub fn keep(&mut self, link_id: i64, failed: Failed, was_shown: bool) {
        let kept = if was_shown && !failed.once_more { &mut self.again } else { &mut self.unheard };
        kept.insert(link_id, failed);
    }

    /// A check has ended, whatever came of it; whether it was made once more.
    pub fn ended(&mut self, link_id: i64) -> bool {
        self.asking.remove(&link_id).is_some()
    }

    /// Takes note of a check that counts, asked at `asked`.
    pub fn counted(&mut self, known: &Known, seen: &Observation, change: Change, asked: Instant) {
        if seen.standing() == Standing::Exempt {
            return;
        }
        self.tally.add(seen, known.state.shown, change);
        if is_itself(&known.url, seen) {
            self.heard = self.heard.max(Some(asked));
            self.others_heard = None;
            self.remember(seen.final_url.as_deref().unwrap_or(&known.url), seen);
        } else if seen.status.is_some() {
            self.unproven |= change == Change::Hide;
            self.strangers.note(&known.url, seen);
        }
    }

    /// Keeps a site that answered as itself, one of each registrable domain and the quickest of all.
    fn remember(&mut self, url: &str, seen: &Observation) {
        let Some(site) = registrable(url) else { return };
        if self.lately.get(&site).is_some_and(|(ms, _)| *ms <= seen.ms) {
            return;
        }
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

    /// Takes out the failures that somebody was heard after: whose question was put when they had ended. Of what was made
    /// once more nothing is certain before all of that is over.
    pub fn take_certain(&mut self) -> Vec<(i64, Failed)> {
        let Some(heard) = self.heard else { return Vec::new() };
        self.unheard.extract_if(|_, failed| !failed.once_more && failed.ended <= heard).collect()
    }
}

/// Whether an answer came from the site at `url` and from nobody on the way: by a certificate, or over plain HTTP by the
/// backlink, or by a title that it has always had.
fn is_itself(url: &str, seen: &Observation) -> bool {
    let answered = seen.status.is_some_and(|status| status != NETWORK_LOGIN) && seen.class.implies_http_answer();
    let by_title = seen.backlink.state == BacklinkState::NotChecked
        && !seen.flags.contains(&Flag::TitleChanged)
        && !seen.flags.contains(&Flag::MovedHost);
    let good = seen.class == Class::Ok && (seen.backlink.state == BacklinkState::Found || by_title);
    answered && (url.starts_with("https:") || good)
}

impl Drive {
    /// Asks once more, all together, what is shown and did not answer; and sees to it that somebody is heard before it,
    /// all along, and after it. What nobody was heard after says nothing about its site.
    pub(super) async fn look_again(&mut self) -> Result<()> {
        let mut well = self.anyone_heard().await?;
        if well && !self.doubts.again.is_empty() {
            let (mut courses, slow) = self.courses_again().await?;
            let mut slow = slow.into_iter().peekable();
            courses.extend(slow.by_ref().take(SLOW_AT_ONCE));
            well = self.listened_round(courses).await?;
            while well && slow.peek().is_some() {
                well = self.listened_round(slow.by_ref().take(SLOW_AT_ONCE).collect()).await?;
            }
        }
        if self.cancel.is_cancelled() || self.service.stopping.is_cancelled() {
            // Without an end to it nothing is known.
            return Ok(());
        }
        // Those that were not asked once more after all: their link is gone, or nobody was heard.
        self.doubts.unheard.extend(self.doubts.asking.drain());
        if !well {
            self.doubts.unheard.extend(self.doubts.again.drain());
        }
        well = well && (self.doubts.unheard.is_empty() || self.anyone_heard().await?);
        let mut waited: Vec<(i64, Failed)> = self.doubts.unheard.drain().collect();
        if !well && !self.is_surely_held(&waited) {
            for (_, failed) in &mut waited {
                failed.seen.inconclusive = true;
                failed.seen.evidence.doubt = Some(Doubt::NobodyHeard);
            }
        }
        self.keep(waited).await
    }

    /// Whether the guard holds the run if failures stand as they are, which says more than a doubt about each: nothing was
    /// answered at all, and there are many of them, or all would hide.
    fn is_surely_held(&self, waited: &[(i64, Failed)]) -> bool {
        let policy = &self.plan.settings.policy;
        let hides = |(id, failed): &(i64, Failed)| {
            let known = self.known.get(id);
            known.is_some_and(|known| judge(&known.state, &failed.seen, policy, failed.seen.at).change == Change::Hide)
        };
        let Tally { checks, answered, shown_checked, .. } = self.doubts.tally;
        let many = checks as usize + waited.len() >= MANY as usize;
        policy.guard.min > 0 && answered == 0 && (many || (shown_checked == 0 && waited.iter().all(hides)))
    }

    /// The links that are in doubt, to be asked once more: those that did not answer at all, and those that had begun to.
    async fn courses_again(&mut self) -> Result<(Vec<Course>, Vec<Course>)> {
        self.doubts.asking.extend(self.doubts.again.drain());
        let ids: Vec<i64> = self.doubts.asking.keys().copied().collect();
        let exempt = self.service.in_force(&self.plan.whitelist).await?;
        let (mut silent, mut slow) = (Vec::new(), Vec::new());
        for link in self.service.store.links_of(&ids).await? {
            let Some(Failed { seen, .. }) = self.doubts.asking.get(&link.id) else { continue };
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
            let _ = self.until_left(tokio::time::sleep(ONCE_MORE)).await;
            asked = Instant::now();
            heard = self.asked_now(&candidates).await;
        }
        self.still_on()?;
        if heard {
            self.doubts.heard = self.doubts.heard.max(Some(asked));
        }
        self.doubts.others_heard = Some(heard);
        Ok(heard)
    }

    async fn asked_now(&self, candidates: &[Candidate]) -> bool {
        let asking = self.service.ask_any(candidates, &self.terms, &self.doubts.strangers);
        let asking = self.cancel.run_until_cancelled(asking);
        self.until_left(asking).await.ok().flatten().is_some_and(|heard| heard.answered > 0)
    }

    /// Waits for something that only counts while the run goes on here.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`], or [`StoreError::NotOwner`].
    pub(super) async fn until_left<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            done = work => Ok(done),
            () = self.service.stopping.cancelled() => Err(ServiceError::Stopping),
            () = self.heart.lost.cancelled() => Err(StoreError::NotOwner(self.run_id).into()),
        }
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
