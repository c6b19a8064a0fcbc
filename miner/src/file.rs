//! The settings file: what `MINER_CONFIG` names, which is how a Swarm config reaches the miner.
//!
//! ```toml
//! mining_speed = "fast"
//! difficulty = 16
//! threads = 4
//! ```

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use devcoin::Difficulty;
use toml::{Table, Value};

use crate::speed::{Speed, THREADS_MAX};

/// Longest settings file that is read; a longer one is refused.
pub const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Most characters of a wrong value that a message shows.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// What the file says; it need not say everything.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct FileSettings {
    pub(crate) speed: Option<Speed>,
    pub(crate) difficulty: Option<Difficulty>,
    pub(crate) threads: Option<usize>,
}

/// What is wrong with the file: one line that names it and what is accepted.
#[derive(Debug, thiserror::Error)]
#[error("MINER_CONFIG: {path}: {problem}")]
pub(crate) struct FileError {
    path: PathBuf,
    problem: String,
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<FileSettings, FileError> {
    text(path).and_then(|text| parse(&text)).map_err(|problem| FileError { path: path.to_owned(), problem })
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| format!("cannot open it: {error}"))?;
    let length = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    if length.map_err(|error| format!("cannot read it: {error}"))? as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(text)
}

fn parse(text: &str) -> Result<FileSettings, String> {
    let table = text.parse::<Table>().map_err(|error| not_toml(text, &error))?;
    let mut settings = FileSettings::default();
    for (key, value) in &table {
        let wrong = |accepted: String| format!("{key} is {}: {accepted}", shown(value));
        match key.as_str() {
            "mining_speed" => settings.speed = Some(speed(value).map_err(wrong)?),
            "difficulty" => settings.difficulty = Some(difficulty(value).map_err(wrong)?),
            "threads" => settings.threads = Some(threads(value).map_err(wrong)?),
            _ => {
                let (key, value) = (key.escape_debug(), shown(value));
                let keys = "mining_speed, difficulty and threads";
                return Err(format!("there is no key {key} (its value is {value}): accepted are {keys}"));
            }
        }
    }
    Ok(settings)
}

/// The value in one line, cut when it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut line: String = text.lines().collect::<Vec<_>>().join(" ").chars().take(SHOWN_CHARACTERS_MAX).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

/// The parser's message takes several lines, of which the last says what is wrong.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let what = error.message().replace('\n', ", ");
    format!("line {line} is not TOML ({what}): accepted are lines such as mining_speed = \"fast\"")
}

fn speed(value: &Value) -> Result<Speed, String> {
    let speed = value.as_str().and_then(|name| Speed::from_str(name, true).ok());
    speed.ok_or_else(|| {
        let names = Speed::value_variants().iter().filter_map(Speed::to_possible_value);
        let names: Vec<_> = names.map(|name| format!("\"{}\"", name.get_name())).collect();
        format!("accepted are {}", names.join(", "))
    })
}

fn difficulty(value: &Value) -> Result<Difficulty, String> {
    let bits = value.as_integer().and_then(|bits| u8::try_from(bits).ok());
    bits.and_then(|bits| Difficulty::try_from(bits).ok()).ok_or_else(accepted_difficulties)
}

fn threads(value: &Value) -> Result<usize, String> {
    let threads = value.as_integer().and_then(|threads| usize::try_from(threads).ok());
    threads.filter(|threads| (1..=THREADS_MAX).contains(threads)).ok_or_else(accepted_threads)
}

/// For people: what a difficulty may be.
pub(crate) fn accepted_difficulties() -> String {
    let (least, most) = (Difficulty::MIN, Difficulty::MAX);
    format!("accepted is a number of bits from {least} to {most}")
}

/// For people: what a number of threads may be.
pub(crate) fn accepted_threads() -> String {
    format!("accepted is a number of threads from 1 to {THREADS_MAX}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_set_everything_something_or_nothing() {
        let all = "# The speed.\nmining_speed = \"super-fast\"\ndifficulty = 20\nthreads = 3\n";
        let difficulty = "20".parse().ok();
        let expected = FileSettings { speed: Some(Speed::SuperFast), difficulty, threads: Some(3) };
        assert_eq!(parse(all), Ok(expected));
        assert_eq!(parse("mining_speed = \"Fast\"").unwrap().speed, Some(Speed::Fast));
        assert_eq!(parse(""), Ok(FileSettings::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value_and_what_is_accepted() {
        let speeds = r#"accepted are "slow", "normal", "fast", "super-fast", "unlimited""#;
        for (text, problem) in [
            ("mining_speed = \"warp\"", format!("mining_speed is \"warp\": {speeds}")),
            ("mining_speed = 3", format!("mining_speed is 3: {speeds}")),
            ("difficulty = 0", "difficulty is 0: accepted is a number of bits from 1 to 64".to_owned()),
            ("difficulty = 272", "difficulty is 272: accepted is a number of bits from 1 to 64".to_owned()),
            ("difficulty = \"16\"", "difficulty is \"16\": accepted is a number of bits from 1 to 64".to_owned()),
            ("threads = -1", "threads is -1: accepted is a number of threads from 1 to 256".to_owned()),
            (
                "speed = \"fast\"",
                "there is no key speed (its value is \"fast\"): accepted are mining_speed, difficulty and threads"
                    .to_owned(),
            ),
        ] {
            assert_eq!(parse(text), Err(problem));
        }
    }

    #[test]
    fn a_wrong_value_is_one_line_however_long_it_is() {
        for text in ["threads = \"\"\"\na\nb\n\"\"\"".to_owned(), format!("threads = \"{}\"", "x".repeat(1000))] {
            let problem = parse(&text).unwrap_err();
            assert!(!problem.contains('\n') && problem.len() < 150, "{problem}");
        }
    }

    #[test]
    fn what_is_not_toml_is_one_line_that_names_the_line() {
        let problem = parse("threads = 2\nmining_speed: fast\n").unwrap_err();
        assert!(problem.starts_with("line 2 is not TOML (") && !problem.contains('\n'), "{problem}");
    }

    #[test]
    fn a_file_that_is_missing_or_too_long_is_named() {
        let error = read(Path::new("/nowhere/miner.toml")).unwrap_err().to_string();
        assert!(error.starts_with("MINER_CONFIG: /nowhere/miner.toml: cannot open it: No such file"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "#".repeat(70_000)).unwrap();
        assert!(read(file.path()).unwrap_err().to_string().ends_with("it has more than 65536 bytes"));
    }
}
