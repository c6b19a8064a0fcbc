//! A browser, with the verbs of who watches the coins.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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

/// Generous: a browser and several services on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);
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
    port: u16,
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
        Ok(Self { port, browser, _running: running, profiles })
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
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let driver = format!("http://127.0.0.1:{}", self.port);
        let client = builder.capabilities(capabilities).connect(&driver).await.context("no browser starts")?;
        client.goto(url).await?;
        Ok(Browser { client, port: self.port })
    }
}

fn find(names: &[&str]) -> Result<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let candidates = names.iter().flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file()).with_context(|| {
        format!("{} is missing: on Debian, apt-get install chromium chromium-driver", names.join(" or "))
    })
}

/// Somebody at the page.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
    port: u16,
}

impl Browser {
    /// Types wherever the focus is.
    pub(crate) async fn types_there(&self, text: &str) -> Result<()> {
        self.client.active_element().await?.send_keys(text).await?;
        Ok(())
    }

    /// Presses the tabulator until `is_there`, an expression of the page, is true.
    pub(crate) async fn tabs_until(&self, is_there: &str) -> Result<()> {
        for _ in 0..TABS_MAX {
            self.types_there(&char::from(Key::Tab).to_string()).await?;
            if self.run(&format!("return {is_there}")).await? == true {
                return Ok(());
            }
        }
        bail!("{TABS_MAX} presses of the tabulator do not lead to {is_there}")
    }

    /// Presses the first of these.
    pub(crate) async fn presses(&self, button: &str) -> Result<()> {
        let is_ready = format!("!!document.querySelector({button:?})?.checkVisibility({{ visibilityProperty: true }})");
        self.waits_for(&format!("{button} to be there"), &is_ready).await?;
        self.client.find(Locator::Css(button)).await?.click().await.with_context(|| format!("pressing {button}"))
    }

    /// Waits until an element can be seen and its text contains this.
    pub(crate) async fn says(&self, selector: &str, text: &str) -> Result<()> {
        let found = format!(
            "((found) => !!found?.checkVisibility() && found.textContent.includes({text:?}))(document.querySelector({selector:?}))"
        );
        self.waits_for(&format!("{selector} to say {text:?}"), &found).await
    }

    /// Waits until an element cannot be seen.
    pub(crate) async fn hides(&self, selector: &str) -> Result<()> {
        let is_hidden = format!("!document.querySelector({selector:?}).checkVisibility()");
        self.waits_for(&format!("{selector} to be hidden"), &is_hidden).await
    }

    /// The whole number that an element shows.
    pub(crate) async fn number(&self, selector: &str) -> Result<u64> {
        let text = self.run(&format!("return document.querySelector({selector:?}).textContent")).await?;
        let text = text.as_str().unwrap_or_default().replace(',', "");
        text.parse().with_context(|| format!("{selector} shows no number: {text:?}"))
    }

    /// Checks that nothing reaches over the window's side.
    pub(crate) async fn fits(&self, what: &str) -> Result<()> {
        let widths = self.run("return [document.documentElement.scrollWidth, window.innerWidth]").await?;
        ensure!(widths == json!([PHONE.width, PHONE.width]), "{what} is wider than a phone: {widths}");
        let outside = "return [...document.querySelectorAll('button, input, textarea, p, h2, li, dd, span, svg text')]\
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
        let start = Instant::now();
        loop {
            let found = self.run(&format!("return {expression}")).await?;
            if found == true {
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
    pub(crate) async fn run(&self, statements: &str) -> Result<Value> {
        Ok(self.client.execute(statements, Vec::new()).await?)
    }

    /// Has the page believe that its user prefers these: `("prefers-color-scheme", "dark")`.
    pub(crate) async fn prefers(&self, preferences: &[(&str, &str)]) -> Result<()> {
        let features: Vec<_> =
            preferences.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.tell_driver("goog/cdp/execute", &command).await.map(drop)
    }

    /// Checks that the browser's console has nothing to complain about.
    pub(crate) async fn has_no_complaints(&self) -> Result<()> {
        let lines = self.tell_driver("se/log", &json!({ "type": "browser" })).await?;
        ensure!(lines == json!([]), "the console says: {lines:#}");
        Ok(())
    }

    /// A command of chromedriver's own, which fantoccini does not know.
    async fn tell_driver(&self, command: &str, body: &Value) -> Result<Value> {
        let session = self.client.session_id().await?.context("there is no session")?;
        let body = body.to_string();
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(LIMIT))?;
        write!(
            connection,
            "POST /session/{session}/{command} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        // It does not close the connection.
        let mut answer = BufReader::new(connection);
        let (mut head, mut length) = (String::new(), 0);
        while answer.read_line(&mut head)? > 2 {
            let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut json = vec![0; length];
        answer.read_exact(&mut json)?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "{command}: {head}{}", String::from_utf8_lossy(&json));
        Ok(serde_json::from_slice::<Value>(&json)?["value"].take())
    }
}
