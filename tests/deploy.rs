//! The commands that deploy, as a step of a pipeline runs them: a process of its own against a scripted ECS that
//! remembers what it was asked.

mod documents;
mod handover;
mod images;
mod interrupts;
mod lossless;
mod orb_defects;
mod orb_verification;
mod outcomes;
mod refusals;
mod rights;
mod secrets;
mod stack;
mod stage;
mod verification;
