//! How a load balancer looks at a task: through the same door as its requests.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{HOST, USER_AGENT};
use hyper_util::rt::TokioIo;

use super::network::Network;

/// What makes a target healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetCheck {
    /// A GET of this path is answered with one of these codes.
    Http { path: String, codes: RangeInclusive<u16> },
    /// A connection is taken.
    Tcp,
}

impl Default for TargetCheck {
    /// Any answer that does not say the application is broken: target groups are not simulated, so nobody knows
    /// which page they would ask for.
    fn default() -> Self {
        TargetCheck::Http { path: "/".into(), codes: 200..=499 }
    }
}

impl TargetCheck {
    pub async fn passes(&self, network: &Network, port: u16, limit: Duration) -> bool {
        let look = async {
            let stream = network.connect(port).await.ok()?;
            match self {
                TargetCheck::Tcp => Some(true),
                TargetCheck::Http { path, codes } => Some(codes.contains(&get(stream, path).await?)),
            }
        };
        tokio::time::timeout(limit, look).await.ok().flatten().unwrap_or(false)
    }
}

async fn get(stream: tokio::net::TcpStream, path: &str) -> Option<u16> {
    let host = stream.peer_addr().ok()?.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path).header(HOST, host).header(USER_AGENT, "ELB-HealthChecker/2.0");
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let answer = sender.send_request(request);
    tokio::select! {
        answer = answer => Some(answer.ok()?.status().as_u16()),
        Err(_) = connection => None,
    }
}
