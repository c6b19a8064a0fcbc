//! A page in headless Chromium, with the verbs of who uses it. It needs chromium and chromedriver, but no
//! Docker.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::{running::Running, wait};

mod command;
mod looks;
mod verbs;

/// Longest wait for anything. Generous: browsers and several services on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// A window's size in CSS pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// From side to side.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A usual window.
pub const LAPTOP: Size = Size { width: 1280, height: 800 };

/// A small phone.
pub const PHONE: Size = Size { width: 360, height: 740 };

/// The widest window that is a phone's; phones are opened with touch.
const PHONE_WIDTH_MAX: u32 = 430;

/// chromedriver, which starts browsers; all end when this is dropped.
#[derive(Debug)]
pub struct Driver {
    url: String,
    browser: PathBuf,
    // Ends before its browsers' folder is removed.
    _running: Running,
    profiles: TempDir,
}

/// Somebody at a page, in a browser of their own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
}

impl Driver {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When it or the browser is not installed, or it does not start.
    pub fn start() -> Result<Self> {
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
    ///
    /// # Errors
    /// When no browser starts, or the page does not load.
    pub async fn open(&self, size: Size, url: &str) -> Result<Browser> {
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
        if size.width <= PHONE_WIDTH_MAX {
            let metrics = json!({ "width": size.width, "height": size.height, "pixelRatio": 2.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
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
