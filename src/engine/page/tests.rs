use super::*;

fn read(html: &[u8], content_type: Option<&str>) -> PageFacts {
    let sites = MySites::new(&["https://me.example.com".to_owned()], &[]).unwrap();
    let want = Want { sites: Some(Arc::new(sites)), friend_pages: true, ..Want::default() };
    let mut reader = PageReader::new(Url::parse("https://friend.test/blog/").unwrap(), content_type, want);
    for chunk in html.chunks(7) {
        if reader.feed(chunk) == Appetite::Enough {
            break;
        }
    }
    reader.finish()
}

fn found(html: &str) -> Option<Found> {
    read(html.as_bytes(), None).found
}

#[test]
fn links_count_however_they_are_written() {
    for html in [
        "<a href='https://me.example.com'>me</a>",
        "<A HREF=https://me.example.com/>me</A>",
        "<a rel='nofollow' href=\"https&#58;&#x2F;&sol;me.example.com\">x</a>",
        "<map><area href=//www.me.example.com></map>",
        "<base href='https://me.example.com/x/'><a href='/y'>x</a>",
        "<a href='/y'>x</a><base href='https://me.example.com/x/'>",
        "<noscript><a href='https://me.example.com'>x</a></noscript>",
        "<table><a href='https://me.example.com'>",
        "<a href=' https://me.example.com/ '>x</a>",
        "<template></template><a href='https://me.example.com'>x</a>",
    ] {
        assert!(found(html).is_some(), "{html}");
    }
}

#[test]
fn what_is_no_link_does_not_count() {
    for html in [
        "https://me.example.com",
        "<!-- <a href='https://me.example.com'>x</a> -->",
        "<script>'<a href=\"https://me.example.com\">'</script>",
        "<template><a href='https://me.example.com'>x</a></template>",
        "<iframe><a href='https://me.example.com'>x</a></iframe>",
        "<iframe src='https://me.example.com'></iframe>",
        "<textarea><a href='https://me.example.com'>x</a></textarea>",
        "<title><a href='https://me.example.com'>x</a></title>",
        "<link href='https://me.example.com'><img src='https://me.example.com'>",
        "<a data-href='https://me.example.com'>x</a>",
        "<a href='https://notme.example.com'>x</a>",
        "<base href='https://other.test/'><base href='https://me.example.com/'><a href='/y'>x</a>",
    ] {
        assert_eq!(found(html), None, "{html}");
    }
}

#[test]
fn evidence_tells_rel_and_hiding() {
    let hit = found("<div style='display: none'><a rel='friend' href='https://me.example.com'>x</a></div>").unwrap();
    assert_eq!((hit.hidden, hit.rel.as_deref()), (true, Some("friend")));
    assert!(!found("<p hidden>x</p><a href='https://me.example.com'>x</a>").unwrap().hidden);
    assert_eq!(found("<a href='/go?url=https%3A%2F%2Fme.example.com'>x</a>").unwrap().via, Via::Wrapper);
}

#[test]
fn charsets_are_told_and_titles_decoded() {
    let html = "<html><head><meta charset='gb2312'><title>我的 &amp; 博客</title></head>";
    let (gbk, ..) = encoding_rs::GBK.encode(html);
    let facts = read(&gbk, None);
    assert_eq!((facts.charset, facts.title.as_deref()), (Some("GBK"), Some("我的 & 博客")));
    let bytes: Vec<u8> =
        "\u{feff}<a href='https://me.example.com'>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read(&bytes, None).found.is_some());
}

#[test]
fn refreshes_of_at_most_five_seconds_are_hops() {
    let to = |html: &str| read(html.as_bytes(), None).refresh.map(String::from);
    assert_eq!(to("<meta http-equiv=refresh content='0;url=/new'>").as_deref(), Some("https://friend.test/new"));
    assert_eq!(
        to("<META HTTP-EQUIV=Refresh CONTENT=\"5; URL='https://x.test/'\">").as_deref(),
        Some("https://x.test/")
    );
    for still in [
        "<meta http-equiv=refresh content='6;url=/new'>",
        "<meta http-equiv=refresh content=0>",
        "<meta http-equiv=refresh content='0;url=/blog/'>",
    ] {
        assert_eq!(to(still), None, "{still}");
    }
}

#[test]
fn friend_pages_are_noted_by_path_or_words() {
    let html = "<a href='/links.html'>x</a><a href='/p/3'>友情链接</a><a href='https://else.test/links'>x</a><a href=/about>About</a>";
    let pages: Vec<String> = read(html.as_bytes(), None).friend_pages.into_iter().map(String::from).collect();
    assert_eq!(pages, ["https://friend.test/links.html", "https://friend.test/p/3"]);
}

