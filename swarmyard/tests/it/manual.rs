//! The manual and the pages say the same.

use std::collections::BTreeSet;
use std::fs;

use testing::start_command;

use crate::harness::{Yard, command};

const WITHOUT_DOCKER: &str = "../docs/without-docker.md";
const TOOLKIT: &str = "../docs/toolkit.md";

/// The words that begin with `--`.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_lowercase() && character != '-');
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

/// The options that the first cells of a page's tables name.
fn in_tables(page: &str) -> BTreeSet<String> {
    options(&page.lines().filter(|line| line.starts_with("| `--")).collect::<String>())
}

/// The options of a command's manual, without those that every command has.
fn in_manual(words: &[&str]) -> BTreeSet<String> {
    let (code, help, _) = start_command(command(&[words, &["--help"]].concat())).output();
    assert_eq!(code, Some(0));
    let (_, listed) = help.split_once("\nOptions:\n").unwrap();
    let mut found: BTreeSet<_> = listed.lines().filter_map(|line| options(line).into_iter().next()).collect();
    assert!(found.remove("--help"), "{help}");
    found.remove("--version");
    found
}

#[test]
fn the_page_explains_every_option() {
    assert_eq!(in_tables(&fs::read_to_string(WITHOUT_DOCKER).unwrap()), in_manual(&[]));
}

#[test]
fn the_toolkits_page_explains_every_option_of_every_command() {
    let commands =
        [&["load"][..], &["load", "chat"], &["watch"], &["watch", "stack"], &["doctor"], &["autoscale"], &["break"]];
    for words in commands {
        assert_explained(words);
    }
}

/// The section about a command has the options of its manual.
fn assert_explained(words: &[&str]) {
    let (page, heading) = (fs::read_to_string(TOOLKIT).unwrap(), format!("\n## {}: ", words.join(" ")));
    let (_, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("no heading is {heading:?}"));
    let section = rest.split("\n## ").next().unwrap();
    assert_eq!(in_tables(section), in_manual(words), "{words:?}");
}

#[test]
fn the_page_shows_help_as_it_is() {
    let mut yard = Yard::start(&["--only=numbers"]);
    yard.program.type_line("help");
    let page = fs::read_to_string(WITHOUT_DOCKER).unwrap();
    let shown: Vec<_> =
        page.lines().skip_while(|line| *line != "> help").skip(2).take_while(|line| *line != "```").collect();
    assert!(!shown.is_empty());
    for line in shown {
        assert_eq!(yard.program.line_that_starts("swarmyard | "), line);
    }
}
