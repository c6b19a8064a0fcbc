//! Programs of Redis, run with limits: what they read may come from anybody.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Most memory, in KiB, that such a program may map; what wants more fails. A Redis with modules maps several hundred
/// MiB, of which it uses few.
const MEMORY_KIB: u32 = 1024 * 1024;

/// Most that such a program may print; one that prints more is ended.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// Sets the limit on memory, where the system has it, and becomes the program; what that says of errors is among what it
/// prints.
const LIMITED: &str = r#"ulimit -v "$0" 2>/dev/null; exec "$@" 2>&1"#;

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("{0} cannot be started: {1}")]
    NotStarted(String, io::Error),
    #[error("{0} is not done after {n} s", n = .1.as_secs())]
    TimedOut(String, Duration),
    #[error("{0} prints more than {OUTPUT_BYTES_MAX} bytes")]
    TooMuch(String),
}

/// What a program printed until its end.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) text: String,
}

impl Output {
    /// The last line that is not empty: what a program says of its end.
    pub(crate) fn last_line(&self) -> &str {
        last_line(&self.text)
    }
}

pub(crate) fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing")
}

/// The program with these limits and arguments. It is killed when what it runs in is dropped.
pub(crate) fn limited<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", LIMITED, &MEMORY_KIB.to_string()]).args(words).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a [`limited`] program to its end, for at most `limit`.
pub(crate) async fn run(name: &str, command: &mut Command, limit: Duration) -> Result<Output, ProgramError> {
    let not_started = |error| ProgramError::NotStarted(name.to_owned(), error);
    let run = async {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(not_started)?;
        let mut text = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut text).await.map_err(not_started)?;
        }
        if text.len() as u64 > OUTPUT_BYTES_MAX {
            return Err(ProgramError::TooMuch(name.to_owned()));
        }
        let status = child.wait().await.map_err(not_started)?;
        Ok(Output { status, text: String::from_utf8_lossy(&text).into_owned() })
    };
    timeout(limit, run).await.unwrap_or_else(|_| Err(ProgramError::TimedOut(name.to_owned(), limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    async fn shell(script: &str, limit: Duration) -> Result<Output, ProgramError> {
        run("the script", &mut limited(["sh", "-c", script]), limit).await
    }

    #[tokio::test]
    async fn what_it_prints_comes_with_its_exit_code() {
        let output = shell("echo one; echo two >&2; echo; exit 3", LIMIT).await.unwrap();
        assert_eq!((output.status.code(), output.text.as_str()), (Some(3), "one\ntwo\n\n"));
        assert_eq!(output.last_line(), "two");
    }

    #[tokio::test]
    async fn one_that_is_not_done_or_prints_without_end_is_ended() {
        let error = shell("sleep 1000", Duration::from_millis(1)).await.unwrap_err();
        assert!(matches!(error, ProgramError::TimedOut(..)), "{error}");
        let error = shell("yes", LIMIT).await.unwrap_err();
        assert!(matches!(error, ProgramError::TooMuch(..)), "{error}");
    }

    #[tokio::test]
    async fn one_that_is_not_there_says_so() {
        let output = run("it", &mut limited(["no-such-program"]), LIMIT).await.unwrap();
        assert!(!output.status.success() && output.text.contains("no-such-program"), "{output:?}");
    }
}