#[test]
fn a_page_of_scripts_is_told_from_a_page_of_text() {
    assert!(read(b"<div id=root></div><script src=/app.js></script>", None).script_only);
    let text = format!("<script src=/1.js></script><p>{}</p>", "words ".repeat(60));
    assert!(!read(text.as_bytes(), None).script_only);
    assert!(!read(b"<p>nothing here</p>", None).script_only);
    assert!(!read(b"<script>var here = 1</script>", None).script_only, "a page that a script only adorns");
    assert!(!read(b"<script src=/a.js></script><a href=/b>b</a>", None).script_only);
}

#[test]
fn words_count_wherever_they_stand() {
    let script = format!("<div id=root></div><script src=/1.js></script><style>{}</style>", "a{b:c}".repeat(20_000));
    let facts = read(script.as_bytes(), None);
    assert!(facts.script_only && facts.sparse, "{facts:?}");
    let text = read(format!("{script}<p>{}</p>", "words ".repeat(60)).as_bytes(), None);
    assert!(!text.script_only && text.sparse, "{text:?}");
    assert!(text.excerpt.is_some_and(|excerpt| excerpt.starts_with("words words")));
    let long = read(format!("{script}<p>{}</p>", "words ".repeat(600)).as_bytes(), None);
    assert!(!long.script_only && !long.sparse, "{long:?}");
    let both = read(format!("<p>before</p>{script}<p>after</p>").as_bytes(), None);
    assert_eq!(both.excerpt.as_deref(), Some("before after"));
}

#[test]
fn no_word_is_lost_where_the_sample_ends_within_a_character() {
    let site = MySites::new(&["https://me.example.com".to_owned()], &[]).unwrap();
    let want = Want { sites: Some(Arc::new(site)), ..Want::default() };
    let mut reader = PageReader::new(Url::parse("https://friend.test/").unwrap(), None, want);
    let padded = |words: &str| format!("{words}<!--{}-->", "x".repeat(2000));
    let style = format!("<style>{:len$}</style>", "", len = SAMPLE - 2 - "<style></style>".len());
    for piece in [style, padded("友"), padded("ab"), padded("c")] {
        assert_eq!(reader.feed(piece.as_bytes()), Appetite::More);
    }
    assert_eq!(reader.finish().excerpt.as_deref(), Some("友 ab c"));
}

#[test]
fn hostile_pages_cost_little() {
    let pages = [
        "<div>".repeat(50_000),
        format!("<a {}>", "b ".repeat(100_000)),
        format!("<a href={}", "x".repeat(2 << 20)),
        "<a href=/go?u=http>".repeat(20_000),
        "<template>".repeat(100_000),
    ];
    for html in pages {
        let start = std::time::Instant::now();
        let mut reader = PageReader::new(
            Url::parse("https://friend.test/").unwrap(),
            None,
            Want {
                sites: Some(Arc::new(MySites::new(&["https://me.example.com".into()], &[]).unwrap())),
                friend_pages: true,
                marks: false,
            },
        );
        for chunk in html.as_bytes().chunks(16 * 1024) {
            if reader.feed(chunk) == Appetite::Enough {
                break;
            }
        }
        assert!(reader.finish().found.is_none());
        // Generous for a debug build; benches/ hold the real bound.
        assert!(start.elapsed().as_secs() < 10, "{} took {:?}", &html[..20], start.elapsed());
    }
}

#[test]
fn a_pattern_that_gives_up_leaves_the_page_open_and_never_without_a_backlink() {
    let read = |pattern: &str, text: &str| {
        let sites = Arc::new(MySites::new(&[], &[pattern.to_owned()]).unwrap());
        let want = Want { sites: Some(sites), ..Want::default() };
        let mut reader = PageReader::new(Url::parse("https://friend.test/").unwrap(), None, want);
        reader.feed(text.as_bytes());
        reader.finish()
    };
    // Each stretch of twenty letters is another state.
    let mut seed = 7_u32;
    let letters: String = (0..200_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { 'a' } else { 'b' }
        })
        .collect();
    let facts = read("[ab]*a[ab]{20}c", &letters);
    assert!(facts.found.is_none() && facts.given_up);
    let facts = read("me[.]example", &letters);
    assert!(facts.found.is_none() && !facts.given_up, "an ordinary one knows");
    assert!(read("me[.]example", "<p>me.example</p>").found.is_some());
}
