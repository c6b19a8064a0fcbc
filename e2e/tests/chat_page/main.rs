//! The chat page in headless Chromium, on real nodes. It needs a browser, but no Docker.

mod cluster;
mod person;
mod rooms;

use anyhow::Result;
use cluster::Cluster;
use e2e::browser::{Driver, LAPTOP, PHONE};
use fantoccini::key::Key;
use person::{Person, two_in_a_room};
use testing::needs;

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn two_people_talk_over_two_nodes() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    // The list of the other node has the room under the node where it lives; one click joins.
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.shows("#node-name", &["node1"]).await?;
    bob.shows("#room-place", &["on node1"]).await?;
    bob.shows("#description", &["What has no other place"]).await?;
    for person in [&alice, &bob] {
        person.shows_all("#members .member-name", &["alice", "bob"]).await?;
    }

    alice.says("Hello, node two").await?;
    bob.shows("#log .content", &["Hello, node two"]).await?;
    bob.says("<b>not bold</b> & fine").await?;
    let said = ["Hello, node two", "<b>not bold</b> & fine"];
    alice.shows("#log .content", &said).await?;
    bob.shows("#log .content", &said).await?;
    alice.shows("#log .content b", &[]).await?;
    alice.shows("#log .author", &["You", "bob"]).await?;
    bob.shows("#outbox .content", &[]).await?;

    bob.presses("#leave").await?;
    alice.shows_all("#members .member-name", &["alice"]).await?;
    alice.shows("#log .event", &["bob joined", "bob left"]).await?;
    alice.expect_no_complaints().await?;
    bob.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn the_history_is_there_once_after_a_reload() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.opens_room("general", "").await?;
    let said = ["one", "two", "three"];
    for text in said {
        alice.says(text).await?;
    }
    alice.shows("#log .content", &said).await?;
    alice.types("#text", "not sent yet").await?;

    // The name, the room and the unsent text are remembered.
    alice.reloads().await?;
    alice.shows("#room-name", &["general"]).await?;
    alice.shows("#log .content", &said).await?;
    alice.holds("#text", "not sent yet").await?;
    alice.presses("#composer button").await?;
    alice.shows("#log .content", &["one", "two", "three", "not sent yet"]).await?;
    alice.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn one_click_changes_the_room_and_what_was_being_written_stays_there() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.opens_room("first", "").await?;
    alice.says("in the first").await?;
    alice.shows("#log .content", &["in the first"]).await?;
    alice.types("#text", "half a sen").await?;
    alice.opens_room("second", "").await?;
    alice.holds("#text", "").await?;
    alice.says("in the second").await?;
    alice.shows("#log .content", &["in the second"]).await?;

    alice.shows(".room-row-name", &["first", "second"]).await?;
    alice.presses("li:first-child > .room-row").await?;
    alice.shows("#log .content", &["in the first"]).await?;
    alice.holds("#text", "half a sen").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn after_its_node_was_killed_a_page_shows_what_it_missed_once() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.says("before").await?;
    bob.shows("#log .content", &["before"]).await?;

    cluster.kill(2);
    bob.says_that("#connection-text", "The connection to node2 is lost").await?;
    alice.says("missed one").await?;
    alice.says("missed two").await?;
    alice.shows("#log .content", &["before", "missed one", "missed two"]).await?;
    // What is written meanwhile stays in the box, and one is told.
    bob.says("from bob").await?;
    bob.says_that("#composer-hint", "Not sent").await?;
    bob.holds("#text", "from bob").await?;

    cluster.restart(2)?;
    let missed = ["before", "missed one", "missed two"];
    bob.shows("#log .content", &missed).await?;
    bob.shows("#log .divider", &["2 messages while you were away"]).await?;
    bob.hides("#connection").await?;
    bob.presses("#composer button").await?;
    let all = ["before", "missed one", "missed two", "from bob"];
    alice.shows("#log .content", &all).await?;
    bob.shows("#log .content", &all).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_room_whose_node_is_down_says_so_and_works_again_when_it_is_back() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;

    cluster.kill(1);
    bob.says("is anybody there").await?;
    bob.says_that("#outbox .state", "Not sent").await?;
    bob.says_that("#room-banner-text", "node1, where this room lives, does not answer").await?;

    // The room is in the node's journal; the person only has to try again.
    cluster.restart(1)?;
    bob.hides("#room-banner").await?;
    bob.presses("#outbox .choices button").await?;
    bob.shows("#log .content", &["is anybody there"]).await?;
    bob.shows("#outbox .content", &[]).await?;
    alice.shows("#log .content", &["is anybody there"]).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_room_that_went_with_its_node_is_said_to_be_gone() -> Result<()> {
    let mut cluster = Cluster::start_without_journals(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    cluster.kill(1);
    cluster.restart(1)?;
    for person in [&alice, &bob] {
        person.says_that("#notice-text", "The room “general” is gone: node1 does not have it any more").await?;
        person.hides("#room").await?;
    }
    Ok(())
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_deletion_shows_everywhere_and_a_refused_one_tells_why() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    bob.hides("#delete").await?;

    alice.presses("#delete").await?;
    alice.presses("#delete-submit").await?;
    alice.says_that("#notice-text", "You deleted “general”").await?;
    bob.says_that("#notice-text", "“general” was deleted").await?;
    for person in [&alice, &bob] {
        person.hides("#room").await?;
        person.shows(".room-row-name", &[]).await?;
    }

    alice.opens_room("lasting", "").await?;
    cluster.kill(2);
    alice.presses("#delete").await?;
    alice.presses("#delete-submit").await?;
    alice.says_that("#delete-error", "It was not deleted: Node node2 timed out").await?;
    alice.presses("#delete-cancel").await?;
    alice.says("still here").await?;
    alice.shows("#log .content", &["still here"]).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_phone_never_scrolls_sideways() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(PHONE, &cluster.url(1)).await?;
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    alice.fits("asking for the name").await?;
    alice.is_called(&long[..60]).await?;
    alice.fits("the rooms").await?;
    alice.opens_room(long, &long.repeat(3)).await?;
    alice.says(&long.repeat(5)).await?;
    alice.shows("#log .content", &[&long.repeat(5)]).await?;
    alice.fits("the chat").await?;
    alice.presses("#about-toggle").await?;
    alice.fits("about the room").await?;
    alice.presses("#delete").await?;
    alice.fits("deleting").await?;
    alice.presses("#delete-cancel").await?;
    alice.presses("#about-close").await?;
    // The list, with the room in it.
    alice.presses("#back").await?;
    alice.shows(".room-row-name", &[long]).await?;
    alice.fits("the rooms with a room").await?;
    alice.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn the_keyboard_alone_is_enough() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.waits_for("the question", "document.activeElement.id === 'name'").await?;
    alice.types_there("alice").await?;
    alice.presses_key(Key::Enter).await?;
    alice.shows("#your-name", &["alice"]).await?;
    alice.tabs_until("document.activeElement.id === 'new-room'").await?;
    alice.presses_key(Key::Enter).await?;
    alice.types_there("general").await?;
    alice.presses_key(Key::Enter).await?;
    alice.shows("#room-name", &["general"]).await?;
    // The focus is in the box by itself.
    alice.waits_for("the focus", "document.activeElement.id === 'text'").await?;
    alice.types_there("hello").await?;
    alice.presses_key(Key::Enter).await?;
    alice.shows("#log .content", &["hello"]).await?;
    alice.tabs_until("document.activeElement.id === 'leave'").await?;
    alice.presses_key(Key::Enter).await?;
    alice.hides("#room").await?;
    alice.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn text_can_be_read_in_the_light_and_in_the_dark() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.says("Hello, node two").await?;
    bob.says("Hello, node one").await?;
    for person in [&alice, &bob] {
        person.shows("#log .content", &["Hello, node two", "Hello, node one"]).await?;
        person.can_be_read("the chat").await?;
    }
    alice.presses("#delete").await?;
    alice.can_be_read("deleting").await?;
    alice.presses("#delete-cancel").await?;
    cluster.kill(1);
    alice.says_that("#connection-text", "The connection to node1 is lost").await?;
    alice.can_be_read("a lost connection").await?;
    alice.presses("#change-name").await?;
    alice.can_be_read("asking for the name").await?;
    bob.says("is anybody there").await?;
    bob.says_that("#outbox .state", "Not sent").await?;
    bob.can_be_read("a lost message").await
}

#[needs("chromium", "chromedriver", "axe-core")]
#[tokio::test]
async fn axe_finds_nothing_in_any_state() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let carol = driver.open(PHONE, &cluster.url(2)).await?;
    carol.waits_for("the question", "document.activeElement.id === 'name'").await?;
    carol.is_accessible("asking for the name").await?;
    carol.is_called("carol").await?;
    carol.is_accessible("no rooms").await?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.presses("#new-room").await?;
    alice.is_accessible("opening a room").await?;
    alice.presses_key(Key::Escape).await?;
    // Enough to scroll, without a link that would bring the keyboard there.
    let long = "Enough to scroll. ".repeat(200);
    alice.says(long.trim_end()).await?;
    alice.shows("#log .content", &[long.trim_end()]).await?;
    alice.is_accessible("a long text").await?;
    alice.says("See https://example.org and `docker ps`").await?;
    alice.shows("#log .content a", &["https://example.org"]).await?;
    alice.presses("#show-numbers").await?;
    alice.is_accessible("the chat").await?;
    carol.joins("general").await?;
    carol.is_accessible("the chat on a phone").await?;
    carol.presses("#about-toggle").await?;
    carol.is_accessible("about the room").await?;
    alice.presses("#delete").await?;
    alice.is_accessible("deleting").await?;
    alice.presses("#delete-cancel").await?;

    alice.opens_room("another", "").await?;
    bob.says("unread").await?;
    alice.says_that(".room-row .unread", "1").await?;
    alice.is_accessible("unread messages").await?;
    cluster.kill(1);
    alice.says_that("#connection-text", "The connection to node1 is lost").await?;
    alice.is_accessible("a lost connection").await?;
    bob.says("is anybody there").await?;
    bob.says_that("#outbox .state", "Not sent").await?;
    bob.is_accessible("a lost message, in a room whose node is down").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn nothing_but_the_page_itself_runs_in_it() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.runs_nothing_foreign().await
}
