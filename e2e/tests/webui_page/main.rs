//! The page of `DevCoin` in headless Chromium, on real services and a real Redis. It needs a browser and
//! `redis-server`, but no Docker.

mod crowd;
mod devcoin;
mod service;
mod yard;
mod yard_tests;

use anyhow::{Context, Result, ensure};
use devcoin::DevCoin;
use e2e::browser::{Driver, LAPTOP, PHONE, Size};
use fantoccini::key::Key;
use serde_json::json;
use testing::needs;

/// The outcome of a check. The list may move on before it is pressed, so it need not be that of the first.
const SHOWN: &str = ".coin .outcome:not([hidden])";

/// The first coin of the list.
const FIRST: &str = "#coins > li:first-child";

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn figures_move_and_agree_with_redis() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.says_that("#total", "0").await?;
    page.says_that("#miners-rest", "No miners yet.").await?;
    page.says_that("#coins-none", "No coins yet.").await?;
    devcoin.mines()?;
    devcoin.mines()?;
    let total = "Number(document.querySelector('#total').textContent.replaceAll(',', ''))";
    page.waits_for("coins", &format!("{total} >= 20")).await?;
    page.waits_for("a rate", "Number(document.querySelector('#rate-10s').textContent) > 0").await?;
    page.says_that("#alive", "2").await?;
    page.waits_for("a bar for each miner", "document.querySelectorAll('#miners > li').length === 2").await?;
    page.says_that("#miners", "at work").await?;
    page.shows_all(".miner-name", &["miner.1 on pi3", "miner.2 on pi3"]).await?;
    page.waits_for("the list", "document.querySelectorAll('#coins > li').length === 20").await?;

    devcoin.stops_mining();
    let blocks = devcoin.redis_cli(&["GET", "blocks"])?;
    page.waits_for("the same total as in Redis", &format!("{total} === {blocks}")).await?;
    page.says_that("#page-by", "webui.1@pi2").await?;
    page.says_that("#api-by", "api.1@pi1").await?;
    page.says_that("#events-by", "api.1@pi1").await?;
    page.says_that("#answers", "api.1@pi1").await?;
    ensure!(page.run("return document.title").await? == format!("{blocks} coins · Swarmyard"), "the title");
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn a_miners_bar_is_its_speed_now_and_that_of_all_is_the_largest_on_the_page() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    devcoin.mines_at("normal")?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    // Two coins a second beside ten.
    let widths =
        "[...document.querySelectorAll('.bar-fill')].map((bar) => bar.offsetWidth / bar.parentElement.offsetWidth)";
    page.waits_for("bars", &format!("{widths}[0] === 1 && Math.abs({widths}[1] - 0.2) < 0.05")).await?;
    page.says_that("#miners > li:nth-child(2) .miner-speed", "2.0 a second").await?;
    page.waits_for("a rate", "Math.abs(document.querySelector('#rate-10s').textContent - 12) < 1").await?;
    let largest = "return [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility())\
                   .map((element) => [parseFloat(getComputedStyle(element).fontSize), element.id])\
                   .sort(([one], [other]) => other - one)[0][1]";
    ensure!(page.run(largest).await? == "rate-10s", "something else is larger");
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn the_chart_draws_what_was_and_what_comes() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    // Real geometry: the area of the seconds is as high as the chart, the line lies in it.
    let area = "document.querySelector('#chart .seconds')?.getBBox()";
    let line = "document.querySelector('#chart .mean')?.getBBox()";
    let height = "document.querySelector('#chart').clientHeight";
    page.waits_for("columns", &format!("{area}?.height > {height} / 3 && {area}.width > 300")).await?;
    page.waits_for(
        "a line",
        &format!("{line}?.height > 5 && {line}.y + {line}.height <= {area}.y + {area}.height + 1"),
    )
    .await?;
    let labels =
        page.run("return [...document.querySelectorAll('#chart text')].map((text) => text.textContent)").await?;
    let labels = labels.as_array().context("labels")?;
    for label in ["0", "now", "20 s ago"] {
        ensure!(labels.contains(&json!(label)), "{label} is missing in {labels:?}");
    }
    // In words, for who does not see it.
    page.says_that("#chart-summary", "a second on average").await?;
    let svg = "document.querySelector('#chart svg')";
    let named =
        format!("{svg}.getAttribute('role') === 'img' && {svg}.getAttribute('aria-describedby') === 'chart-summary'");
    page.waits_for("a description", &named).await?;
    // It goes on from the 60 s of the beginning.
    let first = page.run("return document.querySelector('#chart .seconds').getAttribute('d')").await?;
    page.waits_for("a new second", &format!("document.querySelector('#chart .seconds').getAttribute('d') !== {first}"))
        .await?;
    page.waits_for(
        "more than a minute",
        "/last 6[1-9] seconds/.test(document.querySelector('#chart-summary').textContent)",
    )
    .await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn a_coin_is_verified_in_the_browser_and_what_is_none_fails() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    // Held, as what moves away cannot be pressed.
    page.presses("#hold").await?;
    page.presses(&format!("{FIRST} .verify")).await?;
    page.says_that(SHOWN, "A coin: its hash begins with ").await?;
    page.says_that(SHOWN, "8 are asked for").await?;
    // The hash is what the API says, too.
    let message =
        page.run("return document.querySelector('.coin:has(.outcome:not([hidden])) .message').textContent").await?;
    let message = message.as_str().context("the message")?.to_owned();
    let hash = "const text = document.querySelector('.coin .outcome:not([hidden]) .digits').textContent; \
                return (await (await fetch('api/coins/' + text.split(' ')[1])).json()).message";
    ensure!(page.run(&format!("return (async () => {{ {hash} }})()")).await? == message, "the hash");

    // One letter less, and the work is lost.
    page.presses(&format!("{SHOWN} .quiet")).await?;
    page.waits_for("the text", &format!("document.querySelector('#check-text').value === {message:?}")).await?;
    page.says_that("#check-outcome", "A coin: ").await?;
    page.run("document.querySelector('#check-bits').value = 24").await?;
    page.presses_key(Key::Backspace).await?;
    page.says_that("#check-outcome", "Not a coin: ").await?;

    // Somebody wrote something into the ledger that is not worth what it says.
    let forged = "devcoin:forger-0123456789abcdef0123:00000000000000ff";
    devcoin.stops_mining();
    devcoin.redis_cli(&["XADD", "coins", "*", "message", forged, "difficulty", "40"])?;
    page.presses("#hold").await?;
    page.run("document.activeElement.blur()").await?;
    let first = format!("document.querySelector('{FIRST} .message').textContent === {forged:?}");
    page.waits_for("the forged coin", &first).await?;
    page.presses(&format!("{FIRST} .verify")).await?;
    page.says_that(&format!("{FIRST} .outcome"), "Not a coin: ").await?;
    page.says_that("#announcer", "Not a coin: ").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn its_own_sha_256_is_that_of_the_browser_and_lies_are_found() -> Result<()> {
    let devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    let differences = "return (async () => {
        const { sha256 } = await import('/page/sha256.js');
        const differences = [];
        for (let length = 0; length < 300; length++) {
            const text = 'ä€'.slice(0, length % 3) + 'x'.repeat(length);
            const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
            const theirs = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
            if (sha256(text) !== theirs) differences.push(length);
        }
        return differences;
    })()";
    ensure!(page.run(differences).await? == json!([]), "lengths that differ");
    let outcomes = "return (async () => {
        const { check, zeroBits, sentence } = await import('/page/proof.js');
        const hash = check('devcoin', 1).hash;
        return [check('devcoin', 1, hash).isClaimTrue, check('devcoin', 1, 'f'.repeat(64)).isGood,
            sentence(check('devcoin', 1, 'f'.repeat(64))).slice(0, 20),
            ['f', '7', '08', '001', '0'].map(zeroBits)];
    })()";
    let expected = json!([true, false, "Not what it seems: t", [0, 1, 4, 11, 4]]);
    ensure!(page.run(outcomes).await? == expected, "outcomes");
    Ok(())
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn numbers_are_written_for_people_and_seconds_keep_their_places() -> Result<()> {
    let devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    let numbers = "return (async () => {
        const { age, count, large, rate, whole } = await import('/page/numbers.js');
        return [[whole(1234567), count(1, 'coin'), count(2, 'coin')], [0.44, 3.06, 9.94, 9.96, 12345].map(rate),
            [999, 1234, 21.44e6, 999.6e6, 2e9].map(large), [8, 99, 180, 7200].map(age)];
    })()";
    let expected = json!([
        ["1,234,567", "1 coin", "2 coins"],
        ["0.4", "3.1", "9.9", "10", "12,345"],
        ["999", "1.23 thousand", "21.4 million", "1 billion", "2 billion"],
        ["8 s", "99 s", "3 min", "2 h"],
    ]);
    ensure!(page.run(numbers).await? == expected, "numbers: {}", page.run(numbers).await?);
    let seconds = "return (async () => {
        const { Series, means } = await import('/page/series.js');
        const series = new Series();
        series.take([1, 2, 3], 0);
        // By the clock still the same second, and then the next one already: the counts tell better.
        series.take([2, 3, 4], 400);
        series.take([2, 3, 4], 1300);
        series.take([3, 4, 5], 2300);
        const first = series.until(2300, true);
        series.take([7, 8, 9], 7300);
        const late = [series.until(7300, true), series.until(9300, false)];
        // The ledger was away, and is back with a coin: its other seconds are nobody's.
        series.ledgerIsAway();
        series.take([0, 0, 4], 10300);
        series.take([0, 4, 0], 11300);
        return [first, ...late, series.until(11300, true), means([null, 1, 3, 8], 2)];
    })()";
    let expected = json!([
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5, null, null, 7, 8, 9],
        [1, 2, 3, 4, 5, null, null, 7, 8, 9, null, null],
        [1, 2, 3, 4, 5, null, null, 7, 8, 9, null, null, 4, 0],
        [null, 1, 2, 5.5],
    ]);
    ensure!(page.run(seconds).await? == expected, "seconds: {}", page.run(seconds).await?);
    Ok(())
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn old_figures_are_called_old_until_redis_is_back() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.waits_for("coins", "document.querySelectorAll('#coins > li').length > 3").await?;
    devcoin.redis().kill();
    page.says_that("#stale", "The ledger does not answer the API.").await?;
    page.says_that("#stale-age", "old").await?;
    page.says_that("#state", "Stale").await?;
    // The last figures stay, and their age grows.
    ensure!(page.number("#total").await? > 3, "the total is gone");
    page.says_that("#stale-age", "3 s old").await?;
    // Long enough for a word in the chart.
    page.waits_for("a word", "document.querySelector('#chart svg').textContent.includes('no figures')").await?;
    // Who is at work, nobody knows now.
    page.says_that("#miners", "no news").await?;
    page.says_that("#alive", "–").await?;
    devcoin.redis().start()?;
    page.hides("#stale").await?;
    page.says_that("#state", "Live").await?;
    page.says_that("#chart-summary", "there are no figures.").await?;
    page.waits_for(
        "a chart that is cut",
        "document.querySelector('#chart .mean').getAttribute('d').split('M').length === 3",
    )
    .await?;
    page.says_that("#miners", "at work").await?;
    page.says_that("#announcer", "The figures are live again.").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn the_page_goes_on_and_says_so_while_its_figures_come_from_the_replica() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.replica().start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.waits_for("coins", "document.querySelectorAll('#coins > li').length > 3").await?;
    page.hides("#replica").await?;
    devcoin.redis().kill();
    page.says_that("#replica", "These figures come from its replica").await?;
    page.says_that("#announcer", "The figures come from a replica.").await?;
    page.says_that("#state", "Live").await?;
    page.hides("#stale").await?;
    page.can_be_read("the page with figures of the replica").await?;
    ensure!(page.number("#total").await? > 3, "the total is gone");
    devcoin.redis().start()?;
    page.hides("#replica").await?;
    page.says_that("#announcer", "The figures come from Redis again.").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn the_age_of_figures_is_counted_also_while_the_ledger_hangs() -> Result<()> {
    let devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.says_that("#state", "Live").await?;
    // For so long it takes what is asked, and says nothing.
    devcoin.redis_cli(&["CLIENT", "PAUSE", "12000", "ALL"])?;
    page.says_that("#stale-text", "takes longer than 1s to answer").await?;
    for age in ["4 s old", "5 s old", "6 s old", "7 s old"] {
        page.says_that("#stale-age", age).await?;
    }
    page.says_that("#state", "Live").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn coins_of_a_ledger_that_was_emptied_are_not_shown_any_more() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.waits_for("coins", "document.querySelectorAll('#coins > li').length > 3").await?;
    devcoin.stops_mining();
    devcoin.redis_cli(&["FLUSHALL"])?;
    page.says_that("#total", "0").await?;
    page.says_that("#coins-none", "No coins yet.").await?;
    page.says_that("#miners-rest", "No miners yet.").await?;
    page.waits_for("an empty list", "document.querySelectorAll('#coins > li').length === 0").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn miners_at_work_come_in_the_order_of_their_names_and_silent_ones_are_a_line() -> Result<()> {
    let devcoin = DevCoin::start()?;
    // Those at work were heard of in the future, so that they stay so.
    let miners = "local now = redis.call('TIME')[1] \
                  for _, miner in ipairs({{'silent', 60, now - 60}, {'mute', 3, now - 90}, {'m.10', 10, now + 3600}, \
                  {'m.9', 29, now + 3600}}) do \
                  local id = miner[1]:gsub('%.', '-') .. '-' .. string.rep('0', 26 - #miner[1]) \
                  redis.call('ZADD', 'miners', miner[3] .. '000', id) \
                  redis.call('HSET', 'miner:' .. id, 'coins', miner[2], 'seen', miner[3] .. '000', \
                  'hash_rate', 21500000, 'name', miner[1]) end \
                  redis.call('SET', 'blocks', 103) redis.call('SET', 'retired', 1)";
    devcoin.redis_cli(&["EVAL", miners, "0"])?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.shows(".miner-name", &["m.9", "m.10"]).await?;
    page.says_that("#miners > li:nth-child(1)", "at work · 29 coins · 21.5 million hashes/s").await?;
    page.says_that("#miners-rest", "2 silent miners, the last one since ").await?;
    page.says_that("#miners-rest", " found 63 coins. Miners of earlier times found 1 coin.").await?;
    page.says_that("#alive", "2").await?;
    page.expect_no_complaints().await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn a_page_that_comes_before_redis_says_so_and_goes_on_by_itself() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.redis().kill();
    devcoin.api().kill();
    devcoin.api().start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.says_that("#stale", "The ledger does not answer the API.").await?;
    // What is not known is not said either.
    let nothing =
        "document.querySelector('#miners-rest').textContent === '' && document.querySelector('#coins-none').hidden";
    page.waits_for("no word about miners and coins", nothing).await?;
    devcoin.redis().start()?;
    page.says_that("#total", "0").await?;
    page.says_that("#miners-rest", "No miners yet.").await?;
    page.says_that("#coins-none", "No coins yet.").await?;
    page.hides("#stale").await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn a_lost_connection_is_told_and_comes_back_by_itself() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.says_that("#state", "Live").await?;

    devcoin.api().kill();
    page.says_that("#connection", "The connection is lost: the API is away: ").await?;
    page.says_that("#announcer", "The connection is lost: the API is away: ").await?;
    page.says_that("#state", "Lost").await?;
    devcoin.api().start()?;
    page.hides("#connection").await?;
    page.says_that("#announcer", "Connected again.").await?;
    page.says_that("#state", "Live").await?;

    devcoin.webui().kill();
    page.says_that("#connection", "this page's server does not answer").await?;
    devcoin.webui().start()?;
    page.presses("#try-now").await?;
    page.hides("#connection").await?;
    page.says_that("#state", "Live").await?;
    let before = page.number("#total").await?;
    page.waits_for("figures that move", &format!("Number(document.querySelector('#total').textContent) > {before}"))
        .await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn an_update_is_seen_as_another_version_in_another_colour() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(PHONE, &devcoin.url()).await?;
    let colour = "return getComputedStyle(document.querySelector('#api-by')).backgroundColor";
    devcoin.api().update("1.9.0")?;
    page.says_that("#api-by", "API api.1@pi1 1.9.0").await?;
    let before = page.run(colour).await?;
    devcoin.api().update("2.0.0")?;
    page.says_that("#api-by", "API api.1@pi1 2.0.0").await?;
    ensure!(page.run(colour).await? != before, "both versions have the colour {before}");
    page.says_that("#page-by", "Page webui.1@pi2").await?;
    page.fits("the page with who answered").await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn the_list_holds_still_while_somebody_looks() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.waits_for("the list", "document.querySelectorAll('#coins > li').length === 20").await?;
    page.presses("#hold").await?;
    let list = "return document.querySelector('#coins').textContent";
    let held = page.run(list).await?;
    page.says_that("#held", "newer coins").await?;
    ensure!(page.run(list).await? == held, "the list moved");
    page.presses("#hold").await?;
    page.waits_for("new coins", &format!("document.querySelector('#coins').textContent !== {held}")).await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn a_finger_verifies_a_coin_of_a_list_that_nobody_holds() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    for width in [320, 375, 430] {
        let page = driver.open(Size { width, height: 740 }, &devcoin.url()).await?;
        page.waits_for("the list", "document.querySelectorAll('#coins > li').length === 20").await?;
        page.taps("#coins > li:nth-child(3) .verify").await?;
        page.says_that(SHOWN, "A coin: ").await.with_context(|| format!("on a phone {width} pixels wide"))?;
    }
    Ok(())
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn the_keyboard_alone_is_enough() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.waits_for("the list", "document.querySelectorAll('#coins > li').length > 5").await?;
    page.tabs_until("document.activeElement.id === 'skip'").await?;
    page.presses_key(Key::Enter).await?;
    page.tabs_until("document.activeElement.id === 'hold'").await?;
    let outline = "return getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth";
    ensure!(page.run(outline).await? == "solid3px", "the focus is not seen");
    page.tabs_until("document.activeElement.className === 'verify'").await?;
    page.types_there(" ").await?;
    page.says_that(SHOWN, "A coin: ").await?;
    ensure!(page.run("return document.activeElement.className").await? == "verify", "the focus is lost");
    page.tabs_until("document.activeElement.id === 'check-text'").await?;
    page.types_there("hello").await?;
    page.says_that("#check-outcome", "Not a coin: ").await?;
    // Each heading, field and button has a name; each part of the page a landmark.
    let nameless = "return [...document.querySelectorAll('button, input, textarea, a')]\
                    .filter((element) => !element.textContent.trim() && !element.labels?.length).length";
    ensure!(page.run(nameless).await? == 0, "something has no name");
    let landmarks =
        "return ['header', 'main', 'footer', 'section[aria-labelledby]'].every((part) => document.querySelector(part))";
    ensure!(page.run(landmarks).await? == true, "a landmark is missing");
    Ok(())
}

#[needs("chromium", "chromedriver", "redis-server", "redis-cli")]
#[tokio::test]
async fn a_phone_never_scrolls_sideways_also_with_many_miners_and_large_numbers() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let crowd = "for i = 1, 25 do local id = string.format('raspberry-pi-4-%012d', i) \
                 local time = redis.call('TIME') local now = time[1] .. '000' \
                 redis.call('ZADD', 'miners', now, id) \
                 redis.call('HSET', 'miner:' .. id, 'coins', 123456789 * i, 'seen', now, 'hash_rate', 987654321) end \
                 redis.call('INCRBY', 'blocks', 40123456789)";
    devcoin.redis_cli(&["EVAL", crowd, "0"])?;
    let driver = Driver::start()?;
    let page = driver.open(PHONE, &devcoin.url()).await?;
    page.waits_for("bars", "document.querySelectorAll('#miners > li').length === 20").await?;
    page.says_that("#miners-rest", "And 6 more miners").await?;
    page.waits_for("large numbers", "document.querySelector('#total').textContent.length > 12").await?;
    page.presses("#hold").await?;
    page.presses(&format!("{FIRST} .verify")).await?;
    page.says_that(SHOWN, "A coin: ").await?;
    page.fits("the page").await?;
    devcoin.redis().kill();
    page.says_that("#stale", "The ledger does not answer the API.").await?;
    page.fits("the page with a banner").await
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn text_can_be_read_in_the_light_and_in_the_dark_and_nothing_moves_for_who_does_not_want_it() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    devcoin.mines()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    // Held, so that it is the same coin that is pressed and that is looked at.
    page.presses("#hold").await?;
    page.presses(&format!("{FIRST} .verify")).await?;
    page.presses(&format!("{SHOWN} .quiet")).await?;
    page.can_be_read("the page").await?;
    page.prefers(&[("prefers-reduced-motion", "reduce")]).await?;
    let duration = page.run("return getComputedStyle(document.querySelector('.bar-fill')).transitionDuration").await?;
    ensure!(duration == "0s", "bars move: {duration}");
    devcoin.redis().kill();
    page.says_that("#stale", "The ledger does not answer the API.").await?;
    page.can_be_read("the stale page").await
}

