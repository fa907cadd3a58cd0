//! What a client may be told about the network. Everything has a default that suits CI.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Options {
    /// PEM file with certificate authorities to trust besides the machine's.
    pub ca_bundle: Option<PathBuf>,
    /// How long a server may be silent before the attempt counts as failed. A blob's body going out is not silence.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// Hosts (with port, as in the reference) that may be spoken to without TLS. Loopback hosts need no entry.
    /// Credentials are never sent to them unencrypted.
    pub insecure: Vec<String>,
    pub user_agent: String,
    /// How often an operation is tried in all.
    pub attempts: usize,
    /// Wait before the second attempt; doubled for each further one, with jitter on top.
    pub base_delay: Duration,
    /// The longest wait, and the longest `Retry-After` that is obeyed; a server that asks for more has failed.
    pub max_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ca_bundle: None,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(20),
            insecure: Vec::new(),
            user_agent: concat!("dockless/", env!("CARGO_PKG_VERSION")).to_owned(),
            attempts: 5,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
        }
    }
}
