//! The kinds of hostile list, each of any size.

use std::fmt::Write as _;

/// `piece` over and over, about `size` bytes of it.
pub fn over(piece: &str, size: usize) -> String {
    piece.repeat(size / piece.len())
}

/// What `row` makes of 0, 1, 2, …, about `size` bytes of it.
fn rows(size: usize, row: impl Fn(usize, &mut String)) -> String {
    let mut text = String::with_capacity(size + 4096);
    let mut n = 0;
    while text.len() < size {
        row(n, &mut text);
        n += 1;
    }
    text
}

/// Makes a list of about so many bytes.
pub type Make = Box<dyn Fn(usize) -> Vec<u8>>;

fn of_text(name: &'static str, make: impl Fn(usize) -> String + 'static) -> (&'static str, Make) {
    (name, Box::new(move |size| make(size).into_bytes()))
}

/// The text once, `inside` as often as it takes, and the end.
fn around(name: &'static str, begin: &'static str, inside: &'static str, end: &'static str) -> (&'static str, Make) {
    of_text(name, move |size| format!("{begin}{}{end}", over(inside, size)))
}

fn json_lists() -> Vec<(&'static str, Make)> {
    vec![
        around("json: open lists", "", "[", ""),
        of_text("json: nested lists", |size| "[".repeat(size / 2) + &"]".repeat(size / 2)),
        of_text("json: nested maps", |size| over("{\"a\":", size / 6 * 5) + "1" + &"}".repeat(size / 6)),
        of_text("json: nested in a friend", |size| {
            format!("[{{\"url\":\"a.test\",\"x\":{}{}}}]", "[".repeat(size / 2), "]".repeat(size / 2))
        }),
        around("json: numbers", "[1", ",1", "]"),
        around("json: empty lists", "[[]", ",[]", "]"),
        around("json: empty maps", "[{}", ",{}", "]"),
        around("json: one key again and again", "{\"a\":1", ",\"a\":1", "}"),
        around("json: a long name", "[{\"url\":\"a.test\",\"name\":\"", "x", "\"}]"),
        around("json: a long name of escapes", "[{\"url\":\"a.test\",\"name\":\"", "\\u53cb", "\"}]"),
        around("json: a long address", "[{\"url\":\"http://a.test/", "x", "\"}]"),
        around("json: tags", "[{\"url\":\"a.test\",\"tags\":\"", "; ", "b;c\"}]"),
        around("json: space", "[", " \n", "{\"url\":\"a.test\"}]"),
        around("json: broken at its end", "[", "{\"url\":\"a.test\"},", ""),
        around("json: a friend again and again", "[{\"url\":\"a.test\"}", ",{\"url\":\"a.test\"}", "]"),
        of_text("json: friends", |size| {
            let row = |n, out: &mut String| write!(out, "{{\"url\":\"a{n}.test\",\"name\":\"友\",\"x\":[]}},").unwrap();
            format!("[{}1]", rows(size, row))
        }),
        of_text("json: friends far inside", |size| {
            let row = |n, out: &mut String| write!(out, "{{\"url\":\"http://a.test/{n}\"}},").unwrap();
            format!("{}{}{{}}{}", "{\"a\":[".repeat(7), rows(size, row), "]}".repeat(7))
        }),
        of_text("json: a long group of many friends", |size| {
            let group = "g".repeat(900);
            let row = |n, out: &mut String| write!(out, "{{\"url\":\"https://a{n}.test/\"}},").unwrap();
            format!("[{{\"class_name\":\"{group}\",\"link_list\":[{}1]}}]", rows(size.min(4 << 20), row))
        }),
        of_text("json: as many friends as there may be", |size| {
            let row = |n, out: &mut String| {
                let name = format!("友{n:06}");
                write!(
                    out,
                    "{{\"name\":\"{name}\",\"url\":\"https://a{n}.test/\",\"avatar\":\"https://a{n}.test/a.png\","
                )
                .unwrap();
                write!(out, "\"descr\":\"some words of a friend, {name}, and more\"}},").unwrap();
            };
            format!("[{}1]", rows(size.min(190_000 * 140), row))
        }),
        of_text("json: distinct keys", |size| {
            format!("{{{}\"z\":1}}", rows(size, |n, out| write!(out, "\"k{n}\":{{}},").unwrap()))
        }),
        of_text("json: wide at every level", |size| {
            let level = format!("{{{}\"z\":", over("\"\":1,", size / 14));
            level.repeat(14) + "1" + &"}".repeat(14)
        }),
    ]
}

