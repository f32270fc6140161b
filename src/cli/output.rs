//! Tables, colours and hostile text on a terminal.

use crate::domain::{lang::Lang, observation::Standing};
use anstyle::{AnsiColor, Style};
use std::io::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub const RED: Style = AnsiColor::Red.on_default();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const DIM: Style = Style::new().dimmed();

/// Colour and mark of how a check went.
pub fn mark(standing: Standing) -> (Style, &'static str) {
    match standing {
        Standing::Good => (GREEN, "✓"),
        Standing::Bad => (RED, "✗"),
        Standing::Unverifiable => (YELLOW, "?"),
        Standing::Exempt => (DIM, "–"),
    }
}

/// Text from outside with its control characters made harmless, cut to `width` columns.
pub fn plain(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut taken = 0;
    for c in text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }) {
        let wide = c.width().unwrap_or(0);
        if taken + wide > width {
            out.push('…');
            break;
        }
        taken += wide;
        out.push(c);
    }
    out
}

/// Characters that turn the direction of what follows.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints rows in columns of even width, Chinese characters counted as two.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let harmless = |row: &Vec<String>| row.iter().map(|cell| plain(cell, usize::MAX)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(harmless).collect();
    let columns = header.len();
    let width = |at: usize| {
        rows.iter().filter_map(|r| r.get(at)).map(|c| c.width()).chain([header[at].width()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = anstream::stdout().lock();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}{}{}", DIM.render(), line(header.to_vec()), DIM.render_reset())?;
    for row in &rows {
        writeln!(out, "{}", line(row.iter().map(String::as_str).collect()))?;
    }
    Ok(())
}

/// Yes or no in words.
pub fn yes(value: bool, lang: Lang) -> String {
    if value { lang.pick("是", "yes") } else { lang.pick("否", "no") }.to_owned()
}
