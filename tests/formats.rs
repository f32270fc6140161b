//! Lists in and out: what each program of the field writes is read, and what is odd is named with its line.

use rollcall::{
    domain::{
        lang::Lang,
        link::{About, Link, LinkState},
    },
    formats::{self, Format, FormatError, Parsed, Writer},
};

fn read(text: &str) -> Parsed {
    formats::read(text.as_bytes(), None).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn brief(parsed: &Parsed) -> Vec<(u32, &str, &str, &str)> {
    parsed
        .rows
        .iter()
        .map(|r| (r.line, r.draft.name.as_str(), r.draft.url.as_str(), r.draft.group.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn butterfly_link_yml_with_lines() {
    let parsed = read(
        "# friends\n- class_name: 友情链接\n  class_desc: x\n  link_list:\n    - name: Hexo\n      link: https://hexo.io/zh-tw/\n      avatar: https://hexo.io/a.png\n      descr: 快速、简单\n    - name: Broken\n      link:\n    - name: 42\n      link: example.com/a\n- class_name: Others\n  flink_style: anzhiyu\n  link_list:\n    - { name: B, link: 'http://b.test', siteshot: x }\n",
    );
    assert_eq!(parsed.format, Format::LinkYml);
    assert_eq!(
        brief(&parsed),
        [
            (5, "Hexo", "https://hexo.io/zh-tw/", "友情链接"),
            (11, "42", "https://example.com/a", "友情链接"),
            (16, "B", "http://b.test", "Others"),
        ]
    );
    assert_eq!(parsed.bad.len(), 1);
    assert_eq!(parsed.bad[0].line, 9);
    assert_eq!(parsed.rows[0].draft.logo.as_deref(), Some("https://hexo.io/a.png"));
}

#[test]
fn older_hexo_lists_are_mappings() {
    let parsed = read(
        "class:\n  class_name: A\n  link_list:\n    1:\n      name: x\n      link: https://x.test\n    2:\n      name: y\n      link: https://y.test\n",
    );
    assert_eq!(brief(&parsed).len(), 2);
    assert_eq!(brief(&parsed)[1].1, "y");
}

#[test]
fn yaml_bombs_are_refused() {
    let mut bomb = String::from("- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let row: Vec<String> = (0..10).map(|_| format!("*a{}", level - 1)).collect();
        bomb.push_str(&format!("- &a{level} [{}]\n", row.join(", ")));
    }
    assert!(matches!(formats::read(bomb.as_bytes(), None), Err(FormatError::Broken { .. })));
}

#[test]
fn json_in_its_four_shapes() {
    let friends =
        read("{\"friends\": [\n[\"A\", \"https://a.test\", \"https://a.test/a.png\"],\n[\"B\", \"ftp://b.test\"]\n]}");
    assert_eq!(friends.format, Format::FriendJson);
    assert_eq!(brief(&friends), [(2, "A", "https://a.test", "")]);
    assert_eq!(friends.bad[0].line, 3);

    let flink = read(
        "{\"link_list\": [\n  {\"name\": \"A\", \"link\": \"https://a.test\", \"avatar\": \"x\", \"linkpage\": \"https://a.test/links\"}\n], \"length\": 1}",
    );
    assert_eq!(flink.format, Format::LinkList);
    assert_eq!(flink.rows[0].draft.backlink_page.as_deref(), Some("https://a.test/links"));

    let own = read(
        "[{\"id\":3,\"name\":\"A\",\"url\":\"https://a.test\",\"group\":\"g\",\"note\":\"\",\"active\":false,\"reason\":null}]",
    );
    assert_eq!((own.format, own.rows[0].draft.active), (Format::Json, Some(false)));
    assert_eq!(own.rows[0].draft.note, None, "an empty text is nothing carried");

    let groups = read(
        "[{\"class_name\":\"g\",\"link_list\":[{\"name\":\"A\",\"link\":\"https://a.test\"},{\"name\":\"no address\"}]}]",
    );
    assert_eq!(brief(&groups), [(1, "A", "https://a.test", "g")]);
    assert_eq!(groups.bad.len(), 1);
}

#[test]
fn csv_with_and_without_header() {
    let with = read("名称,链接,描述\n\"A, the first\",https://a.test,\"says \"\"hi\"\"\"\nB,,x\n\nC,c.test,\n");
    assert_eq!(brief(&with), [(2, "A, the first", "https://a.test", ""), (5, "C", "https://c.test/", "")]);
    assert_eq!(with.rows[0].draft.description.as_deref(), Some("says \"hi\""));
    assert_eq!(with.bad[0].line, 3);
    let without = read("A,https://a.test,https://a.test/feed.xml,words\nhttps://b.test\n");
    assert_eq!(brief(&without), [(1, "A", "https://a.test", ""), (2, "b.test", "https://b.test", "")]);
    assert_eq!(without.rows[0].draft.feed.as_deref(), Some("https://a.test/feed.xml"));
    let tabs = read("name\turl\nA; B\thttps://a.test\n");
    assert_eq!(brief(&tabs), [(2, "A; B", "https://a.test", "")]);
    let unbalanced = read("name,url\n\"A,https://a.test\nB,https://b.test\n");
    assert_eq!(unbalanced.rows.len(), 2);
    let commas = read("Introduction, Address, RSS feed, tags\nA, B and C, https://a.test, https://a.test/f, x; y\n");
    assert_eq!(brief(&commas), [(2, "A, B and C", "https://a.test", "x")]);
    assert_eq!(commas.rows[0].draft.note.as_deref(), Some("tags: x; y"));
}

#[test]
fn a_gbk_table_from_a_spreadsheet_is_read() {
    let (bytes, ..) = encoding_rs::GBK.encode("名称,链接\n阮一峰的网络日志,https://www.ruanyifeng.com/blog/\n");
    let parsed = formats::read(&bytes, None).unwrap();
    assert_eq!(parsed.rows[0].draft.name, "阮一峰的网络日志");
}

#[test]
fn opml_of_both_versions() {
    let parsed = read(
        "<?xml version=\"1.0\"?>\n<opml version=\"2.0\"><body>\n<outline text=\"Tech\">\n<outline text=\"A &amp; B\" type=\"rss\" xmlUrl=\"https://a.test/f\" htmlUrl=\"https://a.test\"/>\n<outline text=\"only feed\" type=\"rss\" xmlUrl=\"https://b.test/f\"/>\n</outline>\n<outline text=\"C\" type=\"link\" url=\"https://c.test\"></outline>\n</body></opml>",
    );
    assert_eq!(parsed.format, Format::Opml);
    assert_eq!(brief(&parsed), [(4, "A & B", "https://a.test", "Tech"), (7, "C", "https://c.test", "")]);
    assert_eq!(parsed.bad[0].line, 5);
}

#[test]
fn duplicates_within_a_file_are_named() {
    let parsed = read("name,url\nA,https://www.a.test/\nB,http://a.test#x\n");
    assert_eq!(parsed.rows.len(), 1);
    assert_eq!(parsed.duplicates[0].line, 3);
    assert!(parsed.duplicates[0].remark.words(Lang::En).contains("line 2"));
}

#[test]
fn what_is_no_list_says_so() {
    for (text, expected) in [
        ("", FormatError::Empty),
        (" \n", FormatError::Empty),
        ("hello there", FormatError::Unknown),
        ("[]", FormatError::NoRows),
        ("{\"friends\": []}", FormatError::NoRows),
        ("name,url\n", FormatError::NoRows),
    ] {
        assert_eq!(formats::read(text.as_bytes(), None), Err(expected), "{text:?}");
    }
    assert!(matches!(formats::read(b"{\"a\": [\n1,}", None), Err(FormatError::Broken { line: 2, .. })));
    assert!(formats::read(&[0x89, b'P', b'N', b'G', 0, 1, 2], None).is_err());
}

#[test]
fn every_format_comes_back_as_it_went_out() {
    let link = |id, name: &str, url: &str, group: &str| Link {
        id,
        about: About {
            name: name.into(),
            url: url.into(),
            group: group.into(),
            logo: "https://x.test/l.png".into(),
            ..About::default()
        },
        active: true,
        state: LinkState::new(chrono::DateTime::UNIX_EPOCH),
        last_check: None,
        recent: Vec::new(),
        flags: Vec::new(),
        good_title: None,
    };
    let links = [link(1, "甲 \"A\" & <b>", "https://a.test/?x=1&y=2", "组"), link(2, "- b: #c", "https://b.test/", "")];
    for format in [Format::Json, Format::Csv, Format::LinkYml, Format::FriendJson, Format::Opml] {
        let write = |parts: &[&[Link]]| {
            let mut writer = Writer::new(format);
            let mut text = Vec::new();
            for part in parts {
                writer.links(part, |_| false);
                text.append(&mut writer.take());
            }
            text.append(&mut writer.finish());
            String::from_utf8(text).unwrap()
        };
        let text = write(&[&links]);
        // However the parts fall, the file is the same; a group goes on over them.
        let again = [links[0].clone(), links[0].clone(), links[1].clone()];
        let whole = write(&[&again]);
        assert_eq!(write(&[&again[..1], &[], &again[1..]]), whole, "{format:?}");
        assert_eq!(write(&[&again[..2], &again[2..]]), whole, "{format:?}");
        let none = formats::read(write(&[]).as_bytes(), Some(format));
        assert!(none.map_or_else(|e| e == FormatError::NoRows, |read| read.rows.is_empty()), "{format:?}");
        let back = formats::read(text.as_bytes(), None).unwrap_or_else(|e| panic!("{format:?}: {e}\n{text}"));
        let names: Vec<_> = back.rows.iter().map(|r| (r.draft.name.as_str(), r.draft.url.as_str())).collect();
        assert_eq!(
            names,
            [("甲 \"A\" & <b>", "https://a.test/?x=1&y=2"), ("- b: #c", "https://b.test/")],
            "{format:?}\n{text}"
        );
        assert!(back.bad.is_empty(), "{format:?}: {:?}", back.bad);
    }
}

#[test]
fn the_real_lists_in_shared_come_in_whole() {
    for (file, rows) in [("chinese-independent-blogs.csv", 1462), ("chinese-independent-blogs.opml", 1326)] {
        let path = format!("{}/../shared/data/{file}", env!("CARGO_MANIFEST_DIR"));
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {path} is missing");
            continue;
        };
        let parsed = formats::read(&bytes, None).unwrap();
        for note in parsed.bad.iter().chain(&parsed.duplicates) {
            eprintln!("{file}:{}: {}", note.line, note.remark.words(Lang::En));
        }
        assert_eq!(parsed.rows.len() + parsed.bad.len() + parsed.duplicates.len(), rows, "{file}");
    }
}

#[test]
fn what_is_too_long_is_cut_or_left_out_and_told() {
    let long = |n: usize| "友".repeat(n);
    let list = serde_json::json!([
        { "name": long(201), "url": "https://a.test", "note": long(1001), "logo": format!("data:{}", long(1000)) },
        { "name": "fine", "url": "https://b.test", "descr": long(1000) },
        { "name": "far", "url": format!("https://c.test/{}", "x".repeat(2048)) },
    ]);
    let parsed = read(&list.to_string());
    let about = |at: usize| &parsed.rows[at].draft;
    assert_eq!((about(0).name.chars().count(), about(0).logo.as_ref()), (200, None));
    assert_eq!(about(0).note.as_ref().map(|note| note.chars().count()), Some(1000));
    assert_eq!(about(1).description.as_ref().map(|words| words.chars().count()), Some(1000));
    let told: Vec<String> = parsed.shortened.iter().map(|note| note.remark.words(Lang::En)).collect();
    for (words, field) in told.iter().zip(["name", "logo", "note"]) {
        assert!(words.starts_with(&format!("the {field} is longer")), "{told:?}");
    }
    assert_eq!((told.len(), parsed.bad.count()), (3, 1));
    assert!(parsed.bad[0].remark.words(Lang::En).starts_with("far: the address is longer"), "{:?}", parsed.bad);
}

#[test]
fn notes_are_short_and_in_both_languages() {
    let long = "友".repeat(5000);
    let opml = |inside: &str| format!("<opml><body>{inside}</body></opml>");
    for list in [
        format!(r#"[{{"name":"{long}","url":"{long}"}}]"#),
        format!(r#"[{{"name":"{long}","url":"ftp://{long}"}}]"#),
        format!(r#"[{{"name":"{long}","url":"https://u:p@{long}.test/"}}]"#),
        format!(r#"[{{"name":"{long}","url":"https://a.test/{long}"}}]"#),
        format!(r#"["{long}"]"#),
        format!(
            r#"[{{"name":"a","url":"https://a.test/{0}"}},{{"name":"b","url":"https://a.test/{0}"}}]"#,
            "x".repeat(1900)
        ),
        format!("name,url\n{long},\n"),
        format!("{long},{long}\na,https://a.test\n"),
        format!("name,url\na{}\n", ",".repeat(2000)),
        opml(&format!("<outline text='{long}' xmlUrl='https://a.test/feed'/>")),
        opml(&format!("<outline text='{long}'/>")),
        opml(&format!("<outline text='a' {long}&<>")),
        opml(&"<outline text='a'>".repeat(5000)),
        opml(&"<b>".repeat(200_000)),
        format!("{}1{}", "[".repeat(100), "]".repeat(100)),
    ] {
        let parsed = read(&list);
        let notes: Vec<_> = parsed.bad.iter().chain(&parsed.duplicates).collect();
        assert!(!notes.is_empty(), "{}", &list[..40]);
        for note in notes {
            let (zh, en) = (note.remark.words(Lang::Zh), note.remark.words(Lang::En));
            assert!(zh.chars().count() <= formats::NOTE_MAX && en.chars().count() <= formats::NOTE_MAX, "{zh} {en}");
            let unquoted = en.replace('友', "");
            assert!(zh != en && unquoted.is_ascii(), "{zh} {en}");
        }
    }
}

#[test]
fn yaml_as_people_write_it() {
    let parsed = read(
        "---\nx: &base\n  descr: words\nlinks:\n  - <<: *base\n    name: 007\n    link: https://a.test\n  - name: no\n    link: https://b.test\n    descr: \"\"\n",
    );
    assert_eq!(brief(&parsed), [(5, "007", "https://a.test", ""), (8, "no", "https://b.test", "")]);
    assert_eq!(parsed.rows[0].draft.description.as_deref(), Some("words"));
    let two = read("- name: A\n  link: https://a.test\n---\n- name: B\n  link: https://b.test\n");
    assert_eq!(brief(&two).len(), 2);
}

#[test]
fn a_list_of_merges_brings_all_of_them_in() {
    let parsed = read(
        "- &a {avatar: https://a.test/a.png}\n- &b {descr: words, avatar: https://b.test/b.png}\n- <<: [*a, *b]\n  name: A\n  link: https://a.test\n",
    );
    let draft = &parsed.rows[0].draft;
    assert_eq!((draft.logo.as_deref(), draft.description.as_deref()), (Some("https://a.test/a.png"), Some("words")));
}
