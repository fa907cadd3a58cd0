//! dockless ships containers to Amazon ECR and ECS from any CI job.
//!
//! The crate is a house of rooms, and imports go down only:
//!
//! - leaves: [`report`] (events, reports, errors that explain themselves), [`clock`] and [`nearest`] (the
//!   name that a typo meant);
//! - [`image`], the model of what registries hold, and [`aws`], sessions and raw calls;
//! - [`layer`] (reproducible tars and their compression), [`registry`] (the client) and [`store`] (images in files);
//! - [`source`]: what becomes layers, that is jars, files, binaries;
//! - [`build`]: inputs and a base become an image, and the image gets to where it belongs;
//! - [`deploy`]: update strings, task definitions, rollouts and their verdicts; [`repository`]: ECR repositories;
//! - [`sandbox`]: ECR, ECS, CodeDeploy, schedules, logs, STS and a registry on loopback, to rehearse with and to test
//!   against;
//! - [`config`] (the environment, settings) and [`output`] (terminal, plain, JSON, CI systems' files);
//! - [`cli`], which sees them all: one file per subcommand.
//!
//! `build` and `deploy` never meet: a pushed digest passes through `cli`. `registry` does not know `aws`: it is
//! handed a credential source. `config` alone reads the environment, `output` alone prints, `clock` alone sleeps.
//! `tests/architecture.rs` keeps it so.
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
pub mod nearest;
pub mod output;
pub mod registry;
pub mod report;
pub mod repository;
pub mod sandbox;
pub mod source;
pub mod store;

/// What the binary does: reads the command line and the environment, works, and says how it ended.
pub fn run() -> std::process::ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    // Before there is a second thread: see there.
    if let Some(code) = sandbox::run::child(&argv) {
        return code;
    }
    cli::run(argv, config::Env::read())
}
