//! Several rooms at once, and the cluster that they live in.

use anyhow::Result;
use e2e::browser::{Driver, LAPTOP, PHONE};
use testing::needs;

use crate::{
    cluster::Cluster,
    person::{Person, two_in_a_room},
};

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn one_is_in_several_rooms_at_once_and_sees_where_something_is_new() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.says("before").await?;
    bob.shows("#log .content", &["before"]).await?;
    alice.opens_room("another", "").await?;
    bob.shows_all("#members .member-name", &["alice", "bob"]).await?;
    bob.presses(".room-row:not([data-joined])").await?;
    bob.shows("#room-name", &["another"]).await?;
    alice.shows(".room-row-members", &["2 members", "2 members"]).await?;
    alice.shows(".room-row-name", &["another", "general"]).await?;
    bob.presses(".room-row:not([aria-current])").await?;
    bob.shows("#room-name", &["general"]).await?;

    bob.says("one").await?;
    bob.says("two").await?;
    alice.says_that(".room-row .unread", "2").await?;
    alice.waits_for("the title", "document.title === '(2) another · Swarmyard chat'").await?;
    // Where something is new comes first.
    alice.shows(".room-row-name", &["general", "another"]).await?;
    alice.presses("li:first-child > .room-row").await?;
    alice.shows("#room-name", &["general"]).await?;
    alice.shows("#log .content", &["before", "one", "two"]).await?;
    alice.shows("#log .divider", &["New"]).await?;
    alice.waits_for("its place", "document.querySelector('#log .divider + .message').dataset.number === '2'").await?;
    alice.shows(".room-row .unread", &[]).await?;
    alice.waits_for("the title", "document.title === 'general · Swarmyard chat'").await?;

    alice.presses("#leave").await?;
    bob.shows_all("#members .member-name", &["bob"]).await?;
    alice.shows(".room-row[data-joined] .room-row-name", &["another"]).await?;
    alice.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_reload_brings_all_rooms_back_with_what_is_new_in_them() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.opens_room("another", "").await?;
    bob.says("one").await?;
    alice.says_that(".room-row .unread", "1").await?;
    alice.reloads().await?;
    alice.shows("#room-name", &["another"]).await?;
    alice.says_that(".room-row .unread", "1").await?;
    bob.says("two").await?;
    alice.says_that(".room-row .unread", "2").await?;
    bob.shows_all("#members .member-name", &["alice", "bob"]).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn the_open_room_is_in_sight_in_a_long_list() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.opens_room("the last of all", "").await?;
    let address = alice.run("return location.href").await?;
    for number in 0..40 {
        alice
            .run(&format!("window.made ??= new WebSocket(new URL('ws', location.href).href.replace('http', 'ws'));
                const create = () => made.send(JSON.stringify({{ type: 'create_room', data: {{ room_name: 'room {number}', creator_id: 'x' }} }}));
                if (made.readyState === 1) create(); else made.addEventListener('open', create)"))
            .await?;
    }
    alice.waits_for("the list", "document.querySelectorAll('.room-row').length === 41").await?;
    let bob = driver.open(LAPTOP, address.as_str().unwrap_or_default()).await?;
    bob.is_called("bob").await?;
    bob.shows("#room-name", &["the last of all"]).await?;
    bob.waits_for("the list", "document.querySelectorAll('.room-row').length === 41").await?;
    let is_in_sight = "(() => {
        const [row, box] = ['.room-row[aria-current]', '#rooms'].map((it) => document.querySelector(it)?.getBoundingClientRect());
        return row && row.top >= box.top && row.bottom <= box.bottom;
    })()";
    bob.waits_for("the open room", is_in_sight).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn every_node_is_shown_with_what_lives_on_it_or_that_it_is_away() -> Result<()> {
    let mut cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.shows(".node-line-name", &["node1 · here", "node2"]).await?;
    alice.shows(".node-line-facts", &["0 rooms · 0 members", "0 rooms · 0 members"]).await?;
    alice.opens_room("general", "").await?;
    alice.shows(".node-line-facts", &["1 room · 1 member", "0 rooms · 0 members"]).await?;
    cluster.kill(2);
    alice.shows(".node-line[data-state=down] .node-line-facts", &["does not answer"]).await?;
    cluster.restart(2)?;
    alice.shows(".node-line[data-state=up] .node-line-name", &["node1 · here", "node2"]).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn links_can_be_followed_and_commands_stand_as_they_are_typed() -> Result<()> {
    let cluster = Cluster::start(1)?;
    let driver = Driver::start()?;
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.opens_room("general", "").await?;
    alice.says("See https://example.org/a_(b)?c=d#e, or (http://example.com).").await?;
    alice.says("javascript:alert(1) https:// <a href=x>no</a>").await?;
    alice.says("Type `docker ps`").await?;
    alice.says("pi1$ docker node ls").await?;
    let links = ["https://example.org/a_(b)?c=d#e", "http://example.com"];
    alice.shows("#log .content a", &links).await?;
    alice.shows("#log .content code", &["docker ps", "pi1$ docker node ls"]).await?;
    alice.shows("#log .content pre", &["pi1$ docker node ls"]).await?;
    let is_safe = "[...document.querySelectorAll('#log .content a')].every((it) =>
        it.rel === 'noopener noreferrer nofollow' && it.target === '_blank' && it.href.startsWith(it.textContent))";
    alice.waits_for("safe links", is_safe).await?;
    alice.says_that("#log li:nth-child(2) .content", "javascript:alert(1) https:// <a href=x>no</a>").await?;
    alice.can_be_read("links and commands").await?;
    alice.expect_no_complaints().await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn numbers_are_shown_to_who_asks_for_them() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.says("one").await?;
    alice.shows("#log .content", &["one"]).await?;
    bob.says("two").await?;
    for person in [&alice, &bob] {
        person.shows("#log .content", &["one", "two"]).await?;
        person.hides("#log .number").await?;
        person.presses("#show-numbers").await?;
        person.shows("#log .number", &["#1", "#2"]).await?;
    }
    alice.reloads().await?;
    alice.shows("#log .number", &["#1", "#2"]).await?;
    alice.can_be_read("numbers").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn the_day_stands_in_the_middle_whoever_begins_it() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let (alice, bob) = two_in_a_room(&driver, &cluster).await?;
    alice.says("the first of the day").await?;
    for person in [&alice, &bob] {
        person.shows("#log .content", &["the first of the day"]).await?;
        // As wide as the log: what is centred in it stands in the middle.
        let is_whole = "(() => {
            const line = document.querySelector('#log .message[data-day]');
            const columns = getComputedStyle(line).gridTemplateColumns.split(' ').map(parseFloat);
            const gaps = parseFloat(getComputedStyle(line).columnGap) * (columns.length - 1);
            return Math.abs(columns.reduce((sum, it) => sum + it, gaps) - document.querySelector('.log').clientWidth) < 2;
        })()";
        person.waits_for("the day's line", is_whole).await?;
    }
    Ok(())
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_phone_shows_rooms_nodes_and_links_without_scrolling_sideways() -> Result<()> {
    let cluster = Cluster::start(2)?;
    let driver = Driver::start()?;
    let alice = driver.open(PHONE, &cluster.url(1)).await?;
    alice.is_called("alice").await?;
    alice.opens_room("general", "").await?;
    alice.says(&format!("https://example.org/{}", "long".repeat(40))).await?;
    alice.says(&format!("`docker {}`", "long".repeat(40))).await?;
    alice.says(&format!("$ docker {}", "long".repeat(40))).await?;
    alice.shows("#log pre", &[&format!("$ docker {}", "long".repeat(40))]).await?;
    alice.presses("#about-toggle").await?;
    alice.presses("#show-numbers").await?;
    alice.presses("#about-close").await?;
    alice.shows("#log .number", &["#1", "#2", "#3"]).await?;
    alice.fits("links, commands and numbers").await?;
    alice.presses("#back").await?;
    alice.shows(".node-line-name", &["node1 · here", "node2"]).await?;
    alice.fits("the nodes").await
}
