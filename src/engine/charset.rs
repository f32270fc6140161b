//! Which characters a page is written in: BOM, header, meta, then detection. Design.md, Choices: charset.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// Where a `<meta charset>` must stand to count (WHATWG HTML, prescan).
pub const META_WINDOW: usize = 1024;
/// How much is read before guessing.
pub const GUESS_WINDOW: usize = 8192;

static META: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?is-u)<!--.*?-->|<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([a-z0-9_:.-]{2,40})"#).expect("a pattern")
});

/// The encoding of a page, if its beginning already tells.
pub fn declared(head: &[u8], content_type: Option<&str>) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    if let Some(encoding) = content_type.and_then(of_content_type) {
        return Some(encoding);
    }
    let window = &head[..head.len().min(META_WINDOW)];
    let label = META.captures_iter(window).find_map(|found| found.get(1))?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A page whose meta could be read as ASCII is not UTF-16, whatever it says.
    Some(match encoding.name() {
        "UTF-16LE" | "UTF-16BE" => UTF_8,
        "x-user-defined" => WINDOWS_1252,
        _ => encoding,
    })
}

/// The most likely encoding of bytes that declare none.
pub fn guessed(head: &[u8], whole: bool) -> &'static Encoding {
    if head.is_ascii() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, whole);
    detector.guess(None, Utf8Detection::Allow)
}

fn of_content_type(header: &str) -> Option<&'static Encoding> {
    let value = header.split(';').skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Encoding::for_label(value.trim().trim_matches(['"', '\'']).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8], content_type: Option<&str>) -> Option<&'static str> {
        declared(head, content_type).map(Encoding::name)
    }

    #[test]
    fn the_order_is_bom_header_meta() {
        let meta = b"<html><head><meta charset=gbk>";
        assert_eq!(name(b"\xef\xbb\xbf<meta charset=gbk>", Some("text/html; charset=big5")), Some("UTF-8"));
        assert_eq!(name(meta, Some("text/html; Charset=\"big5\"")), Some("Big5"));
        assert_eq!(name(meta, Some("text/html")), Some("GBK"));
        assert_eq!(name(b"<META http-equiv='Content-Type' content='text/html; charset=gb2312'>", None), Some("GBK"));
        assert_eq!(name(b"<!-- <meta charset=big5> --><meta charset='utf-16'>", None), Some("UTF-8"));
        assert_eq!(name(b"<p>charset=gbk</p>", None), None);
    }

    #[test]
    fn undeclared_gbk_is_guessed() {
        let (bytes, ..) = encoding_rs::GBK.encode("友情链接，欢迎大家来交换友链，我的博客地址在这里。");
        assert_eq!(guessed(&bytes, true).name(), "GBK");
        assert_eq!(guessed("友情链接".as_bytes(), true).name(), "UTF-8");
    }
}
