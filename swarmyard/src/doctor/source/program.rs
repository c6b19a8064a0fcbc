//! Other programs of this machine, asked.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use service::time::for_people;
use tokio::process::Command;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(in crate::doctor) enum Silence {
    /// There is no such program.
    Missing(&'static str),
    /// This question had no answer after this time.
    Late(&'static str, Duration),
    /// It said something else.
    Failed(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(program) => write!(to, "there is no command {program}"),
            Self::Late(question, time) => write!(to, "`{question}` does not answer within {}", for_people(*time)),
            Self::Failed(said) => write!(to, "{said}"),
        }
    }
}

impl From<&Silence> for String {
    fn from(silence: &Silence) -> Self {
        silence.to_string()
    }
}

/// What a program printed.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Printed {
    pub(in crate::doctor) is_success: bool,
    pub(in crate::doctor) stdout: String,
    pub(in crate::doctor) stderr: String,
}

/// Runs a program to its end, however it ends.
///
/// # Errors
/// When it cannot be run.
pub(super) async fn run(program: &'static str, arguments: &[&str]) -> Result<Printed, Silence> {
    let mut command = Command::new(program);
    let output = match command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true).output().await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Silence::Missing(program)),
        Err(error) => return Err(Silence::Failed(format!("cannot run {program}: {error}"))),
        Ok(output) => output,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(Printed { is_success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// What a program prints to stdout.
///
/// # Errors
/// When it cannot be run, or says that it failed.
pub(super) async fn stdout(program: &'static str, arguments: &[&str]) -> Result<String, Silence> {
    let Printed { is_success, stdout, stderr } = run(program, arguments).await?;
    is_success.then_some(stdout).ok_or(Silence::Failed(stderr))
}

/// Waits for an answer to a question, or to several that build upon each other. Whatever runs after the time `limit` is
/// ended.
///
/// # Errors
/// The answer's, or [`Silence::Late`].
pub(super) async fn in_time<T>(
    limit: Duration,
    question: &'static str,
    answer: impl Future<Output = Result<T, Silence>>,
) -> Result<T, Silence> {
    timeout(limit, answer).await.unwrap_or(Err(Silence::Late(question, limit)))
}
