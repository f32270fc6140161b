//! An owner's regular expression over a page's text, searched in bounded time whatever it is and whatever the page.
//!
//! The regex crate is linear too, but in the page times the expression: `[\s\S]{1,1000}me` took half a minute for one
//! page of 2 MiB. Here a table of states is built as the text needs it, each byte costs one step through it, and where
//! a text wants more states than there is room for, the search gives up and says so.

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::{
        dfa::{Cache, Config, DFA},
        regex::{Builder, Regex},
    },
    nfa::thompson::{self, Compiler, WhichCaptures},
};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind, Look},
};
use std::sync::Arc;

/// The longest pattern, in characters.
pub const PATTERN_MAX: usize = 500;
/// Patterns at most.
pub const PATTERNS_MAX: usize = 20;
/// How deep groups may stand in one another.
const NEST_MAX: u32 = 50;
/// A compiled pattern takes at most this, bytes. A repetition counts as often as it repeats.
const COMPILED_MAX: usize = 512 << 10;
/// Room for the states that one search builds, bytes.
const ROOM: usize = 1 << 20;
/// How often the room may be cleared in one search. With these three the worst patterns that are taken search 2 MiB in
/// 40 ms, and ordinary ones in 3 to 15.
const CLEARED_MAX: usize = 2;

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("it is longer than {PATTERN_MAX} characters; shorten it, or split it into several")]
    Long,
    #[error(
        "it would take too long on a large page; use smaller repetitions such as {{1,20}}, and fewer classes such as \\w within them"
    )]
    Costly,
    #[error("{0}")]
    Syntax(String),
}

impl PatternError {
    /// What is wrong with it and what to do, in Chinese.
    pub fn in_chinese(&self) -> String {
        match self {
            PatternError::Long => format!("超过 {PATTERN_MAX} 个字符，请缩短或拆成几条"),
            PatternError::Costly => {
                "在大网页上匹配会太慢，请减小重复次数（如 {1,20}），并少在其中使用 \\w 之类的字符类".to_owned()
            }
            PatternError::Syntax(why) => format!("不是正则表达式：{why}"),
        }
    }
}

/// A pattern, ready to search.
#[derive(Clone, Debug)]
pub struct Pattern(Option<Arc<Regex>>);

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search<'t> {
    Found(&'t str),
    Nothing,
    /// The text wants more than there is room for: nothing is known.
    GaveUp,
}

impl Pattern {
    /// # Errors
    /// [`PatternError`] where it is no expression, or one that may take too long.
    pub fn new(pattern: &str) -> Result<Pattern, PatternError> {
        if pattern.chars().count() > PATTERN_MAX {
            return Err(PatternError::Long);
        }
        let parsed = ParserBuilder::new().nest_limit(NEST_MAX).build().parse(pattern).map_err(|error| {
            let text = error.to_string();
            PatternError::Syntax(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
        })?;
        let plain = with_plain_boundaries(parsed);
        // From a match's end backwards, the farthest start is the match's.
        let table = |backwards: bool| -> Result<DFA, PatternError> {
            let kind = if backwards { MatchKind::All } else { MatchKind::LeftmostFirst };
            let limits = thompson::Config::new().nfa_size_limit(Some(COMPILED_MAX)).which_captures(WhichCaptures::None);
            let compiled = Compiler::new()
                .configure(limits.reverse(backwards))
                .build_from_hir(&plain)
                .map_err(|_| PatternError::Costly)?;
            DFA::builder()
                .configure(
                    Config::new().match_kind(kind).cache_capacity(ROOM).minimum_cache_clear_count(Some(CLEARED_MAX)),
                )
                .build_from_nfa(compiled)
                .map_err(|_| PatternError::Costly)
        };
        Ok(Pattern(Some(Arc::new(Builder::new().build_from_dfas(table(false)?, table(true)?)))))
    }

    /// As [`Pattern::new`], for a pattern that an earlier version took: one that this one does not take stays, and never
    /// knows. Without it friends would seem to have no backlink who are found by it.
    pub fn stored(pattern: &str) -> Pattern {
        Pattern::new(pattern).unwrap_or(Pattern(None))
    }

    /// The first piece of a text that it matches.
    pub fn search<'t>(&self, text: &'t str) -> Search<'t> {
        let Some(regex) = &self.0 else { return Search::GaveUp };
        let forward = regex.forward();
        let end = match forward.try_search_fwd(&mut Cache::new(forward), &Input::new(text)) {
            Ok(Some(end)) => end.offset(),
            Ok(None) => return Search::Nothing,
            Err(_) => return Search::GaveUp,
        };
        let backward = regex.reverse();
        let before = Input::new(text).span(0..end).anchored(Anchored::Yes);
        // That it is there is known; where it begins is not needed so much that it could fail for it.
        let start = match backward.try_search_rev(&mut Cache::new(backward), &before) {
            Ok(Some(start)) => start.offset(),
            Ok(None) | Err(_) => end,
        };
        Search::Found(text.get(start..end).unwrap_or_default())
    }
}

