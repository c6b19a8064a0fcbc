//! What a program says of itself.

/// What a program says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Program, crate, image and Compose service: one word.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// One line for `--help`.
    pub description: &'static str,
}

/// The [`About`] of the crate that calls this.
#[macro_export]
macro_rules! about {
    () => {
        $crate::about::About {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            description: env!("CARGO_PKG_DESCRIPTION"),
        }
    };
}
