//! Reads a tutorial: which commands its `console` blocks show, on which machine, and what they print.
//!
//! - A line `$ COMMAND` runs on the reader's laptop, `NAME$ COMMAND` on the machine of that name.
//! - The lines that follow, up to the next command, are what it prints (see [`crate::compare`]).
//! - A command that ends in `\` goes on in the next line.
//! - `^C` ends the command that is still running, as on a terminal.
//! - A line `# switch NAME on` or `# switch NAME off` is done by hand, at the machine of that name.
//! - A line `> TEXT` is typed where that command runs; the lines that follow are what it prints from then on.
//! - A block marked `console running` leaves its last command running; a later block that starts
//!   with `^C` ends it. Of several, the one started last is ended first.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::images;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use regex::Regex;

/// What the tutorial asks the reader to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The line of the page, counted from 1.
    pub line: usize,
    /// What to do.
    pub action: Action,
    /// The lines that the page shows afterwards.
    pub shown: Vec<String>,
}

/// One thing a reader does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Type a command.
    Type {
        /// The machine's name, `laptop` for the reader's own.
        machine: String,
        /// The command, in one line.
        command: String,
        /// The command stays in the foreground; a later [`Action::Interrupt`] ends it.
        stays: bool,
    },
    /// Give a machine its power, or take it away.
    Switch {
        /// The machine's name.
        machine: String,
        /// Whether it has power then.
        on: bool,
    },
    /// Type a line where the last command that stays is running.
    Enter(String),
    /// Press Ctrl-C where the last command that stays is running.
    Interrupt,
}

/// The machine of a plain `$` prompt.
pub const LAPTOP: &str = "laptop";

/// The path of this repository's page `name`, such as `docs/chat.md`, and its steps.
///
/// # Errors
/// When there is no such page, or a line of it cannot be understood.
pub fn open(name: &str) -> Result<(PathBuf, Vec<Step>)> {
    let path = images::root().join(name);
    let steps = read(&fs::read_to_string(&path).with_context(|| path.display().to_string())?)?;
    Ok((path, steps))
}

/// Finds every step of a page, in order.
///
/// # Errors
/// Names the line that cannot be understood.
pub fn read(markdown: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut block: Option<(usize, bool)> = None;
    let mut text = String::new();
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let mut words = info.split_whitespace();
                if words.next() == Some("console") {
                    let first_line = markdown[..range.start].matches('\n').count() + 2;
                    block = Some((first_line, words.next() == Some("running")));
                }
            }
            Event::Text(part) if block.is_some() => text.push_str(&part),
            Event::End(TagEnd::CodeBlock) => {
                if let Some((first_line, stays)) = block.take() {
                    steps.extend(read_block(&text, first_line, stays)?);
                }
                text.clear();
            }
            _ => {}
        }
    }
    check_interrupts(&steps)?;
    Ok(steps)
}

fn read_block(text: &str, first_line: usize, stays: bool) -> Result<Vec<Step>> {
    let prompt = Regex::new(r"^([a-z][a-z0-9]*)?\$ (.+)$")?;
    let switch = Regex::new(r"^# switch ([a-z][a-z0-9]*) (on|off)$")?;
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().zip(first_line..);
    while let Some((text, line)) = lines.next() {
        if let Some(found) = prompt.captures(text) {
            let mut command = found[2].to_owned();
            while command.ends_with('\\') {
                command.pop();
                let (more, _) = lines.next().with_context(|| format!("line {line}: the command has no end"))?;
                command.push_str(more.trim_start());
            }
            let machine = found.get(1).map_or(LAPTOP, |name| name.as_str()).to_owned();
            let action = Action::Type { machine, command, stays: false };
            steps.push(Step { line, action, shown: Vec::new() });
        } else if let Some(found) = switch.captures(text) {
            let action = Action::Switch { machine: found[1].to_owned(), on: &found[2] == "on" };
            steps.push(Step { line, action, shown: Vec::new() });
        } else if text.trim() == "^C" {
            if let Some(Step { action: Action::Type { stays, .. }, .. }) = steps.last_mut() {
                *stays = true;
            }
            steps.push(Step { line, action: Action::Interrupt, shown: Vec::new() });
        } else if let Some(text) = text.strip_prefix("> ") {
            steps.push(Step { line, action: Action::Enter(text.to_owned()), shown: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            step.shown.push(text.to_owned());
        } else if !text.trim().is_empty() {
            bail!("line {line}: a console block starts with a prompt, with > or with ^C, not with {text:?}");
        }
    }
    match steps.last_mut() {
        Some(Step { action: Action::Type { stays: last, .. }, .. }) => *last |= stays,
        _ if stays => bail!("line {first_line}: the block is marked `running`, and nothing runs"),
        _ => {}
    }
    Ok(steps)
}

/// Each `^C` ends a command, and no command is left running.
fn check_interrupts(steps: &[Step]) -> Result<()> {
    let mut running = Vec::new();
    for step in steps {
        match &step.action {
            Action::Type { stays: true, .. } => running.push(step.line),
            Action::Type { .. } | Action::Switch { .. } => {}
            Action::Enter(_) => ensure!(!running.is_empty(), "line {}: typed, and nothing runs", step.line),
            Action::Interrupt => {
                running.pop().with_context(|| format!("line {}: ^C, and nothing runs", step.line))?;
            }
        }
    }
    if let Some(line) = running.pop() {
        bail!("line {line}: the command stays in the foreground, and no ^C ends it");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
