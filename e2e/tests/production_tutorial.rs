//! Lives through `docs/production.md`, line by line.

use std::fs;

use anyhow::Result;
use e2e::{images, tutorial::live_with_compose};

#[test]
fn every_command_of_the_production_page_does_what_the_page_says() -> Result<()> {
    let secrets = images::root().join("deploy/secrets");
    let were_there = secrets.exists();
    let outcome = live_with_compose("docs/production.md");
    if !were_there {
        fs::remove_dir_all(secrets)?;
    }
    outcome
}
