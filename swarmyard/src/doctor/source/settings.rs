//! The variables that Compose reads, too.

use std::collections::BTreeMap;
use std::fs;

/// The file that Compose reads where it runs.
const FILE: &str = ".env";

/// The environment, and before it what the file says.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Settings {
    file: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the file of the working folder, if there is one.
    pub(in crate::doctor) fn read() -> Self {
        Self { file: variables(&fs::read_to_string(FILE).unwrap_or_default()) }
    }

    /// A variable's value, if it has one that is not empty.
    pub(in crate::doctor) fn get(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().or_else(|| self.file.get(name).cloned());
        value.filter(|value| !value.is_empty())
    }
}

/// Lines such as `NAME=VALUE # comment`.
fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let variable = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let value = value.split_once(" #").map_or(value, |(value, _)| value);
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    };
    lines.filter_map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_may_have_comments_and_quotes() {
        let found = variables("# A=1\nPRODUCER_PORT=5050 # not AirPlay's\nTAG=\"v1\"\nnothing\n");
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, [("PRODUCER_PORT", "5050"), ("TAG", "v1")]);
    }
}
