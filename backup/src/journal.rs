//! A journal of the chat: getting a copy of it from its node, and restoring one, to see whether it is one.

use std::fs;
use std::path::Path;

use anyhow::Context;
use reqwest::Client;

use crate::http::{self, Coming};
use crate::take::blocking;
use crate::trial::{COPY_BYTES_MAX, Refusal, Restored};

/// Has the node at this address make a copy of its journal, and writes it to a file.
///
/// # Errors
/// When the node gives none, or not all of it.
pub(crate) async fn fetch(client: &Client, address: &str, file: &Path) -> anyhow::Result<()> {
    let fetch = async {
        let response = http::get(client, &format!("{}/journal", address.trim_end_matches('/'))).await?;
        http::write(Coming::new(response, COPY_BYTES_MAX), file).await
    };
    fetch.await.with_context(|| format!("no journal comes from {address}"))
}

/// Reads a copy as a node reads its journal at its start, and looks at the rooms in it.
pub(crate) async fn restore(copy: &Path) -> Result<Restored, Refusal> {
    let (copy, trial) = (copy.to_owned(), copy.with_extension("trial"));
    let read = move || {
        // To open it may change the file.
        fs::copy(&copy, &trial)?;
        let rooms = chat_journal::rooms_of(&trial);
        fs::remove_file(&trial)?;
        Ok(rooms)
    };
    // What was made to do harm may have the reader panic: then this is an error.
    let rooms = blocking(read).await?.map_err(|error| Refusal::NoJournal(format!("{error:#}")))?;
    let count = rooms.iter().fold(0_u64, |sum, room| sum.saturating_add(room.last_number.into()));
    Ok(Restored { count, parts: rooms.len() })
}