fn yaml_lists() -> Vec<(&'static str, Make)> {
    vec![
        around("yaml: open flow lists", "- ", "[", ""),
        around("yaml: open flow maps", "- ", "{a: ", ""),
        around("yaml: dashes", "", "- ", "a"),
        around("yaml: question marks", "- a\n- ", "? ", ""),
        around("yaml: colons", "- a\n- ", ": ", ""),
        around("yaml: documents", "---\n", "--- a\n", ""),
        around("yaml: comments", "- a\n", "# a comment\n", ""),
        around("yaml: one comment", "- a\n#", "x", ""),
        around("yaml: tabs", "- a\n", "\t", "- b"),
        around("yaml: scalars", "", "- a\n", ""),
        around("yaml: a flow list", "- [a", ", a", "]"),
        around("yaml: flow pairs", "- [a: b", ", a: b", "]"),
        around("yaml: a plain text of many lines", "- name: a\n", "  b\n", "  link: c"),
        around("yaml: an open quote", "- name: \"", "a \n", ""),
        around("yaml: a text of escapes", "- name: \"", "\\u53cb", "\"\n  link: a.test"),
        around("yaml: a block of text", "- link: a.test\n  name: |\n", "    b\n", ""),
        around("yaml: a folded text", "- link: a.test\n  name: >\n", "    b\n\n", ""),
        around("yaml: empty lines", "- link: a.test\n", "\n", "- b"),
        around("yaml: tags", "- a\n", "- !!str a\n", ""),
        around("yaml: directives", "- a\n...\n", "%TAG ! tag:a\n", "--- b"),
        around("yaml: anchors", "- &a b\n", "- &a *a\n", ""),
        around("yaml: aliases", "- &a b\n", "- *a\n", ""),
        around("yaml: an anchor in itself", "- &a [", "*a, ", "*a]"),
        around("yaml: merges", "- &a {link: a.test}\n", "- <<: *a\n", ""),
        of_text("yaml: deeper with each line", |size| {
            let mut text = String::from("- a:\n");
            for depth in 1.. {
                if text.len() > size {
                    break;
                }
                writeln!(text, "{}a:", " ".repeat(depth + 2)).unwrap();
            }
            text
        }),
        of_text("yaml: anchors of anchors", |size| {
            let row = |n: usize, out: &mut String| {
                let before = n.saturating_sub(1);
                writeln!(out, "- &a{n} [*a{before}, *a{before}]").unwrap();
            };
            format!("- &a0 [x, x]\n{}", rows(size, |n, out| row(n + 1, out)))
        }),
        of_text("yaml: a long text by aliases in one friend", |size| {
            let text = " ".repeat(size / 2);
            format!("- name: &s \"a{text}b\"\n  link: b.test\n- link: c.test\n{}", over("  name: *s\n", size / 2))
        }),
        of_text("yaml: a text of spaces by aliases", |size| {
            let text = " ".repeat(size / 2);
            let row = |n, out: &mut String| writeln!(out, "- link: a{n}.test\n  name: *s").unwrap();
            format!("- name: &s \"{text}\"\n  link: b.test\n{}", rows(size / 2, row))
        }),
        of_text("yaml: a long text by aliases in many friends", |size| {
            let text = "友 ".repeat(size / 8);
            let row = |n, out: &mut String| writeln!(out, "- link: a{n}.test\n  descr: *s").unwrap();
            format!("- name: &s \"{text}\"\n  link: b.test\n{}", rows(size / 2, row))
        }),
        of_text("yaml: a long key by aliases", |size| {
            let text = "\\t".repeat(size / 4);
            format!("- &s \"{text}\"\n{}", over("- ? *s\n  : v\n", size / 2))
        }),
        of_text("yaml: an address of other letters by aliases", |size| {
            let label: String = ('一'..='鿿').take(60).collect();
            format!(
                "- link: &u https://{label}.{label}.{label}.{label}.test/\n{}",
                over("- {link: *u}\n", size.min(2 << 20))
            )
        }),
        of_text("yaml: a bad address of other letters by aliases", |size| {
            let label: String = ('一'..='鿿').take(60).collect();
            format!(
                "- link: &u https://{label}.{label}.{label}.{label}.a<b/\n{}",
                over("- {link: *u}\n", size.min(2 << 20))
            )
        }),
        of_text("yaml: distinct keys", |size| {
            format!("a:\n{}", rows(size, |n, out| writeln!(out, "  k{n}: v").unwrap()))
        }),
        of_text("yaml: friends", |size| {
            rows(size, |n, out| writeln!(out, "- name: 友 {n}\n  link: https://a{n}.test\n  descr: words").unwrap())
        }),
    ]
}

