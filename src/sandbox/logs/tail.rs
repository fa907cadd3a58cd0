//! Containers that really run write into files. What has come in since the last look is handed on, whole lines only,
//! until a file is gone. A file is looked at when somebody reads logs and when its task ends, so a line's time is
//! that of the look.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::Destination;

/// Files that are followed; of more, the oldest are let go.
const FILES: usize = 1_000;

/// Read at most at once from one file.
const CHUNK: u64 = 1024 * 1024;

#[derive(Default)]
pub struct Tails(VecDeque<Tail>);

struct Tail {
    path: PathBuf,
    to: Destination,
    read: u64,
}

impl Tails {
    /// Follows a file, if it is not followed already.
    pub fn follow(&mut self, path: PathBuf, to: Destination) {
        if self.0.iter().any(|tail| tail.path == path) {
            return;
        }
        if self.0.len() == FILES {
            self.0.pop_front();
        }
        self.0.push_back(Tail { path, to, read: 0 });
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines that are new, by where they go.
    pub fn news(&mut self) -> Vec<(Destination, Vec<String>)> {
        let news = self.0.iter_mut().filter_map(|tail| Some((tail.to.clone(), tail.news()?)));
        let news: Vec<_> = news.filter(|(_, lines)| !lines.is_empty()).collect();
        self.0.retain(|tail| tail.read == 0 || tail.path.exists());
        news
    }
}

impl Tail {
    fn news(&mut self) -> Option<Vec<String>> {
        let bytes = read(&self.path, self.read).ok()?;
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // One line without an end, longer than what is read at once.
            None if bytes.len() as u64 == CHUNK => bytes.len(),
            None => 0,
        };
        self.read += whole as u64;
        let text = String::from_utf8_lossy(&bytes[..whole]);
        // CloudWatch Logs takes no empty lines.
        Some(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}

fn read(path: &Path, from: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes)?;
    Ok(bytes)
}
