//! The order of asking: what is ready, and what waits for its host.

use std::collections::{HashMap, VecDeque};

/// A host and port; addresses without one share the empty key.
pub type HostKey = String;

/// Jobs by host, so that no host is asked more than so often at once and waiting for one holds up no other.
pub struct Hosts<J> {
    per_host: u32,
    ready: VecDeque<(HostKey, J)>,
    busy: HashMap<HostKey, Busy<J>>,
}

struct Busy<J> {
    running: u32,
    waiting: VecDeque<J>,
}

impl<J> Hosts<J> {
    pub fn new(per_host: u32) -> Hosts<J> {
        Hosts { per_host: per_host.max(1), ready: VecDeque::new(), busy: HashMap::new() }
    }

    /// Changes the limit for what is taken from now on.
    pub fn set_per_host(&mut self, per_host: u32) {
        self.per_host = per_host.max(1);
    }

    /// Queues a job; an urgent one goes first.
    pub fn push(&mut self, host: HostKey, job: J, urgent: bool) {
        if urgent {
            self.ready.push_front((host, job));
        } else {
            self.ready.push_back((host, job));
        }
    }

    /// The next job whose host has room, which it takes up until [`Hosts::release`].
    pub fn take(&mut self) -> Option<(HostKey, J)> {
        while let Some((host, job)) = self.ready.pop_front() {
            let per_host = self.per_host;
            let busy = self.busy.entry(host.clone()).or_insert_with(|| Busy { running: 0, waiting: VecDeque::new() });
            if busy.running < per_host {
                busy.running += 1;
                return Some((host, job));
            }
            busy.waiting.push_back(job);
        }
        None
    }

    /// Gives a host's room back.
    pub fn release(&mut self, host: &HostKey) {
        let Some(busy) = self.busy.get_mut(host) else { return };
        busy.running = busy.running.saturating_sub(1);
        if let Some(job) = busy.waiting.pop_front() {
            self.ready.push_front((host.clone(), job));
        } else if busy.running == 0 {
            self.busy.remove(host);
        }
    }

    /// Drops the queued jobs that `drop` names, and says how many they were.
    pub fn remove(&mut self, drop: impl Fn(&J) -> bool) -> usize {
        let before = self.len();
        self.ready.retain(|(_, job)| !drop(job));
        self.busy.values_mut().for_each(|busy| busy.waiting.retain(|job| !drop(job)));
        before - self.len()
    }

    fn len(&self) -> usize {
        self.ready.len() + self.busy.values().map(|busy| busy.waiting.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_host_holds_up_no_other() {
        let mut hosts = Hosts::new(2);
        for (host, job) in [("a", 1), ("a", 2), ("a", 3), ("b", 4)] {
            hosts.push(host.to_owned(), job, false);
        }
        let order: Vec<i32> = std::iter::from_fn(|| hosts.take().map(|(_, job)| job)).collect();
        assert_eq!(order, [1, 2, 4]);
        hosts.release(&"b".to_owned());
        assert!(hosts.take().is_none());
        hosts.release(&"a".to_owned());
        assert_eq!(hosts.take().map(|(_, job)| job), Some(3));
    }

    #[test]
    fn urgent_jobs_go_first_and_removed_ones_never() {
        let mut hosts = Hosts::new(1);
        hosts.push("a".into(), 1, false);
        hosts.push("a".into(), 2, false);
        hosts.push("b".into(), 3, true);
        assert_eq!(hosts.take().map(|(_, job)| job), Some(3));
        assert_eq!(hosts.remove(|job| *job == 2), 1);
        assert_eq!(hosts.take().map(|(_, job)| job), Some(1));
        assert!(hosts.take().is_none());
    }
}
