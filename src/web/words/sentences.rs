//! Phrases with something in them.

use super::Words;
use crate::{domain::counts::Counts, web::dto::Span};

impl Words {
    pub fn span(&self, span: Span) -> &'static str {
        match span {
            Span::Day => self.lang.pick("天", "Day"),
            Span::Week => self.lang.pick("周", "Week"),
            Span::Month => self.lang.pick("月", "Month"),
            Span::Year => self.lang.pick("年", "Year"),
        }
    }

    pub fn count_links(&self, n: u32) -> String {
        self.lang.pick(format!("{n} 个友链"), if n == 1 { "1 link".to_owned() } else { format!("{n} links") })
    }

    /// What came of a held run that was applied.
    pub fn applied(&self, counts: &Counts) -> String {
        let Counts { to_not_show: hide, to_show: show, overtaken, .. } = *counts;
        let done = self
            .lang
            .pick(format!("已执行：隐藏 {hide}，恢复 {show}"), format!("Applied: {hide} hidden, {show} shown again"));
        match overtaken {
            0 => done,
            n => self.lang.pick(
                format!("{done}；{n} 个友链此后已重新检查或更换网址，保持不变"),
                format!("{done}; {n} left as they are: checked again since, or given another address"),
            ),
        }
    }

    pub fn wait_seconds(&self, n: i64) -> String {
        self.lang.pick(format!("尝试次数过多，请 {n} 秒后再试"), format!("Too many tries; wait {n} s"))
    }

    /// A setting's choice in words.
    pub fn choice(&self, code: &str) -> &'static str {
        match code {
            "strict" => self.choice_strict,
            _ => self.choice_patient,
        }
    }

    /// A link's field in words.
    pub fn field(&self, name: &str) -> &'static str {
        match name {
            "name" => self.f_name,
            "group" => self.col_group,
            "logo" => self.f_logo,
            "description" => self.f_description,
            "feed" => self.f_feed,
            "backlink_page" => self.f_backlink_page,
            "email" => self.f_email,
            _ => self.f_note,
        }
    }
}
