//! OPML 1 and 2.

use super::{Found, Lines, Note, finish, skip_blank};
use crate::{domain::link::Link, store::Draft};
use quick_xml::{
    Reader, Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

pub fn read(text: &str) -> Found {
    let mut found = Found::default();
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    // The outlines that are open, and the group that each one makes.
    let mut open: Vec<Option<String>> = Vec::new();
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event();
        let line = lines.at(skip_blank(text, at));
        match event {
            Ok(Event::Start(tag)) if is_outline(&tag) => open.push(outline(line, &tag, &open, false, &mut found)),
            Ok(Event::Empty(tag)) if is_outline(&tag) => {
                outline(line, &tag, &open, true, &mut found);
            }
            Ok(Event::End(tag)) if tag.name().as_ref().eq_ignore_ascii_case(b"outline") => {
                open.pop();
            }
            Ok(Event::Eof) => return found,
            Ok(_) => {}
            Err(error) => {
                found.bad.push(Note { line, why: format!("not valid XML, nothing after it was read: {error}") });
                return found;
            }
        }
    }
}

fn is_outline(tag: &BytesStart<'_>) -> bool {
    tag.name().as_ref().eq_ignore_ascii_case(b"outline")
}

/// Takes one outline in; returns the group it makes for those inside it.
fn outline(line: u32, tag: &BytesStart<'_>, open: &[Option<String>], empty: bool, found: &mut Found) -> Option<String> {
    let mut draft = Draft::default();
    let (mut text, mut plain_url) = (String::new(), String::new());
    for attribute in tag.attributes().with_checks(false) {
        let Ok(attribute) = attribute else {
            found.bad.push(Note { line, why: "an attribute cannot be read".to_owned() });
            return None;
        };
        let raw = String::from_utf8_lossy(&attribute.value);
        // HTML entities are no part of XML, but exporters write them.
        let value = htmlize::unescape(raw).trim().to_owned();
        match attribute.key.as_ref().to_ascii_lowercase().as_slice() {
            b"text" => text = value,
            b"title" => draft.name = value,
            b"htmlurl" => draft.url = value,
            b"url" => plain_url = value,
            b"xmlurl" => draft.feed = Some(value),
            b"description" => draft.description = Some(value),
            b"category" => draft.group = Some(value.trim_matches('/').to_owned()),
            _ => {}
        }
    }
    if draft.name.is_empty() {
        draft.name = text;
    }
    if draft.url.is_empty() {
        draft.url = plain_url;
    }
    let has_feed = draft.feed.as_ref().is_some_and(|feed| !feed.is_empty());
    if draft.url.is_empty() && !has_feed && !(empty && open.is_empty()) {
        return Some(draft.name).filter(|name| !name.is_empty());
    }
    if draft.url.is_empty() {
        let what =
            if has_feed { "has a feed but no site address (htmlUrl)" } else { "has no address (htmlUrl or url)" };
        found.bad.push(Note { line, why: format!("{:?} {what}", draft.name) });
        return None;
    }
    let group = open.iter().rev().find_map(Clone::clone);
    draft.group = draft.group.filter(|g| !g.is_empty()).or(group);
    finish(line, draft, found);
    None
}

/// Outlines that are written one after another, the links of a group inside of one.
pub struct Outlines {
    writer: Writer<Vec<u8>>,
    /// The group that is open; empty for links without one.
    open: String,
}

impl Outlines {
    pub fn begin() -> Outlines {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        begin(&mut writer).expect("writing to memory");
        Outlines { writer, open: String::new() }
    }

    pub fn write(&mut self, links: &[Link]) {
        for link in links {
            self.link(link).expect("writing to memory");
        }
    }

    fn link(&mut self, link: &Link) -> std::io::Result<()> {
        let group = link.about.group.as_str();
        if group != self.open {
            self.close()?;
            if !group.is_empty() {
                let attributes = [("text", group), ("title", group)];
                let outline = BytesStart::new("outline").with_attributes(attributes);
                self.writer.write_event(Event::Start(outline))?;
            }
            group.clone_into(&mut self.open);
        }
        write_outline(&mut self.writer, link)
    }

    /// Ends the group that is open.
    fn close(&mut self) -> std::io::Result<()> {
        if self.open.is_empty() { Ok(()) } else { self.writer.write_event(Event::End(BytesEnd::new("outline"))) }
    }

    pub fn end(&mut self) {
        self.close()
            .and_then(|()| self.writer.write_event(Event::End(BytesEnd::new("body"))))
            .and_then(|()| self.writer.write_event(Event::End(BytesEnd::new("opml"))))
            .expect("writing to memory");
        self.text().push(b'\n');
    }

    /// What has been written and not been taken.
    pub fn text(&mut self) -> &mut Vec<u8> {
        self.writer.get_mut()
    }
}

fn begin(writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.write_event(Event::Start(BytesStart::new("opml").with_attributes([("version", "2.0")])))?;
    writer.write_event(Event::Start(BytesStart::new("head")))?;
    writer.create_element("title").write_text_content(BytesText::new("Blogroll"))?;
    writer.write_event(Event::End(BytesEnd::new("head")))?;
    writer.write_event(Event::Start(BytesStart::new("body")))
}

fn write_outline(writer: &mut Writer<Vec<u8>>, link: &Link) -> std::io::Result<()> {
    let about = &link.about;
    let kind = if about.feed.is_empty() { "link" } else { "rss" };
    let mut tag = BytesStart::new("outline");
    tag.extend_attributes([("text", about.name.as_str()), ("title", &about.name), ("type", kind)]);
    if !about.feed.is_empty() {
        tag.push_attribute(("xmlUrl", about.feed.as_str()));
    } else {
        tag.push_attribute(("url", about.url.as_str()));
    }
    tag.push_attribute(("htmlUrl", about.url.as_str()));
    if !about.description.is_empty() {
        tag.push_attribute(("description", about.description.as_str()));
    }
    writer.write_event(Event::Empty(tag))
}
