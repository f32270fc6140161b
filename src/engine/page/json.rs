//! JSON answers, such as a friend.json: every string that is an absolute http address counts as a link.

/// Longer strings are no addresses.
const STRING_MAX: usize = 4096;

/// Whether a body is JSON: by its type, or where the type does not say HTML, by its first character.
pub fn is_json(content_type: Option<&str>, head: &[u8]) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind.ends_with("/json") || kind.ends_with("+json") {
        return true;
    }
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(*byte));
    !kind.contains("html") && matches!(first, Some(b'{' | b'['))
}

/// The strings of a JSON text, as it comes.
#[derive(Debug, Default)]
pub struct Strings {
    inside: bool,
    escaped: bool,
    held: String,
}

impl Strings {
    /// Takes the next piece of text and gives every string that ends in it.
    pub fn feed(&mut self, text: &str, mut found: impl FnMut(&str)) {
        let mut rest = text;
        while !rest.is_empty() {
            if !self.inside {
                let Some(start) = rest.find('"') else { return };
                self.inside = true;
                self.held.clear();
                rest = &rest[start + 1..];
                continue;
            }
            let end = if self.escaped { Some(0) } else { rest.find(['"', '\\']) };
            let Some(end) = end else {
                self.hold(rest);
                return;
            };
            self.hold(&rest[..end]);
            let at = rest[end..].chars().next().unwrap_or_default();
            if self.escaped {
                self.escaped = false;
                self.hold(at.encode_utf8(&mut [0; 4]));
            } else if at == '\\' {
                self.escaped = true;
                self.hold("\\");
            } else {
                self.inside = false;
                if self.held.len() < STRING_MAX
                    && let Ok(string) = serde_json::from_str::<String>(&format!("\"{}\"", self.held))
                {
                    found(&string);
                }
            }
            rest = &rest[end + at.len_utf8()..];
        }
    }

    fn hold(&mut self, text: &str) {
        if self.held.len() < STRING_MAX {
            self.held.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_whatever_the_pieces() {
        let text = r#"{"a":"https:\/\/me.example.com\/","b":["x\"y","\u53cb\u94fe"],"c":1}"#;
        for size in 1..text.len() {
            let mut strings = Strings::default();
            let mut all = Vec::new();
            let mut rest = text;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(size.min(rest.len())));
                strings.feed(piece, |string| all.push(string.to_owned()));
                rest = after;
            }
            assert_eq!(all, ["a", "https://me.example.com/", "b", "x\"y", "友链", "c"], "pieces of {size}");
        }
    }

    #[test]
    fn json_is_told_by_type_or_beginning() {
        assert!(is_json(Some("application/json; charset=utf-8"), b"x"));
        assert!(is_json(Some("application/feed+json"), b""));
        assert!(is_json(None, b"\xef\xbb\xbf [1]"));
        assert!(is_json(Some("text/plain"), b"{"));
        assert!(!is_json(Some("text/html"), b"{"));
        assert!(!is_json(None, b"<html>"));
    }
}
