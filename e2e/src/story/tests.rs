use anyhow::Result;

use super::{Story, Surroundings};
use crate::{machine::Machines, page};

struct Plain;

impl Surroundings for Plain {
    fn adapt(&self, command: &str) -> Result<String> {
        Ok(command.to_owned())
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        Ok(lines.lines().map(str::to_owned).collect())
    }
}

/// Lives through one console block.
fn live(block: &str) -> Result<()> {
    let machines = Machines::new(&[])?;
    let mut story = Story::new(&machines, &Plain);
    for step in page::read(&format!("```console\n{block}\n```\n"))? {
        story.follow(&step)?;
    }
    Ok(())
}

#[test]
fn a_page_that_tells_the_truth_is_lived_through() -> Result<()> {
    live("$ echo one; echo two >&2\none\ntwo\n$ true\n$ echo not shown")
}

#[test]
fn a_page_that_shows_something_else_fails() {
    assert!(live("$ echo one\ntwo").is_err());
    assert!(live("$ true\none").is_err());
}

#[test]
fn a_command_that_fails_fails_the_page_unless_the_page_shows_it() -> Result<()> {
    assert!(live("$ false").is_err());
    assert!(live("$ false | true").is_err(), "in the middle of a pipe, too");
    live("$ echo Error response from daemon: no; false\nError response from daemon: no")?;
    assert!(live("$ echo Error response from daemon: no\nError response from daemon: no").is_err());
    Ok(())
}

#[test]
fn a_command_stays_in_the_foreground_until_control_c() -> Result<()> {
    live("$ trap 'echo bye; exit' INT; echo up; while :; do sleep 0.1; done\nup\n^C\nbye")?;
    assert!(live("$ echo up\nup\n^C").is_err(), "it does not stay");
    Ok(())
}

#[test]
fn a_command_with_an_ellipsis_is_copied_from_what_was_printed() -> Result<()> {
    live("$ echo '   echo secret-42 10'\n...\n$ echo secret… 99\nsecret-42 10")?;
    assert!(live("$ echo never… printed").is_err());
    Ok(())
}

#[test]
fn a_command_that_only_looks_is_typed_again_until_it_shows_what_the_page_shows() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let count = folder.path().join("count");
    live(&format!("$ for i in 1; do echo . >>{0}; wc -l <{0}; done | sed 's/3/three/'\nthree", count.display()))
}
