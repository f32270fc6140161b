//! The pages' words in both languages; a missing one does not compile. docs/adr/0003 says why no library does it.

#[cfg(feature = "ssr")]
mod imports;
mod live;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod sentences;

#[cfg(feature = "ssr")]
pub use imports::{ImportWords, import_words};
pub use live::{LiveWords, live_words};
#[cfg(feature = "ssr")]
pub use pages::{Words, use_words};

/// A struct of phrases, and one of it for each language.
macro_rules! words {
    ($name:ident; $($(#[$doc:meta])* $key:ident: $zh:literal, $en:literal;)*) => {
        /// Every phrase, in one language.
        #[derive(Clone, Copy)]
        pub struct $name {
            pub lang: $crate::domain::lang::Lang,
            $($(#[$doc])* pub $key: &'static str,)*
        }

        const ZH: $name = $name { lang: $crate::domain::lang::Lang::Zh, $($key: $zh,)* };
        const EN: $name = $name { lang: $crate::domain::lang::Lang::En, $($key: $en,)* };

        impl $name {
            /// The phrases of a language.
            pub fn of(lang: $crate::domain::lang::Lang) -> &'static $name {
                match lang {
                    $crate::domain::lang::Lang::Zh => &ZH,
                    $crate::domain::lang::Lang::En => &EN,
                }
            }
        }
    };
}

use words;
