//! The sha2 crate at its best: the block is made once, and for each nonce only its last four digits change.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use devcoin::{Coin, MinerId};
use sha2::block_api::compress256;

use crate::figures;

/// The state with which SHA-256 begins.
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Nonces tried between two looks at the clock.
const NONCES: usize = 1 << 16;

/// Where in a coin's text the nonce's last four digits are.
const DIGITS: std::ops::Range<usize> = 48..52;

/// Hashes a second on one core.
pub(crate) fn hashes_per_second(slice: Duration) -> f64 {
    let coin = Coin { miner: MinerId::new("bench"), nonce: 0 };
    let message = coin.message();
    let mut block = [0; 64];
    block[..message.len()].copy_from_slice(message.as_bytes());
    block[message.len()] = 0x80;
    block[56..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    let digits = *b"0123456789abcdef";
    let numbers: Vec<[u8; 4]> =
        (0..NONCES).map(|nonce| [12, 8, 4, 0].map(|shift| digits[(nonce >> shift) % 16])).collect();
    figures::hashes_per_second(slice, || {
        let mut least = u32::MAX;
        for number in &numbers {
            block[DIGITS].copy_from_slice(number);
            let mut state = START;
            compress256(&mut state, &[block]);
            least = least.min(state[0]);
        }
        black_box(least);
        NONCES as u64
    })
}

/// The same from another build of this program.
///
/// # Errors
/// It can't be run, fails, or prints something else.
pub(crate) fn of_program(program: &Path, slice: Duration) -> anyhow::Result<f64> {
    let milliseconds = slice.as_millis().to_string();
    let what = || format!("{} reference --milliseconds {milliseconds}", program.display());
    let output =
        Command::new(program).args(["reference", "--milliseconds", &milliseconds]).output().with_context(what)?;
    anyhow::ensure!(output.status.success(), "{}: {}", what(), output.status);
    String::from_utf8(output.stdout)?.trim().parse().with_context(what)
}
