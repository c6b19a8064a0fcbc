//! Requests from outside, one at a time or many while something else happens.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use e2e::engine::output_of;

/// Longest wait for an answer, in seconds. Emulated processors are busy with others.
const ANSWER_LIMIT: &str = "60";

/// Between two requests to one address: the machines have other things to do as well. Ten times as many, and an emulated
/// ARM processor was so busy that nginx on it could not connect to anybody within its two seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// A whole answer of status 200.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The replica that gave it, as `yard_api.2@node3`; empty, where none says.
    pub(crate) served_by: String,
    pub(crate) body: String,
}

impl Answer {
    /// The machine that it came from.
    pub(crate) fn node(&self) -> Result<&str> {
        let (_, node) = self.served_by.split_once('@').with_context(|| format!("no replica@node: {self:?}"))?;
        Ok(node)
    }
}

/// Asks once, over a connection of its own. Whatever is not a whole answer of status 200 is an error.
pub(crate) fn get(url: &str) -> Result<Answer> {
    let options = ["--silent", "--show-error", "--fail", "--include", "--max-time", ANSWER_LIMIT];
    let answer = output_of(Command::new("curl").args(options).arg(url))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-served-by").then(|| value.trim().to_owned())
    };
    Ok(Answer { served_by: head.lines().find_map(header).unwrap_or_default(), body: body.to_owned() })
}

/// What came of asking one address again and again.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) answers: usize,
    pub(crate) served_by: BTreeSet<String>,
    pub(crate) failures: Vec<String>,
}

/// Asks all these addresses again and again, from before `work` begins until it is done.
pub(crate) fn while_asking<T>(urls: &[String], work: impl FnOnce() -> Result<T>) -> Result<(T, Vec<Asked>)> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let askers: Vec<_> = urls.iter().map(|url| scope.spawn(|| ask_until(&done, url))).collect();
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        let asked = askers.into_iter().map(|asker| asker.join().map_err(|_| anyhow!("an asker panicked")));
        let asked = asked.collect::<Result<Vec<_>>>()?;
        Ok((outcome?, asked))
    })
}

fn ask_until(done: &AtomicBool, url: &str) -> Asked {
    let start = Instant::now();
    let mut asked = Asked { url: url.to_owned(), ..Asked::default() };
    while !done.load(Ordering::Relaxed) {
        match get(url) {
            Ok(answer) => {
                asked.answers += 1;
                asked.served_by.insert(answer.served_by);
            }
            Err(error) => asked.failures.push(format!("after {:.0?}: {error:#}", start.elapsed())),
        }
        thread::sleep(PAUSE);
    }
    asked
}
