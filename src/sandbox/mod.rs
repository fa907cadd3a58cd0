//! `dockless sandbox`: ECR, ECS and a registry inside the binary, so that a pipeline runs on a laptop and
//! every rollout can be rehearsed before it meets the real service.
//!
//! The planes in here are pure state machines: requests and the time go in, answers come out. Serving them
//! over HTTP, keeping their state on disk and bending them by a script of faults is built around them.

pub mod ecs;
