//! What somebody does at a page, and waits for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, PointerAction, TouchActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{Browser, LIMIT};

/// Time between two looks at the page.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a finger rests on what it taps: short of what counts as a long press.
const TAP: Duration = Duration::from_millis(100);

/// Most presses of the tabulator on the way to something; then it counts as out of reach.
const TABS_MAX: usize = 60;

#[expect(clippy::missing_errors_doc, reason = "the same for all: it cannot be done, or does not come within `LIMIT`")]
impl Browser {
    /// Waits until a field can be seen, and types into it.
    pub async fn types(&self, field: &str, text: &str) -> Result<()> {
        self.finds(field).await?.send_keys(text).await.with_context(|| format!("typing into {field}"))
    }

    /// Types wherever the focus is, as a keyboard does: also where the focus moves between two keys.
    pub async fn types_there(&self, text: &str) -> Result<()> {
        let keys = text.chars().fold(KeyActions::new("keyboard".to_owned()), |keys, key| {
            keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key })
        });
        self.client.perform_actions(keys).await.with_context(|| format!("typing {text:?}"))
    }

    /// Presses a key wherever the focus is.
    pub async fn presses_key(&self, key: Key) -> Result<()> {
        self.types_there(&char::from(key).to_string()).await
    }

    /// Presses the tabulator until `is_there`, an expression of the page, is true.
    pub async fn tabs_until(&self, is_there: &str) -> Result<()> {
        for _ in 0..TABS_MAX {
            self.presses_key(Key::Tab).await?;
            if self.run(&format!("return {is_there}")).await? == true {
                return Ok(());
            }
        }
        bail!("{TABS_MAX} presses of the tabulator do not lead to {is_there}")
    }

    /// Waits until the first of these can be seen, and presses it.
    pub async fn presses(&self, button: &str) -> Result<()> {
        self.finds(button).await?.click().await.with_context(|| format!("pressing {button}"))
    }

    /// Waits until the first of these can be seen, and taps with a finger where it is then, also if it moves away.
    pub async fn taps(&self, button: &str) -> Result<()> {
        self.finds(button).await?;
        let place = format!(
            "const button = document.querySelector({button:?}); button.scrollIntoView({{ block: 'center' }}); \
             const {{ x, y, width, height }} = button.getBoundingClientRect(); return [x + width / 2, y + height / 2]"
        );
        let place = self.run(&place).await?;
        let (Some(x), Some(y)) = (place[0].as_f64(), place[1].as_f64()) else { bail!("{button} is nowhere: {place}") };
        let tap = TouchActions::new("finger".to_owned())
            .then(PointerAction::MoveTo { duration: None, x: x.round(), y: y.round() })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Pause { duration: TAP })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(tap).await.with_context(|| format!("tapping {button}"))
    }

    /// Loads the page again.
    pub async fn reloads(&self) -> Result<()> {
        Ok(self.client.refresh().await?)
    }

    /// Waits until the elements found by `selector` have these texts, no more and no fewer.
    pub async fn shows(&self, selector: &str, texts: &[&str]) -> Result<()> {
        let found = format!("[...document.querySelectorAll({selector:?})].map((found) => found.textContent)");
        self.waits_until(&format!("{selector} to show {texts:?}"), &found, |found| *found == json!(texts)).await
    }

    /// As [`shows`](Self::shows), in any order; `texts` are sorted.
    pub async fn shows_all(&self, selector: &str, texts: &[&str]) -> Result<()> {
        let found = format!("[...document.querySelectorAll({selector:?})].map((found) => found.textContent).sort()");
        self.waits_until(&format!("{selector} to show {texts:?}"), &found, |found| *found == json!(texts)).await
    }

    /// Waits until an element can be seen and its text contains this.
    pub async fn says_that(&self, selector: &str, text: &str) -> Result<()> {
        let found =
            format!("[document.querySelector({selector:?})].find((found) => found?.checkVisibility())?.textContent");
        let contains = |found: &Value| found.as_str().is_some_and(|found| found.contains(text));
        self.waits_until(&format!("{selector} to say {text:?}"), &found, contains).await
    }

    /// Waits until an element cannot be seen.
    pub async fn hides(&self, selector: &str) -> Result<()> {
        let is_hidden = format!("!document.querySelector({selector:?}).checkVisibility()");
        self.waits_for(&format!("{selector} to be hidden"), &is_hidden).await
    }

    /// Waits until a field holds this text.
    pub async fn holds(&self, field: &str, text: &str) -> Result<()> {
        let value = format!("document.querySelector({field:?}).value");
        self.waits_until(&format!("{field} to hold {text:?}"), &value, |found| found == text).await
    }

    /// The whole number that an element shows.
    pub async fn number(&self, selector: &str) -> Result<u64> {
        let text = self.run(&format!("return document.querySelector({selector:?}).textContent")).await?;
        let text = text.as_str().unwrap_or_default().replace(',', "");
        text.parse().with_context(|| format!("{selector} shows no number: {text:?}"))
    }

    async fn finds(&self, selector: &str) -> Result<Element> {
        let can_be_seen =
            format!("document.querySelector({selector:?})?.checkVisibility({{ visibilityProperty: true }})");
        self.waits_for(&format!("{selector} to be there"), &can_be_seen).await?;
        Ok(self.client.find(Locator::Css(selector)).await?)
    }

    /// Waits until an expression of the page is true.
    pub async fn waits_for(&self, what: &str, expression: &str) -> Result<()> {
        self.waits_until(what, expression, |found| *found == true).await
    }

    async fn waits_until(&self, what: &str, expression: &str, is_it: impl Fn(&Value) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let found = self.run(&format!("return {expression}")).await?;
            if is_it(&found) {
                return Ok(());
            }
            if start.elapsed() > LIMIT {
                let page = self.run("return document.body.innerText").await?;
                let page = page.as_str().unwrap_or_default();
                bail!("waiting for {what}, there is {found}; the page:\n{page}");
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Runs statements in the page; gives what they return.
    pub async fn run(&self, statements: &str) -> Result<Value> {
        Ok(self.client.execute(statements, Vec::new()).await?)
    }
}
