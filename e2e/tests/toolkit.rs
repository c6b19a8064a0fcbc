//! Lives through `docs/toolkit.md`, line by line.

use anyhow::Result;
use e2e::{machine::Machines, page, story::AsItIs, tutorial::live};

#[test]
fn every_command_of_the_toolkits_page_does_what_the_page_says() -> Result<()> {
    let (page, steps) = page::open("docs/toolkit.md")?;
    live(&page, &steps, &Machines::new(&[])?, &AsItIs)
}
