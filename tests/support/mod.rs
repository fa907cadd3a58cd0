//! Servers to test against, real and faked.

pub mod aws;
pub mod docker_registry;
pub mod moto;
pub mod process;
pub mod registry;
