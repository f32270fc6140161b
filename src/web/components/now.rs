//! Values that change while they are shown, in one type for all: every closure of its own would bring its own
//! copy of the drawing code to the browser, 3 kB each.

use std::sync::Arc;

/// A value as it is now.
pub type Now<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// A value that is computed anew whenever it is looked at.
pub fn now<T>(read: impl Fn() -> T + Send + Sync + 'static) -> Now<T> {
    Arc::new(read)
}

/// A value that never changes.
pub fn fixed<T: Clone + Send + Sync + 'static>(value: T) -> Now<T> {
    Arc::new(move || value.clone())
}

/// Puts a value into a view.
pub fn shown<T: 'static>(value: Now<T>) -> impl Fn() -> T + Clone + Send + Sync + 'static {
    move || value()
}
