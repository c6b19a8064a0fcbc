//! Commands of chromedriver's own, which fantoccini does not know.

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::Value;
use url::{ParseError, Url};

/// A command to the browser's session.
#[derive(Debug)]
pub(super) struct Command {
    /// Its name, as in `goog/cdp/execute`.
    pub(super) name: &'static str,
    /// What it is given.
    pub(super) body: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, driver: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        driver.join(&format!("session/{}/{}", session.unwrap_or_default(), self.name))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
