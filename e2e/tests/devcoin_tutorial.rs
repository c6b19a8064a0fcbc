//! Lives through `docs/devcoin.md`, line by line.

use anyhow::Result;
use e2e::tutorial::live_with_compose;

#[test]
fn every_command_of_the_devcoin_page_does_what_the_page_says() -> Result<()> {
    live_with_compose("docs/devcoin.md")
}
