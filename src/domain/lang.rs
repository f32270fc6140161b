//! The two languages that Rollcall speaks.

use serde::{Deserialize, Serialize};

/// A language for reasons, tables and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Zh,
    #[default]
    En,
}

impl Lang {
    /// The BCP 47 tag for `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    /// The language of a locale name (`zh_CN.UTF-8`) or language tag (`zh-Hans`); `None` for all others.
    pub fn of_tag(tag: &str) -> Option<Lang> {
        let primary = tag.trim().split(['-', '_', '.', ';']).next()?;
        if primary.eq_ignore_ascii_case("zh") {
            Some(Lang::Zh)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Lang::En)
        } else {
            None
        }
    }

    /// The first language of an `Accept-Language` header that Rollcall speaks, by weight; English where none is.
    pub fn of_accept_language(header: &str) -> Lang {
        let mut best: Option<(Lang, f32)> = None;
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().and_then(Lang::of_tag) else {
                continue;
            };
            let weight =
                pieces.find_map(|piece| piece.trim().strip_prefix("q=").and_then(|q| q.parse().ok())).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(_, held)| weight > held) {
                best = Some((lang, weight));
            }
        }
        best.map_or(Lang::En, |(lang, _)| lang)
    }

    /// Takes the phrase of this language.
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;

    #[test]
    fn accept_language_goes_by_weight() {
        assert_eq!(Lang::of_accept_language("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(Lang::of_accept_language("en;q=0.3, zh-TW;q=0.7"), Lang::Zh);
        assert_eq!(Lang::of_accept_language("fr, en;q=0.5"), Lang::En);
        assert_eq!(Lang::of_accept_language("zh;q=0, fr"), Lang::En);
        assert_eq!(Lang::of_accept_language(""), Lang::En);
    }

    #[test]
    fn locales_name_a_language() {
        assert_eq!(Lang::of_tag("zh_CN.UTF-8"), Some(Lang::Zh));
        assert_eq!(Lang::of_tag("en_GB"), Some(Lang::En));
        assert_eq!(Lang::of_tag("C"), None);
    }
}