#[needs("chromium", "chromedriver", "redis-server", "axe-core")]
#[tokio::test]
async fn axe_finds_nothing_in_any_state() -> Result<()> {
    let mut devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    let phone = driver.open(PHONE, &devcoin.url()).await?;
    page.says_that("#coins-none", "No coins yet.").await?;
    page.is_accessible("before the first coin").await?;
    devcoin.mines()?;
    for page in [&page, &phone] {
        page.waits_for("the list", "document.querySelectorAll('#coins > li').length === 20").await?;
        page.is_accessible("coins are found").await?;
        page.presses("#hold").await?;
        page.presses(&format!("{FIRST} .verify")).await?;
        page.says_that(SHOWN, "A coin: ").await?;
        page.is_accessible("a coin is verified").await?;
        page.presses(&format!("{SHOWN} .quiet")).await?;
        page.says_that("#check-outcome", "A coin: ").await?;
        page.is_accessible("a text is a coin").await?;
        page.types("#check-text", "x").await?;
        page.says_that("#check-outcome", "Not a coin: ").await?;
        page.is_accessible("a text is no coin").await?;
    }
    devcoin.redis().kill();
    for page in [&page, &phone] {
        page.says_that("#stale", "The ledger does not answer the API.").await?;
        page.is_accessible("the figures are old").await?;
    }
    devcoin.api().kill();
    for page in [&page, &phone] {
        page.says_that("#connection", "The connection is lost: the API is away: ").await?;
        page.is_accessible("the connection is lost").await?;
    }
    Ok(())
}

#[needs("chromium", "chromedriver", "redis-server")]
#[tokio::test]
async fn nothing_but_the_page_itself_runs_in_it() -> Result<()> {
    let devcoin = DevCoin::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &devcoin.url()).await?;
    page.runs_nothing_foreign().await
}
