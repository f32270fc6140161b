//! Things kept for a moment under a name that cannot be guessed: a word for the next page, a list to be imported,
//! the right to make the first account.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

const TOKEN_BYTES: usize = 16;

/// A name of 128 random bits.
pub fn token() -> String {
    let mut bytes = [0u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A few things, the oldest of which make room for new ones.
pub struct Shelf<T> {
    room: usize,
    held: Arc<Mutex<VecDeque<(String, T)>>>,
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Shelf { room: self.room, held: self.held.clone() }
    }
}

impl<T: Clone> Shelf<T> {
    pub fn new(room: usize) -> Shelf<T> {
        Shelf { room, held: Arc::default() }
    }

    /// Puts a thing down; returns its name.
    pub fn put(&self, thing: T) -> String {
        let name = token();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= self.room {
            held.pop_front();
        }
        held.push_back((name.clone(), thing));
        name
    }

    pub fn look(&self, name: &str) -> Option<T> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(held, _)| held == name).map(|(_, thing)| thing.clone())
    }

    pub fn take(&self, name: &str) -> Option<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let at = held.iter().position(|(held, _)| held == name)?;
        held.remove(at).map(|(_, thing)| thing)
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

    #[test]
    fn a_shelf_holds_the_newest_and_gives_once() {
        let shelf = Shelf::new(2);
        let [a, b, c] = [1, 2, 3].map(|n| shelf.put(n));
        assert_eq!(shelf.look(&a), None, "no room left for it");
        assert_eq!((shelf.take(&b), shelf.take(&b)), (Some(2), None));
        assert_eq!(shelf.look(&c), Some(3));
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
