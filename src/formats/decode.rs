//! A file's bytes as text.

use super::{FormatError, MAX_BYTES};
use crate::engine::charset;
use encoding_rs::{CoderResult, Encoding, UTF_8};
use std::borrow::Cow;

/// Bytes by which an encoding is guessed, from the first that is not ASCII on: guessing is slow.
const GUESS_BYTES: usize = 64 << 10;
/// Bytes of the text. Chinese takes half as much again in UTF-8 as in GBK or UTF-16.
const MAX_TEXT: usize = MAX_BYTES / 2 * 3;
/// What a decoder wants to have left, in bytes, besides what it writes.
const SLACK: usize = 64;

/// The file's text. UTF-8 is told by trying, others by their first letters that are not ASCII.
///
/// # Errors
/// [`FormatError::TooLarge`] where the text is much larger than the file.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, FormatError> {
    let encoding = charset::declared(bytes, None).unwrap_or_else(|| guessed(bytes));
    if encoding == UTF_8 && std::str::from_utf8(bytes).is_ok() {
        return Ok(encoding.decode(bytes).0);
    }
    let length = length(bytes, encoding);
    if length > MAX_TEXT {
        return Err(FormatError::TooLarge);
    }
    // Decoding without knowing makes room for three times the bytes.
    let mut text = String::with_capacity(length + SLACK);
    let mut decoder = encoding.new_decoder();
    let mut rest = bytes;
    loop {
        let (result, taken, _) = decoder.decode_to_string(rest, &mut text, true);
        rest = &rest[taken..];
        match result {
            CoderResult::InputEmpty => return Ok(text.into()),
            CoderResult::OutputFull => text.reserve(SLACK),
        }
    }
}

/// How long the text will be, in bytes.
fn length(bytes: &[u8], encoding: &'static Encoding) -> usize {
    let mut decoder = encoding.new_decoder();
    let mut piece = [0; 4096];
    let (mut rest, mut length) = (bytes, 0);
    loop {
        let (result, taken, given, _) = decoder.decode_to_utf8(rest, &mut piece, true);
        rest = &rest[taken..];
        length += given;
        if result == CoderResult::InputEmpty {
            return length;
        }
    }
}

fn guessed(bytes: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let telling = &bytes[Encoding::ascii_valid_up_to(bytes)..];
    let window = &telling[..telling.len().min(GUESS_BYTES)];
    charset::guessed(window, window.len() == telling.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_by_pieces_is_as_a_whole() {
        let words = "name,url\n友情链接，欢迎大家来交换友链,http://a.test\n".repeat(500);
        assert_eq!(text(&encoding_rs::GBK.encode(&words).0), Ok(words.as_str().into()));
        let units: Vec<u8> = [0xff, 0xfe].into_iter().chain(words.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(text(&units), Ok(words.as_str().into()));
        assert_eq!(text("\u{feff}a".as_bytes()), Ok("a".into()));
        assert_eq!(text(b"a\xffb").map(|text| text.len() > 2), Ok(true));
    }
}
