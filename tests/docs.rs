//! What the documents say of codes and words is what the program does.

use rollcall::domain::{
    class::Class,
    lang::Lang,
    observation::Flag,
    reason::{class_words, flag_words},
};

/// The cells of the rows that begin with a code.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn verdicts_lists_every_class_and_flag_as_they_are() {
    let text = std::fs::read_to_string("docs/verdicts.md").unwrap();
    let rows = rows(&text);
    assert_eq!(rows.len(), Class::ALL.len() + Flag::ALL.len());
    for (row, class) in rows.iter().zip(Class::ALL) {
        let kind = match (class.can_hide(), class.is_transient(None)) {
            (false, _) => "",
            (true, true) => "transient",
            (true, false) => "definite",
        };
        let code = format!("`{class}`");
        let expected = [
            code.as_str(),
            row[1],
            class_words(class, Lang::Zh),
            class_words(class, Lang::En),
            if class.can_hide() { "yes" } else { "no" },
            kind,
        ];
        assert_eq!(row[..], expected);
        assert!(row[1].len() > 5, "{class} has a cause");
    }
    for (row, flag) in rows[Class::ALL.len()..].iter().zip(Flag::ALL) {
        let code = format!("`{}`", flag.code());
        assert_eq!(row[..], [code.as_str(), row[1], flag_words(flag, Lang::Zh), flag_words(flag, Lang::En)]);
    }
}
