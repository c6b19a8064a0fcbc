//! How fast coins are to be found, and the other two settings that a file can change.

use std::fmt::{self, Display, Formatter};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use devcoin::Difficulty;

/// Most threads that may be asked for; no processor that this is made for has more.
pub const THREADS_MAX: usize = 256;

/// How fast coins are to be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Speed {
    /// 1 coin a second.
    Slow,
    /// 2 coins a second.
    Normal,
    /// 3 coins a second.
    Fast,
    /// 10 coins a second.
    SuperFast,
    /// As many as the processor can find.
    Unlimited,
}

impl Speed {
    /// The coins of a second; none for those that have no limit.
    pub(crate) fn coins_per_second(self) -> Option<u32> {
        match self {
            Self::Slow => Some(1),
            Self::Normal => Some(2),
            Self::Fast => Some(3),
            Self::SuperFast => Some(10),
            Self::Unlimited => None,
        }
    }

    /// What the setting calls it.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        // No variant is skipped, so each has a name.
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The time between two coins; none for those that have no limit.
    pub(crate) fn interval(self) -> Option<Duration> {
        self.coins_per_second().map(|coins| Duration::from_secs(1) / coins)
    }
}

impl Display for Speed {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())?;
        match self.coins_per_second() {
            None => Ok(()),
            Some(1) => formatter.write_str(" (1 coin a second)"),
            Some(coins) => write!(formatter, " ({coins} coins a second)"),
        }
    }
}

/// What is mined, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mining {
    pub(crate) speed: Speed,
    pub(crate) difficulty: Difficulty,
    /// What was asked for; see [`Mining::threads`].
    pub(crate) threads_wanted: Option<usize>,
}

impl Mining {
    /// The threads that search: all that are asked for when there is no limit; else one, which is enough
    /// for ten coins a second, and leaves the machine to others.
    pub(crate) fn threads(self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
        match self.speed {
            Speed::Unlimited => self.threads_wanted.unwrap_or_else(processors),
            _ => 1,
        }
    }
}

impl Display for Mining {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (speed, difficulty, threads) = (self.speed, self.difficulty, self.threads());
        let hashes = difficulty.hashes();
        let threads_word = if threads == 1 { "thread" } else { "threads" };
        write!(formatter, "speed {speed}, difficulty {difficulty} (a coin takes {hashes} hashes on average), ")?;
        write!(formatter, "{threads} {threads_word}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_speed_needs_one_thread_whatever_is_asked_for() {
        let mining = |speed, threads_wanted| Mining { speed, difficulty: Difficulty::MIN, threads_wanted };
        assert_eq!(mining(Speed::SuperFast, Some(8)).threads(), 1);
        assert_eq!(mining(Speed::Unlimited, Some(8)).threads(), 8);
        assert!(mining(Speed::Unlimited, None).threads() >= 1);
    }

    #[test]
    fn people_read_what_is_mined_in_one_line() {
        let mining = Mining { speed: Speed::Slow, difficulty: "16".parse().unwrap(), threads_wanted: None };
        let line = "speed slow (1 coin a second), difficulty 16 (a coin takes 65536 hashes on average), 1 thread";
        assert_eq!(mining.to_string(), line);
    }
}
