//! A test that lives through a tutorial, as `cargo test` shows it.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context, Result};

use crate::{
    engine::{Engine, output_of},
    images,
    machine::{Machines, PROJECT},
    page::{self, Action, Step},
    story::{AsItIs, Story, Surroundings},
};

/// Follows these steps of the page at `page`, and says on stdout what it does and how long it took.
///
/// # Errors
/// Names the line of the page that is wrong, and says what was printed instead.
pub fn live(page: &Path, steps: &[Step], machines: &Machines, here: &dyn Surroundings) -> Result<()> {
    go_on(&mut Story::new(machines, here), page, steps)
}

/// Goes on with a story that may have begun on another page.
///
/// # Errors
/// As [`live`].
pub fn go_on(story: &mut Story<'_>, page: &Path, steps: &[Step]) -> Result<()> {
    for step in steps {
        let start = Instant::now();
        match &step.action {
            Action::Type { machine, command, .. } => println!("{:4} {machine}$ {command}", step.line),
            Action::Enter(text) => println!("{:4} > {text}", step.line),
            Action::Interrupt => println!("{:4} ^C", step.line),
            Action::Switch { machine, on } => {
                println!("{:4} switch {machine} {}", step.line, if *on { "on" } else { "off" });
            }
        }
        story.follow(step).with_context(|| format!("{}:{}", page.display(), step.line))?;
        println!("     {:.1} s", start.elapsed().as_secs_f32());
    }
    Ok(())
}

/// Follows the repository's page `name` on this machine, with Compose.
///
/// # Errors
/// As [`live`].
pub fn live_with_compose(name: &str) -> Result<()> {
    let (page, steps) = page::open(name)?;
    let _compose = ComposeProject::clean()?;
    live(&page, &steps, &Machines::new(&[])?, &AsItIs)
}

/// The page's Compose project on this machine, gone before the story and after it.
#[derive(Debug)]
pub struct ComposeProject;

impl ComposeProject {
    /// Removes what an earlier story left.
    ///
    /// # Errors
    /// What Compose says when it fails.
    pub fn clean() -> Result<Self> {
        output_of(&mut Self::down())?;
        Ok(Self)
    }

    fn down() -> Command {
        let mut command = Engine::local().command();
        let down = ["compose", "--project-name", PROJECT, "down", "--remove-orphans", "--volumes", "--timeout=1"];
        command.args(down).current_dir(images::root());
        command
    }
}

impl Drop for ComposeProject {
    fn drop(&mut self) {
        let _ = output_of(&mut Self::down());
    }
}
