//! One test binary; a module per subject. What they share is in `support`: servers that may misbehave.

mod architecture;
mod aws;
mod cli;
mod deploy;
mod docs;
mod ecr_login;
mod examples;
mod permissions;
mod registry;
mod store;
mod support;
