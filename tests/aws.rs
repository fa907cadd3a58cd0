//! The `aws` room over real HTTP: against a scripted server (what goes over the wire, what happens when it goes
//! wrong) and against moto, which verifies signatures and policies.

mod calls;
mod faults;
mod identity;
mod login;
mod machine;
mod permissions;
mod repositories;
mod services;
