//! What a copy is of, and what it is called.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// How a time stands in a name: without colons, which mean something else to scp and Docker.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// How copies of the ledger are called first.
const LEDGER: &str = "ledger";

/// What copies are of.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Original {
    /// DevCoin's ledger in Redis.
    Ledger,
    /// The journal of the chat's node of this name.
    Journal(String),
}

impl Original {
    /// How the ending of a copy's name tells what it is of.
    fn extension(&self) -> &'static str {
        match self {
            Self::Ledger => "rdb",
            Self::Journal(_) => "redb",
        }
    }

    /// What [`CopyName::count`] counts.
    #[must_use]
    pub fn counted(&self) -> &'static str {
        match self {
            Self::Ledger => "coins",
            Self::Journal(_) => "messages",
        }
    }

    /// In words, for sentences.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Ledger => "the ledger".to_owned(),
            Self::Journal(node) => format!("the journal of {node}"),
        }
    }

    /// Whether that never becomes less: rooms of the chat are deleted, with their messages.
    #[must_use]
    pub fn only_grows(&self) -> bool {
        *self == Self::Ledger
    }
}

impl Display for Original {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger => formatter.write_str(LEDGER),
            Self::Journal(node) => formatter.write_str(node),
        }
    }
}

/// Not what copies are of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("copies are of the ledger, or of a node of the chat, whose name is made of letters, digits, -, _ and .")]
pub struct OriginalError;

impl FromStr for Original {
    type Err = OriginalError;

    fn from_str(text: &str) -> Result<Self, OriginalError> {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
        match text {
            LEDGER => Ok(Self::Ledger),
            // It is the name of a file, which must not be hidden.
            node if node.starts_with(char::is_alphanumeric) && node.chars().all(is_plain) => {
                Ok(Self::Journal(node.to_owned()))
            }
            _ => Err(OriginalError),
        }
    }
}

/// What a copy is called, which is all that is known of it: `ledger-20261128T040000Z-4800.rdb`, or
/// `node1-20261128T040000Z-315.redb`. Of one original, the order is that of time.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CopyName {
    /// What it is a copy of.
    pub of: Original,
    /// When it was begun, in whole seconds: what was recorded before is in it.
    pub taken: Timestamp,
    /// How much it holds: coins of a ledger, messages that were ever sent in the rooms of a journal.
    pub count: u64,
}

impl CopyName {
    /// The name of a copy that was begun at this moment.
    #[must_use]
    pub fn new(of: Original, taken: Timestamp, count: u64) -> Self {
        // Whole seconds of a time are a time.
        let taken = Timestamp::from_second(taken.as_second()).unwrap_or(taken);
        Self { of, taken, count }
    }

    /// The day on which it was taken, in UTC.
    #[must_use]
    pub fn day(&self) -> Date {
        TimeZone::UTC.to_datetime(self.taken).date()
    }
}

impl Display for CopyName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { of, taken, count } = self;
        write!(formatter, "{of}-{}-{count}.{}", taken.strftime(TIME), of.extension())
    }
}

/// Not the name of a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a copy is called ledger-TIME-COINS.rdb or NODE-TIME-MESSAGES.redb, as in ledger-20261128T040000Z-4800.rdb")]
pub struct CopyNameError;

impl FromStr for CopyName {
    type Err = CopyNameError;

    fn from_str(text: &str) -> Result<Self, CopyNameError> {
        let read = || {
            let (stem, _) = text.rsplit_once('.')?;
            let (stem, count) = stem.rsplit_once('-')?;
            let (of, time) = stem.rsplit_once('-')?;
            let taken = DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
            Some(Self { of: of.parse().ok()?, taken, count: count.parse().ok()? })
        };
        // Each copy has one name: no digits left out, no signs added, its own ending.
        read().filter(|name| name.to_string() == text).ok_or(CopyNameError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(
            of in "ledger|[a-z0-9][A-Za-z0-9._-]{0,20}",
            second in 0..=Timestamp::MAX.as_second(),
            count: u64,
        ) {
            let name = CopyName::new(of.parse().unwrap(), Timestamp::from_second(second).unwrap(), count);
            prop_assert_eq!(name.to_string().parse(), Ok(name));
        }

        #[test]
        fn no_text_is_read_as_a_name_that_is_written_differently(text in "ledger-[0-9TZ+-]{1,25}\\.rdb") {
            if let Ok(name) = text.parse::<CopyName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }

    #[test]
    fn a_name_tells_of_what_it_is_when_it_was_taken_and_how_much_it_holds() {
        let name: CopyName = "ledger-20261128T040000Z-4800.rdb".parse().unwrap();
        assert_eq!((&name.of, name.taken), (&Original::Ledger, "2026-11-28T04:00:00Z".parse().unwrap()));
        assert_eq!((name.count, name.day()), (4800, "2026-11-28".parse().unwrap()));
        let name: CopyName = "node-1.a-20261128T040000Z-0.redb".parse().unwrap();
        assert_eq!(name.of, Original::Journal("node-1.a".to_owned()));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [
            "",
            "ledger.rdb",
            "ledger-20261128T040000Z-4800.rdb.sha256",
            "ledger-20261128T040000Z-.rdb",
            "ledger-20261128T040000Z-+1.rdb",
            "ledger-20261128T040000Z-01.rdb",
            "ledger-20261328T040000Z-1.rdb",
            "ledger-2026-11-28T04:00:00Z-1.rdb",
            "../ledger-20261128T040000Z-1.rdb",
            "ledger-20261128T040000Z-1.redb",
            "node1-20261128T040000Z-1.rdb",
            "..-20261128T040000Z-1.redb",
            "a/b-20261128T040000Z-1.redb",
            "-20261128T040000Z-1.redb",
        ] {
            assert_eq!(wrong.parse::<CopyName>(), Err(CopyNameError), "{wrong}");
        }
    }
}
