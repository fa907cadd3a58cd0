//! The load balancer: for every service a listener on loopback, the same port each time. It speaks HTTP and sends
//! every request on its own to a target, rather than every connection: a client that keeps its connection would
//! otherwise hold on to a task that is about to stop, and see it break. A target that drains gets no new requests
//! and finishes those it has; one that cannot be connected to costs no request, for another is asked instead.

mod listener;
mod pick;
mod proxy;

pub use listener::{Front, Fronts};
pub use pick::{Group, Target};
