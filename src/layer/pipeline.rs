//! From a stream to gzip members on all processors, with memory that does not grow with the stream. A fixed set
//! of blocks goes round: filled and hashed by the caller's thread, packed by one of the workers, put back in order,
//! hashed and written by a writer, then filled again. Who runs out of blocks waits.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::gzip::{BLOCK, Gzip};
use super::{Error, Level};
use crate::image::Hasher;

#[derive(Default)]
struct Block {
    index: u64,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

/// What went in and what came out.
pub(super) struct Hashes {
    pub(super) plain: Hasher,
    pub(super) packed: Hasher,
}

/// Compresses what `fill` writes into `out`, with `threads` workers. An error of `out` comes before one of `fill`,
/// whose cause it is.
pub(super) fn run<W: Write + Send>(
    level: Level,
    threads: usize,
    out: W,
    spoiled: impl FnOnce(io::Error) -> Error,
    fill: impl FnOnce(&mut Filler) -> Result<(), Error>,
) -> Result<Hashes, Error> {
    let (free, free_blocks) = channel();
    let (work, work_queue) = channel();
    let (done, done_blocks) = channel();
    for _ in 0..2 * threads + 2 {
        free.send(Block::default()).expect("the receiver is alive");
    }
    let queue = Mutex::new(work_queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, done) = (&queue, done.clone());
            scope.spawn(move || pack(level, queue, &done));
        }
        drop(done);
        let writer = scope.spawn(move || write(out, &done_blocks, &free));
        let mut filler = Filler { free: free_blocks, work, current: None, next: 0, hasher: Hasher::default() };
        let filled = fill(&mut filler).and_then(|()| filler.finish().map_err(Error::Write));
        let packed = writer.join().expect("the writer does not panic").map_err(spoiled)?;
        Ok(Hashes { plain: filled?, packed })
    })
}

fn pack(level: Level, queue: &Mutex<Receiver<Block>>, done: &Sender<Block>) {
    let mut gzip = Gzip::new(level);
    let next = || queue.lock().expect("no worker panics at the queue").recv();
    while let Ok(mut block) = next() {
        gzip.pack(&block.plain, &mut block.packed);
        if done.send(block).is_err() {
            return;
        }
    }
}

fn write(mut out: impl Write, done: &Receiver<Block>, free: &Sender<Block>) -> io::Result<Hasher> {
    let mut hasher = Hasher::default();
    let mut early = BTreeMap::new();
    let mut next = 0;
    for block in done {
        early.insert(block.index, block);
        while let Some(block) = early.remove(&next) {
            hasher.update(&block.packed);
            out.write_all(&block.packed)?;
            next += 1;
            // Nobody fills blocks any more once the stream has ended.
            let _ = free.send(block);
        }
    }
    out.flush()?;
    Ok(hasher)
}

/// The writing end: hashes the stream and cuts it into blocks.
pub(super) struct Filler {
    free: Receiver<Block>,
    work: Sender<Block>,
    current: Option<Block>,
    next: u64,
    hasher: Hasher,
}

impl Filler {
    fn block(&mut self) -> io::Result<&mut Block> {
        if self.current.is_none() {
            let mut block = self.free.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            block.plain.clear();
            block.plain.reserve_exact(BLOCK);
            block.index = self.next;
            self.next += 1;
            self.current = Some(block);
        }
        Ok(self.current.as_mut().expect("just put there"))
    }

    fn send(&mut self) -> io::Result<()> {
        match self.current.take() {
            Some(block) => self.work.send(block).map_err(|_| io::ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }

    /// Sends the last block. An empty stream becomes one empty member, since no bytes at all are no gzip file.
    fn finish(mut self) -> io::Result<Hasher> {
        if self.next == 0 {
            self.block()?;
        }
        self.send()?;
        Ok(self.hasher)
    }
}

impl Write for Filler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let block = self.block()?;
        let taken = bytes.len().min(BLOCK - block.plain.len());
        block.plain.extend_from_slice(&bytes[..taken]);
        let full = block.plain.len() == BLOCK;
        self.hasher.update(&bytes[..taken]);
        if full {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
