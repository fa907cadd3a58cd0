//! Servers to test against, real and faked.

pub mod aws;
pub mod moto;
