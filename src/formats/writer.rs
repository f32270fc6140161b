//! A roll in a format, written some links at a time: none has to lie in memory whole.

use super::{Format, csv, json, opml, yaml};
use crate::domain::link::Link;

/// Writes one file. Formats that have groups want the links by group: see [`Format::is_grouped`].
pub struct Writer {
    /// What was written and not taken yet.
    text: Vec<u8>,
    form: Form,
}

enum Form {
    Own(json::List),
    Friends(json::List),
    Csv,
    Yaml(yaml::Groups),
    Opml(opml::Outlines),
}

impl Format {
    /// Whether the links of a group stand together in the file.
    pub fn is_grouped(self) -> bool {
        matches!(self, Format::LinkYml | Format::Opml)
    }
}

impl Writer {
    pub fn new(format: Format) -> Writer {
        let mut text = Vec::new();
        let form = match format {
            Format::Json | Format::LinkList => Form::Own(json::List::begin("", &mut text)),
            Format::FriendJson => Form::Friends(json::List::begin("friends", &mut text)),
            Format::Csv => {
                csv::write_header(&mut text);
                Form::Csv
            }
            Format::LinkYml => Form::Yaml(yaml::Groups::default()),
            Format::Opml => Form::Opml(opml::Outlines::begin()),
        };
        Writer { text, form }
    }

    /// Writes some links; `exempt` says which of them the whitelist names.
    pub fn links(&mut self, links: &[Link], exempt: impl Fn(&Link) -> bool) {
        let text = &mut self.text;
        match &mut self.form {
            Form::Own(list) => links.iter().for_each(|link| list.push(&json::own(link, exempt(link)), text)),
            Form::Friends(list) => links.iter().for_each(|link| list.push(&json::friend(link), text)),
            Form::Csv => csv::write(links, text),
            Form::Yaml(groups) => groups.write(links, text),
            Form::Opml(outlines) => outlines.write(links),
        }
    }

    /// What has been written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.text);
        if let Form::Opml(outlines) = &mut self.form {
            text.append(outlines.text());
        }
        text
    }

    /// Ends the file; returns what has not been taken.
    pub fn finish(mut self) -> Vec<u8> {
        match &mut self.form {
            Form::Own(list) | Form::Friends(list) => list.end(&mut self.text),
            Form::Csv => {}
            Form::Yaml(groups) => groups.end(&mut self.text),
            Form::Opml(outlines) => outlines.end(),
        }
        self.take()
    }
}
