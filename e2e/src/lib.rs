//! What the tests on real Docker share: a virtual Swarm, a reader that runs our tutorials, and a browser.
//!
//! The tests themselves are in `tests/`, a file a subject.

pub mod browser;
pub mod cluster;
pub mod compare;
pub mod compose;
pub mod engine;
pub mod images;
pub mod kubernetes;
pub mod ledger;
pub mod machine;
pub mod mesh;
pub mod page;
pub mod running;
pub mod stack;
pub mod story;
pub mod tutorial;
pub mod virtual_machines;
pub mod wait;
pub mod yard;
