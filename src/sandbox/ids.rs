//! Names that nobody has used before: upload sessions, request ids, secrets. Random at each start, then counted.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::image::Hasher;

pub struct Ids {
    seed: [u8; 32],
    counter: AtomicU64,
}

impl Ids {
    pub fn new() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
        Ok(Ids { seed, counter: AtomicU64::new(0) })
    }

    /// 64 hex digits.
    pub fn hex(&self) -> String {
        let mut hasher = Hasher::default();
        hasher.update(&self.seed);
        hasher.update(&self.counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        hasher.digest().hex().to_owned()
    }

    /// In the form 8-4-4-4-12, as ECR names uploads and AWS names requests.
    pub fn uuid(&self) -> String {
        let hex = self.hex();
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }
}
