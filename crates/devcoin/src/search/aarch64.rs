//! The search with the SHA instructions of 64-bit ARM, for several nonces at once: an instruction's result
//! takes longer to come than the next instruction to begin.

use std::arch::aarch64::{
    uint32x4_t, vaddq_u32, vdupq_n_u32, vgetq_lane_u32, vsetq_lane_u32, vsha256h2q_u32, vsha256hq_u32, vsha256su0q_u32,
    vsha256su1q_u32,
};

use super::block::{Block, K, PAIRS, Row, START};

/// Nonces at once: more would not fit into the registers.
const STREAMS: usize = 4;

/// Nonces of a row that each stream tries. They are not those next to each other: the compiler would put the
/// results together at the end, and for that end compute one stream after the other.
const PART: usize = PAIRS.len() / STREAMS;

/// Four rounds from each of these on. It is no function and no loop: those would move all words from register
/// to register.
macro_rules! rounds {
    ($abcd:ident, $efgh:ident, $words:expr, $t:literal) => {
        for stream in 0..STREAMS {
            let words = vaddq_u32($words[stream], four_of(&K, $t));
            let before = $abcd[stream];
            $abcd[stream] = vsha256hq_u32(before, $efgh[stream], words);
            $efgh[stream] = vsha256h2q_u32($efgh[stream], before, words);
        }
    };
}

/// The same, with the next four words, which take the place of the first of the last 16.
macro_rules! next_rounds {
    ($abcd:ident, $efgh:ident, $words:ident: $($t:literal)*) => { $(
        let [first, second, third, fourth] = $words;
        let mut fifth = first;
        for stream in 0..STREAMS {
            let early = vsha256su0q_u32(first[stream], second[stream]);
            fifth[stream] = vsha256su1q_u32(early, third[stream], fourth[stream]);
        }
        $words = [second, third, fourth, fifth];
        rounds!($abcd, $efgh, $words[3], $t);
    )* };
}

/// With the SHA instructions.
#[target_feature(enable = "sha2")]
pub(super) fn row_sha(block: &Block, high: u32, row: &mut Row) {
    let [abcd, efgh] = [0, 4].map(|t| four_of(&block.state, t));
    let [words8, words12, words16] = [8, 12, 16].map(|t| four_of(&block.words, t));
    // The instruction that adds σ₁ adds the word of seven before, too.
    let words20 = [20, 21, 22, 23].map(|t| block.words[t].wrapping_sub(block.words[t - 7]));
    let words20 = four_of(&words20, 0);
    for place in 0..PART {
        let (mut abcd, mut efgh) = ([abcd; STREAMS], [efgh; STREAMS]);
        let mut words = [[words8; STREAMS], [words12; STREAMS], [words16; STREAMS], [words20; STREAMS]];
        for stream in 0..STREAMS {
            let nonce_word = high | PAIRS[stream * PART + place];
            let word19 = block.words[19].wrapping_add(nonce_word);
            words[1][stream] = vsetq_lane_u32::<0>(nonce_word, words12);
            words[2][stream] = vsetq_lane_u32::<3>(word19, words16);
            words[3][stream] = vsha256su1q_u32(words20, words[1][stream], words[2][stream]);
        }
        rounds!(abcd, efgh, words[1], 12);
        rounds!(abcd, efgh, words[2], 16);
        rounds!(abcd, efgh, words[3], 20);
        next_rounds!(abcd, efgh, words: 24 28 32 36 40 44 48 52 56 60);
        for stream in 0..STREAMS {
            row[stream * PART + place] = vgetq_lane_u32::<0>(abcd[stream]).wrapping_add(START[0]);
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn four_of(words: &[u32], t: usize) -> uint32x4_t {
    let four = vsetq_lane_u32::<1>(words[t + 1], vdupq_n_u32(words[t]));
    vsetq_lane_u32::<3>(words[t + 3], vsetq_lane_u32::<2>(words[t + 2], four))
}
