//! What the documents say of codes and words is what the program does.

use rollcall::domain::{
    class::Class,
    guard::Hold,
    lang::Lang,
    observation::{Doubt, Flag},
    reason::{class_words, flag_words},
};

/// The cells of the rows that begin with a code, of the part under a heading.
fn rows<'t>(text: &'t str, heading: &str) -> Vec<Vec<&'t str>> {
    let part = text.split("\n## ").find(|part| part.starts_with(heading)).expect("it is there");
    let lines = part.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn verdicts_lists_every_class_and_flag_as_they_are() {
    let text = std::fs::read_to_string("docs/verdicts.md").unwrap();
    let classes = rows(&text, "# Verdicts");
    assert_eq!(classes.len(), Class::ALL.len());
    for (row, class) in classes.iter().zip(Class::ALL) {
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
    let flags = Flag::ALL.map(|flag| (flag.code().to_owned(), flag_words(flag, Lang::Zh), flag_words(flag, Lang::En)));
    assert_listed(&rows(&text, "Flags"), &flags);
    let doubts = Doubt::ALL.map(|doubt| (stored(doubt), doubt.words(Lang::Zh), doubt.words(Lang::En)));
    assert_listed(&rows(&text, "When a failure counts"), &doubts);
    let holds = Hold::ALL.map(|hold| (stored(hold), hold.words(Lang::Zh), hold.words(Lang::En)));
    assert_listed(&rows(&text, "Held runs"), &holds);
}

/// A code as it is stored.
fn stored(word: impl serde::Serialize) -> String {
    serde_json::to_value(word).unwrap().as_str().unwrap().to_owned()
}

fn assert_listed(rows: &[Vec<&str>], listed: &[(String, &str, &str)]) {
    assert_eq!(rows.len(), listed.len());
    for (row, (code, zh, en)) in rows.iter().zip(listed) {
        assert_eq!((row[0], row[2], row[3]), (format!("`{code}`").as_str(), *zh, *en));
        assert!(row[1].len() > 5, "{code} has a cause");
    }
}
