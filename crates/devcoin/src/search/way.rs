//! The ways to compute hashes, and which of them this processor has.

use super::block::{Block, Row};
use super::lanes;

/// A way that this processor has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// For people.
    pub(super) name: &'static str,
    /// Computes the first words of the hashes of 256 nonces: those whose word of the block begins with the
    /// upper half of this one, and ends with any two digits.
    pub(super) row: fn(&Block, u32, &mut Row),
}

/// What every processor of this kind has.
const BASE: Way = Way {
    name: if cfg!(target_arch = "x86_64") {
        "SSE2, 4 at once"
    } else if cfg!(target_arch = "aarch64") {
        "NEON, 4 at once"
    } else {
        "one at a time"
    },
    row: lanes::row,
};

/// The ways that this processor has, the fastest first.
pub(super) fn all() -> impl Iterator<Item = Way> {
    special().into_iter().flatten().chain([BASE])
}

/// The fastest way that this processor has.
pub(super) fn fastest() -> Way {
    all().next().unwrap_or(BASE)
}

/// Those of which the processor must be asked whether it has them.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the compiler can't know that the processor was asked")]
fn special() -> [Option<Way>; 3] {
    let has_sha =
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3");
    [
        is_x86_feature_detected!("avx512f").then_some(Way {
            name: "AVX-512, 16 at once",
            // SAFETY: this way is given to a processor with AVX-512 only.
            row: |block, high, row| unsafe { lanes::row_avx512(block, high, row) },
        }),
        has_sha.then_some(Way {
            name: "SHA instructions, 4 at once",
            // SAFETY: this way is given to a processor with all three extensions only.
            row: |block, high, row| unsafe { super::x86_64::row_sha(block, high, row) },
        }),
        is_x86_feature_detected!("avx2").then_some(Way {
            name: "AVX2, 8 at once",
            // SAFETY: this way is given to a processor with AVX2 only.
            row: |block, high, row| unsafe { lanes::row_avx2(block, high, row) },
        }),
    ]
}

/// Those of which the processor must be asked whether it has them.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "the compiler can't know that the processor was asked")]
fn special() -> [Option<Way>; 1] {
    [std::arch::is_aarch64_feature_detected!("sha2").then_some(Way {
        name: "SHA instructions, 4 at once",
        // SAFETY: this way is given to a processor with the SHA instructions only.
        row: |block, high, row| unsafe { super::aarch64::row_sha(block, high, row) },
    })]
}

/// Those of which the processor must be asked whether it has them.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn special() -> [Option<Way>; 0] {
    []
}
