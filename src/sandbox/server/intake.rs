//! A request's body on its way in. Memory stays flat however large it is: chunks go from the socket to a thread that
//! hashes and writes them, a few at a time. Here a rule may slow the body down or cut it off.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::clock::Clock;
use crate::sandbox::blobs::Draft;

pub struct Intake {
    body: Incoming,
    clock: Clock,
    pub cut_after: Option<u64>,
    pub bytes_per_second: Option<u64>,
    received: u64,
    kept: Option<BytesMut>,
}

/// Why a body did not come in.
#[derive(Debug)]
pub enum Trouble {
    /// The connection broke, or is to break.
    Cut,
    TooLarge,
    Disk(io::Error),
}

/// Chunks between the socket and the disk.
const QUEUE: usize = 8;

impl Intake {
    pub fn new(body: Incoming, clock: Clock) -> Self {
        Intake { body, clock, cut_after: None, bytes_per_second: None, received: 0, kept: None }
    }

    /// From here on a copy of what comes in is kept.
    pub fn keep(&mut self) {
        self.kept = Some(BytesMut::new());
    }

    /// The copy.
    pub fn kept(&mut self) -> Option<Bytes> {
        self.kept.take().map(BytesMut::freeze)
    }

    /// Bytes taken in so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    pub async fn next(&mut self) -> Result<Option<Bytes>, Trouble> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let Ok(mut data) = frame.map_err(|_| Trouble::Cut)?.into_data() else { continue };
            if let Some(rate) = self.bytes_per_second {
                self.clock.sleep(Duration::from_secs_f64(data.len() as f64 / rate as f64)).await;
            }
            let left = self.cut_after.map_or(u64::MAX, |limit| limit.saturating_sub(self.received));
            let cut = left < data.len() as u64;
            data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.received += data.len() as u64;
            if let Some(kept) = &mut self.kept {
                kept.extend_from_slice(&data);
            }
            return if cut { Err(Trouble::Cut) } else { Ok(Some(data)) };
        }
    }

    /// The whole body, if it is no larger than this.
    pub async fn all(&mut self, limit: usize) -> Result<Bytes, Trouble> {
        let mut whole = BytesMut::new();
        while let Some(data) = self.next().await? {
            if whole.len() + data.len() > limit {
                return Err(Trouble::TooLarge);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Appends the body to a draft and counts it. If it does not come in whole, the draft is as it was before.
    pub async fn pour(&mut self, mut draft: Draft) -> (Option<Draft>, Result<u64, Trouble>) {
        let (send, mut queue) = mpsc::channel::<Bytes>(QUEUE);
        let (mark, before) = (draft.mark(), draft.size());
        let writer = spawn_blocking(move || {
            while let Some(data) = queue.blocking_recv() {
                draft.write(&data)?;
            }
            Ok::<_, io::Error>(draft)
        });
        let end = loop {
            match self.next().await {
                Ok(Some(data)) => {
                    // The writer is gone if the disk is full; it will say so itself.
                    if send.send(data).await.is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(trouble) => break Err(trouble),
            }
        };
        drop(send);
        let written = writer.await.map_err(io::Error::other).and_then(|written| written);
        match (written, end) {
            (Ok(draft), Ok(())) => {
                let size = draft.size() - before;
                (Some(draft), Ok(size))
            }
            (Ok(mut draft), Err(trouble)) => match draft.rewind(mark) {
                Ok(()) => (Some(draft), Err(trouble)),
                Err(why) => (None, Err(Trouble::Disk(why))),
            },
            (Err(why), _) => (None, Err(Trouble::Disk(why))),
        }
    }
}
