//! What people and programs read of it.

use std::fmt::Write;
use std::io;

use serde::Serialize;
use service::logging::colour_is_welcome;

use super::check::{Examined, Finding, Level, Verdict};
use super::options::Options;
use crate::stdout::print;

/// The page whose headings checks name.
const PAGE: &str = "docs/troubleshooting.md";

const RED: u8 = 31;
const YELLOW: u8 = 33;
const DIM: u8 = 2;

/// All that was examined.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    errors: usize,
    warnings: usize,
    /// Where the anchors are.
    page: &'static str,
    checks: &'a [Examined],
}

impl<'a> Report<'a> {
    /// Counts what was found.
    pub(super) fn new(checks: &'a [Examined]) -> Self {
        let findings = || checks.iter().flat_map(Examined::findings);
        let count = |level| findings().filter(|finding| finding.level == level).count();
        Self { errors: count(Level::Error), warnings: count(Level::Warning), page: PAGE, checks }
    }

    /// The worst that was found.
    pub(super) fn worst(&self) -> Option<Level> {
        self.checks.iter().flat_map(Examined::findings).map(|finding| finding.level).max()
    }

    /// Prints it as `options` say.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub(super) fn print(&self, options: &Options) -> anyhow::Result<()> {
        let text = if options.json {
            serde_json::to_string_pretty(self)? + "\n"
        } else {
            self.text(options.verbose, colour_is_welcome(&io::stdout()))
        };
        Ok(print(&text)?)
    }

    /// Findings first, then what is not known, then, if wanted, the rest.
    fn text(&self, is_verbose: bool, has_colours: bool) -> String {
        let mut text = String::new();
        for examined in self.checks {
            for finding in examined.findings() {
                text += &found(examined, finding, has_colours);
            }
        }
        let mut sum = format!("{} errors, {} warnings", self.errors, self.warnings);
        for (is_shown, word) in [(true, "unknown"), (is_verbose, "skipped"), (is_verbose, "fine")] {
            let rest: Vec<_> = self.checks.iter().filter_map(|examined| other(examined, word)).collect();
            if is_shown {
                text.extend(rest.iter().map(|line| painted(word, DIM, has_colours) + line + "\n"));
            }
            let _ = write!(sum, ", {} {word}", rest.len());
        }
        text + &sum + "\n"
    }
}

/// A word at the start of a line.
fn painted(word: &str, colour: u8, has_colours: bool) -> String {
    let word = format!("{word:<9}");
    if has_colours { format!("\x1b[{colour}m{word}\x1b[0m") } else { word }
}

fn found(examined: &Examined, finding: &Finding, has_colours: bool) -> String {
    let Examined { looks_at, anchor, .. } = examined;
    let Finding { level, line, found, effect, mend } = finding;
    let (word, colour) = match level {
        Level::Error => ("error", RED),
        Level::Warning => ("warning", YELLOW),
    };
    let place = place(examined, *line);
    let mut text = painted(word, colour, has_colours) + &format!("{place}: {found}\n");
    let more = format!("{PAGE}#{anchor}");
    for (name, value) in [("looked at", *looks_at), ("effect", effect), ("mend", mend), ("more", &more)] {
        // Several lines stand below each other. Writing to a String does not fail.
        let value = value.replace('\n', "\n            ");
        let _ = writeln!(text, "  {} {value}", painted(name, DIM, has_colours));
    }
    text + "\n"
}

/// A line about a check without findings, if this word is for it.
fn other(examined: &Examined, word: &str) -> Option<String> {
    let (place, looks_at) = (place(examined, None), examined.looks_at);
    match (&examined.verdict, word) {
        (Verdict::Fine, "fine") => Some(format!("{place}: {looks_at}")),
        (Verdict::Unknown { why }, "unknown") => Some(format!("{place}: {looks_at}: {why}")),
        (Verdict::Skipped { because_of }, "skipped") => Some(format!("{place}: {looks_at}, because of {because_of}")),
        _ => None,
    }
}

/// The file with the line and the check, or what the check is about.
fn place(examined: &Examined, line: Option<usize>) -> String {
    let Examined { id, category, file, .. } = examined;
    match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}, {id}"),
        (Some(file), None) => format!("{file}, {id}"),
        (None, _) => category.name().to_owned(),
    }
}
