//! Where facts come from.

pub(super) mod docker;
pub(super) mod hub;
pub(super) mod machine;
pub(super) mod peer;
pub(super) mod port;
pub(super) mod program;
pub(super) mod settings;
