//! Compares what a page shows with what a command printed.
//!
//! Line by line, in order, nothing missing and nothing more. What no page can know is left open:
//! - a line `...` is any number of lines; `...` or `…` within a line is any text
//! - a number is any number, except in a ratio such as `2/2`
//! - an id (twelve or more of a-z and 0-9, with a digit) is any id
//! - `21 minutes ago`, `About a minute ago`, `Less than a second ago` are the same
//! - spaces are any number of spaces; empty lines do not count
//! - `Creating service`, `Updating service` and `Loaded image` lines may change places: Docker takes
//!   the services of a stack, and the images of an archive, in no fixed order

use std::{collections::BTreeSet, sync::LazyLock};

use anyhow::{Result, bail};
use regex::Regex;

/// How much of the output the shown lines must account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it: the command has ended.
    Whole,
    /// Its beginning: the command is still running.
    SoFar,
}

/// Compares the lines of a page with an output.
///
/// # Errors
/// Names the first line of the page that does not fit, or the first line that the page lacks.
pub fn compare(shown: &[String], output: &str, extent: Extent) -> Result<()> {
    let output = in_fixed_order(output.lines());
    let shown = in_fixed_order(shown.iter().map(String::as_str));
    // How many lines of the output can be accounted for, by all ways of reading the gaps.
    let mut positions = BTreeSet::from([0]);
    for line in shown {
        let furthest = positions.last().copied().unwrap_or(0);
        if is_gap(line) {
            positions = positions.first().map(|first| (*first..=output.len()).collect()).unwrap_or_default();
            continue;
        }
        let pattern = pattern(line)?;
        positions = positions
            .into_iter()
            .filter(|position| output.get(*position).is_some_and(|line| pattern.is_match(line)))
            .map(|position| position + 1)
            .collect();
        if positions.is_empty() {
            match output.get(furthest) {
                Some(instead) => {
                    bail!("the page shows {line:?}, where the output has {instead:?} (or nothing that fits)")
                }
                None => bail!("the page shows {line:?}, which the output does not have"),
            }
        }
    }
    let furthest = positions.last().copied().unwrap_or(0);
    match output.get(furthest) {
        Some(more) if extent == Extent::Whole => bail!("the output has {more:?}, which the page does not show"),
        _ => Ok(()),
    }
}

/// The lines without empty ones and outer spaces; those that Docker prints in any order are sorted.
fn in_fixed_order<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    let kind = |line: &str| {
        ["Creating service ", "Updating service ", "Loaded image: "].iter().position(|start| line.starts_with(start))
    };
    for run in lines.chunk_by_mut(|one, next| kind(one).is_some() && kind(one) == kind(next)) {
        run.sort_unstable();
    }
    lines
}

fn is_gap(line: &str) -> bool {
    line == "..." || line == "…"
}

/// One expression for a line of a page, which matches every line that differs only in what is left open.
fn pattern(line: &str) -> Result<Regex> {
    let mut expression = String::from("^");
    let mut rest = line;
    while !rest.is_empty() {
        let after_word = rest.len() < line.len() && line[..line.len() - rest.len()].ends_with(is_word);
        let (length, part) = open_part(rest, after_word).unwrap_or_else(|| {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            (length, regex::escape(&rest[..length]))
        });
        expression.push_str(&part);
        rest = &rest[length..];
    }
    expression.push('$');
    Ok(Regex::new(&expression)?)
}

const TIME: &str =
    r"(?:[Ll]ess than a second|[Aa]bout an? (?:minute|hour)|\d+ (?:second|minute|hour|day|week|month|year)s?)";

/// What is left open at the start of `rest`, if anything: its length and what matches it.
fn open_part(rest: &str, after_word: bool) -> Option<(usize, String)> {
    struct Open {
        shown: Regex,
        within_words: bool,
        matched: Option<&'static str>,
    }
    static OPEN: LazyLock<Vec<Open>> = LazyLock::new(|| {
        let table = [
            (r"\.\.\.|…", true, Some(".*")),
            (TIME, false, Some(TIME)),
            (r"[a-z0-9]{12,}\b", false, Some("[a-z0-9]{12,}")),
            (r"\d+/\d+\b", false, None),
            (r"\d+", true, Some(r"\d+")),
            (r"\s+", true, Some(r"\s+")),
        ];
        let open = |(shown, within_words, matched)| {
            let shown = Regex::new(&format!("^(?:{shown})")).ok()?;
            Some(Open { shown, within_words, matched })
        };
        table.into_iter().filter_map(open).collect()
    });
    OPEN.iter().filter(|open| open.within_words || !after_word).find_map(|open| {
        let found = open.shown.find(rest)?.as_str();
        let is_name = found.len() >= 12 && !found.contains(|c: char| c.is_ascii_digit());
        if open.matched == Some("[a-z0-9]{12,}") && is_name {
            return None;
        }
        let matched = open.matched.map_or_else(|| regex::escape(found), str::to_owned);
        Some((found.len(), matched))
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric()
}

#[cfg(test)]
mod tests;
