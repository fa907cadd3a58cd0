//! One test binary; a module per subject. What they share is in `support`: servers that may misbehave.

mod architecture;
mod aws;
mod build;
mod cli;
mod deploy;
mod docs;
mod ecr_login;
mod examples;
mod images_run;
mod permissions;
mod push;
mod registry;
mod rehearsal;
mod running;
mod sandbox;
mod store;
mod support;
mod variables;
