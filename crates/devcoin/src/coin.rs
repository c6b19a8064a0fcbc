//! The coin: a text, and how it is checked.
//!
//! ```text
//! devcoin:4f1c2a9be07d-3b9f0a7c62e81:00000000000f3a1c
//!         └── the miner's id ───────┘ └─── nonce ────┘
//! ```
//!
//! Every coin has 52 ASCII characters, so that it fills one SHA-256 block, and so that the nonce's last four
//! digits are a word of that block: the search then begins each try at the thirteenth of 64 rounds.
//! Anybody can check a coin: `printf '%s' MESSAGE | sha256sum`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// What every coin begins with.
const START: &str = "devcoin:";

/// Characters of a miner's id: what makes the nonce begin and end with a word of the block.
const ID_LENGTH: usize = 27;

/// Most characters of a miner's name in its id; the rest, at least 12, is random.
const NAME_LENGTH_MAX: usize = 14;

/// Hexadecimal digits of a nonce.
const NONCE_LENGTH: usize = 16;

/// Characters of a coin.
pub(crate) const MESSAGE_LENGTH: usize = START.len() + ID_LENGTH + 1 + NONCE_LENGTH;

/// A miner's id: its name, and enough chance that no other run of any miner has the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MinerId(String);

impl MinerId {
    /// A new id for a miner of this name. Of the name it takes up to 14 letters and digits, small, and
    /// dashes for what lies between.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let words = name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut id = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        id.truncate(NAME_LENGTH_MAX);
        let name = id.trim_end_matches('-');
        let name = if name.is_empty() { "miner" } else { name };
        let digits = ID_LENGTH - name.len() - 1;
        let random = format!("{:032x}", rand::random::<u128>());
        Self(format!("{name}-{}", &random[..digits]))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for MinerId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Not a miner's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a miner's id has {ID_LENGTH} small letters, digits and dashes")]
pub struct MinerIdError;

impl FromStr for MinerId {
    type Err = MinerIdError;

    fn from_str(text: &str) -> Result<Self, MinerIdError> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_id = text.len() == ID_LENGTH && text.bytes().all(is_allowed);
        if is_id { Ok(Self(text.to_owned())) } else { Err(MinerIdError) }
    }
}

/// How many zero bits a coin's hash begins with, at least: 1 to 64. One more makes it twice as much work.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Difficulty(u8);

impl Difficulty {
    /// The easiest: every second hash will do.
    pub const MIN: Self = Self(1);
    /// The hardest: more than a human lifetime for the fastest processor.
    pub const MAX: Self = Self(64);

    /// The number of bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The hashes that a coin takes on average.
    #[must_use]
    #[allow(clippy::missing_panics_doc)]
    pub fn hashes(self) -> u128 {
        1 << self.0
    }
}

impl Display for Difficulty {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, formatter)
    }
}

/// Not a difficulty.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a difficulty is a number of bits from 1 to 64")]
pub struct DifficultyError;

impl TryFrom<u8> for Difficulty {
    type Error = DifficultyError;

    fn try_from(bits: u8) -> Result<Self, DifficultyError> {
        if (Self::MIN.0..=Self::MAX.0).contains(&bits) { Ok(Self(bits)) } else { Err(DifficultyError) }
    }
}

impl FromStr for Difficulty {
    type Err = DifficultyError;

    fn from_str(text: &str) -> Result<Self, DifficultyError> {
        text.parse::<u8>().map_err(|_| DifficultyError)?.try_into()
    }
}

/// A SHA-256 hash; as text, 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The zero bits that it begins with.
    #[must_use]
    pub fn zero_bits(&self) -> u32 {
        let zero_bytes = self.0.iter().take_while(|byte| **byte == 0).count();
        let rest = self.0.get(zero_bytes).map_or(0, |byte| byte.leading_zeros());
        u32::try_from(zero_bytes * 8).unwrap_or(u32::MAX) + rest
    }
}