fn csv_lists() -> Vec<(&'static str, Make)> {
    const HEADER: &str = "name,url\n";
    vec![
        around("csv: lines of spaces", HEADER, "    \n", "A,a.test"),
        around("csv: empty lines", HEADER, "\n", "A,a.test"),
        around("csv: lines of tabs", HEADER, "\t\t\n", "A,a.test"),
        around("csv: lines of commas", HEADER, ",,\n", "A,a.test"),
        around("csv: a line of commas", HEADER, ",", "\nA,a.test"),
        around("csv: a first line of commas", "", ",", "\nA,http://a.test"),
        around("csv: a line of semicolons", "name;url\n", ";", "\nA;a.test"),
        around("csv: a wide header", "name,url", ",url", "\nA,a.test\nB,b.test"),
        of_text("csv: a wide header and many rows", |size| {
            let row = |n, out: &mut String| writeln!(out, "A,a{n}.test").unwrap();
            format!("name,url{}\n{}", over(",url", size / 2), rows(size / 2, row))
        }),
        around("csv: a quote that never closes", "name,url\n\"", "A,http://a.test\n", ""),
        around("csv: a quote that closes late", "name,url\n\"", "A,http://a.test\n", "\""),
        around("csv: quotes", HEADER, "\"\"", "\n"),
        around("csv: quoted empty lines", HEADER, "\"\"\n", "A,a.test"),
        around("csv: one line", HEADER, "x", ""),
        around("csv: a long name", HEADER, "友", ",a.test"),
        around("csv: a long address", "name,url\nA,http://a.test/", "x", ""),
        around("csv: many lines of a name", "name,url\n\"", " a\n", "\",a.test"),
        around("csv: tags", "name,url,tags\nA,a.test,\"", ";b", "\"\n"),
        around("csv: carriage returns", "name,url\r", "\r", "A,a.test"),
        around("csv: no characters", "name,url\n", "\0", ",a.test\n"),
        around("csv: bad rows", HEADER, "A,ftp://a\n", ""),
        around("csv: a friend again and again", HEADER, "A,a.test\n", ""),
        around("csv: words without a header", "A,http://a.test\n", "a.b c.d,", ""),
        of_text("csv: long hosts", |size| {
            let label: String = ('一'..='鿿').take(900).collect();
            format!("name,url\n{}", rows(size, |n, out| writeln!(out, "n,https://{label}{n}.test/").unwrap()))
        }),
        of_text("csv: hosts of other letters", |size| {
            let label: String = ('一'..='鿿').take(50).collect();
            let host = format!("{label}.{label}.{label}.{label}");
            format!("name,url\n{}", rows(size, |n, out| writeln!(out, "n,https://{host}.a{n}.test/").unwrap()))
        }),
        of_text("csv: long cells", |size| {
            let cell = "y".repeat(20_000);
            let row = |n, out: &mut String| writeln!(out, "{cell},http://a.test/{n},{cell}").unwrap();
            format!("name,url,logo\n{}", rows(size, row))
        }),
        of_text("csv: friends", |size| {
            let row = |n, out: &mut String| writeln!(out, "a,b{n}.c,d,e,f,g,h,i,j").unwrap();
            format!("name,url,group,logo,description,feed,backlink_page,email,note\n{}", rows(size, row))
        }),
        of_text("csv: full rows", |size| {
            let row = |n, out: &mut String| {
                let word = "twelve bytes";
                writeln!(out, "{word},https://b{n}.example,{word},{word},{word},{word},{word},{word},{word}").unwrap();
            };
            format!("name,url,group,logo,description,feed,backlink_page,email,note\n{}", rows(size, row))
        }),
    ]
}

