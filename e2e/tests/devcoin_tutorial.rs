//! Lives through `docs/devcoin.md`, line by line.

use std::fs;

use anyhow::Result;
use e2e::{
    images,
    machine::Machines,
    page,
    story::AsItIs,
    tutorial::{ComposeProject, live},
};

#[test]
fn every_command_of_the_devcoin_page_does_what_the_page_says() -> Result<()> {
    let page = images::root().join("docs/devcoin.md");
    let steps = page::read(&fs::read_to_string(&page)?)?;
    let _compose = ComposeProject::clean()?;
    live(&page, &steps, &Machines::new(&[])?, &AsItIs)
}
