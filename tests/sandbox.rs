//! The sandbox, as other programs see it: over HTTP, by other people's clients, and as a process.

mod clients;
mod faults;
mod lines;
mod process;
mod protocol;
pub mod schedules;
mod strict;
pub mod support;
mod tasks;
