//! The search with the SHA instructions of x86-64, for several nonces at once: an instruction's result takes
//! longer to come than the next instruction to begin.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_cvtsi32_si128, _mm_extract_epi32, _mm_or_si128, _mm_set_epi32,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32, _mm_slli_si128,
};

use super::block::{Block, K, PAIRS, Row, START};

/// Nonces at once: measured with 1, 2 and 4.
const STREAMS: usize = 4;

/// Nonces of a row that each stream tries. They are not those next to each other: the compiler would put the
/// results together at the end, and for that end compute one stream after the other.
const PART: usize = PAIRS.len() / STREAMS;

/// Four rounds from each of these on. It is no function and no loop: those would move all words from register
/// to register.
macro_rules! rounds {
    ($abef:ident, $cdgh:ident, $words:expr, $t:literal) => {
        for stream in 0..STREAMS {
            let words = _mm_add_epi32($words[stream], four_of(&K, $t));
            $cdgh[stream] = _mm_sha256rnds2_epu32($cdgh[stream], $abef[stream], words);
            let words = _mm_shuffle_epi32::<0b1110>(words);
            $abef[stream] = _mm_sha256rnds2_epu32($abef[stream], $cdgh[stream], words);
        }
    };
}

/// The same, with the next four words, which take the place of the first of the last 16.
macro_rules! next_rounds {
    ($abef:ident, $cdgh:ident, $words:ident: $($t:literal)*) => { $(
        let [first, second, third, fourth] = $words;
        let mut fifth = first;
        for stream in 0..STREAMS {
            let early = _mm_sha256msg1_epu32(first[stream], second[stream]);
            let seven_before = _mm_alignr_epi8::<4>(fourth[stream], third[stream]);
            fifth[stream] = _mm_sha256msg2_epu32(_mm_add_epi32(early, seven_before), fourth[stream]);
        }
        $words = [second, third, fourth, fifth];
        rounds!($abef, $cdgh, $words[3], $t);
    )* };
}

/// With the SHA instructions.
#[target_feature(enable = "sha,sse4.1,ssse3")]
#[expect(clippy::many_single_char_names, reason = "the standard's names")]
pub(super) fn row_sha(block: &Block, high: u32, row: &mut Row) {
    let [a, b, c, d, e, f, g, h] = block.state;
    let [abef, cdgh] = [four([f, e, b, a]), four([h, g, d, c])];
    let [words8, words12, words16, words20] = [8, 12, 16, 20].map(|t| four_of(&block.words, t));
    for place in 0..PART {
        let (mut abef, mut cdgh) = ([abef; STREAMS], [cdgh; STREAMS]);
        let mut words = [[words8; STREAMS], [words12; STREAMS], [words16; STREAMS], [words20; STREAMS]];
        for stream in 0..STREAMS {
            let nonce_word = _mm_cvtsi32_si128((high | PAIRS[stream * PART + place]).cast_signed());
            words[1][stream] = _mm_or_si128(words12, nonce_word);
            words[2][stream] = _mm_add_epi32(words16, _mm_slli_si128(nonce_word, 12));
            words[3][stream] = _mm_sha256msg2_epu32(words20, words[2][stream]);
        }
        rounds!(abef, cdgh, words[1], 12);
        rounds!(abef, cdgh, words[2], 16);
        rounds!(abef, cdgh, words[3], 20);
        next_rounds!(abef, cdgh, words: 24 28 32 36 40 44 48 52 56 60);
        for stream in 0..STREAMS {
            row[stream * PART + place] = _mm_extract_epi32::<3>(abef[stream]).cast_unsigned().wrapping_add(START[0]);
        }
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn four_of(words: &[u32], t: usize) -> __m128i {
    four([words[t], words[t + 1], words[t + 2], words[t + 3]])
}

#[inline]
#[target_feature(enable = "sse2")]
fn four(words: [u32; 4]) -> __m128i {
    let [first, second, third, fourth] = words.map(u32::cast_signed);
    _mm_set_epi32(fourth, third, second, first)
}
