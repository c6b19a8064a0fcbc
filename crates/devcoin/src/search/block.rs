//! The SHA-256 block of a coin, as far as it is the same for all nonces of a scan.
//!
//! The names and the numbers are those of FIPS 180-4. Of the block's 16 words, word 12 is the nonce's last
//! four digits, and those after it are padding.
#![expect(clippy::inline_always, reason = "to be compiled anew for each set of instructions")]

use crate::coin::MESSAGE_LENGTH;

/// The word of the block in which the nonces of a scan differ: it is needed in that round first.
pub(super) const NONCE_WORD: usize = 12;

const _: () = assert!(MESSAGE_LENGTH == 4 * (NONCE_WORD + 1));

/// The two hexadecimal digits of each byte, as half a word of the block.
pub(super) const PAIRS: [u32; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = u16::from_be_bytes([digits[byte / 16], digits[byte % 16]]) as u32;
        byte += 1;
    }
    pairs
};

/// The first words of the hashes of 256 nonces that differ in their last two digits.
pub(super) type Row = [u32; PAIRS.len()];

/// What SHA-256 begins with.
pub(super) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// What each round adds.
#[rustfmt::skip]
pub(super) const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// The σ₀ of the standard.
#[inline(always)]
pub(super) fn sigma0(word: u32) -> u32 {
    word.rotate_right(7) ^ word.rotate_right(18) ^ (word >> 3)
}

/// The σ₁ of the standard.
#[inline(always)]
pub(super) fn sigma1(word: u32) -> u32 {
    word.rotate_right(17) ^ word.rotate_right(19) ^ (word >> 10)
}

/// One round: takes the state before it, and its word with its `K` added; gives the state after it.
#[inline(always)]
#[expect(clippy::many_single_char_names, reason = "the standard's names")]
pub(super) fn round([a, b, c, d, e, f, g, h]: [u32; 8], word: u32) -> [u32; 8] {
    let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
    let choice = g ^ (e & (f ^ g));
    let t1 = h.wrapping_add(word).wrapping_add(sum1).wrapping_add(choice);
    let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
    let majority = b ^ ((a ^ b) & (b ^ c));
    [t1.wrapping_add(sum0).wrapping_add(majority), a, b, c, d.wrapping_add(t1), e, f, g]
}

/// A coin's block, without word 12.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The state before the round that needs word 12.
    pub(super) state: [u32; 8],
    /// The block's words, with a zero in place of word 12; then words 16 to 23, as far as they are known:
    /// word 19 lacks word 12, and words 20 to 23 lack their σ₁.
    pub(super) words: [u32; 24],
}

impl Block {
    /// Takes a coin's text; the last four digits of the nonce may be any.
    pub(super) fn new(message: &str) -> Self {
        let mut words = [0; 24];
        for (word, bytes) in words[..NONCE_WORD].iter_mut().zip(message.as_bytes().as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        words[NONCE_WORD + 1] = 1 << 31;
        words[15] = u32::try_from(8 * MESSAGE_LENGTH).unwrap_or_default();
        for t in 16..24 {
            let late = if t < 20 { sigma1(words[t - 2]) } else { 0 };
            words[t] = words[t - 16].wrapping_add(sigma0(words[t - 15])).wrapping_add(words[t - 7]).wrapping_add(late);
        }
        let first = words.into_iter().zip(K).take(NONCE_WORD);
        let state = first.fold(START, |state, (word, k)| round(state, word.wrapping_add(k)));
        Self { state, words }
    }
}
