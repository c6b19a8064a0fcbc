//! Lives through `docs/chat.md`, line by line.

use std::fs;

use anyhow::Result;
use e2e::{
    images,
    machine::Machines,
    page,
    story::Surroundings,
    tutorial::{ComposeProject, live},
};

#[test]
fn every_command_of_the_chat_page_does_what_the_page_says() -> Result<()> {
    let page = images::root().join("docs/chat.md");
    let steps = page::read(&fs::read_to_string(&page)?)?;
    let _compose = ComposeProject::clean()?;
    live(&page, &steps, &Machines::new(&[])?, &AsItIs)
}

/// All of it happens on this machine, where nothing has to be adapted.
struct AsItIs;

impl Surroundings for AsItIs {
    fn adapt(&self, command: &str) -> Result<String> {
        Ok(command.to_owned())
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        Ok(lines.lines().map(str::to_owned).collect())
    }
}
