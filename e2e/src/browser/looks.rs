//! What every page here keeps, however it is looked at.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::command::Command;
use super::{Browser, PHONE};

/// Finds the texts that can be seen, and those of them whose contrast with their ground is too low.
const FAINT: &str = include_str!("looks/faint.js");

/// axe-core, which `crates/needs/install.sh` brings.
const AXE_CORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/axe-core/axe_playwright_python/axe.min.js");

/// Runs all its rules, and gives for each that is broken what breaks it. `checks` is how many rules had
/// something to look at.
const AXE_RUN: &str = "return axe.run(document, { resultTypes: ['violations'] }).then(({ passes, violations }) => ({
    checks: passes.length,
    findings: violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html) })),
}))";

/// Fewest rules that a page gives work to. With fewer, axe-core has not seen the page.
const AXE_CHECKS_MIN: u64 = 10;

#[expect(clippy::missing_errors_doc, reason = "the same for all: it is not so, or the browser fails")]
impl Browser {
    /// Checks that nothing reaches over the side of a phone's window.
    pub async fn fits(&self, what: &str) -> Result<()> {
        let widths = self.run("return [document.documentElement.scrollWidth, window.innerWidth]").await?;
        ensure!(widths == json!([PHONE.width, PHONE.width]), "{what} is wider than a phone: {widths}");
        let outside = "return [...document.querySelectorAll('button, input, textarea, p, h2, li, dd, span, svg text')]\
                       .filter((element) => element.checkVisibility({ visibilityProperty: true }))\
                       .filter((element) => !element.closest('.for-readers, .skip, .wide-words'))\
                       .filter((element) => element.getBoundingClientRect().right > window.innerWidth)\
                       .map((element) => element.outerHTML.slice(0, 200))";
        let outside = self.run(outside).await?;
        ensure!(outside == json!([]), "{what} reaches over the side: {outside}");
        Ok(())
    }

    /// Has the page believe that its user prefers these: `("prefers-color-scheme", "dark")`.
    pub async fn prefers(&self, preferences: &[(&str, &str)]) -> Result<()> {
        let features: Vec<_> =
            preferences.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.client.issue_cmd(Command { name: "goog/cdp/execute", body }).await?;
        Ok(())
    }

    /// Checks that every text has a contrast of 4.5 to 1 with its ground (WCAG 2.2, 1.4.3), in the light and
    /// in the dark.
    pub async fn can_be_read(&self, what: &str) -> Result<()> {
        let mut grounds = Vec::new();
        for scheme in ["light", "dark"] {
            // Without motion: what comes and goes slowly would be faint for a moment.
            self.prefers(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]).await?;
            let found = self.run(FAINT).await?;
            let count = found["texts"].as_u64().unwrap_or_default();
            ensure!(count > 10, "{what}, {scheme}: only {count} texts");
            ensure!(found["faint"] == json!([]), "{what}, {scheme}: {:#}", found["faint"]);
            grounds.push(self.run("return getComputedStyle(document.body).backgroundColor").await?);
        }
        ensure!(grounds[0] != grounds[1], "{what}: the light and the dark are the same");
        Ok(())
    }

    /// Checks that axe-core finds nothing in what can be seen in this state: neither against WCAG nor against
    /// what it calls best practices.
    pub async fn is_accessible(&self, state: &str) -> Result<()> {
        // Without motion: what comes slowly would be faint for a moment.
        self.prefers(&[("prefers-reduced-motion", "reduce")]).await?;
        if self.run("return typeof axe").await? == "undefined" {
            let axe = Path::new(AXE_CORE);
            self.run(&fs::read_to_string(axe).with_context(|| format!("{}: ./test brings it", axe.display()))?).await?;
        }
        let found = self.run(AXE_RUN).await?;
        let checks = found["checks"].as_u64().unwrap_or_default();
        ensure!(checks >= AXE_CHECKS_MIN, "{state}: axe-core had only {checks} rules to look at");
        ensure!(found["findings"] == json!([]), "{state}: axe-core finds {:#}", found["findings"]);
        Ok(())
    }

    /// Checks that the browser's console has nothing to complain about.
    pub async fn expect_no_complaints(&self) -> Result<()> {
        self.expect_complaints_of(&[]).await
    }

    /// The same, but for what nobody answers in a test, by parts of its address.
    pub async fn expect_complaints_of(&self, absent: &[&str]) -> Result<()> {
        let mut lines = self.client.issue_cmd(Command { name: "se/log", body: json!({ "type": "browser" }) }).await?;
        let is_foreseen = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["source"] == "network" && absent.iter().any(|address| message.contains(address))
        };
        if let Some(lines) = lines.as_array_mut() {
            lines.retain(|line| !is_foreseen(line));
        }
        ensure!(lines == json!([]), "the console says: {lines:#}");
        Ok(())
    }

    /// Checks that a script within the page's markup does not run, and that all that was loaded came from the
    /// page's own host.
    pub async fn runs_nothing_foreign(&self) -> Result<()> {
        let script =
            "const s = document.createElement('script'); s.text = 'window.foreign = 1'; document.head.append(s)";
        self.run(script).await?;
        ensure!(self.run("return String(window.foreign)").await? == "undefined", "an inline script ran");
        let asked =
            "return performance.getEntriesByType('resource').every(({ name }) => new URL(name).host === location.host)";
        ensure!(self.run(asked).await? == true, "the page asks other hosts");
        Ok(())
    }
}
