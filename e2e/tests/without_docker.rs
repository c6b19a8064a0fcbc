//! Lives through `docs/without-docker.md`, line by line.

use std::fs;

use anyhow::Result;
use e2e::{images, machine::Machines, page, story::AsItIs, tutorial::live};

#[test]
fn every_command_of_the_page_without_docker_does_what_the_page_says() -> Result<()> {
    let page = images::root().join("docs/without-docker.md");
    let steps = page::read(&fs::read_to_string(&page)?)?;
    live(&page, &steps, &Machines::new(&[])?, &AsItIs)
}
