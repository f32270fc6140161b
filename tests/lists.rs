//! Hostile lists: whatever a list holds, taking it in takes time and memory in proportion to its size, and ends.
//!
//! `make lists` takes them in at full size, in an optimised build, against the absolute limits.

mod support;

use rollcall::{
    formats::{self, FormatError, MAX_ROWS},
    service::List,
};
use std::{
    fmt::Write as _,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use support::desk::processor_time_of;

/// The stack that the service's reading threads have.
const STACK: usize = 2 << 20;

/// Reads a list; says what came of it, and how long that took on the processor.
fn read(list: Vec<u8>) -> (Result<formats::Parsed, FormatError>, Duration) {
    let reading = move || {
        let start = on_processor();
        let outcome = formats::read(&list, None);
        (outcome, on_processor().saturating_sub(start))
    };
    std::thread::Builder::new().stack_size(STACK).spawn(reading).unwrap().join().expect("reading ends")
}

/// This thread's time on the processor: others' work at the same time does not count.
fn on_processor() -> Duration {
    thread_local!(static START: Instant = Instant::now());
    let nanos = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.with(Instant::elapsed), Duration::from_nanos)
}

/// `piece` over and over, about `size` bytes of it.
fn over(piece: &str, size: usize) -> String {
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

type Make = Box<dyn Fn(usize) -> Vec<u8>>;

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

fn lists() -> Vec<(&'static str, Make)> {
    [json_lists(), yaml_lists(), csv_lists(), opml_lists(), other_lists()].into_iter().flatten().collect()
}

/// Bytes of a list here, and four times that: large enough for what is quadratic to show.
const SMALL: usize = 60_000;
/// Times at which nothing is to be told from others' noise.
const NOISE: Duration = Duration::from_millis(30);

#[test]
fn four_times_the_list_takes_four_times_the_time() {
    for (name, make) in lists() {
        let four = make(4 * SMALL);
        // The quickest of three: what disturbs only ever adds.
        let quickest = |list: Vec<u8>| (0..3).map(|_| read(list.clone()).1).min().unwrap_or_default();
        let (first, time) = (quickest(make(SMALL)), read(four.clone()).1);
        let limit = 6 * first + NOISE;
        if time > limit {
            let again = quickest(four);
            assert!(again <= limit, "{name}: {first:?}, then {again:?} for four times as much");
        }
    }
}

/// What the largest lists may take in an optimised build.
const FULL: usize = 30 << 20;
const FULL_TIME: Duration = Duration::from_secs(5);
const FULL_BYTES: usize = 200 << 20;

/// Run by `make lists`. Each list is taken in by a process of its own, as memory that is let go is not always given back.
#[test]
#[ignore = "takes an optimised build: make lists"]
fn the_largest_lists_are_taken_in_within_the_limits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    let mut over = Vec::new();
    for (name, make) in lists() {
        std::fs::write(&file, make(FULL)).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_list_is_taken_in", "--ignored", "--nocapture"])
            .env("ROLLCALL_LIST_FILE", &file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let cost = said.lines().find_map(|line| line.split_once("took ")?.1.split_once(" ms "));
        let cost = cost.and_then(|(ms, rest)| Some((ms.parse().ok()?, rest.split_once(" kB ")?)));
        let Some((ms, (kilobytes, outcome))) = cost else { panic!("{name}: {said}") };
        let (time, bytes) = (Duration::from_millis(ms), kilobytes.parse::<usize>().unwrap() << 10);
        println!("{name}: {:.2} s, {} MB, {outcome}", time.as_secs_f64(), bytes >> 20);
        if !output.status.success() || time > FULL_TIME || bytes > FULL_BYTES {
            over.push(name);
        }
    }
    assert!(over.is_empty(), "{over:?}");
}

/// What the test above runs for each list: it is read and written into a new database.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test"]
async fn one_list_is_taken_in() {
    let file = std::env::var_os("ROLLCALL_LIST_FILE").expect("the file to read");
    let (_folder, service) = support::service().await;
    let (start, begun) = (most_held(), processor_time_of("self"));
    let list = List { bytes: std::fs::read(file).unwrap().into(), format: None };
    let outcome = service.import(list, false, &Arc::default()).await;
    let outcome = outcome.map(|report| [report.added, report.duplicates.count(), report.bad.count()]);
    let outcome = format!("{outcome:?}").chars().take(200).collect::<String>();
    println!("took {} ms {} kB {outcome}", (processor_time_of("self") - begun).as_millis(), most_held() - start);
}

/// The most memory that the process has held, in kilobytes; 0 where the system does not tell.
fn most_held() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn a_hundred_thousand_friends_come_in_whole() {
    const FRIENDS: usize = 100_000;
    // A tenth of them where every step is slow.
    let friends = if cfg!(debug_assertions) { FRIENDS / 10 } else { FRIENDS };
    for format in ["yaml", "json", "csv", "opml"] {
        let mut text = String::from(match format {
            "json" => "[",
            "csv" => "name,url\n",
            "opml" => "<opml>",
            _ => "",
        });
        for n in 0..friends {
            match format {
                "yaml" => writeln!(text, "- name: A\n  link: http://a{n}.test\n  avatar: x\n  descr: y"),
                "json" => {
                    write!(text, "{}{{\"name\":\"A\",\"link\":\"http://a{n}.test\"}}", if n > 0 { "," } else { "" })
                }
                "csv" => writeln!(text, "A,http://a{n}.test"),
                _ => writeln!(text, "<outline text='A' htmlUrl='http://a{n}.test'/>"),
            }
            .unwrap();
        }
        if format == "json" {
            text.push(']');
        }
        let parsed = read(text.into_bytes()).0.unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!((parsed.rows.len(), parsed.bad.count()), (friends, 0), "{format}");
    }
}

#[test]
fn too_many_rows_are_refused_as_a_whole() {
    let text = over("A,x\n", 4 * (MAX_ROWS + 1));
    assert_eq!(formats::read(format!("name,url\n{text}").as_bytes(), None), Err(FormatError::TooManyRows));
    let text = over("A,x\n", 4 * MAX_ROWS);
    let parsed = formats::read(format!("name,url\n{text}").as_bytes(), None).unwrap();
    assert_eq!((parsed.bad.count(), parsed.bad.len()), (MAX_ROWS, formats::MAX_NOTES));
}
