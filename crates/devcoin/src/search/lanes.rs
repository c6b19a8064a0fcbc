//! The search in plain Rust, so written that the compiler can do it for as many nonces at once as a register
//! holds words.
//!
//! The loop over the nonces has no branch and no call in it. What is the same for all of them (the words
//! that do not depend on word 12, and most of its round) the compiler takes out of the loop.
#![expect(clippy::inline_always, reason = "to be compiled anew for each set of instructions")]

use super::block::{Block, K, NONCE_WORD, PAIRS, Row, START, round, sigma0, sigma1};

/// With the instructions that every processor of this kind has: on x86-64 that is SSE2, on 64-bit ARM NEON.
pub(super) fn row(block: &Block, high: u32, row: &mut Row) {
    any_row(block, high, row);
}

/// With AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn row_avx2(block: &Block, high: u32, row: &mut Row) {
    any_row(block, high, row);
}

/// With AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
pub(super) fn row_avx512(block: &Block, high: u32, row: &mut Row) {
    any_row(block, high, row);
}

#[inline(always)]
fn any_row(block: &Block, high: u32, row: &mut Row) {
    for (hash, low) in row.iter_mut().zip(&PAIRS) {
        *hash = hash_of(block, high | low);
    }
}

/// Runs these rounds, of which the compiler is to see each: it takes no loop within a loop.
macro_rules! rounds {
    ($state:ident, $words:ident: $($t:literal)*) => { $(
        if $t >= 16 {
            $words[$t % 16] = sigma1($words[($t - 2) % 16])
                .wrapping_add(sigma0($words[($t - 15) % 16]))
                .wrapping_add($words[($t - 7) % 16])
                .wrapping_add($words[$t % 16]);
        }
        $state = round($state, $words[$t % 16].wrapping_add(K[$t]));
    )* };
}

/// The first word of the hash.
#[inline(always)]
fn hash_of(block: &Block, nonce_word: u32) -> u32 {
    let mut state = block.state;
    let [mut words @ .., _, _, _, _, _, _, _, _] = block.words;
    words[NONCE_WORD] = nonce_word;
    rounds!(state, words: 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37);
    rounds!(state, words: 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    state[0].wrapping_add(START[0])
}