/// With boundaries of words as ASCII has them: a table of states knows no others, and next to Chinese, which has no
/// spaces, these find what is meant.
fn with_plain_boundaries(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => other,
        }),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(with_plain_boundaries(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(mut capture) => {
            capture.sub = Box::new(with_plain_boundaries(*capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(with_plain_boundaries).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(with_plain_boundaries).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
        match Pattern::new(pattern).unwrap().search(text) {
            Search::Found(found) => Some(found),
            Search::Nothing => None,
            Search::GaveUp => panic!("{pattern} gave up"),
        }
    }

    #[test]
    fn ordinary_patterns_find_what_they_name() {
        assert_eq!(found(r"me\.example\.(com|org)", "see me.example.org here"), Some("me.example.org"));
        assert_eq!(found(r"(?i)ME\.example", "see Me.Example"), Some("Me.Example"));
        assert_eq!(found(r"\bme\.example\b", "访问me.example吧"), Some("me.example"));
        assert_eq!(found(r"\bme\.example\b", "notme.example"), None);
        assert_eq!(found(r"友链：\s*\w+", "我的友链： 张三 "), Some("友链： 张三"));
        assert_eq!(found(r"^me$", "me\n"), None);
        assert_eq!(found(r"(?m)^me$", "you\nme\n"), Some("me"));
        assert_eq!(found(r"https?://[\w.-]+/\p{Han}+", "x http://a.test/友链 y"), Some("http://a.test/友链"));
        assert_eq!(found(r"a.*b", "1a2a3b4b5"), Some("a2a3b4b"));
        assert_eq!(found("x*", "友"), Some(""));
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(matches!(Pattern::new("("), Err(PatternError::Syntax(_))));
        assert_eq!(Pattern::new(&"x".repeat(501)).unwrap_err(), PatternError::Long);
        assert!(Pattern::new(&"友".repeat(500)).is_ok());
        for pattern in [r"(?i)(?:x{0,100}){0,100}y", r"\w{1,1000}", r"[\s\S]{1,1000}me", r"(?:a{1,1000}){1,1000}"] {
            assert_eq!(Pattern::new(pattern).unwrap_err(), PatternError::Costly, "{pattern}");
        }
        assert!(matches!(Pattern::new(&"(".repeat(60)), Err(PatternError::Syntax(_))));
    }

    #[test]
    fn a_text_that_wants_too_many_states_is_given_up() {
        let pattern = Pattern::new("[ab]*a[ab]{20}c").unwrap();
        let mut seed = 7_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { 'a' } else { 'b' }
        };
        let text: String = (0..200_000).map(|_| random()).collect();
        assert_eq!(pattern.search(&text), Search::GaveUp);
    }
}
