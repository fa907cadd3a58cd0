//! dockless ships containers to Amazon ECR and ECS from any CI job.
//!
//! The crate is a house of rooms, and imports go down only: leaves ([`report`], [`clock`]) below `image` and
//! `aws`, these below `layer`, `registry` and `store`, these below `source`, this below `build`; `deploy`
//! stands on `aws` alone; `cli` sees them all. `build` and `deploy` never meet: a pushed digest passes through
//! `cli`. `registry` does not know `aws`: it is handed a credential source. `config` alone reads the
//! environment, `output` alone prints, `clock` alone sleeps. `tests/architecture.rs` keeps it so.
//!
//! Every subcommand has one shape: what was typed becomes what is meant (`into_request`), `observe` makes the
//! only reads, `plan` is pure, `apply` has the only effects and emits events, `output` renders the report.

pub mod aws;
pub mod build;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deploy;
pub mod image;
pub mod layer;
pub mod output;
pub mod registry;
pub mod report;
pub mod repository;
pub mod source;
pub mod store;

/// What the binary does: reads the command line and the environment, works, and says how it ended.
pub fn run() -> std::process::ExitCode {
    cli::run(std::env::args_os().collect(), config::Env::read())
}
