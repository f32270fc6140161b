//! Things kept for a moment under a name that cannot be guessed: a word for the next page, a list to be imported,
//! the right to make the first account.

use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

const TOKEN_BYTES: usize = 16;

/// A name of 128 random bits.
pub fn token() -> String {
    let mut bytes = [0u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a text, in hexadecimal: what is kept of a secret that only its holder has to know.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How much a shelf holds, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub things: usize,
    /// All things together.
    pub bytes: usize,
    pub time: Duration,
}

/// A few things for a while; the oldest make room for new ones.
pub struct Shelf<T> {
    room: Room,
    held: Arc<Mutex<VecDeque<Thing<T>>>>,
}

struct Thing<T> {
    name: String,
    thing: T,
    bytes: usize,
    until: Instant,
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Shelf { room: self.room, held: self.held.clone() }
    }
}

impl<T: Clone> Shelf<T> {
    pub fn new(room: Room) -> Shelf<T> {
        Shelf { room, held: Arc::default() }
    }

    /// Puts a thing of so many bytes down; returns its name, or `None` where it is larger than the shelf.
    pub fn put(&self, thing: T, bytes: usize) -> Option<String> {
        if bytes > self.room.bytes {
            return None;
        }
        let name = token();
        let now = Instant::now();
        let mut held = self.held(now);
        while held.len() >= self.room.things
            || held.iter().map(|one| one.bytes).sum::<usize>() + bytes > self.room.bytes
        {
            held.pop_front()?;
        }
        held.push_back(Thing { name: name.clone(), thing, bytes, until: now + self.room.time });
        Some(name)
    }

    pub fn look(&self, name: &str) -> Option<T> {
        self.held(Instant::now()).iter().find(|one| one.name == name).map(|one| one.thing.clone())
    }

    pub fn take(&self, name: &str) -> Option<T> {
        let mut held = self.held(Instant::now());
        let at = held.iter().position(|one| one.name == name)?;
        held.remove(at).map(|one| one.thing)
    }

    /// What is on it, without what has been there for too long.
    fn held(&self, now: Instant) -> MutexGuard<'_, VecDeque<Thing<T>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held.front().is_some_and(|oldest| oldest.until <= now) {
            held.pop_front();
        }
        held
    }
}

/// The right to make the first account: printed where only the owner sees it, good for one use.
#[derive(Clone, Default)]
pub struct SetupToken(Arc<Mutex<Option<String>>>);

impl SetupToken {
    pub fn fresh() -> SetupToken {
        SetupToken(Arc::new(Mutex::new(Some(token()))))
    }

    /// The token, while it is good.
    pub fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn is(&self, said: &str) -> bool {
        // Of fixed length and random, and every wrong one slows the next down: timing tells nothing of use.
        self.text().is_some_and(|held| held == said)
    }

    pub fn spend(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { things: 2, bytes: 10, time: Duration::from_secs(60) };

    #[tokio::test(start_paused = true)]
    async fn a_shelf_holds_the_newest_and_gives_once() {
        let shelf = Shelf::new(ROOM);
        let [a, b, c] = [1, 2, 3].map(|n| shelf.put(n, 1).unwrap());
        assert_eq!(shelf.look(&a), None, "no room left for it");
        assert_eq!((shelf.take(&b), shelf.take(&b)), (Some(2), None));
        assert_eq!(shelf.look(&c), Some(3));
        tokio::time::advance(ROOM.time).await;
        assert_eq!(shelf.look(&c), None, "it has been there for too long");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shelf_is_bounded_in_bytes() {
        let shelf = Shelf::new(ROOM);
        assert_eq!(shelf.put(0, 11), None);
        let [a, b] = [(1, 6), (2, 5)].map(|(n, bytes)| shelf.put(n, bytes).unwrap());
        assert_eq!((shelf.look(&a), shelf.look(&b)), (None, Some(2)));
    }

    #[test]
    fn a_setup_token_is_spent_once() {
        let setup = SetupToken::fresh();
        let text = setup.text().unwrap();
        assert!(setup.is(&text) && !setup.is(""));
        setup.spend();
        assert!(!setup.is(&text) && !SetupToken::default().is(""));
    }
}
