//! Our own commands, as whole processes, against a sandbox: jobs that go well, every fault that it knows, and what
//! dockless says to each. When a rehearsal ends, all that was asked and answered is held against AWS's own models.

mod causes;
mod conditions;
mod edits;
mod handovers;
mod jobs;
mod lag;
mod looks;
mod one_off;
mod pushes;
mod releases;
mod repositories;
mod retags;
mod rollouts;
mod schedules;
mod screens;
mod stage;
mod verdicts;
mod weather;
mod words;