impl Display for Hash {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A text that may be a coin: whether it is depends on the difficulty that is asked for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Coin {
    /// Whose work it is.
    pub miner: MinerId,
    /// What the miner tried.
    pub nonce: u64,
}

impl Coin {
    /// The text whose hash counts.
    #[must_use]
    pub fn message(&self) -> String {
        let Self { miner, nonce } = self;
        format!("{START}{miner}:{nonce:016x}")
    }

    /// The hash of the text.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(self.message()).into())
    }

    /// Whether it took that much work.
    #[must_use]
    pub fn is_worth(&self, difficulty: Difficulty) -> bool {
        self.hash().zero_bits() >= u32::from(difficulty.bits())
    }
}

/// Why a text is no coin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CoinError {
    /// Its form is another one.
    #[error("a coin is {START}MINER:NONCE, with a nonce of {NONCE_LENGTH} small hexadecimal digits")]
    Form,
    /// What stands where the miner's id should.
    #[error(transparent)]
    Miner(#[from] MinerIdError),
}

impl FromStr for Coin {
    type Err = CoinError;

    fn from_str(text: &str) -> Result<Self, CoinError> {
        let (miner, nonce) = text.strip_prefix(START).and_then(|rest| rest.rsplit_once(':')).ok_or(CoinError::Form)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if nonce.len() != NONCE_LENGTH || !nonce.bytes().all(is_digit) {
            return Err(CoinError::Form);
        }
        let nonce = u64::from_str_radix(nonce, 16).map_err(|_| CoinError::Form)?;
        Ok(Self { miner: miner.parse()?, nonce })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_name_and_the_right_length_whatever_the_name_is() {
        for (name, start) in [
            ("4f1c2a9be07d", "4f1c2a9be07d-"),
            ("My Pi.local", "my-pi-local-"),
            ("a-name-that-is-too-long", "a-name-that-is-"),
            ("thirteen-char-x", "thirteen-char-"),
            ("", "miner-"),
            ("…", "miner-"),
        ] {
            let id = MinerId::new(name);
            assert!(id.as_str().starts_with(start), "{id}");
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            assert_ne!(id, MinerId::new(name));
        }
    }

    #[test]
    fn a_coins_text_says_all_about_it() {
        let coin = Coin { miner: MinerId::new("pi"), nonce: 0xf3a1c };
        let message = coin.message();
        assert_eq!(message.len(), MESSAGE_LENGTH);
        assert!(message.ends_with(":00000000000f3a1c"));
        assert_eq!(message.parse(), Ok(coin));
    }

    #[test]
    fn other_texts_are_no_coins() {
        let good = Coin { miner: MinerId::new("pi"), nonce: 0xabc }.message();
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace("devcoin", "bitcoin"),
            good.replace(":0000", ":000"),
            good.replace("pi-", "p_-"),
            format!("{good} "),
            format!("{}g", &good[..51]),
            format!("{}+", &good[..51]),
        ] {
            assert!(bad.parse::<Coin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn zero_bits_are_counted_from_the_left() {
        for (start, bits) in [(&[0xff][..], 0), (&[0x7f], 1), (&[0, 0x80], 8), (&[0, 0, 1], 23), (&[0; 32], 256)] {
            let mut hash = [0xff; 32];
            hash[..start.len()].copy_from_slice(start);
            assert_eq!(Hash(hash).zero_bits(), bits);
        }
    }

    #[test]
    fn a_difficulty_is_1_to_64_bits() {
        for bits in [1, 16, 64] {
            assert_eq!(bits.to_string().parse::<Difficulty>().map(Difficulty::bits), Ok(bits));
        }
        for bad in ["0", "65", "256", "-1", "", "x", "1.5"] {
            assert_eq!(bad.parse::<Difficulty>(), Err(DifficultyError), "{bad}");
        }
    }
}