fn opml_lists() -> Vec<(&'static str, Make)> {
    const A: &str = "<opml><body>";
    const FRIEND: &str = "<outline text='A' htmlUrl='http://a.test'/>";
    vec![
        around("opml: nested outlines", A, "<outline>", FRIEND),
        around("opml: nested groups", A, "<outline text='g'>", FRIEND),
        around("opml: nested friends", A, "<outline text='g' htmlUrl='a.test'>", ""),
        around("opml: attributes", "<opml><outline", " a='b'", "/>"),
        around("opml: an attribute again and again", "<opml><outline", " text='b'", " url='a.test'/>"),
        around("opml: an attribute that is broken", "<opml><outline ", "a ", "/>"),
        around("opml: entities", "<opml><outline url='a.test' text='", "&amp;", "'/>"),
        around("opml: ampersands", "<opml><outline url='a.test' text='", "&", "'/>"),
        around("opml: a long entity", "<opml><outline url='a.test' text='&", "a", ";'/>"),
        around("opml: numbers of characters", "<opml><outline url='a.test' text='", "&#0", "'/>"),
        around("opml: comments", "<opml>", "<!-- -->", ""),
        around("opml: an open comment", "<opml><!--", " -", ""),
        around("opml: open comments", "<opml>", "<!--", ""),
        around("opml: open data", "<opml><![CDATA[", "]]", ""),
        around("opml: an open declaration", "<opml><!DOCTYPE a [", "<", ""),
        around("opml: declarations", "<!DOCTYPE opml [", "<!ENTITY a 'b'>", "]><opml/>"),
        around("opml: instructions", "<opml>", "<?a?>", ""),
        around("opml: an open tag", "<opml><outline text='", "a", ""),
        around("opml: angles", "<opml>", "<", ""),
        around("opml: tags of other names", "<opml>", "<a>", ""),
        around("opml: ends", A, "</outline>", FRIEND),
        around("opml: space", A, " \n", FRIEND),
        around("opml: space between", "<opml>", "<outline/>    \n\n\n\n    ", ""),
        around("opml: no list", "<", "<opm", ""),
        of_text("opml: a long group of many friends", |size| {
            let group = "g".repeat(990);
            let row = |n, out: &mut String| writeln!(out, "<outline text='A' htmlUrl='http://a{n}.test'/>").unwrap();
            format!("{A}<outline text='{group}'>{}</outline></body></opml>", rows(size.min(5 << 20), row))
        }),
        of_text("opml: friends", |size| {
            let row = |n, out: &mut String| writeln!(out, "<outline text='A' htmlUrl='http://a{n}.test'/>").unwrap();
            format!("{A}{}", rows(size, row))
        }),
    ]
}

fn other_lists() -> Vec<(&'static str, Make)> {
    let noise = |size: usize, from: &[u8]| {
        let mut rng = fastrand::Rng::with_seed(7);
        (0..size).map(|_| from[rng.usize(..from.len())]).collect::<Vec<u8>>()
    };
    let all: Vec<u8> = (0..=255).collect();
    let marks = b"[]{}:,-?&*!|>'\"%@#\t\n <=/;a0\\".to_vec();
    let begun =
        |begin: &'static [u8], from: Vec<u8>| -> Make { Box::new(move |size| [begin, &noise(size, &from)].concat()) };
    let friends = |size| rows(size, |n, out| writeln!(out, "友{n},http://a.test/{n}").unwrap());
    vec![
        ("noise", begun(b"", all.clone())),
        ("noise of marks", begun(b"", marks.clone())),
        ("csv: noise", begun(b"name,url\nA,http://a.test\n", all)),
        ("csv: marks", begun(b"name,url\nA,http://a.test\n", marks.clone())),
        ("yaml: marks", begun(b"- a\n- ", marks.clone())),
        ("opml: marks", begun(b"<opml><outline ", marks)),
        ("space", Box::new(|size| over(" \n", size).into_bytes())),
        ("comments", Box::new(|size| over("# a\n", size).into_bytes())),
        ("byte order marks", Box::new(|size| "\u{feff}".repeat(size / 3).into_bytes())),
        ("bytes that begin nothing", Box::new(|size| [b"a,http://a.test\n", vec![0x80; size].as_slice()].concat())),
        ("gbk", Box::new(move |size| encoding_rs::GBK.encode(&friends(size)).0.into_owned())),
        (
            "utf-16",
            Box::new(move |size| {
                let units = friends(size / 2);
                [0xff, 0xfe].into_iter().chain(units.encode_utf16().flat_map(u16::to_le_bytes)).collect()
            }),
        ),
    ]
}

pub fn lists() -> Vec<(&'static str, Make)> {
    [json_lists(), yaml_lists(), csv_lists(), opml_lists(), other_lists()].into_iter().flatten().collect()
}
