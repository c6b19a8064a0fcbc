//! See the description in Cargo.toml.

fn main() {}
