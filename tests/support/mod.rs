//! Servers to test against, real and faked; the program as a pipeline runs it, and what it made, running.

pub mod aws;
pub mod container;
pub mod docker_registry;
pub mod moto;
pub mod process;
pub mod record;
pub mod registry;
pub mod stack;
pub mod stage;
