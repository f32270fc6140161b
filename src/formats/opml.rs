//! OPML 1 and 2.

use super::{
    FormatError, Watch,
    column::{Column, bounded},
    found::Found,
    lines::Lines,
    note::{Remark, quoted},
};
use crate::{
    domain::{field::Field, link::Link},
    store::Draft,
};
use quick_xml::{
    Reader, Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use std::rc::Rc;

/// Outlines inside each other. Deeper ones hold no friends.
const MAX_DEPTH: usize = 64;
/// Tags of any name inside each other: the XML reader remembers each.
const MAX_TAGS: usize = 1_000;
/// Bytes of an attribute that are looked at: more than the longest field takes with every character as an entity.
const VALUE_BYTES: usize = 128 << 10;

pub fn read(text: &str, watch: &Watch) -> Result<Found, FormatError> {
    let mut found = Found::default();
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    // For each outline that is open, the nearest group around what is in it; and how many more are open than are kept.
    let mut open: Vec<Option<Rc<str>>> = Vec::new();
    let mut deeper = 0_usize;
    let mut tags = 0_usize;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        watch.at(at)?;
        let event = reader.read_event();
        match &event {
            Ok(Event::Start(_)) => tags += 1,
            Ok(Event::End(_)) => tags = tags.saturating_sub(1),
            _ => {}
        }
        if tags > MAX_TAGS {
            found.refuse(lines.after_blank(at), || Remark::TooDeepToGoOn)?;
            return Ok(found);
        }
        match event {
            Ok(Event::Start(tag)) if is_outline(&tag) => {
                let line = lines.after_blank(at);
                if open.len() >= MAX_DEPTH {
                    deeper += 1;
                    found.refuse(line, || Remark::TooDeep)?;
                    continue;
                }
                let around = open.last().cloned().flatten();
                let own = outline(line, &tag, around.as_deref(), false, &mut found)?;
                open.push(own.map(Rc::from).or(around));
            }
            Ok(Event::Empty(tag)) if is_outline(&tag) => {
                let line = lines.after_blank(at);
                let around = open.last().cloned().flatten();
                outline(line, &tag, around.as_deref(), open.is_empty(), &mut found)?;
            }
            Ok(Event::End(tag)) if tag.name().as_ref().eq_ignore_ascii_case(b"outline") => {
                if deeper > 0 {
                    deeper -= 1;
                } else {
                    open.pop();
                }
            }
            Ok(Event::Eof) => return Ok(found),
            Ok(_) => {}
            Err(error) => {
                found.refuse(lines.after_blank(at), || Remark::BrokenXml(quoted(&error.to_string())))?;
                return Ok(found);
            }
        }
    }
}

fn is_outline(tag: &BytesStart<'_>) -> bool {
    tag.name().as_ref().eq_ignore_ascii_case(b"outline")
}

/// Takes one outline in; returns the group it makes for those inside it. `bare` ones can be no group: they stand
/// outside all others and hold nothing.
fn outline(
    line: u32,
    tag: &BytesStart<'_>,
    around: Option<&str>,
    bare: bool,
    found: &mut Found,
) -> Result<Option<String>, FormatError> {
    let mut draft = Draft::default();
    let (mut title, mut text) = (String::new(), String::new());
    let (mut html_url, mut plain_url) = (String::new(), String::new());
    for attribute in tag.attributes().with_checks(false) {
        let Ok(attribute) = attribute else {
            found.refuse(line, || Remark::Attribute)?;
            return Ok(None);
        };
        let is = |known: &str| attribute.key.as_ref().eq_ignore_ascii_case(known.as_bytes());
        let value = || unescaped(&attribute.value);
        match () {
            () if is("text") => text = value(),
            () if is("title") => title = value(),
            () if is("htmlUrl") => html_url = value(),
            () if is("url") => plain_url = value(),
            () if is("xmlUrl") => set(&mut draft.feed, Field::Feed, &value()),
            () if is("description") => set(&mut draft.description, Field::Description, &value()),
            () if is("category") => set(&mut draft.group, Field::Group, value().trim_matches('/')),
            () => {}
        }
    }
    let name = if title.is_empty() { text } else { title };
    let url = if html_url.is_empty() { plain_url } else { html_url };
    let has_feed = draft.feed.is_some();
    if url.is_empty() && !has_feed && !bare {
        let mut group = None;
        set(&mut group, Field::Group, &name);
        return Ok(group);
    }
    if url.is_empty() {
        let remark = if has_feed { Remark::FeedOnly } else { Remark::NoAddress };
        found.refuse(line, || remark(quoted(&name)))?;
        return Ok(None);
    }
    Column::Field(Field::Name).fill(&mut draft, &name);
    Column::Field(Field::Url).fill(&mut draft, &url);
    if let Some(group) = around {
        Column::Field(Field::Group).fill(&mut draft, group);
    }
    found.take(line, draft)?;
    Ok(None)
}

/// Puts an attribute's value in; of two of a name the last counts.
fn set(option: &mut Option<String>, field: Field, value: &str) {
    let value = value.trim();
    *option = (!value.is_empty()).then(|| bounded(field, value));
}

/// An attribute's text. HTML entities are no part of XML, but exporters write them.
fn unescaped(value: &[u8]) -> String {
    let value = value.trim_ascii();
    let head = &value[..value.len().min(VALUE_BYTES)];
    htmlize::unescape(String::from_utf8_lossy(head)).trim().to_owned()
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
