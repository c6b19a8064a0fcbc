//! A browser, with the verbs of who uses the chat page.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::{running::Running, wait};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Generous: two browsers and two nodes on a busy machine, and nodes that are waited for.
const LIMIT: Duration = Duration::from_mins(1);
/// Time between two looks at the page.
const GLANCE: Duration = Duration::from_millis(50);
/// Most presses of the tabulator on the way to something.
const TABS_MAX: usize = 60;

/// A window's size in CSS pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A small phone; opened with touch, as phones are.
pub(crate) const PHONE: Size = Size { width: 360, height: 740 };

/// chromedriver, which starts browsers; all end when this is dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    url: String,
    browser: PathBuf,
    // Ends before its browsers' folder is removed.
    _running: Running,
    profiles: TempDir,
}

impl Driver {
    /// Starts it on a free port.
    pub(crate) fn start() -> Result<Self> {
        let driver = find(&["chromedriver"])?;
        let browser = find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
        let profiles = TempDir::with_prefix("swarmyard-browser-")?;
        let mut running = Running::start(Command::new(driver).arg("--port=0"))?;
        let port = wait::until(LIMIT, || {
            let output = running.output()?;
            ensure!(running.ended()?.is_none(), "chromedriver ended: {output}");
            let (_, rest) = output.split_once("started successfully on port ").context("chromedriver is silent")?;
            let port = rest.trim_end().trim_end_matches('.').parse::<u16>();
            port.with_context(|| format!("chromedriver names no port: {output}"))
        })?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), browser, _running: running, profiles })
    }

    /// Opens a page in a browser of its own.
    pub(crate) async fn open(&self, size: Size, url: &str) -> Result<Browser> {
        let profile = TempDir::with_prefix_in("profile-", self.profiles.path())?.keep();
        let mut options = json!({
            "binary": self.browser,
            "args": [
                "--headless=new",
                // For root, as in a container.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                format!("--window-size={},{}", size.width, size.height),
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        if size == PHONE {
            let metrics = json!({ "width": size.width, "height": size.height, "pixelRatio": 2.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&self.url).await.context("no browser starts")?;
        client.goto(url).await?;
        Ok(Browser { client })
    }
}

fn find(names: &[&str]) -> Result<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let candidates = names.iter().flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file()).with_context(|| {
        format!("{} is missing: on Debian, apt-get install chromium chromium-driver", names.join(" or "))
    })
}

/// Somebody at the chat page.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
}

impl Browser {
    /// Answers the question for the name.
    pub(crate) async fn is_called(&self, name: &str) -> Result<()> {
        self.types("#name", name).await?;
        self.presses("#name-form [type=submit]").await?;
        self.shows("#your-name", &[name]).await
    }

    /// Opens a room, which joins it too.
    pub(crate) async fn opens_room(&self, name: &str, description: &str) -> Result<()> {
        self.presses("#new-room").await?;
        self.types("#room-name-input", name).await?;
        self.types("#description-input", description).await?;
        self.presses("#create-submit").await?;
        self.shows("#room-name", &[name]).await
    }

    /// Joins the only room of this name in the list, with one click.
    pub(crate) async fn joins(&self, name: &str) -> Result<()> {
        self.presses("#refresh").await?;
        self.shows(".room-row-name", &[name]).await?;
        self.presses(".room-row").await?;
        self.shows("#room-name", &[name]).await?;
        self.waits_for("the history", "document.querySelector('#log').ariaLive === 'polite'").await
    }

    /// Sends a message, or tries to.
    pub(crate) async fn says(&self, text: &str) -> Result<()> {
        self.types("#text", text).await?;
        self.presses("#composer [type=submit]").await
    }

    /// Types into a field.
    pub(crate) async fn types(&self, field: &str, text: &str) -> Result<()> {
        self.client.find(Locator::Css(field)).await?.send_keys(text).await?;
        Ok(())
    }

    /// Types wherever the focus is.
    pub(crate) async fn types_there(&self, text: &str) -> Result<()> {
        self.client.active_element().await?.send_keys(text).await?;
        Ok(())
    }

    /// Presses the tabulator until the element with this id has the focus.
    pub(crate) async fn tabs_to(&self, id: &str) -> Result<()> {
        for _ in 0..TABS_MAX {
            self.types_there(&char::from(Key::Tab).to_string()).await?;
            if self.run("return document.activeElement.id").await? == id {
                return Ok(());
            }
        }
        bail!("{TABS_MAX} presses of the tabulator do not lead to #{id}")
    }

    /// Presses the first of these.
    pub(crate) async fn presses(&self, button: &str) -> Result<()> {
        let is_ready = format!("document.querySelector({button:?})?.checkVisibility({{ visibilityProperty: true }})");
        self.waits_for(&format!("{button} to be there"), &is_ready).await?;
        self.client.find(Locator::Css(button)).await?.click().await.with_context(|| format!("pressing {button}"))
    }

    pub(crate) async fn reloads(&self) -> Result<()> {
        self.client.refresh().await?;
        Ok(())
    }

    /// Waits until the elements found by `selector` have these texts, no more and no fewer.
    pub(crate) async fn shows(&self, selector: &str, texts: &[&str]) -> Result<()> {
        let found = format!("[...document.querySelectorAll({selector:?})].map((found) => found.textContent)");
        self.waits_for_value(&format!("{selector} to show"), &found, &json!(texts)).await
    }

    /// As [`shows`](Self::shows), in any order.
    pub(crate) async fn shows_all(&self, selector: &str, texts: &[&str]) -> Result<()> {
        let found = format!("[...document.querySelectorAll({selector:?})].map((found) => found.textContent).sort()");
        self.waits_for_value(&format!("{selector} to show"), &found, &json!(texts)).await
    }

    /// Waits until an element can be seen and its text starts so.
    pub(crate) async fn says_that(&self, selector: &str, start: &str) -> Result<()> {
        let found = format!(
            "((found) => found?.checkVisibility() ? found.textContent.slice(0, {}) : null)(document.querySelector({selector:?}))",
            start.encode_utf16().count(),
        );
        self.waits_for_value(&format!("{selector} to say"), &found, &json!(start)).await
    }

    /// Waits until an element cannot be seen.
    pub(crate) async fn hides(&self, selector: &str) -> Result<()> {
        let is_hidden = format!("!document.querySelector({selector:?}).checkVisibility()");
        self.waits_for(&format!("{selector} to be hidden"), &is_hidden).await
    }

    /// Waits until a field holds this text.
    pub(crate) async fn holds(&self, field: &str, text: &str) -> Result<()> {
        let value = format!("document.querySelector({field:?}).value");
        self.waits_for_value(&format!("{field} to hold"), &value, &json!(text)).await
    }

    /// Checks that nothing reaches over the window's side.
    pub(crate) async fn fits(&self, what: &str) -> Result<()> {
        let widths = self.run("return [document.documentElement.scrollWidth, window.innerWidth]").await?;
        ensure!(widths == json!([PHONE.width, PHONE.width]), "{what} is wider than a phone: {widths}");
        let outside = "return [...document.querySelectorAll('button, input, textarea, p, h2, li')]\
                       .filter((element) => element.checkVisibility({ visibilityProperty: true }))\
                       .filter((element) => !element.closest('.for-readers, .skip'))\
                       .filter((element) => element.getBoundingClientRect().right > window.innerWidth)\
                       .map((element) => element.outerHTML.slice(0, 200))";
        let outside = self.run(outside).await?;
        ensure!(outside == json!([]), "{what} reaches over the side: {outside}");
        Ok(())
    }

    /// Waits until an expression of the page is true.
    pub(crate) async fn waits_for(&self, what: &str, expression: &str) -> Result<()> {
        self.waits_for_value(what, expression, &json!(true)).await
    }

    async fn waits_for_value(&self, what: &str, expression: &str, wanted: &Value) -> Result<()> {
        let start = Instant::now();
        loop {
            let found = self.run(&format!("return {expression}")).await?;
            if found == *wanted {
                return Ok(());
            }
            if start.elapsed() > LIMIT {
                let page = self.run("return document.body.innerText").await?;
                bail!(
                    "waiting for {what} {wanted}, there is {found}; the page:\n{}",
                    page.as_str().unwrap_or_default()
                );
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Runs statements in the page; gives what they return.
    pub(crate) async fn run(&self, statements: &str) -> Result<Value> {
        Ok(self.client.execute(statements, Vec::new()).await?)
    }
}
