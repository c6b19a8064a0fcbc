//! The manual and the page say the same.

use std::collections::BTreeSet;
use std::fs;

use testing::start_command;

use crate::harness::{Yard, command};

const PAGE: &str = "../docs/without-docker.md";

/// The words that begin with `--`.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_lowercase() && character != '-');
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_page_explains_every_option() {
    let (code, help, _) = start_command(command(&["--help"])).output();
    assert_eq!(code, Some(0));
    let table: String = fs::read_to_string(PAGE).unwrap().lines().filter(|line| line.starts_with("| `--")).collect();
    let mut expected = options(&help);
    for every_program_has in ["--help", "--version"] {
        assert!(expected.remove(every_program_has), "{help}");
    }
    assert_eq!(options(&table), expected);
}

#[test]
fn the_page_shows_help_as_it_is() {
    let mut yard = Yard::start(&["--only=numbers"]);
    yard.program.type_line("help");
    let page = fs::read_to_string(PAGE).unwrap();
    let shown: Vec<_> =
        page.lines().skip_while(|line| *line != "> help").skip(2).take_while(|line| *line != "```").collect();
    assert!(!shown.is_empty());
    for line in shown {
        assert_eq!(yard.program.line_that_starts("swarmyard | "), line);
    }
}
